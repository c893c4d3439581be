"""What the card computes, held against the CPU, against a reference, and against itself."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.gpu.parts import Check, asked, examples, load, peak, train_settings
from siked.errors import UserError
from siked.records import Example

SAME = 0.95
"""Share of samples that are to be the same in float32: sums of another order part near ties."""
NEAR = 0.02
"""Relative difference of two trainers' losses at a step."""
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "nothing recomputed": {"gradient_checkpointing": "none"},
    "4 batches of 4": {"batch_size": 4, "gradient_accumulation": 4},
    "DoRA": {"lora": {"dora": True}},
    "rsLoRA": {"lora": {"rslora": True}},
    "dropout": {"lora": {"dropout": 0.1}},
    "4 bits": {"lora": {"base_bits": 4}},
    "all weights": {"lora": None},
}
"""What is changed in the demo's settings."""


def kernel(check: Check) -> dict[str, Any]:
    """TRL's loss in Triton against cross entropy in float64: its value and its gradient."""
    if check.device == "cpu":
        return {"skipped": "it runs on a card alone"}
    import torch
    from trl.kernels.chunked_logprob import ChunkedLogProbFunction

    torch.manual_seed(0)
    rows, width, vocabulary = 777, 576, 49152
    hidden = torch.randn(rows, width, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    weight = (torch.randn(vocabulary, width, device="cuda") * 0.05).to(torch.bfloat16)
    labels = torch.randint(vocabulary, (rows,), device="cuda")
    options = (1.0, 8192, None, 1.0, ("log_probs",))
    loss = -ChunkedLogProbFunction.apply(hidden, weight, None, labels, *options)[0].mean()
    loss.backward()
    exact = hidden.detach().double().requires_grad_()
    reference = torch.nn.functional.cross_entropy(exact @ weight.double().t(), labels)
    reference.backward()
    found, wanted = (one.grad.double() for one in (hidden, exact) if one.grad is not None)
    away = float((found - wanted).norm() / wanted.norm())
    wrong = {"wrong": "the gradient"} if away > NEAR else {}
    return {"loss": float(loss), "reference": float(reference), "gradient off by": away} | wrong


def engine(check: Check) -> dict[str, Any]:
    """What the engine writes: the card as the CPU, any batch as another, twice the same."""
    import torch
    from transformers import AutoModelForCausalLM

    from siked.generation.engine import Sampling, open_engine
    from siked.models.loading import load_tokenizer, stored_end_tokens
    from siked.prompts import encode
    from siked.settings import TransformersSettings

    prompts = asked(4 if check.small else 12)
    long = 16 if check.small else 48
    samplings = {
        "drawn": Sampling(samples=4, temperature=0.7, top_k=50, max_new_tokens=long, seed=1),
        "greedy": Sampling(samples=1, temperature=0.0, max_new_tokens=long),
        "top-p": Sampling(samples=2, temperature=1.0, top_p=0.95, max_new_tokens=16, seed=2),
    }

    def texts(
        device: str, sampling: Sampling, dtype: str = "float32", tokens: int = 131_072
    ) -> Any:
        settings = TransformersSettings.model_validate(
            {"name": "transformers", "device": device, "dtype": dtype, "batch_tokens": tokens}
        )
        written = open_engine(settings, check.base).generate(prompts, sampling)
        return {(one.prompt, one.sample): one.text for one in written}

    told: dict[str, Any] = {}
    wrong: list[str] = []

    def compare(name: str, mine: dict[Any, str], others: dict[Any, str], least: float) -> None:
        same = sum(mine[key] == others[key] for key in mine)
        told[name] = f"{same}/{len(mine)}"
        if same < least * len(mine):
            wrong.append(name)
        check.keep("exact-engine", told)

    for name, sampling in samplings.items():
        mine = texts(check.device, sampling)
        compare(f"{name}, as the CPU", mine, texts("cpu", sampling), SAME)
        small = texts(check.device, sampling, tokens=600)
        compare(f"{name}, in small batches", mine, small, SAME)
        once, again = (texts(check.device, sampling, "bfloat16") for _ in range(2))
        compare(f"{name}, bfloat16 twice", once, again, 1.0)
    tokenizer = load_tokenizer(check.base)
    model = AutoModelForCausalLM.from_pretrained(check.base, dtype=torch.float32)
    model = model.to(check.device).eval()
    theirs = {}
    for place, prompt in enumerate(prompts):
        ids = torch.tensor([encode(tokenizer, prompt)], device=check.device)
        out = model.generate(
            ids,
            do_sample=False,
            max_new_tokens=long,
            eos_token_id=sorted(stored_end_tokens(check.base, tokenizer)),
            pad_token_id=tokenizer.pad_token_id,
        )
        theirs[place, 0] = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    compare("greedy, as model.generate", texts(check.device, samplings["greedy"]), theirs, SAME)
    return told | ({"wrong": ", ".join(wrong)} if wrong else {})


def training(check: Check, trainer: str) -> dict[str, Any]:
    """Every kind of training; its losses beside peft's; twice the same bytes; a cut run as a whole.

    The adapter that it leaves is opened by the transformers engine.
    """
    load(trainer)
    rows = examples(check, 48 if check.small else 192)
    part = f"exact-{trainer}"
    told: dict[str, Any] = {}
    wrong: list[str] = []
    losses: dict[str, list[float]] = {}
    for name, changed in KINDS.items():
        check.keep(part, told)
        started = time.perf_counter()
        try:
            seen, out = fit(check, trainer, rows, name, changed)
        except UserError as error:
            told[name] = str(error)
            continue
        losses[name] = seen
        took = time.perf_counter() - started
        told[name] = f"loss {seen[0]:.3f} to {seen[-1]:.3f} in {took:.0f} s, {peak(check)} GB"
        if name == "plain":
            again = fit(check, trainer, rows, "again", changed)[1]
            told["twice the same bytes"] = digest(out) == digest(again)
            check.keep(part, told)
            cut = cut_and_resumed(check, trainer, rows, len(seen) // 2)
            told["cut by Ctrl-C and resumed, the same bytes"] = digest(out) == digest(cut)
            wrong += opened(check, out)
    for name in ("nothing recomputed", "4 batches of 4"):
        if away(losses[name], losses["plain"]) > NEAR:
            wrong.append(f"{name}: other losses than plain")
    peft = check.work / "losses-peft.json"
    if trainer == "peft":
        peft.write_text(json.dumps(losses), encoding="utf-8")
    elif peft.exists():
        theirs = json.loads(peft.read_text(encoding="utf-8"))
        gaps = {name: away(losses[name], theirs[name]) for name in losses if name in theirs}
        told["losses off peft's by"] = {name: f"{gap:.1%}" for name, gap in gaps.items()}
        wrong += [f"{name}: other losses than peft" for name, gap in gaps.items() if gap > NEAR]
    wrong += [name for name, found in told.items() if found is False]
    return told | ({"wrong": "; ".join(wrong)} if wrong else {})


def fit(
    check: Check,
    trainer: str,
    rows: list[Example],
    name: str,
    changed: dict[str, Any],
    watch: Callable[[int], None] = lambda _: None,
) -> tuple[list[float], Path]:
    """Train once; return the loss of each step, and the student's folder."""
    from siked.settings import Schedule
    from siked.training.train import train

    settings = train_settings()
    update = {"warmup_steps": 2, "trainer": trainer} | changed
    if update.get("lora"):
        update["lora"] = settings.lora.model_copy(update=changed["lora"])  # type: ignore[union-attr]
    losses: list[float] = []

    def seen(step: int, figures: dict[str, float]) -> None:
        losses.append(float(figures["loss"]))
        watch(step)

    out = check.work / f"student-{trainer}-{name.replace(' ', '-')}"
    shutil.rmtree(out, ignore_errors=True)
    train(
        rows,
        base=check.base,
        start=None,
        settings=settings.model_copy(update=update),
        schedule=Schedule(epochs=1, learning_rate=2e-4 if update.get("lora", 1) is None else 1e-3),
        seed=1,
        out=out,
        checkpoints=check.work / f"checkpoints-{out.name}",
        watch=seen,
    )
    return losses, out


def cut_and_resumed(check: Check, trainer: str, rows: list[Example], step: int) -> Path:
    """Train, press Ctrl-C after a step, go on from the checkpoint."""

    def stop(now: int) -> None:
        if now == step:
            os.kill(os.getpid(), signal.SIGINT)

    try:
        fit(check, trainer, rows, "cut", {}, stop)
    except KeyboardInterrupt:
        return fit(check, trainer, rows, "cut", {})[1]
    raise SystemExit("Ctrl-C did not stop the training")


def opened(check: Check, adapter: Path) -> list[str]:
    """Let the transformers engine open an adapter and write with it; what is wrong with that."""
    from siked.generation.engine import Sampling, open_engine
    from siked.settings import TransformersSettings

    settings = TransformersSettings.model_validate(
        {"name": "transformers", "device": check.device, "dtype": "auto", "batch_tokens": 32_768}
    )
    greedy = Sampling(samples=1, temperature=0.0, max_new_tokens=8)
    prompts = asked(2)
    written = list(open_engine(settings, check.base, adapter).generate(prompts, greedy))
    return [] if len(written) == len(prompts) else ["its adapter does not write"]


def away(losses: list[float], others: list[float]) -> float:
    """The largest relative difference at a step."""
    pairs = zip(losses, others, strict=True)
    return max(abs(one - other) / max(other, 1e-6) for one, other in pairs)


def digest(folder: Path) -> str:
    """The weights' sha256."""
    (weights,) = sorted(folder.glob("*.safetensors"))
    return hashlib.sha256(weights.read_bytes()).hexdigest()
