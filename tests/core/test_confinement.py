"""What a document that takes over its parser can do, at each level that this system has: next to nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path, PurePath

import pytest

from core import linux
from core.documents.confinement import Confinement, Layer
from core.documents.sandbox import Sandbox
from tests import odd_parser

ROOT = Path(__file__).parents[2]
LIMITS = "limits"  # no layer
WHOLE = ("all", "no namespaces", "no Landlock")
FILES, CALLS = (Layer.NAMESPACES, Layer.LANDLOCK), Layer.SECCOMP
LEVELS: dict[str, tuple[str, ...]] = {
    "all": (),
    "no namespaces": (Layer.LANDLOCK, Layer.SECCOMP),
    "no Landlock": (Layer.NAMESPACES, Layer.SECCOMP),
    **{layer: (layer,) for layer in (*Layer, LIMITS)},
}
DENIED = ("PermissionError", "FileNotFoundError", "OSError", "BlockingIOError")


@cache
def possible() -> Confinement:
    """What this system has."""
    with closing(Sandbox(child=odd_parser.CHILD)) as sandbox:
        return sandbox.confined()


@pytest.fixture(scope="module", autouse=True)
def _parsers_end() -> Iterator[None]:
    yield
    for layer in LEVELS.values():
        parser_with(layer).close()


@cache
def parser_with(layers: tuple[str, ...]) -> Sandbox:
    return Sandbox(child=(*odd_parser.CHILD, *layers))


def obeyed(level: str, order: str) -> str:
    """What comes of an order to a parser at that level; the test is skipped where the system does not have it."""
    layers = LEVELS[level]
    wanted = [] if level == LIMITS else layers or Layer
    for layer in wanted:
        if layer in possible().off:
            pytest.skip(f"{layer}: {possible().off[layer]}")
    assert parser_with(layers).confined().on == tuple(wanted)
    (reply,) = parser_with(layers).read(order.encode(), PurePath("a.txt"), "", {})
    return reply.document.title if reply.document else reply.reason


def at(*levels: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("level", levels)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder in the home folder, with something private in it."""
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix=".attune-test-") as folder:
        (Path(folder) / "private.txt").write_text("ANNSECRET")
        yield Path(folder)


def denied(said: str) -> bool:
    return said.startswith(DENIED)


@at(*WHOLE, *FILES)
def test_it_reads_nothing_of_the_home_folder(level: str, home: Path) -> None:
    """Neither a file nor the names in a folder; nor the settings and data beside the code."""
    assert denied(obeyed(level, f"read {home / 'private.txt'}"))
    assert denied(obeyed(level, f"names {home}"))
    assert denied(obeyed(level, f"read {ROOT / 'pyproject.toml'}"))
    assert denied(obeyed(level, "read /etc/passwd"))


@at(*WHOLE, *Layer)
def test_it_reads_no_other_process(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the parent neither the environment nor the memory, and it attaches to nobody."""
    monkeypatch.setenv("QDRANT_API_KEY", "secret-key")
    pid = os.getpid()
    if level != CALLS:
        assert denied(obeyed(level, f"read /proc/{pid}/environ"))
        assert denied(obeyed(level, f"read /proc/{pid}/mem"))
    assert denied(obeyed(level, f"peek {pid}"))


@at(*WHOLE, *Layer, LIMITS)
def test_it_finds_no_environment_and_no_open_file(level: str) -> None:
    """Nothing is handed on but three pipes: in, out and away."""
    assert all(name.endswith("_NUM_THREADS") for name in obeyed(level, "environment x").split())
    assert len(obeyed(level, "descriptors x").split()) == 4


@at(*WHOLE, *FILES, CALLS, LIMITS)
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


@at(*WHOLE, *Layer)
def test_it_connects_to_nobody(level: str) -> None:
    """Not to this machine either."""
    if level == Layer.LANDLOCK and level in possible().on and linux.landlock_version() < 4:
        pytest.skip("this kernel's Landlock knows nothing of TCP")
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert denied(obeyed(level, f"connect {server.getsockname()[1]}"))


@at(*WHOLE, Layer.NAMESPACES, CALLS)
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


@at(*WHOLE, Layer.LANDLOCK, CALLS)
def test_it_runs_no_program(level: str) -> None:
    """Neither beside itself nor in its own place."""
    for program in ("/bin/ls", sys.executable):
        assert denied(obeyed(level, f"run {program}"))
        assert denied(obeyed(level, f"become {program}"))


@at(*WHOLE, CALLS)
def test_it_ends_nobody(level: str) -> None:
    """No signal leaves it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert denied(obeyed(level, f"end {other.pid}"))
        assert other.poll() is None
        other.communicate(b"\n")
        assert other.returncode == 0


@pytest.mark.parametrize("broken", ["unshare", "mount", "drop_capabilities", "landlock", "filter_calls", "_library"])
def test_a_system_that_lacks_a_layer_goes_without(broken: str) -> None:
    """Files are read all the same, within the others, and the reason is said."""
    code = f"""
import errno, os, sys
from core import linux
from tests import odd_parser
def refused(*_): raise OSError(errno.EPERM, os.strerror(errno.EPERM))
linux.{broken} = refused
sys.argv[1:] = []
odd_parser.main()
"""
    missing = {
        "unshare": [Layer.NAMESPACES],
        "mount": [Layer.NAMESPACES],
        "drop_capabilities": [Layer.NAMESPACES],
        "landlock": [Layer.LANDLOCK],
        "filter_calls": [Layer.SECCOMP],
        "_library": list(Layer),
    }[broken]
    with closing(Sandbox(child=("-c", code))) as sandbox:
        confined = sandbox.confined()
        (reply,) = sandbox.read(b"# Good\n\nWords.", PurePath("a.md"), "", {})
    assert reply.document
    assert reply.document.title == "Good"
    assert not set(missing) & set(confined.on)
    assert all(confined.off[layer] == "Operation not permitted" for layer in missing)
    assert set(confined.on) == set(possible().on) - set(missing)
    assert confined.is_whole is (len(confined.on) == 2 and Layer.SECCOMP in confined.on)


def test_a_layer_over_which_parsers_could_not_be_read_is_left_out() -> None:
    """It was tried in a fork; the process itself is none the worse."""
    code = """
import os, sys
from core import linux
from tests import odd_parser
landlock = linux.landlock
linux.landlock = lambda readable: landlock([])
linux.filter_calls = lambda _: os._exit(9)
odd_parser.main()
"""
    with closing(Sandbox(child=("-c", code))) as sandbox:
        confined = sandbox.confined()
        (reply,) = sandbox.read(b"# Good\n\nWords.", PurePath("a.md"), "", {})
    assert reply.document
    if Layer.LANDLOCK in possible().on:
        assert "parsers cannot be read" in confined.off[Layer.LANDLOCK]
    assert confined.off[Layer.SECCOMP] == "it ends the process"
