"""What a long run added is there after a crash, and only what is whole."""

import contextlib
import multiprocessing
import signal
import time

import pytest

from siked.records import Rationale
from siked.verification.kept import Kept


def row(number):
    return Rationale(question_id=f"q{number}", strategy="cot", sample=0, text="é\n" * number)


def found(path):
    with Kept(path, Rationale) as kept:
        return list(kept.found())


def test_records_survive_an_exception_and_go_to_the_target(tmp_path):
    path, target = tmp_path / "a" / "kept.jsonl", tmp_path / "b" / "target.jsonl"
    with contextlib.suppress(KeyboardInterrupt), Kept(path, Rationale) as kept:
        assert list(kept.found()) == []
        kept.add(row(1))
        kept.add(row(2))
        raise KeyboardInterrupt
    with Kept(path, Rationale) as kept:
        assert list(kept.found()) == [row(1), row(2)]
        kept.add(row(3))
        kept.finish(target)
    lines = [one.model_dump_json(exclude_defaults=True) for one in map(row, (1, 2, 3))]
    assert target.read_text("utf-8").splitlines() == lines
    assert found(path) == []


@pytest.mark.parametrize("torn", [b'{"question_id": "q', b"\0\0\0\n", b"\xff\n{}\n", b"{}"])
def test_a_torn_end_is_cut_off(tmp_path, torn):
    path = tmp_path / "kept.jsonl"
    with Kept(path, Rationale) as kept:
        kept.add(row(1))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    with Kept(path, Rationale) as kept:
        assert list(kept.found()) == [row(1)]
        kept.add(row(2))
    assert found(path) == [row(1), row(2)]


def test_a_whole_last_line_without_its_end_counts_as_torn(tmp_path):
    path = tmp_path / "kept.jsonl"
    with Kept(path, Rationale) as kept:
        kept.add(row(1))
        kept.add(row(2))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert found(path) == [row(1)]


def _work(path, target, started):
    with Kept(path, Rationale) as kept:
        done = len(list(kept.found()))
        started.set()
        for number in range(done, 200):
            kept.add(row(number))
            time.sleep(0.005)
        kept.finish(target)


def test_a_killed_process_leaves_what_it_had_and_a_second_one_waits_for_the_first(tmp_path):
    path, target = tmp_path / "kept.jsonl", tmp_path / "target.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = []
    for _ in range(2):
        started = context.Event()
        worker = context.Process(target=_work, args=(path, target, started))
        worker.start()
        workers.append((worker, started))
    deadline = time.monotonic() + 60
    while not any(started.is_set() for _, started in workers) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.5)
    first, second = sorted(workers, key=lambda one: not one[1].is_set())
    assert first[1].is_set()
    assert not second[1].is_set(), "both work at once"
    first[0].kill()
    first[0].join()
    assert first[0].exitcode == -signal.SIGKILL
    second[0].join()
    assert second[0].exitcode == 0
    lines = [row(number).model_dump_json(exclude_defaults=True) for number in range(200)]
    assert target.read_text("utf-8").splitlines() == lines
    assert not path.exists()
