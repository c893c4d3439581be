"""Families about shapes: edges, areas, volumes, angles."""
# ruff: noqa: E501 -- a wording stands on one line, however long

from __future__ import annotations

from siked.questions.demo.family import Family

_LAND = "garden, field, yard, park, meadow"

FAMILIES = (
    Family(
        name="rectangle-perimeter",
        numbers={"length": "4..25 | 24.5..180.5 by 0.5", "width": "2..20 | 12.5..95.5 by 0.5"},
        words={"land": _LAND},
        where=("width < length",),
        wordings=(
            "A rectangular {land} is {length} m long and {width} m wide. How many metres of fence go around it?",
            "What is the perimeter in metres of a {land} that is a rectangle of {length} m by {width} m?",
            "{who} walks once around a rectangular {land} that is {width} m wide and {length} m long. How many metres is that?",
            "The sides of a rectangular {land} measure {length} m and {width} m. How long is its edge all the way around, in metres?",
        ),
        steps=(
            ("sides = length + width", "How long are two sides together?", "Two sides are {=} m."),
            ("around = 2 * sides", "How long is it all around?", "All around it is {=} m."),
        ),
        places=1,
    ),
    Family(
        name="area-cost",
        numbers={
            "length": "3..6 | 6..28",
            "width": "2..4 | 4..15",
            "price": "2..5 | 4.25..19.75 by 0.25",
        },
        words={"floor/cover": "floor/carpet, wall/paper, roof/felt, lawn/turf, hall/wood"},
        where=("width < length",),
        wordings=(
            "A {floor} is {length} m by {width} m. {cover} for it costs {price:$} per square metre. How many dollars does the {cover} cost?",
            "{who} covers a {floor} of {length} m times {width} m with {cover} at {price:$} a square metre. How many dollars is that?",
            "At {price:$} for each square metre, what does {cover} for a {floor} {length} m long and {width} m wide cost in dollars?",
            "One square metre of {cover} costs {price:$}. How many dollars does it take to cover a {floor} {width} m wide and {length} m long?",
        ),
        steps=(
            ("area = length * width", "What is the area?", "The area is {=} square metres."),
            ("cost = area * price", "What does the {cover} cost?", "It costs {=} dollars."),
        ),
        places=2,
    ),
    Family(
        name="square-fence",
        numbers={"side": "3..12 | 15..95", "gate": "1..3 | 2.5..8.5 by 0.5"},
        words={"land": _LAND},
        wordings=(
            "A square {land} has sides of {side} m. The fence around it leaves a gap of {gate} m for a gate. How many metres long is the fence?",
            "{who} puts a fence around a square {land} with {side} m sides, but not across the gate of {gate} m. How many metres of fence does {he} need?",
            "How many metres of wire go around a square {land} of side {side} m if {gate} m are left open?",
            "Each side of a square {land} is {side} m long. All of it is fenced except {gate} m. How long is the fence in metres?",
        ),
        steps=(
            ("around = 4 * side", "How long is the edge?", "The edge is {=} m long."),
            ("fence = around - gate", "How long is the fence?", "The fence is {=} m long."),
        ),
        places=1,
    ),
    Family(
        name="tiles",
        numbers={"across": "3..9 | 12..36", "down": "2..8 | 10..30", "side": "2..5 | 15..40 by 5"},
        given={"length": "across * side", "width": "down * side"},
        words={"thing": "tray, wall, board, table top, floor"},
        where=("down < across",),
        wordings=(
            "A {thing} of {length} cm by {width} cm is covered with square tiles of side {side} cm. How many tiles are needed?",
            "{who} lays square tiles with {side} cm sides on a {thing} that is {length} cm long and {width} cm wide. How many tiles fit?",
            "How many squares of {side} cm by {side} cm cover a {thing} of {length} cm by {width} cm?",
            "Square tiles have an edge of {side} cm. How many of them cover a {thing} {width} cm wide and {length} cm long?",
        ),
        steps=(
            ("in_row = length / side", "How many tiles are in a row?", "A row has {=} tiles."),
            ("rows = width / side", "How many rows are there?", "There are {=} rows."),
            ("tiles = in_row * rows", "How many tiles is that?", "It takes {=} tiles."),
        ),
    ),
    Family(
        name="box-volume",
        numbers={
            "length": "2..5 | 12..60",
            "width": "2..4 | 8..45",
            "height": "2..4 | 5.5..30.5 by 0.5",
        },
        words={"box": "box, tank, chest, crate, drawer"},
        wordings=(
            "A {box} is {length} cm long, {width} cm wide and {height} cm high. What is its volume in cubic centimetres?",
            "How many cubic centimetres does a {box} of {length} cm by {width} cm by {height} cm hold?",
            "{who} fills a {box} with sand. It is {height} cm high, {length} cm long and {width} cm wide. How many cubic centimetres of sand fit in?",
            "The bottom of a {box} measures {length} cm by {width} cm, and its height is {height} cm. Find its volume in cubic centimetres.",
        ),
        steps=(
            (
                "base = length * width",
                "What is the area of the bottom?",
                "The bottom is {=} square cm.",
            ),
            ("volume = base * height", "What is the volume?", "The volume is {=} cubic cm."),
        ),
        places=1,
    ),
    Family(
        name="third-angle",
        numbers={"a": "20..80 by 5 | 18.5..88.5 by 0.5", "b": "30..95 by 5 | 21.5..90.5 by 0.5"},
        where=("a + b < 170",),
        wordings=(
            "Two angles of a triangle are {a} and {b} degrees. How many degrees has the third angle?",
            "In a triangle, one angle is {a} degrees and another is {b} degrees. What is the size of the last angle in degrees?",
            "{who} draws a triangle with angles of {a} and {b} degrees. How large is its third angle, in degrees?",
            "The three angles of a triangle add up to 180 degrees. Two of them are {b} and {a} degrees. How many degrees is the other?",
        ),
        steps=(
            ("two_angles = a + b", "What do the two add up to?", "Two angles make {=} degrees."),
            ("third_angle = 180 - two_angles", "What is the third?", "The third has {=} degrees."),
        ),
        places=1,
    ),
    Family(
        name="missing-side",
        numbers={"length": "5..25 | 45..280", "width": "2..18 | 18..190"},
        given={"around": "2 * length + 2 * width"},
        words={"land": _LAND},
        where=("width < length",),
        wordings=(
            "The perimeter of a rectangular {land} is {around} m, and it is {length} m long. How many metres wide is it?",
            "{around} m of fence go around a rectangular {land} of length {length} m. What is its width in metres?",
            "A rectangular {land} is {length} m long and its edge is {around} m long all around. Find its width in metres.",
            "{who} used {around} m of rope to mark the edge of a rectangular {land} with a length of {length} m. How wide is it, in metres?",
        ),
        steps=(
            ("half = around / 2", "What are length and width together?", "Both make {=} m."),
            ("wide = half - length", "How wide is it?", "The width is {=} m."),
        ),
    ),
    Family(
        name="pond-in-garden",
        numbers={"length": "6..12 | 24..90", "width": "4..8 | 15..60", "side": "2..4 | 6..30"},
        words={"outer/inner": "garden/pond, yard/shed, park/lake, field/barn"},
        where=("width < length", "side < width"),
        wordings=(
            "A {outer} of {length} m by {width} m has a square {inner} with {side} m sides. How many square metres of the {outer} are left?",
            "In a rectangular {outer}, {length} m long and {width} m wide, is a square {inner} of side {side} m. How many square metres are left around the {inner}?",
            "{who} has a {outer} {width} m wide and {length} m long. A square {inner} with sides of {side} m takes up part of it. What area is left in square metres?",
            "A square {inner} of {side} m by {side} m lies in a {length} m by {width} m {outer}. What area of the {outer} is left, in square metres?",
        ),
        steps=(
            (
                "whole = length * width",
                "What is the whole area?",
                "The {outer} is {=} square metres.",
            ),
            (
                "taken = side * side",
                "What is the area of the {inner}?",
                "The {inner} is {=} square metres.",
            ),
            ("rest = whole - taken", "What area is left?", "This leaves {=} square metres."),
        ),
    ),
)
