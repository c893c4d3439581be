"""How fast a card is: a training, generations by each engine, one at the paper's scale."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.gpu.parts import (
    STRATEGIES,
    Check,
    asked,
    examples,
    load,
    peak,
    train_settings,
    wait,
)
from siked.generation.engine import Sampling

WARM = 5
"""Optimiser steps before the clock starts: kernels are compiled in the first ones."""
QUESTIONS, SAMPLES = 7_473, 10
"""The paper's generation: GSM8K's train questions, with each strategy."""
SAMPLING = Sampling(samples=SAMPLES, temperature=0.7, top_k=50, max_new_tokens=96, seed=1)


def training(check: Check, trainer: str) -> dict[str, Any]:
    """The student learns from the demo teacher's rationales; the first steps are not timed."""
    load(trainer)
    from siked.settings import Schedule
    from siked.training.train import train

    moments: list[float] = []
    told: dict[str, Any] = {"trainer": trainer}

    def seen(step: int, figures: dict[str, float]) -> None:
        moments.append(time.perf_counter())
        if step > WARM:
            each = (moments[-1] - moments[WARM - 1]) / (len(moments) - WARM)
            told.update({"steps": step, "ms a step": round(1e3 * each), "loss": figures["loss"]})
            check.keep(f"train-{trainer}", told)

    log = train(
        examples(check, check.examples),
        base=check.base,
        start=None,
        settings=train_settings().model_copy(update={"trainer": trainer}),
        schedule=Schedule(epochs=1, learning_rate=1e-3),
        seed=1,
        out=adapter_of(check, trainer),
        checkpoints=check.work / f"checkpoints-{trainer}",
        watch=seen,
    )
    warm = min(WARM, len(moments) - 1)
    # Steps have about the same number of tokens: those that are timed have their share.
    timed = log.tokens * (len(moments) - warm) / len(moments)
    took = moments[-1] - moments[warm - 1]
    return {
        "trainer": log.trainer,
        "on": f"{log.device}, {log.dtype}",
        "steps": log.steps,
        "ms a step": round(1e3 * took / (len(moments) - warm)),
        "tokens a second": round(timed / took),
        "peak memory, GB": peak(check),
        "final loss": round(log.final_loss, 3),
    }


def generation(check: Check, engine: str) -> dict[str, Any]:
    """The student that peft trained writes ten samples for each prompt."""
    from siked.generation.engine import open_engine
    from siked.settings import VllmSettings

    settings: Any = transformers_settings(check)
    if engine == "vllm":
        eager = check.device == "cpu"
        settings = VllmSettings(name="vllm", dtype="auto", max_model_len=1024, enforce_eager=eager)
    started = time.perf_counter()
    writer = open_engine(settings, check.base, trained(check))
    prompts = asked(check.asked)
    list(writer.generate(prompts[:2], SAMPLING))  # compiles and warms up
    ready = time.perf_counter() - started
    started = time.perf_counter()
    written = list(writer.generate(prompts, SAMPLING))
    took = time.perf_counter() - started
    tokens = sum(one.completion_tokens for one in written)
    return {
        "engine": engine,
        "ready after, s": round(ready, 1),
        "samples": len(written),
        "tokens": tokens,
        "tokens a second": round(tokens / took),
        "peak memory, GB": peak(check),
    }


def model_generate(check: Check) -> dict[str, Any]:
    """Transformers' own ``generate``, for a quarter of the same prompts in one padded batch."""
    import torch

    from siked.models import loading
    from siked.prompts import encode

    loaded = loading.load(check.base, trained(check), transformers_settings(check))
    loaded.model.set_attn_implementation("sdpa")  # its own default
    ids = [encode(loaded.tokenizer, one) for one in asked(max(2, check.asked // 4))]
    pad, longest = loaded.tokenizer.pad_token_id or 0, max(map(len, ids))
    padded = torch.tensor([[pad] * (longest - len(one)) + one for one in ids])
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in ids])
    ends = sorted(loading.end_tokens(loaded))
    for _ in range(2):  # the first one warms up
        wait(check)
        started = time.perf_counter()
        out = loaded.model.generate(
            padded.to(check.device),
            attention_mask=mask.to(check.device),
            do_sample=True,
            temperature=SAMPLING.temperature,
            top_k=SAMPLING.top_k,
            num_return_sequences=SAMPLES,
            max_new_tokens=SAMPLING.max_new_tokens,
            eos_token_id=ends,
            pad_token_id=pad,
        )
        wait(check)
        took = time.perf_counter() - started
    ended = torch.isin(out[:, longest:], torch.tensor(ends, device=out.device))
    tokens = int((ended.cumsum(1) - ended.int() == 0).sum())
    return {
        "engine": "model.generate",
        "samples": len(out),
        "tokens": tokens,
        "tokens a second": round(tokens / took),
        "peak memory, GB": peak(check),
    }


def scale(check: Check) -> dict[str, Any]:
    """As much as two minutes allow of a generation at the paper's scale, and what all would take.

    Batches come from all lengths, so that a part says what the whole would take.
    """
    from siked.generation.transformers import TransformersEngine

    count, allowed = (30, 5.0) if check.small else (QUESTIONS, 120.0)
    prompts = asked(count, STRATEGIES)
    long = 16 if check.small else 256
    sampling = replace(SAMPLING, max_new_tokens=long)
    writer = TransformersEngine(check.base, trained(check), transformers_settings(check))
    batches = writer.batches(prompts, sampling)
    width = max(1, len(batches) // 8)
    order = [batch for first in range(width) for batch in batches[first::width]]
    samples = tokens = 0
    told: dict[str, Any] = {}
    started = time.perf_counter()
    for done, batch in enumerate(order, start=1):
        for one in writer.complete(prompts, sampling, [batch]):
            samples += 1
            tokens += one.completion_tokens
        took = time.perf_counter() - started
        told = {
            "samples": samples,
            "batches": f"{done} of {len(batches)}",
            "tokens a second": round(tokens / took),
            "seconds": round(took),
            "all of it, s": round(took * len(prompts) * SAMPLES / samples),
            "peak memory, GB": peak(check),
        }
        check.keep("scale", told)
        if took > allowed:
            break
    return told


def profile(check: Check) -> dict[str, Any]:
    """How often a decode step and a training step launch a kernel, and how long the card works."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiled

    from siked.generation.transformers import TransformersEngine
    from siked.models.loading import load_tokenizer
    from siked.settings import Schedule
    from siked.training import loop
    from siked.training.examples import encode
    from siked.training.job import Job
    from siked.training.peft import PeftTrainer

    kinds = [ProfilerActivity.CPU, ProfilerActivity.CUDA]
    kinds = kinds if check.device == "cuda" else kinds[:1]
    told: dict[str, Any] = {}
    steps = 8

    def measure(name: str, work: Any) -> None:
        work()
        wait(check)
        started = time.perf_counter()
        work()
        wait(check)
        took = time.perf_counter() - started
        with profiled(activities=kinds) as seen:
            work()
            wait(check)
        averages = seen.key_averages()
        launches = sum(one.count for one in averages if "LaunchKernel" in one.key)
        busy = sum(
            one.self_device_time_total for one in averages if str(one.device_type).endswith("CUDA")
        )
        told[name] = (
            f"{took * 1e3:.0f} ms, {launches} launches, the card busy for {busy / 1e3:.0f} ms"
        )
        check.keep("profile", told)

    writer = TransformersEngine(check.base, None, transformers_settings(check))
    prompts = asked(4 if check.small else 64)
    sampling = replace(SAMPLING, max_new_tokens=steps)
    measure(f"prompts and {steps} tokens", lambda: list(writer.generate(prompts, sampling)))
    settings = train_settings()
    job = Job(
        examples=tuple(examples(check, 16 * 4)),
        base=check.base,
        start=None,
        settings=settings.model_copy(update={"trainer": "peft"}),
        schedule=Schedule(epochs=1, learning_rate=1e-3),
        seed=1,
        out=check.work / "profiled",
        checkpoints=check.work / "profiled-checkpoints",
    )
    rows = encode(load_tokenizer(check.base), job.examples, settings.max_length).rows
    made = loop.build(job, rows, job.checkpoints, PeftTrainer())
    measure("4 training steps", made.train)
    return told


def transformers_settings(check: Check) -> Any:
    """The engine as the preset for a card has it."""
    from siked.settings import TransformersSettings

    return TransformersSettings.model_validate(
        {"name": "transformers", "device": check.device, "dtype": "auto", "batch_tokens": "auto"}
    )


def adapter_of(check: Check, trainer: str) -> Path:
    """The folder of the student that a trainer makes."""
    return check.work / f"adapter-{trainer}"


def trained(check: Check) -> Path | None:
    """The student that peft trained, where that part has run."""
    adapter = adapter_of(check, "peft")
    return adapter if adapter.exists() else None
