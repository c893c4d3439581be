r"""What reaches the terminal: tables, lines, and no character that steers it.

Texts of models, servers and files may hold escape sequences, marks that turn the direction of
writing, and halves of characters; whatever is printed goes through ``make_printable``.

    "18\x1b[2J apples"                   -> "18␛[2J apples"
    "http://me:secret@host/v1: refused"  -> "http://***@host/v1: refused"
"""

from __future__ import annotations

import os
import re
import sys
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, ConsoleOptions, ConsoleRenderable
    from rich.segment import Segment

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_USER_IN_URL = re.compile(r"://[^/\s@]*+@(?:[^/\s@]*+@)*+")
_IN_QUERY = re.compile(r"([?&;])([\w.-]*+)=[^&;#\s\"']++")
_HEADER = re.compile(
    r"(?<![\w-])((?:proxy-)?authorization|(?:x-)?api[-_]?key)([\"']?\s*+[:=]\s*+[\"']?)"
    r"(?:(?:bearer|basic|token)\s++)?[^\s\"',;}]++",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\bbearer\s++[^\s\"',;}]++", re.IGNORECASE)
_KEY = re.compile(r"(?<![\w-])(?:sk-|hf_)[\w-]{8,}+")
_SECRET_NAMES = ("key", "token", "secret", "password", "passwd", "auth", "signature", "credential")
_SECRET_VARIABLES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_ACCESS_KEY_ID")
_SHORTEST_SECRET = 6


def make_printable(text: str) -> str:
    """Return a text with a visible sign for each character that would steer a terminal.

    Line breaks and tabs stay.
    """
    return text if text.isascii() and text.isprintable() else _STEERING.sub(_sign, text)


def mask_secrets(text: str, *secrets: str) -> str:
    """Return a text with ``***`` for keys, tokens and passwords.

    These are ``secrets``, the values of variables of the environment such as ``OPENAI_API_KEY``,
    and what looks like one: the user in a URL, ``token=`` in its query, an ``Authorization``.
    """
    held = [
        value
        for name, value in os.environ.items()
        if name.endswith(_SECRET_VARIABLES) and len(value) >= _SHORTEST_SECRET
    ]
    for secret in sorted({*held, *filter(None, secrets)}, key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _USER_IN_URL.sub("://***@", text)
    text = _IN_QUERY.sub(_without_value, text)
    text = _HEADER.sub(r"\1\2***", text)
    return _KEY.sub("***", _BEARER.sub("Bearer ***", text))


def say(text: object = "", *, end: str = "\n", file: IO[str] | None = None) -> None:
    """Print a text, standard output's if no file is given, without what would steer a terminal."""
    print(make_printable(str(text)), end=end, file=file, flush=True)


def show_what_fits() -> None:
    """Let standard output and standard error print ``?`` for a character that they cannot encode.

    Without it a question in Chinese ends a command whose output goes to an ASCII terminal.
    """
    for stream in (sys.stdout, sys.stderr):
        # Libraries put wrappers of their own around the two (colorama, test runners).
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")


def console(columns: int = 120, *, stderr: bool = False, **options: Any) -> Console:
    """Return a console: as wide as its terminal, or so many columns into a file or a pipe.

    rich would take 80 there and cut cells off. What it renders holds nothing that steers a
    terminal, rich's own colours aside.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else columns
    made = Console(highlight=False, stderr=stderr, **{"width": width, **options})
    made.push_render_hook(_Hook())  # type: ignore[arg-type]
    return made


class _Hook:
    """rich's way to change whatever a console is about to render."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [Printable(one) for one in renderables]


class Printable:
    """Something to render, its texts printable; what is shown live needs it said."""

    def __init__(self, inside: ConsoleRenderable) -> None:
        self._inside = inside

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        for one in console.render(self._inside, options):
            yield one if one.control else one._replace(text=make_printable(one.text))


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def _without_value(match: re.Match[str]) -> str:
    secret = any(name in match[2].lower() for name in _SECRET_NAMES)
    return f"{match[1]}{match[2]}=***" if secret else match[0]
