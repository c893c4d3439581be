"""Ask an engine: prompts in, rationales out in the prompts' order, however the engine went.

    written = collect(engine, prompts, sampling, what="generate it1", strategies=())

A student before benchmarks is asked for its free choice, with each strategy forced, and for several
samples. Greedy decoding writes a strategy's tag and then the rationale that follows from it, so
what a student answers freely *is* its answer with the chosen strategy forced: only the others are
asked for. Questions come and answers go by benchmark:

    free = answer_freely(engine, {"dev": {"demo-00003": question}}, greedy, what="eval it1", ...)
    free["dev"][0].strategy     # "pot", or None where the student wrote no valid tag
"""

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from siked.errors import UserError
from siked.generation.engine import Completion, Engine, Sampling
from siked.prompts import Prompt, split_tag, split_thinking, student_prompt
from siked.records import Question, Rationale
from siked.settings import OpenAISettings, TeacherModel
from siked.terminal.console import say
from siked.terminal.progress import track

MILLION = 1_000_000


def collect(
    engine: Engine,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    *,
    what: str,
    strategies: Collection[str],
    thinks: bool = False,
) -> list[Rationale]:
    """Complete every prompt, with a progress bar.

    Args:
        engine: who writes.
        prompts: what is asked; one without a strategy lets the model choose by writing a tag.
        sampling: how completions are drawn.
        what: what the progress bar calls the work.
        strategies: the tags that count when the model chooses.
        thinks: keep what was thought apart, as a teacher's; a student is left as it writes.

    Returns:
        ``len(prompts) * sampling.samples`` rationales, ordered by prompt and sample; fewer where
        the engine has nothing to say (an annotations teacher without a worked solution).
    """
    finished: dict[tuple[int, int], Completion] = {}
    total, recalled = len(prompts) * sampling.samples, 0
    with track(total, what) as progress:
        for completion in engine.generate(prompts, sampling):
            finished[completion.prompt, completion.sample] = completion
            if completion.recalled:
                recalled += 1
                progress.recall()
            else:
                progress.advance(1, tokens=completion.completion_tokens)
    if recalled:
        say(f"{what}: {recalled} of {total} samples came from the journal", file=sys.stderr)
    return [
        _rationale(prompts[completion.prompt], completion, strategies, thinks=thinks)
        for _, completion in sorted(finished.items())
    ]


class Answering:
    """An engine without the questions that its server refuses for good.

    So large a share of the questions as ``stop_after`` may be refused; one always may.
    """

    def __init__(self, engine: Engine, stop_after: float) -> None:
        self._engine = engine
        self._stop_after = stop_after
        self.refused: dict[str, str] = {}
        """Why, by question id: ``content_filter``, ``too_long`` or ``refused``."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield what the engine completes.

        Raises:
            UserError: too many prompts are refused, or what the engine raises.
        """
        for one in self._engine.generate(prompts, sampling):
            if one.finish_reason != "refused":
                yield one
                continue
            reason, _, told = one.text.partition(": ")
            self.refused[prompts[one.prompt].question_id] = reason
            if len(self.refused) > max(1, self._stop_after * len(prompts)):
                raise UserError(
                    f"{len(self.refused)} of {len(prompts)} questions are refused, more than "
                    f"engine.stop_after ({self._stop_after:g}) allows; the last: {told}"
                )


def count(
    written: Sequence[Rationale],
    asked: Sequence[Question],
    model: TeacherModel | None,
    refused: Mapping[str, str],
) -> dict[str, Any]:
    """Return what a teacher's rationales took and what was refused, whichever run asked.

    Questions that read the same share their samples: tokens count once. ``cost`` is null where the
    settings have no prices or the server tells no tokens; ``currency`` is there where they name it.
    """
    texts = {question.id: question.question for question in asked}
    once = {(texts[one.question_id], one.sample): one for one in written}.values()
    prompt_tokens = sum(one.prompt_tokens for one in once)
    tokens = sum(one.completion_tokens for one in once)
    engine = model and model.engine
    prices = engine.prices if isinstance(engine, OpenAISettings) else None
    cost = None
    named = {"currency": prices.currency} if prices is not None and prices.currency else {}
    if prices is not None and tokens:
        paid = prompt_tokens * prices.prompt + tokens * prices.completion
        share = prices.batch if isinstance(engine, OpenAISettings) and engine.batch else 1
        cost = round(paid * share / MILLION, 6)
    return {
        "rows": len(written),
        "prompt_tokens": prompt_tokens,
        "tokens": tokens,
        "truncated": sum(one.truncated for one in written),
        "thinking": sum(bool(one.thinking) for one in written),
        "cost": cost,
        **named,
        "refused": dict(sorted(Counter(refused.values()).items())),
        "refused_questions": dict(sorted(refused.items())),
    }


def describe(counts: dict[str, Any]) -> str:
    """Return ``1,200 rationales, 812,000 prompt + 96,000 completion tokens, cost 0.55 USD``."""
    text = (
        f"{counts['rows']:,} rationales, {counts['prompt_tokens']:,} prompt + "
        f"{counts['tokens']:,} completion tokens"
    )
    if counts["cost"] is not None:
        text += f", cost {counts['cost']:,.2f} {counts.get('currency', '')}".rstrip()
    refused = (f"{reason} {number}" for reason, number in counts["refused"].items())
    left_out = len(counts["refused_questions"])
    return f"{text}; questions refused: {left_out} ({', '.join(refused)})" if left_out else text


def _rationale(
    prompt: Prompt, completion: Completion, strategies: Collection[str], *, thinks: bool
) -> Rationale:
    strategy, text = prompt.strategy, completion.text
    thinking, text = split_thinking(text) if thinks else ("", text)
    if strategy is None:
        strategy, text = split_tag(text, strategies)
    return Rationale(
        question_id=prompt.question_id,
        strategy=strategy,
        sample=completion.sample,
        text=text.strip(),
        thinking=thinking,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        truncated=completion.finish_reason == "length",
        teacher=completion.teacher,
        source=completion.source,
    )


def answer_freely(
    engine: Engine,
    benchmarks: Mapping[str, Mapping[str, Question]],
    sampling: Sampling,
    *,
    what: str,
    strategies: Sequence[str],
) -> dict[str, list[Rationale]]:
    """Return answers with a strategy of the student's choice, in the questions' order.

    Of the tags that it writes, ``strategies`` count as a choice.
    """
    prompts = [
        student_prompt(question.question, question_id=question.id)
        for questions in benchmarks.values()
        for question in questions.values()
    ]
    answers = collect(engine, prompts, sampling, what=what, strategies=strategies)
    return _split(answers, {name: len(asked) for name, asked in benchmarks.items()})


def answer_with_each(
    engine: Engine,
    benchmarks: Mapping[str, Mapping[str, Question]],
    sampling: Sampling,
    *,
    what: str,
    strategies: Sequence[str],
    free: Mapping[str, Sequence[Rationale]] | None = None,
) -> dict[str, list[Rationale]]:
    """Return answers with each strategy forced: ``sampling.samples`` a question and strategy.

    The student's greedy ``free`` answers are not asked for again where ``sampling`` is greedy too.

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
