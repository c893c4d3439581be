"""A student's answers, from the workspace or from any revision that DVC's cache knows.

    it2                 the workspace's iteration 2; baseline-pot: a baseline
    fuzzy-hare          the student that an experiment, branch, tag or commit selected
    fuzzy-hare:it1      another student of that revision
    workspace           the student that the workspace's run selected; workspace:it1 is it1

A revision is read from git and from DVC's cache (or its remote); the workspace stays as it is. The
folders are those of ``dvc.yaml``:

    params.yaml                                 strategies
    metrics/summary.json, dvc.lock              the selected student
    data/questions/{dev,test-svamp}.jsonl       the questions
    data/students/it2/answers/{dev,svamp}.jsonl the answers, each with the strategy it chose
    data/students/it2/answers/forced/...        its answers with each strategy forced
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from siked.analysis.figures import DEV
from siked.analysis.paired import Answered
from siked.errors import UserError
from siked.files import read_json
from siked.records import Question, VerifiedRationale, read_records
from siked.run import locks

PARAMS = Path("params.yaml")
SUMMARY = Path("metrics/summary.json")
LOCK = Path("dvc.lock")
QUESTIONS = Path("data/questions")
STUDENTS = Path("data/students")
FORCED = "forced"
WORKSPACE = "workspace"


def find(name: str, root: Path = Path(), *, forced: str | None = None) -> Answered:
    """Read the student that a user names; see the module's docstring for the forms.

    Args:
        name: what the user wrote. A student of the workspace goes before a revision of that name.
        root: the repository's root.
        forced: its answers with this strategy forced; else those with the one that it chose.

    Raises:
        UserError: there is no such student or revision, or its answers are not at hand.
    """
    revision, colon, student = name.rpartition(":")
    if colon and not (revision and student):
        raise UserError(f"{name}: write REVISION:STUDENT, such as main:it2")
    if not colon:
        if (root / STUDENTS / name).is_dir():
            return _read(root, name, name, forced)
        revision, student = name, ""
    if revision == WORKSPACE:
        student = student or _selected(root, name)
        return _read(root, student, f"{WORKSPACE}:{student}" if colon else student, forced)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        try:
            student = _copy(root, revision, student, copy, forced)
            return _read(copy, student, f"{revision}:{student}", forced)
        except UserError as error:
            # As git names a file of a revision.
            raise UserError(str(error).replace(f"{copy}/", f"{revision}:")) from None


def _read(root: Path, student: str, name: str, forced: str | None) -> Answered:
    """Read a student's files below a root."""
    strategies = _strategies(root / PARAMS)
    if forced and forced not in strategies:
        raise UserError(f"--forced {forced}: {name} knows {', '.join(strategies)}")
    folder = root / _answers(student, forced)
    files = sorted(folder.glob("*.jsonl"), key=lambda path: (path.stem != DEV, path.stem))
    if not files and forced:
        raise UserError(
            f"{folder}: no answers with a strategy forced: baselines and `eval.forced: false` "
            "write none, others' are restored by `dvc pull` or `dvc checkout`"
        )
    if not files:
        known = ", ".join(sorted(path.parent.name for path in root.glob(f"{STUDENTS}/*/answers")))
        raise UserError(
            f"{folder}: no answers there (there are those of {known or 'no student'}): `dvc pull` "
            "or `dvc checkout` restores what a run made, `dvc repro` makes it"
        )
    return Answered(
        name=f"{name} by {forced}" if forced else name,
        strategies=(forced,) if forced else strategies,
        answers={
            path.stem: tuple(
                answer
                for answer in read_records(path, VerifiedRationale)
                if not forced or answer.strategy == forced
            )
            for path in files
        },
        questions={
            path.stem: {
                one.id: one for one in read_records(root / questions_of(path.stem), Question)
            }
            for path in files
        },
    )


def _answers(student: str, forced: str | None) -> Path:
    """The folder of its answers."""
    folder = STUDENTS / student / "answers"
    return folder / FORCED if forced else folder


def questions_of(benchmark: str) -> Path:
    """The file of a benchmark's questions."""
    return QUESTIONS / f"{DEV if benchmark == DEV else f'test-{benchmark}'}.jsonl"


def _strategies(params: Path) -> tuple[str, ...]:
    """The strategies that a run's settings name; the rest of an older file need not fit today's."""
    try:
        return tuple(str(one) for one in yaml.safe_load(params.read_bytes())["strategies"])
    except (OSError, yaml.YAMLError, TypeError, KeyError):
        raise UserError(
            f"{params}: no list of strategies in it: not a run of this pipeline"
        ) from None


def _selected(root: Path, revision: str) -> str:
    """The student that a run selected."""
    found = read_json(root / SUMMARY)
    if not isinstance(found, dict) or "selected" not in found:
        raise UserError(
            f"{root / SUMMARY}: it names no selected student: run `dvc repro` to the end"
        )
    text = (root / LOCK).read_text(encoding="utf-8") if (root / LOCK).is_file() else ""
    params = yaml.safe_load((root / PARAMS).read_bytes())
    if not locks.of_this_run("select", locks.stages(text), params):
        raise UserError(
            f"{revision}: it was run up to a stage before `select`: name a student, {revision}:it0"
        )
    return str(found["selected"])


def _copy(root: Path, revision: str, student: str, target: Path, forced: str | None) -> str:
    """Copy what ``_read`` needs of a revision; return the student (the selected one if empty)."""
    with _files(root, revision) as files:
        _fetch(files, revision, PARAMS, target)
        if not student:
            _fetch(files, revision, SUMMARY, target)
            _fetch(files, revision, LOCK, target)
            student = _selected(target, revision)
        answers = _answers(student, None)
        with _at_hand(revision, answers):
            found = [Path(path) for path in files.find(str(answers))]
        if not found:
            with _at_hand(revision, STUDENTS):
                names = [Path(path).name for path in files.ls(str(STUDENTS), detail=False)]
            raise UserError(
                f"{revision}: there is no student {student!r}: it has {', '.join(sorted(names))}"
            )
        for path in found:
            if path.parent == _answers(student, forced):
                _fetch(files, revision, path, target)
                _fetch(files, revision, questions_of(path.stem), target)
    return student


@contextlib.contextmanager
def _files(root: Path, revision: str) -> Iterator[Any]:
    """A revision's files, git's and DVC's alike; a revision is also the name of an experiment."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import RevError

    try:
        with Repo.open(str(root), rev=revision) as repo:
            yield DVCFileSystem(repo)
    except RevError:
        known = sorted(path.parent.name for path in root.glob(f"{STUDENTS}/*/answers"))
        raise UserError(
            f"{revision}: neither a student of the workspace ({', '.join(known) or 'none there'}) "
            "nor an experiment, branch, tag or commit: `dvc exp list`, `git log` show those"
        ) from None
    except DvcException as error:
        first = str(error).partition("\n")[0]
        raise UserError(f"{revision}: DVC cannot read it: {first}") from None


def _fetch(files: Any, revision: str, path: Path, target: Path) -> None:
    """Copy one file."""
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    with _at_hand(revision, path):
        files.get_file(str(path), str(target / path))


@contextlib.contextmanager
def _at_hand(revision: str, path: Path) -> Iterator[None]:
    """Say what brings a file that neither git nor DVC's cache or remote has."""
    from dvc_data.index import DataIndexDirError

    try:
        yield
    except (FileNotFoundError, DataIndexDirError):
        raise UserError(
            f"{revision}: {path} is neither in git nor in DVC's cache: `dvc exp pull` gets an "
            "experiment, `dvc fetch --all-commits` what commits name; else run it again"
        ) from None
    except Exception as error:  # noqa: BLE001 - a remote raises what its client library does
        first = str(error).partition("\n")[0]
        raise UserError(
            f"{revision}: {path} is not in DVC's cache, and its remote gives {first!r}: "
            "`dvc fetch` says more"
        ) from None
