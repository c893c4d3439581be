"""Worked solutions from equations, one step a binary operation.

The equation ``( ( 3.0 + 4.0 ) - 6.0 )`` of "Allan brought 6 balloons and Jake brought 3 balloons
to the park. Jake then bought 4 more balloons at the park. How many more balloons did Jake have
than Allan in the park?" becomes

    How many balloons are 3 and 4 together?       3 + 4 = 7 balloons.    balloons = 3 + 4
    How many more balloons did Jake have than ... 7 - 6 = 1 balloons.    ... = balloons - 6
"""

import ast
import re
from collections.abc import Sequence
from fractions import Fraction

from siked.questions.arithmetic import LITERAL, evaluate, literal, parse, tidy
from siked.questions.gold import exact, plain
from siked.questions.worked import naming
from siked.records import Calculation, Step

_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
_RESULTS = {"+": "total", "-": "rest", "*": "product", "/": "share", "//": "times", "%": "left"}
_ASKS = {
    "+": "What is {a} plus {b}?",
    "-": "What is {a} minus {b}?",
    "*": "What is {a} times {b}?",
    "/": "What is {a} divided by {b}?",
    "//": "How many whole times does {b} go into {a}?",
    "%": "What is left when {b} is taken from {a} as often as it goes?",
}
_COUNTED = re.compile(
    r"(?<![\d.])(\d++(?:\.\d++)?+)\s++(?:more |fewer |other |new |old )?([a-z]+s)\b"
)
_ASKS_OF_UNIT = {
    "+": "How many {unit} are {a} and {b} together?",
    "-": "How many {unit} are {a} without {b}?",
}


def build_solution(
    question: str, answer: str, equations: Sequence[str], unit: str | None = None
) -> tuple[Step, ...]:
    """Return the worked solution that equations spell out.

    Args:
        question: the whole problem; its last question is what the last step answers.
        answer: the gold answer.
        equations: arithmetic whose last value is the answer; numbers that are not in the problem
            but equal an earlier equation's value stand for it.
        unit: what the answer counts, where it is known; else taken from the question.

    Returns:
        The steps; none where an equation is not arithmetic, has no operation, or the last does
        not give the answer.
    """
    ask = naming.final_question(question)
    try:
        writer = _Writer(question, naming.unit(ask) if unit is None else unit)
        for equation in equations:
            writer.add(equation)
    except ValueError:
        return ()
    if not writer.steps or writer.value != exact(answer):
        return ()
    return writer.ending_with(ask)


class _Writer:
    """Steps in the making."""

    def __init__(self, question: str, unit: str) -> None:
        self.steps: list[Step] = []
        self.value: Fraction | None = None
        self._question = question
        self._unit = unit
        self._given = {literal(text) for text in LITERAL.findall(question)}
        self._named: dict[str, Fraction] = {}
        self._results: dict[Fraction, str] = {}
        self._computed: dict[str, str] = {}

    def add(self, equation: str) -> None:
        """Add the steps of one equation.

        Raises:
            ValueError: it is not arithmetic, or a lone number.
        """
        node = parse(tidy(equation))
        if not isinstance(node, ast.BinOp):
            raise ValueError(f"{equation!r} has no operation")  # noqa: TRY004
        name = self._operand(node)
        self.value = self._named[name]
        self._results[self.value] = name

    def ending_with(self, ask: str) -> tuple[Step, ...]:
        """Return the steps, the last of which answers the problem's own question."""
        last = self.steps[-1]
        (calculation,) = last.calculations
        taken = set(self._named) - {calculation.name}
        name = naming.choose_name(naming.suggest_names(ask), taken)
        say = f"{last.say.split(' = ')[0]} = {calculation.value} {self._unit}".strip() + "."
        end = Step(ask=ask, say=say, calculations=(calculation.model_copy(update={"name": name}),))
        return (*self.steps[:-1], end)

    def _operand(self, node: ast.expr) -> str:
        """How an operand is written: a number, or the name of the step that computes it."""
        if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
            return self._step(self._operand(node.left), node.op, self._operand(node.right))
        text = ast.unparse(node)
        value = evaluate(text)
        return text if value in self._given else self._results.get(value, text)

    def _step(self, left: str, op: ast.operator, right: str) -> str:
        """Add one operation; return the name of its value."""
        sign = _SIGNS[type(op)]
        expression = tidy(f"{left} {sign} {right}")
        if expression in self._computed:
            return self._computed[expression]
        value = evaluate(expression, self._named)
        values = {"a": self._shown(left), "b": self._shown(right)}
        unit = self._common_unit(left, right) if sign in _ASKS_OF_UNIT else ""
        template = _ASKS_OF_UNIT[sign] if unit else _ASKS[sign]
        name = naming.choose_name(iter([unit or _RESULTS[sign]]), set(self._named))
        said = _said(values["a"], sign, values["b"], value)
        self._named[name] = value
        self._computed[expression] = name
        self.steps.append(
            Step(
                ask=template.format(unit=unit, **values),
                say=f"{said} {unit}".strip() + ".",
                calculations=(Calculation(name=name, expression=expression, value=plain(value)),),
            )
        )
        return name

    def _shown(self, operand: str) -> str:
        return plain(self._named[operand]) if operand in self._named else operand

    def _common_unit(self, left: str, right: str) -> str:
        """The noun that both numbers count in the problem, where one is found and none differs."""
        nouns = {noun for operand in (left, right) if (noun := self._noun(operand))}
        return nouns.pop() if len(nouns) == 1 else ""

    def _noun(self, operand: str) -> str:
        if operand in self._named:
            return ""
        found = (match[2] for match in _COUNTED.finditer(self._question) if match[1] == operand)
        noun = next(found, "")
        return noun if naming.is_usable(noun) else ""


def _said(left: str, sign: str, right: str, value: Fraction) -> str:
    if sign == "//":
        return f"{right} goes into {left} whole times: {left} // {right} = {plain(value)}"
    if sign == "%":
        return f"{left} in parts of {right} leaves {left} % {right} = {plain(value)}"
    return f"{left} {sign} {right} = {plain(value)}"
