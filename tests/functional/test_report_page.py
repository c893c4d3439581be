"""The report in a real browser: headless Chromium, without any network.

Needs the package playwright and Chromium: SIKED_CHROMIUM names it where it is not on the PATH.
"""

import csv
import io
import json
import os
import shutil
import time
from collections import Counter
from itertools import pairwise

import pytest

from siked.report.figures import build_figures
from siked.report.page import render
from siked.report.run import Report
from tests.finished_run import HOSTILE, RIGHT, write_run

pytestmark = pytest.mark.slow

CHROMIUM = os.environ.get("SIKED_CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
READABLE = 4.5
"""The contrast of text that WCAG 2 asks for."""
CONTRAST = """([selector, property]) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll(selector)].map((one) => {
    const ink = light(getComputedStyle(one)[property]);
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
  });
}"""


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("no Chromium: install it, or name it in SIKED_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    return Report(write_run(root, forced=True, bias=["pot", "cot"]), root)


@pytest.fixture(scope="module")
def address(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render(run), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(chromium, address):
    """Opens the page; at the end, nothing was fetched, said on the console, or went wrong."""
    pages, wrong = [], []

    def watch(page, own):
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: request.url == own or wrong.append(request.url))

    def open_page(url=address, **options):
        page = chromium.new_page(**options)
        watch(page, url)
        pages.append(page)
        page.goto(url)
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-drawn=yes]")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert wrong == []


def cards(page):
    return page.locator("#found article")


def choose(page, **filters):
    for name, label in filters.items():
        page.locator(f"#filters [name={name}]").select_option(label=label)
    page.wait_for_timeout(200)


def count(page):
    return int(page.locator("#count").inner_text().split()[0].replace(",", ""))


def show_all(page, button):
    while page.locator(button).is_visible():
        page.locator(button).click()


def test_every_picture_is_drawn_and_named(run, opened):
    page = opened()
    names = [one.name for one in build_figures(run)]
    assert len(names) == 9
    for name in names:
        picture = page.locator(f".picture[data-figure={name}]")
        assert picture.locator("svg path[aria-roledescription], svg .mark-group path").count() > 3
        assert picture.get_attribute("role") == "img"
        assert picture.get_attribute("aria-label")
        assert picture.bounding_box()["height"] > 150


def test_a_click_on_a_legend_shows_its_series_alone(opened):
    page = opened()
    bars = page.locator(".picture[data-figure=shares] .mark-rect.role-mark path")

    def faint():
        shades = [bar.get_attribute("opacity") for bar in bars.all()]
        return Counter(shade is not None and float(shade) < 0.5 for shade in shades)

    assert faint()[True] == 0
    page.locator(".picture[data-figure=shares] .role-legend-label text").first.click()
    page.wait_for_timeout(200)
    assert faint()[True] > faint()[False] > 0


def test_the_data_of_a_figure_can_be_downloaded(run, opened, tmp_path):
    for kind in ("json", "csv"):
        page = opened()  # Chromium asks before a page downloads very many files
        for figure in build_figures(run):
            with page.expect_download() as caught:
                page.locator(f"button[data-download={kind}][data-figure={figure.name}]").click()
            assert caught.value.suggested_filename == f"{figure.name}.{kind}"
            path = tmp_path / f"{figure.name}.{kind}"
            caught.value.save_as(path)
            text = path.read_text(encoding="utf-8")
            if kind == "json":
                assert json.loads(text) == list(figure.rows)
                continue
            found = list(csv.DictReader(io.StringIO(text)))
            assert len(found) == len(figure.rows)
            for row, expected in zip(found, figure.rows, strict=True):
                for key, value in expected.items():
                    assert row[key] == ("" if value is None else str(value)) or (
                        float(row[key]) == value
                    )


def test_filters_leave_exactly_what_fits(run, opened):
    page = opened()
    data = run.browser.data
    assert count(page) == len(data["rows"])
    choose(page, set="svamp", writer="it1", strategy="pot", verdict="right")
    fits = [
        row
        for row in data["rows"]
        if (data["sets"][row[1]], data["writers"][row[2]]) == ("svamp", "it1")
        and row[3] == data["strategies"].index("pot")
        and row[4] == -1
    ]
    assert count(page) == len(fits) > 0
    show_all(page, "#more")
    assert cards(page).count() == len(fits)
    for card in cards(page).all():
        text = card.inner_text()
        assert "✓ right" in text
        assert "The program gives: 7 (final-answer)" in text
    page.locator("#filters [type=reset]").click()
    page.wait_for_timeout(200)
    assert count(page) == len(data["rows"])
    for place, kind in enumerate(data["failures"]):
        expected = sum(row[4] == place for row in data["rows"])
        if expected:
            choose(page, verdict=kind)
            assert count(page) == expected
            assert f"✗ {kind}" in cards(page).first.inner_text()
    page.locator("#filters [type=reset]").click()
    choose(page, strategy="no valid tag")
    assert count(page) == sum(row[3] == -1 for row in data["rows"])


def test_a_search_finds_all_words_anywhere_and_says_when_there_is_none(opened):
    page = opened()
    page.locator("#filters [name=words]").fill("BASELINE-pot svamp-00007")
    page.wait_for_timeout(300)
    assert count(page) == 1
    page.locator("#filters [name=words]").fill("nowhere to be found")
    page.wait_for_timeout(300)
    assert page.locator("#count").inner_text() == "No rationale fits these filters."
    assert cards(page).count() == 0


def test_what_a_model_wrote_is_shown_as_text(opened):
    page = opened()
    shown = page.locator("#found pre").first.text_content()
    assert HOSTILE in shown
    assert HOSTILE in page.locator("#found .asked").first.text_content()
    assert page.locator("img").count() == 0


def test_won_and_lost_are_those_of_the_comparison_with_both_rationales(run, opened):
    page = opened()
    form = page.locator("#pair")
    for other, row in run.paired["svamp"].items():
        form.locator("[name=benchmark]").select_option("svamp")
        form.locator("[name=before]").select_option(other)
        form.locator("[name=after]").select_option(run.selected)
        for which, verdicts in (("won", ("✗", "✓")), ("lost", ("✓", "✗"))):
            form.locator("[name=which]").select_option(which)
            assert (
                f"wins {row['won']} and loses {row['lost']} "
                in page.locator("#changed").inner_text()
            )
            show_all(page, "#more-questions")
            pairs = page.locator("#questions article")
            assert pairs.count() == row[which]
            for pair in pairs.all()[:3]:
                sides = pair.locator(".sides > div")
                assert sides.count() == 2
                for place, (writer, verdict) in enumerate(
                    zip((other, run.selected), verdicts, strict=True)
                ):
                    text = sides.nth(place).inner_text()
                    assert text.startswith(verdict)
                    assert f"By {writer} for" in text


def test_the_page_works_by_keyboard_alone(opened):
    page = opened()

    def focused():
        return page.evaluate("document.activeElement.textContent.trim().slice(0, 40)")

    page.keyboard.press("Tab")
    assert focused() == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('section').id") == "headline"
    table = page.locator("#figure-accuracy details")
    table.locator("summary").focus()
    page.keyboard.press("Enter")
    assert table.locator("table").is_visible()
    page.locator("#filters [name=writer]").focus()
    page.keyboard.type("it2")
    page.wait_for_timeout(200)
    assert page.locator("#filters [name=writer] option:checked").inner_text() == "it2"
    assert {card.inner_text().split("✗")[0] != "" for card in cards(page).all()} == {True}
    page.locator("#more").focus()
    page.keyboard.press("Enter")
    assert cards(page).count() == 20
    assert page.evaluate(
        "document.activeElement === document.querySelectorAll('#found article')[10]"
    )


def test_everything_that_can_be_used_has_a_name(opened):
    page = opened()
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    wanted = {"button", "combobox", "searchbox", "img", "image", "region", "table", "link", "form"}
    roles = Counter()
    for node in tree:
        role = node.get("role", {}).get("value")
        if role in wanted and not node.get("ignored"):
            roles[role] += 1
            assert node.get("name", {}).get("value", "").strip(), node
    assert roles["combobox"] == 8
    assert roles["button"] >= 20
    assert roles["table"] > 8
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3')].map((one) => +one.tagName[1])"
    )
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1200])
def test_it_can_be_read_on_a_phone_and_in_the_dark(opened, scheme, width):
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 800})
    inner, ground = page.evaluate(
        "[document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]"
    )
    assert inner <= width
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    for selector in (".picture svg", ".picture svg text"):
        for box in page.locator(selector).all():
            place = box.bounding_box()
            assert place["x"] + place["width"] <= width + 1, selector
    for selector, part in [
        ("p, td, th, h1, h2, h3, a, summary, .verdict, .muted", "color"),
        (".picture svg text", "fill"),
    ]:
        assert min(page.evaluate(CONTRAST, [selector, part])) >= READABLE, selector


def test_printed_it_has_black_on_white_and_no_controls(opened):
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert min(page.evaluate(CONTRAST, ["p, td, th", "color"])) >= READABLE
    assert min(page.evaluate(CONTRAST, [".picture svg text", "fill"])) >= READABLE
    for selector in ("nav", "#filters", "#pair", ".tools", "#more"):
        assert not page.locator(selector).first.is_visible()
    assert page.locator(".picture svg").first.is_visible()
    assert page.locator("#found article").first.is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_without_scripts_all_figures_are_there_as_tables(run, opened):
    page = opened(java_script_enabled=False)
    page.locator("#figure-choices summary").click()
    for row in next(one for one in build_figures(run) if one.name == "choices").table.rows:
        assert row[-1] in page.locator("#figure-choices table").inner_text()
    assert "need JavaScript" in page.locator("#figures noscript").inner_text()


def test_50_000_rationales_open_and_can_be_searched(opened, tmp_path):
    """Times are printed (pytest -s), and not asserted."""
    params = write_run(
        tmp_path / "run", each=1_000, train=3_000, samples=4, right=RIGHT, longer=" so" * 40
    )
    started = time.monotonic()
    run = Report(params, tmp_path / "run")
    rows = 5 * 2 * 1_000 + 2 * 3_000 + 2 * 2 * 4 * 3_000
    text = render(run)
    written = time.monotonic()
    path = tmp_path / "large.html"
    path.write_text(text, encoding="utf-8")
    assert rows >= 50_000
    assert len(text.encode()) < 5_000_000
    page = opened(path.as_uri())
    drawn = page.evaluate("performance.now()")
    timing = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
    before = time.monotonic()
    page.locator("#filters [name=words]").fill("it1 svamp")
    page.wait_for_function("document.querySelector('#count').textContent.includes(' of ')")
    page.wait_for_timeout(150)
    searched = time.monotonic()
    shown = len(run.browser.data["rows"])
    assert count(page) < shown
    print(
        f"\n{rows:,} rationales, {shown:,} shown: {len(text.encode()) / 1e6:.1f} MB, "
        f"written in {written - started:.1f} s, open after {timing['loadEventEnd'] / 1000:.2f} s, "
        f"with all pictures after {drawn / 1000:.2f} s, "
        f"searched in {searched - before:.2f} s"
    )
