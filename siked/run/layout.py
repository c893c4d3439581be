"""Where every file of a run lies, in one place; the paths are those of ``dvc.yaml``."""

import os
from pathlib import Path

PARAMS = Path("params.yaml")
PRESETS = Path("presets")
STUDENT_PRESETS = PRESETS / "students"
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")

RAW = Path("data/raw")
"""Published data sets."""
KNOWN_ERRORS = Path("data/known-errors.yaml")
RECORDED = Path("data/recorded")
QUESTIONS = Path("data/questions")
TRAIN = QUESTIONS / "train.jsonl"
DEV = QUESTIONS / "dev.jsonl"
LEFT_OUT = QUESTIONS / "left-out.jsonl"
OVERLAP = Path("data/overlap.json")
TEACHER = Path("data/teacher")
TEACHERS = TEACHER / "settings"
"""Who teaches each strategy: a file each, so that a strategy waits for its own teacher alone."""
RATIONALES = TEACHER / "rationales"
D_LLM = TEACHER / "verified.jsonl"
WRITTEN = Path("data/students")
"""What students wrote, a folder each."""
CARDS = Path("data/cards")

SOURCE = Path("data/student.json")
"""Hashes of the files that a ``path:`` student is made of, for git."""
BASE = Path("models/base")
STUDENTS = Path("models/students")
BEST = Path("models/best")

METRICS = Path("metrics")
COUNTED = METRICS / "students"
"""What the steps of students counted, a folder each."""
FOUND = METRICS / "questions.json"
TAUGHT = METRICS / "teacher.json"
"""What the filter counted of the teacher's rationales."""
SUMMARY = METRICS / "summary.json"
ITERATIONS = METRICS / "iterations"
"""For git, a file a student: all that its steps counted."""
TEACH = METRICS / "teach"
PLOTS = Path("plots")
CURVES = PLOTS / "students"
REPORTS = Path("reports")
EXPORTS = Path("exports")
WHOLE = (RAW.parent, BASE.parent, METRICS, PLOTS, REPORTS, EXPORTS)
"""The folders of a run that hold all of its files but those below ``SCRATCH``."""

FREE = Path()
FORCED = Path("forced")
"""Below a student's answers: the greedy ones with each strategy forced."""
SAMPLED = Path("sampled")
"""Below a student's answers: several samples of each strategy."""

SCRATCH = Path(".siked")
"""What must outlive a stage and never enters an output; ``kept`` finds it."""
JOURNAL = SCRATCH / "journal"
"""What models have generated."""
VERDICTS = SCRATCH / "filter"
CHECKPOINTS = SCRATCH / "checkpoints"
DOWNLOADS = SCRATCH / "downloads"
PROGRESS = SCRATCH / "progress"
TIMINGS = SCRATCH / "timings.jsonl"
MLFLOW = SCRATCH / "mlflow.db"
SERVED = SCRATCH / "served"
"""Merged models that were served, by the hash of what they are made of."""


def test_set(name: str) -> Path:
    """Return the questions of a test set."""
    return QUESTIONS / f"test-{name}.jsonl"


def questions(name: str) -> Path:
    """Return the file of train, dev or a test set by its name."""
    return next((path for path in (TRAIN, DEV) if path.stem == name), test_set(name))


def teacher(strategy: str) -> Path:
    """Return the file of the settings of who writes with a strategy."""
    return TEACHERS / f"{strategy}.json"


def rationales(strategy: str) -> Path:
    """Return the file of what the teacher wrote with a strategy, before any check."""
    return RATIONALES / f"{strategy}.jsonl"


def gathered(student: str) -> Path:
    """Return the file that git keeps of all that a student's steps counted."""
    return ITERATIONS / f"{student}.json"


def benchmark(name: str, kind: Path = FREE) -> Path:
    """Return where answers to dev or a test set lie below a student's."""
    return kind / f"{name}.jsonl"


class StudentFiles:
    """The files of one student: ``it1``, a baseline (``baseline-cot``) or a rival."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.generated = WRITTEN / name / "generated.jsonl"
        """What the previous student wrote, before any check."""
        self.verified = WRITTEN / name / "verified.jsonl"
        """The same with verdicts; the correct ones are D_self."""
        self.mix = WRITTEN / name / "mix.jsonl"
        """What this student was trained on."""
        self.answers = WRITTEN / name / "answers"
        """Its greedy answers, a file a benchmark, and folders ``FORCED`` and ``SAMPLED``."""
        self.plateau = WRITTEN / name / "plateau.json"
        """Whether the loop goes on after it."""
        self.adapter = STUDENTS / name
        """Its LoRA adapter on top of the base model."""
        self.loss = CURVES / name / "loss.csv"
        """Its loss curve."""

    def metrics(self, step: str) -> Path:
        """Return a step's figures: ``generate``, ``filter``, ``mix``, ``train`` or ``eval``."""
        return COUNTED / self.name / f"{step}.json"


def baseline(strategy: str) -> str:
    """Return the name of a strategy's baseline."""
    return f"baseline-{strategy}"


def kept(path: Path) -> Path:
    """Return where a path below ``SCRATCH`` lies.

    DVC names the main checkout in ``DVC_ROOT``, also to an experiment that runs in a temporary
    copy: all of a repository's experiments share that folder.
    """
    return Path(os.environ.get("DVC_ROOT", ".")).resolve() / path
