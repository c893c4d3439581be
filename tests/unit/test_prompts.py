"""Prompts: what a model reads is the same when it trains and when it generates."""

import copy
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from siked import prompts
from siked.errors import UserError
from siked.models.loading import load_renderer, load_tokenizer
from siked.prompts import (
    Prompt,
    completion,
    encode,
    join_thinking,
    messages,
    plain,
    render,
    split_tag,
    split_thinking,
    student_prompt,
    tag_line,
    teacher_prompt,
    tokens,
)
from siked.records import Question, Rationale
from siked.settings import load_params
from siked.verification.sandbox import Sandbox
from siked.verification.verify import verify
from tests import tiny_student

ROOT = Path(__file__).parents[2]
STRATEGIES = ("cot", "l2m", "pot")
EXAMPLE_ANSWERS = (18, 32, 9, 3, 22.5)
"""Of the teacher's example questions, worked out by hand."""
QUESTION = "A baker sells 12 rolls for $3.50 each. How many dollars does she get?"
RATIONALES = [
    "She gets 12 x 3.5 = 42 dollars.\nFinal Answer: 42",
    "rolls_sold = 12\nanswer = rolls_sold * 3.5",
    "12 x 3.5 = 42",
    "$42",
    "(12 + 1) / 2",
    "_x = 1",
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return AutoTokenizer.from_pretrained(tiny_student.build(tmp_path_factory.mktemp("tiny")))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("rationale", RATIONALES)
def test_training_and_generation_see_the_same_tokens(tokenizer, strategy, rationale):
    # Training reads prompt and completion, each tokenised as a whole; generation reads the prompt
    # and the tag, and writes the rationale. One text, or its pieces: the tokens must not differ.
    free, forced = student_prompt(QUESTION), student_prompt(QUESTION, strategy=strategy)
    trained = tokens(tokenizer, render(tokenizer, free)) + tokens(
        tokenizer, completion(strategy, rationale)
    )
    assert encode(tokenizer, forced) + tokens(tokenizer, rationale) == trained
    assert tokens(tokenizer, render(tokenizer, free) + completion(strategy, rationale)) == trained


def test_a_completion_splits_into_its_strategy_and_rationale():
    for strategy in STRATEGIES:
        for rationale in RATIONALES:
            assert split_tag(completion(strategy, rationale), STRATEGIES) == (strategy, rationale)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[pot]: x = 1\nanswer = x", ("pot", "x = 1\nanswer = x")),
        ("\n[cot]:\n\nA.\n", ("cot", "A.")),
        ("[pot]:", ("pot", "")),
        ("[tot]:\nA.", (None, "[tot]:\nA.")),
        ("It is 4. [pot]:\nx", (None, "It is 4. [pot]:\nx")),
        ("[pot] x", (None, "[pot] x")),
        ("", (None, "")),
    ],
)
def test_what_is_no_tag_of_a_taught_strategy_is_none(text, expected):
    assert split_tag(text, STRATEGIES) == expected


def test_a_strategy_that_is_not_taught_does_not_count():
    assert split_tag("[pot]:\nx = 1", ["cot"])[0] is None


def test_student_prompt_is_short_and_holds_the_question_once(tokenizer):
    text = render(tokenizer, student_prompt(QUESTION))
    assert text.count(QUESTION) == 1
    assert text.endswith("<|im_start|>assistant\n")
    assert len(text) - len(QUESTION) < 120


def test_a_forced_strategy_changes_nothing_but_the_prefix(tokenizer):
    free, forced = student_prompt(QUESTION), student_prompt(QUESTION, strategy="l2m")
    assert render(tokenizer, forced) == render(tokenizer, free)
    assert forced.prefix == tag_line("l2m") == "[l2m]:\n"


def test_a_template_without_a_system_role_keeps_its_text(tokenizer, monkeypatch):
    strict = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    monkeypatch.setattr(tokenizer, "chat_template", strict + tokenizer.chat_template)
    text = render(tokenizer, Prompt("q", None, "Be brief.", "How many?"))
    assert "<|im_start|>user\nBe brief.\n\nHow many?<|im_end|>" in text
    assert "system" not in text


def test_without_a_template_the_prompt_is_plain_text(tokenizer, monkeypatch):
    monkeypatch.setattr(tokenizer, "chat_template", None)
    text = render(tokenizer, Prompt("q", None, "Be brief.", "How many?"))
    assert text == plain(Prompt("q", None, "Be brief.", "How many?"))
    assert text == "Be brief.\n\nHow many?\nAnswer:\n"


def changed(tokenizer, folder, **settings):
    """The tokenizer, saved to a model's folder with other settings."""
    tiny_student.build(folder)
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return folder


@pytest.mark.parametrize(
    ("settings", "template", "is_whole"),
    [
        ({}, None, False),
        ({}, "{{ bos_token }}{{ messages[-1]['content'] }}{{ eos_token }}", False),
        ({"tokenizer_class": "LlamaTokenizer"}, None, True),
        ({"bos_token": None}, "{{ bos_token }}{{ messages[-1]['content'] }}", True),
        ({}, "", True),
    ],
)
def test_what_only_renders_renders_what_the_whole_tokenizer_does(
    tokenizer, tmp_path, settings, template, is_whole
):
    made = copy.deepcopy(tokenizer)
    made.chat_template = template if template is not None else tokenizer.chat_template
    folder = changed(made, tmp_path, **settings)
    if template == "":
        (folder / "chat_template.jinja").unlink()
    renderer, whole = load_renderer(folder), load_tokenizer(folder)
    assert isinstance(renderer, type(whole)) is is_whole
    for system in ("", "Solve the problem."):
        for user in (QUESTION, "", " {{ x }}<|im_end|>\n\n", "\u2028é '\"\\"):
            prompt = Prompt("q", None, system, user)
            assert render(renderer, prompt) == render(whole, prompt)


def test_rendering_waits_for_no_pytorch(tmp_path):
    code = (
        "import sys; from pathlib import Path; from siked.models.loading import load_renderer\n"
        "load_renderer(Path(sys.argv[1])); sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tiny_student.build(tmp_path))]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_a_served_model_is_sent_what_a_local_one_renders(tokenizer):
    prompt = teacher_prompt(QUESTION, "cot")
    sent = tokenizer.apply_chat_template(
        messages(prompt), tokenize=False, add_generation_prompt=True
    )
    assert sent == render(tokenizer, prompt)
    assert [one["role"] for one in messages(Prompt("q", None, "", "How many?"))] == ["user"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_teacher_sees_an_instruction_and_five_examples(strategy):
    prompt = teacher_prompt(QUESTION, strategy, question_id="q1")
    assert prompt.question_id == "q1"
    assert prompt.strategy == strategy
    assert len(prompt.system.split()) > 10
    assert prompt.user.endswith(f"Question: {QUESTION}")
    assert len(examples(strategy)) >= 5


def test_strategies_share_their_example_questions():
    first, *others = [[question for question, _ in examples(name)] for name in STRATEGIES]
    assert all(other == first for other in others)


def test_every_example_reaches_its_answer_by_our_own_verifier():
    questions, rationales = {}, []
    for strategy in STRATEGIES:
        for number, (question, rationale) in enumerate(examples(strategy)):
            gold = str(EXAMPLE_ANSWERS[number])
            one = Question(id=f"q{number}", source="prompts", question=question, answer=gold)
            questions[one.id] = one
            rationales.append(
                Rationale(question_id=one.id, strategy=strategy, sample=0, text=rationale)
            )
    with Sandbox(load_params(ROOT / "presets/demo.yaml").verify) as sandbox:
        verdicts = list(verify(rationales, questions, sandbox))
    wrong = [one for one in verdicts if not one.correct]
    assert not wrong
    rules = {one.strategy: one.rule for one in verdicts}
    assert rules == {"cot": "final-answer", "l2m": "final-answer", "pot": "answer-variable"}


def test_the_calculations_of_the_examples_are_right():
    for strategy in ("cot", "l2m"):
        for _, rationale in examples(strategy):
            found = re.findall(r"(\d[\d. x/+-]*) = \$?([\d.]+\d|\d)", rationale)
            assert found, rationale
            for left, right in found:
                assert eval(left.replace("x", "*")) == float(right), left


def examples(strategy: str) -> list[tuple[str, str]]:
    """The worked examples of a teacher's prompt: questions with their rationales."""
    parts = teacher_prompt(QUESTION, strategy).user.split("\n\n")[:-1]
    return [tuple(part.removeprefix("Question: ").split("\nAnswer:\n")) for part in parts]


def test_a_missing_or_hollow_prompt_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(prompts, "FOLDERS", (tmp_path,))
    with pytest.raises(UserError, match=r"student/system\.txt: no such prompt file"):
        student_prompt(QUESTION)
    (tmp_path / "teacher").mkdir()
    (tmp_path / "teacher" / "cot.txt").write_text("Solve it.")
    with pytest.raises(UserError, match=r"cot\.txt: has no \{question\}"):
        teacher_prompt(QUESTION, "cot")


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("<think>", "</think>"),
        ("<THINKING>", "</THINKING>"),
        ("<seed:think>", "</seed:think>"),
        ("<longcat_think>", "</longcat_think>"),
        ("[THINK]", "[/THINK]"),
        ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<|inner_prefix|>", "<|inner_suffix|>"),
        ("<|channel|>analysis<|message|>", "<|end|><|channel|>final<|message|>"),
    ],
)
def test_thinking_is_cut_in_every_spelling_closed_or_not(begin, end):
    for text in (f"{begin}maybe 9{end}it is 7", f"maybe 9{end}it is 7"):
        thinking, answer = split_thinking(text)
        assert answer == "it is 7"
        assert thinking.startswith("maybe 9")
    assert split_thinking(f"it is 7{begin}maybe 9") == ("maybe 9", "it is 7")
    assert split_thinking(f"{begin}maybe 9") == ("maybe 9", "")


@pytest.mark.parametrize("text", ["a < b and c > d", "x[0] = 3", "<b>7</b>", "I think: 7", ""])
def test_what_is_no_thinking_stays(text):
    assert split_thinking(text) == ("", text)
    assert split_thinking(join_thinking("maybe 9", text)) == ("maybe 9", "\n" + text)


# Chat templates of others


TEMPLATES = sorted((Path(find_spec("trl").origin).parent / "chat_templates").glob("*.jinja"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_template_shows_system_and_question_and_leaves_no_thinking_open(
    tokenizer, monkeypatch, path
):
    monkeypatch.setattr(tokenizer, "chat_template", path.read_text())
    asked = Prompt("", None, "Solve the problem.", "How many rolls?")
    text = render(tokenizer, asked)
    assert text.count("How many rolls?") == text.count("Solve the problem.") == 1
    assert text.count("<think>") == text.count("</think>")
    assert str(datetime.now(UTC).year) not in text


def test_a_date_in_a_template_is_the_same_tomorrow(tokenizer, monkeypatch):
    template = "{{ strftime_now('%d %b %Y') }} {{ messages[0].content }} {{ messages[1].content }}"
    monkeypatch.setattr(tokenizer, "chat_template", template)
    assert render(tokenizer, Prompt("", None, "S", "U")) == "26 Jul 2024 S U"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% for m in messages if m.role == 'user' %}[{{ m.content }}]{% endfor %}", "[S\n\nU]"),
        ("{{ messages[-1].content }}<think>\n", "S\n\nU<think>\n\n</think>\n\n"),
        ("{{ messages[-1].content }}<seed:think>", "S\n\nU<seed:think>\n\n</seed:think>\n\n"),
        ("{{ messages[-1].content }}{% if enable_thinking is not false %}?{% endif %}", "S\n\nU"),
        (
            "{% for m in messages %}{{ m.content | map(attribute='text') | join }};{% endfor %}",
            "S;U;",
        ),
    ],
)
def test_what_a_template_drops_or_opens_is_mended(tokenizer, monkeypatch, template, text):
    monkeypatch.setattr(tokenizer, "chat_template", template)
    assert render(tokenizer, Prompt("", None, "S", "U")) == text


def test_the_template_of_several_is_the_default(tokenizer, monkeypatch):
    named = {"default": "{{ messages[-1].content }}", "tool_use": "tools"}
    monkeypatch.setattr(tokenizer, "chat_template", named)
    assert render(tokenizer, Prompt("", None, "", "U")) == "U"
    monkeypatch.setattr(tokenizer, "chat_template", {"rag": "a", "tool_use": "b"})
    with pytest.raises(UserError, match="the model's chat template: "):
        render(tokenizer, Prompt("", None, "", "U"))


def test_a_template_without_the_question_is_refused(tokenizer, monkeypatch):
    monkeypatch.setattr(tokenizer, "chat_template", "Hello")
    with pytest.raises(UserError, match="does not show the question"):
        render(tokenizer, Prompt("", None, "S", "U"))
