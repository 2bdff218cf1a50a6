"""What a document that takes over its parser can do, at each level that this system has: next to nothing."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path, PurePath

import pytest

from core.documents.confinement import Confinement, Layer
from core.documents.sandbox import Sandbox
from tests import odd_parser

ROOT = Path(__file__).parents[2]
LIMITS = "limits"  # no layer
FILES, CALLS = (Layer.NAMESPACES, Layer.LANDLOCK), Layer.SECCOMP
LEVELS = {"all": (), **{layer.value: (layer,) for layer in Layer}, "no namespaces": (Layer.LANDLOCK, Layer.SECCOMP)}
DENIED = ("PermissionError", "FileNotFoundError", "OSError", "BlockingIOError")


@cache
def possible() -> Confinement:
    """What this system has."""
    with closing(Sandbox(child=odd_parser.CHILD)) as sandbox:
        return sandbox.confined()


def obeyed(level: str, order: str) -> str:
    """What comes of an order to a parser at that level; the test is skipped where the system does not have it."""
    layers = LEVELS.get(level, (LIMITS,))
    for layer in layers or Layer:
        if layer in possible().off:
            pytest.skip(f"{layer}: {possible().off[layer]}")
    with closing(Sandbox(child=(*odd_parser.CHILD, *layers))) as sandbox:
        assert sandbox.confined().on == (layers or tuple(Layer) if level != LIMITS else ())
        (reply,) = sandbox.read(order.encode(), PurePath("a.txt"), "", {})
    return reply.document.title if reply.document else reply.reason


def at(*levels: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("level", levels)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder in the home folder, with something private in it."""
    with tempfile.TemporaryDirectory(dir=pwd.getpwuid(os.getuid()).pw_dir, prefix=".attune-test-") as folder:
        (Path(folder) / "private.txt").write_text("ANNSECRET")
        yield Path(folder)


def denied(said: str) -> bool:
    return said.startswith(DENIED)


@at("all", "no namespaces", *FILES)
def test_it_reads_nothing_of_the_home_folder(level: str, home: Path) -> None:
    """Neither a file nor the names in a folder; nor the settings and data beside the code."""
    assert denied(obeyed(level, f"read {home / 'private.txt'}"))
    assert denied(obeyed(level, f"names {home}"))
    assert denied(obeyed(level, f"read {ROOT / 'pyproject.toml'}"))
    assert denied(obeyed(level, "read /etc/passwd"))


@at("all", "no namespaces", *Layer)
def test_it_reads_no_other_process(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the parent neither the environment nor the memory, and it attaches to nobody."""
    monkeypatch.setenv("QDRANT_API_KEY", "secret-key")
    pid = os.getpid()
    if level != CALLS:
        assert denied(obeyed(level, f"read /proc/{pid}/environ"))
        assert denied(obeyed(level, f"read /proc/{pid}/mem"))
    assert denied(obeyed(level, f"peek {pid}"))


@at("all", "no namespaces", *Layer, LIMITS)
def test_it_finds_no_environment_and_no_open_file(level: str) -> None:
    """Nothing is handed on but three pipes: in, out and away."""
    assert obeyed(level, "environment x") in {"", "a"}
    assert len(obeyed(level, "descriptors x").split()) == 4


@at("all", "no namespaces", *FILES, CALLS, LIMITS)
def test_it_writes_nothing(level: str, tmp_path: Path) -> None:
    """No file has its words, and without limits alone none is made, changed or removed."""
    (tmp_path / "there.txt").write_text("as it was")
    for name in ("new.txt", "there.txt"):
        assert denied(obeyed(level, f"write {tmp_path / name}"))
    if level != LIMITS:
        assert denied(obeyed(level, f"remove {tmp_path / 'there.txt'}"))
        assert [entry.name for entry in tmp_path.iterdir()] == ["there.txt"]
        assert (tmp_path / "there.txt").read_text() == "as it was"
    assert "taken over" not in "".join(entry.read_text() for entry in tmp_path.iterdir())


@at("all", "no namespaces", *Layer)
def test_it_connects_to_nobody(level: str) -> None:
    """Not to this machine either."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert denied(obeyed(level, f"connect {server.getsockname()[1]}"))


@at("all", "no namespaces", Layer.NAMESPACES, CALLS)
def test_it_sends_nothing_and_reaches_no_store(level: str, tmp_path: Path) -> None:
    """No datagram, and no unix socket such as the embedded stores have. Landlock alone knows of neither."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hears, socket.socket(socket.AF_UNIX) as store:
        hears.bind(("127.0.0.1", 0))
        hears.setblocking(False)
        store.bind(str(tmp_path / "s"))
        store.listen()
        obeyed(level, f"send {hears.getsockname()[1]}")
        with pytest.raises(BlockingIOError):
            hears.recv(16)
        assert denied(obeyed(level, f"knock {tmp_path / 's'}"))


@at("all", "no namespaces", *Layer)
def test_it_runs_no_program(level: str) -> None:
    """Neither beside itself nor in its own place."""
    assert denied(obeyed(level, "run /bin/ls"))
    assert "ends" not in obeyed(level, "become /bin/ls") or denied(obeyed(level, "become /bin/ls"))


@at("all", "no namespaces", CALLS)
def test_it_ends_nobody(level: str) -> None:
    """No signal leaves it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert denied(obeyed(level, f"end {other.pid}"))
        assert other.poll() is None
        other.communicate(b"\n")
        assert other.returncode == 0
