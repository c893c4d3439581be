r"""GSM8K: school problems with worked solutions (https://github.com/openai/grade-school-math).

``train.jsonl`` has the solution, one step a line, its arithmetic repeated in calculator marks:

    {"question": "Weng earns $12 an hour for babysitting. Yesterday, she just did 50 minutes of
     babysitting. How much did she earn?",
     "answer": "Weng earns 12/60 = $<<12/60=0.2>>0.2 per minute.\nWorking 50 minutes, she earned
     0.2 x 50 = $<<0.2*50=10>>10.\n#### 10"}

``train_socratic.jsonl``, its twin, puts the question that a step answers before it:

    "How much does she earn per minute? ** Weng earns 12/60 = $<<12/60=0.2>>0.2 per minute.\n..."

Without the twin a step's question is made from its own words. A number that equals an earlier
value is taken for that value; calculations after the one that gives the answer are left out. Where
no step says the answer (17 of 7,473 train rows contradict it or change its unit silently), there
is no worked solution.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.questions.arithmetic import LITERAL, is_number, join, literal, tokens
from siked.questions.gold import exact, gold, plain
from siked.questions.reading import LeftOut, json_lines, text_field
from siked.questions.worked import naming
from siked.questions.worked.visible import Found, Unknowns, find
from siked.records import Calculation, Question, Step
from siked.settings import Source

_COMMON = {Fraction(value) for value in (1, 2, 7, 12, 24, 60, 100)}
"""Numbers that a solution may bring in by itself: days, months, hours, minutes, percent."""
_WORDS = {
    word: Fraction(value)
    for value, words in enumerate(
        (
            *("zero", "one once", "two twice half double both", "three thrice third triple"),
            *("four quarter", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
            "twelve dozen",
        )
    )
    for word in words.split()
}
_EMPTY_MARK = re.compile(r"<<\s*[\d.,]+\s*=[^<>]*>>")
_MARK = re.compile(r"<<[^<>]*>>")
_REPEATED = re.compile(rf"^>>\s*\$?(?:{LITERAL.pattern})?")
_LOWER = re.compile("[a-z]+")


def read(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Yield the questions of ``path/SPLIT.jsonl``, with its twin where that lies beside it.

    Raises:
        UserError: a file is missing or malformed, or the twin has other questions.
    """
    if path.is_file():
        raise UserError(f"{path}: is a file: gsm8k reads the folder that has it, so name that")
    twin = path / f"{source.split}_socratic.jsonl"
    plain_rows = json_lines(path / f"{source.split}.jsonl")
    yield from questions(
        name, source.split, plain_rows, json_lines(twin) if twin.exists() else None
    )


def questions(
    name: str,
    split: str,
    rows: Iterable[tuple[str, dict[str, Any]]],
    twins: Iterable[tuple[str, dict[str, Any]]] | None,
) -> Iterator[Question | LeftOut]:
    """Yield questions from the rows of the plain file and, in the same order, of its twin.

    Raises:
        UserError: a row is malformed, or a twin is not the same question.
    """
    prefix = name if name.endswith(split) else f"{name}-{split}"
    others = iter(twins) if twins is not None else None
    for index, (where, row) in enumerate(rows):
        question = text_field(where, row, "question")
        lines, final = _solution(where, row)
        asks = [""] * len(lines)
        if others is not None:
            asks = _asks(where, lines, next(others, None))
        try:
            answer = gold(final)
        except ValueError as error:
            yield LeftOut(where, str(error))
            continue
        yield Question(
            id=f"{prefix}-{index:05}",
            source=name,
            question=question,
            answer=answer,
            solution=_worked(question, answer, lines, asks),
        )


def _worked(
    question: str, answer: str, lines: Sequence[str], asks: Sequence[str]
) -> tuple[Step, ...]:
    """A worked solution; none where a number in it has thousands of digits."""
    try:
        return build_solution(question, answer, lines, asks)
    except ValueError:
        return ()


def _solution(where: str, row: dict[str, Any]) -> tuple[list[str], str]:
    """The steps and the final answer of a row."""
    text_field(where, row, "answer")
    lines = [" ".join(line.split()) for line in str(row["answer"]).split("\n")]
    lines = [line for line in lines if line]
    if not lines[-1].startswith("####"):
        raise UserError(f"{where}: `answer` does not end with a line `#### NUMBER`")
    return lines[:-1], lines[-1].removeprefix("####")


def _asks(where: str, lines: Sequence[str], twin: tuple[str, dict[str, Any]] | None) -> list[str]:
    """The sub-questions of the twin, which has the same steps."""
    if twin is None:
        raise UserError(f"{where}: the socratic file ends before this question")
    other, row = twin
    parts = [line.partition(" **") for line in _solution(other, row)[0]]
    pairs = [(ask.strip(), say.strip()) for ask, _, say in parts if say.strip()]
    if [say for _, say in pairs] != list(lines):
        raise UserError(f"{other}: not the same solution as {where}, or no ` ** ` in a step")
    return [ask for ask, _ in pairs]


def build_solution(
    question: str, answer: str, lines: Sequence[str], asks: Sequence[str]
) -> tuple[Step, ...]:
    """Return a worked solution of lines and the sub-questions that they answer ("" for none)."""
    # A mark that computes nothing, `<<24=24>>`, hides the sum that the sentence has: 2/5*60=24.
    lines = [_EMPTY_MARK.sub("", line) for line in lines]
    numbers = (text for line in lines for text in LITERAL.findall(line))
    if exact(answer) not in {abs(literal(text)) for text in numbers}:
        return ()
    unknowns = Unknowns()
    found = [_calculations(line, unknowns) for line in lines]
    _end_with_answer(found, exact(answer))
    writer = _Writer(question)
    steps = []
    for index, line in enumerate(lines):
        ask = asks[index]
        say = " ".join(_MARK.sub("", line).split())
        is_final = ask not in asks[index + 1 :]
        named = [
            writer.write(one, line, ask if is_final and one is found[index][-1] else "")
            for one in found[index]
        ]
        if not ask:
            ask = _own_question(question, line, found[index], is_last=index == len(lines) - 1)
        steps.append(Step(ask=ask, say=say, calculations=tuple(named)))
    return tuple(steps)


def _calculations(line: str, unknowns: Unknowns) -> list[Found]:
    solved = unknowns.find(_MARK.sub("", line))
    calculations: list[Found] = []
    for one in find(line):
        if not calculations or calculations[-1].expression != one.expression:
            calculations.append(one)
    if not calculations and solved is not None:
        # Its place is counted without marks; with one, the words after it are unknown.
        calculations.append(solved if "<<" not in line else solved._replace(after=len(line)))
    return calculations


def _end_with_answer(found: list[list[Found]], answer: Fraction) -> None:
    """Drop the calculations after the last one that gives the answer, if one does."""
    for index in range(len(found) - 1, -1, -1):
        for place in range(len(found[index]) - 1, -1, -1):
            if found[index][place].value == answer:
                del found[index][place + 1 :]
                for later in found[index + 1 :]:
                    later.clear()
                return


def _own_question(question: str, line: str, found: Sequence[Found], *, is_last: bool) -> str:
    """A sub-question for a step that has none, from the words after its value."""
    if is_last:
        return naming.final_question(question)
    if not found:
        return "What do we know?"
    unit = naming.after_value(_words_after(line, found[-1])).replace("_", " ")
    return f"How many {unit}?" if unit else f"What is {found[-1].expression}?"


def _words_after(line: str, found: Found) -> str:
    """What a line says after a value; a mark repeats the value behind its end."""
    rest = line[found.after :]
    if rest.startswith(">>"):
        rest = _REPEATED.sub("", rest, count=1)
    return rest


class _Writer:
    """Names values and lets later expressions use the names."""

    def __init__(self, question: str) -> None:
        self._given = _COMMON | {literal(text) for text in LITERAL.findall(question)}
        self._given |= {_WORDS[word] for word in _words(question) if word in _WORDS}
        self._named: dict[str, Fraction] = {}
        self._unused: set[str] = set()

    def write(self, found: Found, line: str, ask: str) -> Calculation:
        """Write a calculation under its name; ``ask`` is the question it answers, "" for none."""
        context = _words(f"{line} {ask}")
        expression = join([self._reference(one, context) for one in tokens(found.expression)])
        after = _words_after(line, found)
        names = naming.suggest_names(ask, after) if ask else iter([naming.after_value(after)])
        name = naming.choose_name(names, set(self._named))
        self._named[name] = found.value
        self._unused.add(name)
        return Calculation(name=name, expression=expression, value=plain(found.value))

    def _reference(self, token: str, context: set[str]) -> str:
        """The name of the earlier value that a number stands for, or the number itself.

        Of several it is the one whose name has most words of the step, then the oldest unused.
        """
        if not is_number(token):
            return token
        value = Fraction(token)
        equal = [name for name, known in self._named.items() if known == value]
        fresh = [name for name in equal if name in self._unused]
        if not fresh and (not equal or value in self._given):
            return token
        name = max(fresh or equal, key=lambda one: len(context.intersection(one.split("_"))))
        self._unused.discard(name)
        return name


def _words(text: str) -> set[str]:
    return set(_LOWER.findall(text.lower()))
