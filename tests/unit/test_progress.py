"""Progress on standard error: a line now and then where there is no terminal, and silence else."""

from siked import progress
from siked.progress import track


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
    now = iter([0.0, 10.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    with track(8, "generate it1") as shown:
        for _ in range(4):
            shown.recall()
        for _ in range(2):
            shown.advance(tokens=100)
    assert capfd.readouterr().err.splitlines() == [
        "generate it1: 6/8 (4 from the journal), 5 tokens/s, 0:40 left",
    ]


def test_a_terminal_gets_a_bar(capfd, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    with track(2, "work") as shown:
        shown.recall()
        shown.advance(tokens=7)
    out, err = capfd.readouterr()
    assert out == ""
    assert "work (1 from the journal)" in err
    assert "2/2" in err
