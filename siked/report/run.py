"""A finished run with what the report computes of it.

A figure that a run lacks, since it was made by an older version or with it switched off, is left
out; a missing file that every run has is an error.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from siked.analysis.figures import DEV, Evaluation, compare
from siked.analysis.samples import measure_samples
from siked.analysis.statistics import divergence
from siked.errors import UserError
from siked.files import read_json
from siked.mixing import mix, order_strategies, select
from siked.records import Question, VerifiedRationale, read_records
from siked.report.plots import Row, bias_rows
from siked.report.rationales import Browser, Kinds, build_browser
from siked.run import layout
from siked.run.run import Run, evaluation
from siked.settings import NO_EFFECT, Params

TEACHER = "teacher"


class Report(Run):
    """All that the report shows. Empty parts are left out of the page.

    Args:
        params: The run's settings.
        root: The repository's root.

    Raises:
        UserError: a file is missing or damaged, or does not fit the others.
    """

    def __init__(self, params: Params, root: Path = Path()) -> None:
        super().__init__(root)
        self.params: Mapping[str, Any] = params.model_dump(mode="json", exclude=NO_EFFECT)
        """The settings that decide the outputs, nested as in ``params.yaml``."""
        students = [*self.chain, *self.beside]
        self.steps: Mapping[str, Mapping[str, Any]] = {one: self._steps(one) for one in students}
        """By student, what its steps counted: ``steps["it1"]["mix"]["alpha"]``."""
        self.teacher: Mapping[str, Any] = read_json(self.file(layout.TAUGHT))
        """What the filter counted of the teacher's rationales."""
        self.evaluations: dict[str, Evaluation] = {
            name: evaluation(steps["eval"]) for name, steps in self.steps.items()
        }
        """``siked.analysis.figures.evaluate`` of every student and benchmark, dev first."""
        self.tests = list(params.questions.test)
        """The benchmarks that select nothing."""
        self.benchmarks = [DEV, *self.tests]
        train = Kinds()
        train.add(TEACHER, _read(self.file(layout.D_LLM)))
        self.sampled = self._sampled(train)
        """By student, ``siked.analysis.samples.measure_samples`` of its samples for training."""
        answers = {name: self._answers(name) for name in students}
        self.paired = {
            benchmark: {
                name: compare(answers[name][benchmark], answers[self.selected][benchmark])
                for name in [self.chain[0], *self.beside]
                if name != self.selected
            }
            for benchmark in self.tests
        }
        """By test set and other student: ``compare`` of it and the selected one."""
        forced = {name: self._answers(name, layout.FORCED) for name in students}
        shown = list(dict.fromkeys([self.chain[0], self.selected]))
        self.families = {
            benchmark: _by_family(
                self.questions(benchmark),
                {name: answers[name][benchmark] for name in shown},
                {name: forced[name].get(benchmark, []) for name in shown},
            )
            for benchmark in self.benchmarks
        }
        """What the first student and the selected one solve, by benchmark and problem family."""
        files = ["train", *self.benchmarks]
        self.browser: Browser = build_browser(
            answers,
            forced,
            train,
            {key: one for name in files for key, one in self.questions(name).items()},
            self.strategies,
        )
        """The rationales."""
        self.bias = self._bias(params)
        """``siked.report.plots.bias_rows``, where the run has a bias."""
        self.losses: Sequence[Row] = self.curves(students)
        """``{"student": "it1", "step": 3, "loss": 0.42}``."""
        self.hashes = {
            str(path): self.md5(path)
            for path in [
                *map(layout.questions, files),
                layout.D_LLM,
                *(layout.StudentFiles(name).mix for name in self.chain),
            ]
        }
        """Files of data with the MD5 by which DVC's cache knows them."""

    def learnt(self, student: str) -> int:
        """Return the tokens that a student has been trained on, its predecessors' included."""
        line = self.chain[: self.chain.index(student) + 1] if student in self.chain else [student]
        if student in self.rivals:
            line = [self.chain[0], student]
        return sum(self.steps[one]["train"]["tokens"] for one in line)

    @property
    def mixes(self) -> dict[str, dict[str, Any]]:
        """``siked.analysis.figures.describe_mix`` of each iteration."""
        return {name: self.steps[name]["mix"] for name in self.chain if "mix" in self.steps[name]}

    def divergence_from_choice(self, iteration: str) -> float | None:
        """Return KL(P_train ‖ what the student before chose freely on dev), in nats.

        None where there is no mix or no student before it.
        """
        figures = self.mixes[iteration]
        if iteration == self.chain[0] or not figures["rows"]:
            return None
        chosen = self.evaluations[self.previous(iteration)][DEV]["strategies"]
        return divergence(
            {name: round(figures["p_train"][name] * figures["rows"]) for name in self.strategies},
            {name: chosen[name]["n"] for name in self.strategies},
            smoothing=figures["smoothing"],
        )

    @property
    def filters(self) -> dict[str, Mapping[str, Any]]:
        """``siked.analysis.verdicts`` of the teacher and of each iteration."""
        own = {name: steps["filter"] for name, steps in self.steps.items() if "filter" in steps}
        return {TEACHER: self.teacher, **own}

    @property
    def facts(self) -> dict[str, str]:
        """Versions, device and the base model's hash, as far as outputs tell them."""
        student, adapter = (
            read_json(path) if (path := self.file(layout.BEST / name)).exists() else {}
            for name in ("student.json", "adapter_config.json")
        )
        steps = self.steps.values()
        trainings = [one["train"] for one in steps if "train" in one]
        base = student.get("base", {})
        facts = {
            "base model": base.get("name"),
            "SHA-256 of its weights": base.get("sha256"),
            "trained by": _all_of(trainings, "trainer"),
            "trained on": _all_of(trainings, "device"),
            "number type of the base model": _all_of(trainings, "dtype"),
            "programs ran behind": _all_of([one.get("filter", {}) for one in steps], "isolation"),
            "siked": student.get("siked"),
            "peft": adapter.get("peft_version"),
        }
        return {name: str(value) for name, value in facts.items() if value}

    def _steps(self, student: str) -> dict[str, Any]:
        """What its steps counted; it must have been evaluated."""
        found = self.counted(student)
        if "eval" not in found:
            path = self.file(layout.StudentFiles(student).metrics("eval"))
            raise UserError(f"{path}: no such file: run `dvc repro` to make it")
        return found

    def _answers(
        self, student: str, kind: Path = layout.FREE
    ) -> dict[str, list[VerifiedRationale]]:
        """A student's answers by benchmark; free ones must be there."""
        files = self.answers(student, kind)
        folder = layout.StudentFiles(student).answers
        return {
            name: list(_read(self.file(folder / layout.benchmark(name, kind))))
            for name in self.benchmarks
            if name in files or kind == layout.FREE
        }

    def _sampled(self, train: Kinds) -> dict[str, dict[str, Any]]:
        """What the samples of train questions say; each passes by ``train`` too."""
        found: dict[str, dict[str, Any]] = {}
        for name in self.chain[1:]:
            # The rationales that an iteration filters are its predecessor's.
            rationales = _read(self.file(layout.StudentFiles(name).verified))
            if (first := next(rationales, None)) is not None:
                writer = self.previous(name)
                watched = _watched(train, writer, chain([first], rationales))
                found[writer] = measure_samples(watched, self.strategies)
        return found

    def _bias(self, params: Params) -> list[Row]:
        if params.mix.bias is None or params.mix.bias == "student":
            return []  # Iteration 0 takes all of D_LLM.
        counts = []
        taught = select(_read(self.file(layout.D_LLM)), keep=params.mix.keep)
        for bias in (None, params.mix.bias):
            order = order_strategies(bias, (), params.strategies)
            kept = mix(taught, [], variant="teacher", scope="question", order=order)
            found = Counter(str(one.strategy) for _, one in kept)
            counts.append({str(strategy): found[strategy] for strategy in params.strategies})
        return bias_rows(*counts)


def _read(path: Path) -> Iterator[VerifiedRationale]:
    return read_records(path, VerifiedRationale)


def _all_of(rows: Iterable[Mapping[str, Any]], key: str) -> str:
    return ", ".join(dict.fromkeys(str(row[key]) for row in rows if key in row))


def _by_family(
    asked: Mapping[str, Question],
    free: Mapping[str, Sequence[VerifiedRationale]],
    forced: Mapping[str, Sequence[VerifiedRationale]],
) -> list[Row]:
    """Return rows of right answers: ``{"family", "student", "n", "free", "cot", ...}``.

    Questions that name no family are left out.
    """
    right: defaultdict[tuple[str, str], defaultdict[str, list[bool]]]
    right = defaultdict(lambda: defaultdict(list))
    for name, answers in free.items():
        for key, answer in [
            *(("free", one) for one in answers),
            *((str(one.strategy), one) for one in forced[name]),
        ]:
            question = asked.get(answer.question_id)
            if question is not None and question.family is not None:
                right[question.family, name][key].append(answer.correct)
    return [
        {"family": family, "student": name, "n": len(cells["free"])}
        | {key: sum(each) / len(each) for key, each in cells.items()}
        for (family, name), cells in sorted(right.items(), key=lambda item: item[0][0])
    ]


def _watched(
    train: Kinds, writer: str, rationales: Iterable[VerifiedRationale]
) -> Iterator[VerifiedRationale]:
    """Hand rationales on one by one, and each to ``train`` as it passes."""
    for one in rationales:
        train.add(writer, [one])
        yield one
