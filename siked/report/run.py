"""What a run's files say, read once for the report and for the figures that git keeps.

    params.yaml, metrics/summary.json, metrics/teacher.json    settings and outcome
    metrics/students/it1/{generate,filter,mix,train,eval}.json what each step counted
    data/students/it1/answers/[forced/]BENCHMARK.jsonl         what a student answered
    data/students/it1/verified.jsonl                           what its predecessor sampled
    plots/students/it1/loss.csv                                its training

A figure that a run lacks, since it was made by an older version or with it switched off, is left
out; a missing file that every run has is an error.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siked.analysis.figures import DEV, Evaluation, compare
from siked.analysis.samples import several
from siked.errors import UserError
from siked.files import read_json
from siked.mixing import preferred, select
from siked.records import Question, VerifiedRationale, read_records
from siked.report.plots import bias_rows
from siked.report.rationales import Browser, Kinds, browser
from siked.settings import NO_EFFECT, Params

if TYPE_CHECKING:
    from siked.report.plots import Row

TEACHER = "teacher"
BASELINE = "baseline-"


@dataclass(frozen=True)
class Run:
    """All that the report shows. Empty parts are left out of the page."""

    params: Mapping[str, Any]
    """The settings that decide the outputs, nested as in ``params.yaml``."""
    chain: Sequence[str]
    """The iterations, from plain distillation to the last."""
    baselines: Sequence[str]
    steps: Mapping[str, Mapping[str, Any]]
    """By student, what its steps counted: ``steps["it1"]["mix"]["alpha"]``."""
    summary: Mapping[str, Any]
    """``siked.analysis.figures.summary``."""
    teacher: Mapping[str, Any]
    """What the filter counted of the teacher's rationales."""
    paired: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """By test set and other student: ``compare`` of it and the selected one."""
    browser: Browser
    """The rationales."""
    stopped: str | None = None
    """The iteration after which the loop stopped; None where it ran to its end."""
    sampled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By student, ``siked.analysis.samples.several`` of its samples of train questions."""
    bias: Sequence[Row] = ()
    """``siked.report.plots.bias_rows``, where the run has a bias."""
    losses: Sequence[Row] = ()
    """``{"student": "it1", "step": 3, "loss": 0.42}``."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else defines the run: the base model's hash, versions, device."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """Files of data with the MD5 by which DVC's cache knows them."""

    @property
    def strategies(self) -> Sequence[str]:
        """All strategies of the run."""
        strategies: Sequence[str] = self.params["strategies"]
        return strategies

    @property
    def selected(self) -> str:
        """The iteration that dev chose."""
        return str(self.summary["selected"])

    @cached_property
    def evaluations(self) -> dict[str, Evaluation]:
        """``siked.analysis.figures.evaluate`` of every student and benchmark, dev first."""
        return {
            name: {key: row for key, row in steps["eval"].items() if isinstance(row, dict)}
            for name, steps in self.steps.items()
        }

    @property
    def benchmarks(self) -> list[str]:
        """The benchmarks, dev first."""
        return list(self.evaluations[self.chain[0]])

    @property
    def tests(self) -> list[str]:
        """The benchmarks that select nothing."""
        return [name for name in self.benchmarks if name != DEV]

    @property
    def mixes(self) -> dict[str, dict[str, Any]]:
        """``siked.analysis.figures.mixed`` of each iteration."""
        return {name: self.steps[name]["mix"] for name in self.chain if "mix" in self.steps[name]}

    @property
    def filters(self) -> dict[str, Mapping[str, Any]]:
        """``siked.analysis.verdicts`` of the teacher and of each iteration."""
        own = {name: steps["filter"] for name, steps in self.steps.items() if "filter" in steps}
        return {TEACHER: self.teacher, **own}


def read_run(params: Params, root: Path = Path()) -> Run:
    """Read a finished run.

    Args:
        params: Its settings.
        root: The repository's root.

    Raises:
        UserError: a file is missing or damaged, or does not fit the others.
    """
    iterations = params.chain()
    baselines = [f"{BASELINE}{strategy}" for strategy in params.strategies]
    steps = {name: everything(name, root) for name in [*iterations, *baselines]}
    summary = read_json(root / "metrics/summary.json")
    benchmarks = [DEV, *params.questions.test]
    files = _question_files(root, benchmarks)
    answers = {name: _answers(root, name, "answers", benchmarks) for name in steps}
    train = Kinds()
    train.add(TEACHER, read_records(root / "data/teacher/verified.jsonl", VerifiedRationale))
    sampled: dict[str, dict[str, Any]] = {}
    for name, iteration in params.iterations.items():
        # The rationales that an iteration filters are its predecessor's.
        rationales = read_records(_student(root, name) / "verified.jsonl", VerifiedRationale)
        if (first := next(rationales, None)) is not None:
            watched = _watched(train, iteration.previous, chain([first], rationales))
            sampled[iteration.previous] = several(watched, params.strategies)
    others = [name for name in [iterations[0], *baselines] if name != summary["selected"]]
    return Run(
        params=params.model_dump(mode="json", exclude=NO_EFFECT),
        chain=iterations,
        baselines=baselines,
        steps=steps,
        summary=summary,
        teacher=read_json(root / "metrics/teacher.json"),
        paired={
            benchmark: {
                name: compare(answers[name][benchmark], answers[summary["selected"]][benchmark])
                for name in others
            }
            for benchmark in params.questions.test
        },
        browser=browser(
            answers,
            {
                name: _answers(root, name, "answers/forced", benchmarks, needed=False)
                for name in steps
            },
            train,
            {one.id: one for path in files for one in read_records(path, Question)},
            params.strategies,
        ),
        stopped=_stopped(params, root, steps),
        sampled=sampled,
        bias=_bias(params, root),
        losses=losses(steps, root),
        facts=_facts(root, steps),
        hashes={
            str(path.relative_to(root)): _md5(path)
            for path in [
                *files,
                root / "data/teacher/verified.jsonl",
                *(_student(root, name) / "mix.jsonl" for name in iterations),
            ]
        },
    )


def everything(name: str, root: Path = Path()) -> dict[str, Any]:
    """All that the steps of one student counted, by step.

    Raises:
        UserError: it was not evaluated.
    """
    folder = root / "metrics/students" / name
    if not (folder / "eval.json").exists():
        raise UserError(f"{folder}/eval.json: no such file: run `dvc repro` to make it")
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}


def losses(names: Iterable[str], root: Path = Path()) -> list[Row]:
    """The loss curves of students: ``{"student": "it1", "step": 3, "loss": 0.42}``."""
    rows: list[Row] = []
    for name in names:
        with (root / "plots/students" / name / "loss.csv").open(encoding="utf-8") as file:
            rows += [
                {"student": name, "step": int(row["step"]), "loss": float(row["loss"])}
                for row in csv.DictReader(file)
            ]
    return rows


def _student(root: Path, name: str) -> Path:
    return root / "data/students" / name


def _question_files(root: Path, benchmarks: Iterable[str]) -> list[Path]:
    names = ["train", *(name if name == DEV else f"test-{name}" for name in benchmarks)]
    return [root / "data/questions" / f"{name}.jsonl" for name in names]


def _answers(
    root: Path, name: str, kind: str, benchmarks: Iterable[str], *, needed: bool = True
) -> dict[str, list[VerifiedRationale]]:
    """A student's answers by benchmark; without those that need not be there and are not."""
    paths = {one: _student(root, name) / kind / f"{one}.jsonl" for one in benchmarks}
    return {
        one: list(read_records(path, VerifiedRationale))
        for one, path in paths.items()
        if needed or path.exists()
    }


def _watched(
    train: Kinds, writer: str, rationales: Iterable[VerifiedRationale]
) -> Iterator[VerifiedRationale]:
    """Hand rationales on one by one, and each to ``train`` as it passes."""
    for one in rationales:
        train.add(writer, [one])
        yield one


def _stopped(params: Params, root: Path, steps: Mapping[str, Mapping[str, Any]]) -> str | None:
    for name, iteration in params.iterations.items():
        if steps[name]["eval"]["carried"]:
            return iteration.previous
    last = params.chain()[-1]
    return last if read_json(_student(root, last) / "plateau.json")["stopped"] else None


def _bias(params: Params, root: Path) -> list[Row]:
    if params.mix.bias is None or params.mix.bias == "student":
        return []  # Iteration 0 takes all of D_LLM.
    path = root / "data/teacher/verified.jsonl"
    counts = []
    for bias in (None, params.mix.bias):
        order = preferred(bias, (), params.strategies)
        kept = select(read_records(path, VerifiedRationale), keep=params.mix.keep, order=order)
        found = Counter(str(one.strategy) for one in kept)
        counts.append({str(strategy): found[strategy] for strategy in params.strategies})
    return bias_rows(*counts)


def _facts(root: Path, steps: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Versions, device and the base model's hash, as far as outputs of the run tell them."""
    best = root / "models/best"
    student, adapter = (
        read_json(best / name) if (best / name).exists() else {}
        for name in ("student.json", "adapter_config.json")
    )
    trainings = [one["train"] for one in steps.values() if "train" in one]
    isolations = [
        one["filter"]["isolation"] for one in steps.values() if "isolation" in one.get("filter", {})
    ]
    base = student.get("base", {})
    facts = {
        "base model": base.get("name"),
        "SHA-256 of its weights": base.get("sha256"),
        "trained by": _all_of(trainings, "trainer"),
        "trained on": _all_of(trainings, "device"),
        "number type of the base model": _all_of(trainings, "dtype"),
        "programs ran behind": ", ".join(dict.fromkeys(isolations)),
        "siked": student.get("siked"),
        "peft": adapter.get("peft_version"),
    }
    return {name: str(value) for name, value in facts.items() if value}


def _all_of(rows: Iterable[Mapping[str, Any]], key: str) -> str:
    return ", ".join(dict.fromkeys(str(row[key]) for row in rows if key in row))


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
