"""siked solve: ask a trained student, here or behind a server.

siked solve "Tom has 3 apples and buys 4. How many does he have?"
siked solve --student it1 --strategy pot "Tom has 3 apples and buys 4. How many does he have?"
siked solve --server http://127.0.0.1:8000 "Tom has 3 apples and buys 4. How many does he have?"
"""

import os
from contextlib import ExitStack
from typing import Annotated

import typer

from siked.commands.students import BEST, StudentName, choose
from siked.errors import UserError
from siked.exporting.solving import Streamer, answer
from siked.generation.openai.endpoint import Endpoint
from siked.generation.transformers import TransformersEngine
from siked.prompts import (
    Prompt,
    tag_line,
)
from siked.run import layout
from siked.settings import as_transformers, load_params
from siked.strategies import STRATEGIES
from siked.terminal.console import say
from siked.verification.sandbox import Sandbox


def solve(
    question: Annotated[str, typer.Argument(help="A math word problem.")],
    strategy: Annotated[
        str | None, typer.Option(help=f"Force one: {', '.join(STRATEGIES)}.")
    ] = None,
    student: StudentName = BEST,
    server: Annotated[
        str | None,
        typer.Option(help="Ask what `siked serve` opened at this URL (key: OPENAI_API_KEY)."),
    ] = None,
) -> None:
    """Let a student solve a question: its rationale, strategy and answer.

    Programs run in the sandbox of this machine, also those that a server's student writes.
    """
    question = question.encode(errors="replace").decode()  # a shell's bytes need not be UTF-8
    if not question.strip():
        raise UserError("the question is empty: write it in quotes")
    settings = load_params(layout.PARAMS)
    chosen = None if server is not None else choose(student)
    strategies = settings.strategies if chosen is None else chosen.student.strategies
    if strategy is not None and strategy not in strategies:
        raise UserError(f"--strategy {strategy}: the student knows {', '.join(strategies)}")
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(settings.verify))
        writer: Streamer
        if chosen is None:
            writer = stack.enter_context(Endpoint(str(server), os.environ.get("OPENAI_API_KEY")))
            prefix = "" if strategy is None else tag_line(strategy)
            prompt = Prompt("", strategy, system="", user=question.strip(), prefix=prefix)
        else:
            writer = TransformersEngine(
                layout.BASE, chosen.adapter, as_transformers(settings.engine)
            )
            prompt = chosen.student.ask(question, strategy)
        solved = answer(
            prompt,
            writer,
            sandbox,
            strategies=strategies,
            max_new_tokens=settings.eval.max_new_tokens,
            ignore_rules=settings.verify.ignore_rules,
            write=lambda piece: say(piece, end=""),
        )
    say("\n")
    say(f"strategy: {solved.strategy or 'none chosen'}")
    ran = " (by running the program)" if solved.ran else ""
    say(f"answer: {solved.answer}{ran}" if solved.answer else f"no answer: {solved.failure}")
