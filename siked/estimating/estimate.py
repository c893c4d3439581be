"""The pipeline stage by stage: calls, tokens, hours, disk and money of each.

A row of an estimate, for 7,473 questions with 10 samples each from a teacher of 70B on one kind of
card:

    StageCost("teach@cot", calls=74_730, read=..., written=[4.5e6, 8.2e6, 13.5e6], hours=...)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from siked.estimating.acceptance import Acceptance
from siked.estimating.rates import (
    BFLOAT16,
    Card,
    Kind,
    Machine,
    Range,
    between,
    divide,
    exactly,
    leave,
)
from siked.estimating.sizes import Asked
from siked.mixing import Variant
from siked.prompts import student_prompt, teacher_prompt
from siked.settings import OpenAISettings, Params

CHARACTERS_A_TOKEN = between(3.2, 3.9, 4.5)
"""Of English word problems; 3.9 is SmolLM2's tokenizer on GSM8K."""
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
FLOAT32 = 4
"""Bytes of an adapter's weight."""
MILLION = 1e6
HOUR = 3600
NOTHING = exactly(0)


class StageCost(NamedTuple):
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


def total(costs: Sequence[StageCost]) -> StageCost:
    """Return the sum of all stages; its money leaves out what has no price."""
    prices = [one.money for one in costs if one.money is not None]
    amounts = [_sum(column) for column in zip(*(one[1:-1] for one in costs), strict=True)]
    return StageCost("total", *amounts)._replace(money=_sum(prices) if prices else None)


def _sum(several: Iterable[Range]) -> Range:
    return sum(several, NOTHING)


@dataclass(frozen=True)
class Plan:
    """All that decides an estimate."""

    params: Params
    asked: Asked
    rates: Card | Machine
    student: float
    """Parameters."""
    teachers: dict[str, float]
    """Parameters, by strategy; those alone that a model of ours teaches."""
    verified: Range
    """Rationales checked a second."""
    length: Range
    """Tokens of a rationale."""
    taught: Acceptance
    """How often the teacher is right."""
    written: dict[str, Acceptance]
    """How often the student is right that writes for each iteration behind the first."""
    price: float | None
    """Of an hour of what ``rates`` are about."""

    def vary(self, variant: Variant, samples: int) -> "Plan":
        """Return the same plan with another variant and K of self-generation."""
        generate = self.params.generate.model_copy(update={"samples": samples})
        mix = self.params.mix.model_copy(update={"variant": variant})
        update = {"generate": generate, "mix": mix}
        return replace(self, params=self.params.model_copy(update=update))

    def estimate(self) -> Iterator[StageCost]:
        """Yield every stage that takes time, in the order of a run that never stops early.

        Raises:
            UserError: the rates do not know a kind of work.
        """
        params, epochs = self.params, self.params.train.distil.epochs
        yield StageCost("base", disk=exactly(BFLOAT16 * self.student))
        for strategy in params.strategies:
            yield self._teach(strategy)
        # What the student solves best is not known yet where it decides.
        d_llm = self._select_taught(None if params.mix.bias == "student" else params.mix.bias)
        calls = self.asked.train * sum(map(self._count_samples, params.strategies))
        yield self._filter("filter_teacher", calls)
        first, *later = params.chain()
        yield from self._train(first, _sum(d_llm.values()), epochs)
        for name in later:
            yield from self._iterate(name, self.written[name])
        for strategy in params.strategies:
            yield from self._train(f"baseline-{strategy}", d_llm[strategy], epochs, baseline=True)

    def _teach(self, strategy: str, *, batch: bool | None = None) -> StageCost:
        """Return what a strategy's rationales take; ``batch`` is the engine's where it is None."""
        model, samples = self.params.teachers()[strategy].model, self._count_samples(strategy)
        stage, calls = f"teach@{strategy}", self.asked.train * samples
        if model is None:
            return StageCost(stage, exactly(calls), disk=self._store(calls))
        shown = teacher_prompt("?", strategy)
        read = self._count_tokens(shown.system + shown.user) * self.asked.train
        written = self._count_written(calls, model.sampling.max_new_tokens)
        if (size := self.teachers.get(strategy)) is not None:
            return self._cost(stage, "generation", calls, read, written, size)
        row = StageCost(stage, exactly(calls), read, written, disk=self._store(calls))
        engine = model.engine
        if not isinstance(engine, OpenAISettings) or (prices := engine.prices) is None:
            return row
        # A server with no `n` reads, and bills, the prompt again for every sample.
        billed = read * between(1, 1, samples)
        money = billed * (prices.prompt / MILLION) + written * (prices.completion / MILLION)
        batch = engine.batch if batch is None else batch
        return row._replace(money=money * prices.batch if batch else money)

    def bill(self, *, batch: bool) -> Range | None:
        """Return what teachers behind servers cost, by the Batch API or without it.

        It is None where none of them has prices.
        """
        bills = [
            money
            for strategy in self.params.strategies
            if strategy not in self.teachers
            and (money := self._teach(strategy, batch=batch).money) is not None
        ]
        return _sum(bills) if bills else None

    def _iterate(self, name: str, writer: Acceptance) -> Iterator[StageCost]:
        params, samples = self.params, self.params.generate.samples
        calls, read = self._prompts() * samples, self._prompt() * self._prompts()
        written = self._count_written(calls, params.generate.max_new_tokens)
        yield self._cost(f"generate@{name}", "generation", calls, read, written, self.student)
        yield self._filter(f"filter@{name}", calls)
        yield from self._train(name, self._mix(writer), params.train.iterate.epochs)

    def _train(
        self, name: str, rows: Range, epochs: float, *, baseline: bool = False
    ) -> Iterator[StageCost]:
        """Yield a student's training and its evaluation."""
        params, lora = self.params, self.params.train.lora
        example = np.minimum(self._prompt() + self.length, params.train.max_length)
        tokens = rows * example * epochs
        if lora is None:
            weights, work = BFLOAT16 * self.student, tokens * WHOLE
        else:
            weights = FLOAT32 * ADAPTER * (self.student / ADAPTED) ** GROWTH * lora.rank / 16
            work = tokens
        text = self.asked.characters + len(_read_student_prompt()) + self._text() + RECORD
        trained = self._cost(f"train@{name}", "training", rows, NOTHING, tokens, self.student, work)
        yield trained._replace(disk=weights + (NOTHING if baseline else rows * text))
        # Of the forced answers, one is the free one.
        each = 1 if baseline or not params.eval.forced else len(params.strategies)
        if not baseline and params.eval.sampling is not None:
            each += len(params.strategies) * params.eval.sampling.samples
        calls = (self.asked.dev + sum(self.asked.tests.values())) * each
        written = self._count_written(calls, params.eval.max_new_tokens)
        row = self._cost(
            f"eval@{name}", "answering", calls, self._prompt() * calls, written, self.student
        )
        yield row._replace(disk=row.disk + VERDICT * calls)

    def _filter(self, name: str, calls: int) -> StageCost:
        hours = divide(exactly(calls), self.verified) / HOUR
        disk = calls * (self._text() + RECORD + VERDICT)
        return StageCost(name, exactly(calls), processor=hours, disk=disk)

    def _cost(
        self,
        stage: str,
        kind: Kind,
        calls: int | Range,
        read: Range,
        written: Range,
        size: float,
        learned: Range | None = None,
    ) -> StageCost:
        """Return what a model's work takes; ``learned`` is tokens in those of an adapter."""
        work = written if learned is None else learned
        hours = self.rates.seconds(kind, read, work, size) / HOUR
        money = None if self.price is None else hours * self.price
        calls = NOTHING + calls
        return StageCost(stage, calls, read, written, hours, disk=self._store(calls), money=money)

    def _order(self, writer: Acceptance) -> Sequence[str] | None:
        """Return the strategies by ``mix.bias``; a student's own as if questions had the same."""
        bias = self.params.mix.bias
        if bias != "student":
            return bias
        return sorted(self.params.strategies, key=lambda name: -writer.shares[name][1])

    def _select_taught(self, order: Sequence[str] | None) -> dict[str, Range]:
        """Return the teacher's rows that may train, by strategy."""
        samples = {name: self._count_samples(name) for name in self.params.strategies}
        return self._select(self.taught, samples, order)

    def _select(
        self, writer: Acceptance, samples: dict[str, int], order: Sequence[str] | None
    ) -> dict[str, Range]:
        """Return the rows of a writer that may train, by strategy, the first of the order first."""
        rows = {name: self._keep(writer, name, count) for name, count in samples.items()}
        if order is None:
            return rows
        kept: dict[str, Range] = dict.fromkeys([*order, *rows], NOTHING)
        left = exactly(1)
        for strategy in order:
            # Only of questions that no strategy before it has solved.
            kept[strategy] = rows[strategy] * left
            left = leave(left, writer.count_kept(strategy, samples[strategy], 1))
        return kept

    def _keep(self, writer: Acceptance, strategy: str, samples: int) -> Range:
        return writer.count_kept(strategy, samples, self.params.mix.keep) * self.asked.train

    def _mix(self, writer: Acceptance) -> Range:
        """Return the rows of the next training set."""
        mix, samples = self.params.mix, self.params.generate.samples
        order = self._order(writer)
        every = dict.fromkeys(self.params.strategies, samples)
        own = _sum(self._select(writer, every, order).values())
        d_llm = self._select_taught(order)
        if mix.variant in {"self", "teacher"}:
            return own if mix.variant == "self" else _sum(d_llm.values())
        solved, each = writer.count_solved(samples), mix.variant == "adaptive"
        unsolved = leave(_sum(d_llm.values()), solved)
        if each and mix.scope == "question":
            return own + unsolved
        if mix.bias == "student":
            # Of a question that it solves, what it solves it with comes first and alone trains.
            return own + unsolved + (NOTHING if each else d_llm[next(iter(d_llm))] * solved)
        rows, left = NOTHING, exactly(1)
        for strategy in order or self.params.strategies:
            found, taught = writer.count_kept(strategy, samples, 1), self._count_samples(strategy)
            joining = self._keep(self.taught, strategy, taught)
            both = self._keep(writer, strategy, samples)
            both = both + (leave(joining, found) if each else joining)
            rows = rows + both * left
            if order is not None:  # of questions that nobody has solved with a strategy before it
                left = leave(leave(left, found), self.taught.count_kept(strategy, taught, 1))
        return rows

    def _count_samples(self, strategy: str) -> int:
        """Return how many rationales the teacher writes for a question with a strategy."""
        model = self.params.teachers()[strategy].model
        return 1 if model is None else model.sampling.samples

    def _prompts(self) -> int:
        """Return how many prompts one pass over all questions and strategies has."""
        return self.asked.train * len(self.params.strategies)

    def _prompt(self) -> Range:
        """Return the tokens of a student's prompt."""
        return self._count_tokens(_read_student_prompt())

    def _count_tokens(self, text: str) -> Range:
        """Return the tokens of a prompt: this text, a question and the template."""
        return divide(self.asked.characters + len(text), CHARACTERS_A_TOKEN) + TEMPLATE

    def _count_written(self, calls: int, longest: int) -> Range:
        """Return the tokens of so many rationales with this limit."""
        return np.minimum(self.length, longest) * calls

    def _text(self) -> Range:
        """Return the bytes of a rationale's text."""
        return self.length * float(CHARACTERS_A_TOKEN[1])

    def _store(self, calls: int | Range) -> Range:
        """Return the bytes of so many rationales, as a file and in the journal."""
        each: Range = self._text() * 2 + RECORD + KEPT
        return each * calls


def _read_student_prompt() -> str:
    shown = student_prompt("?")
    return shown.system + shown.user
