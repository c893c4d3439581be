"""How likely a student is to begin with each strategy's tag."""

import pytest
import torch

from benchmarks.tags import FLOAT32, weigh
from siked.models.loading import load
from siked.prompts import encode, student_prompt, tag_line, tokens
from siked.records import Question
from tests.tiny_student import build

STRATEGIES = ("cot", "l2m", "pot")


def test_tags_weigh_as_whole_texts_do(tmp_path):
    loaded = load(build(tmp_path / "base"), None, FLOAT32)
    asked = [
        Question(id=text, source="made", question=text, answer="1")
        for text in ("How many?", "Ann has 3 bags of 4 figs. How many figs has she?")
    ]
    found = weigh(loaded, asked, STRATEGIES)
    assert list(found) == [one.id for one in asked]
    for question in asked:
        prompt = encode(loaded.tokenizer, student_prompt(question.question))
        likely = []
        for strategy in STRATEGIES:
            ids = prompt + tokens(loaded.tokenizer, tag_line(strategy))
            with torch.no_grad():
                logits = loaded.model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
            at = range(len(prompt), len(ids))
            likely.append(sum(logits[place - 1, ids[place]] for place in at))
        assert found[question.id] == pytest.approx(torch.stack(likely).softmax(0).tolist(), 1e-4)
