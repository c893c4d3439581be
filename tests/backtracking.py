r"""How many steps a regular expression takes, counted by a backtracking machine of its own.

Python's engine backtracks and counts nothing, so this runs a pattern's parse tree in the same order
of tries and counts them. A step is one instruction at one place of the text. The engine's shortcuts
(a literal looked for by ``memchr``) are left out: it may be faster than this, never slower by more
than a constant.

>>> Machine(re.compile(r"\s*x")).match(" " * 50).steps
157
>>> spans = Machine(re.compile(r"\d+")).search_all("18 of 24").spans
[(0, 2), (6, 8)]

``pumped`` makes texts that may be slow for a pattern out of the pattern itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from re import _constants as op
from re import _parser as parser
from typing import Any

_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d", op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S", op.CATEGORY_WORD: r"\w", op.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_LETTERS = " a1\nA.,-{}<>()[]*/=+:#_$\"'\\%&é\u2212\u0663\u00a0xyz~!"
"""What stands for a class in a pumped text, where it is in the class."""


class TooManyStepsError(Exception):
    """A pattern is not done within the steps that it was given."""


@dataclass
class Run:
    """What the machine found, and how long it took."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    steps: int = 0


class Machine:
    """One pattern as instructions ``(name, argument, ...)``; jumps are absolute.

    Args:
        pattern: a compiled pattern of text, without references to groups.
        most: steps after which a run ends with ``TooManyStepsError``.
    """

    def __init__(self, pattern: re.Pattern[str], most: int = 300_000) -> None:
        self.tree = parser.parse(pattern.pattern, pattern.flags)
        self._code: list[tuple[Any, ...]] = []
        self._most = most
        self._sequence(self.tree, pattern.flags)
        self._add("accept")

    def match(self, text: str, *, whole: bool = False) -> Run:
        """Match at the text's beginning; ``whole``: up to its end."""
        run = Run()
        if (end := self._run(0, text, 0, run, whole=whole)) is not None:
            run.spans.append((0, end))
        return run

    def search_all(self, text: str) -> Run:
        """Find all matches, as ``finditer`` does."""
        run, at, least = Run(), 0, -1
        while at <= len(text):
            end = self._run(0, text, at, run, least=least)
            if end is None:
                at, least = at + 1, -1
            else:
                run.spans.append((at, end))
                # Behind an empty match the same place is tried again, for one that is not.
                at, least = end, end if end == at else -1
        return run

    def _run(  # noqa: C901, PLR0912 - one branch an instruction
        self, start: int, text: str, at: int, run: Run, *, whole: bool = False, least: int = -1
    ) -> int | None:
        """The end of the match from an instruction and a place on; None where there is none.

        ``least``: a match that ends here is none, as behind an empty one.
        """
        stack: list[tuple[int, int, Any]] = [(start, at, None)]
        while stack:
            pc, at, marks = stack.pop()
            while True:
                run.steps += 1
                if run.steps > self._most:
                    raise TooManyStepsError
                name, first, second, third = self._code[pc]
                pc += 1
                if name == "one":
                    if at >= len(text) or not first(text[at]):
                        break
                    at += 1
                elif name == "split":
                    stack.append((second, at, marks))
                    pc = first
                elif name == "jump":
                    pc = first
                elif name == "at":
                    if not first(text, at):
                        break
                elif name == "mark":
                    marks = (at, marks)
                elif name == "moved":
                    # A round of a loop that took nothing is its last.
                    pc = pc if marks[0] != at else first
                    marks = marks[1]
                elif name in ("look", "atomic"):
                    found = None
                    if at >= first:
                        found = self._run(pc, text, at - first, run)
                    if (found is not None) != second:
                        break
                    at = found if name == "atomic" and found is not None else at
                    pc = third
                elif (not whole or at == len(text)) and at != least:
                    return at
                else:
                    break
        return None

    def _add(self, *instruction: Any) -> int:
        self._code.append(())
        self._set(len(self._code) - 1, *instruction)
        return len(self._code) - 1

    def _set(self, at: int, name: str, first: Any = None, second: Any = None, third: Any = None):
        self._code[at] = (name, first, second, third)

    def _sequence(self, items: Any, flags: int) -> None:
        for name, argument in items:
            self._item(name, argument, flags)

    def _item(self, name: Any, argument: Any, flags: int) -> None:
        if name is op.SUBPATTERN:
            _, added, removed, inside = argument
            self._sequence(inside, (flags | added) & ~removed)
        elif name is op.BRANCH:
            self._branch(argument[1], flags)
        elif name in _REPEATS:
            least, most, body = argument
            if name is op.POSSESSIVE_REPEAT:
                self._inside("atomic", 0, [(op.MAX_REPEAT, argument)], flags)
            else:
                self._repeat(least, most, body, flags, greedy=name is op.MAX_REPEAT)
        elif name is op.ATOMIC_GROUP:
            self._inside("atomic", 0, argument, flags)
        elif name in (op.ASSERT, op.ASSERT_NOT):
            direction, inside = argument
            width = inside.getwidth()[0] if direction < 0 else 0
            self._inside("look", width, inside, flags, wanted=name is op.ASSERT)
        elif name is op.AT:
            self._add("at", _place(argument, flags))
        else:
            self._add("one", cache(_class(name, argument, flags)))

    def _branch(self, branches: Any, flags: int) -> None:
        jumps = []
        for branch in branches[:-1]:
            split = self._add("split", 0, 0)
            self._sequence(branch, flags)
            jumps.append(self._add("jump", 0))
            self._set(split, "split", split + 1, len(self._code))
        self._sequence(branches[-1], flags)
        for jump in jumps:
            self._set(jump, "jump", len(self._code))

    def _repeat(self, least: int, most: int, body: Any, flags: int, *, greedy: bool) -> None:
        for _ in range(least):
            self._sequence(body, flags)
        splits = []
        endless = most is op.MAXREPEAT
        for _ in range(1 if endless else most - least):
            splits.append(self._add("split", 0, 0))
            empty = body.getwidth()[0] == 0
            if empty:
                self._add("mark")
            self._sequence(body, flags)
            if empty:
                splits.append(self._add("moved", 0))
            if endless:
                self._add("jump", splits[0])
        for split in splits:
            after = len(self._code)
            if self._code[split][0] == "moved":
                self._set(split, "moved", after)
            else:
                self._set(split, "split", *((split + 1, after)[:: 1 if greedy else -1]))

    def _inside(
        self, name: str, behind: int, items: Any, flags: int, *, wanted: bool = True
    ) -> None:
        at = self._add(name, behind, wanted, 0)
        self._sequence(items, flags)
        self._add("accept")
        self._set(at, name, behind, wanted, len(self._code))


def _place(where: Any, flags: int) -> Any:
    """Whether a place of a text is of a kind: ``(text, at) -> bool``."""
    if where is op.AT_BEGINNING and flags & re.MULTILINE:
        return lambda text, at: at == 0 or text[at - 1] == "\n"
    if where in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
        return lambda _, at: at == 0
    if where is op.AT_END_STRING:
        return lambda text, at: at == len(text)
    if where is op.AT_END and flags & re.MULTILINE:
        return lambda text, at: at == len(text) or text[at] == "\n"
    if where is op.AT_END:
        return lambda text, at: at == len(text) or text[at:] == "\n"
    wanted = where is op.AT_BOUNDARY

    def boundary(text: str, at: int) -> bool:
        words = [
            bool(re.match(r"\w", one)) for one in (text[max(at - 1, 0) : at], text[at : at + 1])
        ]
        return (words[0] != words[1]) == wanted

    return boundary


def _class(name: Any, argument: Any, flags: int) -> Any:
    """Whether a character is the one that an item wants."""
    if name is op.ANY:
        return (lambda _: True) if flags & re.DOTALL else (lambda one: one != "\n")
    if name is op.IN:
        tests = [_class(*one, flags) for one in argument if one[0] is not op.NEGATE]
        wanted = argument[0][0] is not op.NEGATE
        return lambda one: any(test(one) for test in tests) == wanted
    if name is op.CATEGORY:
        return re.compile(_CATEGORIES[argument], flags & re.ASCII).match
    if name is op.RANGE:
        low, high = argument
        return lambda one: any(low <= ord(same) <= high for same in _cases(one, flags))
    if name in (op.LITERAL, op.NOT_LITERAL):
        return lambda one: (chr(argument) in _cases(one, flags)) == (name is op.LITERAL)
    raise NotImplementedError(str(name))


def _cases(one: str, flags: int) -> set[str]:
    forms = {one, one.lower(), one.upper()} if flags & re.IGNORECASE else {one}
    return {form for form in forms if len(form) == 1}


@dataclass(frozen=True)
class Pump:
    """A text that grows: ``before``, ``piece`` so many times, ``after``."""

    before: str
    piece: str
    after: str

    def text(self, times: int) -> str:
        return self.before + self.piece * times + self.after


def pumped(tree: Any, flags: int, samples: int = 3) -> set[Pump]:
    """Texts that repeat what a pattern repeats, behind what it wants in front.

    Args:
        tree: the pattern's parse tree.
        flags: its flags.
        samples: how many characters of a class are taken.
    """
    found: set[Pump] = set()
    _pumps(tree, "", flags, samples, found)
    afters = {"", "\0", *_refused(tree)}
    return {Pump(one.before, one.piece, after) for one in found for after in afters}


def _refused(items: Any) -> set[str]:
    """One character of each negated class of a pattern: before it a match may fail."""
    found: set[str] = set()
    for name, argument in items:
        if name is op.NOT_LITERAL:
            found.add(chr(argument))
        elif name is op.IN and argument[0][0] is op.NEGATE:
            found |= set(_own_letters(argument)[-1:])
        else:
            for inside in _insides(name, argument):
                found |= _refused(inside)
    return found


def _insides(name: Any, argument: Any) -> list[Any]:
    """The sequences within an item."""
    if name in _REPEATS:
        return [argument[2]]
    if name is op.SUBPATTERN:
        return [argument[3]]
    if name is op.BRANCH:
        return list(argument[1])
    if name is op.ATOMIC_GROUP:
        return [argument]
    return [argument[1]] if name in (op.ASSERT, op.ASSERT_NOT) else []


def _pumps(items: Any, before: str, flags: int, samples: int, found: set[Pump]) -> None:
    for name, argument in items:
        own = (flags | argument[1]) & ~argument[2] if name is op.SUBPATTERN else flags
        if name in _REPEATS and argument[1] > 8:
            for piece in _examples(argument[2], flags, samples):
                found |= {Pump(before, piece, ""), Pump("", before + piece, "")}
        for inside in _insides(name, argument):
            _pumps(inside, before, own, samples, found)
        if name not in (op.ASSERT, op.ASSERT_NOT, op.AT):
            before += _examples([(name, argument)], flags, 1)[0]
            found.add(Pump("", before, ""))


def _examples(items: Any, flags: int, samples: int) -> list[str]:
    """Short texts that match some items."""
    texts = [""]
    for name, argument in items:
        if name in (op.ASSERT, op.ASSERT_NOT, op.AT):
            continue
        if name is op.SUBPATTERN:
            more = _examples(argument[3], (flags | argument[1]) & ~argument[2], samples)
        elif name is op.BRANCH:
            more = [text for one in argument[1] for text in _examples(one, flags, samples)[:2]]
        elif name is op.ATOMIC_GROUP:
            more = _examples(argument, flags, samples)
        elif name in _REPEATS:
            times = max(1, argument[0])
            more = [one * times for one in _examples(argument[2], flags, samples)]
        elif name is op.LITERAL:
            more = [chr(argument)]
        else:
            wanted = _class(name, argument, flags)
            letters = _LETTERS + "".join(_own_letters(argument) if name is op.IN else [])
            more = list(islice((one for one in letters if wanted(one)), samples)) or ["\u2603"]
        texts = [text + one for text in texts for one in more][: 2 * samples]
    return texts


def _own_letters(argument: Any) -> list[str]:
    literal = [chr(one) for kind, one in argument if kind is op.LITERAL]
    return literal + [chr(one[0]) for kind, one in argument if kind is op.RANGE]
