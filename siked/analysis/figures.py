"""What the records of a run say: the numbers behind the metrics, the plots and the report.

Records go in, plain dicts for ``metrics/*.json`` come out: floats rounded to 6 decimals, keys in a
fixed order, None where there is nothing to average. ``evaluate`` of 60 greedy answers, say:

    {"accuracy": 0.55, "n": 60, "low": 0.424919, "high": 0.669063,
     "strategies": {"cot": {"share": 0.166667, "accuracy": 0.3, "n": 10, ...}, ...},
     "invalid_tags": 0.016667, "truncated": 0.05, "completion_tokens": 41.2,
     "failures": {"wrong": 22, "no-answer": 3, "truncated": 2}}

An *evaluation* below is such a dict a benchmark (``dev`` and each test set); *evaluations* are
those by the name of the student: ``it0``, ``it1``, ``baseline-pot``.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from siked.analysis.statistics import accuracy, divergence, gain, round_floats, share
from siked.analysis.verdicts import failures
from siked.errors import UserError
from siked.records import Example, VerifiedRationale

Evaluation = dict[str, dict[str, Any]]

DEV = "dev"
"""The benchmark that selects and stops; every other one only reports."""
SMOOTHING = 1.0
"""Added to each strategy's count before KL is taken: one imagined row a strategy."""
TOLERANCE = 1e-9
"""Below any real step of an accuracy; keeps 0.3 - 0.2 from missing a gain of 0.1."""


def evaluate(answers: Collection[VerifiedRationale], strategies: Sequence[str]) -> dict[str, Any]:
    """Return one benchmark's figures from a student's greedy answers, one a question.

    An answer whose strategy is None or not among ``strategies`` counts as an invalid tag (the
    shares and that rate sum to 1). See the module's docstring for the result.
    """
    n = len(answers)
    chosen = Counter(answer.strategy for answer in answers)
    right = Counter(answer.strategy for answer in answers if answer.correct)
    return _dict(
        {
            **accuracy(sum(right.values()), n),
            "strategies": {
                name: {"share": share(chosen[name], n), **accuracy(right[name], chosen[name])}
                for name in strategies
            },
            "invalid_tags": share(n - sum(chosen[name] for name in strategies), n),
            "truncated": share(sum(answer.truncated for answer in answers), n),
            "completion_tokens": share(sum(answer.completion_tokens for answer in answers), n),
            "failures": failures(answers),
        }
    )


def describe_mix(
    examples: Collection[Example],
    strategies: Sequence[str],
    *,
    teacher: Iterable[VerifiedRationale],
    student: Iterable[VerifiedRationale],
    smoothing: float = SMOOTHING,
) -> dict[str, Any]:
    """Return a training set's figures: where its rows come from and how its strategies are spread.

    Args:
        examples: The training set.
        strategies: The strategies that the student chooses from.
        teacher: The teacher's rationales; those that are right give P_LLM.
        student: The student's own rationales; those that are right give P_student.
        smoothing: Added to each count before KL is taken.

    Returns:
        ``{"rows", "teacher_rows", "student_rows", "alpha", "p_train": {"cot", ...}, "p_llm",
        "p_student", "kl", "smoothing"}``: alpha is the share of teacher rows, kl is
        KL(P_train ‖ P_student) in nats.
    """
    train = Counter(example.strategy for example in examples)
    own = Counter(rationale.strategy for rationale in student if rationale.correct)
    llm = Counter(rationale.strategy for rationale in teacher if rationale.correct)
    from_teacher = sum(example.origin == "teacher" for example in examples)
    return _dict(
        {
            "rows": len(examples),
            "teacher_rows": from_teacher,
            "student_rows": len(examples) - from_teacher,
            "alpha": share(from_teacher, len(examples)),
            "p_train": _shares(train, strategies),
            "p_llm": _shares(llm, strategies),
            "p_student": _shares(own, strategies),
            "kl": divergence(
                {name: train[name] for name in strategies},
                {name: own[name] for name in strategies},
                smoothing=smoothing,
            ),
            "smoothing": smoothing,
        }
    )


def find_changes(
    before: Iterable[VerifiedRationale], after: Iterable[VerifiedRationale]
) -> tuple[list[str], list[str]]:
    """Return the questions that ``after`` answers right and ``before`` wrong, and the reverse.

    Returns:
        Two lists of question ids, in the order of ``before``.

    Raises:
        UserError: the two do not answer the same questions, once each.
    """
    first, second = list(before), list(after)
    was = {answer.question_id: answer.correct for answer in first}
    now = {answer.question_id: answer.correct for answer in second}
    if len(was) < len(first) or len(now) < len(second):
        raise UserError("a question is answered twice: compare greedy answers, one a question")
    if odd := was.keys() ^ now.keys():
        raise UserError(
            f"the two students answered different questions ({len(odd)} of them, "
            f"{min(odd)} for one): evaluate both on the same data"
        )
    won = [question for question, correct in was.items() if now[question] and not correct]
    lost = [question for question, correct in was.items() if correct and not now[question]]
    return won, lost


def compare(
    before: Collection[VerifiedRationale], after: Collection[VerifiedRationale], *, seed: int = 0
) -> dict[str, Any]:
    """Return how much better ``after`` is than ``before`` on the same questions.

    Returns:
        ``{"gain": 0.15, "low": 0.033333, "high": 0.266667, "p": 0.035156, "won": 12, "lost": 3,
        "n": 60}``; see ``siked.analysis.statistics.gain``.

    Raises:
        UserError: the two do not answer the same questions, once each.
    """
    won, lost = find_changes(before, after)
    return _dict(gain(len(won), len(lost), len(before), seed=seed))


def plateau(dev: Sequence[float], patience: int | None, min_gain: float) -> bool:
    """Return whether dev accuracy has stopped rising, so that the loop should.

    An iteration counts as better when it beats the best one so far by at least ``min_gain``, and
    by more than nothing.

    Args:
        dev: Dev accuracies from the first iteration to the last.
        patience: Stop after this many iterations in a row that are not better; None never stops.
        min_gain: Smallest rise that counts.
    """
    if patience is None or not dev:
        return False
    top, waited = dev[0], 0
    for value in dev[1:]:
        rise = value - top
        if rise > TOLERANCE and rise >= min_gain - TOLERANCE:
            top, waited = value, 0
        else:
            waited += 1
    return waited >= patience


def choose_best(dev: Mapping[str, float]) -> str:
    """Return the name with the highest dev accuracy; the earlier one where two tie.

    Raises:
        ValueError: there is none.
    """
    return max(dev, key=lambda name: dev[name])


def summarise(
    evaluations: Mapping[str, Evaluation],
    chain: Sequence[str],
    baselines: Sequence[str],
    selected: str,
    gains: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the few figures of a whole run that ``dvc exp show`` puts side by side.

    Args:
        evaluations: Every student's evaluation.
        chain: The iterations from the first (plain distillation) to the last.
        baselines: The single-strategy students, if any; the best of them *on dev* is reported.
        selected: The iteration that was chosen on dev.
        gains: ``compare`` of the first and the selected iteration, a test set.

    Returns:
        ``{"selected": "it2", "iterations": 2, "dev": 0.6, "baseline": "baseline-pot",
        "test": {"demo-seen": {"accuracy": 0.61, "distilled": 0.46, "baseline": 0.5, "gain": 0.15,
        "low": 0.03, "high": 0.27, "p": 0.0352}, ...}}``, a dict for each test set.
    """
    strongest = (
        choose_best({name: _dev(evaluations, name) for name in baselines}) if baselines else None
    )
    result: dict[str, Any] = {
        "selected": selected,
        "iterations": len(chain) - 1,
        "dev": _dev(evaluations, selected),
    }
    if strongest:
        result["baseline"] = strongest
    result["test"] = {}
    for benchmark, figures in evaluations[selected].items():
        if benchmark == DEV:
            continue
        row = {
            "accuracy": figures["accuracy"],
            "distilled": evaluations[chain[0]][benchmark]["accuracy"],
        }
        if strongest:
            row["baseline"] = evaluations[strongest][benchmark]["accuracy"]
        row |= {key: gains[benchmark][key] for key in ("gain", "low", "high", "p")}
        result["test"][benchmark] = row
    return _dict(result)


def _dev(evaluations: Mapping[str, Evaluation], name: str) -> float:
    return float(evaluations[name][DEV]["accuracy"])


def _shares(counts: Mapping[Any, int], strategies: Sequence[str]) -> dict[str, float | None]:
    whole = sum(counts[name] for name in strategies)
    return {name: share(counts[name], whole) for name in strategies}


def _dict(value: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = round_floats(value)
    return result
