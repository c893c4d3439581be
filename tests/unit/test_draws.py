"""Drawing tokens: the right distribution, from numbers fixed beforehand."""

import pytest
import torch

from siked.generation.decoding.draws import HEAD, Candidates, uniforms
from siked.generation.engine import Sampling

DRAWS = 4000


def shares(logits, sampling):
    """How often each token is picked for evenly spread numbers."""
    numbers = (torch.arange(DRAWS, dtype=torch.float64) + 0.5) / DRAWS
    picked = Candidates(logits[None], sampling).pick(torch.zeros(DRAWS, dtype=torch.long), numbers)
    return torch.bincount(picked, minlength=len(logits)).double() / DRAWS


def wanted(logits, sampling):
    """The distribution by its definition: temperature, then top k, then top p."""
    scaled = logits.double() / sampling.temperature
    if sampling.top_k:
        scaled[scaled < scaled.topk(sampling.top_k).values[-1]] = -torch.inf
    probabilities = scaled.softmax(-1)
    if sampling.top_p < 1:
        ordered, places = probabilities.sort(descending=True)
        before = ordered.cumsum(0) - ordered
        probabilities[places[before >= sampling.top_p]] = 0
    return probabilities / probabilities.sum()


@pytest.mark.parametrize("top_p", [1.0, 0.9, 0.3])
@pytest.mark.parametrize("top_k", [0, 7])
@pytest.mark.parametrize("vocabulary", [50, HEAD * 3])
def test_tokens_come_as_often_as_the_settings_say(vocabulary, top_k, top_p):
    torch.manual_seed(0)
    logits = torch.randn(vocabulary)
    sampling = Sampling(samples=1, temperature=0.7, top_k=top_k, top_p=top_p)
    assert torch.allclose(shares(logits, sampling), wanted(logits, sampling), atol=2 / DRAWS)


def test_greedy_takes_the_likeliest():
    logits = torch.tensor([[0.0, 3.0, 1.0], [2.0, 0.0, 1.0]])
    picked = Candidates(logits, Sampling()).pick(torch.tensor([1, 0, 1]), torch.rand(3))
    assert picked.tolist() == [0, 1, 0]


def test_numbers_are_a_samples_own():
    one = uniforms(1, "prompt", 0, 8)
    assert (uniforms(1, "prompt", 0, 20)[:8] == one).all()
    assert ((one >= 0) & (one < 1)).all()
    others = [uniforms(2, "prompt", 0, 8), uniforms(1, "other", 0, 8), uniforms(1, "prompt", 1, 8)]
    assert not any((other == one).any() for other in others)
