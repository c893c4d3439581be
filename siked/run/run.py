"""A run, finished or not, in a folder or at a git revision: what its files say.

    run = Run(Path())
    run.chain                       # ["it0", "it1", "it2"]
    run.evaluation("it1")["dev"]    # {"accuracy": 0.2167, "n": 60, "low": 0.1312, ...}

A revision is read from git and from DVC's cache (or its remote); the workspace stays as it is. Its
small files come from git alone, which is fast; what DVC keeps is copied when it is asked for:

    with Revision(Path(), "fuzzy-hare") as run:
        run.answers("it1")          # {"dev": PosixPath('/tmp/tmpk3x/data/...'), ...}

``find`` reads one student by what a user calls it:

    it2                 the workspace's iteration 2; baseline-pot: a baseline; gkd: a rival
    fuzzy-hare          the student that an experiment, branch, tag or commit selected
    fuzzy-hare:it1      another student of that revision
    workspace           the student that the workspace's run selected; workspace:it1 is it1
"""

import contextlib
import csv
import hashlib
import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import yaml

from siked.analysis.figures import Evaluation
from siked.analysis.paired import Answered
from siked.errors import UserError, advise_pull
from siked.files import read_json
from siked.records import Question, VerifiedRationale, read_records
from siked.run import layout
from siked.run.dvc import LOADER, Stage, of_this_run, read_lock
from siked.settings import FIRST_ITERATION

WORKSPACE = "workspace"
CODE = ("dvc.yaml", "prompts", "siked", "stages")
"""What decides a run beside its settings and data."""
_LAST_CHANGE = ("log", "-1", "--format=%H")


class Run:
    """A run in a folder.

    Args:
        root: the repository's root, or an experiment's copy of it.
    """

    def __init__(self, root: Path = Path()) -> None:
        self.root = root

    def text(self, path: Path) -> str | None:
        """Return a file that git keeps; None where there is none."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def file(self, path: Path) -> Path:
        """Return where a file of the run can be read; it may be missing there."""
        return self.root / path

    def inside(self, folder: Path) -> list[Path]:
        """Return the paths of what lies in a folder, sorted; none where it is missing."""
        return [folder / path.name for path in sorted((self.root / folder).glob("*"))]

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """``params.yaml`` as it is; an older version's need not fit today's."""
        try:
            found = yaml.load(self.text(layout.PARAMS) or "", LOADER)
        except yaml.YAMLError:
            found = None
        return found if isinstance(found, dict) else {}

    @property
    def revision(self) -> str | None:
        """The last commit that changed code, prompts or pipeline; None outside a git repository.

        ``COMMIT, changed`` where the workspace differs from it.
        """
        commit = _git(self.root, *_LAST_CHANGE, "HEAD", "--", *CODE)
        changed = _git(self.root, "status", "--porcelain", "--", *CODE)
        return commit.strip() + (", changed" if changed else "") if commit else None

    @cached_property
    def lock(self) -> Mapping[str, Stage]:
        """What ``dvc.lock`` says of each stage, by DVC's names of them; empty without one.

        Raises:
            UserError: it is damaged.
        """
        return read_lock(self.text(layout.LOCK) or "", str(self.root / layout.LOCK))

    @property
    def strategies(self) -> tuple[str, ...]:
        """All strategies of the run.

        Raises:
            UserError: the settings name none.
        """
        found = self.settings.get("strategies")
        if not isinstance(found, list):
            path = self.root / layout.PARAMS
            if self.text(layout.PARAMS) is None:
                raise UserError(f"{path}: no such file: run in the repository's root")
            raise UserError(f"{path}: no list of strategies in it: not a run of this pipeline")
        return tuple(map(str, found))

    @property
    def chain(self) -> list[str]:
        """The iterations, from plain distillation to the last."""
        turns = self.settings.get("iterations") or {}
        follower = {one["previous"]: name for name, one in turns.items()}
        names = [FIRST_ITERATION]
        while (name := follower.get(names[-1])) and name not in names:
            names.append(name)
        return names

    @property
    def baselines(self) -> list[str]:
        """The students that know a single strategy."""
        named = self.settings.get("baselines", self.strategies)
        return [layout.baseline(strategy) for strategy in named]

    @property
    def rivals(self) -> list[str]:
        """The students that another method trained."""
        return list(self.settings.get("rivals") or {})

    @property
    def beside(self) -> list[str]:
        """The students beside the loop: baselines, then rivals."""
        return [*self.baselines, *self.rivals]

    def is_whole(self, stage: str) -> bool:
        """Return whether ``select`` or ``report`` read what the run's students have come to."""
        return of_this_run(stage, self.lock, {*self.chain, *self.beside})

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """``siked.analysis.figures.summarise``; empty before ``select``.

        Raises:
            UserError: the file is damaged.
        """
        found = self.figures(layout.SUMMARY)
        return found if isinstance(found, dict) else {}

    @property
    def selected(self) -> str:
        """The iteration that dev chose.

        Raises:
            UserError: none was chosen yet.
        """
        if "selected" not in self.summary:
            path = self.root / layout.SUMMARY
            raise UserError(f"{path}: it names no selected student: run `dvc repro` to the end")
        return str(self.summary["selected"])

    def figures(self, path: Path) -> Any:
        """Return the figures of a file that git keeps; empty where there is none.

        Raises:
            UserError: the file is damaged.
        """
        try:
            return json.loads(self.text(path) or "{}")
        except json.JSONDecodeError as error:
            raise UserError(f"{self.root / path}: not JSON: {error}") from None

    def counted(self, student: str) -> dict[str, Any]:
        """Return all that the steps of one student counted, by step; empty where none has run.

        Raises:
            UserError: a file is damaged.
        """
        return {
            path.stem: read_json(self.file(path))
            for path in self.inside(layout.COUNTED / student)
            if path.suffix == ".json" and not path.name.startswith(".")
        }

    def evaluation(self, student: str) -> Evaluation:
        """Return what a student was found to do, by benchmark.

        Raises:
            UserError: it was not evaluated, or the file is damaged.
        """
        return evaluation(read_json(self.file(layout.StudentFiles(student).metrics("eval"))))

    def previous(self, iteration: str) -> str:
        """Return the name of the iteration before one of the chain."""
        return str(self.settings["iterations"][iteration]["previous"])

    def answers(self, student: str, kind: Path = layout.FREE) -> dict[str, Path]:
        """Return a student's answers of a ``kind`` by benchmark, dev first; empty without any."""
        paths = self.inside(layout.StudentFiles(student).answers / kind)
        found = {path.stem: path for path in paths if path.suffix == ".jsonl"}
        order = sorted(found, key=lambda name: (name != layout.DEV.stem, name))
        return {name: self.file(found[name]) for name in order}

    def questions(self, name: str) -> dict[str, Question]:
        """Return the questions of train, dev or a test set by their ids.

        Raises:
            UserError: there is no such file, or a row does not fit.
        """
        path = self.file(layout.questions(name))
        return {one.id: one for one in read_records(path, Question)}

    @property
    def stopped(self) -> str | None:
        """The iteration after which the loop stopped; None where it ran to its end."""
        for name in self.chain[1:]:
            if read_json(self.file(layout.StudentFiles(name).metrics("eval")))["carried"]:
                return self.previous(name)
        last = self.chain[-1]
        return last if read_json(self.file(layout.StudentFiles(last).plateau))["stopped"] else None

    def curves(self, students: Iterable[str]) -> list[dict[str, Any]]:
        """Return loss curves: ``{"student": "it1", "step": 3, "loss": 0.42}``."""
        rows: list[dict[str, Any]] = []
        for name in students:
            with self.file(layout.StudentFiles(name).loss).open(encoding="utf-8") as file:
                rows += [
                    {"student": name, "step": int(row["step"]), "loss": float(row["loss"])}
                    for row in csv.DictReader(file)
                ]
        return rows

    def md5(self, path: Path) -> str:
        """Return the hash by which DVC's cache knows a file."""
        with self.file(path).open("rb") as file:
            return hashlib.file_digest(
                file, partial(hashlib.md5, usedforsecurity=False)
            ).hexdigest()


class Revision(Run):
    """A run at a git revision; a context manager, whose ``root`` is where copies of files lie.

    Args:
        repository: the repository's root.
        name: a commit, branch or tag, or DVC's name of an experiment.
    """

    def __init__(self, repository: Path, name: str) -> None:
        self._repository = repository
        self.name = name
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.root = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._open.close()
        if isinstance(error, UserError):
            # As git names a file of a revision.
            raise UserError(str(error).replace(f"{self.root}/", f"{self.name}:")) from None

    def text(self, path: Path) -> str | None:
        """Return a file as the commit has it; None where it has none."""
        return _git(self._repository, "show", f"{self._commit}:{path}")

    def file(self, path: Path) -> Path:
        """Copy a file, and return where; git and DVC's cache or remote are asked."""
        copy = self.root / path
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with at_hand(self.name, path):
                self._files.get_file(str(path), str(copy))
        return copy

    def inside(self, folder: Path) -> list[Path]:
        """Return the paths of what lies in a folder at the revision."""
        with at_hand(self.name, folder):
            try:
                return sorted(map(Path, self._files.ls(str(folder), detail=False)))
            except FileNotFoundError:
                return []

    @property
    def revision(self) -> str | None:
        """The last commit that changed code, prompts or pipeline."""
        commit = _git(self._repository, *_LAST_CHANGE, self._commit, "--", *CODE)
        return commit.strip() if commit else None

    @cached_property
    def _commit(self) -> str:
        found = _git(self._repository, "rev-parse", "-q", "--verify", "--end-of-options", self.name)
        return found.strip() if found else str(self._files.repo.get_rev())

    @cached_property
    def _files(self) -> Any:
        """The revision's files, git's and DVC's alike."""
        from dvc.api import DVCFileSystem
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
        from dvc.scm import RevError

        try:
            repo = self._open.enter_context(Repo.open(str(self._repository), rev=self.name))
            return DVCFileSystem(repo)
        except RevError:
            known = ", ".join(list_answered(Run(self._repository)))
            known = known or "none there: `dvc repro` trains them"
            raise UserError(
                f"{self.name}: neither a student of the workspace ({known}) nor an experiment, "
                "branch, tag or commit: `dvc exp list`, `git log` show those"
            ) from None
        except DvcException as error:
            first = str(error).partition("\n")[0]
            raise UserError(f"{self.name}: DVC cannot read it: {first}") from None


@contextlib.contextmanager
def at_hand(revision: str, path: Path) -> Iterator[None]:
    """Say what brings a file that neither git nor DVC's cache or remote has."""
    from dvc_data.index import DataIndexDirError

    try:
        yield
    except UserError:
        raise
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


@contextlib.contextmanager
def open_run(name: str, root: Path = Path()) -> Iterator[Run]:
    """Open the run of the workspace, or of a revision or experiment."""
    if name == WORKSPACE:
        yield Run(root)
    else:
        with Revision(root, name) as run:
            yield run


def evaluation(figures: Mapping[str, Any]) -> Evaluation:
    """Return the benchmarks of what ``eval`` counted, without what it says of the loop."""
    return dict(figures.get("benchmarks", {}))


def list_answered(run: Run) -> list[str]:
    """Return the names of the students whose answers a run in a folder has."""
    return [path.name for path in run.inside(layout.WRITTEN) if run.answers(path.name)]


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
        raise UserError(f"{name}: write REVISION:STUDENT, such as main:it1")
    here = Run(root)
    if not colon:
        if (root / layout.WRITTEN / name).is_dir():
            return _read(here, name, name, forced)
        revision, student = name, ""
    if revision == WORKSPACE:
        student = student or _selected(here, name)
        return _read(here, student, f"{WORKSPACE}:{student}" if colon else student, forced)
    with Revision(root, revision) as run:
        student = student or _selected(run, revision)
        students = [path.name for path in run.inside(layout.WRITTEN)]
        if student not in students:
            raise UserError(
                f"{revision}: there is no student {student!r}: it has {', '.join(students)}"
            )
        return _read(run, student, f"{revision}:{student}", forced)


def _read(run: Run, student: str, name: str, forced: str | None) -> Answered:
    if forced and forced not in run.strategies:
        raise UserError(f"--forced {forced}: {name} knows {', '.join(run.strategies)}")
    kind = layout.FORCED if forced else layout.FREE
    files = run.answers(student, kind)
    folder = run.root / layout.StudentFiles(student).answers / kind
    if not files and forced:
        raise UserError(
            f"{folder}: no answers with a strategy forced: baselines and `eval.forced: false` "
            f"write none, `dvc checkout` restores others'{advise_pull('gets them')}"
        )
    if not files:
        known = ", ".join(list_answered(run))
        raise UserError(
            f"{folder}: no answers there (there are those of {known or 'no student'}): `dvc repro` "
            f"makes them, `dvc checkout` restores what a run made{advise_pull('gets it')}"
        )
    return Answered(
        name=f"{name} by {forced}" if forced else name,
        strategies=(forced,) if forced else run.strategies,
        answers={
            benchmark: tuple(
                answer
                for answer in read_records(path, VerifiedRationale)
                if not forced or answer.strategy == forced
            )
            for benchmark, path in files.items()
        },
        questions={benchmark: run.questions(benchmark) for benchmark in files},
    )


def _selected(run: Run, revision: str) -> str:
    selected = run.selected
    if not run.is_whole("select"):
        raise UserError(
            f"{revision}: it was run up to a stage before `select`: name a student, {revision}:it0"
        )
    return selected


def _git(folder: Path, *arguments: str) -> str | None:
    """What a git command prints; None where it fails."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout if done.returncode == 0 else None
