"""`attune eval` as people run it, with the tiny real model."""

from __future__ import annotations

import json

import pytest

from tests.e2e.home import Home, Terminal, is_plain

pytestmark = pytest.mark.model

OFFICE = """\
# Office handbook

## Wifi

The password of the guest wifi is tulip-42. It changes on the first Monday of each month.
"""
QUESTIONS = """\
{"question": "guest wifi password?", "page": "pages/office.md", "answer": "tulip-42"}
{"question": "Who composed the opera Carmen?", "answerable": false}
"""


@pytest.fixture
def asked(home: Home) -> Home:
    """A home with a document and two questions."""
    home.write("pages/office.md", OFFICE)
    home.write("own.jsonl", QUESTIONS)
    done = home.run("ingest", "pages")
    assert done.returncode == 0, done.stderr
    return home


def test_own_questions_are_asked_of_own_documents(asked: Home) -> None:
    """The search alone, then with answers: plain output, a report each time, and nothing remembered."""
    searched = asked.run("eval", "own.jsonl")
    assert (searched.returncode, is_plain(searched)) == (0, True), searched.stderr
    assert "recall@1" in searched.stdout
    assert "nothing near, rightly" in searched.stdout
    assert "attune-eval.html" in searched.stderr
    answered = asked.run("eval", "own.jsonl", "--answers", "--json", "--report", "answers.html")
    assert answered.returncode == 0, answered.stderr
    record = json.loads(answered.stdout)
    assert record["figures"]["recall@1"] == 1
    assert record["figures"]["refused_rightly"] == 1
    assert record["questions"][0]["said"]["text"]
    for name in ("attune-eval.html", "answers.html"):
        assert (asked.folder / name).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_ctrl_c_keeps_what_was_asked_so_far(asked: Home) -> None:
    """Stopped in the middle, it tells of the questions that are done, writes their report and ends with 130."""
    asked.write("many.jsonl", QUESTIONS * 30)
    with Terminal(asked, "eval", "many.jsonl", "--answers") as terminal:
        terminal.wait_for(r"\b[1-9]\d?/60")
        terminal.type("\x03")
        terminal.wait_for("recall@1")
        terminal.wait_for(r"Stopped early: these figures cover \d+ of 60 questions")
        terminal.wait_for("Report: attune-eval.html")
        assert terminal.leave() == 130
    assert "Stopped" in (asked.folder / "attune-eval.html").read_text(encoding="utf-8")
