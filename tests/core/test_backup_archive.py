"""A backup's file is written whole or not at all, and read with distrust."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.adapters.redis.dump import RedisDump
from core.documents.folder_records import FolderRecords
from core.errors import BackupError
from core.storage.backup import DataLayout, Move, _unpack_lessons
from core.storage.backup_archive import FORMAT, MANIFEST, BackupReader, BackupWriter

LESSON = "learned/" + "0" * 32 + "/note.md"
PARTS = {"memory.jsonl": b"{}\n", "settings.toml": b"# none\n", LESSON: b"words " * 1000}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with BackupWriter(tmp_path / "a.zip", {"attune": "1"}) as archive:
        for name, data in PARTS.items():
            archive.add(name, data)
    return tmp_path / "a.zip"


def test_what_was_written_is_read(file: Path, tmp_path: Path) -> None:
    """Each part, by its owner alone, and nothing beside the file."""
    with BackupReader(file) as archive:
        assert {name: archive.read(name) for name in archive.parts} == PARTS
        assert archive.facts["attune"] == "1"
        archive.unpack(LESSON, tmp_path / "out" / "note.md")
    assert (tmp_path / "out" / "note.md").read_bytes() == PARTS[LESSON]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["a.zip"]


@pytest.mark.parametrize(
    ("before", "now"),
    [("/data/learned", "/srv/data/learned"), ("/dätä/learned", "/srv/dätä/learned"), ("/a/learned", "/b/learned")],
)
def test_a_lesson_moves_once(before: str, now: str) -> None:
    """Also where its place now ends as that of before did, as a path by itself and as JSON has it."""
    move = Move(before, now)
    assert move.of(f"{before}/0/x.md".encode()) == f"{now}/0/x.md".encode()
    assert json.loads(move.of(json.dumps({"source": f"{before}/0/x.md"}).encode())) == {"source": f"{now}/0/x.md"}


def test_lessons_that_cannot_be_unpacked_are_a_sentence(file: Path, tmp_path: Path, redis: Redis) -> None:
    """And what a killed restoring left beside them is gone."""
    data = tmp_path / "data"
    place = DataLayout(data, data / "learned", FolderRecords(data), RedisDump(redis))
    (data / ".restored-killed" / "old").mkdir(parents=True)
    with BackupReader(file) as archive:
        assert _unpack_lessons(archive, place) == 1
        assert [one.name for one in data.iterdir()] == ["learned"]
        with pytest.raises(BackupError, match="Free some space"):
            _unpack_lessons(archive, replace(place, data=tmp_path / "none"))


def test_what_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    """Nor does it touch one that is there."""

    def broken_off() -> None:
        with BackupWriter(tmp_path / "a.zip", {}) as archive:
            archive.add("memory.jsonl", b"{}")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BackupError, match="exists"), BackupWriter(tmp_path / "mine.txt", {}):
        pass
    assert (tmp_path / "mine.txt").read_text() == "mine"
    with pytest.raises(BackupError, match="cannot be written"), BackupWriter(tmp_path / "no" / "a.zip", {}):
        pass


def refused(file: Path) -> str:
    with pytest.raises(BackupError) as error, BackupReader(file):
        pass
    return str(error.value)


def rewritten(file: Path, change: Callable[[dict[str, bytes], zipfile.ZipFile], None]) -> str:
    """What is said of the archive after its members were changed by somebody who knows how they are listed."""
    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        change(members, new)
        for name, data in members.items():
            new.writestr(name, data)
    return refused(file)


def listed(members: dict[str, bytes], name: str, size: int, sha256: str = "0") -> None:
    manifest = json.loads(members[MANIFEST])
    manifest["parts"][name] = {"size": size, "sha256": sha256}
    members[MANIFEST] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "learned/../../evil.md",
        "learned/a/../../../evil",
        "learned/a/..",
        "learned/evil.md",
        "learned/a\\..\\..\\evil",
        "data/memory.jsonl",
        "attune.toml",
        "learned/" + "a/" * 9 + "x",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(file: Path, name: str) -> None:
    """Also where the list of contents names it."""

    def add(members: dict[str, bytes], _: zipfile.ZipFile) -> None:
        members[name] = b"evil"
        listed(members, name, 4)

    assert "which does not belong in a backup" in rewritten(file, add)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFIFO])
def test_links_folders_and_devices_are_refused(file: Path, kind: int) -> None:
    """A backup holds files."""
    name = "learned/a/link"

    def add(members: dict[str, bytes], new: zipfile.ZipFile) -> None:
        member = zipfile.ZipInfo(name)
        member.external_attr = (kind | 0o777) << 16
        new.writestr(member, "/etc/passwd")
        listed(members, name, 11)

    assert "which does not belong in a backup" in rewritten(file, add)


def test_what_unpacks_to_far_more_than_it_is_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any of it is unpacked."""
    monkeypatch.setattr("core.storage.backup_archive._ALWAYS", 1 << 20)

    def add(members: dict[str, bytes], _: zipfile.ZipFile) -> None:
        members[LESSON] = b"\0" * (8 << 20)
        listed(members, LESSON, 8 << 20)

    assert "far more than a backup holds" in rewritten(file, add)


def test_a_length_that_is_not_the_real_one_is_refused(file: Path) -> None:
    def change(members: dict[str, bytes], _: zipfile.ZipFile) -> None:
        listed(members, LESSON, 5)

    assert "the wrong length" in rewritten(file, change)


def test_parts_beside_the_list_or_lacking_are_refused(file: Path) -> None:
    def add(members: dict[str, bytes], _: zipfile.ZipFile) -> None:
        members["folders.json"] = b"{}"

    def drop(members: dict[str, bytes], _: zipfile.ZipFile) -> None:
        del members["folders.json"], members["memory.jsonl"]

    assert "is incomplete" in rewritten(file, add)
    assert "is incomplete" in rewritten(file, drop)


def test_a_newer_backup_says_which_version_it_needs(file: Path) -> None:
    def newer(members: dict[str, bytes], _: zipfile.ZipFile) -> None:
        manifest = json.loads(members[MANIFEST]) | {"format": FORMAT + 1, "attune": "9.9"}
        members[MANIFEST] = json.dumps(manifest).encode()

    said = rewritten(file, newer)
    assert "newer Attune (9.9" in said
    assert "Install that version" in said


@pytest.mark.parametrize("written", [b"", b"PK\3\4", b"not a zip at all", b"\x1f\x8b" + b"\0" * 100])
def test_what_is_no_archive_is_refused(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(written)
    assert "not an Attune backup" in refused(tmp_path / "a.zip")
    assert "no file" in refused(tmp_path / "none.zip")


@pytest.mark.parametrize(
    "manifest", [b"", b"[]", b"{}", b'{"kind": "attune-backup"}', b'{"kind": "attune-backup", "format": {}}']
)
def test_a_zip_of_somebody_else_is_refused(file: Path, manifest: bytes) -> None:
    def change(members: dict[str, bytes], _: zipfile.ZipFile) -> None:
        members[MANIFEST] = manifest

    assert "Nothing was restored" in rewritten(file, change)


def test_every_damaged_byte_is_noticed_or_harmless(file: Path, tmp_path: Path) -> None:
    """Cut off anywhere it is refused; with one byte changed it is refused, or reads as it was written."""
    whole = file.read_bytes()
    broken = tmp_path / "broken.zip"
    for end in range(0, len(whole) - 1, 13):
        broken.write_bytes(whole[:end])
        assert "Nothing was restored" in refused(broken)
    for place in range(0, len(whole), 3):
        broken.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            with BackupReader(broken) as archive:
                assert {name: archive.read(name) for name in archive.parts} == PARTS
        except BackupError:
            continue


def test_a_link_in_the_place_of_a_new_file_is_not_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "note.md").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackupError), BackupReader(file) as archive:
        archive.unpack(LESSON, tmp_path / "out" / "note.md")
    assert not os.path.lexists(tmp_path / "elsewhere")
