"""The stages of an iteration over Ray's replicas, for real: the bytes of a run without them."""

import shutil

import pytest

from siked.files import sha256

pytest.importorskip("ray", reason="Ray is not installed: pip install 'siked[ray]'")
pytestmark = pytest.mark.slow

SPREAD = {
    "data/students/it0/answers": ("eval", "--student", "it0"),
    "data/students/it1/generated.jsonl": ("generate", "--iteration", "it1", "--previous", "it0"),
    "data/students/it1/verified.jsonl": ("filter", "--iteration", "it1"),
    "data/students/it1/answers": ("eval", "--student", "it1", "--previous", "it0"),
}


def written(folder):
    """The hashes of what the stages have written."""
    return {
        str(path.relative_to(folder)): sha256(path)
        for output in SPREAD
        for path in [folder / output, *(folder / output).rglob("*")]
        if path.is_file()
    }


def test_stages_spread_over_ray_write_the_bytes_of_one_machine(own):
    own.set("engine.dtype", "float32")
    own.dvc("repro", "eval@it1")
    alone = written(own.folder)
    assert len(alone) > len(SPREAD)

    shutil.rmtree(own.folder / ".siked" / "journal")
    own.set("ray", {"replicas": 2})
    own.set("verify.workers", 1)
    own.set("ray.address", "127.0.0.1:1")
    for stage in SPREAD.values():
        assert "ray.address: no cluster" in own.stage(*stage, fails=True), "it did not use Ray"
    own.set("ray.address", "local")
    for output, stage in SPREAD.items():
        place = own.folder / output
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        own.stage(*stage)
    assert written(own.folder) == alone
