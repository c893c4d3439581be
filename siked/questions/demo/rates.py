"""Families about rates: wages, speeds, machines, taps, recipes."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

FAMILIES = (
    Family(
        name="wage",
        numbers={
            "pay": "5..9 | 11.25..24.75 by 0.25",
            "hours": "2..4 | 3..8",
            "days": "2..3 | 4..21",
        },
        words={
            "work": "walks dogs, waits tables, washes cars, tutors pupils, mows lawns, paints fences"
        },
        wordings=(
            "{who} {work} for {hours} hours a day and earns {pay:$} an hour. How many dollars does {he} earn in {days} days?",
            "For each hour of work {who} gets {pay:$}. {he} works {hours} hours on each of {days} days. How much does {he} earn in dollars?",
            "{who} {work} for {pay:$} per hour. How many dollars does {he} make on {days:word} days with {hours:word} hours of work each?",
            "Working {hours} hours every day at {pay:$} an hour, how many dollars does {who} have after {days} days?",
        ),
        steps=(
            ("daily = hours * pay", "What does {who} earn a day?", "A day brings {=} dollars."),
            ("earned = daily * days", "What about {days} days?", "{days} days bring {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="machine-output",
        numbers={"rate": "3..9 | 14..85", "minutes": "3..9 | 15..95", "broken": "2..9 | 12..140"},
        words={
            "machine/item": "press/badge, printer/label, oven/roll, machine/bottle, robot/bolt, mill/button"
        },
        where=("broken * 2 < rate * minutes",),
        wordings=(
            "A {machine} makes {rate} {items} a minute. After {minutes} minutes, {broken} of the {items} turn out to be faulty. How many good {items} are there?",
            "In each minute a {machine} turns out {rate} {items}. It runs for {minutes} minutes and spoils {broken} {items}. How many {items} are good?",
            "{who} starts a {machine} that makes {rate:word} {items} per minute and stops it after {minutes} minutes. {he} throws {broken} bad {items} away. How many are left?",
            "{broken} {items} are thrown out of what a {machine} makes in {minutes} minutes at {rate} {items} a minute. How many {items} remain?",
        ),
        steps=(
            ("made = rate * minutes", "How many {items} are made?", "It makes {=} {items}."),
            ("good = made - broken", "How many are good?", "{=} {items} are good."),
        ),
    ),
    Family(
        name="distance",
        numbers={"speed": "4..18 | 34..96", "hours": "2..5 | 1.5..7.5 by 0.5"},
        words={"ride": "travels, goes, drives"},
        wordings=(
            "{who} {ride} at {speed} kilometres an hour for {hours} hours. How many kilometres is that?",
            "How many kilometres does {who} cover in {hours} hours at {speed} kilometres per hour?",
            "A boat moves at a steady {speed} kilometres an hour. How many kilometres does it go in {hours} hours?",
            "{who} is on the way for {hours} hours and makes {speed} kilometres every hour. How far does {he} get, in kilometres?",
        ),
        steps=(
            ("distance = speed * hours", "How far is that?", "The way is {=} kilometres long."),
        ),
        places=1,
    ),
    Family(
        name="two-legs",
        numbers={
            "fast": "8..20 | 55..120 by 5",
            "slow": "3..7 | 20..50",
            "first": "2..3 | 2..6",
            "second": "2..4 | 2..8",
        },
        wordings=(
            "{who} travels {first} hours at {fast} km an hour and then {second} hours at {slow} km an hour. How many km does {he} travel?",
            "For {first} hours {who} goes {fast} km an hour, and for the next {second} hours only {slow} km an hour. How long is the whole way in km?",
            "A trip has two parts: {first:word} hours at {fast} km/h and {second:word} hours at {slow} km/h. How many km is the trip?",
            "After {first} hours at {fast} km per hour, {who} slows down to {slow} km per hour for {second} hours. How many km does {he} cover in all?",
        ),
        steps=(
            ("fast_part = first * fast", "How long is the first part?", "First come {=} km."),
            ("slow_part = second * slow", "How long is the second part?", "Then come {=} km."),
            ("way = fast_part + slow_part", "How long is the trip?", "In all it is {=} km."),
        ),
    ),
    Family(
        name="travel-time",
        numbers={
            "speed": "4..15 | 40..110 by 5",
            "driving": "2..6 | 3..12",
            "rest": "1..3 | 0.5..3.5 by 0.5",
        },
        given={"distance": "speed * driving"},
        wordings=(
            "{who} travels {distance} km at {speed} km an hour and rests for {rest} h on the way. How many hours does the trip take?",
            "The way to {friend} is {distance} km long. {who} goes {speed} km an hour and takes a break of {rest} h. After how many hours does {he} arrive?",
            "How many hours does a tour of {distance} km take at {speed} km per hour, plus {rest} h of rest?",
            "A rider covers {speed} km each hour and has {distance} km to go, with one stop of {rest} h. How many hours is the rider on the road?",
        ),
        steps=(
            ("moving = distance / speed", "How long is the travel?", "The travel takes {=} hours."),
            ("trip = moving + rest", "How long with the rest?", "With the rest it is {=} hours."),
        ),
        places=1,
    ),
    Family(
        name="tap-and-leak",
        numbers={
            "tap": "6..14 | 24.5..80.5 by 0.5",
            "leak": "2..4 | 2.5..12.5 by 0.5",
            "minutes": "3..8 | 12..60",
        },
        words={"tank": "tank, tub, barrel, pool, trough"},
        wordings=(
            "A tap pours {tap} litres a minute into an empty {tank}, but {leak} litres a minute leak out. How many litres are in it after {minutes} minutes?",
            "Every minute {tap} litres flow into an empty {tank} and {leak} litres flow out. How many litres does it hold after {minutes} minutes?",
            "{who} fills an empty {tank} with {tap} litres per minute. A crack loses {leak} litres per minute. How many litres are there after {minutes} minutes?",
            "An empty {tank} gains {tap} litres and loses {leak} litres each minute. What does it hold after {minutes:word} minutes, in litres?",
        ),
        steps=(
            ("gain = tap - leak", "How much stays each minute?", "Each minute adds {=} litres."),
            ("held = gain * minutes", "How much is in it then?", "It then holds {=} litres."),
        ),
        places=1,
    ),
    Family(
        name="fuel",
        numbers={
            "use": "4..9 | 5.5..14.5 by 0.5",
            "distance": "200..900 by 100 | 150..950 by 50",
        },
        words={"car": "car, van, taxi"},
        wordings=(
            "A {car} needs {use} litres of fuel for every 100 km. How many litres does it need for {distance} km?",
            "{who} drives {distance} km in a {car} that burns {use} litres per 100 km. How many litres of fuel is that?",
            "How many litres does a {car} burn on {distance} km if it takes {use} litres for each 100 km?",
            "For 100 km {who}'s {car} uses {use} litres. {he} plans a trip of {distance} km. How many litres of fuel will it take?",
        ),
        steps=(
            (
                "hundreds = distance / 100",
                "How many times 100 km?",
                "That is {=} times 100 km.",
            ),
            ("fuel = hundreds * use", "How much fuel is needed?", "It needs {=} litres."),
        ),
        places=2,
    ),
    Family(
        name="recipe",
        numbers={"per": "2..4 | 2..6", "batch": "2..6 | 4..12", "amount": "2..9 | 25..450 by 5"},
        given={"guests": "per * batch"},
        words={"what": "rice, flour, sugar, salt, butter"},
        where=("per != batch",),
        wordings=(
            "A recipe for {batch} people takes {amount} grams of {what}. How many grams of {what} are needed for {guests} people?",
            "{who} cooks for {guests} people. The recipe is for {batch} people and takes {amount} grams of {what}. How many grams does {he} need?",
            "{amount} grams of {what} are enough for {batch} people. How many grams are needed for {guests} people?",
            "For {batch:word} plates {who} uses {amount} grams of {what}. How many grams of {what} does {he} use for {guests} plates?",
        ),
        steps=(
            ("factor = guests / batch", "How many times the recipe?", "This is {=} times as much."),
            ("needed = factor * amount", "How much is needed?", "The amount needed is {=}."),
        ),
    ),
    Family(
        name="reading-days",
        numbers={"daily": "5..12 | 16..45", "days": "3..7 | 9..28", "read": "8..30 | 40..220"},
        given={"pages": "daily * days + read"},
        words={"book": "novel, book, comic, guide"},
        wordings=(
            "{who}'s {book} has {pages} pages and {he} has read {read}. At {daily} pages a day, how many more days does {he} need?",
            "A {book} has {pages} pages. {who} has already read {read} pages and now reads {daily} pages every day. In how many days is {he} done?",
            "{who} reads {daily} pages a day. {read} of the {pages} pages of a {book} are behind {him}. How many days are left to read?",
            "Having finished {read} of {pages} pages, {who} goes on with {daily} pages per day. How many days does the rest of the {book} take?",
        ),
        steps=(
            ("rest = pages - read", "How many pages are left?", "There are {=} pages left."),
            ("days_left = rest / daily", "How many days is that?", "This takes {=} days."),
        ),
    ),
    Family(
        name="tank-drain",
        numbers={
            "full": "40..95 | 250..950 by 5",
            "rate": "2..8 | 3.5..14.5 by 0.5",
            "minutes": "3..9 | 12..45",
            "added": "5..30 | 40..180",
        },
        words={"tank": "tank, pool, cistern, boiler"},
        where=("rate * minutes < full",),
        wordings=(
            "A {tank} holds {full} litres. For {minutes} minutes {rate} litres a minute run out, then {who} pours in {added} litres. How many litres are in it?",
            "{rate} litres a minute are pumped out of a {tank} with {full} litres. After {minutes} minutes {added} litres are poured back. How many litres does it hold then?",
            "From {full} litres in a {tank}, {who} lets out {rate} litres each minute for {minutes} minutes and later adds {added} litres. How many litres are there now?",
        ),
        steps=(
            ("out = rate * minutes", "How much runs out?", "{=} litres run out."),
            ("rest = full - out", "How much is left?", "There are {=} litres left."),
            ("now = rest + added", "How much is there now?", "Now it holds {=} litres."),
        ),
        places=1,
    ),
)
