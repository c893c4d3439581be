"""CONTRIBUTING.md's recipes, followed to the letter in a copy of the repository."""

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.functional.checkout import ROOT, Checkout

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"`([\w./-]+/[\w.-]+\.\w+|params\.yaml)`")
BELOW = re.compile(r"below the line `([^`]+)`")


class Block(NamedTuple):
    """A fenced block and what stands before it."""

    said: str
    language: str
    text: str


def recipes() -> dict[str, list[Block]]:
    """The blocks of each recipe, by its title."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    chapter = text.partition("\n## Recipes\n")[2].partition("\n## ")[0]
    found = {}
    for section in chapter.split("\n### ")[1:]:
        title, _, rest = section.partition("\n")
        blocks, end = [], 0
        for match in FENCE.finditer(rest):
            indent = match[1]  # the list's, which is no part of the file
            lines = match[3].splitlines(keepends=True)
            text = "".join(line.removeprefix(indent) for line in lines)
            blocks.append(Block(rest[end : match.start()], match[2], text))
            end = match.end()
        found[title] = blocks
    return found


def follow(clone: Checkout, blocks: list[Block]) -> None:
    """Do what a recipe says: write files, add lines, change settings, run commands."""
    for block in blocks:
        if block.language == "bash":
            for line in block.text.splitlines():
                clone.run(*shlex.split(line))
        elif block.language == "yaml":
            path = clone.folder / "params.yaml"
            merged = {**yaml.safe_load(path.read_text())}
            merge(merged, yaml.safe_load(block.text))
            path.write_text(yaml.safe_dump(merged, sort_keys=False))
        else:
            write(clone.folder / PATH.findall(block.said)[-1], block)


def write(path: Path, block: Block) -> None:
    """Make a file of a block, or add it to one."""
    if (line := BELOW.search(" ".join(block.said.split()))) is None:
        assert not path.exists(), f"{path}: a recipe writes over a file"
        path.write_text(block.text)
        return
    lines = path.read_text().splitlines(keepends=True)
    assert lines.count(line[1] + "\n") == 1, f"{path}: has no line {line[1]}, or several"
    at = lines.index(line[1] + "\n") + 1
    path.write_text("".join([*lines[:at], block.text, *lines[at:]]))


def merge(into: dict, more: dict) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and key != "engine":
            merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


@pytest.fixture(scope="module")
def clone(tmp_path_factory, tiny_student):
    return Checkout(tmp_path_factory.mktemp("recipes"), tiny_student)


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def is_strategy(folder: Path) -> None:
    written = rows(folder / "data/teacher/rationales/equation.jsonl")
    judged = rows(folder / "data/teacher/verified.jsonl")
    assert written
    assert {one["strategy"] for one in judged if one["correct"]} == {"cot", "equation"}


def is_format(folder: Path) -> None:
    read = rows(folder / "data/questions/test-figs.jsonl")
    assert [(one["id"], one["answer"]) for one in read] == [
        ("figs-00001", "12"),
        ("figs-00002", "7"),
    ]


def is_trainer(folder: Path) -> None:
    assert (
        json.loads((folder / "metrics/students/it0/train.json").read_text())["trainer"] == "frozen"
    )
    assert (folder / "models/students/it0/adapter_model.safetensors").is_file()


def is_engine(folder: Path) -> None:
    answered = rows(folder / "data/students/it0/answers/figs.jsonl")
    assert {one["text"] for one in answered} == {"I do not know.\nFinal Answer: 12"}
    assert [one["correct"] for one in answered] == [True, False]


DID = {
    "A strategy": is_strategy,
    "A question format": is_format,
    "A trainer": is_trainer,
    "An engine": is_engine,
}
"""What is there once a recipe has been followed; the recipes build on one another here."""


def test_every_recipe_is_followed():
    assert list(recipes()) == list(DID)


@pytest.mark.parametrize("title", DID)
def test_a_recipe_to_the_letter_gives_what_it_says(title, clone):
    follow(clone, recipes()[title])
    DID[title](clone.folder)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("engine.name", "engine.name: 'echo': there are 'phrase', 'transformers', 'vllm'"),
        ("train.trainer", "train.trainer: 'echo': there are auto, frozen, peft, unsloth"),
        (
            "questions.train.demo.format",
            "questions.train.demo.format: 'echo': there are tsv, gsm8k",
        ),
    ],
)
def test_a_name_that_is_not_in_the_table_stops_at_once_in_one_line(key, says, clone):
    before = clone.params()
    clone.set(key, "echo")
    try:
        output = clone.stage("settings", fails=True)
    finally:
        (clone.folder / "params.yaml").write_text(yaml.safe_dump(before, sort_keys=False))
    assert says in output
    assert "Traceback" not in output


def test_what_was_added_is_documented(clone):
    shown = clone.run("python", "-m", "siked", "params")
    assert "`phrase`: What every completion says." in shown
    assert "Which: phrase, transformers, vllm or auto." in shown
    assert "frozen" in shown
    assert "tsv" in shown
