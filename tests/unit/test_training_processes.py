"""Several processes train as one does: same data, steps and student; and they end together."""

import signal

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from siked.errors import UserError
from tests.tiny_student import build
from tests.training_jobs import begin, content, examples_of, finished, killed_at, run

TWO = {"processes": 2, "batch_size": 2, "gradient_accumulation": 2}
ONE = {"processes": 1, "batch_size": 2, "gradient_accumulation": 4}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return build(tmp_path_factory.mktemp("student") / "base")


@pytest.fixture(scope="module")
def examples(base):
    return examples_of(AutoTokenizer.from_pretrained(base))


def test_two_processes_take_the_steps_of_one_that_accumulates_twice(examples, base, tmp_path):
    told = []
    two = run(examples, base, tmp_path / "two", changed=TWO, watch=lambda *step: told.append(step))
    one = run(examples, base, tmp_path / "one", changed=ONE)
    assert (two.steps, two.tokens, two.completion_tokens) == (
        one.steps,
        one.tokens,
        one.completion_tokens,
    )
    # Six steps in bfloat16: only the order in which gradients are added up differs.
    assert [loss for _, loss in two.curve] == pytest.approx([loss for _, loss in one.curve], 1e-4)
    assert [(step, figures["loss"]) for step, figures in told] == list(two.curve)
    assert list(content(tmp_path / "two" / "adapter")) == list(content(tmp_path / "one/adapter"))
    assert list((tmp_path / "two" / "checkpoints").rglob("*")) == []


def test_a_lost_process_ends_all_and_ctrl_c_saves_and_the_rest_comes_out_the_same(base, tmp_path):
    undisturbed = finished(begin(base, tmp_path / "whole", changed=TWO))
    disturbed = tmp_path / "disturbed"
    code, said = killed_at(1, signal.SIGKILL, base, disturbed, child=1, changed=TWO)
    assert code == 1
    assert said.splitlines()[-1].startswith("error: a process of the training was ended (SIGKILL)")
    code, said = killed_at(3, signal.SIGINT, base, disturbed, changed=TWO)
    assert code == 130
    assert "Traceback" not in said
    assert not (disturbed / "adapter").exists()
    assert finished(begin(base, disturbed, changed=TWO)) == undisturbed
    assert content(disturbed / "adapter") == content(tmp_path / "whole" / "adapter")


def test_an_error_in_a_process_is_one_line(examples, tmp_path):
    folder = tmp_path / "broken"
    model = AutoModelForCausalLM.from_pretrained(build(folder))
    model.model.norm.weight.data.fill_(float("nan"))
    model.save_pretrained(folder)
    with pytest.raises(UserError, match="not a number at step 1: lower learning_rate"):
        run(examples, folder, tmp_path, changed=TWO)
    assert not (tmp_path / "adapter").exists()
