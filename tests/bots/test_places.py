"""Paths at 80 columns: what they share is said once, and what tells them apart stays."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from bots.cli import ingest_texts
from bots.cli.places import Places, fitted
from bots.cli.places_view import plain_places, show_places
from core.documents.remote.records import SourceRecord, SourceRecords
from core.settings import Settings

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


@pytest.mark.parametrize(
    ("addresses", "heading", "names"),
    [
        (["https://h.org/docs/a", "https://h.org/docs/b/c"], "https://h.org/docs", ["a", "b/c"]),
        (["https://h.org/docs/", "https://h.org/docs/b"], "https://h.org/docs", ["./", "b"]),
        (["https://h.org/docs", "https://h.org/docs/b"], "https://h.org", ["docs", "docs/b"]),
        (["https://h.org/leave", "https://h.org/lead"], "https://h.org", ["leave", "lead"]),
        (["git+https://h/r@main#a.md", "git+https://h/r@main#b/c.md"], "git+https://h/r@main#", ["a.md", "b/c.md"]),
        (["s3://b/x.zip!/a.md", "s3://b/x.zip!/b.md"], "s3://b/x.zip!", ["a.md", "b.md"]),
        (["https://a.org/x", "https://b.org/x"], "", ["https://a.org/x", "https://b.org/x"]),
        (["https://a.org/x", "s3://b/x"], "", ["https://a.org/x", "s3://b/x"]),
    ],
)
def test_addresses_share_what_they_begin_with(addresses: list[str], heading: str, names: list[str]) -> None:
    places = Places(addresses, terminal())
    assert (places.heading, [places.name(each) for each in addresses]) == (heading, names)


def test_sources_fit_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An address loses its middle, never breaks inside a word, and is whole where programs read it."""
    address = "https://wiki.example.org/spaces/people-and-culture/handbook/parental-leave.html"
    records = SourceRecords(tmp_path / "data")
    records.keep(SourceRecord(address, ("channel:slack/T1/HR",), every=3600, site=True))
    monkeypatch.setattr(SourceRecords, "read", lambda _: [SourceRecord(address, every=3600, site=True)])
    for real in (True, False):
        console = terminal(real=real)
        show_places(Settings(home=tmp_path), console)
        lines = [line for line in console.file.getvalue().splitlines() if line.strip()]  # type: ignore[attr-defined]
        assert len(lines) == 2
        assert ("parental-leave.html (site)" in lines[1], address in lines[1]) == (True, not real)
        assert not real or max(len(Text.from_ansi(line).plain) for line in lines) <= 80
    assert plain_places(Settings(home=tmp_path))[0]["every"] == 3600


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
