"""Paths at 80 columns: what they share is said once, and what tells them apart stays."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from bots.cli import ingest_texts
from bots.cli.places import Places, fitted

TEAM = ["/srv/docs/team/people/leave.md", "/srv/docs/team/people/pay.md", "/srv/docs/team/index.md"]


def terminal(*, real: bool = True) -> Console:
    return Console(file=io.StringIO(), force_terminal=real, width=80)


def test_a_folder_that_all_share_is_named_once() -> None:
    """Addresses and what people taught, which lies elsewhere, neither share it nor keep others from it."""
    lesson, page = "/var/lib/attune/learned/1/Leave.md", "https://example.org/leave"
    places = Places([*TEAM, lesson, page], terminal(), Path("/var/lib/attune/learned"))
    assert places.heading == "/srv/docs/team"
    assert [places.name(file) for file in TEAM] == ["people/leave.md", "people/pay.md", "index.md"]
    assert [places.name(file) for file in (lesson, page)] == [lesson, page]


def test_nothing_is_shared_by_nothing_or_at_the_root() -> None:
    for files in ([], ["/a.md"], ["/a/b.md", "/c/d.md"], ["https://a.b/c"]):
        assert Places(files, terminal()).heading == ""


def test_programs_get_whole_paths() -> None:
    places = Places(TEAM, terminal(real=False))
    assert (places.heading, places.name(TEAM[0], 5)) == ("", TEAM[0])


@pytest.mark.parametrize(
    ("path", "width", "shown"),
    [
        ("people/leave.md", 15, "people/leave.md"),
        ("people/benefits/long/leave.md", 20, "…/long/leave.md"),
        ("people/benefits/long/leave.md", 22, "people/…/long/leave.md"),
        ("people/benefits/long/leave.md", 12, "…/leave.md"),
        ("people/parental-leave.md", 10, "…-leave.md"),
        ("経費/出張旅費規程.md", 10, "…費規程.md"),
        ("/srv/docs/leave.md", 12, "…/leave.md"),
    ],
)
def test_a_long_path_loses_its_middle(path: str, width: int, shown: str) -> None:
    assert fitted(path, width) == shown


def test_progress_is_of_what_takes_the_time() -> None:
    """Of passages, with a rate and the time left once they are known."""
    assert ingest_texts.embedded(0, 0, 0, 9) == "nothing to embed so far"
    assert ingest_texts.embedded(0, 64, 128, 9) == "0 of 64 passages"
    assert ingest_texts.embedded(64, 512, 1024, 2) == "64 of 512 passages, 32/s, about 30 s left"
    assert ingest_texts.embedded(64, 512, 10_240, 2) == "64 of 512 passages, 32/s, about 5 min left"


def test_what_was_skipped_is_counted_by_kind() -> None:
    kinds = [("image", 12), ("file ending in .xyz", 1), ("link out of the folder or to nothing", 2)]
    assert ingest_texts.skipped_kinds([(kind.partition(" "), count) for kind, count in kinds]) == (
        "Skipped: 12 images, 1 file ending in .xyz, 2 links out of the folder or to nothing"
    )
