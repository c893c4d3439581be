"""The answer that is read is the one that the rationale itself gives."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from siked.verification.extract import RULES, extract
from siked.verification.numbers import parse
from tests.unit.test_numbers import written_numbers

FOUND = [
    ("9 * 2 = 18\nFinal Answer: 18", "18", "final-answer"),
    ("**Final Answer:** 18", "18", "final-answer"),
    ("### Final Answer\n**18**", "18", "final-answer"),
    ("Final Answer: The final answer is $\\boxed{\\frac{1}{2}}$", "1/2", "final-answer"),
    ("Therefore, the final answer is 18.", "18.", "final-answer"),
    ("Final answer: 9 + 9 = 18", "18", "final-answer"),
    ("Final answer: Tom has 18 apples", "18", "final-answer"),
    ("Final answer: 18 dollars for 3 days", "18", "final-answer"),
    ("9 * 2 = 18\n#### 18", "18", "hash-marks"),
    ("#### 1,234", "1,234", "hash-marks"),
    ("so it is $\\boxed{18}$.", "18", "boxed"),
    ("\\boxed{3} no, \\boxed{\\frac{1}{2}}", "1/2", "boxed"),
    ("So the answer is $18.", "$18.", "the-answer-is"),
    ("The answer is 18, since 9 * 2.", "18", "the-answer-is"),
    ("<<9*2=18>>18 eggs\nA: 26", "26", "answer-letter"),
    ("Answer: 26 eggs", "26", "answer-letter"),
    ("eggs = 16 - 7\nanswer = 18", "18", "answer-equals"),
    ("<answer>\n18\n</answer>\n(3 days)", "18", "answer-tag"),
    ('So it is {"answer": 18, "confidence": 95}', "18", "answer-tag"),
    ('{"final_answer": "1,234"}', "1,234", "answer-tag"),
    ("She makes 9 * 2 = $18 every day.", "$18", "last-number"),
    ("She makes <<9*2=18>>18.", "18", "last-number"),
    ("Final Answer: The final answer is $18$. I hope it is correct.", "$18", "final-answer"),
    ("**Final Answer**: $\\boxed{18}$.", "18", "final-answer"),
    ("Final answer: x = 18", "18", "final-answer"),
    ("Final answer: 18 (x = 5)", "18", "final-answer"),
    ("Final answer: $18, because 20 - 2 = 18 and 3 = 3", "$18", "final-answer"),
    ("Final Answer:\r\n18\r\n", "18", "final-answer"),
    ("Final Answer: 2:00 pm", "2:00 pm", "final-answer"),
    ("9 * 2 = 18 #### 18", "18", "hash-marks"),
    ("#### Step 1: find 3\n9\n#### 2. Add\n#### 18", "18", "hash-marks"),
    ("The answer is 18. She has 3 days left.", "18", "the-answer-is"),
    ("The answer is: **18**", "18", "the-answer-is"),
    ("The answer is \\(18\\).", "18", "the-answer-is"),
    ("Therefore the answer: 18", "18", "the-answer-is"),
    ("The answer is 3. No, the answer is 18.", "18.", "the-answer-is"),
    ("**Answer:** 18", "18", "answer-letter"),
    ("### Answer\n18 apples\n### Answer: 18", "18", "answer-letter"),
    ("ans: 18", "18", "answer-equals"),
    ("**Answer = 18**", "18", "answer-equals"),
    ("The answer is not 9. She has 18.", "18", "last-number"),
    ("She has 18<|im_end|>\n<|im_start|>user\nTom has 4", "18", "last-number"),
    ("She has 18. [/INST] Tom has 4", "18", "last-number"),
    ("She has 18<|end_of_text|>4", "18", "last-number"),
    ("She has 18<\uff5cend\u2581of\u2581sentence\uff5c>4", "18", "last-number"),
    ("#### 18<|start_header_id|>user<|end_header_id|>\n#### 4", "18", "hash-marks"),
]


@pytest.mark.parametrize(("text", "answer", "rule"), FOUND)
def test_each_rule_finds_its_answer(text: str, answer: str, rule: str) -> None:
    assert extract(text) == (answer, rule)


def test_every_rule_is_shown_above() -> None:
    assert [rule for rule in RULES if rule not in {one[2] for one in FOUND}] == []


@pytest.mark.parametrize("text", [text for text, _, rule in FOUND if rule != "last-number"])
@pytest.mark.parametrize(
    "invented",
    [
        "Question: Tom has 4 eggs.\nFinal Answer: 4",
        "Q: Tom has 4 eggs.\nA: 4",
        "Q2: How many?\nFinal answer: 4",
        "Problem: Tom has 4 eggs.\nThe answer is 4. #### 4\n\\boxed{4}",
        "### Instruction:\nanswer = 4",
        "Human: and now?\nFinal Answer: 4",
        "**Problem 2**\nTom has 2+2 = \\boxed{4}",
        "Here is another question: Tom has 2+2 = \\boxed{4}",
        "Prompt: Tom has \\boxed{4}",
        "<question>Tom has 4</question> The answer is 4.",
        "Assistant: The answer is 4.",
        "user\nTom has 4\nassistant\nThe answer is 4.",
        "### Response:\nThe answer is 4.",
        "Quiz: Tom has 4. The answer is 4.",
        "### Follow-up Question 1:\nTom has 4. The answer is 4.",
        "Follow-up:\nTom has 4. The answer is 4.",
        "**Practice problem:** Tom has 4. The answer is 4.",
        "## Your turn: Tom has 4.\n#### 4",
        "Exercises:\n1. Tom has 4. The answer is 4.",
        "Textbook exercise: Tom has 4.\nA: 4",
    ],
)
def test_an_invented_problem_behind_the_answer_is_not_read(text: str, invented: str) -> None:
    assert extract(f"{text}\n\n{invented}") == extract(text)


def test_an_invented_problem_without_a_marked_answer_is_not_read() -> None:
    assert extract("She has 18 eggs.\n\nQuestion: Tom has 4 eggs.").answer == "18"


def test_own_sub_questions_are_no_invented_problems() -> None:
    text = "Q1: How many eggs? A1: 9\nQ2: How much? A2: 9 * 2 = 18\nFinal Answer: 18"
    assert extract(text) == ("18", "final-answer")
    assert extract("Q: How many?\nA: 9\nQ: How much?\nA: 18").answer == "18"
    text = "Question 1: eggs?\n16-7=9. The answer is 9.\nQuestion 2: money?\nThe answer is 18."
    assert extract(text).answer == "18."
    assert extract("Answer: 9 eggs.\nNote: each is $2.\nSo $18.\nAnswer: 18").answer == "18"


@pytest.mark.parametrize(
    "stated", ["3, 4", "5 hours 20 minutes", "3:20 pm", "x + 9", "x-9", "4 pens and 3 caps",
               "we cannot say", "Tom has 18 apples in 3 bags"]
)  # fmt: skip
def test_a_stated_answer_that_is_no_number_is_not_made_one(stated: str) -> None:
    found = extract(f"2 + 3 = 5\nFinal Answer: {stated}")
    assert found == (stated, "final-answer")
    assert parse(stated) is None


@pytest.mark.parametrize("text", ["", " \n ", "Final Answer:", "no number", "####", "\\boxed{}"])
def test_no_answer_is_found_where_there_is_none(text: str) -> None:
    assert extract(text) == (None, None)


@given(
    st.text(max_size=400)
    | st.lists(
        st.sampled_from(
            ["Final Answer:", "####", "\\boxed{", "}", "the answer is", "\nA:", "\nanswer =", "18",
             "\nQuestion:", "\nQ1:", "\n", " ", "<<", ">>", "=", "$", "**", "-", ",", ".", "/"]
        ),
        max_size=60,
    ).map("".join)
)  # fmt: skip
def test_no_text_makes_extraction_fail(text: str) -> None:
    answer, rule = extract(text)
    assert (answer is None) == (rule is None)
    assert answer is None or answer.strip()


@given(
    written_numbers(),
    st.sampled_from(
        ["Final Answer: {}", "#### {}", "So it is $\\boxed{{{}}}$", "So the answer is {}", "A: {}",
         "answer = {}", "**Final Answer:** {}"]
    ),
    st.sampled_from(["", "\n", "\n\nQuestion: Tom has 4 eggs.\nFinal Answer: 4", "<|im_end|>\n4"]),
)  # fmt: skip
def test_a_number_written_in_any_way_is_found_behind_every_marker(
    written: tuple[str, object], marker: str, following: str
) -> None:
    text, value = written
    if "boxed" in marker:
        text = text.replace("$", "").strip()
    answer, _ = extract(f"9 - 2 = 7\n{marker.format(text)}{following}")
    number = parse(answer or "")
    assert number is not None
    assert number.value == value


STATED = [
    "Final Answer: {}", "**Final Answer:** {}", "### Final Answer\n{}", "Final result: {}",
    "✅ Final Answer: {}", "5. Final Answer: {}", "<b>Final Answer:</b> {}", "[Final Answer]: {}",
    "Final answer — {}", "Final Answer\n============\n{}", "**Final Answer:**\n\n---\n\n{}",
    "**Final Answer:**\n\\[\n\\boxed{{{}}}\n\\]", "Final Answer:\n```\n{}\n```",
    "**Final Answer**\n$$\n{}\n$$", "**Final Answer:**\n\\begin{{align*}}\n{}\n\\end{{align*}}",
    "## Final Answer\n\n> **{}**", "Final Answer:\n- {}", "**Final Answer:**\n1. {}",
    "**Final Answer:**\n<answer>{}</answer>", "#### {}", "#### \\boxed{{{}}}", "#### x = {}",
    "so it is \\boxed{{x = {}}}", "\\boxed{{\\text{{Cost}} = {}}}", "So the answer is {}",
    "The answer, in dollars, is {}", "The answer (in dollars) is {}", "The answer comes to {}",
    "The answer to the question is {}", "My answer: {}", "The answer equals {}", "A: {}",
    "Answer: {}", "**Answer**\n{}", "answer = {}", "ans: {}", "<answer>{}</answer>",
    '{{"answer": "{}"}}', "最终答案是{}。", "The answer is:\n\\[\n{}\n\\]",
    "Final Answer: Janet makes:\n\n{}",
]  # fmt: skip
plainly = st.integers(0, 10**7).map(lambda n: (f"{n:,}", n)) | st.integers(0, 999).map(
    lambda n: (str(n), n)
)


@given(plainly, st.sampled_from(STATED), plainly, st.sampled_from(STATED))
def test_what_is_stated_last_counts_whatever_the_markers(
    first: tuple[str, int], marker: str, last: tuple[str, int], other: str
) -> None:
    draft = marker.format(first[0])
    text = other.format(last[0])
    for whole in (
        text,
        f"9 * 2 = 17 for 3 days.\n\n{text}",
        f"First\n{draft}\n\nThen\n{text}",
        f"<think>\n{draft}\n</think>\n{text}",
        f"{draft}\n</think>\n{text}",
        f"{text}\n<think>\n{draft}",
        f"{draft}\n\nWait, I made a mistake.\n\n{text}",
        f"#### Day 1\n9\n#### Cost of 2 shirts: 8\n#### (a) 7\n#### 1. Eggs\n{text}",
    ):
        number = parse(extract(whole).answer or "")
        assert number is not None, whole
        assert number.value == last[1], whole


@given(
    plainly,
    plainly,
    st.sampled_from(
        [
            "The answer is {0}. No, wait. It's {1}.",
            "The answer is {0}. Wait, that's wrong: it is {1}.",
            "The answer is {0}.\n\nWait, that counts 2 eggs twice. The correct total is {1}.",
            "Final Answer: {0}\n\nBut wait, I forgot the first. She has {1}.",
            "Final Answer: {0}\n\nHold on, that is not right. It is {1}.",
            "#### {0}\n\nBut that is not correct. The right number should be {1}.",
            "#### {0}\n\nOn second thought, she makes {1} dollars.",
            "\\boxed{{{0}}}\n\nHowever, I made an error: the total is {1}.",
            "Final Answer: {0}\n\nI miscounted. She has {1}.",
            "Final Answer: {0}\n\nEdit: it should be {1}",
            "Final Answer: {0}. Oops, I forgot one, so {1}",
            "The area is \\boxed{{{0}}}. Half of it: **Answer: {1}**",
            "It is {0} at first.\n\nFinal Answer => {1}",
            "It is {0} at first.\n\nAnswer -> {1}",
            "It is {0} at first.\n\nFinal Answer → {1}",
            "\\boxed{{{1}}}\n\nNow let's try another problem. Tom has \\boxed{{{0}}}",
            "\\boxed{{{1}}}\n\nLet's solve one more example. Tom has \\boxed{{{0}}}",
            "\\boxed{{{1}}}\n\nNext question: Tom has \\boxed{{{0}}}",
        ]
    ),
)
def test_of_two_stated_answers_the_right_one_counts(
    draft: tuple[str, int], last: tuple[str, int], form: str
) -> None:
    number = parse(extract(form.format(draft[0], last[0])).answer or "")
    assert number is not None
    assert number.value == last[1]


@given(
    st.lists(
        st.sampled_from(
            [
                "She has 9 eggs.", "9 * 2 = 18", "The answer is:", "Final Answer:", "A: 7", "A:",
                "Answer", "So the answer is 7.", "Q: Tom?", "Question: Tom has 4.", "---", "",
                "\\boxed{7}", "\\boxed{7", "<answer>7", "#### 7", "#### Eggs", "Wait, no.",
                "ans = 7", "ans is", "cans", "A *: x", "Result: 7",
                "The final result is", "**Answer**", "18 (", "答案是", "Step 1:",
            ]
        ),
        max_size=4,
    ),
    st.sampled_from(["A: {}", "Answer: {}", "Final Answer: {}", "Final answer: {}", "#### {}"]),
    st.sampled_from(["18", "$18.50", "-3.", "0.5."]),
)  # fmt: skip
def test_the_short_way_gives_what_the_long_one_gives(
    front: list[str], marker: str, value: str
) -> None:
    text = "\n".join([*front, marker.format(value)])
    assert extract(text) == extract(text, {"none of these"})


DRAFTS = {
    "<think>\n#### 12 is the format": None,
    "<think>9*2 = 18, in 3 days</think>\n<answer>18</answer>\nConfidence: 95%": "18",
    "<|channel|>analysis<|message|>18 in 3 days<|end|><|start|>assistant<|channel|>final"
    "<|message|>She makes **18**.": "18",
    "Final Answer: 12\nActually no. The answer is 18.": "18",
    "Final Answer: 12\n\nWait, I forgot one, so it should be 18.": "18",
    "Final Answer: 18\nWait, let me double check. 20 - 2 = 18 and 3 = 3. Yes.": "18",
    "Final Answer: 18\nWait, let me verify: 9 * 2 = 18. That is the correct one, for 2.": "18",
    "Final Answer: 18\nBut wait, is it 2 each? Yes, so that is right for 9 eggs.": "18",
    "Final Answer: 18\n\nHowever, that is not correct if she had 20 eggs.": "18",
    "First \\boxed{12}. But I forgot one: \\boxed{1": None,
    "\\boxed{12} is wrong, so the correct one is \\boxed{": None,
    "draft <answer>41</answer> no: <answer>42</answer> (3 tries)": "42",
    "First, each pays $\\boxed{5}$. For four people: the answer is 20.": "20",
    "#### 18\n\nI hope the answer is clear.": "18",
    "Final Answer: 18\n\nFinal answer:\n\nplease give the final answer.": "18",
}


@pytest.mark.parametrize("text", DRAFTS)
def test_drafts_and_what_was_taken_back_do_not_count(text: str) -> None:
    answer, wanted = extract(text).answer, DRAFTS[text]
    assert (answer and parse(answer)) == (wanted and parse(wanted))


@pytest.mark.parametrize(
    "text",
    [
        "\\boxed{1331}, \\boxed{1728}",
        "Adults: \\boxed{3} Children: \\boxed{5}",
        "$x = \\boxed{5}$, $y = \\boxed{18}$",
    ],
)
def test_a_box_for_each_value_is_no_answer(text: str) -> None:
    found = extract(text)
    assert found.rule == "boxed"
    assert parse(found.answer or "") is None


VALUES_APART = [
    "- {0}\n- {1}", "* Tom: {0}\n* Jane: {1}", "- **Tom:** {0}\n- **Jane:** {1}", "1. {0}\n2. {1}",
    "(a) {0}\n(b) {1}", "a) {0} eggs\n\nb) {1} eggs", "x = {0}\ny = {1}", "$x = {0}$\n$y = {1}$",
    "| Item | Cost |\n|---|---|\n| Pens | {0} |\n| **Total** | **{1}** |",
    "$$\\begin{{aligned}}x &= {0}\\\\ y &= {1}\\end{{aligned}}$$",
    "\\[\n\\begin{{cases}}\nx = {0} \\\\\ny = {1}\n\\end{{cases}}\n\\]",
    "\\boxed{{x = {0} \\\\ y = {1}}}",
    "\\boxed{{\\begin{{pmatrix}} {0} \\\\ {1} \\end{{pmatrix}}}}",
]  # fmt: skip


@given(
    st.integers(1, 999),
    st.integers(1, 999),
    st.sampled_from(["Final Answer:\n", "**Answer**\n\n", "The answer is:\n", "## Answer\n\n"]),
    st.sampled_from(VALUES_APART),
)  # fmt: skip
def test_a_list_of_different_values_is_no_answer(
    one: int, other: int, marker: str, form: str
) -> None:
    assume(one != other)
    number = parse(extract(f"9 - 2 = 7\n\n{marker}{form.format(one, other)}").answer or "")
    assert number is None


@given(
    st.integers(0, 99), st.integers(1, 99), st.sampled_from(["\\\\\n&= ", " \\\\ &= ", "\\\\\n= "])
)
def test_the_rows_of_one_equation_have_its_last_value(one: int, two: int, row: str) -> None:
    text = f"\\begin{{align*}}x &= {one} + {two}{row}{one + two}\\\\\n\\end{{align*}}"
    for whole in (f"Final Answer:\n{text}", f"\\boxed{{{text}}}"):
        number = parse(extract(whole).answer or "")
        assert number is not None, whole
        assert number.value == one + two


@pytest.mark.parametrize("value", ["[18, 20]", "[\n  18,\n  20\n]"])
def test_a_list_in_json_is_no_answer(value: str) -> None:
    found = extract(f'{{"answer": {value}, "confidence": 1}}')
    assert found.rule == "answer-tag"
    assert parse(found.answer or "") is None


def test_a_rule_that_is_switched_off_is_not_tried() -> None:
    text = "9 * 2 = 18\nThe answer is 17.\nFinal Answer: 16"
    assert extract(text).answer == "16"
    assert extract(text, {"final-answer"}) == ("17.", "the-answer-is")
    assert extract(text, {"final-answer", "the-answer-is"}) == ("16", "last-number")
    assert extract(text, RULES) == (None, None)


PIECES = (
    "1,23", "answer is ", "\\boxed{", "####\n", "-", "Q: ", "*", "1 ", "\n", "Final answer:\n",
     " ", ">\n", "A\n", "1.111", "1/", "{", "a", "Question:\n", "$", "1 and ", "<<", "\\frac{",
     "\nA: 1\nQ:", "=", "9", "\\text{", "½", "10⁹", "the answer is ", "box", "\\boxed{\\boxed{",
    "\\frac{1}{2}", "A: ", "#### ", "one ", "two-", "1.1,1", "18 for ", ". A", "(",
    "1-", "(1+", "√", "^", "#### 1 ", "the answer is 1 ", "<think>", "</think>", "\\sqrt",
    "1 - 2 a ", "1:", "and a half ", "[", "x = 1, ", "is 1 ", "so ", "Wait, ", "{", "^{", "_{",
    "\\boxed{1} ",
)  # fmt: skip
"""What long inputs that are meant to be slow to read repeat."""
LONG = """
import sys
from siked.verification.extract import extract
from siked.verification.numbers import read, read_last
for piece in eval(sys.stdin.read()):
    for front in ("", "Final Answer: ", "A: 18", "\\\\boxed{", "Q: ", "#### 9 "):
        extract(front + piece * (100_000 // len(piece)))
        extract(front + piece * (400 // len(piece)))
        for length in (40, 190, 2000):
            read(front + piece * (length // len(piece)))
            read_last(front + piece * (length // len(piece)))
"""


@pytest.mark.slow
def test_long_inputs_end_soon() -> None:
    """It takes a second or two; a rule that takes quadratic time would take minutes."""
    subprocess.run(
        [sys.executable, "-c", LONG], input=repr(PIECES), text=True, check=True, timeout=120
    )
