"""Lines that people wrote → items, or what is wrong with which line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.people.preferences import Level
from tests.training.conftest import SAMPLE
from training.item_files import Item, ItemFileError, read_items

QUIZ = {"q": "Which?", "options": ["a", "b", "c", "d"], "right": 2, "why": "So."}


def written(tmp_path: Path, *lines: object) -> Path:
    file = tmp_path / "items.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return file


def test_the_sample_has_an_example_of_everything(items: list[Item]) -> None:
    """A dozen lines, with every key that a line can have."""
    assert len(items) == 12
    for key in ("qa", "no", "x", "turns", "make", "quiz"):
        assert any(getattr(item, key) for item in items), key
    said = {way for item in items for rewording in item.x for way in rewording.said}
    assert said >= {"detailed", "bullets", "steps", "friendly", "formal", "german"}
    assert any(rewording.asked for item in items for rewording in item.x)
    assert any(rewording.follow for item in items for rewording in item.x)
    assert any(question.need for item in items for question in item.qa)


def test_one_id_may_be_a_number_and_stand_alone(tmp_path: Path) -> None:
    """Ids are compared as text; empty lines and white space around texts are left out."""
    (item,) = read_items(written(tmp_path, {"id": 17, "qa": [{"q": " how? ", "a": "So.\n"}]}, "", "  "))
    assert item.ids == ("17",)
    assert (item.qa[0].q, item.qa[0].a) == ("how?", "So.")


def test_a_quiz_is_written_as_the_reader_is_to_write_it(tmp_path: Path) -> None:
    """The question, four lettered options, the right letter, why."""
    (item,) = read_items(written(tmp_path, {"id": "a", "quiz": [QUIZ]}))
    assert item.quiz[0].text == "Question: Which?\nA. a\nB. b\nC. c\nD. d\nRight: C\nWhy: So."
    assert item.quiz[0].level is Level.PRACTITIONER


def test_a_line_may_bring_its_passages(tmp_path: Path) -> None:
    """They get ids of their own, and what a question needs is named by them."""
    passages = [{"heading": "Tools › Saws", "text": "Sharp."}, {"heading": "Tools › Files", "text": "Blunt."}]
    line = {"passages": passages, "qa": [{"q": "x", "a": "y", "need": [1]}]}
    first, second = read_items(written(tmp_path, line, line))
    saws, files = first.brought()
    assert (saws.heading_path, files.text) == ("Tools › Saws", "Blunt.")
    assert (saws.source, files.ordinal) == (files.source, saws.ordinal + 1)
    assert first.qa[0].need == (files.id,)
    assert not set(first.ids) & set(second.ids)
    assert list(read_items(SAMPLE / "items.jsonl")[0].brought()) == []


def test_what_ships_can_be_trained_on() -> None:
    """Every file of items in the repository is one."""
    files = sorted((SAMPLE.parent / "items").glob("*.jsonl"))
    assert files
    for file in files:
        assert all(len(list(item.brought())) == len(item.ids) for item in read_items(file))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"id": ', "line 2: Invalid JSON"),
        ([], "line 2: Input should be an object"),
        ({"qa": [{"q": "x", "a": "y"}]}, "line 2: ids: it is missing."),
        ({"id": "a", "passages": [{"heading": "a", "text": "b"}], "no": ["x"]}, 'has both "passages" and ids'),
        ({"passages": [{"heading": "a"}], "no": ["x"]}, "line 2: passages[0].text: it is missing."),
        ({"id": "a"}, "line 2: it has nothing to learn from"),
        ({"id": "a", "qa": [{"q": "x"}]}, "line 2: qa[0].a: it is missing."),
        ({"id": "a", "qa": [{"q": "x", "a": "y"}, {"q": " ", "a": "y"}]}, "line 2: qa[1].q: it is empty."),
        ({"id": "a", "questions": [], "no": ["x"]}, "line 2: questions: there is no such key; check its spelling."),
        ({"id": "a", "qa": [{"q": "x", "a": "y", "need": ["b"]}]}, 'line 2: "need" names b, which is none of its ids.'),
        ({"id": "a", "qa": [{"q": "x", "a": "y"}], "x": {"of": 1, "steps": "z"}}, '"of" is 1, and "qa" has 1'),
        (
            {"id": "a", "qa": [{"q": "x", "a": "y"}], "x": {"q_german": "z"}},
            'asks in german and has no answer "german"',
        ),
        ({"id": "a", "qa": [{"q": "x", "a": "y"}], "x": {"klingon": "z"}}, "x[0].klingon: there is no such key"),
        ({"id": "a", "quiz": [QUIZ | {"options": ["a", "b", "c"]}]}, "line 2: quiz[0].options"),
        ({"id": "a", "quiz": [QUIZ | {"right": 4}]}, "line 2: quiz[0].right: Input should be less than 4."),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, line: object, complaint: str) -> None:
    """Its number, the place in it and the reason; nothing is read from a file with such a line."""
    good = {"id": "a", "no": ["x"]}
    with pytest.raises(ItemFileError) as raised:
        read_items(written(tmp_path, good, line, good))
    told = str(raised.value)
    assert complaint in told
    assert "has 1 line that is no item. Mend it" in told


def test_many_bad_lines_are_counted(tmp_path: Path) -> None:
    """Ten are shown."""
    with pytest.raises(ItemFileError) as raised:
        read_items(written(tmp_path, *["{}"] * 12))
    assert "12 lines that are no items" in str(raised.value)
    assert "line 10:" in str(raised.value)
    assert "line 11:" not in str(raised.value)
    assert str(raised.value).endswith("… and 2 more")


def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """One that is missing, one that is empty and one that is no text."""
    with pytest.raises(ItemFileError, match="cannot be read"):
        read_items(tmp_path / "none.jsonl")
    with pytest.raises(ItemFileError, match="has no items"):
        read_items(written(tmp_path, ""))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ItemFileError, match="Save it as UTF-8"):
        read_items(tmp_path / "binary")


def test_the_readme_shows_lines_that_are_items() -> None:
    """Every JSON line of the guide can be read as it stands there."""
    guide = (SAMPLE.parent / "README.md").read_text(encoding="utf-8")
    lines = [line.strip() for line in guide.splitlines() if line.strip().startswith('{"id')]
    assert len(lines) >= 3
    for line in lines:
        Item.model_validate_json(line)
