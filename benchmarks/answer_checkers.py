r"""Which checker of answers agrees with people: this project's and four others, on the same texts.

    python -m benchmarks.answer_checkers llm_outputs.jsonl cases.jsonl

Each file is JSON Lines with ``strategy``, ``gold``, the text as ``output`` or ``input``, and what
is true of it: ``recorded_correct`` (the publisher's verdict) or ``right`` (``correct`` or ``not
correct``). Programs and rows without a truth are left out, since the others read text alone.

- **Math-Verify**: ``verify(parse(gold), parse(text))``, as its README calls it. - **strict**,
**flexible**: lm-evaluation-harness's two filters for GSM8K, written from its task file:
  the first ``#### NUMBER``, and the last number anywhere; compared as text without ``,``, ``$`` and
  a full stop at the end.
- **last number**: the rule of the SIKeD authors' code; compared as numbers.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from math_verify import parse, verify
from rich.table import Table

from siked.records import Rationale
from siked.settings import VerifySettings
from siked.terminal.console import console
from siked.verification.sandbox import Sandbox
from siked.verification.verify import judge_rationales

STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
FLEXIBLE = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")
Checker = Callable[[Sequence[str], Sequence[str]], list[bool]]
"""Texts and their golds in, whether each text is right out."""


def main() -> None:
    """Print a table for each file."""
    parser = argparse.ArgumentParser(description="Compare checkers of answers.")
    parser.add_argument("files", type=Path, nargs="+", help="JSON Lines with texts and the truth")
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    limits = VerifySettings(seconds=3, memory_mb=512, output_kb=64, workers=2)
    with Sandbox(limits) as sandbox:
        checkers: dict[str, Checker] = {
            "this project": lambda texts, golds: by_this_project(texts, golds, sandbox),
            "Math-Verify": by_math_verify,
            "strict": lambda texts, golds: list(map(by_strict, texts, golds)),
            "flexible": lambda texts, golds: list(map(by_flexible, texts, golds)),
            "last number": lambda texts, golds: list(map(by_last_number, texts, golds)),
        }
        for path in parser.parse_args().files:
            texts, golds, truths = read(path)
            console().print(compare(path.name, checkers, texts, golds, truths))


def read(path: Path) -> tuple[list[str], list[str], list[bool]]:
    """Return a file's texts, golds and truths."""
    found: list[tuple[str, str, bool]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        truth = row.get("recorded_correct", row.get("right"))
        text = row.get("output", row.get("input"))
        if row.get("strategy") in ("cot", "l2m") and truth is not None and isinstance(text, str):
            found.append((text, str(row["gold"]), truth in (True, "correct")))
    if not found:
        raise SystemExit(f"{path}: no text with a gold and a truth")
    texts, golds, truths = zip(*found, strict=True)
    return list(texts), list(golds), list(truths)


def compare(
    name: str,
    checkers: dict[str, Checker],
    texts: Sequence[str],
    golds: Sequence[str],
    truths: Sequence[bool],
) -> Table:
    """Return a table with a row for each checker."""
    table = Table(box=None, title=f"{name}: {len(texts)} texts, {sum(truths)} right")
    for column in ("checker", "agrees, %", "right answers lost", "wrong answers accepted"):
        table.add_column(column, justify="left" if column == "checker" else "right")
    for checker, check in checkers.items():
        pairs = list(zip(check(texts, golds), truths, strict=True))
        agrees = sum(said == true for said, true in pairs) / len(pairs)
        lost = sum(true and not said for said, true in pairs)
        accepted = sum(said and not true for said, true in pairs)
        table.add_row(checker, f"{100 * agrees:.2f}", str(lost), str(accepted))
    return table


def by_this_project(texts: Sequence[str], golds: Sequence[str], sandbox: Sandbox) -> list[bool]:
    """Judge texts as a run does."""
    rationales = [Rationale(question_id="", strategy="cot", sample=0, text=text) for text in texts]
    return [verdict.failure is None for verdict in judge_rationales(rationales, golds, sandbox)]


def by_math_verify(texts: Sequence[str], golds: Sequence[str]) -> list[bool]:
    """Judge texts by Math-Verify alone."""
    return [bool(verify(parse(gold), parse(text))) for text, gold in zip(texts, golds, strict=True)]


def by_strict(text: str, gold: str) -> bool:
    """Judge a text by the number behind its first hash marks."""
    found = STRICT.search(text)
    return found is not None and bare(found[1]) == bare(gold)


def by_flexible(text: str, gold: str) -> bool:
    """Judge a text by its last number, as text."""
    found = FLEXIBLE.findall(text)
    return bool(found) and bare(found[-1]) == bare(gold)


def by_last_number(text: str, gold: str) -> bool:
    """Judge a text by its last number, as a number."""
    found = NUMBER.findall(text)
    try:
        return bool(found) and float(bare(found[-1])) == float(bare(gold))
    except ValueError:
        return False


def bare(number: str) -> str:
    """Return a number without separators, a dollar sign and a full stop."""
    return number.replace(",", "").replace("$", "").removesuffix(".").strip().lower()


if __name__ == "__main__":
    main()
