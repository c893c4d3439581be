"""Picking the next token so that a sample does not depend on its batch.

All of a sample's randomness is drawn beforehand, from the seed, its prompt's text and its number.
A token is then picked by inverting the cumulative distribution of the candidates in order of
probability: the same number and the same logits give the same token, whatever else is computed
beside them. Nothing but the candidates is turned into probabilities: over the whole vocabulary
that costs more than the model on a CPU.
"""

import hashlib

import numpy as np
import torch

from siked.generation.engine import Sampling

HEAD = 1024
"""Without ``top_k``, the likeliest tokens that are looked at before all of them are sorted."""


def uniforms(seed: int, prompt: str, sample: int, count: int) -> np.ndarray:
    """Return the numbers in [0, 1) that decide a sample's first ``count`` tokens.

    More tokens or more samples leave the earlier numbers as they are.
    """
    key = hashlib.blake2b(f"{seed}\n{sample}\n{prompt}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "big"))).random(count)


class Candidates:
    """The tokens that may come next in each of N contexts.

    Args:
        logits: [contexts, vocabulary].
        sampling: temperature, ``top_k`` and ``top_p``, applied in this order.
    """

    def __init__(self, logits: torch.Tensor, sampling: Sampling) -> None:
        self._logits = logits
        self._sampling = sampling
        vocabulary = logits.shape[-1]
        if sampling.temperature == 0:
            self._tokens = logits.argmax(-1, keepdim=True)
            return
        count = min(sampling.top_k or HEAD, vocabulary)
        values, self._tokens = logits.topk(count)
        scaled = values.double() / sampling.temperature
        self._is_whole = bool(sampling.top_k) or count == vocabulary
        if self._is_whole:
            self._probabilities = scaled.softmax(-1)
        else:
            whole = (logits.float() / sampling.temperature).logsumexp(-1, keepdim=True)
            self._probabilities = (scaled - whole).exp()

    def pick(self, contexts: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """Pick one token for each of R rows.

        Args:
            contexts: [rows], the context of each.
            numbers: [rows], in [0, 1).

        Returns:
            [rows], token ids.
        """
        if self._sampling.temperature == 0:
            return self._tokens[contexts, 0]
        tokens, probabilities = self._tokens[contexts], self._probabilities[contexts]
        picked = _invert(tokens, probabilities, numbers, self._sampling.top_p)
        if not self._is_whole:
            # The head's probabilities do not sum to 1: what lies beyond it may be meant.
            top_p = self._sampling.top_p
            wanted = torch.full_like(numbers, top_p) if top_p < 1 else numbers
            beyond = (probabilities.sum(-1) <= wanted).nonzero().squeeze(1)
            if len(beyond):
                logits = self._logits[contexts[beyond]].double() / self._sampling.temperature
                values, tokens = logits.sort(descending=True, stable=True)
                picked[beyond] = _invert(tokens, values.softmax(-1), numbers[beyond], top_p)
        return picked


def _invert(
    tokens: torch.Tensor, probabilities: torch.Tensor, numbers: torch.Tensor, top_p: float
) -> torch.Tensor:
    """The tokens at which the cumulative distribution, cut at ``top_p``, passes the numbers."""
    cumulative = probabilities.cumsum(-1)
    if top_p < 1:
        kept = (cumulative - probabilities) < top_p
        total = (probabilities * kept).sum(-1)
        last = kept.sum(-1, keepdim=True) - 1
    else:
        total = cumulative[:, -1].clamp(min=1)
        last = torch.full_like(tokens[:, :1], tokens.shape[-1] - 1)
    place = torch.searchsorted(cumulative, (numbers * total)[:, None], right=True)
    return tokens.gather(-1, torch.minimum(place, last)).squeeze(-1)
