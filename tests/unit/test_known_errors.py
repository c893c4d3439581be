"""Known label errors: each entry is about a question that is there, and only that is left out."""

from pathlib import Path

import pytest

from siked.errors import UserError
from siked.questions import sources
from siked.questions.known_errors import KnownError, KnownErrors, fingerprint, load, read_entries
from siked.settings import QuestionSettings, Source

ROOT = Path(__file__).parents[2]
LISTED = read_entries(ROOT / "data/known-errors.yaml")
WRONG = KnownErrors(
    [
        KnownError(
            id="own-a", text=fingerprint("What is 1 plus 1?"), gold="3", reason="is 2", source="us"
        )
    ]
)


def read(root: Path, known: KnownErrors | None, *lines: str, **settings: object) -> object:
    (root / "own.csv").write_text("\n".join(["question,answer", *lines]) + "\n")
    source = Source.model_validate({"format": "csv", "path": "own.csv", **settings})
    return sources.read("own", source, root, 0, known)


def test_a_wrong_label_is_left_out_and_said(tmp_path: Path) -> None:
    lines = ("what is 1 plus 1,3.0", "What is 1 plus 1?,2", "What is 2 plus 1?,3")
    reading = read(tmp_path, WRONG, *lines)
    assert [one.id for one in reading.questions] == ["own-00001", "own-00002"]
    assert reading.left_out == [("own-00000", "known error: is 2 (us)")]
    assert len(read(tmp_path, None, *lines).questions) == 3


def test_rows_are_drawn_from_what_is_left(tmp_path: Path) -> None:
    lines = ("What is 1 plus 1?,3", "What is 2 plus 1?,3")
    assert len(read(tmp_path, WRONG, *lines, rows=1).questions) == 1


def test_it_is_off_by_default() -> None:
    assert QuestionSettings.model_fields["exclude_known_errors"].default is False


def test_no_question_is_listed_twice() -> None:
    every = [*LISTED, *read_entries(ROOT / "data/disputed-answers.yaml")]
    assert len({one.text for one in every}) == len({one.id for one in every}) == len(every)


@pytest.mark.raw
@pytest.mark.parametrize("name", ["gsm8k-test", "svamp", "asdiv", "multiarith"])
def test_every_entry_is_a_published_question_with_that_answer(raw: Path, name: str) -> None:
    path = {"gsm8k-test": "gsm8k", "svamp": "svamp/SVAMP.json", "asdiv": "asdiv/ASDiv.xml"}
    source = Source(
        format="gsm8k" if name == "gsm8k-test" else name,
        path=path.get(name, "multiarith/MultiArith.json"),
        split="test",
    )
    all_of_them = sources.read(name, source, raw, 0).questions
    rest = sources.read(name, source, raw, 0, KnownErrors(LISTED)).questions
    gone = {one.id for one in all_of_them} - {one.id for one in rest}
    assert gone == {one.id for one in LISTED if one.id.startswith(f"{name}-")}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- id: a\n", "entry 0.text: Field required"),
        ("- [", "not YAML"),
        ("- {id: a, text: b, gold: x, reason: c, source: d}\n", "entry 0.gold"),
    ],
)
def test_a_wrong_list_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "errors.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        load(path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_list_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "errors.yaml")


def test_the_setting_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.questions import read_all

    monkeypatch.chdir(tmp_path)
    Path("own.csv").write_text("question,answer\nWhat is 1 plus 1?,3\nWhat is 2 plus 1?,3\n")
    Path("data").mkdir()
    entry = (
        f'{{id: a, text: "{fingerprint("What is 1 plus 1?")}", gold: "3", reason: b, source: c}}'
    )
    Path("data/known-errors.yaml").write_text(f"- {entry}\n")
    source = {"format": "csv", "path": "own.csv"}
    settings = QuestionSettings.model_validate(
        {
            "seed": 1,
            "root": ".",
            "train": {"a": source},
            "test": {"b": source},
            "dev_fraction": 0.5,
            "overlap": {"ngram": 8, "threshold": 0.8},
        }
    )
    for value, count in ((False, 2), (True, 1)):
        left_out: list[dict[str, str]] = []
        changed = settings.model_copy(update={"exclude_known_errors": value})
        pools = read_all(changed, left_out)
        assert [len(pools[name]) for name in ("a", "b")] == [count, count]
        assert [one["reason"] for one in left_out] == ["known error: b (c)"] * (4 - 2 * count)
