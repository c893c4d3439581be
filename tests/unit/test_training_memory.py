"""A card with room takes a step's examples at once and computes nothing twice."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from siked.training.memory import plan
from tests.tiny_student import build
from tests.training_jobs import job

CARD = torch.device("cuda")
SIZES = [int(2**16 * 1.2**step) for step in range(40)]
"""Bytes of a card."""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return build(tmp_path_factory.mktemp("student") / "base")


@pytest.fixture
def planned(base, tmp_path, monkeypatch):
    """Plan for a card of so many bytes, 2 x 6 examples a step where nothing else is said."""

    def of(memory, **changed):
        card = SimpleNamespace(total_memory=memory)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
        changed = {"batch_size": 2, "gradient_accumulation": 6} | changed
        return plan(job([], base, tmp_path, **changed), CARD)

    return of


def test_the_larger_the_card_the_larger_its_batches_and_a_step_has_as_many_examples(planned):
    plans = [planned(memory) for memory in SIZES]
    assert plans[0] == (2, 6, True)
    assert plans[-1] == (12, 1, False)
    sizes = [one.batch_size for one in plans]
    assert sizes == sorted(sizes)
    assert set(sizes) == {2, 4, 6, 12}
    assert all(one.batch_size * one.accumulation == 12 for one in plans)
    assert sum(one.recomputes != other.recomputes for one, other in pairwise(plans)) == 1


def test_what_is_asked_for_is_done_whatever_the_card(planned):
    assert planned(1 << 16, gradient_checkpointing="none").recomputes is False
    assert planned(1 << 35, gradient_checkpointing="full").recomputes is True


def test_all_weights_take_more_of_a_card_than_an_adapter(planned):
    adapter = [planned(memory, max_length=8).batch_size for memory in SIZES]
    whole = [planned(memory, max_length=8, lora=None).batch_size for memory in SIZES]
    assert adapter > whole


def test_a_cpu_takes_the_settings_as_they_are(base, tmp_path):
    changed = {"batch_size": 2, "gradient_accumulation": 6}
    assert plan(job([], base, tmp_path, **changed), torch.device("cpu")) == (2, 6, False)
