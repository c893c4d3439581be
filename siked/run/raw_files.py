"""Published data sets in ``data/raw``: how their files get there, and into DVC's cache.

For every published file git keeps what ``dvc import-url`` writes, such as
``data/raw/gsm8k/test.jsonl.dvc``:

    desc: GSM8K, the test questions with solutions
    meta: {rows: 1319, licence: MIT}
    frozen: true
    deps: [{size: 749738, hash: md5, path: https://raw.githubusercontent.com/openai/...}]
    outs: [{md5: 6493e22fc90d491ae8da0b88ffcfebae, size: 749738, hash: md5, path: test.jsonl}]

DVC wants the data of every such file that it sees, and asks the publisher's server at every
``dvc exp run``. So ``.dvcignore`` hides those of each data set, in a line of its own, until
somebody adds the data set; then that line goes.
"""

import shutil
from pathlib import Path
from typing import Any, Literal

import yaml

from siked.errors import UserError
from siked.files import partial_of, sha256, write_text
from siked.questions.published import Published, PublishedFile
from siked.run import layout

IGNORED = Path(".dvcignore")


def place(file: PublishedFile) -> Path:
    """Return where a published file lies."""
    return layout.RAW / file.path


def import_file(file: PublishedFile) -> Path:
    """Return its ``.dvc`` file."""
    return layout.RAW / f"{file.path}.dvc"


def describe(file: PublishedFile) -> dict[str, Any]:
    """Return what its ``.dvc`` file says.

    Raises:
        UserError: there is none here.
    """
    path = import_file(file)
    try:
        found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: run this in the repository's root") from None
    return found


def state(file: PublishedFile) -> Literal["absent", "present", "not the published file"]:
    """Return whether the file is there, byte for byte."""
    if not place(file).is_file():
        return "absent"
    return "present" if sha256(place(file)) == file.sha256 else "not the published file"


def is_tracked(one: Published) -> bool:
    """Return whether DVC sees the data set's ``.dvc`` files."""
    return not IGNORED.is_file() or _hidden(one) not in IGNORED.read_text("utf-8").splitlines()


def search(one: Published, folder: Path) -> dict[PublishedFile, Path]:
    """Return the data set's files somewhere below a folder.

    Raises:
        UserError: one is not there by its name, or has other bytes.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    return {file: _search(one, file, folder) for file in one.files}


def download(one: Published, folder: Path) -> None:
    """Download the data set's files from where their ``.dvc`` files say, into a folder.

    Raises:
        UserError: the publisher's server cannot be reached, or has no such file.
    """
    from dvc.exceptions import DvcException  # a second to import
    from dvc.repo import Repo

    for file in one.files:
        url = describe(file)["deps"][0]["path"]
        try:
            Repo.get_url(url, str(folder / place(file).name))
        except (DvcException, OSError) as error:
            raise UserError(
                f"{url}: cannot be downloaded: {' '.join(str(error).split())}: take the files "
                f"elsewhere and `siked data add {one.name} FOLDER`"
            ) from None


def put(one: Published, found: dict[PublishedFile, Path]) -> None:
    """Put files that ``search`` found into ``data/raw`` and DVC's cache; let DVC see them.

    The ``.dvc`` files stay as they are.

    Raises:
        UserError: another file is in the way, or this is no DVC repository.
    """
    for file in one.files:
        describe(file)
        if state(file) == "not the published file":
            raise UserError(
                f"{place(file)}: is not the published file (sha256 {sha256(place(file))}, not "
                f"{file.sha256}): move it away first"
            )
    for file, source in found.items():
        if state(file) == "absent":
            partial = partial_of(place(file))
            try:
                shutil.copyfile(source, partial)
                partial.replace(place(file))
            finally:
                partial.unlink(missing_ok=True)
    if not is_tracked(one):
        lines = IGNORED.read_text("utf-8").splitlines()
        write_text(IGNORED, "".join(f"{line}\n" for line in lines if line != _hidden(one)))
    _into_cache([import_file(file) for file in one.files])


def _into_cache(imports: list[Path]) -> None:
    """What ``dvc commit`` does, without asking the publisher's server for anything."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo, lock_repo

    try:
        with Repo() as repo, lock_repo(repo):
            for path in imports:
                (stage,) = repo.stage.collect(str(path))
                stage.commit()
    except DvcException as error:
        raise UserError(f"DVC: {' '.join(str(error).split())}") from None


def _search(one: Published, file: PublishedFile, folder: Path) -> Path:
    name = place(file).name
    found = sorted(path for path in folder.rglob(name) if path.is_file())
    if not found:
        raise UserError(f"{folder}: has no {name}, which belongs to {one.title}: {one.url(file)}")
    hashes = {path: sha256(path) for path in found}
    for path, digest in hashes.items():
        if digest == file.sha256:
            return path
    raise UserError(
        f"{found[0]}: is not the published file: its sha256 is {hashes[found[0]]}, not "
        f"{file.sha256}: take it from {one.url(file)}"
    )


def _hidden(one: Published) -> str:
    """The line of ``.dvcignore`` that hides a data set's ``.dvc`` files."""
    return f"/{layout.RAW.as_posix()}/{one.name}/*.dvc"
