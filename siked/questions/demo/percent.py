"""Families about percentages: parts, discounts, taxes, interest."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

FAMILIES = (
    Family(
        name="percent-of",
        numbers={
            "percent": "10, 20, 25, 50, 75 | 5..95 by 5",
            "total": "20..120 by 20 | 140..960 by 20",
        },
        words={
            "place/one": "school/pupil, town/house, club/member, farm/animal, park/tree, library/book, fleet/truck"
        },
        wordings=(
            "{percent}% of the {total} {ones} in a {place} are new. How many {ones} are new?",
            "A {place} has {total} {ones}, and {percent}% of them are old. How many old {ones} are there?",
            "Out of {total} {ones} in the {place}, {percent} percent were counted. How many {ones} were counted?",
            "How many {ones} are {percent}% of the {total} {ones} of a {place}?",
        ),
        steps=(
            (
                "part = total * percent / 100",
                "What is {percent}% of {total}?",
                "That is {=} {ones}.",
            ),
        ),
    ),
    Family(
        name="percent-rest",
        numbers={
            "percent": "10, 20, 25, 50, 75 | 5..95 by 5",
            "total": "20..100 by 20 | 140..960 by 20",
        },
        words={
            "one/good/bad": "seat/taken/free, flower/red/white, egg/brown/white, door/open/closed, lamp/on/off, ticket/sold/unsold, answer/right/wrong"
        },
        wordings=(
            "{percent}% of {total} {ones} are {good} and the others are {bad}. How many {ones} are {bad}?",
            "There are {total} {ones}. If {percent}% are {good} and all the rest {bad}, how many are {bad}?",
            "Of {total} {ones}, {percent} percent are {good}. The remaining {ones} are {bad}. How many {ones} is that?",
            "{who} counts {total} {ones}: {percent}% are {good}, the rest are {bad}. How many are {bad}?",
        ),
        steps=(
            ("part = total * percent / 100", "How many are {good}?", "{=} {ones} are {good}."),
            ("rest = total - part", "How many are {bad}?", "{=} {ones} are {bad}."),
        ),
    ),
    Family(
        name="discount",
        numbers={
            "percent": "10, 20, 25, 50 | 5, 10, 15, 20, 30, 35, 40, 45, 60",
            "price": "20..80 by 20 | 115..980 by 5",
        },
        words={"thing": "jacket, bicycle, chair, tent, phone, carpet, camera, suitcase"},
        wordings=(
            "A {thing} costs {price:$}. In the sale it is {percent}% cheaper. How many dollars does it cost in the sale?",
            "{who} gets {percent}% off a {thing} whose price is {price:$}. How many dollars does {he} pay?",
            "The shop lowers the price of a {thing} from {price:$} by {percent} percent. What is the new price in dollars?",
            "With a discount of {percent}%, how many dollars does a {price:$} {thing} cost?",
        ),
        steps=(
            (
                "off = price * percent / 100",
                "How much is taken off?",
                "The discount is {=} dollars.",
            ),
            ("new_price = price - off", "What is the new price?", "The price is {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="tax",
        numbers={
            "percent": "10, 20, 25, 50 | 4, 6, 8, 12, 15, 18, 22",
            "price": "10..60 by 10 | 45..850 by 5",
        },
        words={
            "what/extra": "meal/tip, room/tax, hotel/city tax, parcel/duty, taxi ride/tip, boat trip/fuel charge"
        },
        wordings=(
            "A {what} costs {price:$}, and a {percent}% {extra} comes on top. How many dollars is that altogether?",
            "{who} pays {price:$} for a {what} and adds a {percent}% {extra}. How many dollars does {he} pay in total?",
            "The price of a {what} is {price:$} before a {percent} percent {extra} is added. What is the final price in dollars?",
            "With a {percent}% {extra} added, how many dollars does a {what} for {price:$} come to?",
        ),
        steps=(
            ("added = price * percent / 100", "How much is added?", "This adds {=} dollars."),
            ("final_price = price + added", "What is the whole price?", "It makes {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="interest",
        numbers={
            "amount": "100..400 by 100 | 450..9500 by 50",
            "percent": "2..6 | 3..9",
            "years": "2..3 | 2..12",
        },
        wordings=(
            "{who} lends {amount:$} at {percent}% simple interest a year. How many dollars of interest does {he} get in {years} years?",
            "A bank pays {percent}% of {amount:$} to {who} each year. How many dollars does it pay in {years} years?",
            "Every year {who} receives {percent} percent of {amount:$}. How many dollars is that after {years} years?",
            "How many dollars of simple interest do {amount:$} bring in {years} years at {percent}% a year?",
        ),
        steps=(
            (
                "yearly = amount * percent / 100",
                "How much is it a year?",
                "A year brings {=} dollars.",
            ),
            (
                "interest = yearly * years",
                "And in {years} years?",
                "{years} years bring {=} dollars.",
            ),
        ),
        places=2,
    ),
    Family(
        name="percent-then-part",
        numbers={
            "percent": "20, 25, 40, 50 | 5..95 by 5",
            "total": "40..120 by 20 | 200..1800 by 20",
            "k": "2..4 | 2..5",
        },
        words={
            "one/club/act": "pupil/choir/sing alone, worker/union/work at night, player/league/wear glasses, student/band/own a drum"
        },
        wordings=(
            "{percent}% of {total} {ones} are in the {club}. Of those, {k:part} {act}. How many {ones} is that?",
            "There are {total} {ones}; {percent} percent of them are in the {club} and {k:part} of these {act}. How many {ones} of the {club} {act}?",
            "Of {total} {ones}, {percent}% are in the {club}, and {k:part} of those in the {club} {act}. How many {ones} of the {club} {act}?",
            "The {club} has {percent}% of all {total} {ones} in it. {who} finds that {k:part} of the {club} {act}. How many {ones} is that?",
        ),
        steps=(
            (
                "inside = total * percent / 100",
                "How many are in the {club}?",
                "{=} {ones} are in the {club}.",
            ),
            ("some = inside / k", "How many of these {act}?", "{=} {ones} {act}."),
        ),
    ),
    Family(
        name="raise",
        numbers={
            "percent": "5, 10, 20, 50 | 3..18",
            "weekly": "20..60 by 20 | 350..950 by 50",
            "weeks": "2..2 | 4..12",
        },
        wordings=(
            "{who} earns {weekly:$} a week and gets a raise of {percent}%. How many dollars more does {he} then earn in {weeks} weeks?",
            "The weekly pay of {who} is {weekly:$} and grows by {percent} percent. How many extra dollars is that over {weeks} weeks?",
            "A raise of {percent}% on {weekly:$} a week: how many extra dollars does it bring {who} in {weeks} weeks?",
            "{who}'s pay of {weekly:$} per week goes up {percent}%. By how many dollars does {his} pay for {weeks:word} weeks grow?",
        ),
        steps=(
            (
                "extra = weekly * percent / 100",
                "What is the raise a week?",
                "The raise is {=} dollars a week.",
            ),
            (
                "gain = extra * weeks",
                "And in {weeks} weeks?",
                "In {weeks} weeks it is {=} dollars.",
            ),
        ),
        places=2,
    ),
)
