"""What a damaged remote or cache does to a colleague, and that the documented commands mend it.

The commands that search for damage are taken from `docs/sharing.md` itself.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.functional import remotes
from tests.functional.checkout import CLEAN, ROOT, Clone, ran

pytestmark = pytest.mark.slow

RATIONALES = "data/teacher/verified.jsonl"
WEIGHTS = "models/base/model.safetensors"

# Root may write everywhere, unless it gives that up.
LESS = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-all"]
AS_OWNER = LESS if os.geteuid() == 0 else []


@pytest.fixture(scope="module")
def published(finished, tmp_path_factory) -> Clone:
    """A clone that has pushed its run to a folder beside it."""
    folder = tmp_path_factory.mktemp("published")
    clone = finished.clone_with_data(folder / "owner", "Ada")
    remotes.folder(folder / "store").become_default_of(clone)
    clone.dvc("push")
    return clone


@pytest.fixture
def store(published) -> Path:
    """Its remote, whole again after each test."""
    folder = published.folder.with_name("store")
    yield folder
    shutil.rmtree(folder)
    published.dvc("push")
    assert damaged(folder) == ""


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def object_of(clone: Clone, name: str, place: Path) -> Path:
    """Where a file's content lies in a cache or a folder remote."""
    hashed = clone.run("md5sum", name).split()[0]
    return place / "files" / "md5" / hashed[:2] / hashed[2:]


def overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)


def damaged(place: Path) -> str:
    """What the documented search says of a cache or a folder remote; nothing if all is whole."""
    page = (ROOT / "docs" / "sharing.md").read_text(encoding="utf-8")
    command = re.search(r"^find \* .*md5sum.*$", page, re.MULTILINE)
    assert command, "docs/sharing.md has lost its search for damage"
    return subprocess.run(
        command[0], shell=True, cwd=place / "files" / "md5", capture_output=True, text=True
    ).stdout


def lists_naming(place: Path, lost: Path) -> list[Path]:
    """The lists of folders' files in a remote that name an object."""
    hashed = (lost.parent.name + lost.name).encode()
    return [path for path in place.rglob("*.dir") if hashed in path.read_bytes()]


@pytest.mark.parametrize(
    ("name", "damage"),
    [(RATIONALES, flipped), (WEIGHTS, half), (RATIONALES, None), (WEIGHTS, None)],
)
def test_what_is_damaged_or_gone_in_the_remote_is_refused_and_pushed_again(
    published, store, tmp_path, name, damage
):
    target = "models/base" if name == WEIGHTS else name
    lost = object_of(published, name, store)
    if damage:
        overwrite(lost, damage(lost.read_bytes()))
        assert damaged(store) == f"{lost.parent.name}/{lost.name}: FAILED\n"
    else:
        lost.unlink()
    ben = published.clone(tmp_path / "ben")
    said = ben.dvc("pull", target, fails=True)
    assert target in said or lost.parent.name + lost.name in said
    assert not (ben.folder / name).exists()

    lost.unlink(missing_ok=True)
    for path in lists_naming(store, lost):
        path.unlink()
    published.dvc("push")
    ben.dvc("pull", target)
    assert (ben.folder / name).read_bytes() == (published.folder / name).read_bytes()


def test_a_damaged_cache_is_found_and_filled_again(published, tmp_path):
    ben = published.clone_with_data(tmp_path / "ben")
    cache = ben.folder / ".dvc" / "cache"
    whole = (ben.folder / RATIONALES).read_bytes()
    lost = object_of(ben, RATIONALES, cache)
    overwrite(lost, flipped(whole))
    (ben.folder / RATIONALES).unlink()
    ben.dvc("checkout")
    assert (ben.folder / RATIONALES).read_bytes() != whole, "DVC believes its own cache"
    assert damaged(cache) == f"{lost.parent.name}/{lost.name}: FAILED\n"

    lost.unlink()
    ben.dvc("fetch")
    ben.dvc("checkout", "--relink", "--force")
    assert (ben.folder / RATIONALES).read_bytes() == whole
    assert ben.dvc("status").strip() == CLEAN


def test_work_that_a_read_only_cache_did_not_take_is_kept_and_committed(published, tmp_path):
    ben = published.clone_with_data(tmp_path / "ben")
    ben.set("questions.dev_fraction", 0.4)
    cache = ben.folder / ".dvc" / "cache"
    ben.run("chmod", "--recursive", "a-w", str(cache))
    said = ben.run(*AS_OWNER, "dvc", "repro", "--single-item", "questions", fails=True)
    assert ran(said) == ["questions"]
    assert "Permission denied" in said
    assert "changed outs" in ben.dvc("status", "questions")

    ben.run("chmod", "--recursive", "u+w", str(cache))
    ben.dvc("commit", "--force", "questions")
    assert ben.dvc("status", "questions").strip() == "Data and pipelines are up to date."
    assert ran(ben.dvc("repro", "--single-item", "questions")) == []


def test_two_people_push_at_once(published, tmp_path):
    store = tmp_path / "store"
    running = []
    for name in ("ada", "ben"):
        clone = published.clone_with_data(tmp_path / name)
        clone.dvc("remote", "modify", "--local", "team", "url", str(store))
        running.append(subprocess.Popen(["dvc", "push"], cwd=clone.folder, env=clone.environment))
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert damaged(store) == ""
    third = published.clone(tmp_path / "third")
    third.dvc("remote", "modify", "--local", "team", "url", str(store))
    third.dvc("pull")
    assert third.dvc("status").strip() == CLEAN
