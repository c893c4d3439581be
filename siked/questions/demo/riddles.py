"""Families of number riddles: reversing, sequences, consecutive and missing numbers."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

FAMILIES = (
    Family(
        name="think-of-a-number",
        numbers={"secret": "2..15 | 24..180", "k": "2..6 | 4..25", "plus": "2..20 | 35..250"},
        given={"result": "secret * k + plus"},
        wordings=(
            "{who} thinks of a number, multiplies it by {k} and adds {plus}. The result is {result}. What is the number?",
            "If you multiply a number by {k} and then add {plus}, you get {result}. Find the number.",
            "{plus} more than {k} times a number is {result}. What is the number?",
            "A number times {k}, plus {plus}, makes {result}. Which number is it?",
        ),
        steps=(
            (
                "product = result - plus",
                "What is it before adding {plus}?",
                "Before that it is {=}.",
            ),
            ("number = product / k", "What is the number?", "The number is {=}."),
        ),
    ),
    Family(
        name="divided-and-taken",
        numbers={"quotient": "5..20 | 40..160", "k": "2..4 | 6..24", "minus": "2..9 | 12..95"},
        given={"result": "quotient - minus"},
        where=("minus < quotient",),
        wordings=(
            "{who} thinks of a number. {he} divides it by {k}, takes away {minus} and gets {result}. What is the number?",
            "Divide a number by {k}, subtract {minus}, and you have {result}. What is the number?",
            "When a number is divided by {k} and then made smaller by {minus}, the result is {result}. Find the number.",
            "{friend} tells {who}: I divide my number by {k}, take off {minus}, and {result} is left. What is {friend}'s number?",
        ),
        steps=(
            (
                "before = result + minus",
                "What is it before taking {minus} away?",
                "Before that it is {=}.",
            ),
            ("number = before * k", "What is the number?", "The number is {=}."),
        ),
    ),
    Family(
        name="sum-and-difference",
        numbers={"small": "3..35 | 120..820", "gap": "2..20 | 15..260"},
        given={"total": "2 * small + gap"},
        wordings=(
            "Two numbers add up to {total}, and their difference is {gap}. What is the larger number?",
            "The sum of two numbers is {total}. One is {gap} more than the other. Find the larger one.",
            "{who} picks two numbers with sum {total} and difference {gap}. Which is the larger number?",
            "Two numbers differ by {gap} and make {total} together. What is the bigger of the two?",
        ),
        steps=(
            (
                "twice = total + gap",
                "What is twice the larger one?",
                "Twice the larger one is {=}.",
            ),
            ("larger = twice / 2", "What is the larger number?", "The larger number is {=}."),
        ),
    ),
    Family(
        name="consecutive",
        numbers={"middle": "3..32 | 115..940"},
        given={"total": "3 * middle"},
        wordings=(
            "Three numbers in a row, such as 4, 5 and 6, add up to {total}. What is the largest of them?",
            "The sum of three consecutive whole numbers is {total}. Find the largest one.",
            "{who} adds three consecutive numbers and gets {total}. Which is the largest of the three?",
            "Three consecutive page numbers of a book have the sum {total}. What is the highest of these page numbers?",
        ),
        steps=(
            ("central = total / 3", "What is the middle number?", "The middle number is {=}."),
            ("largest = central + 1", "What is the largest?", "The largest is {=}."),
        ),
    ),
    Family(
        name="part-of-number",
        numbers={"k": "2..5 | 3, 4, 5, 10", "part": "3..19 | 24..180", "m": "2..6 | 12..45"},
        wordings=(
            "{part} is {k:part} of a number. What is {m} times that number?",
            "If {k:part} of a number is {part}, how much is {m} times the number?",
            "{who} knows that {k:part} of {his} number is {part}. {friend}'s number is {m} times {who}'s number. What is {friend}'s number?",
            "{k:part} of a number makes {part}. The number is then multiplied by {m}. What comes out?",
        ),
        steps=(
            ("number = part * k", "What is the number?", "The number is {=}."),
            ("product = number * m", "What is {m} times this?", "Multiplied it is {=}."),
        ),
    ),
    Family(
        name="sequence-term",
        numbers={"start": "2..20 | 45..250", "step": "2..7 | 12..48", "place": "5..9 | 15..60"},
        given={"second": "start + step", "next": "start + 2 * step"},
        wordings=(
            "A list of numbers starts {start}, {second}, {next} and always grows by the same amount. What is the {place:th} number?",
            "{who} writes {start}, {second}, {next} and goes on in equal steps. Which number is the {place:th} in the list?",
            "Find the {place:th} number of the sequence {start}, {second}, {next} and so on in equal steps.",
            "The numbers {start}, {second}, {next} continue with the same difference. What is number {place} of the list?",
        ),
        steps=(
            ("difference = second - start", "How large is a step?", "A step is {=}."),
            ("added = (place - 1) * difference", "How much is added?", "In all {=} is added."),
            ("term = start + added", "What is the {place:th} number?", "The number is {=}."),
        ),
    ),
    Family(
        name="missing-in-average",
        numbers={"a": "3..30 | 110..880", "b": "3..30 | 110..880", "mean": "5..24 | 150..760"},
        given={"c": "3 * mean - a - b"},
        words={"test": "test, game, race, quiz, round"},
        where=("c > 1", "a != b"),
        wordings=(
            "{who} scores {a} and {b} points in two {tests}. How many points does {he} need in a third {test} for an average of {mean}?",
            "The average of three numbers is {mean}. Two of them are {a} and {b}. What is the third number?",
            "Three {tests} gave {who} {mean} points on average. Two of them gave {a} and {b}. How many points did the other one give?",
            "To average {mean} points over three {tests}, how many points must {who} add to the {a} and {b} of the first two?",
        ),
        steps=(
            ("needed = 3 * mean", "What must all three add up to?", "All three add up to {=}."),
            ("known = a + b", "What do the two add up to?", "The two add up to {=}."),
            ("missing = needed - known", "What is the third?", "The third is {=}."),
        ),
    ),
    Family(
        name="double-then",
        numbers={
            "start": "3..20 | 24.5..180.5 by 0.5",
            "k": "2..4 | 3..12",
            "minus": "2..15 | 12.5..90.5 by 0.5",
            "m": "2..3 | 4..9",
        },
        where=("minus < start * k",),
        wordings=(
            "{who} starts with {start}, multiplies by {k}, subtracts {minus} and multiplies the result by {m}. What does {he} get?",
            "Take {k} times {start}, subtract {minus}, then multiply by {m}. What is the result?",
            "Multiply {start} by {k} and take {minus} away. What is {m} times the result?",
            "{start} is made {k} times as large. Then {minus} is taken off, and what is left is made {m} times as large. What comes out?",
        ),
        steps=(
            ("product = start * k", "What is {k} times {start}?", "First comes {=}."),
            ("rest = product - minus", "What is left without {minus}?", "Then comes {=}."),
            ("result = rest * m", "What is {m} times this?", "The result is {=}."),
        ),
        places=2,
    ),
    Family(
        name="missing-part",
        numbers={"part": "4..45 | 125..4800", "missing": "3..45 | 135..5200"},
        given={"whole": "part + missing"},
        wordings=(
            "What must be added to {part} to make {whole}?",
            "{who} has written down {part}. Which number must {he} add to get {whole}?",
            "Two numbers make {whole} together, and one of them is {part}. What is the other?",
            "How much larger than {part} is {whole}?",
        ),
        steps=(("difference = whole - part", "What is missing?", "The number is {=}."),),
    ),
)
