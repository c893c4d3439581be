"""Rivals: the same bytes, nearer to the teacher, and what TRL's trainer would compute."""

import dataclasses
import shutil
import sys

import pytest
import torch
from trl.experimental.gkd import GKDTrainer

from siked.errors import UserError
from siked.models import loading
from siked.prompts import tokens
from siked.records import Question
from siked.rivals import gkd
from siked.settings import Rival
from siked.training import sft
from siked.training.examples import IGNORED, encode
from siked.training.loop import BEST
from tests.tiny_student import build
from tests.training_jobs import content, examples_of, job, run

RIVAL = Rival(teacher="it1", lmbda=1.0, beta=0.0, max_new_tokens=12, epochs=3, learning_rate=3e-3)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return build(tmp_path_factory.mktemp("student") / "base")


@pytest.fixture(scope="module")
def tokenizer(base):
    return loading.load_tokenizer(base)


@pytest.fixture(scope="module")
def examples(tokenizer):
    return examples_of(tokenizer)


@pytest.fixture(scope="module")
def start(examples, base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    run(examples[:4], base, folder)
    return folder / "adapter"


@pytest.fixture(scope="module")
def teacher(examples, base, start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    run(examples, base, folder, start=start, seed=1)
    return folder / "adapter"


def distil(examples, base, start, teacher, folder, *, shown=None, watch=None, **changed):
    rival = RIVAL.model_copy(update=changed)
    asked = dataclasses.replace(
        job(examples, base, folder), start=start, schedule=rival, watch=watch
    )
    return gkd.distil(asked, rival, teacher, shown)


@pytest.fixture(scope="module")
def undisturbed(examples, base, start, teacher, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rival")
    return distil(examples, base, start, teacher, folder), folder / "adapter"


def rows_of(tokenizer, examples):
    rows = encode(tokenizer, examples, sys.maxsize).rows
    return [
        {**row, "teacher_prompt": tokens(tokenizer, example.prompt)}
        for row, example in zip(rows, examples, strict=True)
    ]


def distance(student, teacher, base, rows):
    """KL(teacher ‖ student) in nats a token, on the teacher's own texts' tokens."""
    batch = gkd.Collator(0)(rows)
    width = batch["prompts"].shape[1]
    answers, mask = batch["input_ids"][:, width:], batch["attention_mask"][:, width:]
    with torch.no_grad():
        ours, theirs = (
            gkd.read(
                loading.load(base, folder, BEST).model,
                batch["prompts"],
                batch["prompt_attention_mask"],
                answers,
                mask,
            ).log_softmax(-1)[mask == 1]
            for folder in (student, teacher)
        )
    return float((theirs.exp() * (theirs - ours)).sum(-1).mean())


def test_a_rival_comes_nearer_to_its_teacher(
    undisturbed, examples, base, start, teacher, tokenizer
):
    log, rival = undisturbed
    rows = rows_of(tokenizer, examples)
    before, after = (distance(one, teacher, base, rows) for one in (start, rival))
    assert after < 0.7 * before
    assert log.trainer == "gkd"
    assert log.steps == 18
    assert log.final_loss < log.curve[0][1]


def test_the_same_rival_has_the_same_bytes_and_another_one_others(
    undisturbed, examples, base, start, teacher, tmp_path
):
    log, rival = undisturbed
    again = distil(examples, base, start, teacher, tmp_path / "again")
    assert again == log
    assert content(tmp_path / "again" / "adapter") == content(rival)
    distil(examples, base, start, teacher, tmp_path / "other", temperature=0.5)
    assert content(tmp_path / "other" / "adapter") != content(rival)


def test_an_interrupted_rival_ends_as_an_undisturbed_one(
    undisturbed, examples, base, start, teacher, tmp_path, monkeypatch
):
    def stop(step, figures):
        if step == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(sft, "SAVE_EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):
        distil(examples, base, start, teacher, tmp_path, watch=stop)
    assert list(tmp_path.glob("checkpoints/*/checkpoint-*"))
    seen = []
    log = distil(
        examples, base, start, teacher, tmp_path, watch=lambda step, figures: seen.append(step)
    )
    assert seen[0] > 1
    assert log == undisturbed[0]
    assert content(tmp_path / "adapter") == content(undisturbed[1])
    assert not list(tmp_path.glob("checkpoints/*"))


def questions_of(examples):
    """Questions that hold the prompt's own word for a solution."""
    return {
        name: Question(id=name, source="made", question=f"{name} {{solution}}?", answer="1")
        for name in (one.question_id for one in examples)
    }


def test_a_prompt_without_a_place_for_the_solution_is_an_error(
    examples, base, tmp_path, monkeypatch
):
    shutil.copytree("prompts", tmp_path / "prompts")
    (tmp_path / "prompts/teacher/solution.txt").write_text("Explain.\n\n{question}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^prompts/teacher/solution.txt: has no {solution}"):
        gkd.show_solutions(job(examples, base, tmp_path), questions_of(examples))


def test_a_teacher_that_sees_solutions_teaches_something_else(
    undisturbed, examples, base, start, tokenizer, tmp_path
):
    shown = gkd.show_solutions(job(examples, base, tmp_path), questions_of(examples))
    for example, prompt in zip(examples, shown, strict=True):
        assert f"\n{example.question_id} {{solution}}?\n" in prompt
        assert prompt.index("?\n") < prompt.index(example.completion)
        assert prompt.endswith("assistant\n")
    log = distil(examples, base, start, start, tmp_path, shown=shown)
    # Without them it is its own teacher; in bfloat16, merging an adapter rounds.
    alike = distil(examples, base, start, start, tmp_path / "none")
    assert alike.curve[0][1] < 0.01 * log.curve[0][1]


def test_without_texts_of_its_own_a_rival_writes_none(
    examples, base, start, teacher, tmp_path, monkeypatch
):
    def write(*_):
        raise AssertionError

    monkeypatch.setattr(GKDTrainer, "generate_on_policy_outputs", write)
    log = distil(examples, base, start, teacher, tmp_path, lmbda=0.0)
    whole = encode(loading.load_tokenizer(base), examples, sys.maxsize).rows
    assert log.completion_tokens == 3 * sum(
        label != IGNORED for row in whole for label in row["labels"]
    )


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_loss_is_trl_s_own(examples, base, start, teacher, tokenizer, tmp_path, beta):
    rival = RIVAL.model_copy(update={"beta": beta})
    asked = dataclasses.replace(job(examples, base, tmp_path), start=start, schedule=rival)
    rows = rows_of(tokenizer, examples[:4])
    loop = gkd.build(asked, rival, teacher, rows, tmp_path)
    for model in (loop.model, loop.teacher_model):
        model.float()  # bfloat16, where a machine has it, rounds more than the two may differ
    ours = loop.compute_loss(loop.model, loop.data_collator(rows))
    theirs = GKDTrainer.compute_loss(loop, loop.model, loop.data_collator(rows))
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-4)


def test_padding_changes_no_logits(examples, base, start, tokenizer):
    rows = rows_of(tokenizer, examples[:6])
    model = loading.load(base, start, BEST).model
    collate = gkd.Collator(0)

    def logits(some):
        batch = collate(some)
        width = batch["prompts"].shape[1]
        answers, mask = batch["input_ids"][:, width:], batch["attention_mask"][:, width:]
        found = gkd.read(model, batch["prompts"], batch["prompt_attention_mask"], answers, mask)
        return [one[own == 1] for one, own in zip(found, mask, strict=True)]

    with torch.no_grad():
        for together, row in zip(logits(rows), rows, strict=True):
            torch.testing.assert_close(together, logits([row])[0], rtol=1e-3, atol=1e-3)


def test_students_that_are_whole_models_distil_too(examples, base, tmp_path):
    for name, seed in (("start", 0), ("teacher", 1)):
        run(examples[: 4 + 8 * seed], base, tmp_path / name, seed=seed, changed={"lora": None})
    start, teacher = (tmp_path / name / "adapter" for name in ("start", "teacher"))
    whole = job(examples[:8], base, tmp_path / "rival", lora=None)
    asked = dataclasses.replace(whole, start=start, schedule=RIVAL)
    assert gkd.distil(asked, RIVAL, teacher).final_loss > 0
    assert loading.is_whole(tmp_path / "rival" / "adapter")
