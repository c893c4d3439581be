"""On-policy distillation on a teacher's token distributions (GKD, arXiv 2306.13649): TRL's trainer.

    log = distil(job, params.rivals["gkd"], teacher=Path("models/students/it1"))

In each batch the rival writes an answer to every question, or takes D_LLM's, and lowers the
divergence between its own and the teacher's distribution at every token of it. The teacher is
another student on the same base, loaded once more and frozen.

What is TRL's: sampling, the choice of batches, the divergence. What is ours:

- prompts are padded on the left and answers on the right, so that logits are computed of answers
  alone, and a teacher may read another prompt than the rival;
- the loss is a mean over the tokens of the batch at hand. TRL 1.15 divides by the number of D_LLM's
  tokens, also where the rival wrote other ones.

One process trains, whatever ``train.processes`` says. Checkpoints, Ctrl-C and the same bytes are as
in ``siked.training``.
"""

import dataclasses
import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from transformers import PrinterCallback
from trl.experimental.gkd import GKDConfig, GKDTrainer
from trl.trainer.utils import pad

from siked.errors import UserError
from siked.files import sha256
from siked.models import loading as models
from siked.prompts import render, teacher_prompt, tokens
from siked.records import Question
from siked.settings import Rival
from siked.terminal.progress import track
from siked.training import checkpoints, lean, sft
from siked.training.examples import IGNORED, Encoded, encode
from siked.training.job import Job, Track, TrainingLog
from siked.training.loop import BEST, run, silence_libraries
from siked.training.peft import PeftTrainer

SOLUTION = "solution"
"""The name of the prompt that shows one, among the teacher's."""
_PLACES = re.compile(r"({question}|{solution})")
ATTENTION = "sdpa"
"""The attention that knows padding, of those that all families have."""


class GkdTrainer(PeftTrainer):
    """Makes the rival ready as any student; it names itself in logs and checkpoints."""

    name = "gkd"


def distil(
    job: Job,
    rival: Rival,
    teacher: Path,
    shown: Sequence[str] | None = None,
    progress: Track = track,
) -> TrainingLog:
    """Train a rival and write it to ``job.out``, going on from a checkpoint where there is one.

    Args:
        job: the questions with D_LLM's answers, the student to start from and where to write.
        rival: how it is distilled.
        teacher: folder of the student that teaches.
        shown: the prompt that the teacher reads in place of each example's own.
        progress: shows how far it has come.

    Returns:
        The log of the training. Its loss is the divergence, in nats a token.

    Raises:
        UserError: all examples are too long, ``base`` is not a model, ``start`` or ``teacher`` is
            not a student as the settings say, or the loss stops being a number.
        KeyboardInterrupt: Ctrl-C came; the checkpoint is saved.
    """
    tokenizer = models.load_tokenizer(job.base)
    prompts = shown or [example.prompt for example in job.examples]
    too_long = encode(tokenizer, job.examples, job.settings.max_length).too_long
    rows = [
        {**row, "teacher_prompt": tokens(tokenizer, prompt)}
        for row, prompt in zip(
            encode(tokenizer, job.examples, sys.maxsize).rows, prompts, strict=True
        )
        if len(row["input_ids"]) <= job.settings.max_length
    ]
    trainer = GkdTrainer()
    folder = checkpoints.choose_folder(job, trainer)
    folder = folder.with_name(f"{folder.name}-{_hash(rival, teacher, prompts)}")
    loop = build(job, rival, teacher, rows, folder)
    return run(loop, job, folder, trainer, Encoded(rows, too_long), progress)


def show_solutions(job: Job, questions: Mapping[str, Question]) -> list[str]:
    """Return for each example the prompt that shows D_LLM's answer to it.

    Args:
        job: the job.
        questions: by id.

    Raises:
        UserError: ``base`` is not a model, or the prompt's file is missing or has no
            ``{solution}``.
    """
    tokenizer = models.load_renderer(job.base)
    asked = teacher_prompt("{question}", SOLUTION)  # as it stands in its file
    if "{solution}" not in asked.system + asked.user:
        raise UserError(
            f"prompts/teacher/{SOLUTION}.txt: has no {{solution}}, where the teacher reads it"
        )
    prompts = []
    for example in job.examples:
        filled = {
            "{question}": questions[example.question_id].question.strip(),
            "{solution}": example.completion,
        }
        system, user = (
            "".join(filled.get(part, part) for part in _PLACES.split(text))
            for text in (asked.system, asked.user)
        )
        prompts.append(render(tokenizer, dataclasses.replace(asked, system=system, user=user)))
    return prompts


def build(
    job: Job, rival: Rival, teacher: Path, rows: Sequence[dict[str, list[int]]], folder: Path
) -> "GkdLoop":
    """Return a job's loop, ready to begin.

    Args:
        job: the job.
        rival: how it is distilled.
        teacher: folder of the student that teaches.
        rows: token ids: ``input_ids`` and ``labels`` of each example, and its ``teacher_prompt``.
        folder: for checkpoints.

    Raises:
        UserError: see ``distil``.
    """
    silence_libraries()
    device, dtype = models.device_and_dtype(BEST)
    if device.type == "cpu":
        lean.keep_freed_memory()
    full = job.settings.lora is None
    transformers.set_seed(job.seed)
    student = GkdTrainer().student(job, device, torch.float32 if full else dtype)
    sft.base_of(student).set_attn_implementation(ATTENTION)
    loaded = models.load(job.base, teacher, BEST)
    loaded.model.set_attn_implementation(ATTENTION)
    settled = sft.config(
        job, device, folder, autocast=full and dtype == torch.bfloat16, packs=False
    )
    ends = sorted(models.end_tokens(loaded))
    loop = GkdLoop(
        trl_loss=False,
        model=student,
        teacher_model=loaded.model.requires_grad_(requires_grad=False),
        args=GKDConfig(
            **{
                one.name: getattr(settled, one.name)
                for one in dataclasses.fields(settled)
                if one.init
            },
            **rival.model_dump(include={"lmbda", "beta", "temperature", "max_new_tokens"}),
        ),
        data_collator=Collator(ends[0]),
        train_dataset=datasets.Dataset.from_list(list(rows)),
        processing_class=loaded.tokenizer,
    )
    loop.generation_config.eos_token_id = ends
    loop.generation_config.pad_token_id = ends[0]
    loop.remove_callback(PrinterCallback)
    return loop


class GkdLoop(sft.Loop, GKDTrainer):  # type: ignore[misc]
    """TRL's GKD trainer with this project's checkpoints and counts."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        # Otherwise the loss is divided by the number of D_LLM's tokens.
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> Any:
        """Return the mean divergence over the answers' tokens."""
        del return_outputs, num_items_in_batch
        width = inputs["prompts"].shape[1]
        answers, labels, mask = (
            inputs[key][:, width:] for key in ("input_ids", "labels", "attention_mask")
        )
        scored = labels != IGNORED
        self._counts["tokens"] += int(inputs["attention_mask"].sum())
        self._counts["completion_tokens"] += int(scored.sum())
        student = read(model, inputs["prompts"], inputs["prompt_attention_mask"], answers, mask)
        with torch.no_grad():
            teacher = read(
                self.teacher_model,
                inputs["teacher_prompts"],
                inputs["teacher_prompt_attention_mask"],
                answers,
                mask,
            )
        return self.generalized_jsd_loss(
            student[scored].float(), teacher[scored].float(), labels[scored], beta=self.beta
        )


def read(
    model: Any,
    prompts: torch.Tensor,
    prompt_mask: torch.Tensor,
    answers: torch.Tensor,
    answer_mask: torch.Tensor,
) -> torch.Tensor:
    """Return the logits by which a model foresees the tokens of answers.

    Args:
        model: a causal language model.
        prompts: [rows, prompt], padded on the left.
        prompt_mask: [rows, prompt], 0 on the padding.
        answers: [rows, answer], padded on the right.
        answer_mask: [rows, answer], 0 on the padding.

    Returns:
        [rows, answer, vocabulary].
    """
    logits: torch.Tensor = model(
        input_ids=torch.cat([prompts, answers], dim=1),
        attention_mask=torch.cat([prompt_mask, answer_mask], dim=1),
        logits_to_keep=answers.shape[1] + 1,
        use_cache=False,
    ).logits
    return logits[:, :-1]


class Collator:
    """Makes a batch of rows, as TRL's trainer names its parts."""

    def __init__(self, padding: int) -> None:
        """Take the token that fills rows up; no model looks at it."""
        self._padding = padding

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        """Return token ids and masks, [rows, longest] each."""
        cut = [row["labels"].count(IGNORED) for row in rows]
        prompts = self._pad(
            [row["input_ids"][:at] for row, at in zip(rows, cut, strict=True)], "left"
        )
        answers = [row["input_ids"][at:] for row, at in zip(rows, cut, strict=True)]
        teacher = self._pad([row["teacher_prompt"] for row in rows], "left")
        ids, mask = self._pad(answers, "right")
        return {
            "prompts": prompts[0],
            "prompt_attention_mask": prompts[1],
            "teacher_prompts": teacher[0],
            "teacher_prompt_attention_mask": teacher[1],
            "input_ids": torch.cat([prompts[0], ids], dim=1),
            "attention_mask": torch.cat([prompts[1], mask], dim=1),
            "labels": torch.cat(
                [torch.full_like(prompts[0], IGNORED), ids.masked_fill(mask == 0, IGNORED)], dim=1
            ),
        }

    def _pad(self, rows: Sequence[list[int]], side: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return rows in one tensor, and where it holds them."""
        ids = [torch.tensor(row) for row in rows]
        return (
            pad(ids, padding_value=self._padding, padding_side=side),
            pad([torch.ones_like(row) for row in ids], padding_value=0, padding_side=side),
        )


def _hash(rival: Rival, teacher: Path, prompts: Sequence[str]) -> str:
    """Return what the job does not say of what decides a rival."""
    digest = hashlib.sha256(rival.model_dump_json().encode())
    for path in sorted(teacher.rglob("*.safetensors")):
        digest.update(sha256(path).encode())
    for prompt in prompts:
        digest.update(f"{prompt}\0".encode())
    return digest.hexdigest()[:16]
