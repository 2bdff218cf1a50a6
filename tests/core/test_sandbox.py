from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest

from core.documents.archives import MAX_UNPACKED_BYTES
from core.documents.sandbox import MAX_DEATHS, Sandbox
from core.documents.sandbox_child import ParseReply, ParseState, ProcessLimits
from tests.core.test_formats import lines
from tests.files import paragraph, pdf, word, zipped

GOOD = b"# Good\n\nWords."
ROOT = Path(__file__).parents[2]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    opened = Sandbox()
    yield opened
    opened.close()


def read(sandbox: Sandbox, data: bytes, name: str) -> list[ParseReply]:
    return sandbox.read(data, PurePath(f"/folder/{name}"), "settings", {})


def refusal(sandbox: Sandbox, data: bytes, name: str) -> str:
    (reply,) = read(sandbox, data, name)
    assert (reply.state, reply.inside, reply.document) == (ParseState.REFUSED, "", None)
    assert reply.reason.startswith(f"{name} ")
    assert reply.reason.endswith(".")
    return reply.reason


def titles(replies: list[ParseReply]) -> dict[str, str]:
    return {reply.inside: reply.document.title for reply in replies if reply.document}


def test_one_process_serves_many_files(sandbox: Sandbox) -> None:
    """The second file costs no start; what was parsed arrives whole."""
    (first,) = read(sandbox, GOOD, "a.md")
    process = sandbox._process
    (second,) = read(sandbox, pdf(lines("Words.", top=700)), "b.pdf")
    assert sandbox._process is process
    assert first.document
    assert [(block.text, block.line) for block in first.document.blocks] == [("Good", 1), ("Words.", 3)]
    assert second.document
    assert [(block.text, block.page) for block in second.document.blocks] == [("Words.", 1)]


def test_the_parsing_process_imports_no_model() -> None:
    """It starts fast and leaves memory to documents."""
    code = "import sys, core.documents.sandbox_child; print([n for n in ('torch', 'transformers') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows a process's environment")
def test_no_key_is_in_the_reach_of_a_parser(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment, which holds tokens and keys, is not handed on."""
    monkeypatch.setenv("QDRANT_API_KEY", "secret-key")
    read(sandbox, GOOD, "a.md")
    assert sandbox._process
    assert b"secret-key" not in Path(f"/proc/{sandbox._process.pid}/environ").read_bytes()


def bomb_pdf() -> bytes:
    """A page whose content unpacks to 0.8 GB."""
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(b" " * 2**24) for _ in range(48)) + packer.flush()
    place = pdf("").index(b"8 0 obj")
    head, tail = pdf("")[:place], b"\nendstream\nendobj\ntrailer << /Size 9 /Root 1 0 R >>\n%%EOF\n"
    return head + b"8 0 obj\n<< /Filter /FlateDecode /Length %d >>\nstream\n" % len(packed) + packed + tail


def test_a_file_that_eats_memory_is_refused_and_the_next_one_read() -> None:
    """A PDF that unpacks to more than the process may have ends there."""
    sandbox = Sandbox(ProcessLimits(memory_bytes=2**29))
    try:
        assert "memory to read" in refusal(sandbox, bomb_pdf(), "bomb.pdf")
        assert titles(read(sandbox, GOOD, "a.md")) == {"": "Good"}
    finally:
        sandbox.close()


def long_pdf() -> bytes:
    return pdf(*[lines(*["some words of a line"] * 50, top=750)] * 300)


def test_a_file_that_eats_time_is_refused_and_the_next_one_read() -> None:
    """Processor time is bounded by the kernel, for each document anew."""
    sandbox = Sandbox(ProcessLimits(cpu_seconds=1))
    try:
        assert "takes more than 1 seconds to read" in refusal(sandbox, long_pdf(), "long.pdf")
        assert titles(read(sandbox, GOOD, "a.md")) == {"": "Good"}
    finally:
        sandbox.close()


def test_a_file_that_hangs_is_refused_and_the_next_one_read() -> None:
    """The parent's clock ends what the kernel does not."""
    sandbox = Sandbox(wall_seconds=1.5)
    try:
        started = time.monotonic()
        assert "takes more than 2 seconds to read" in refusal(sandbox, long_pdf(), "long.pdf")
        assert time.monotonic() - started < 5
        sandbox._wall_seconds = 60
        assert titles(read(sandbox, GOOD, "a.md")) == {"": "Good"}
    finally:
        sandbox.close()


def test_a_killed_process_is_replaced(sandbox: Sandbox) -> None:
    """Whoever ends the process between two files does no harm."""
    read(sandbox, GOOD, "a.md")
    assert sandbox._process
    sandbox._process.kill()
    sandbox._process.wait()
    assert titles(read(sandbox, GOOD, "b.md")) == {"": "Good"}


def test_a_member_that_kills_the_parser_is_refused_alone() -> None:
    """The other members of its archive are read, those after it by a new process."""
    sandbox = Sandbox(ProcessLimits(cpu_seconds=1))
    try:
        replies = read(sandbox, zipped({"a.md": GOOD, "long.pdf": long_pdf(), "z.md": GOOD}), "all.zip")
        assert titles(replies) == {"a.md": "Good", "z.md": "Good"}
        assert [reply.inside for reply in replies if reply.state is ParseState.REFUSED] == ["long.pdf"]
    finally:
        sandbox.close()


def test_an_archive_of_nothing_but_killers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot keep the parser busy for ever."""
    sandbox = Sandbox()
    try:
        deaths = iter(range(100))
        monkeypatch.setattr(sandbox, "_attempt", lambda *_: (f"{next(deaths)}.md", "crashes its parser."))
        replies = read(sandbox, zipped({"a.md": GOOD}), "all.zip")
        assert len(replies) == MAX_DEATHS + 1
        assert "not read any further" in replies[-1].reason
    finally:
        sandbox.close()


def lying_zip(size: int) -> bytes:
    """An archive that claims its member has `size` bytes."""
    data = bytearray(zipped({"a.txt": b"x" * 10}))
    for mark, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        place = data.index(mark) + at
        data[place : place + 4] = size.to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\3\4 and no more", "damaged or incomplete"),
        (zipped({"a.txt": "words"})[:-30], "damaged or incomplete"),
        (lying_zip(MAX_UNPACKED_BYTES + 1), "unpacks to over 1024 MB"),
        (zipped({f"{n}.md": b"" for n in range(20_001)}), "holds 20,001 parts"),
    ],
    ids=["no archive", "cut off", "too large", "too many parts"],
)
def test_a_hostile_archive_is_refused_as_a_whole(sandbox: Sandbox, data: bytes, words: str) -> None:
    """Its directory says enough; nothing is unpacked."""
    assert words in refusal(sandbox, data, "all.zip")


def test_a_zip_bomb_is_refused_by_what_it_would_unpack_to(sandbox: Sandbox) -> None:
    """Archives in archives share one budget, and a single member may not be larger than a file."""
    zeros = b"\0" * 21 * 1024**2
    layer = zipped({f"{n}.txt": zeros for n in range(20)})
    replies = read(sandbox, zipped({**{f"{n}.zip": layer for n in range(4)}, "a.md": GOOD}), "bomb.zip")
    assert titles(replies) == {"a.md": "Good"}
    reasons = {reply.inside: reply.reason for reply in replies if reply.state is ParseState.REFUSED}
    assert "0.txt has 21.0 MB; the limit is 20 MB." in reasons["0.zip/0.txt"]
    assert "It unpacks to over 1024 MB." in reasons["3.zip"]


def encrypted_zip() -> bytes:
    data = bytearray(zipped({"a.txt": "words"}))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def test_bad_members_never_stop_the_others(sandbox: Sandbox) -> None:
    """A member that is encrypted, broken, unsupported or too deep says so; hidden ones are not meant."""
    laughs = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">]><x>&a;</x>'
    replies = read(
        sandbox,
        zipped(
            {
                "good.md": GOOD,
                "laughs.docx": zipped({"word/document.xml": laughs}),
                "locked.zip": encrypted_zip(),
                "one.zip": zipped({"two.zip": zipped({"deep.md": GOOD}), "inner.md": GOOD}),
                "picture.gif": b"x",
                ".hidden/a.md": GOOD,
                "__MACOSX/._good.md": GOOD,
                "sub/letter.docx": word(paragraph("Words.")),
            }
        ),
        "all.zip",
    )
    assert titles(replies) == {"good.md": "Good", "one.zip/inner.md": "Good", "sub/letter.docx": "letter"}
    assert [reply.inside for reply in replies if reply.state is ParseState.SKIPPED] == ["picture.gif"]
    reasons = {reply.inside: reply.reason for reply in replies if reply.state is ParseState.REFUSED}
    assert set(reasons) == {"laughs.docx", "locked.zip/a.txt", "one.zip/two.zip"}
    assert "declares entities" in reasons["laughs.docx"]
    assert "protected by a password" in reasons["locked.zip/a.txt"]
    assert "nested in 2 archives" in reasons["one.zip/two.zip"]
    assert all(reason.startswith(PurePath(inside).name) for inside, reason in reasons.items())


def test_ten_thousand_pages_are_refused(sandbox: Sandbox) -> None:
    """The number of pages is known before any of them is read."""
    started = time.monotonic()
    assert "It has 10,000 pages; the limit is 2,000." in refusal(sandbox, pdf(*[""] * 10_000), "long.pdf")
    assert time.monotonic() - started < 20


def test_a_damaged_member_is_refused_alone(sandbox: Sandbox) -> None:
    """Its checksum says that it is not what was packed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", "these are the words")
        archive.writestr("b.txt", "other words")
    replies = read(sandbox, made.getvalue().replace(b"the words", b"no  words"), "all.zip")
    assert titles(replies) == {"b.txt": "b"}
    assert "a.txt is damaged inside its archive" in replies[0].reason
