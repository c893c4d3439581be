"""Families about buying: totals, change, unit prices, what money is enough for."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

_GOODS = "notebook, candle, mug, sandwich, poster, plant, ticket, bowl, puzzle, cake"

FAMILIES = (
    Family(
        name="change",
        numbers={
            "n": "2..6 | 3..12",
            "price": "2..9 | 1.15..8.95 by 0.05",
            "paid": "20, 50 | 50, 100",
        },
        words={"thing": _GOODS},
        wordings=(
            "{who} buys {n} {things} at {price:$} each and pays with {paid:$}. How many dollars of change does {he} get?",
            "A {thing} costs {price:$}. {who} hands over {paid:$} for {n} {things}. How many dollars does {he} get back?",
            "{who} has {paid:$} and buys {n:word} {things} for {price:$} each. How many dollars are left?",
            "At the market, {things} are {price:$} each. How many of {his} {paid:$} will {who} still have after buying {n} of them?",
        ),
        steps=(
            ("cost = n * price", "What do the {things} cost?", "The {things} cost {=} dollars."),
            ("change = paid - cost", "How much is left?", "{who} has {=} dollars left."),
        ),
        places=2,
    ),
    Family(
        name="two-kinds",
        numbers={
            "n": "2..6 | 3..25",
            "m": "2..6 | 3..25",
            "price": "2..7 | 1.25..9.75 by 0.25",
            "dearer": "3..9 | 10.5..24.5 by 0.5",
        },
        words={
            "thing/other": "pen/ruler, apple/melon, tulip/rose, bun/pie, brush/canvas, sock/hat, nail/hammer, card/frame"
        },
        where=("price < dearer",),
        wordings=(
            "{who} buys {n} {things} at {price:$} each and {m} {others} at {dearer:$} each. How many dollars does {he} spend in total?",
            "a {thing} costs {price:$} and a {other} costs {dearer:$}. How many dollars do {n} {things} and {m} {others} cost together?",
            "A shop sells {things} for {price:$} and {others} for {dearer:$}. {who} takes {m} {others} and {n} {things}. What is the bill in dollars?",
            "{who} ordered {n:word} {things} and {m:word} {others}. Each {thing} was {price:$} and each {other} was {dearer:$}. How many dollars did {he} pay?",
        ),
        steps=(
            ("first = n * price", "What do the {things} cost?", "The {things} cost {=} dollars."),
            ("second = m * dearer", "What do the {others} cost?", "The {others} cost {=} dollars."),
            ("total = first + second", "What is the total?", "Together that is {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="coupon",
        numbers={
            "n": "2..7 | 4..24",
            "price": "3..9 | 10.25..39.75 by 0.25",
            "off": "2..10 | 5.5..25.5 by 0.5",
        },
        words={"thing": _GOODS},
        where=("off * 2 < n * price",),
        wordings=(
            "{who} buys {n} {things} at {price:$} each and has a coupon for {off:$} off the bill. How many dollars does {he} pay?",
            "{n} {things} at {price:$} each go into the basket. A voucher takes {off:$} off the total. How many dollars are due?",
            "With a voucher worth {off:$}, {who} pays for {n:word} {things} that cost {price:$} each. How many dollars does {he} still have to pay?",
            "One {thing} costs {price:$}. {who} wants {n} and gets {off:$} off in all. What does {he} pay in dollars?",
        ),
        steps=(
            ("cost = n * price", "What do the {things} cost?", "The {things} cost {=} dollars."),
            ("paid = cost - off", "What is left to pay?", "After the discount it is {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="unit-price",
        numbers={"n": "2..6 | 4..15", "each": "2..8 | 1.2..9.8 by 0.2", "m": "3..9 | 12..60"},
        given={"total": "n * each"},
        words={"thing": "lemon, egg, peach, stamp, battery, bolt, bagel"},
        where=("n != m",),
        wordings=(
            "{n} {things} cost {total:$}. How many dollars do {m} {things} cost at the same price?",
            "{who} paid {total:$} for {n} {things}. {friend} wants {m} of the same {things}. How many dollars will {friend} pay?",
            "If {total:$} buys exactly {n} {things}, how many dollars does it take to buy {m} {things}?",
            "A shop charges {total:$} for {n:word} {things}. At this rate, what is the price of {m} {things} in dollars?",
        ),
        steps=(
            ("each_price = total / n", "What does one {thing} cost?", "One costs {=} dollars."),
            ("price = each_price * m", "What do {m} {things} cost?", "{m} cost {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="spent-twice",
        numbers={
            "money": "30..95 by 5 | 150..900 by 10",
            "first": "4..30 | 20.25..240.75 by 0.25",
            "second": "3..25 | 15.5..180.5 by 0.5",
        },
        words={
            "thing/other": "book/lamp, shirt/belt, kettle/vase, ball/racket, bag/wallet, toy/game"
        },
        wordings=(
            "{who} has {money:$}. {he} buys a {thing} for {first:$} and a {other} for {second:$}. How many dollars does {he} have left?",
            "From {his} {money:$}, {who} spends {first:$} on a {thing} and then {second:$} on a {other}. How many dollars remain?",
            "a {thing} costs {first:$} and a {other} costs {second:$}. {who} buys both and had {money:$} before. How many dollars does {he} have now?",
            "After paying {second:$} for a {other} and {first:$} for a {thing}, how many dollars are left of {money:$}?",
        ),
        steps=(
            ("spent = first + second", "How much is spent?", "In all, {=} dollars are spent."),
            ("left = money - spent", "How much is left?", "There are {=} dollars left."),
        ),
        places=2,
    ),
    Family(
        name="how-many-fit-the-budget",
        numbers={
            "items": "2..9 | 12..45",
            "price": "2..8 | 2.25..12.75 by 0.25",
            "spent": "5..25 | 15.5..120 by 0.5",
        },
        given={"money": "items * price + spent"},
        words={"thing": _GOODS, "other": "coat, watch, backpack, clock, blanket"},
        wordings=(
            "{who} has {money:$}. {he} pays {spent:$} for a {other} and spends the rest on {things} at {price:$} each. How many {things} does {he} get?",
            "a {other} costs {spent:$} and a {thing} costs {price:$}. With {money:$}, {who} buys one {other} and uses all that is left for {things}. How many {things} is that?",
            "{who} spends exactly {money:$} on one {other} for {spent:$} and some {things} for {price:$} each. How many {things} does {he} buy?",
            "Out of {money:$}, {spent:$} goes on a {other}. All the rest goes on {things} that cost {price:$} each. How many {things} are bought?",
        ),
        steps=(
            ("rest = money - spent", "How much is left for {things}?", "{=} dollars are left."),
            ("count = rest / price", "How many {things} is that?", "This buys {=} {things}."),
        ),
        places=2,
    ),
    Family(
        name="pack-saving",
        numbers={
            "n": "3..9 | 6..30",
            "price": "2..8 | 1.25..9.75 by 0.25",
            "pack": "5..60 | 10..220 by 0.5",
        },
        words={"thing": "juice, yoghurt, towel, tennis ball, light bulb, marker"},
        where=("pack < n * price", "n * price < pack * 2"),
        wordings=(
            "A pack of {n} {things} costs {pack:$}. Bought singly, a {thing} costs {price:$}. How many dollars does the pack save?",
            "A single {thing} is {price:$}, and a pack of {n} is {pack:$}. How many dollars does {who} save by taking the pack instead of {n} single ones?",
            "{who} buys a pack of {n:word} {things} for {pack:$} instead of paying {price:$} for each one. How many dollars cheaper is that?",
            "How many dollars cheaper is a pack of {n} {things} for {pack:$} than {n} {things} at {price:$} apiece?",
        ),
        steps=(
            ("singly = n * price", "What do {n} cost singly?", "Singly they cost {=} dollars."),
            ("saved = singly - pack", "How much does the pack save?", "It saves {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="long-bill",
        numbers={
            "n": "2..4 | 3..15",
            "m": "2..4 | 3..15",
            "price": "2..5 | 1.5..9.5 by 0.5",
            "dearer": "3..7 | 10..24",
            "off": "2..9 | 5..40",
            "paid": "50, 100 | 200, 500",
        },
        words={"thing/other": "pen/ruler, tulip/rose, bun/pie, plate/pan, card/frame"},
        where=("price < dearer",),
        wordings=(
            "{who} buys {n} {things} at {price:$} and {m} {others} at {dearer:$} each, gets {off:$} off and pays with {paid:$}. How many dollars does {he} get back?",
            "A {thing} is {price:$}, a {other} is {dearer:$}. With {off:$} off the bill, how many dollars of {paid:$} are left after buying {n} {things} and {m} {others}?",
            "{m} {others} at {dearer:$} and {n} {things} at {price:$} each are on the bill. {who} has a voucher for {off:$} and pays with {paid:$}. How many dollars of change are due?",
        ),
        steps=(
            ("first = n * price", "What do the {things} cost?", "The {things} cost {=} dollars."),
            ("second = m * dearer", "What do the {others} cost?", "The {others} cost {=} dollars."),
            ("bill = first + second", "What is the bill?", "The bill is {=} dollars."),
            ("due = bill - off", "What is due?", "Then {=} dollars are due."),
            ("change = paid - due", "How much is left?", "There are {=} dollars left."),
        ),
        places=2,
    ),
    Family(
        name="outing",
        numbers={
            "adults": "2..4 | 3..16",
            "full": "5..9 | 9.5..24.5 by 0.5",
            "children": "2..5 | 4..30",
            "half": "2..4 | 4.5..9.5 by 0.5",
            "paid": "50, 100 | 200, 500, 1000",
        },
        words={"place": "zoo, circus, pool, museum, fair"},
        where=("half < full",),
        wordings=(
            "The {place} costs {full:$} for an adult and {half:$} for a child. {who} pays for {adults} adults and {children} children with {paid:$}. How many dollars come back?",
            "{adults} adults at {full:$} and {children} children at {half:$} go to the {place}. How many dollars are left of {paid:$}?",
            "{who} takes {children} children and {adults} adults to the {place} and has {paid:$}. A child pays {half:$}, an adult {full:$}. How many dollars does {he} have left?",
        ),
        steps=(
            (
                "adult_cost = adults * full",
                "What do the adults cost?",
                "The adults cost {=} dollars.",
            ),
            ("child_cost = children * half", "And the children?", "The children cost {=} dollars."),
            ("cost = adult_cost + child_cost", "What is the cost?", "Together it is {=} dollars."),
            ("change = paid - cost", "How much is left?", "There are {=} dollars left."),
        ),
        places=2,
    ),
    Family(
        name="postage",
        numbers={
            "letters": "3..9 | 24..160",
            "stamp": "2..4 | 0.85..3.45 by 0.05",
            "parcels": "2..5 | 6..45",
            "postage": "5..9 | 6.5..18.5 by 0.5",
            "days": "2..9",
        },
        wordings=(
            "{who} sends {letters} letters at {stamp:$} each and {parcels} parcels at {postage:$} each. They arrive after {days} days. How many dollars does the postage cost?",
            "A letter takes {days} days and costs {stamp:$} to send; a parcel costs {postage:$}. How many dollars do {letters} letters and {parcels} parcels cost?",
            "{parcels} parcels for {postage:$} each and {letters} letters for {stamp:$} each leave the office within {days} days. What is the whole postage in dollars?",
        ),
        steps=(
            (
                "letter_cost = letters * stamp",
                "What do the letters cost?",
                "The letters cost {=} dollars.",
            ),
            (
                "parcel_cost = parcels * postage",
                "And the parcels?",
                "The parcels cost {=} dollars.",
            ),
            (
                "total = letter_cost + parcel_cost",
                "What is the total?",
                "In all it is {=} dollars.",
            ),
        ),
        places=2,
    ),
    Family(
        name="sale-basket",
        numbers={
            "n": "2..5 | 4..24",
            "price": "5, 10, 20 | 15..95 by 5",
            "percent": "10, 20, 25, 50 | 5, 15, 20, 30, 35, 40",
        },
        words={"thing": "shirt, plate, cushion, game, lamp, towel"},
        wordings=(
            "{who} buys {n} {things} at {price:$} each and gets {percent}% off the whole bill. How many dollars does {he} pay?",
            "A {thing} costs {price:$}. What do {n} {things} cost in dollars with a discount of {percent}%?",
            "The bill for {n:word} {things} at {price:$} each is cut by {percent} percent. How many dollars must be paid?",
            "With {percent}% off everything, how many dollars does {who} pay for {n} {things} that normally cost {price:$} each?",
        ),
        steps=(
            ("bill = n * price", "What is the bill?", "The bill is {=} dollars."),
            (
                "off = bill * percent / 100",
                "How much is taken off?",
                "The discount is {=} dollars.",
            ),
            ("paid = bill - off", "How much must be paid?", "That leaves {=} dollars to pay."),
        ),
        places=2,
    ),
)
