"""Families about money that no student trains on: they join skills of the train families."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

FAMILIES = (
    Family(
        name="wage-minus-rent",
        numbers={
            "hours": "4..9 | 24..60",
            "pay": "5..10 | 11.5..28.5 by 0.5",
            "rent": "10..40 | 120..650 by 5",
        },
        words={"need": "rent, food, a phone bill, insurance, a course"},
        where=("rent < hours * pay",),
        wordings=(
            "{who} works {hours} hours for {pay:$} an hour and then pays {rent:$} for {need}. How many dollars does {he} have left?",
            "After paying {rent:$} for {need}, how many dollars are left of what {who} earns in {hours} hours at {pay:$} an hour?",
            "An hour of work brings {who} {pay:$}. {he} works {hours} hours and spends {rent:$} on {need}. How many dollars remain?",
            "{need} takes {rent:$} of what {who} makes in {hours} hours at {pay:$} per hour. How many dollars does {he} keep?",
        ),
        steps=(
            ("earned = hours * pay", "What does {who} earn?", "{who} earns {=} dollars."),
            ("left = earned - rent", "How much is left?", "There are {=} dollars left."),
        ),
        places=2,
    ),
    Family(
        name="fence-cost",
        numbers={
            "length": "3..9 | 14..85",
            "width": "2..7 | 10..60",
            "price": "2..3 | 4.5..18.5 by 0.5",
        },
        words={"land": "orchard, paddock, playground, vineyard, lot"},
        where=("width < length",),
        wordings=(
            "A rectangular {land} is {length} m by {width} m. A fence costs {price:$} a metre. What does a fence all around it cost in dollars?",
            "{who} fences a rectangular {land} that is {length} m long and {width} m wide. One metre of fence costs {price:$}. How many dollars does {he} pay?",
            "At {price:$} per metre, how many dollars does it cost to fence a {land} of {width} m by {length} m on all four sides?",
        ),
        steps=(
            ("sides = length + width", "How long are two sides?", "Two sides are {=} m."),
            ("around = 2 * sides", "How long is the fence?", "The fence is {=} m long."),
            ("cost = around * price", "What does it cost?", "It costs {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="orchard-sale",
        numbers={
            "trees": "2..6 | 8..40",
            "size": "2..5 | 4..20",
            "nets": "2..4 | 6..24",
            "price": "2..4 | 2.25..8.75 by 0.25",
        },
        words={"fruit/bag": "apple/bag, peach/box, lemon/net, orange/basket, plum/tray"},
        wordings=(
            "Each of {trees} trees gives {per_tree} {fruits}. They are sold in {bags} of {size} for {price:$} a {bag}. How many dollars does {who} get?",
            "{who} picks {per_tree} {fruits} from each of {trees} trees and packs {size} to a {bag}. A {bag} sells for {price:$}. How many dollars is that?",
            "A {bag} of {size} {fruits} costs {price:$}. How many dollars do the {fruits} of {trees} trees bring, with {per_tree} on each tree?",
        ),
        steps=(
            (
                "picked = trees * per_tree",
                "How many {fruits} are there?",
                "There are {=} {fruits}.",
            ),
            ("packs = picked / size", "How many {bags} is that?", "They fill {=} {bags}."),
            ("money = packs * price", "What do the {bags} bring?", "They bring {=} dollars."),
        ),
        places=2,
        given={"per_tree": "size * nets"},
    ),
    Family(
        name="paint-cans",
        numbers={
            "cans": "2..6 | 4..24",
            "cover": "2..8 | 12..45",
            "width": "2..8 | 4..20",
            "price": "5..12 | 14.5..38.5 by 0.5",
        },
        given={"height": "cans * cover / width"},
        words={"wall": "wall, fence, ceiling, stage"},
        where=("height >= 2", "height * 2 < 100"),
        wordings=(
            "A {wall} is {width} m by {height} m. One can of paint covers {cover} square metres and costs {price:$}. How many dollars does the paint cost?",
            "{who} paints a {wall} of {width} m times {height} m. A can for {price:$} is enough for {cover} square metres. How many dollars does {he} spend on paint?",
            "Paint costs {price:$} a can, and a can covers {cover} square metres. What does paint for a {height} m by {width} m {wall} cost in dollars?",
        ),
        steps=(
            ("area = width * height", "What is the area?", "The area is {=} square metres."),
            ("needed = area / cover", "How many cans are needed?", "This takes {=} cans."),
            ("cost = needed * price", "What do they cost?", "They cost {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="two-savers",
        numbers={
            "first": "2..9 | 12.5..48.5 by 0.5",
            "second": "2..9 | 10.5..40.5 by 0.5",
            "weeks": "2..6 | 8..40",
            "goal": "20..90 by 5 | 250..980 by 10",
        },
        words={"wish": "tent, drum kit, boat, telescope, sofa"},
        where=("first != second", "(first + second) * weeks < goal"),
        wordings=(
            "{who} saves {first:$} a week and {friend} saves {second:$} a week for a {wish} that costs {goal:$}. How many dollars are missing after {weeks} weeks?",
            "A {wish} costs {goal:$}. For {weeks} weeks {who} puts aside {first:$} and {friend} {second:$} each week. How many dollars do they still need?",
            "Each week {who} saves {first:$} and {friend} {second:$}. After {weeks} weeks, how many dollars are they short of the {goal:$} for a {wish}?",
        ),
        steps=(
            (
                "weekly = first + second",
                "What do both save a week?",
                "Each week they save {=} dollars.",
            ),
            ("saved = weekly * weeks", "And in {weeks} weeks?", "In all they save {=} dollars."),
            ("missing = goal - saved", "How much is missing?", "They still need {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="bakery-day",
        numbers={
            "trays": "2..6 | 8..36",
            "per": "4..12 | 15..48",
            "sold": "5..30 | 60..450",
            "each": "2..4 | 1.25..4.75 by 0.25",
        },
        words={"bun": "bun, muffin, bagel, roll, tart"},
        where=("sold < trays * per",),
        wordings=(
            "A baker makes {trays} trays of {per} {buns} and sells {sold} in the morning. The rest goes for {each:$} a {bun}. How many dollars does the rest bring?",
            "{who} bakes {per} {buns} on each of {trays} trays. {sold} are given away, the others sold for {each:$} each. How many dollars does {he} get?",
            "Of {trays} trays with {per} {buns} each, {sold} {buns} are eaten. {who} sells all the others at {each:$} apiece. How many dollars does that bring?",
        ),
        steps=(
            ("baked = trays * per", "How many {buns} are there?", "There are {=} {buns}."),
            ("rest = baked - sold", "How many are the rest?", "The rest is {=} {buns}."),
            ("money = rest * each", "What do they bring?", "They bring {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="price-rise",
        numbers={
            "old": "2..9 | 4.25..29.75 by 0.25",
            "rise": "2..4 | 1.25..5.75 by 0.25",
            "n": "2..7 | 8..60",
        },
        words={"thing": "bus ticket, coffee, museum ticket, lunch, magazine, haircut"},
        where=("rise < old",),
        wordings=(
            "A {thing} used to cost {old:$}, but the price went up by {rise:$}. How many dollars do {n} {things} cost now?",
            "The price of a {thing} rises by {rise:$} from {old:$}. What do {n} {things} cost after that, in dollars?",
            "Last year a {thing} was {old:$}. This year it is {rise:$} dearer. How many dollars does {who} pay for {n:word} {things} this year?",
            "{who} needs {n} {things}. Each costs {rise:$} more than the old price of {old:$}. How many dollars does {he} need?",
        ),
        steps=(
            ("new_price = old + rise", "What is the new price?", "One now costs {=} dollars."),
            ("cost = new_price * n", "What do {n} {things} cost?", "{n} cost {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="power-bill",
        numbers={
            "use": "2..5 | 1.5..9.5 by 0.5",
            "days": "5..10 | 14..62",
            "rate": "2, 3, 4, 5 | 0.12..0.48 by 0.02",
        },
        words={"thing": "heater, oven, pump, freezer, dryer"},
        wordings=(
            "A {thing} uses {use} units of power a day, and each unit costs {rate:$}. How many dollars does it cost to run the {thing} for {days} days?",
            "{who}'s {thing} takes {use} units a day for {days} days. At {rate:$} a unit, how many dollars is the bill?",
            "At {rate:$} for a unit of power, what do {days} days of a {thing} with {use} units a day cost in dollars?",
            "For {days} days a {thing} runs on {use} units of power per day. A unit is {rate:$}. What does {who} pay in dollars?",
        ),
        steps=(
            ("units = use * days", "How many units are used?", "It uses {=} units."),
            ("bill = units * rate", "What do they cost?", "They cost {=} dollars."),
        ),
        places=2,
    ),
)
