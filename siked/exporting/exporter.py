"""Write a trained student for others: as an adapter, as merged weights, or as GGUF.

Whatever is written is loaded again and must give the answers that the student gives here: both
answer the same questions greedily with the engine of this project, from what lies on disk. The
reference is the engine's own way, the base model with the adapter merged into it in memory.
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from siked.errors import UserError
from siked.exporting import gguf
from siked.exporting.gguf import GgufType
from siked.exporting.merged import check_prompt, write_merged
from siked.files import replace_folder
from siked.generation.engine import Sampling
from siked.generation.transformers import TransformersEngine
from siked.models import student_format
from siked.models.loading import load_tokenizer
from siked.models.student_format import Student
from siked.prompts import Prompt
from siked.settings import TransformersSettings

Kind = Literal["adapter", "merged", "gguf"]
CARD = "README.md"
_CACHED = re.compile(r".*/files/md5/[0-9a-f]{2}/[0-9a-f]{30}")


@dataclass(frozen=True)
class Exporter:
    """A student that can be written in several ways."""

    base: Path
    """Folder of the model that the adapter belongs on."""
    adapter: Path
    student: Student
    settings: TransformersSettings
    """Number type and device."""
    max_new_tokens: int
    """Length limit of an answer."""

    def export(
        self, out: Path, kind: Kind, questions: Sequence[str], gguf_type: GgufType = "bf16"
    ) -> int:
        """Write the student to a folder that is new or empty, whole or not at all.

        Returns:
            How many of the questions get the very same answer: all, unless ``gguf_type`` rounds.

        Raises:
            UserError: ``out`` holds something, the student cannot be loaded or converted, or what
                was written answers otherwise than the student.
        """
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(f"{out}: holds something already: name a folder that does not")
        _check_is_no_link(self.adapter)
        program = gguf.find_converter() if kind == "gguf" else ""
        ours = self._answers(self.base, self.adapter, questions)
        with (
            replace_folder(out) as partial,
            tempfile.TemporaryDirectory(dir=partial.parent, prefix=f".{out.name}.") as scratch,
        ):
            self._describe(partial)
            if kind == "adapter":
                shutil.copytree(self.adapter, partial, dirs_exist_ok=True)
                theirs = self._answers(self.base, partial, questions)
            elif kind == "merged":
                self.merge(partial, questions)
                theirs = self._answers(partial, None, questions)
            else:
                merged, back = Path(scratch) / "merged", Path(scratch) / "back"
                merged.mkdir()
                self.merge(merged, questions)
                file = partial / f"student-{gguf_type}.gguf"
                gguf.write_gguf(program, merged, file, gguf_type)
                gguf.check_tokenizer(file, load_tokenizer(merged))
                gguf.read_back(file, merged, back)
                theirs = self._answers(back, None, questions)
            found = sum(a == b for a, b in zip(ours, theirs, strict=True))
            if found < len(questions) and not (kind == "gguf" and gguf_type in gguf.LOSSY):
                raise UserError(
                    f"{out}: not written: the {kind} export answers {len(questions) - found} of "
                    f"{len(questions)} questions otherwise than the student"
                )
        return found

    def merge(self, out: Path, questions: Sequence[str] = ()) -> None:
        """Write the merged model to an empty folder, its prompt tried with ``questions``.

        Raises:
            UserError: the student cannot be loaded, or its prompt does not fit the chat template.
        """
        write_merged(
            self.base,
            self.adapter,
            self.student,
            out,
            settings=self.settings,
            max_new_tokens=self.max_new_tokens,
        )
        check_prompt(load_tokenizer(out), load_tokenizer(self.base), self.student, questions)

    def _answers(self, folder: Path, adapter: Path | None, questions: Sequence[str]) -> list[str]:
        """Return the answers of an adapter, or of an export that carries the student's prompt."""
        prompts = [
            Prompt(question_id="", strategy=None, system="", user=question)
            if adapter is None
            else self.student.ask(question)
            for question in questions
        ]
        return answer_all(folder, adapter, prompts, self.settings, self.max_new_tokens)

    def _describe(self, folder: Path) -> None:
        """Put what is known of the student, and its card where it has one, beside the weights."""
        for name in (student_format.NAME, CARD):
            if (self.adapter / name).is_file():
                shutil.copyfile(self.adapter / name, folder / name)


def _check_is_no_link(folder: Path) -> None:
    """See that a student's folder holds its files itself.

    A link could name any file of this machine, which an export would then carry away. Links into a
    DVC cache, as ``cache.type: symlink`` leaves them, are followed.

    Raises:
        UserError: there is a link to something else.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and _CACHED.fullmatch(path.resolve().as_posix()) is None:
            raise UserError(f"{path}: is a link, which no export follows: put the file there")


def answer_all(
    folder: Path,
    adapter: Path | None,
    prompts: Sequence[Prompt],
    settings: TransformersSettings,
    max_new_tokens: int,
) -> list[str]:
    """Return a student's greedy answers, in the prompts' order.

    Raises:
        UserError: the folders hold no model or no adapter that fits it.
    """
    engine = TransformersEngine(folder, adapter, settings)
    completions = engine.generate(prompts, Sampling(max_new_tokens=max_new_tokens))
    return [one.text for one in sorted(completions, key=lambda one: one.prompt)]
