"""Published files come in whole or not at all, and DVC then keeps them as it would its own."""

import hashlib
import http.server
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
import yaml

from siked.errors import UserError
from siked.questions.published import PUBLISHED, Published, PublishedFile
from siked.run import raw_files

ROOT = Path(__file__).parents[2]
FILES = [file for one in PUBLISHED for file in one.files]
ABC = b"abc\n"
SHA256 = "edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb"
MD5 = "0bee89b07a248e27c83fc3d5951213c1"
TOY = Published(
    name="toy",
    title="Toy",
    repository="someone/toy",
    commit="0" * 40,
    licence="MIT",
    licence_url=None,
    citation="Someone",
    files=(PublishedFile("toy/abc.txt", "abc.txt", len(ABC), SHA256),),
)
(FILE,) = TOY.files


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_import_files_agree_with_the_table_of_published_files(file: PublishedFile) -> None:
    one = next(one for one in PUBLISHED if file in one.files)
    path = ROOT / raw_files.import_file(file)
    said = yaml.safe_load(path.read_text())
    assert said["deps"] == [{"size": file.size, "hash": "md5", "path": one.url(file)}]
    assert said["meta"]["sha256"] == file.sha256
    assert said["meta"]["licence"] == one.licence
    assert said["outs"][0]["size"] == file.size
    assert said["frozen"] is True
    assert f"/{path.stem}" in (path.parent / ".gitignore").read_text().splitlines()


@pytest.mark.raw
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_import_files_have_the_files_md5(raw: Path, file: PublishedFile) -> None:
    said = yaml.safe_load((ROOT / raw_files.import_file(file)).read_text())
    assert said["outs"][0]["md5"] == hashlib.md5((raw / file.path).read_bytes()).hexdigest()


def dvc(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A repository that knows TOY, and a server that publishes it; yields both folders."""
    published, here = tmp_path / "published", tmp_path / "here"
    published.mkdir()
    here.mkdir()
    (published / "abc.txt").write_bytes(ABC)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(published))
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.chdir(here)
        subprocess.run(["git", "init", "--quiet"], check=True)
        Path(".dvc").mkdir()
        Path(".dvc/config").touch()
        Path(".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
        Path("data/raw/toy").mkdir(parents=True)
        Path("data/raw/toy/.gitignore").write_text("/abc.txt\n")
        url = f"http://127.0.0.1:{server.server_port}/abc.txt"
        said = {
            "frozen": True,
            "deps": [{"size": len(ABC), "hash": "md5", "path": url}],
            "outs": [{"md5": MD5, "size": len(ABC), "hash": "md5", "path": "abc.txt"}],
        }
        raw_files.import_file(FILE).write_text(yaml.safe_dump(said, sort_keys=False))
        raw_files.IGNORED.write_text("__pycache__\n/data/raw/toy/*.dvc\n")
        subprocess.run(["git", "add", "--all"], check=True)
        subprocess.run(["git", "commit", "--quiet", "--message", "x"], check=True)
        yield here, published
        server.shutdown()


def changed() -> list[str]:
    return subprocess.run(
        ["git", "status", "--porcelain"], capture_output=True, text=True, check=True
    ).stdout.splitlines()


@pytest.mark.usefixtures("repository")
def test_a_data_set_that_nobody_added_disturbs_no_command(tmp_path):
    dvc("remote", "add", "--default", "--local", "somewhere", str(tmp_path / "remote"))
    for command in (["pull"], ["push"], ["checkout"], ["status"]):
        assert "abc.txt" not in dvc(*command)


@pytest.mark.usefixtures("repository")
def test_an_added_file_is_in_the_cache_and_nothing_else_changes(tmp_path):
    deep = tmp_path / "downloads/somewhere"
    deep.mkdir(parents=True)
    (deep / "abc.txt").write_bytes(ABC)
    (tmp_path / "downloads/abc.txt").write_bytes(b"another file of that name")
    assert raw_files.state(FILE) == "absent"
    raw_files.put(TOY, raw_files.search(TOY, tmp_path / "downloads"))
    assert raw_files.state(FILE) == "present"
    assert raw_files.is_tracked(TOY)
    assert raw_files.IGNORED.read_text() == "__pycache__\n"
    assert changed() == [" M .dvcignore"]
    assert "not in cache" not in dvc("data", "status")
    raw_files.place(FILE).unlink()
    dvc("checkout")
    assert raw_files.place(FILE).read_bytes() == ABC
    raw_files.put(TOY, raw_files.search(TOY, tmp_path / "downloads"))
    assert changed() == [" M .dvcignore"], "adding again changes nothing"


def test_an_added_file_travels_through_a_remote(repository, tmp_path):
    here, published = repository
    raw_files.put(TOY, raw_files.search(TOY, published))
    dvc("remote", "add", "--default", "somewhere", str(tmp_path / "remote"))
    dvc("push")
    subprocess.run(["git", "commit", "--quiet", "--all", "--message", "y"], check=True)
    subprocess.run(["git", "clone", "--quiet", here, tmp_path / "clone"], check=True)
    dvc("--cd", str(tmp_path / "clone"), "pull", "--recursive", "data/raw/toy")
    assert (tmp_path / "clone/data/raw/toy/abc.txt").read_bytes() == ABC


def test_a_file_with_other_bytes_is_refused_and_nothing_is_changed(repository):
    _, published = repository
    (published / "abc.txt").write_bytes(b"abd\n")
    with pytest.raises(UserError) as error:
        raw_files.search(TOY, published)
    text = str(error.value)
    assert str(published / "abc.txt") in text
    assert SHA256 in text
    assert hashlib.sha256(b"abd\n").hexdigest() in text, "the hash that it has"
    assert "\n" not in text
    assert changed() == []


def test_a_file_in_the_way_is_left_alone(repository):
    _, published = repository
    raw_files.place(FILE).write_bytes(b"mine")
    with pytest.raises(UserError, match="move it away"):
        raw_files.put(TOY, {FILE: published / "abc.txt"})
    assert raw_files.place(FILE).read_bytes() == b"mine"
    assert raw_files.state(FILE) == "not the published file"


def test_missing_folders_and_files_are_said(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        raw_files.search(TOY, tmp_path / "none")
    with pytest.raises(UserError, match=r"has no abc\.txt, which belongs to Toy: https://"):
        raw_files.search(TOY, tmp_path)


def test_the_publisher_is_asked_where_there_is_no_folder(repository, tmp_path):
    _, published = repository
    raw_files.download(TOY, tmp_path)
    assert (tmp_path / "abc.txt").read_bytes() == ABC
    (published / "abc.txt").unlink()
    with pytest.raises(UserError, match=r"^http://127.*cannot be downloaded") as error:
        raw_files.download(TOY, tmp_path)
    assert "\n" not in str(error.value)


def test_dvc_notices_what_changed_at_the_publisher(repository):
    _, published = repository
    raw_files.put(TOY, raw_files.search(TOY, published))
    (published / "abc.txt").write_bytes(b"abd\n")
    dvc("update", "--recursive", "data/raw/toy")
    assert raw_files.state(FILE) == "not the published file"
    assert " M data/raw/toy/abc.txt.dvc" in changed()


def test_without_a_dvc_repository_one_line_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="run this in the repository's root"):
        raw_files.put(TOY, {})
