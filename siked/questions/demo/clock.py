"""Families about time: clocks, calendars, ages, routines."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

FAMILIES = (
    Family(
        name="clock-span",
        numbers={
            "hour": "1..6 | 1..5",
            "minute": "5..30 by 5 | 1..39",
            "hours": "1..2 | 2..4",
            "more": "5..25 by 5 | 1..20",
        },
        given={"end": "hour + hours", "late": "minute + more"},
        words={"event": "film, concert, match, lesson, flight, meeting"},
        where=("end < 12", "late < 60"),
        wordings=(
            "A {event} starts at {hour}:{minute:02} pm and ends at {end}:{late:02} pm. How many minutes does it last?",
            "The {event} goes on from {hour}:{minute:02} to {end}:{late:02} in the afternoon. How many minutes is that?",
            "{who}'s {event} begins at {hour}:{minute:02} pm. At {end}:{late:02} pm it is over. How long is it in minutes?",
            "How many minutes long is a {event} from {hour}:{minute:02} pm to {end}:{late:02} pm?",
        ),
        steps=(
            (
                "from_hours = (end - hour) * 60",
                "How many minutes from {hour} to {end} o'clock?",
                "The hours make {=} minutes.",
            ),
            ("extra = late - minute", "How many minutes more?", "There are {=} minutes more."),
            ("length = from_hours + extra", "How long is it?", "It lasts {=} minutes."),
        ),
    ),
    Family(
        name="weeks-and-days",
        numbers={"weeks": "2..9 | 12..48", "days": "2..6"},
        words={"trip": "holiday, course, project, cruise"},
        wordings=(
            "{who}'s {trip} lasts {weeks} weeks and {days} days. How many days is that?",
            "How many days are {weeks} weeks and {days} days?",
            "A {trip} takes {weeks} weeks, and then {days} more days. How long is it in days?",
            "It is {weeks:word} weeks and {days:word} days until the {trip} of {who}. How many days must {he} wait?",
        ),
        steps=(
            ("week_days = weeks * 7", "How many days are the weeks?", "The weeks have {=} days."),
            ("total_days = week_days + days", "How many days in all?", "In all it is {=} days."),
        ),
    ),
    Family(
        name="to-minutes",
        numbers={
            "hours": "1..1 | 2..6",
            "minutes": "5..35 by 5 | 5..55",
            "gone": "10..50 by 5 | 15..115",
        },
        words={"task": "exam, drive, shift, hike, flight"},
        wordings=(
            "{who}'s {task} takes {hours} h {minutes} min in all. {gone} minutes have gone by. How many minutes are left?",
            "A {task} lasts {hours} h {minutes} min. How many minutes are left after {gone} minutes?",
            "{gone} minutes of a {task} are over. It lasts {hours} h {minutes} min. How many more minutes does it go on?",
            "{who} has planned {hours} h {minutes} min for a {task} and has used {gone} minutes. How many minutes does {he} still have?",
        ),
        steps=(
            (
                "planned = hours * 60 + minutes",
                "How many minutes is that in all?",
                "In all it is {=} minutes.",
            ),
            ("left = planned - gone", "How many are left?", "There are {=} minutes left."),
        ),
    ),
    Family(
        name="age-later",
        numbers={"age": "4..30", "older": "2..20", "years": "3..20"},
        words={"kin": "sister, brother, cousin, friend, neighbour"},
        wordings=(
            "{who} is {age} years old. {his} {kin} is {older} years older. How old will the {kin} be in {years} years?",
            "{who}'s {kin} is {older} years older than {who}, who is {age}. What will the age of the {kin} be {years} years from now?",
            "In {years} years, how old will {friend} be, who is {older} years older than the {age}-year-old {who}?",
            "{friend} is older than {who} by {older} years. {who} is {age} now. How old will {friend} be in {years:word} years?",
        ),
        steps=(
            ("age_now = age + older", "How old is the older one now?", "The older one is {=} now."),
            (
                "age_then = age_now + years",
                "What is the age in {years} years?",
                "Then the age is {=}.",
            ),
        ),
    ),
    Family(
        name="age-times",
        numbers={"age": "4..12", "k": "2..5", "years": "2..9"},
        words={"kin": "aunt, father, mother, uncle, teacher"},
        where=("age * k > 17", "age * k > age + 16", "age * k < 70"),
        wordings=(
            "{who} is {age}. {his} {kin} is {k:times} as old. How old was the {kin} {years} years ago?",
            "{who}'s {kin} is {k:times} as old as {who}, who is {age}. What was the {kin}'s age {years} years ago?",
            "At {age}, {who} has a {kin} who is {k:times} {his} age. How old was the {kin} {years:word} years earlier?",
            "How old was {who}'s {kin} {years} years ago, if {who} is {age} now and the {kin} is {k:times} as old?",
        ),
        steps=(
            ("age_now = age * k", "How old is the {kin} now?", "The {kin} is {=} now."),
            (
                "age_then = age_now - years",
                "What was the age {years} years ago?",
                "The age was {=}.",
            ),
        ),
    ),
    Family(
        name="practice",
        numbers={
            "minutes": "5..20 by 5 | 15..75 by 5",
            "times": "2..3 | 3..6",
            "weeks": "2..2 | 3..24",
        },
        words={
            "play": "practises the piano, runs, paints, does yoga, plays chess, practises the drums"
        },
        wordings=(
            "{who} {play} for {minutes} minutes, {times} days a week. How many minutes is that in {weeks} weeks?",
            "On {times} days of each week {who} {play} for {minutes} minutes. How many minutes does {he} spend on it in {weeks} weeks?",
            "{times:word} days a week, for {minutes} minutes each time, {who} {play}. How many minutes is that over {weeks:word} weeks?",
            "For {weeks} weeks {who} {play} {times} days a week, {minutes} minutes a day. How many minutes is that altogether?",
        ),
        steps=(
            ("weekly = minutes * times", "How long is it a week?", "A week has {=} minutes."),
            ("all_time = weekly * weeks", "And in {weeks} weeks?", "In all it is {=} minutes."),
        ),
    ),
    Family(
        name="every-few-days",
        numbers={"gap": "2..6 | 3..12", "count": "3..12 | 15..60", "dose": "2..7 | 12..45"},
        given={"days": "gap * count"},
        wordings=(
            "Once every {gap} days {who} swims {dose} laps. How many laps does {he} swim in {days} days?",
            "{who} bakes {dose} rolls once every {gap} days. How many rolls does {he} bake in {days} days?",
            "In {days} days, {who} goes to the library once every {gap} days and borrows {dose} books each time. How many books does {he} borrow?",
            "A truck comes once every {gap:word} days with {dose:word} crates. How many crates does it bring in {days} days?",
        ),
        steps=(
            ("visits = days / gap", "How many times is that?", "That happens {=} times."),
            ("total = visits * dose", "How many is that in all?", "In all that makes {=}."),
        ),
    ),
    Family(
        name="three-activities",
        numbers={
            "first": "10..40 by 5 | 35..120",
            "second": "5..30 by 5 | 25..95",
            "rest": "5..25 by 5 | 18..75",
        },
        given={"planned": "first + second + rest"},
        words={
            "one/two/last": "maths/history/art, cooking/cleaning/reading, running/stretching/resting, singing/dancing/drawing, packing/driving/parking"
        },
        wordings=(
            "{who} has {planned} minutes. {one} takes {first} minutes and {two} takes {second}. How many minutes remain for {last}?",
            "Of {planned} minutes, {who} gives {first} to {one} and {second} to {two}. The rest is for {last}. How many minutes is that?",
            "{who} spends {planned} minutes on {one}, {two} and {last}. {one} takes {first} minutes, {two} {second}. How long does {last} take?",
            "How many of {planned} minutes are left for {last} when {one} takes {first} and {two} takes {second} minutes?",
        ),
        steps=(
            ("used = first + second", "How many minutes are used?", "The first two take {=}."),
            ("left = planned - used", "How many are left?", "That leaves {=} minutes."),
        ),
    ),
)
