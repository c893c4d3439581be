"""Progress on standard error: a line now and then where there is no terminal, and silence else."""

import pytest

from siked.terminal import progress
from siked.terminal.progress import clock, count_written, note_work, track


def test_short_work_says_nothing(capfd):
    with track(10, "work") as shown:
        for _ in range(10):
            shown.advance(tokens=5)
    assert capfd.readouterr() == ("", "")


def test_long_work_says_how_far_it_is(capfd, monkeypatch):
    now = iter([0.0, 10.0, 40.0, 50.0, 75.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    with track(8, "generate it1") as shown:
        for _ in range(4):
            shown.advance(tokens=100)
    assert capfd.readouterr().err.splitlines() == [
        "generate it1: 2/8, 5 tokens/s, 2:00 left",
        "generate it1: 4/8, 5 tokens/s, 1:15 left",
    ]


def test_what_an_earlier_run_did_counts_but_not_for_the_speed(capfd, monkeypatch):
    now = iter([0.0, 0.1, 10.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    with track(8, "generate it1") as shown:
        shown.recall(4)
        for _ in range(2):
            shown.advance(tokens=100)
    assert capfd.readouterr().err.splitlines() == [
        "generate it1: 6/8 (4 from an earlier run), 5 tokens/s, 0:40 left",
    ]


def test_tokens_tell_the_time_left_before_a_sample_has_ended(capfd, monkeypatch):
    """100 samples of 60 tokens in batches of 50, a token of each a second: 120 seconds."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    left = []
    with track(100, "generate it1") as shown:
        for second in range(1, 121):
            now[0] += 1
            count_written(50, longest=96)
            if second % 60 == 0:
                shown.advance(50, tokens=50 * 60)
            left.append(shown.left(now[0]))
    too_much = 73  # seconds: before the first has ended they may all be 96 long
    for second, told in enumerate(left[:59], start=1):
        assert 120 - second <= told <= 120 - second + too_much
    assert left[59] == 60
    assert left[-1] == 0
    assert capfd.readouterr().err.splitlines()[0] == "generate it1: 0/100, 50 tokens/s, 2:42 left"


def test_nobody_tracks_what_is_written():
    count_written(5, longest=9)


def test_a_terminal_gets_a_bar(capfd, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    with track(2, "work") as shown:
        shown.recall()
        shown.advance(tokens=7)
    out, err = capfd.readouterr()
    assert out == ""
    assert "work (1 from an earlier run)" in err
    assert "2/2" in err


def test_who_asks_gets_the_counts_of_all_work_as_they_grow():
    with note_work() as works:
        with track(5, "first") as shown:
            shown.recall(2)
            shown.advance(tokens=7)
            assert [(one.what, one.done, one.recalled) for one in works] == [("first", 1, 2)]
            assert not works[0].ended
        with track(3, "second"):
            pass
    with track(1, "nobody asked"):
        pass
    assert [(one.what, one.total, one.tokens, one.ended) for one in works] == [
        ("first", 5, 7, True),
        ("second", 3, 0, True),
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (131, "2:11"), (3731, "1:02:11")]
)
def test_clock(seconds, text):
    assert clock(seconds) == text
