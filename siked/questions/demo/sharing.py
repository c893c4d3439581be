"""Families about sharing and grouping: equal parts, bags, averages, bills."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

_SWEETS = "sweet, marble, sticker, nut, bead, shell, coin, cherry, biscuit, card"

FAMILIES = (
    Family(
        name="share-then-eat",
        numbers={"each": "4..12 | 15..60", "people": "3..8 | 6..24", "used": "2..9 | 3..40"},
        given={"total": "each * people"},
        words={"thing": _SWEETS},
        where=("used < each",),
        wordings=(
            "{who} and {his} friends, {people} people in all, share {total} {things} equally. {who} then gives away {used}. How many {things} does {he} have left?",
            "{total} {things} are shared equally among {people} children. One of them, {who}, loses {used}. How many {things} does {who} still have?",
            "{who} gets an equal share of {total} {things} with {people} people in the group. After giving {friend} {used:word}, how many {things} does {he} keep?",
            "A bag of {total} {things} is split equally between {people:word} people. {who} is one of them and uses {used} of {his} own. How many {things} are left for {him}?",
        ),
        steps=(
            ("share = total / people", "How many does each get?", "Each gets {=} {things}."),
            ("left = share - used", "How many does {who} have left?", "{who} has {=} left."),
        ),
    ),
    Family(
        name="pool-and-share",
        numbers={"first": "5..40 | 60..480", "each": "3..12 | 25..140", "people": "2..6 | 4..12"},
        given={"second": "each * people - first"},
        words={"thing": _SWEETS},
        where=("second > 3",),
        wordings=(
            "{who} has {first} {things} and {friend} has {second}. They put them together and make {people} equal heaps. How many {things} are in a heap?",
            "{who} brings {first} {things} and {friend} brings {second}. All of them are shared equally by {people} people. How many {things} does each get?",
            "Two jars with {first} and {second} {things} are poured together and split equally among {people:word} children. How many {things} does a child get?",
            "{friend} found {second} {things}, {who} found {first}. They fill {people} bags equally with all of them. How many {things} are in each bag?",
        ),
        steps=(
            ("both = first + second", "How many are there together?", "Together there are {=}."),
            ("share = both / people", "How many is one part?", "Each part is {=} {things}."),
        ),
    ),
    Family(
        name="give-a-part",
        numbers={"k": "2..5 | 2, 4, 5, 10", "unit": "3..15 | 25..140", "more": "2..12 | 15..120"},
        given={"total": "k * unit"},
        words={"thing": _SWEETS},
        where=("more < total - unit",),
        wordings=(
            "{who} has {total} {things}. {he} gives {k:part} of them to {friend} and {more} to {third}. How many {things} does {who} have left?",
            "From {total} {things}, {who} first gives away {k:part} and then {more} more. How many {things} remain?",
            "{friend} gets {k:part} of {who}'s {total} {things}, and {third} gets {more} {things}. How many does {who} keep?",
            "{who} collected {total} {things}, lost {k:part} of them and sold {more}. How many {things} does {he} still have?",
        ),
        steps=(
            ("part = total / k", "How many is {k:part}?", "That part is {=} {things}."),
            ("gone = part + more", "How many are gone in all?", "In all {=} are gone."),
            ("left = total - gone", "How many are left?", "There are {=} {things} left."),
        ),
    ),
    Family(
        name="average-of-three",
        numbers={"a": "2..25 | 120..900", "b": "2..25 | 120..900", "mean": "5..20 | 150..850"},
        given={"c": "3 * mean - a - b"},
        words={"act/unit": "scored/point, walked/mile, sold/ticket, read/page, picked/pear"},
        where=("c > 1", "a != mean", "a != b"),
        wordings=(
            "On three days {who} {act} {a}, {b} and {c} {units}. What is the average number of {units} per day?",
            "{who} {act} {a} {units} on Monday, {b} on Tuesday and {c} on Wednesday. How many {units} is that per day on average?",
            "What is the mean of {a}, {b} and {c} {units}?",
            "In three weeks {who} {act} {a}, {b} and then {c} {units}. Find {his} weekly average in {units}.",
        ),
        steps=(
            ("total = a + b + c", "What is the sum?", "The sum is {=} {units}."),
            ("mean_value = total / 3", "What is the average of the three?", "The average is {=}."),
        ),
    ),
    Family(
        name="split-the-bill",
        numbers={
            "bill": "12..80 | 45.5..420 by 0.5",
            "extra": "2..12 | 5.5..60 by 0.5",
            "people": "3..6 | 3..12",
        },
        words={"extra_cost": "tip, service charge, delivery fee"},
        wordings=(
            "{people} friends eat for {bill:$} and add a {extra_cost} of {extra:$}. They split it equally. How many dollars does each pay?",
            "A meal costs {bill:$}, and there is a {extra_cost} of {extra:$}. How many dollars is one share if {people} people pay equally?",
            "{who} and friends, {people} in all, share a bill of {bill:$} plus a {extra_cost} of {extra:$} equally. How many dollars does {who} pay?",
            "The pizzas were {bill:$} and the {extra_cost} was {extra:$}. {people:word} people share the cost equally. What does each pay in dollars?",
        ),
        steps=(
            ("total = bill + extra", "What is the whole bill?", "The whole bill is {=} dollars."),
            ("share = total / people", "What does each pay?", "Each pays {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="boxes-needed",
        numbers={"size": "3..9 | 12..36", "boxes": "3..9 | 15..60", "damaged": "2..12 | 14..90"},
        given={"total": "size * boxes + damaged"},
        words={"box/thing": "box/lamp, crate/bottle, carton/egg, tray/tart, basket/pear, case/cup"},
        wordings=(
            "{who} has {total} {things}. {damaged} are damaged and the rest are packed {size} to a {box}. How many {boxs} are filled?",
            "Of {total} {things}, {damaged} break. The others go into {boxs} of {size}. How many {boxs} are needed?",
            "A {box} holds {size} {things}. {who} throws away {damaged} of {total} {things} and packs what is left. How many {boxs} does {he} fill?",
            "{damaged} of {total} {things} cannot be sold. {who} puts {size:word} of the good ones in each {box}. How many {boxs} is that?",
        ),
        steps=(
            ("good = total - damaged", "How many are good?", "There are {=} good {things}."),
            ("filled = good / size", "How many {boxs} is that?", "They fill {=} {boxs}."),
        ),
    ),
    Family(
        name="teams",
        numbers={"size": "3..8 | 9..15", "count": "3..8 | 10..40", "girls": "8..40 | 60..320"},
        given={"boys": "size * count - girls"},
        words={"team": "team, group, crew, squad"},
        where=("boys > 4",),
        wordings=(
            "{girls} girls and {boys} boys form {count} {teams} of equal size. How many children are in a {team}?",
            "A camp has {boys} boys and {girls} girls. They make {count} equal {teams}. How many children does each {team} have?",
            "{who} splits {girls} girls and {boys} boys into {count:word} equal {teams}. How many children is one {team}?",
            "There are {count} {teams}, all equally large, made from {boys} boys and {girls} girls. How many children are in one {team}?",
        ),
        steps=(
            ("children = girls + boys", "How many children are there?", "There are {=} children."),
            ("each_team = children / count", "How many are in a {team}?", "Each has {=} children."),
        ),
    ),
    Family(
        name="equal-rows",
        numbers={"rows": "2..9 | 12..48", "per": "3..11 | 14..75"},
        given={"total": "rows * per"},
        words={"thing": "chair, plant, desk, tile, card, cup"},
        where=("rows != per",),
        wordings=(
            "{who} puts {total} {things} in {rows} equal rows. How many {things} are in each row?",
            "{rows} rows of the same length are made from {total} {things}. How many {things} does a row have?",
            "How many {things} stand in one row if {total} {things} form {rows} equal rows?",
            "There are {total} {things} and {rows:word} rows, all equally long. How many {things} go in a row?",
        ),
        steps=(("in_row = total / rows", "How many are in a row?", "Each row has {=} {things}."),),
    ),
)
