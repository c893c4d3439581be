"""The pipeline stage by stage: calls, tokens, hours, disk and money of each.

A row of an estimate, for 7,473 questions with 10 samples each from a teacher of 70B on one kind of
card:

    StageCost("teach@cot", calls=74_730, read=1.6e6, written=8.2e6, hours=4.6, ...)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from siked.estimating.counts import QuestionCounts, WriterRates, count_kept
from siked.estimating.rates import BFLOAT16, Card, Kind, Machine
from siked.mixing import Variant
from siked.prompts import Prompt, student_prompt, teacher_prompt
from siked.settings import OpenAISettings, Params

CHARACTERS_A_TOKEN = 3.9
"""Of English word problems, with SmolLM2's tokenizer on GSM8K."""
TEMPLATE = 20
"""Tokens that a chat template and a strategy's tag add."""
RECORD = 200
"""Bytes of a row besides its texts."""
ADAPTER = 4.9e6
"""Parameters of a rank 16 adapter on all linear layers of a model with ADAPTED parameters."""
ADAPTED = 135e6
GROWTH = 0.6
"""An adapter grows with the width of layers, a model with its square and their number."""
WHOLE = 8 / 6
"""Work of training all weights over that of an adapter: their gradients come on top."""
TAUGHT, WRITTEN = 2.0, 3.0
"""Work of training a rival over that: the teacher reads too; and what the rival writes itself comes
on top. As measured on a CPU with the demo's student."""
FLOAT32 = 4
"""Bytes of an adapter's weight."""
MILLION = 1e6
HOUR = 3600


class StageCost(NamedTuple):
    """What one stage takes."""

    stage: str
    calls: float = 0
    """Rationales or answers asked of a model, or rows trained on or checked."""
    read: float = 0
    """Tokens of prompts; those of several samples once."""
    written: float = 0
    """Tokens written by a model, or learned from."""
    hours: float = 0
    """Of one card, or of this machine."""
    disk: float = 0
    """Bytes in the workspace and the journal."""
    money: float | None = None
    """In the currency of the prices; None where there is no price."""


def total(costs: Sequence[StageCost]) -> StageCost:
    """Return the sum of all stages; its money leaves out what has no price."""
    prices = [one.money for one in costs if one.money is not None]
    columns = zip(*(one[1:-1] for one in costs), strict=True)
    return StageCost("total", *map(sum, columns))._replace(money=sum(prices) if prices else None)


@dataclass(frozen=True)
class Plan:
    """All that decides an estimate."""

    params: Params
    asked: QuestionCounts
    rates: Card | Machine
    student: float
    """Parameters."""
    teachers: dict[str, float]
    """Parameters, by strategy; those alone that a model of ours teaches."""
    length: float
    """Tokens of a rationale."""
    taught: WriterRates
    """How often the teacher is right."""
    written: WriterRates
    """How often the student is right."""
    price: float | None
    """Of an hour of what ``rates`` are about."""
    factor: float
    """How far off hours and money may be, up or down."""

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
        yield StageCost("base", disk=BFLOAT16 * self.student)
        yield from map(self._teach, params.strategies)
        # What the student solves best is not known yet where it decides.
        bias = None if params.mix.bias == "student" else params.mix.bias
        calls = self.asked.train * sum(map(self._taught_samples, params.strategies))
        yield self._filter("filter_teacher", calls)
        first, *later = params.chain()
        d_llm = self._select(self.taught, bias)
        yield from self._train(first, sum(d_llm.values()), epochs)
        for name in later:
            yield from self._iterate(name)
        for strategy in params.baselines:
            yield from self._train(f"baseline-{strategy}", d_llm[strategy], epochs, beside=True)
        for name, rival in params.rivals.items():
            rows, work = sum(d_llm.values()), TAUGHT + WRITTEN * rival.lmbda
            yield from self._train(name, rows, rival.epochs, beside=True, work=work)

    def _teach(self, strategy: str, *, batch: bool | None = None) -> StageCost:
        """Return what a strategy's rationales take; ``batch`` is the engine's where it is None."""
        model, samples = self.params.teachers()[strategy].model, self._taught_samples(strategy)
        stage, calls = f"teach@{strategy}", self.asked.train * samples
        if model is None:
            return StageCost(stage, calls, disk=self._store(calls))
        read = self._count_tokens(teacher_prompt("?", strategy)) * self.asked.train
        written = self._count_written(calls, model.sampling.max_new_tokens)
        if (size := self.teachers.get(strategy)) is not None:
            return self._cost(stage, "generation", calls, read, written, size)
        row = StageCost(stage, calls, read, written, disk=self._store(calls))
        engine = model.engine
        if not isinstance(engine, OpenAISettings) or (prices := engine.prices) is None:
            return row
        money = (read * prices.prompt + written * prices.completion) / MILLION
        batch = engine.batch if batch is None else batch
        return row._replace(money=money * prices.batch if batch else money)

    def bill(self, *, batch: bool) -> float | None:
        """Return what teachers behind servers cost, by the Batch API or without it.

        It is None where none of them has prices.
        """
        served = [name for name in self.params.strategies if name not in self.teachers]
        return total([self._teach(name, batch=batch) for name in served]).money if served else None

    def _iterate(self, name: str) -> Iterator[StageCost]:
        params, prompts = self.params, self.asked.train * len(self.params.strategies)
        calls = prompts * params.generate.samples
        read = self._count_tokens(student_prompt("?")) * prompts
        written = self._count_written(calls, params.generate.max_new_tokens)
        yield self._cost(f"generate@{name}", "generation", calls, read, written, self.student)
        yield self._filter(f"filter@{name}", calls)
        yield from self._train(name, self._mix(), params.train.iterate.epochs)

    def _train(
        self, name: str, rows: float, epochs: float, *, beside: bool = False, work: float = 1
    ) -> Iterator[StageCost]:
        """Yield a student's training and its evaluation; ``beside`` the loop it has no mix."""
        params, lora = self.params, self.params.train.lora
        prompt = self._count_tokens(student_prompt("?"))
        tokens = rows * min(prompt + self.length, params.train.max_length) * epochs
        if lora is None:
            weights, work = BFLOAT16 * self.student, WHOLE * work
        else:
            adapter = ADAPTER * (self.student / ADAPTED) ** GROWTH * lora.rank / 16
            weights = FLOAT32 * adapter
        text = (prompt + self.length) * CHARACTERS_A_TOKEN + RECORD
        trained = self._cost(f"train@{name}", "training", rows, 0, tokens, self.student, work)
        yield trained._replace(disk=weights + (0 if beside else rows * text))
        # Of the forced answers, one is the free one.
        each = 1 if beside or not params.eval.forced else len(params.strategies)
        if not beside and params.eval.sampling is not None:
            each += len(params.strategies) * params.eval.sampling.samples
        calls = self.asked.evaluated * each
        written = self._count_written(calls, params.eval.max_new_tokens)
        yield self._cost(f"eval@{name}", "answering", calls, prompt * calls, written, self.student)

    def _filter(self, name: str, calls: int) -> StageCost:
        """Return what a filter stage writes; its time is little beside that of models."""
        disk = calls * (self.length * CHARACTERS_A_TOKEN + RECORD)
        return StageCost(name, calls, disk=disk)

    def _cost(
        self,
        stage: str,
        kind: Kind,
        calls: float,
        read: float,
        written: float,
        size: float,
        work: float = 1,
    ) -> StageCost:
        """Return what a model's work takes; ``work`` is a token's over the usual one's."""
        hours = self.rates.seconds(kind, read, written * work, size) / HOUR
        money = None if self.price is None else hours * self.price
        return StageCost(stage, calls, read, written, hours, disk=self._store(calls), money=money)

    def _solve(self, writer: WriterRates, strategy: str, keep: int | None) -> float:
        """Return a question's right rationales by a strategy, of which at most ``keep`` count."""
        taught, own = self._taught_samples(strategy), self.params.generate.samples
        samples = taught if writer is self.taught else own
        return count_kept(writer.shares[strategy], samples, keep)

    def _select(self, writer: WriterRates, order: Sequence[str] | None) -> dict[str, float]:
        """Return the rows of a writer that may train, by strategy.

        With an order, a question's rows are those of its first strategy that has any.
        """
        rows, left = dict.fromkeys(self.params.strategies, 0.0), float(self.asked.train)
        for strategy in order or self.params.strategies:
            rows[strategy] = self._solve(writer, strategy, self.params.mix.keep) * left
            left *= 1 - self._solve(writer, strategy, 1) if order else 1
        return rows

    def _mix(self) -> float:
        """Return the rows of the next training set."""
        mix, shares = self.params.mix, self.written.shares
        order = mix.bias
        if order == "student":  # as if all questions had the same
            order = tuple(sorted(shares, key=lambda name: -shares[name]))
        own = sum(self._select(self.written, order).values())
        d_llm = self._select(self.taught, order)
        if mix.variant == "self":
            return own
        if mix.variant == "adaptive":
            samples = self.params.generate.samples * len(shares)
            solved = count_kept(sum(shares.values()) / len(shares), samples, 1)
            for name in d_llm:
                by_strategy = mix.scope == "strategy"
                d_llm[name] *= 1 - (self._solve(self.written, name, 1) if by_strategy else solved)
        return sum(d_llm.values()) + (0 if mix.variant == "teacher" else own)

    def _taught_samples(self, strategy: str) -> int:
        """Return how many rationales the teacher writes for a question with a strategy."""
        model = self.params.teachers()[strategy].model
        return 1 if model is None else model.sampling.samples

    def _count_tokens(self, prompt: Prompt) -> float:
        """Return the tokens of a prompt: its text, a question and the template."""
        text = len(prompt.system) + len(prompt.user) + self.asked.characters
        return text / CHARACTERS_A_TOKEN + TEMPLATE

    def _count_written(self, calls: float, longest: int) -> float:
        """Return the tokens of so many rationales with this limit."""
        return min(self.length, longest) * calls

    def _store(self, calls: float) -> float:
        """Return the bytes of so many rationales, as a file and in the journal."""
        return calls * (self.length * CHARACTERS_A_TOKEN * 2 + RECORD)
