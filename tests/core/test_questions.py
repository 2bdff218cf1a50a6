"""A file of somebody's own questions: what is read of it, and what is said of lines that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import QuestionFileError
from core.evaluation.questions import SHOWN, OwnQuestion, is_page, read_questions


def written(folder: Path, text: str) -> Path:
    file = folder / "own.jsonl"
    file.write_text(text, encoding="utf-8")
    return file


def test_questions_are_read_in_order_with_their_lines(tmp_path: Path):
    """One page or several, an answer or none; blank lines, a BOM, Windows' line ends and notes do no harm."""
    file = written(
        tmp_path,
        '\ufeff{"question": "How long?", "page": "a.md", "answer": "20 weeks", "lines": [3, 4]}\r\n'
        "\r\n"
        '{"question": "Which?", "pages": ["b/c.md", "d.md"], "page": null}\r\n'
        '{"question": "Lift me\u2028up?", "answerable": false, "page": ""}',
    )
    assert read_questions(file) == [
        OwnQuestion("How long?", ("a.md",), "20 weeks", 1),
        OwnQuestion("Which?", ("b/c.md", "d.md"), "", 3),
        OwnQuestion("Lift me\u2028up?", (), "", 4),
    ]
    assert [question.answerable for question in read_questions(file)] == [True, True, False]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"question": "x", "page": "a.md"', "it is not JSON (Expecting ',' delimiter at character 33)."),
        ("[" * 100_000, "it is JSON that is nested too deeply to read."),
        ('["x"]', "it is not a JSON object. A line looks like"),
        ('{"page": "a.md"}', 'it has no "question". A line looks like'),
        ('{"question": " \\u0007 ", "page": "a.md"}', 'it has no "question". A line looks like'),
        ('{"question": 7, "page": "a.md"}', '"question" is not a string.'),
        ('{"question": "x", "page": "a.md", "answer": 240}', '"answer" is not a string.'),
        ('{"question": "x", "pages": "a.md"}', '"pages" is not a list of strings.'),
        ('{"question": "x", "pages": ["a.md", 7]}', '"pages" is not a list of strings.'),
        ('{"question": "x", "answerable": "no"}', '"answerable" is neither true nor false.'),
        ('{"question": "x", "answerable": true}', 'it names no "page". Name the page that answers it'),
        ('{"question": "x", "source": "a.md"}', 'it names no "page".'),  # a key misspelt is no question without answer
        ('{"question": "x", "page": "./", "answerable": true}', 'it names no "page".'),
        ('{"question": "x", "page": "a.md", "answerable": false}', 'it names a page and is "answerable": false.'),
    ],
)
def test_a_line_that_is_no_question_is_named_with_its_number(tmp_path: Path, line: str, complaint: str):
    """The sentence says which line it is, and what is wrong with it."""
    file = written(tmp_path, f'{{"question": "ok", "page": "a.md"}}\n\n{line}\n')
    with pytest.raises(QuestionFileError) as caught:
        read_questions(file)
    head, wrong = str(caught.value).split("\n")
    assert head == f"{file} has 1 line that is not a question. Correct it and run again; nothing was asked."
    assert wrong.startswith(f"line 3: {complaint}")


def test_all_bad_lines_are_named_at_once_up_to_a_limit(tmp_path: Path):
    """Whoever mends a file need not run it again for each line."""
    file = written(tmp_path, "x\n" * (SHOWN + 3))
    with pytest.raises(QuestionFileError) as caught:
        read_questions(file)
    lines = str(caught.value).split("\n")
    assert [line.partition(":")[0] for line in lines[1:]] == [f"line {n}" for n in range(1, SHOWN + 1)] + [
        "… and 3 more"
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "has no questions"), (b"\n \n", "has no questions"), (b'{"question": "\xff"}', "is not UTF-8 at byte 14")],
)
def test_a_file_without_questions_is_refused(tmp_path: Path, content: bytes, complaint: str):
    """An empty file and one in another encoding are no questions."""
    file = tmp_path / "own.jsonl"
    file.write_bytes(content)
    with pytest.raises(QuestionFileError, match=complaint):
        read_questions(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    """A missing file and a folder are told apart from bad questions."""
    with pytest.raises(QuestionFileError, match=r"There is no file .*nothere"):
        read_questions(tmp_path / "nothere")
    with pytest.raises(QuestionFileError, match="cannot be read"):
        read_questions(tmp_path)


@pytest.mark.parametrize(
    ("source", "page", "same"),
    [
        ("/home/ann/handbook/hr/leave.md", "hr/leave.md", True),
        ("/home/ann/handbook/hr/leave.md", "leave.md", True),
        ("/home/ann/handbook/hr/leave.md", "./hr\\leave.md", True),
        ("/home/ann/handbook/hr/leave.md", "/home/ann/handbook/hr/leave.md", True),
        ("/home/ann/handbook/hr/sick-leave.md", "leave.md", False),
        ("/home/ann/handbook/hr/leave.md", "it/leave.md", False),
        ("leave.md", "hr/leave.md", False),
        ("/home/ann/handbook/hr/leave.md", "", False),
    ],
)
def test_a_page_is_the_end_of_a_source(source: str, page: str, *, same: bool):
    """Whole names of files and folders count, not characters."""
    assert is_page(source, page) is same


def test_the_handbooks_questions_can_be_read():
    """The questions that come with the benchmark are of the form that is asked for, each asked once."""
    file = Path(__file__).parents[2] / "evals" / "handbook.jsonl"
    questions = read_questions(file)
    assert sum(question.answerable for question in questions) >= 80
    assert sum(not question.answerable for question in questions) == 20
    assert len({question.text for question in questions}) == len(questions)
    assert all(question.answer for question in questions if question.answerable)
    said = [json.loads(line)["answerable"] for line in file.read_text(encoding="utf-8").splitlines()]
    assert said == [question.answerable for question in questions]
