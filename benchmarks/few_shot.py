"""What the student's base model solves before any training, shown worked examples.

The prompts are those of an LLM teacher (`prompts/teacher/`: an instruction and five worked examples
a strategy), the answers greedy, the questions and limits those of the run in this folder:

    dvc exp apply EXPERIMENT    # or dvc repro questions base
    python -m benchmarks.few_shot
    python -m benchmarks.few_shot --benchmark dev --strategy pot --questions 50

Answers are journaled, so that a second call costs nothing.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

from siked.analysis.statistics import wilson
from siked.errors import UserError, report_errors
from siked.generation.ask import collect
from siked.generation.engine import Sampling
from siked.generation.journal.engine import open_journaled
from siked.prompts import TEACHER_STOP, teacher_prompt
from siked.records import Question
from siked.run import layout
from siked.settings import Params, load_params
from siked.verification.verifiers import open_verifier
from stages.eval import benchmarks


def main() -> None:
    """Print a line for each benchmark and strategy: right, n, accuracy and its 95% interval."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--benchmark", action="append", help="dev or a test set; all if not given")
    parser.add_argument("--strategy", action="append", help="cot, l2m or pot; all if not given")
    parser.add_argument("--questions", type=int, help="the first so many of each; all if not given")
    options = parser.parse_args()
    with report_errors():
        params = load_params(layout.PARAMS)
        known = benchmarks(params)
        names = chosen("benchmark", options.benchmark, list(known))
        asked = {name: dict(islice(known[name].items(), options.questions)) for name in names}
        show(params, asked, chosen("strategy", options.strategy, params.strategies))


def chosen(what: str, names: Sequence[str] | None, known: Sequence[str]) -> Sequence[str]:
    """Those that the user named, or all.

    Raises:
        UserError: the settings have none of that name.
    """
    if odd := [name for name in names or () if name not in known]:
        raise UserError(f"--{what} {odd[0]}: the settings have {', '.join(known)}")
    return names or known


def show(
    params: Params, asked: Mapping[str, Mapping[str, Question]], strategies: Sequence[str]
) -> None:
    """Ask the base model, check its answers and print what came out.

    Args:
        params: the settings.
        asked: questions by benchmark and id.
        strategies: those whose prompts are shown, one after the other.
    """
    engine = open_journaled(params.engine, layout.BASE, None, journal=layout.kept(layout.JOURNAL))
    greedy = Sampling(max_new_tokens=params.eval.max_new_tokens, stop=TEACHER_STOP)
    right: defaultdict[tuple[str, str], int] = defaultdict(int)
    with open_verifier(params.verify, None) as verifier:
        for strategy in strategies:
            prompts = [
                teacher_prompt(question.question, strategy, question_id=question.id)
                for own in asked.values()
                for question in own.values()
            ]
            what = f"base, {strategy}"
            answers = iter(collect(engine, prompts, greedy, what=what, strategies=()))
            for name, own in asked.items():
                mine = [next(answers) for _ in own]
                right[name, strategy] = sum(one.correct for one in verifier.verify(mine, own))
    print(f"{'benchmark':16} {'strategy':9} right    n  accuracy (95%)")
    for name, own in asked.items():
        for strategy in strategies:
            count, n = right[name, strategy], len(own)
            low, high = wilson(count, n)
            found = f"{count / n:.1%} ({low:.1%} to {high:.1%})"
            print(f"{name:16} {strategy:9} {count:5} {n:4}  {found}")


if __name__ == "__main__":
    main()
