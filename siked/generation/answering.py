"""A student before benchmarks: its free choice, each strategy forced, and several samples.

Greedy decoding writes a strategy's tag and then the rationale that follows from it, so what a
student answers freely *is* its answer with the chosen strategy forced: only the others are asked
for. Questions come and answers go by benchmark:

    free = freely(engine, {"dev": {"demo-00003": question}}, greedy, what="eval it1", ...)
    free["dev"][0].strategy     # "pot", or None where the student wrote no valid tag
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from siked.generation.engine import Engine, Sampling
from siked.generation.rationales import collect
from siked.prompts import student_prompt
from siked.records import Question, Rationale


def freely(
    engine: Engine,
    benchmarks: Mapping[str, Mapping[str, Question]],
    sampling: Sampling,
    *,
    what: str,
    strategies: Sequence[str],
) -> dict[str, list[Rationale]]:
    """Answers with a strategy of the student's choice, in the questions' order.

    Args:
        engine: the student.
        benchmarks: questions by benchmark and id.
        sampling: how answers are drawn.
        what: what the progress bar calls the work.
        strategies: the tags that count as a choice.
    """
    prompts = [
        student_prompt(question.question, question_id=question.id)
        for questions in benchmarks.values()
        for question in questions.values()
    ]
    answers = collect(engine, prompts, sampling, what=what, strategies=strategies)
    return _split(answers, {name: len(asked) for name, asked in benchmarks.items()})


def with_each(
    engine: Engine,
    benchmarks: Mapping[str, Mapping[str, Question]],
    sampling: Sampling,
    *,
    what: str,
    strategies: Sequence[str],
    free: Mapping[str, Sequence[Rationale]] | None = None,
) -> dict[str, list[Rationale]]:
    """Answers with each strategy forced: ``sampling.samples`` a question and strategy.

    Args:
        engine: the student.
        benchmarks: questions by benchmark and id.
        sampling: how answers are drawn.
        what: what the progress bar calls the work.
        strategies: those that are forced, one after the other.
        free: the student's greedy free answers, one a question, where ``sampling`` is greedy too:
            they are not asked for again.

    Returns:
        By benchmark, ordered by question, strategy and sample.
    """
    known = {
        (name, answer.question_id, answer.strategy): answer
        for name, answers in (free or {}).items()
        for answer in answers
    }
    wanted = [
        (name, question, strategy)
        for name, questions in benchmarks.items()
        for question in questions.values()
        for strategy in strategies
    ]
    prompts = [
        student_prompt(question.question, question_id=question.id, strategy=strategy)
        for name, question, strategy in wanted
        if (name, question.id, strategy) not in known
    ]
    written = iter(collect(engine, prompts, sampling, what=what, strategies=()))
    found: dict[str, list[Rationale]] = {name: [] for name in benchmarks}
    for name, question, strategy in wanted:
        if (one := known.get((name, question.id, strategy))) is not None:
            found[name].append(one)
        else:
            found[name] += islice(written, sampling.samples)
    return found


def _split(rows: Iterable[Rationale], sizes: Mapping[str, int]) -> dict[str, list[Rationale]]:
    left = iter(rows)
    return {name: list(islice(left, size)) for name, size in sizes.items()}
