"""A server's rate limits are kept: the settings' and those that its headers tell."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from siked.errors import UserError
from siked.generation.engine import Sampling
from siked.generation.openai import pace
from siked.generation.openai.engine import OpenAIEngine
from siked.generation.openai.pace import Pace, seconds_of
from siked.prompts import Prompt
from siked.settings import OpenAISettings
from tests.misbehaving_server import good, misbehaving

PROMPTS = [Prompt(f"q{n}", "cot", "Solve it.", f"Question: number {n}") for n in range(12)]
WINDOW = 60


class Clock:
    """Time that passes when someone waits for it."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    async def pause(self, news, seconds):
        await asyncio.sleep(0.002)  # what is under way goes first
        if not news.is_set():
            self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(pace, "clock", made)
    monkeypatch.setattr(pace, "pause", made.pause)
    monkeypatch.setattr(
        "openai._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0.0
    )
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return made


def limits(**more):
    return OpenAISettings(name="openai", url="http://127.0.0.1:9/v1", **more)


def sent(clock, settings, tokens, taken=None):
    """When each of some requests, all there at once, is sent: seconds from the first."""
    stamps = []

    async def ask(paced, most, took):
        with paced.asking(most):
            await paced.enter()
            stamps.append(clock.now)
            paced.hear({}, refused=False, tokens=took)

    async def ask_all():
        paced = Pace(settings)
        took = taken or [None] * len(tokens)
        await asyncio.gather(*(ask(paced, *one) for one in zip(tokens, took, strict=True)))

    asyncio.run(ask_all())
    return [stamp - stamps[0] for stamp in stamps]


def test_without_limits_nothing_waits(clock):
    assert set(sent(clock, limits(), [10_000] * 50)) == {0}


def test_no_minute_has_more_requests_than_the_settings_allow(clock):
    stamps = sent(clock, limits(requests_per_minute=30), [100] * 100)
    assert stamps == pytest.approx([2 * n for n in range(100)])


def test_no_minute_has_more_tokens_and_answers_put_the_estimate_right(clock):
    settings = limits(tokens_per_minute=6000)
    assert sent(clock, settings, [1000, 500, 9000, 1]) == pytest.approx([0, 10, 15, 105])
    assert sent(clock, settings, [1000] * 4, [100] * 4) == pytest.approx([0, 1, 2, 3])


class Window:
    """A server that takes so many requests in each of its minutes, and perhaps says so."""

    def __init__(self, clock, most, tells):
        self.clock, self.most, self.tells = clock, most, tells
        self.taken, self.refused = Counter(), 0

    def __call__(self, request):
        now = self.clock.now
        window = int(now // WINDOW)
        left = WINDOW - now % WINDOW
        self.taken[window] += 1
        remaining = max(0, self.most - self.taken[window])
        headers = {
            "x-ratelimit-remaining-requests": str(remaining),
            "x-ratelimit-reset-requests": f"{int(left // 1)}s{int(left % 1 * 1000) + 1}ms",
        }
        headers = headers if self.tells else {}
        if self.taken[window] > self.most:
            self.refused += 1
            error = {"error": {"message": "slow down"}, "status": 429}
            return error | {"headers": {**headers, "Retry-After": str(int(left) + 1)}}
        return good(request) | {"headers": headers}


@pytest.mark.parametrize("tells", [True, False])
def test_a_servers_own_limit_is_kept_and_no_sample_is_lost(clock, tells):
    window = Window(clock, 5, tells)
    with misbehaving(window) as server:
        settings = OpenAISettings(name="openai", url=server.url, concurrency=4)
        found = list(OpenAIEngine(settings, "m").generate(PROMPTS, Sampling(max_new_tokens=9)))
    assert sorted(one.prompt for one in found) == list(range(12))
    assert all(one.text.startswith(f"Question: number {one.prompt} ") for one in found)
    # Who is told what remains is hardly refused; who is not, once for each request under way.
    assert window.refused <= (4 if tells else 4 * len(window.taken))


def test_a_wait_that_is_too_long_ends_at_once_with_one_line():
    answer = {
        "error": {"message": "daily limit"},
        "status": 429,
        "headers": {"Retry-After": "7200"},
    }
    with misbehaving(lambda _: answer) as server:
        settings = OpenAISettings(name="openai", url=server.url, concurrency=1)
        with pytest.raises(UserError, match="asks to wait 120 minutes; finished") as error:
            list(OpenAIEngine(settings, "m").generate(PROMPTS, Sampling()))
        assert len(server.requests) == 1
    assert "daily limit" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("header", ["Retry-After", "retry-after-ms"])
def test_one_that_is_told_to_wait_holds_all_others(clock, header, capsys):
    value = "90" if header == "Retry-After" else "90000"
    refused = {"error": {"message": "slow down"}, "status": 429, "headers": {header: value}}
    begun = clock.now
    with misbehaving(lambda one: refused if one.attempt == 0 else "") as server:
        settings = OpenAISettings(name="openai", url=server.url, concurrency=3)
        found = list(OpenAIEngine(settings, "m").generate(PROMPTS[:3], Sampling()))
        assert len(server.requests) <= 6
    assert len(found) == 3
    assert clock.now >= begun + 90
    assert capsys.readouterr().err.count(f"{server.url}: asks to wait 90 seconds") >= 1


NOW = 1_800_000_000.0
LATER = datetime.fromtimestamp(NOW + 50, UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20", 20),
        ("0.5", 0.5),
        ("120ms", 0.12),
        ("1m12.5s", 72.5),
        ("6h0m0s", 21600),
        ("1d", 86400),
        (f"{NOW + 50:.0f}", 50),
        (f"{(NOW + 50) * 1000:.0f}", 50),
        (format_datetime(LATER, usegmt=True), 50),
        (LATER.isoformat(), 50),
        (LATER.replace(tzinfo=None).isoformat(), 50),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("nan", None),
        ("1e9", None),
        ("9" * 400, None),
        ("1m" * 1000 + "x", None),
        ("5 parsecs", None),
    ],
)
def test_every_way_of_telling_a_time_is_read_and_nonsense_is_not(text, seconds, monkeypatch):
    monkeypatch.setattr("time.time", lambda: NOW)
    found = seconds_of(text)
    assert found == (seconds if seconds is None else pytest.approx(seconds))
