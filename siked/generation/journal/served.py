"""The journal of a model behind a server, whose weights nobody here can see.

Its samples are those of a name at a URL, and of the very requests that would be sent: another URL
is another model, since names such as ``default`` say little. The server's key is no part of it.
"""

from __future__ import annotations

from pathlib import Path

from siked.generation.engine import Engine, Sampling
from siked.generation.journal.engine import Journal
from siked.generation.journal.samples import Samples
from siked.settings import OpenAISettings


def open_served(settings: OpenAISettings, model: str, *, journal: Path) -> Journal:
    """The engine of a served model behind its journal; the server is asked for missing samples.

    Args:
        settings: which server, and how it is asked.
        model: its name there.
        journal: the folder of all models' samples.
    """
    from siked.generation.openai.requests import body

    def opened() -> Engine:
        from siked.generation.openai.engine import OpenAIEngine

        return OpenAIEngine(settings, model)

    url = settings.url.rstrip("/")
    served = {"engine": settings.name, "url": url, "api": settings.api, "model": model}
    drawn = Sampling(temperature=1, top_k=1, stop=("",))  # names all fields; values are in the key
    return Journal(
        Samples(journal, served, model),
        lambda prompt: body(settings, model, prompt, drawn, range(1)),
        opened,
    )
