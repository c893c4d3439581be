import json
import re
import struct
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from siked.report.pictures import (
    accuracies_side_by_side,
    accuracy_over_iterations,
    bias_of_teacher,
    choices_over_iterations,
    distributions_over_iterations,
    failures_over_iterations,
    losses,
    png,
    samples_over_k,
    shares_over_iterations,
    svg,
    teacher_and_student,
)
from siked.report.plots import (
    AFTER,
    BEFORE,
    FREE,
    ORACLE,
    P_LLM,
    P_STUDENT,
    P_TRAIN,
    TEACHER,
    TOGETHER,
)

NAMES = ["it0", "it1", "it2", "it10"]
BENCHMARKS = ["dev", "svamp"]


def accuracies(names):
    return [
        {
            "iteration": name,
            "benchmark": benchmark,
            "accuracy": 0.2 + 0.1 * number,
            "low": 0.1 + 0.1 * number,
            "high": 0.3 + 0.1 * number,
        }
        for number, name in enumerate(names)
        for benchmark in BENCHMARKS
    ]


def parts(kind, names):
    return [
        {"iteration": iteration, "benchmark": benchmark, kind: name, "share": 1 / len(names)}
        for iteration in NAMES
        for benchmark in BENCHMARKS
        for name in names
    ]


PICTURES = {
    "accuracy": lambda: accuracy_over_iterations(
        accuracies(NAMES),
        strategies=["cot", "pot"],
        others=accuracies(["baseline-cot", "baseline-pot"]),
        selected="it2",
    ),
    "accuracy-alone": lambda: accuracy_over_iterations(accuracies(NAMES), strategies=["cot"]),
    "shares": lambda: shares_over_iterations(
        parts("strategy", ["cot", "pot", "no valid tag"]), strategies=["cot", "pot"]
    ),
    "failures": lambda: failures_over_iterations(parts("failure", ["wrong", "no-answer"])),
}


def bars(key, names, **more):
    return [
        {key: name, "strategy": strategy, "share": 0.5} | more
        for name in names
        for strategy in ("cot", "pot")
    ]


def lines(key, names, **more):
    return [{**more, key: name, "accuracy": 0.5, "low": 0.4, "high": 0.6} for name in names]


DISTRIBUTIONS = {
    "distributions": lambda: distributions_over_iterations(
        [
            *bars("distribution", [P_LLM, P_TRAIN], iteration="it0", alpha=1.0, kl=None),
            {
                **bars("distribution", [P_STUDENT], iteration="it0", alpha=1.0, kl=None)[0],
                "share": None,
            },
            *bars("distribution", [P_LLM, P_STUDENT, P_TRAIN], iteration="it1", alpha=0.4, kl=0.01),
        ]
    ),
    "teacher": lambda: teacher_and_student(
        [
            row
            for benchmark in BENCHMARKS
            for row in bars("whose", [TEACHER, "student it0", "student it2"], benchmark=benchmark)
        ]
    ),
    "bias": lambda: bias_of_teacher(bars("which", [BEFORE, AFTER])),
    "choices": lambda: choices_over_iterations(
        [
            row
            for name in NAMES
            for row in lines(
                "choice", [FREE, "cot", "pot", ORACLE], iteration=name, benchmark="dev"
            )
        ],
        strategies=["cot", "pot"],
    ),
    "samples": lambda: samples_over_k(
        [
            row
            for figure in ("pass@k", "majority@k")
            for k in (1, 2)
            for row in lines(
                "samples of", ["cot", "pot", TOGETHER], iteration="it0", figure=figure, k=k
            )
        ],
        strategies=["cot", "pot"],
    ),
    "beside": lambda: accuracies_side_by_side(
        [
            row
            for group in ("cot", "pot")
            for row in lines("series", ["alone", "biased"], group=group, benchmark="dev")
        ],
        title="Both",
    ),
    "losses": lambda: losses(
        [{"student": name, "step": step, "loss": 1 / step} for name in NAMES for step in (1, 2)]
    ),
}
SHOWN = {
    "distributions": [
        "P_LLM",
        "P_student",
        "P_train",
        "it0: \N{GREEK SMALL LETTER ALPHA} 1",
        "cot",
    ],
    "teacher": ["teacher", "student it0", "student it2", *BENCHMARKS],
    "bias": ["all of D_LLM", "what the bias leaves", "cot", "pot"],
    "choices": ["free choice", "cot", "pot", "oracle", *NAMES],
    "samples": ["it0: pass@k", "it0: majority@k", "together", "1", "2"],
    "beside": ["Both", "alone", "biased", "cot", "pot", "dev"],
    "losses": [*NAMES, "step"],
}
EVERY = PICTURES | DISTRIBUTIONS


def texts(document):
    return [
        element.text for element in ET.fromstring(document).iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_names_every_benchmark_and_iteration_in_order(name):
    written = texts(svg(PICTURES[name]()))
    assert [text for text in written if text in BENCHMARKS] == BENCHMARKS
    assert [text for text in written if text in NAMES] == NAMES * len(BENCHMARKS)
    assert {"iteration"} < set(written)


def test_baselines_are_named_in_the_legend_and_the_student_too():
    assert {"SIKeD student", "cot only", "pot only"} <= set(texts(svg(PICTURES["accuracy"]())))
    assert "cot only" not in texts(svg(PICTURES["accuracy-alone"]()))


def test_a_ring_marks_the_selected_iteration_on_every_panel():
    def circles(chosen):
        chart = accuracy_over_iterations(accuracies(NAMES), strategies=[], selected=chosen)
        return svg(chart).count('aria-roledescription="point"')

    assert circles("it2") == circles(None) + len(BENCHMARKS)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_picture_says_what_its_marks_and_panels_are(name):
    assert set(SHOWN[name]) <= set(texts(svg(DISTRIBUTIONS[name]())))


def test_the_end_of_the_loop_is_marked_on_every_panel():
    def rules(stopped):
        chart = accuracy_over_iterations(accuracies(NAMES), strategies=[], stopped=stopped)
        return svg(chart).count('stroke-dasharray="2,2"')

    assert rules("it2") == rules(None) + len(BENCHMARKS)


@pytest.mark.parametrize("name", EVERY)
def test_drawing_makes_no_noise(name, recwarn):
    svg(EVERY[name]())
    assert not recwarn.list


def test_a_strategy_has_one_colour_in_all_pictures():
    def colours(name):
        """The colour of each legend entry: its symbol comes right before its label."""
        symbols = r'aria-roledescription="legend"(.*?)</svg>'
        legend = re.search(symbols, svg(PICTURES[name]()), re.DOTALL).group(1)
        found = re.findall(r'(?:fill|stroke)="(#\w{6})"[^>]*/>|<text[^>]*>([^<]*)<', legend)
        entries, hue = {}, None
        for colour, label in found:
            hue = colour or hue
            if label:
                entries[label.removesuffix(" only")] = hue
        return entries

    lines, bars = colours("accuracy"), colours("shares")
    assert lines["cot"] == bars["cot"]
    assert lines["pot"] == bars["pot"]
    assert len(set(lines.values())) == 3
    assert len(set(bars.values())) == 3


@pytest.mark.slow
def test_the_same_rows_give_the_same_bytes_in_any_process():
    code = (
        "import json, sys; from tests.unit.test_pictures import EVERY, svg\n"
        "json.dump({name: svg(EVERY[name]()) for name in reversed(EVERY)}, sys.stdout)"
    )
    again = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(again.stdout) == {name: svg(make()) for name, make in EVERY.items()}


@pytest.mark.parametrize("name", EVERY)
def test_a_picture_needs_nothing_else_and_has_its_own_ground(name):
    document = svg(EVERY[name]())
    addresses = set(re.findall(r"https?://[^\"']+", document))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert 'fill="#ffffff"' in document.split("<g", 1)[0]


def test_a_png_is_as_large_as_asked():
    width, height = struct.unpack(">II", png(PICTURES["shares"](), scale=1)[16:24])
    wider, higher = struct.unpack(">II", png(PICTURES["shares"](), scale=3)[16:24])
    assert (wider, higher) == pytest.approx((3 * width, 3 * height), abs=3)
