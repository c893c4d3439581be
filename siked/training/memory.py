"""How much of a card's memory a training takes, and what follows: batches, and what is recomputed.

A card that is far from full does the examples of a step at once, whatever `batch_size` cuts them
into, and keeps what the backward pass needs instead of computing it again. Neither changes what is
learnt, but for rounding. A CPU takes the settings as they are: more rows at once save it nothing.
"""

from typing import Any, NamedTuple

import torch

from siked.models import loading as models
from siked.training.job import Job

FILLED = 0.5
"""Share of a card that a training may take by the estimate: the rest is for what it leaves out."""
WIDTHS, INNER_WIDTHS = 24, 8
"""Numbers that a layer keeps of a token for the backward pass, in widths of the model and of its
feed-forward part: the inputs of its products, norms and activations, and those of the adapter."""
HALF = 2
"""Bytes of a number in bfloat16."""
OPTIMISER = 16
"""Bytes of a weight that learns: float32, its gradient and AdamW's two moments."""


class BatchPlan(NamedTuple):
    """How a card does the examples of an optimiser step."""

    batch_size: int
    """Examples that it computes with at once."""
    accumulation: int
    """Such batches of a step."""
    recomputes: bool
    """Whether the backward pass computes anew what the forward pass had."""


def plan(job: Job, device: torch.device) -> BatchPlan:
    """Return how a device does a job's steps.

    On a card it is the largest batch that divides a step and fits without recomputing; where not
    even `batch_size` fits, that one with recomputing. `gradient_checkpointing` is obeyed where it
    is not `auto`.

    Args:
        job: the job.
        device: where to compute.

    Raises:
        UserError: ``base`` is not a model.
    """
    settings = job.settings
    size, count = settings.batch_size, settings.gradient_accumulation
    asked = settings.gradient_checkpointing
    if device.type != "cuda":
        return BatchPlan(size, count, asked not in ("auto", "none"))
    model = models.load_weights(job.base, device_map="meta")
    held = model.num_parameters() * (HALF if settings.lora else OPTIMISER)
    room = FILLED * torch.cuda.get_device_properties(device).total_memory - held
    fitting = int(room / (settings.max_length * _of_a_token(model.config.get_text_config())))
    wholes = [n for n in range(2, count + 1) if count % n == 0 and n * size <= fitting]
    merged = max(wholes, default=1)
    recomputes = size > fitting if asked == "auto" else asked != "none"
    return BatchPlan(merged * size, count // merged, recomputes)


def _of_a_token(config: Any) -> int:
    """Bytes that one token leaves in all layers."""
    width = config.hidden_size
    inner = getattr(config, "intermediate_size", None) or 4 * width
    return int(HALF * config.num_hidden_layers * (WIDTHS * width + INNER_WIDTHS * inner))
