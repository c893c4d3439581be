"""Families about counts and measures that no student trains on: they join skills of the train ones."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

FAMILIES = (
    Family(
        name="catch-and-share",
        numbers={"first": "3..12 | 24..160", "k": "2..4 | 2..6", "people": "2..6 | 3..12"},
        words={
            "thing/got": "plum/picked, pear/picked, mushroom/found, crab/caught, nut/gathered, fig/picked"
        },
        where=("k + 1 != people",),
        wordings=(
            "{who} {got} {first} {things} and {friend} {got} {k:times} as many. They share all of them equally among {people} people. How many does each get?",
            "{friend} {got} {k:times} as many {things} as {who}, who {got} {first}. If {people} people share the lot equally, how many {things} does one person get?",
            "{who} {got} {first} {things}. {friend} {got} {k:times} as many. All of them are laid on {people} plates equally. How many {things} are on a plate?",
        ),
        steps=(
            ("second = first * k", "How many does {friend} have?", "{friend} has {=} {things}."),
            ("both = first + second", "How many is that together?", "Together it is {=}."),
            ("share = both / people", "How many is one share?", "Each share is {=} {things}."),
        ),
    ),
    Family(
        name="percent-then-share",
        numbers={
            "total": "20..100 by 20 | 150..900 by 10",
            "percent": "10, 20, 25, 40, 50 | 5..60 by 5",
            "people": "2..6 | 3..15",
        },
        words={"thing": "sweet, grape, pencil, nut, olive, bead"},
        wordings=(
            "{who} keeps {percent}% of {total} {things} and shares the rest equally among {people} friends. How many {things} does each friend get?",
            "Of {total} {things}, {percent} percent are bad. The others are split equally between {people} people. How many {things} does each get?",
            "{people:word} children share {total} {things} equally after {who} has taken {percent}% for {himself}. How many {things} is each child's share?",
        ),
        steps=(
            ("kept = total * percent / 100", "How many is {percent}%?", "That part is {=}."),
            ("rest = total - kept", "How many are shared?", "{=} {things} are shared."),
            ("share = rest / people", "How many does each get?", "Each gets {=} {things}."),
        ),
    ),
    Family(
        name="after-the-gift",
        numbers={
            "first": "20..60 | 220..850",
            "second": "3..25 | 40..320",
            "gift": "2..12 | 20..120",
        },
        words={"thing": "comic, pebble, feather, magnet, key ring, bracelet"},
        where=("first - gift > second + gift",),
        wordings=(
            "{who} has {first} {things} and {friend} has {second}. {who} gives {friend} {gift} {things}. How many more {things} than {friend} does {who} have then?",
            "{friend} has {second} {things} and gets {gift} from {who}, who had {first}. How many {things} more than {friend} does {who} have now?",
            "After {who} with {first} {things} has given {gift} to {friend} with {second}, how many more {things} does {who} have than {friend}?",
        ),
        steps=(
            ("kept = first - gift", "How many does {who} keep?", "{who} keeps {=} {things}."),
            ("got = second + gift", "How many does {friend} have?", "{friend} then has {=}."),
            ("more = kept - got", "How many more is that?", "{who} has {=} more."),
        ),
    ),
    Family(
        name="laps-with-break",
        numbers={"laps": "3..9 | 12..48", "minutes": "2..9 | 4..18", "pause": "3..15 | 12..45"},
        words={"move": "swims, rows, skates, rides, jogs"},
        wordings=(
            "{who} {move} {laps} laps and takes {minutes} minutes for each, with one break of {pause} minutes. How many minutes does it take in all?",
            "One lap takes {who} {minutes} minutes. {he} {move} {laps} laps and rests once for {pause} minutes. How many minutes is {he} busy, rest included?",
            "With a single break of {pause} minutes, how many minutes does {who} need for {laps} laps of {minutes} minutes each?",
        ),
        steps=(
            ("moving = laps * minutes", "How long are the laps?", "The laps take {=} minutes."),
            ("total = moving + pause", "How long with the break?", "In all it takes {=} minutes."),
        ),
    ),
    Family(
        name="family-ages",
        numbers={"age": "5..14", "older": "2..9", "k": "2..4"},
        words={"kin": "mother, father, aunt, uncle"},
        where=(
            "(age + older) * k < 75",
            "(age + older) * k > age + 18",
            "(age + older) * k > age + older + 16",
        ),
        wordings=(
            "{who} is {age}. {friend} is {older} years older than {who}. {friend}'s {kin} is {k:times} as old as {friend}. How old is the {kin}?",
            "{friend}'s {kin} is {k:times} as old as {friend}, who is {older} years older than {who}. {who} is {age}. What is the age of the {kin}?",
            "How old is {friend}'s {kin}, who is {k:times} as old as {friend}, if {who} is {age} and {friend} is {older} years older than {who}?",
        ),
        steps=(
            ("friend_age = age + older", "How old is {friend}?", "{friend} is {=} years old."),
            ("kin_age = friend_age * k", "How old is the {kin}?", "The {kin} is {=} years old."),
        ),
    ),
    Family(
        name="two-step-riddle",
        numbers={"secret": "2..15 | 24..150", "plus": "2..12 | 15..90", "k": "2..5 | 3..16"},
        given={"result": "(secret + plus) * k"},
        wordings=(
            "{who} thinks of a number, adds {plus} and multiplies the sum by {k}. The result is {result}. What is the number?",
            "Add {plus} to a number, multiply by {k}, and you get {result}. Which number is it?",
            "{k} times the sum of a number and {plus} is {result}. Find the number.",
        ),
        steps=(
            (
                "total = result / k",
                "What is it before multiplying?",
                "Before multiplying it is {=}.",
            ),
            ("number = total - plus", "What is the number?", "The number is {=}."),
        ),
    ),
    Family(
        name="train-crowd",
        numbers={
            "cars": "2..6 | 6..18",
            "per": "5..12 | 24..80",
            "off": "3..20 | 40..260",
            "on": "2..25 | 30..280",
        },
        words={"train": "train, night train, long train"},
        where=("off < cars * per", "off != on"),
        wordings=(
            "Each of the {cars} carriages of a {train} carries {per} people. At a stop {off} get off and {on} get on. How many people are on board then?",
            "A {train} has {cars} carriages with {per} passengers each. {off} leave at the next stop and {on} come in. How many passengers are there now?",
            "{on} people get on and {off} get off a {train} that came with {cars} carriages of {per} people. How many people leave with it?",
        ),
        steps=(
            ("came = cars * per", "How many came?", "{=} people came."),
            ("stayed = came - off", "How many stay?", "{=} people stay."),
            ("now = stayed + on", "How many are there now?", "Now there are {=} people."),
        ),
    ),
    Family(
        name="half-and-then",
        numbers={"k": "2..5 | 2, 3, 4, 5, 10", "part": "4..18 | 24..140", "size": "2..6 | 4..15"},
        given={"total": "k * part"},
        words={
            "thing/box": "egg/carton, candle/box, photo/album, plant/tray, spoon/drawer, pen/case"
        },
        wordings=(
            "{who} sells {k:part} of {his} {total} {things} and packs the others {size} to a {box}. How many {boxs} does {he} fill?",
            "{k:part} of {total} {things} break. The rest is put into {boxs} of {size}. How many {boxs} are filled?",
            "After giving away {k:part} of {total} {things}, {who} puts the rest into {boxs} that hold {size} each. How many {boxs} are full?",
        ),
        steps=(
            ("gone = total / k", "How many is {k:part}?", "That part is {=} {things}."),
            ("rest = total - gone", "How many are left?", "{=} {things} are left."),
            ("filled = rest / size", "How many {boxs} is that?", "They fill {=} {boxs}."),
        ),
        where=("total - part >= size * 2",),
    ),
    Family(
        name="keep-then-share",
        numbers={"each": "2..9 | 12..45", "people": "3..8 | 8..30", "kept": "3..20 | 25..150"},
        given={"total": "each * people + kept"},
        words={"thing": "sweet, marble, sticker, nut, bead, shell, coin, cherry, biscuit, card"},
        wordings=(
            "{who} has {total} {things}. {he} keeps {kept} and shares the rest equally among {people} friends. How many {things} does each friend get?",
            "Of {total} {things}, {who} puts {kept} aside. The others are divided equally between {people} children. How many {things} does each child get?",
            "{people:word} friends of {who} get equal shares of {his} {total} {things}, except for {kept} that {he} keeps. How many {things} is one share?",
            "After taking {kept} from a jar with {total} {things}, {who} splits what is left equally among {people} pupils. How many {things} per pupil?",
        ),
        steps=(
            ("rest = total - kept", "How many are shared?", "There are {=} {things} to share."),
            ("share = rest / people", "How many does each get?", "Each gets {=} {things}."),
        ),
    ),
    Family(
        name="seats",
        numbers={"rows": "4..9 | 15..48", "per": "5..10 | 18..64", "free": "3..30 | 45..390"},
        words={"hall": "cinema, theatre, tent, church, hall"},
        where=("free * 2 < rows * per",),
        wordings=(
            "A {hall} has {rows} rows of {per} seats. {free} seats are empty. How many seats are taken?",
            "{free} of the seats in a {hall} stay free. It has {rows} rows with {per} seats each. How many people are sitting?",
            "In each of the {rows} rows of a {hall} there are {per} seats. If {free} are not sold, how many are sold?",
            "{who} counts {free} empty seats in a {hall} with {rows} rows of {per}. How many seats are not empty?",
        ),
        steps=(
            ("seats = rows * per", "How many seats are there?", "There are {=} seats."),
            ("taken = seats - free", "How many are taken?", "{=} seats are taken."),
        ),
    ),
    Family(
        name="height-order",
        numbers={
            "base": "85..140 | 105.5..175.5 by 0.5",
            "up": "3..20 | 2.5..18.5 by 0.5",
            "down": "2..15 | 1.5..14.5 by 0.5",
        },
        where=("up != down",),
        wordings=(
            "{who} is {base} cm tall. {friend} is {up} cm taller than {who}. {third} is {down} cm shorter than {friend}. How many cm tall is {third}?",
            "{third} is {down} cm shorter than {friend}, who is {up} cm taller than {who}. {who} measures {base} cm. How tall is {third} in cm?",
            "{friend} is taller than {who} by {up} cm and taller than {third} by {down} cm. {who} is {base} cm tall. What is {third}'s height in cm?",
            "What is the height of {third} in cm, who is {down} cm shorter than {friend}, if {friend} is {up} cm taller than {who} and {who} is {base} cm tall?",
        ),
        steps=(
            ("taller = base + up", "How tall is {friend}?", "{friend} is {=} cm tall."),
            ("height = taller - down", "How tall is {third}?", "{third} is {=} cm tall."),
        ),
        places=1,
    ),
)
