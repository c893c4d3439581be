"""How much a run asks: the size of its models, its questions, and how many answers are right.

A model's parameters are counted in its weight files, or read off its name:

    models/base with *.safetensors                       134,515,008
    hf:Qwen/Qwen2-1.5B-Instruct                          1,500,000,000
    SmolLM2-135M-Instruct.Q4_1.gguf                      135,000,000
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from siked.errors import UserError
from siked.questions.sources import read
from siked.settings import Params, QuestionSettings, Source

PUBLISHED = {
    ("gsm8k", "train"): 7_473,
    ("gsm8k", "test"): 1_319,
    ("svamp", "train"): 1_000,
    ("asdiv", "train"): 2_305,
    ("multiarith", "train"): 600,
}
"""Rows of the published files, for where they are not here; every split but GSM8K's is all rows."""
CHARACTERS = 234.0
"""Of a question, where none can be read: GSM8K's mean."""
TEACHER, STUDENT, WORKED = 0.85, 0.40, 0.99
"""Rationales that are right, where nothing tells; the last of worked solutions written as such."""

_IN_NAME = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)\s?([bBmM])(?![A-Za-z0-9])", re.ASCII)


def count_parameters(folder: Path) -> int | None:
    """Return the parameters in a model folder's weight files; None where there are none."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        total += sum(
            math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"
        )
    return total or None


def read_size(text: str) -> float | None:
    """Return the size in a model's name (``7B``, ``1.5b``, ``135M``); None where it has none."""
    found = _IN_NAME.findall(text)
    return float(found[-1][0]) * {"b": 1e9, "m": 1e6}[found[-1][1].lower()] if found else None


def find_size(source: str, told: str | None, option: str, gguf: str | None = None) -> float:
    """Return a model's parameters.

    Args:
        source: where it comes from, as in settings.
        told: what the user says of its size (``7B``), if anything.
        option: the option that the user says it with.
        gguf: the file of a GGUF model, whose name may say it too.

    Raises:
        UserError: nothing tells the size.
    """
    if told is not None:
        if (size := read_size(told)) is None:
            raise UserError(f"{option}: {told!r} is no size: write it as 7B or 135M")
        return size
    kind, _, place = source.partition(":")
    inside = count_parameters(Path(place)) if kind == "path" else None
    if size := inside or read_size(gguf or "") or read_size(source):
        return float(size)
    raise UserError(f"{source}: nothing tells how large it is: add {option} 7B")


@dataclass(frozen=True)
class QuestionCounts:
    """The questions of a run."""

    train: int
    dev: int
    tests: dict[str, int]
    characters: float
    """Mean length of a train question."""

    @property
    def evaluated(self) -> int:
        """The questions of one evaluation."""
        return self.dev + sum(self.tests.values())


def count_questions(settings: QuestionSettings, told: int | None) -> QuestionCounts:
    """Return how many questions all sources have, reading the files that are here.

    Questions that would be dropped for overlapping a test set are counted too.

    Args:
        settings: where the questions come from.
        told: train questions, where the user says how many; dev questions come on top.

    Raises:
        UserError: a source's number of questions cannot be known, or its file is malformed.
    """
    held_out, characters = settings.dev_fraction, CHARACTERS
    if told is None:
        sources = [_count_rows(*source, settings) for source in settings.train.items()]
        pool = sum(rows for rows, _ in sources)
        dev = round(pool * held_out)
        train = pool - dev
        characters = sum(rows * mean for rows, mean in sources) / (pool or 1)
    else:
        train, dev = told, round(told * held_out / (1 - held_out))
    tests = {name: _count_rows(name, one, settings)[0] for name, one in settings.test.items()}
    return QuestionCounts(train, dev, tests, characters)


def _count_rows(name: str, source: Source, settings: QuestionSettings) -> tuple[int, float]:
    """Return a source's questions and their mean length."""
    path, root = source.path or "", Path(settings.root)
    split = source.split if source.format == "gsm8k" else "train"
    published = PUBLISHED.get((source.format, split))
    if source.format == "demo" or (not path.startswith("hf:") and (root / path).exists()):
        try:
            found = read(name, source, root, settings.seed).questions
        except UserError:
            if published is None:
                raise
        else:
            return len(found), sum(len(one.question) for one in found) / (len(found) or 1)
    if (rows := published or source.rows) is None:
        train = name in settings.train
        where = path if path.startswith("hf:") else root / path
        other = ", set its `rows` or add --questions N" if train else " or set its `rows`"
        raise UserError(
            f"questions.{'train' if train else 'test'}.{name}: {where} is not here, so its "
            f"questions cannot be counted: put it there{other}"
        )
    return min(rows, source.rows or rows), CHARACTERS


@dataclass(frozen=True)
class WriterRates:
    """How often one who writes rationales is right."""

    shares: dict[str, float]
    """Of right samples, by strategy."""
    source: str
    """Where this is from, in a few words."""

    def describe(self) -> str:
        """Return ``40%: an assumption``."""
        return f"{sum(self.shares.values()) / len(self.shares):.0%}: {self.source}"


def count_kept(share: float, samples: int, keep: int | None) -> float:
    """Return the right samples of a question, of which at most ``keep`` count; all where None.

    Samples of a question are no independent tries: most questions are solved nearly always or
    nearly never. The chance of a right sample is spread over them as Beta(share, 1 - share).
    """
    from scipy.stats import betabinom  # takes a second, which no other command should wait for

    if keep is None or keep >= samples or not 0 < share < 1:
        return share * (samples if keep is None else min(keep, samples))
    # The mean of min(keep, right) is the sum of the chances of at least 1, 2, ... keep.
    return float(sum(betabinom.sf(least, samples, share, 1 - share) for least in range(keep)))


def expect_teacher(params: Params, seen: WriterRates | None) -> WriterRates:
    """Return how often the teacher will be right, as ``seen`` in a run with the same one."""
    worked = {name: one.engine == "annotations" for name, one in params.teachers().items()}
    source = "made from worked solutions" if all(worked.values()) else "an assumption"
    shares = {name: WORKED if from_people else TEACHER for name, from_people in worked.items()}
    return seen or WriterRates(shares, source)


def expect_student(params: Params, seen: WriterRates | None, told: float | None) -> WriterRates:
    """Return how often the student will be right: as the user says, as ``seen``, or assumed."""
    if told is not None:
        return WriterRates(dict.fromkeys(params.strategies, told), "as --acceptance says")
    shares = dict.fromkeys(params.strategies, STUDENT)
    return seen or WriterRates(shares, "an assumption, see --acceptance")
