"""Who may see what, what was asked in vain, and folders that are watched, by the `attune` command."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.e2e.home import PATIENCE, Home, Terminal, is_plain

pytestmark = pytest.mark.model

PARKING = "# Parking\n\nCars stand behind the mill, bicycles in the cellar of the mill.\n"
BONUS = "# Bonus\n\nThe bonus for this year is nine per cent of the salary.\n"
LIFTS = "Who repairs the lift in the tower?"


@pytest.fixture(scope="module")
def asked(shared_home: Home) -> subprocess.CompletedProcess[str]:
    """Two folders, one of them for somebody else; then three questions."""
    shared_home.write("open/parking.md", PARKING)
    shared_home.write("closed/bonus.md", BONUS)
    for folder, *readers in (("open",), ("closed", "--readers", "person:slack/T1/U1")):
        done = shared_home.run("ingest", folder, *readers)
        assert done.returncode == 0, done.stderr
    assert "seen by person:slack/T1/U1" in done.stdout
    said = shared_home.run("chat", said=f"Where do cars stand?\nWhat is the bonus for this year?\n{LIFTS}\n{LIFTS}\n")
    assert said.returncode == 0, said.stderr
    return said


def test_what_is_for_somebody_else_is_nowhere_in_the_answers(asked: subprocess.CompletedProcess[str]) -> None:
    """Not its text, its title or its place, also among the closest."""
    assert "parking" in asked.stdout.lower()
    for word in ("nine per cent", "Bonus", "bonus.md", "closed"):
        assert word not in asked.stdout


def test_the_operator_sees_every_document_and_its_readers(
    shared_home: Home, asked: subprocess.CompletedProcess[str]
) -> None:
    """As a table and as JSON, with how often each answered."""
    assert asked.returncode == 0
    listed = shared_home.run("sources")
    assert is_plain(listed)
    assert "person:slack/T1/U1" in listed.stdout
    rows = {row["title"]: row for row in json.loads(shared_home.run("sources", "--json").stdout)}
    assert rows["Parking"]["answers"] >= 1
    assert rows["Parking"]["last answer"]
    assert rows["Parking"]["changed"]
    assert rows["Bonus"]["answers"] == 0
    assert rows["Bonus"]["readers"] == ["person:slack/T1/U1"]


def test_the_operator_sees_what_was_asked_in_vain(shared_home: Home, asked: subprocess.CompletedProcess[str]) -> None:
    """The same question of one person is one line; what was answered is not among them."""
    assert asked.returncode == 0
    listed = shared_home.run("gaps")
    assert is_plain(listed)
    assert f"{LIFTS}  asked 2 times by 1 person" in listed.stdout
    assert "cars" not in listed.stdout
    groups = json.loads(shared_home.run("gaps", "--json").stdout)
    assert [one["question"] for one in groups[0]["questions"]] == [LIFTS, LIFTS]


@pytest.mark.parametrize("readers", ["all", "channel:slack", ""])
def test_a_mistyped_reader_opens_nothing(shared_home: Home, readers: str) -> None:
    """The operator reads the forms a reader may have; nothing is ingested."""
    shared_home.write("other/new.md", "# New\n\nwords\n")
    done = shared_home.run("ingest", "other", "--readers", readers)
    assert done.returncode == 2
    assert "channel:slack/T012/C345" in done.stderr
    assert "new.md" not in shared_home.run("sources").stdout


def test_a_watched_folder_is_kept_in_step(shared_home: Home) -> None:
    """A new, a changed and a deleted file are each noticed; Ctrl-C ends it without a trace."""
    file = shared_home.write("watched/news.md", "# News\n\nThe canteen opens at noon.\n")
    with Terminal(shared_home, "ingest", "watched", "--watch") as terminal:
        terminal.wait_for("Watching")
        file.write_text("# News\n\nThe canteen opens at one.\n")
        terminal.wait_for("1 changed")
        shared_home.write("watched/more.md", "# More\n\nSoup on Mondays.\n")
        terminal.wait_for("1 new")
        file.unlink()
        terminal.wait_for("1 removed")
        terminal.type("\x03")
        assert terminal.process.wait(PATIENCE) in {0, 130}
    titles = {row["title"] for row in json.loads(shared_home.run("sources", "--json").stdout)}
    assert "More" in titles
    assert "News" not in titles


def test_a_document_is_removed_when_somebody_says_yes(shared_home: Home) -> None:
    """It was read without being written by a dry run; then removing shows it, asks at a terminal, and it is gone."""
    shared_home.write("away/cellar.md", "# Cellar\n\nThe key hangs by the door.\n")
    dry = shared_home.run("ingest", "away", "--dry-run")
    assert (dry.returncode, is_plain(dry)) == (0, True), dry.stderr
    assert "new        away/cellar.md" in dry.stdout.splitlines()
    assert shared_home.run("ingest", "away").returncode == 0
    with Terminal(shared_home, "remove", "away") as terminal:
        terminal.wait_for("In away:")
        terminal.wait_for("cellar.md")
        terminal.wait_for(r"Remove 1 document \(1 passage\)\? \[y/N\]")
        terminal.type("y\r")
        terminal.wait_for("Removed 1 document")
        assert terminal.leave() == 0
    assert "Cellar" not in shared_home.run("sources", "--json").stdout
