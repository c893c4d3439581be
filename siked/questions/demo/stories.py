"""Families that tell a story, several with facts that the answer does not need."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

FAMILIES = (
    Family(
        name="bus-ride",
        numbers={
            "start": "12..45 | 120..480",
            "off": "3..20 | 35..160",
            "on": "2..25 | 28..210",
            "line": "3..99",
        },
        words={"bus": "bus, tram, train"},
        where=("off < start", "off != on"),
        wordings=(
            "{bus} {line} leaves with {start} people. At the first stop {off} get off and {on} get on. How many people are on board then?",
            "There are {start} people on {bus} number {line}. {off} leave it and {on} others get on. How many people does it carry now?",
            "{on} people get on {bus} {line} at a stop where {off} get off. Before the stop {start} people were on it. How many are on it after the stop?",
            "A {bus} with the number {line} has {start} passengers. At the next stop, {off} get off before {on} new ones get on. How many passengers are there now?",
        ),
        steps=(
            ("stayed = start - off", "How many stay on?", "{=} people stay on."),
            ("now = stayed + on", "How many are there now?", "Then there are {=} people."),
        ),
    ),
    Family(
        name="shop-stock",
        numbers={
            "stock": "20..80 | 240..980",
            "sold": "5..50 | 60..450",
            "came": "6..40 | 75..600",
            "price": "3..19",
        },
        words={"thing": "lamp, doll, umbrella, bottle, basket, hat, drum, kite"},
        where=("sold < stock", "sold != came"),
        wordings=(
            "A shop has {stock} {things} at {price:$} each. It sells {sold} of them and gets {came} new ones. How many {things} does it have then?",
            "{who} sells {things} for {price:$} apiece. {he} starts with {stock}, sells {sold} and receives {came} more. How many {things} does {he} have now?",
            "Of {stock} {things} in a store, {sold} are sold at {price:$} each. The next day {came} {things} arrive. How many {things} are in the store?",
            "{came} {things} arrive at a shop that had {stock} and sold {sold} of those for {price:$} each. How many {things} are there now?",
        ),
        steps=(
            ("unsold = stock - sold", "How many are not sold?", "{=} {things} are not sold."),
            ("now = unsold + came", "How many are there now?", "Now there are {=} {things}."),
        ),
    ),
    Family(
        name="garden-rows",
        numbers={
            "rows": "2..9 | 12..48",
            "per": "3..10 | 14..65",
            "dead": "2..9 | 15..120",
            "age": "6..75",
        },
        words={"plant": "tree, bush, rose, cabbage, vine, tulip"},
        where=("dead < rows * per",),
        wordings=(
            "{who}, who is {age}, plants {rows} rows of {per} {plants}. {dead} of the {plants} die. How many {plants} are left?",
            "A garden, which is {age} years old, has {rows} rows with {per} {plants} each. After a frost {dead} {plants} are dead. How many are alive?",
            "{rows:word} rows of {per:word} {plants} were planted {age} days ago. {dead} did not grow. How many {plants} grew?",
            "{dead} {plants} are dug out of a field with {rows} rows of {per} {plants}. The farmer is {age}. How many {plants} stay?",
        ),
        steps=(
            ("planted = rows * per", "How many {plants} were there?", "There were {=} {plants}."),
            ("alive = planted - dead", "How many are left?", "{=} {plants} are left."),
        ),
    ),
    Family(
        name="legs",
        numbers={"hens": "3..15 | 24..160", "cows": "2..12 | 18..140", "doors": "2..6"},
        words={"bird/beast": "hen/cow, duck/goat, chicken/pig, turkey/horse, hen/donkey, duck/dog"},
        wordings=(
            "{who} has {hens} {birds} and {cows} {beasts}. How many legs do all the animals have?",
            "A farm keeps {cows} {beasts} and {hens} {birds}. Every {bird} has 2 legs and every {beast} has 4. How many legs is that?",
            "How many legs do {hens} {birds} and {cows} {beasts} have altogether?",
            "In a yard with {doors} gates there are {hens} {birds} and {cows} {beasts}. How many legs do these animals have in total?",
        ),
        steps=(
            (
                "bird_legs = hens * 2",
                "How many legs do the {birds} have?",
                "The {birds} have {=} legs.",
            ),
            (
                "beast_legs = cows * 4",
                "How many do the {beasts} have?",
                "The {beasts} have {=} legs.",
            ),
            ("legs = bird_legs + beast_legs", "How many in all?", "In all it is {=} legs."),
        ),
    ),
    Family(
        name="only-one-kind",
        numbers={
            "count": "2..8 | 12..48",
            "per": "3..12 | 15..60",
            "other": "2..9 | 11..90",
            "more": "2..15 | 25..140",
        },
        words={
            "bag/thing/extra": "bag/apple/pear, box/nail/screw, jar/olive/pepper, net/onion/leek, tin/button/needle, bowl/plum/fig"
        },
        where=("other != count",),
        wordings=(
            "{who} has {count} {bags} of {per} {things}, {other} {extras} and {more} loose {things}. How many {things} does {he} have?",
            "On the table are {other} {extras}, {more} {things} and {count} {bags} with {per} {things} each. How many {things} are there in all?",
            "Each of {count:word} {bags} holds {per} {things}. {who} adds {more} {things} and {other} {extras}. How many {things} are there?",
            "{who} buys {count} {bags} of {per} {things} and gets {more} {things} and {other} {extras} from {friend}. How many {things} is that?",
        ),
        steps=(
            ("packed = count * per", "How many are in the {bags}?", "They hold {=} {things}."),
            ("total = packed + more", "How many are there in all?", "In all it is {=} {things}."),
        ),
    ),
    Family(
        name="stairs",
        numbers={
            "floors": "3..9 | 12..60",
            "steps_each": "4..10 | 14..24",
            "done": "5..25 | 40..150",
            "clock": "2..11",
        },
        words={"tower": "tower, hotel, lighthouse, office, castle"},
        where=("done < floors * steps_each",),
        wordings=(
            "A {tower} has {floors} floors with {steps_each} stairs to each. {who} starts at {clock} o'clock and has climbed {done} stairs. How many stairs are left?",
            "{who} climbs a {tower} of {floors} floors, {steps_each} stairs per floor. At {clock} o'clock {he} has done {done} stairs. How many more are there?",
            "It is {clock} o'clock and {who} has climbed {done} stairs of a {tower}. It has {floors} floors of {steps_each} stairs each. How many stairs are still ahead?",
            "After {done} stairs {who} rests for {clock} minutes. The {tower} has {floors} floors, each with {steps_each} stairs. How many stairs remain?",
        ),
        steps=(
            ("stairs = floors * steps_each", "How many stairs are there?", "It has {=} stairs."),
            ("left = stairs - done", "How many are left?", "There are {=} stairs left."),
        ),
    ),
    Family(
        name="savings-jar",
        numbers={
            "start": "5..40 | 120.5..480.5 by 0.5",
            "weekly": "2..9 | 12.5..48.5 by 0.5",
            "weeks": "2..6 | 8..26",
            "gift": "5..20 | 25..120",
        },
        words={"jar": "jar, purse, piggy bank, account, box"},
        wordings=(
            "{who}'s {jar} holds {start:$}. {he} puts in {weekly:$} every week for {weeks} weeks and then takes out {gift:$} for a gift. How many dollars are in it?",
            "Starting with {start:$} in a {jar}, {who} saves {weekly:$} a week. After {weeks} weeks {he} spends {gift:$} of it. How many dollars does {he} have?",
            "For {weeks} weeks {who} adds {weekly:$} a week to the {start:$} in {his} {jar}. Then {he} gives {friend} {gift:$}. How many dollars are left?",
            "A {jar} has {start:$} in it. {weeks:word} weeks of saving {weekly:$} a week follow, then {gift:$} is spent. How many dollars are in the {jar} at the end?",
        ),
        steps=(
            ("added = weeks * weekly", "How much is put in?", "In all, {=} dollars are put in."),
            ("saved = start + added", "How much is that in all?", "That makes {=} dollars."),
            ("left = saved - gift", "How much is left?", "There are {=} dollars left."),
        ),
        places=2,
    ),
    Family(
        name="lost-and-found",
        numbers={
            "had": "15..60 | 150..700",
            "lost": "3..25 | 40..260",
            "won": "2..20 | 30..280",
            "gave": "2..12 | 20..120",
        },
        words={"thing": "card, marble, counter, chip, token, coin"},
        where=("lost + gave < had", "lost != won"),
        wordings=(
            "{who} has {had} {things}. {he} loses {lost}, wins {won} and then gives {gave} to {friend}. How many {things} does {he} have at the end?",
            "{who} starts a game with {had} {things}, loses {lost} in the first round and wins {won} in the second. {he} gives {friend} {gave}. How many {things} are left?",
            "After losing {lost} of {his} {had} {things}, {who} wins {won} and hands {gave} to {friend}. How many {things} does {he} keep?",
            "{who} had {had} {things} yesterday. Today {he} lost {lost}, found {won} and sold {gave}. How many {things} does {he} have now?",
        ),
        steps=(
            ("rest = had - lost", "How many are left after losing?", "Then {who} has {=}."),
            ("more = rest + won", "How many with the new ones?", "With the new ones it is {=}."),
            ("end = more - gave", "How many at the end?", "At the end {who} has {=} {things}."),
        ),
    ),
    Family(
        name="class-trip",
        numbers={
            "girls": "3..8 | 8..18",
            "boys": "2..7 | 9..17",
            "fee": "2..4 | 3.5..12.5 by 0.5",
            "bus": "10..40 by 5 | 120..450 by 10",
            "fund": "5..30 by 5 | 50..240 by 5",
        },
        words={"place": "zoo, museum, castle, farm, cave"},
        where=("fund < bus",),
        wordings=(
            "{girls} girls and {boys} boys visit a {place}. Each pays {fee:$} to get in, and the bus costs {bus:$} in all. The school gives {fund:$}. How many dollars are still needed?",
            "A bus to the {place} costs {bus:$}, and the ticket for each of {boys} boys and {girls} girls is {fee:$}. How many dollars are missing if the class has {fund:$}?",
            "{who} has {fund:$} for a class trip of {girls} girls and {boys} boys. The bus costs {bus:$}, and the {place} takes {fee:$} a child. How many more dollars does {he} need?",
        ),
        steps=(
            ("children = girls + boys", "How many children go?", "{=} children go."),
            (
                "entry = children * fee",
                "What do they pay to get in?",
                "To get in they pay {=} dollars.",
            ),
            ("cost = entry + bus", "What does the trip cost?", "The trip costs {=} dollars."),
            ("needed = cost - fund", "How much is still needed?", "{=} dollars are needed."),
        ),
        places=2,
    ),
)
