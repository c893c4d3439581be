"""The pipeline stage by stage: calls, tokens, hours, disk and money of each.

A row of an estimate, for 7,473 questions with 10 samples each from a teacher of 70B on one kind of
card:

    Row("teach@cot", calls=74_730, read=..., written=Range(4.5e6, 8.2e6, 13.5e6), hours=...)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Protocol

from siked.estimating.acceptance import Acceptance
from siked.estimating.asked import Asked
from siked.estimating.assumptions import CHARACTERS_A_TOKEN, Assumed
from siked.estimating.ranges import NOTHING, Range
from siked.mixing import Variant
from siked.prompts import student_prompt, teacher_prompt
from siked.settings import Params

TEMPLATE = 20
"""Tokens that a chat template and a strategy's tag add."""
RECORD = 130
"""Bytes of a rationale's record besides its text."""
VERDICT = 70
"""Bytes that a verdict adds."""
KEPT = 60
"""Bytes of a journal's row besides its text."""
ADAPTER = 4.9e6
"""Parameters of a rank 16 adapter on all linear layers of a model with ADAPTED parameters."""
ADAPTED = 135e6
GROWTH = 0.6
"""An adapter grows with the width of layers, a model with its square and their number."""
WHOLE = 8 / 6
"""Work of training all weights over that of an adapter: their gradients come on top."""
FLOAT32, BFLOAT16 = 4, 2
MILLION = 1e6
HOUR = 3600


class Rates(Protocol):
    """How long a model works: a card of the table, or this machine as its last run measured it."""

    def generation_seconds(self, read: Range, written: Range, parameters: float) -> Range:
        """Seconds that read prompts of so many tokens and write so many."""
        ...

    def answering_seconds(self, read: Range, written: Range, parameters: float) -> Range:
        """The same where each prompt has one greedy answer."""
        ...

    def training_seconds(self, tokens: Range, parameters: float) -> Range:
        """Seconds that learn from so many tokens."""
        ...


@dataclass(frozen=True)
class Row:
    """What one stage takes."""

    stage: str
    calls: Range = NOTHING
    """Rationales or answers asked of a model, or rows trained on or checked."""
    read: Range = NOTHING
    """Tokens of prompts; those of several samples once."""
    written: Range = NOTHING
    """Tokens written by a model, or learned from."""
    hours: Range = NOTHING
    """Of one card, or of this machine."""
    processor: Range = NOTHING
    """Hours of the machine in which programs are checked."""
    disk: Range = NOTHING
    """Bytes in the workspace and the journal."""
    money: Range | None = None
    """In the currency of the prices; None where there is no price."""


@dataclass(frozen=True)
class Plan:
    """All that decides an estimate."""

    params: Params
    asked: Asked
    assumed: Assumed
    rates: Rates
    student: float
    """Parameters."""
    teacher: float | None
    """Parameters; None where no model of ours teaches."""
    verified: Range
    """Rationales checked a second."""
    price: float | None
    """Of an hour of what ``rates`` are about."""

    def samples(self, count: int) -> Plan:
        """The same with another K of self-generation."""
        generate = self.params.generate.model_copy(update={"samples": count})
        return replace(self, params=self.params.model_copy(update={"generate": generate}))

    def rows(self, variant: Variant) -> list[Row]:
        """Every stage that takes time, in the order of a run that never stops early.

        Raises:
            LookupError: the rates do not know a kind of work.
        """
        return list(_Counting(self, variant).stages())


def total(rows: list[Row]) -> Row:
    """The sum of all rows; its money leaves out what has no price."""
    prices = [row.money for row in rows if row.money is not None]
    return Row(
        stage="total",
        calls=_sum(row.calls for row in rows),
        read=_sum(row.read for row in rows),
        written=_sum(row.written for row in rows),
        hours=_sum(row.hours for row in rows),
        processor=_sum(row.processor for row in rows),
        disk=_sum(row.disk for row in rows),
        money=_sum(prices) if prices else None,
    )


def _sum(several: Iterable[Range]) -> Range:
    return reduce(Range.__add__, several, NOTHING)


class _Counting:
    def __init__(self, plan: Plan, variant: Variant) -> None:
        self._plan, self._variant = plan, variant
        self._params, self._assumed = plan.params, plan.assumed
        self._train = plan.asked.train
        self._prompt = self._tokens(student_prompt("?").system + student_prompt("?").user)
        self._text = self._assumed.written * CHARACTERS_A_TOKEN.likely

    def stages(self) -> Iterator[Row]:
        params = self._params
        yield Row("base", disk=Range.exactly(BFLOAT16 * self._plan.student))
        for strategy in params.strategies:
            yield self._teach(strategy)
        bias = params.mix.bias
        d_llm = self._taught(None if bias == "student" else bias)
        samples = self._teacher_samples() * self._train * len(params.strategies)
        yield self._checked("filter_teacher", Range.exactly(samples))
        chain = params.chain()
        yield from self._student(chain[0], _sum(d_llm.values()), params.train.distil.epochs)
        for name, writer in zip(chain[1:], self._assumed.students, strict=True):
            yield from self._turn(name, writer)
        for strategy in params.strategies:
            name, epochs = f"baseline-{strategy}", params.train.distil.epochs
            yield from self._student(name, d_llm[strategy], epochs, baseline=True)

    def _teach(self, strategy: str) -> Row:
        model, samples = self._params.teacher.model, self._teacher_samples()
        calls = self._train * samples
        row = Row(f"teach@{strategy}", Range.exactly(calls), disk=self._rationales(calls))
        if model is None:
            return row
        shown = teacher_prompt("?", strategy)
        prompt = self._tokens(shown.system + shown.user)
        written = self._assumed.written.at_most(model.sampling.max_new_tokens) * calls
        row = replace(row, read=prompt * self._train, written=written)
        if self._plan.teacher is not None:
            return self._timed(row, self._plan.teacher)
        prices = getattr(model.engine, "prices", None)
        if prices is None:
            return row
        # A server with no `n` reads, and bills, the prompt again for every sample.
        billed = Range(row.read.low, row.read.likely, row.read.high * samples)
        money = billed * (prices.prompt / MILLION) + written * (prices.completion / MILLION)
        return replace(row, money=money)

    def _turn(self, name: str, writer: Acceptance) -> Iterator[Row]:
        params, generate = self._params, self._params.generate
        asked = self._train * len(params.strategies)
        calls = asked * generate.samples
        written = self._assumed.written.at_most(generate.max_new_tokens) * calls
        row = Row(
            f"generate@{name}",
            Range.exactly(calls),
            self._prompt * asked,
            written,
            disk=self._rationales(calls),
        )
        yield self._timed(row, self._plan.student)
        yield self._checked(f"filter@{name}", Range.exactly(calls))
        order = self._order(writer)
        own = _sum(self._kept(writer, generate.samples, order).values())
        joining = self._joining(writer, self._taught(order))
        mixed = (NOTHING if self._variant == "teacher" else own) + joining
        yield from self._student(name, mixed, params.train.iterate.epochs)

    def _student(
        self, name: str, rows: Range, epochs: float, *, baseline: bool = False
    ) -> Iterator[Row]:
        """A student's training and evaluation."""
        params = self._params
        example = (self._prompt + self._assumed.written).at_most(params.train.max_length)
        tokens = rows * example * epochs
        lora, size = params.train.lora, self._plan.student
        if lora is None:
            weights, work = BFLOAT16 * size, tokens * WHOLE
        else:
            adapter = ADAPTER * (size / ADAPTED) ** GROWTH * lora.rank / 16
            weights, work = FLOAT32 * adapter, tokens
        examples = rows * (self._text + self._characters() + Range.exactly(RECORD))
        trained = Row(
            f"train@{name}",
            rows,
            written=tokens,
            hours=self._plan.rates.training_seconds(work, size) / HOUR,
            disk=Range.exactly(weights) + (NOTHING if baseline else examples),
        )
        yield self._priced(trained)
        answers = self._plan.asked.dev + sum(self._plan.asked.tests.values())
        # Of the forced answers, one is the free one.
        each = 1 if baseline or not params.eval.forced else len(params.strategies)
        if not baseline and params.eval.sampling is not None:
            each += len(params.strategies) * params.eval.sampling.samples
        calls = answers * each
        written = self._assumed.written.at_most(params.eval.max_new_tokens) * calls
        row = Row(
            f"eval@{name}",
            Range.exactly(calls),
            self._prompt * calls,
            written,
            disk=self._rationales(calls) + Range.exactly(VERDICT * calls),
        )
        seconds = self._plan.rates.answering_seconds(row.read, row.written, self._plan.student)
        yield self._priced(replace(row, hours=seconds / HOUR))

    def _checked(self, name: str, rows: Range) -> Row:
        hours = rows / self._plan.verified / HOUR
        bytes_each = self._text + Range.exactly(RECORD + VERDICT)
        return Row(name, rows, processor=hours, disk=rows * bytes_each)

    def _teacher_samples(self) -> int:
        model = self._params.teacher.model
        return 1 if model is None else model.sampling.samples

    def _order(self, writer: Acceptance) -> Sequence[str] | None:
        """The strategies by ``mix.bias``; a student's own order as if questions had the same."""
        bias = self._params.mix.bias
        if bias != "student":
            return bias
        right = writer.by_strategy
        return sorted(right, key=lambda strategy: right[strategy].likely, reverse=True)

    def _taught(self, order: Sequence[str] | None) -> dict[str, Range]:
        """The teacher's rows that may train, by strategy."""
        return self._kept(self._assumed.teacher, self._teacher_samples(), order)

    def _kept(
        self, writer: Acceptance, samples: int, order: Sequence[str] | None
    ) -> dict[str, Range]:
        """The rows of a writer that may train, by strategy, the first of the order first."""
        mix, train = self._params.mix, self._train
        rows: dict[str, Range] = {
            strategy: writer.kept(strategy, samples, mix.keep) * train
            for strategy in self._params.strategies
        }
        if order is None:
            return rows
        kept: dict[str, Range] = dict.fromkeys([*order, *rows], NOTHING)
        left = Range.exactly(1)
        for strategy in order:
            # Only of questions that no strategy before it has solved.
            kept[strategy] = rows[strategy] * left
            left = left.without(writer.solved(strategy, samples))
        return kept

    def _joining(self, writer: Acceptance, d_llm: dict[str, Range]) -> Range:
        """The teacher's rows that join the student's."""
        mix, samples = self._params.mix, self._params.generate.samples
        if self._variant == "self":
            return NOTHING
        if self._variant in {"all", "teacher"}:
            return _sum(d_llm.values())
        if mix.scope == "question":
            return _sum(d_llm.values()).without(writer.any_solved(samples))
        if mix.bias == "student":
            # A solved question's strategy comes first in its order, the teacher's as the student's.
            first, *others = d_llm
            solved = d_llm[first].without(writer.any_solved(samples))
            return solved + _sum(d_llm[name] for name in others)
        return _sum(rows.without(writer.solved(name, samples)) for name, rows in d_llm.items())

    def _tokens(self, text: str) -> Range:
        """Tokens of a prompt: this text, a question and the template."""
        characters = self._plan.asked.characters + Range.exactly(len(text))
        return characters / CHARACTERS_A_TOKEN + Range.exactly(TEMPLATE)

    def _characters(self) -> Range:
        shown = student_prompt("?")
        return self._plan.asked.characters + Range.exactly(len(shown.system + shown.user))

    def _rationales(self, count: int) -> Range:
        """Bytes of so many rationales, as a file and in the journal."""
        return (self._text * 2 + Range.exactly(RECORD + KEPT)) * count

    def _timed(self, row: Row, parameters: float) -> Row:
        seconds = self._plan.rates.generation_seconds(row.read, row.written, parameters)
        return self._priced(replace(row, hours=seconds / HOUR))

    def _priced(self, row: Row) -> Row:
        price = self._plan.price
        return row if price is None else replace(row, money=row.hours * price)
