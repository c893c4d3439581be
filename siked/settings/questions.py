"""Settings of the questions: sources, held-out part, overlap."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from siked.settings.base import Fraction01, Name, OneOf, Seed, Settings
from siked.settings.tables import FORMATS


class Source(Settings):
    """Where questions come from."""

    format: Annotated[str, OneOf(tuple(FORMATS))]
    """Layout of the file; `dataset` is a folder that `datasets.save_to_disk` wrote, `demo` the
    problems that this project writes itself."""
    path: str | None = None
    """File or folder below `questions.root`, or a hub data set as `hf:OWNER/NAME`. Not for
    `demo`."""
    split: str = "train"
    """Split of a data set on the hub or on disk; `train` or `test` file of a `gsm8k` folder; for
    `demo`, `train`, `seen` (new numbers in families that train has) or `unseen` (families that
    train lacks)."""
    revision: str | None = None
    """Commit of a hub data set."""
    question_field: str = "question"
    """Field or column that holds the question (`jsonl`, `csv`, `parquet`, `dataset`)."""
    answer_field: str = "answer"
    """Field or column that holds the answer (`jsonl`, `csv`, `parquet`, `dataset`)."""
    answers: Literal["numbers", "expressions"] = "numbers"
    """Which answers count: `numbers` alone, or `expressions` such as `2\\sqrt{3}` and `x^2 + 1` as
    well, which Math-Verify compares (`jsonl`, `csv`, `parquet`, `dataset`). Rows with others are
    left out."""
    rows: PositiveInt | None = None
    """Take this many rows, drawn by a stable hash of the question; all where null. For `demo`,
    how many to write."""
    themes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Only the problem families of these files, as `percent` for `percent.yaml` (`demo`); all where
    null. Fewer families are easier to learn."""
    max_steps: PositiveInt | None = None
    """Leave out questions whose worked solution has more steps."""

    @model_validator(mode="after")
    def _path_goes_with_format(self) -> Self:
        if self.format == "demo":
            if self.path is not None:
                raise ValueError("the demo format reads no file: drop `path`")
            if self.rows is None:
                raise ValueError("the demo format needs `rows`, how many questions to write")
            if self.split not in {"train", "seen", "unseen"}:
                raise ValueError("`split` of the demo format is train, seen or unseen")
        elif self.themes is not None:
            raise ValueError("`themes` is for the demo format alone")
        elif self.path is None:
            raise ValueError(f"the {self.format} format needs `path`")
        return self


class Overlap(Settings):
    """When a train question counts as the same as a test question."""

    ngram: PositiveInt
    """Length of the compared word sequences (numbers kept, case and punctuation ignored)."""
    threshold: Fraction01
    """Smallest share of common n-grams (Jaccard) at which the train question is dropped."""


class QuestionSettings(Settings):
    """What to learn from and what to test on."""

    seed: Seed
    """Seed of the written problems; apart from the run's, so that runs share their questions."""
    root: str
    """Folder below which the sources' paths lie."""
    train: Annotated[dict[Name, Source], Field(min_length=1)]
    """Sources of train questions, by name."""
    test: Annotated[dict[Name, Source], Field(min_length=1)]
    """Test sets, by name. They never train and never select."""
    dev_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the train questions that is held out to select the best iteration, chosen by a
    stable hash of the question."""
    overlap: Overlap
    """Which train questions are dropped for being too close to a test question."""
    exclude_known_errors: bool = False
    """Leave out questions whose published answer is known to be wrong (`data/known-errors.yaml`).
    Scores are then not those of the whole test set."""
