"""Programs as models write them: the program in a text that may hold more than that.

    Here is the program:
    ```python
    eggs = 16 - 3 - 4
    answer = eggs * 2
    ```
    So she makes $18.

Only the text is read here, in time that grows with its length alone; whether something is Python is
found out where it is run, in the sandbox, so a text gives *readings*, best first: what stands in
its code fences, else the whole text, else its lines without the prose around them. What counts as
the program's answer is the rule of ``siked.verification.sandbox.inside.harness``, at training and
at evaluation alike.
"""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

import re
import textwrap
from itertools import zip_longest

from siked.prompts import split_thinking
from siked.verification.extract import NEXT
from siked.verification.layout import TURN
from siked.verification.sandbox import Program
from siked.verification.sandbox.pool import ANSWER_NAMES, MOST_SOURCE

_FENCE = re.compile(r"^[ \t]*(?:```+|~~~+)[ \t]*(\w*)[^\n]*\n?", re.MULTILINE)
_LANGUAGE = re.compile(r"\A\s*(?:python3?|py3?)[ \t]*\n", re.IGNORECASE)
"""What a fence that stood in the prompt leaves of its first line."""
_LANGUAGES = {"", "python", "python3", "py", "py3", "pycon", "ipython", "tool_code", "code"}
_MOST_BLOCKS = 8
_NEXT = re.compile(
    r"^[ \t]*+(?:##++[ \t]*+)?(?:Question|Q|Problem|Human|User|Instruction)[ \t]*+\d*+[ \t]*+:",
    re.IGNORECASE | re.MULTILINE,
)
_COMMENTED_NEXT = re.compile(
    r"^[ \t]*+#[ \t]*+(?:Question|Q|Problem|Exercise|Example)[ \t]*+\d*+[ \t]*+:",
    re.IGNORECASE | re.MULTILINE,
)
"""Another problem as a comment; the own one may stand like this in front of the code."""
_ANSWERED = re.compile(r"^(?:(?:answer|ans|final_answer)\s*=|print\(|[ \t]+return\b)", re.MULTILINE)
_TOLD = re.compile(
    r"^(?:(?:answer|ans|final_answer)\s*=|print\(|def \w{1,60}\(\s*\))", re.MULTILINE
)
"""What gives an answer without more code; a function with parameters has still to be called."""
_PROMPT = re.compile(r"^(?:>>> ?|\.\.\. ?|In \[\d*\]: ?)", re.MULTILINE)
_OUTPUT = re.compile(r"^Out\[\d{0,6}\]:[^\n]*", re.MULTILINE)
_CODE = re.compile(
    r"\s*(?:#|@|(?:def|class|import|from|for|while|if|elif|else|try|except|finally|with|return|"
    r"print|assert|pass|break|continue|raise|global|lambda)\b(?:.*[:()=]|\s+[\w.]+(?:\s|$)|\s*$)"
    r"|[A-Za-z_][\w.,\[\]'\"\s]*+(?:[-+*/%]|//|\*\*)?=[^=]|[A-Za-z_][\w.]*\(.*\)\s*$"
    r"|[)\]}'\"]+,?\s*(?:#.*)?$)"
)
_LONGEST_LOOK = 200
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "−": "-"})


def read(text: str, answer_var: str | None = None) -> Program:
    """Return the program in a text.

    Args:
        text: what the model wrote.
        answer_var: the one variable that holds the answer; else the usual ones.
    """
    names = (answer_var,) if answer_var else ANSWER_NAMES
    if len(text) > MOST_SOURCE:
        return Program((text,), names)  # which the sandbox refuses
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    text = split_thinking(text)[1].removeprefix("<|python_tag|>")
    if (turn := TURN.search(text, len(text) - len(text.lstrip()) + 1)) is not None:
        text = text[: turn.start()]
    blocks = _fenced(text)
    code = "\n".join(blocks) if blocks else _own(text)
    readings = [_tidy(code), *(_bodies(code) if "return" in code else ())]
    readings += [_tidy(_without_prose(code)), _tidy(code.translate(_QUOTES)), _level(code)]
    distinct = tuple(dict.fromkeys(one for one in readings if one.strip()))
    alone = [_tidy(one) for one in reversed(blocks)] if len(blocks) > 1 else []
    return Program(distinct or ("",), tuple(alone[:_MOST_BLOCKS]), names)


def _bodies(code: str) -> list[str]:
    """Code as the body of a function whose first line stood in the prompt."""
    head = "def solution():\n"
    own = code.strip("\n")
    bodies = [head + textwrap.indent(one, "    ") for one in (textwrap.dedent(own), _level(own))]
    return [head + own, *bodies] if own[:1].isspace() else bodies


def _level(code: str) -> str:
    """Code whose first line alone lost its indentation, or has one too many, at the left margin.

    Where white space around a text is dropped, its first line loses what the others have.
    """
    first, _, rest = code.strip("\n").partition("\n")
    return f"{first.strip()}\n{textwrap.dedent(rest)}"


def _fenced(text: str) -> list[str]:
    """What stands in the Python fences, one by one."""
    marks = list(_FENCE.finditer(text))
    if not marks:
        return []
    before = text[: marks[0].start()]
    if len(marks) % 2 and not marks[0][1] and any(map(_looks_like_code, before.split("\n"))):
        return [before]  # the fence that opens it stood in the prompt
    blocks: list[str] = []
    following = _NEXT.search(text, marks[1].end()) if len(marks) > 1 else None
    ended = 0
    asked = NEXT.search(f"\n{before}") is not None  # own questions, one by one
    for opening, closing in zip_longest(marks[::2], marks[1::2]):
        if following is not None and opening.start() > following.start():
            break  # another problem's program
        told = _TOLD.search("\n".join(blocks)) is not None and not asked
        if told and NEXT.search(text, ended, opening.start()) is not None:
            break
        ended = closing.end() - 1 if closing else len(text)
        if opening[1].lower() in _LANGUAGES:
            block = text[opening.end() : closing.start() if closing else len(text)]
            blocks.append(block.partition("```")[0])
    return [block for block in blocks if block.strip()]


def _own(text: str) -> str:
    """Bare code up to where another problem begins."""
    begin = len(text) - len(text.lstrip())
    following = _NEXT.search(text, begin + 1)
    own = text[: following.start()] if following else text
    if (answered := _ANSWERED.search(own)) is not None:
        commented = _COMMENTED_NEXT.search(own, answered.end())
        own = own[: commented.start()] if commented else own
    return own


def _tidy(code: str) -> str:
    """Code without prompts and output of an interactive session, moved to the left margin."""
    if "\n>>> " in f"\n{code}":
        code = "\n".join(line for line in code.split("\n") if _PROMPT.match(line))
    elif "Out[" in code:
        code = _OUTPUT.sub("", code)
    code = _LANGUAGE.sub("", code)
    return textwrap.dedent(_PROMPT.sub("", code)).strip("\n")


def _without_prose(code: str) -> str:
    """The lines from the first to the last that look like code."""
    lines = code.split("\n")
    looks = [at for at, line in enumerate(lines) if _looks_like_code(line)]
    return "\n".join(lines[looks[0] : looks[-1] + 1]) if looks else code


def _looks_like_code(line: str) -> bool:
    return bool(line.strip()) and _CODE.match(line[:_LONGEST_LOOK]) is not None
