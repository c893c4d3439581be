"""Fuzz what reads model outputs: the answer extractor and the program reader.

    python -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris . && cd benchmarks
    /tmp/fuzz/bin/python fuzz_verification.py answers corpus -max_total_time=120 -max_len=4096
    /tmp/fuzz/bin/python fuzz_verification.py programs corpus -max_total_time=120 -timeout=1

The first argument is what to fuzz, the others are libFuzzer's: a folder where inputs that reach
new code are kept, limits. It stops at the first input that breaks a property and writes it to a
file ``crash-...`` (``timeout-...`` where an input takes longer than ``-timeout`` seconds); give
that file as the argument to run it again. What was found is in
``tests/unit/test_fuzzed_inputs.py``.

atheris (3.0.0, Python 3.11) is no dependency of the project: it is for this script alone.

Properties: nothing raises; an answer has a rule and some text; what ``scan`` finds stands in the
text; an answer that is a number equals itself, and comparing is symmetric with itself; a rule that
is ignored finds nothing; a program has at least one reading and the program for Math-Verify is
always Python that holds the answer as data.
"""

from __future__ import annotations

import ast
import sys

import atheris

with atheris.instrument_imports(include=["siked.verification"]):
    from siked.verification.compare import are_equal, equivalence, expression, judge
    from siked.verification.extract import RULES, extract
    from siked.verification.numbers import parse, read_last
    from siked.verification.programs import read

PIECES = (
    "Final Answer: ", "#### ", "\\boxed{", "}", "The answer is ", "\nA: ", "\nanswer = ", "18",
    "\n", "\nQuestion: ", "\nQ1: ", "$", "**", "-", "\u2212", ",", ".", "/", "1,234.5", "%",
    "x 10^", "e5", "<<", ">>", "<|im_end|>", "half", "forty-two", "dozen", "=", "(", ")",
    " for 3 days", "½", " and ", "\\frac{1}{2}", "```python\n", "```\n", ">>> ",
    "def solution():\n    return ", "print(", "ans = ",
)  # fmt: skip
"""What a plain fuzzer would be long in finding; the rest of an input is text as it comes."""


def text_of(data: bytes) -> str:
    """Bytes as text: those from 0x80 on stand for a piece, the others for themselves."""
    return "".join(
        chr(byte) if byte < 0x80 else PIECES[(byte - 0x80) % len(PIECES)] for byte in data
    )


def unicode_of(data: bytes) -> str:
    """Bytes as any text whatever, with lone surrogates."""
    return atheris.FuzzedDataProvider(data).ConsumeUnicode(len(data))


def answers(data: bytes) -> None:
    """Fuzz extraction, reading and comparing."""
    for text in (text_of(data), unicode_of(data)):
        answer, rule = extract(text)
        assert (answer is None) == (rule is None)
        if answer is not None and rule is not None:
            assert answer.strip()
            assert rule in RULES
            assert extract(text, {rule}).rule != rule
            about(answer)
        assert extract(text, RULES) == (None, None)
        last = read_last(text)
        assert last is None or last.text.strip()
        about(text)


def about(answer: str) -> None:
    """Check what is said of one answer."""
    number = parse(answer)
    if number is None:
        assert judge(answer, "18") is None
    else:
        assert are_equal(number, number)
        assert judge(answer, answer) is True
    told = expression(answer, "18")
    if told is not None:
        assert len(ast.parse(equivalence(*told)).body) == 4


def programs(data: bytes) -> None:
    """Fuzz the program reader."""
    for text in (text_of(data), unicode_of(data)):
        assert read(text).sources
        assert read(text, "result").names == ("result",)


if __name__ == "__main__":
    targets = {"answers": answers, "programs": programs}
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        raise SystemExit(f"say what to fuzz: {' or '.join(targets)}")
    target = targets[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
