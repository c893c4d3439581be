"""settings: a wrong setting stops here with one line, before any work.

    python -m stages.settings

DVC runs a stage when a key that the stage names has changed. A key that no stage names, a
misspelt one say, would go unnoticed; this stage depends on the whole of params.yaml. It writes who
teaches each strategy to a file of its own, which a key cannot name: a teacher may be one for all.

It runs each time, since DVC cannot see a folder outside the repository that only params.yaml names:
``base`` depends on the hashes of a ``path:`` student's files, which are written here.
"""

from __future__ import annotations

from pathlib import Path

import typer

from siked.files import replace_folder, write_json
from siked.models.fetch import find_files
from siked.run import layout
from siked.run.dvc import Workspace
from siked.settings import StudentSettings
from siked.terminal.console import say
from stages.common import stage


def main() -> None:
    """Check params.yaml; write ``data/teacher/settings/`` and ``data/student.json``."""
    with stage("settings") as params:
        with replace_folder(layout.TEACHERS) as folder:
            for strategy, teacher in params.describe_teachers().items():
                write_json(folder / layout.teacher(strategy).name, teacher)
        write_hashes(params.student)
        say("params.yaml is in order")


def write_hashes(student: StudentSettings) -> None:
    """Write what the files of a ``path:`` student hold; a colleague need not have them."""
    files = find_files(student)
    if student.source.startswith("path:") and not files and layout.SOURCE.exists():
        say(f"{student.source} is not here: {layout.BASE} stays as it was made")
        return
    # DVC's own hashing: it reads a file again only where its time, size or inode has changed.
    workspace = Workspace(Path()) if files else None
    hashes = {file.name: workspace.md5(str(file)) for file in files} if workspace else {}
    write_json(layout.SOURCE, hashes)


if __name__ == "__main__":
    typer.run(main)
