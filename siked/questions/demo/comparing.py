"""Families about comparing: more, fewer, times as many, order. The language is the hard part."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

_OWNED = "stamp, book, marble, shell, coin, sticker, ribbon, badge, postcard, photo"

FAMILIES = (
    Family(
        name="more-and-total",
        numbers={"first": "4..40 | 130..890", "more": "2..15 | 25..240"},
        words={"thing": _OWNED},
        wordings=(
            "{who} has {first} {things}. {friend} has {more} more {things} than {who}. How many {things} do they have together?",
            "{friend} owns {more} {things} more than {who}, who owns {first}. How many {things} do the two own in all?",
            "{who} found {first} {things} and {friend} found {more} more than that. How many {things} did they find altogether?",
            "How many {things} do {who} and {friend} have together, if {who} has {first} and {friend} has {more} more?",
        ),
        steps=(
            ("second = first + more", "How many does {friend} have?", "{friend} has {=} {things}."),
            ("both = first + second", "How many together?", "Together they have {=} {things}."),
        ),
    ),
    Family(
        name="fewer-reversed",
        numbers={"first": "4..40 | 130..890", "fewer": "2..15 | 25..240"},
        words={"thing": _OWNED},
        wordings=(
            "{who} has {first} {things}, which is {fewer} fewer than {friend} has. How many {things} do they have together?",
            "{who} has {fewer} fewer {things} than {friend}. {who} has {first}. How many {things} do both have in total?",
            "With {first} {things}, {who} has {fewer} fewer than {friend}. How many {things} do the two have altogether?",
            "{who} sold {first} {things}. That was {fewer} fewer than {friend} sold. How many {things} did they sell between them?",
        ),
        steps=(
            (
                "second = first + fewer",
                "How many does {friend} have?",
                "{friend} has {=} {things}.",
            ),
            ("both = first + second", "How many together?", "Together that is {=} {things}."),
        ),
    ),
    Family(
        name="times-as-many",
        numbers={"first": "3..18 | 45..320", "k": "2..5 | 3..9"},
        words={"thing": _OWNED},
        wordings=(
            "{who} has {first} {things}. {friend} has {k:times} as many. How many {things} do they have together?",
            "{friend} has {k:times} as many {things} as {who}. {who} has {first}. How many {things} do the two have in total?",
            "{who} collected {first} {things} and {friend} collected {k:times} as many as {who}. How many {things} did they collect altogether?",
            "If {who} owns {first} {things} and {friend} owns {k:times} that number, how many {things} do they own in all?",
        ),
        steps=(
            ("second = first * k", "How many does {friend} have?", "{friend} has {=} {things}."),
            ("both = first + second", "How many together?", "Together they have {=} {things}."),
        ),
    ),
    Family(
        name="chain-of-three",
        numbers={"first": "4..20 | 40..260", "k": "2..4 | 2..6", "less": "2..9 | 15..90"},
        words={"thing": _OWNED},
        where=("less < first * k",),
        wordings=(
            "{who} has {first} {things}. {friend} has {k:times} as many as {who}, and {third} has {less} fewer than {friend}. How many {things} does {third} have?",
            "{third} has {less} fewer {things} than {friend}. {friend} has {k:times} as many as {who}. {who} has {first}. How many does {third} have?",
            "{friend} has {k:times} as many {things} as {who}, who has {first}. {third} has {less} fewer than {friend}. How many {things} has {third}?",
            "How many {things} does {third} have, if {who} has {first}, {friend} has {k:times} as many as {who}, and {third} has {less} fewer than {friend}?",
        ),
        steps=(
            ("middle = first * k", "How many does {friend} have?", "{friend} has {=} {things}."),
            ("last = middle - less", "How many does {third} have?", "{third} has {=} {things}."),
        ),
    ),
    Family(
        name="how-many-more",
        numbers={"a": "8..50 | 150..950", "b": "5..40 | 120..800", "c": "2..9 | 20..110"},
        words={
            "thing/way": "goal/scored, melon/sold, rabbit/counted, brick/carried, poem/learned, letter/posted"
        },
        where=("a > b + c",),
        wordings=(
            "{who} {way} {a} {things}. {friend} {way} {b} in the morning and {c} later. How many {things} is {who} ahead?",
            "On Monday {friend} {way} {b} {things} and on Tuesday {c}. {who} {way} {a} in the same two days. By how many {things} is {who}'s number larger?",
            "{who} {way} {a} {things}, but {friend} only {way} {b} and then {c} more. By how many {things} is {who} ahead?",
            "First {friend} {way} {b} {things}, then {c}. {who} {way} {a} in all. By how many {things} is {friend}'s total smaller?",
        ),
        steps=(
            ("other = b + c", "What is {friend}'s total?", "{friend} comes to {=} {things}."),
            ("more = a - other", "How far is {who} ahead?", "{who} is ahead by {=}."),
        ),
    ),
    Family(
        name="make-equal",
        numbers={"low": "3..30 | 110..640", "half_gap": "2..14 | 15..160"},
        given={"high": "low + 2 * half_gap"},
        words={"thing": _OWNED},
        wordings=(
            "{who} has {high} {things} and {friend} has {low}. How many {things} must {who} give to {friend} so that both have the same number?",
            "{friend} has {low} {things}, {who} has {high}. {who} wants both to have equally many. How many {things} should {he} give {friend}?",
            "To make it fair, {who} with {high} {things} gives some to {friend} with {low}, and then they have the same number. How many {things} does {he} give?",
            "{who} owns {high} {things}, {friend} owns {low}. How many {things} have to pass from {who} to {friend} until they own equally many?",
        ),
        steps=(
            ("gap = high - low", "How many more does {who} have?", "{who} has {=} more."),
            ("given_away = gap / 2", "How many must {who} give?", "Half of this is {=}."),
        ),
    ),
    Family(
        name="queue",
        numbers={"before": "3..30 | 40..190", "after": "3..30 | 45..250", "join": "2..9 | 12..60"},
        words={"line": "queue, line, row"},
        wordings=(
            "{who} stands in a {line}. {before} people are in front of {him} and {after} behind {him}. {join} more people join. How many people are in the {line} now?",
            "In a {line}, {after} people stand behind {who} and {before} in front of {him}. After {join} more arrive, how many people are there, {who} included?",
            "There are {before} people ahead of {who} and {after} after {him} in the {line}. Then {join} others join it. How many people does the {line} have, with {who}?",
            "{before} people wait before {who} in a {line} and {after} wait behind {him}. When {join} more come, how many people are waiting, counting {who}?",
        ),
        steps=(
            (
                "people = before + after + 1",
                "How many are there with {who}?",
                "With {who} there are {=} people.",
            ),
            ("now = people + join", "How many after the others join?", "Now there are {=}."),
        ),
    ),
    Family(
        name="sum-and-more",
        numbers={"small": "3..35 | 110..460", "gap": "2..20 | 24..180"},
        given={"total": "2 * small + gap"},
        words={"thing": _OWNED},
        where=("gap != small",),
        wordings=(
            "{who} and {friend} have {total} {things} together. {friend} has {gap} more than {who}. How many {things} does {who} have?",
            "Together {who} and {friend} own {total} {things}. {who} owns {gap} fewer than {friend}. How many {things} are {who}'s?",
            "{friend} has {gap} {things} more than {who}, and the two have {total} in all. How many {things} does {who} have?",
            "Of {total} {things}, some are {who}'s and the others are {friend}'s. {friend} has {gap} more than {who}. How many has {who}?",
        ),
        steps=(
            (
                "twice = total - gap",
                "What is left without the extra ones?",
                "Without the extra ones it is {=}.",
            ),
            ("smaller = twice / 2", "How many does {who} have?", "{who} has {=} {things}."),
        ),
    ),
    Family(
        name="times-reversed",
        numbers={"small": "3..18 | 45..320", "k": "2..5 | 3..9"},
        given={"large": "small * k"},
        words={"thing": _OWNED},
        wordings=(
            "{who} has {large} {things}, which is {k:times} as many as {friend} has. How many {things} does {friend} have?",
            "{who} has {k:times} as many {things} as {friend}. {who} has {large}. How many does {friend} have?",
            "With {large} {things}, {who} owns {k:times} as many as {friend}. How many {things} does {friend} own?",
            "{who} found {large} {things}. That is {k:times} what {friend} found. How many {things} did {friend} find?",
        ),
        steps=(
            (
                "small_count = large / k",
                "How many does {friend} have?",
                "{friend} has {=} {things}.",
            ),
        ),
    ),
)
