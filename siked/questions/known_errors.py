"""Questions whose published answer is known to be wrong: ``data/known-errors.yaml``.

    - id: svamp-chal-99
      text: 9c1185a5c5e9fc54
      gold: "2"
      reason: 12 - 8 is 4
      source: own reading; the file's equation is ( 12.0 - 8.0 )

An entry is found by the question's text and its wrong answer together, whatever the source is
called and in whatever format it comes; ``text`` is a hash, since not every licence lets a question
be copied. ``id`` is what the question is called by the presets' sources. A publisher that mends
the answer is taken again.
"""

from collections.abc import Iterable
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, field_validator

from siked.errors import UserError
from siked.files import read_yaml
from siked.questions.gold import exact
from siked.questions.splits import normalise
from siked.records import Question


class KnownError(BaseModel):
    """One wrong label."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """The question's id in the presets."""
    text: str
    """What ``fingerprint`` gives for the question."""
    gold: str
    """The published answer."""
    reason: str
    """Why it is wrong, in a line."""
    source: str
    """Who found it, and where that is said."""

    @field_validator("gold")
    @classmethod
    def _gold_is_a_number(cls, value: str) -> str:
        exact(value)
        return value


class KnownErrors:
    """Wrong labels by question and answer."""

    def __init__(self, entries: Iterable[KnownError]) -> None:
        """Args: entries: the wrong labels."""
        self._found: dict[tuple[str, Fraction], KnownError] = {
            (one.text, exact(one.gold)): one for one in entries
        }

    def of(self, question: Question) -> KnownError | None:
        """Return the entry of a question and its answer; None where nothing speaks against them."""
        try:
            gold = exact(question.answer)
        except ValueError:  # an expression: the file's entries are numbers
            return None
        return self._found.get((fingerprint(question.question), gold))


def fingerprint(question: str) -> str:
    """Return a hash of a question's words and numbers, as 16 hexadecimal digits."""
    return sha256(normalise(question).encode()).hexdigest()[:16]


def read_entries(path: Path) -> tuple[KnownError, ...]:
    """Return the entries of the file.

    Raises:
        UserError: it is missing, is not YAML, or an entry does not fit.
    """
    try:
        raw = read_yaml(path, f"`git checkout {path}` brings it back")
        return TypeAdapter(tuple[KnownError, ...]).validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: entry {where}: {first['msg']}") from None


def load(path: Path) -> KnownErrors:
    """Return the wrong labels that the file lists.

    Raises:
        UserError: it is missing, is not YAML, or an entry does not fit.
    """
    return KnownErrors(read_entries(path))
