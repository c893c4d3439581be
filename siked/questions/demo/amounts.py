"""Families with large and decimal amounts: weights, lengths, litres, people, power, money."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

FAMILIES = (
    Family(
        name="visitors",
        numbers={
            "first": "1200..9800 by 10 | 12500..98000 by 5",
            "second": "800..7500 by 10 | 8500..76000 by 5",
            "left": "200..900 by 10 | 1250..8000 by 5",
        },
        words={"place": "stadium, fair, museum, festival, zoo"},
        wordings=(
            "{first:,} people come to a {place} in the morning and {second:,} in the afternoon. {left:,} of them leave early. How many people stay?",
            "A {place} lets in {first:,} people and then {second:,} more. When {left:,} have gone, how many people are there?",
            "After {first:,} people entered the {place}, another {second:,} came and {left:,} went home. How many people were there then?",
            "At a {place} are {first} people, and {second} more come. Later {left} of all these people leave. How many people are still there?",
        ),
        steps=(
            ("came = first + second", "How many came?", "In all {=} people came."),
            ("stayed = came - left", "How many stay?", "{=} people stay."),
        ),
    ),
    Family(
        name="parcel-weight",
        numbers={
            "n": "2..8 | 12..48",
            "weight": "0.5..4.5 by 0.5 | 0.35..9.85 by 0.05",
            "box_kg": "0.5..2.5 by 0.5 | 0.25..3.75 by 0.05",
        },
        words={"box/thing": "box/book, crate/melon, bag/brick, case/bottle, chest/tool"},
        wordings=(
            "A {box} weighs {box_kg} kg when empty. {who} puts in {n} {things} of {weight} kg each. How many kg does the full {box} weigh?",
            "{n} {things} weigh {weight} kg each. They lie in a {box} that weighs {box_kg} kg. How many kg is that together?",
            "How many kg does a {box} with {n} {things} weigh, if a {thing} weighs {weight} kg and the {box} alone {box_kg} kg?",
            "{who} carries a {box} of {box_kg} kg with {n:word} {things} inside. One {thing} weighs {weight} kg. How many kg does {he} carry?",
        ),
        steps=(
            ("goods = n * weight", "What do the {things} weigh?", "The {things} weigh {=} kg."),
            ("full = goods + box_kg", "What is the full weight?", "With the {box} it is {=} kg."),
        ),
        places=2,
    ),
    Family(
        name="rope-cut",
        numbers={
            "pieces": "2..9 | 4..24",
            "size": "2..8 | 0.45..3.95 by 0.05",
            "left": "1..9 | 0.15..4.5 by 0.05",
        },
        given={"length": "pieces * size + left"},
        words={"rope": "rope, ribbon, wire, cable, board"},
        wordings=(
            "{who} cuts {pieces} pieces of {size} m each from a {rope} of {length} m. How many metres of the {rope} are left?",
            "A {rope} is {length} m long. After {pieces} pieces of {size} m are cut off, how many metres remain?",
            "From a {length} m {rope}, {who} takes {pieces:word} pieces, each {size} m long. How long is the rest in metres?",
            "How many metres of a {rope} are left if it was {length} m long and {pieces} parts of {size} m have been used?",
        ),
        steps=(
            ("cut = pieces * size", "How much is cut off?", "The pieces take {=} m."),
            ("rest = length - cut", "How much is left?", "There are {=} m left."),
        ),
        places=2,
    ),
    Family(
        name="bottles-of-litres",
        numbers={
            "bottles": "2..20 by 2 | 6..96",
            "ml": "250, 500, 750 | 125, 330, 350, 450, 650, 850",
        },
        words={"drink": "juice, water, milk, oil, syrup, tea"},
        wordings=(
            "{who} fills {bottles} bottles with {ml} ml of {drink} each. How many litres of {drink} is that?",
            "A bottle holds {ml} ml of {drink}. How many litres do {bottles} bottles hold?",
            "How many litres of {drink} are needed for {bottles} bottles of {ml} ml?",
            "In a crate there are {bottles} bottles with {ml} ml of {drink} in each. Give the amount of {drink} in litres.",
        ),
        steps=(
            ("millilitres = bottles * ml", "How many ml is that?", "The bottles hold {=} ml."),
            ("litres = millilitres / 1000", "How many litres?", "This is {=} litres."),
        ),
        places=3,
    ),
    Family(
        name="laps",
        numbers={
            "lap": "200, 300, 400, 500 | 250..950 by 50",
            "laps": "2..10 | 12..48",
            "days": "2..3 | 3..9",
        },
        words={"move": "runs, skates, cycles, walks"},
        wordings=(
            "{who} {move} {laps} laps of {lap} metres every day. How many kilometres is that in {days} days?",
            "One lap is {lap} metres long. On each of {days} days {who} {move} {laps} laps. How many kilometres does {he} cover?",
            "For {days} days {who} {move} {laps:word} laps a day on a track of {lap} m. Give the total distance in kilometres.",
            "How many kilometres are {laps} laps of {lap} metres, run on each of {days} days?",
        ),
        steps=(
            ("daily = laps * lap", "How many metres a day?", "Each day it is {=} m."),
            ("metres = daily * days", "How many metres in all?", "In all it is {=} m."),
            ("kilometres = metres / 1000", "How many kilometres?", "This is {=} km."),
        ),
        places=2,
    ),
    Family(
        name="temperature",
        numbers={
            "start": "4..20 | 8.5..24.5 by 0.1",
            "up": "3..12 | 2.1..9.9 by 0.1",
            "down": "2..14 | 1.2..11.8 by 0.1",
        },
        words={"town": "a town, the village, the valley, a city"},
        where=("up != down",),
        wordings=(
            "At dawn it is {start} degrees in {town}. It gets {up} degrees warmer by noon and then {down} degrees colder by night. How many degrees is it at night?",
            "The temperature in {town} rises by {up} degrees from {start} degrees and later falls by {down} degrees. What is it then, in degrees?",
            "From {start} degrees the air in {town} warms up by {up} degrees, then cools by {down}. How many degrees does {who} read in the end?",
            "{who} reads {start} degrees in the morning. By noon it is {up} more, and by evening {down} less than at noon. What is the evening temperature in degrees?",
        ),
        steps=(
            ("warm = start + up", "How warm does it get?", "It warms up to {=} degrees."),
            ("cool = warm - down", "How warm is it after that?", "Then it is {=} degrees."),
        ),
        places=1,
    ),
    Family(
        name="exchange",
        numbers={
            "amount": "10..60 by 10 | 120..950 by 5",
            "rate": "2..5 | 1.12..7.84 by 0.04",
            "fee": "2..9 | 3.5..12.5 by 0.5",
        },
        words={"coin": "crown, peso, franc, dinar"},
        where=("fee < amount",),
        wordings=(
            "{who} changes {amount:$} and pays a fee of {fee:$} out of it first. For each remaining dollar {he} gets {rate} {coins}. How many {coins} does {he} get?",
            "A bank keeps {fee:$} of {amount:$} and gives {rate} {coins} for every other dollar. How many {coins} does {who} receive?",
            "One dollar is worth {rate} {coins}. {who} has {amount:$}, spends {fee:$} and changes the rest. How many {coins} is that?",
            "After a fee of {fee:$} is taken from {amount:$}, the rest is changed at {rate} {coins} to the dollar. How many {coins} come out?",
        ),
        steps=(
            ("changed = amount - fee", "How many dollars are changed?", "{=} dollars are changed."),
            ("received = changed * rate", "How many {coins} is that?", "That gives {=} {coins}."),
        ),
        places=2,
    ),
    Family(
        name="warehouse",
        numbers={
            "trucks": "2..4 | 6..35",
            "crates": "2..4 | 12..60",
            "per": "2..5 | 24..144 by 12",
        },
        words={"thing": "orange, bottle, tin, brick, toy, shirt"},
        wordings=(
            "{trucks} trucks bring {crates} crates each, and every crate has {per} {things} in it. How many {things} do they bring?",
            "A crate holds {per} {things} and a truck holds {crates} crates. How many {things} are on {trucks} trucks?",
            "How many {things} arrive with {trucks} trucks of {crates} crates, with {per} {things} per crate?",
            "{who} unloads {trucks:word} trucks. Each carries {crates} crates of {per} {things}. How many {things} does {he} unload?",
        ),
        steps=(
            ("all_crates = trucks * crates", "How many crates are there?", "There are {=} crates."),
            ("total = all_crates * per", "How many {things} is that?", "They hold {=} {things}."),
        ),
    ),
)
