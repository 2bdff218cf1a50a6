"""What the parsing process takes from itself before it reads a document, layer by layer, as the system allows.

Each layer is tried in a fork first: one that the system refuses, or over which the parsers' code could not be read any
more, is left out, with the reason, and the rest goes on. Nothing here is undone: it holds until the process ends. Knows
nothing of documents.
"""

from __future__ import annotations

import mimetypes
import os
import resource
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from core import linux
from core.documents import syscall_filter

_CODE = Path(__file__).parents[1]  # the `core` package, and nothing beside it: a checkout has settings and data there
_SYSTEM = (
    *("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo"),
    *("/nix/store", "/gnu/store", "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime"),
    *("/dev/null", "/dev/urandom"),
)
_INSTALLED = ("site-packages", "dist-packages")
_LIBRARIES = (
    *("charset_normalizer", "docutils", "ironcalc", "mammoth", "markdown_it", "openpyxl", "pdfplumber"),
    "python_calamine",
)
_OPEN_FILES = 64
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # no other may begin
_LONGEST_REASON = 500  # bytes
_NAMESPACES = linux.CLONE_NEWUSER | linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
_ROOT = "/proc"  # where the new root is put together: it is everywhere, and parsers do without it


class Layer(StrEnum):
    """What confines a process beside the limits of memory, time, files and processes, from the outermost to the last.

    Each by itself is enough for what it is listed with in `SECURITY.md`.
    """

    NAMESPACES = "namespaces"  # no network, and no file but code, which cannot be written
    LANDLOCK = "Landlock"  # no file is read but code, none is written, none is run
    SECCOMP = "seccomp"  # no system call but those that parsing takes


@dataclass(frozen=True, slots=True)
class Confinement:
    """Which layers a process has put on, and why it has not put on the others."""

    on: tuple[Layer, ...] = ()
    off: Mapping[Layer, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether all that is promised holds: one layer for files, and the one for all else."""
        return Layer.SECCOMP in self.on and len(self.on) > 1


def confine(wanted: Collection[str] = tuple(Layer)) -> Confinement:
    """Confine this process, which has one thread, for good; says how far."""
    os.environ.clear()
    os.environ.update(_ONE_THREAD)
    readable = _outermost(_readable())
    steps: Mapping[Layer, Callable[[], None]] = {
        Layer.NAMESPACES: lambda: _enter_namespaces(readable),
        Layer.LANDLOCK: lambda: linux.landlock(readable),
        Layer.SECCOMP: lambda: linux.filter_calls(syscall_filter.program()),
    }
    off: dict[Layer, str] = {}
    for layer, step in steps.items():
        if layer is Layer.LANDLOCK:
            _give_up_rights(readable)
        if reason := _try(step, readable) if layer in wanted else "not asked for":
            off[layer] = reason
    _limit()
    return Confinement(tuple(layer for layer in Layer if layer not in off), off)


def _give_up_rights(readable: Sequence[Path]) -> None:
    """Those of root, where there are any, and those that other programs would bring; not all systems have the words."""
    _try(linux.drop_capabilities, readable)
    with suppress(OSError):
        linux.no_new_privileges()


def _readable() -> Iterator[Path]:
    """Where the code of parsers lies, and what it is made of."""
    installed = sysconfig.get_paths()
    named = (
        *(installed[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *filter(_holds_packages, sys.path),
        *(_CODE, Path(sys.base_prefix, "lib"), *_SYSTEM, *mimetypes.knownfiles),
    )
    return (path for path in map(Path, named) if path.is_absolute() and path.exists())


def _holds_packages(entry: str) -> bool:
    """Whether packages were installed there: a folder of somebody's own may be on the path, too."""
    return Path(entry).name in _INSTALLED or any(Path(entry).glob("*.dist-info"))


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Without those that lie in others."""
    kept: list[Path] = []
    for path in sorted(set(paths)):  # a folder stands before what is in it
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def _enter_namespaces(readable: Sequence[Path]) -> None:
    """A network without a way out, and a root that has nothing but what is readable."""
    linux.unshare(_NAMESPACES)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", _ROOT, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=64k,mode=755")
    for path in readable:
        target = Path(f"{_ROOT}{path}")
        if path.is_dir():
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        linux.mount(str(path), str(target), None, linux.MS_BIND | linux.MS_REC)
        linux.make_read_only(str(target))
    linux.make_read_only(_ROOT)
    os.chroot(_ROOT)
    os.chdir("/")
    linux.drop_capabilities()


def _try(step: Callable[[], None], readable: Sequence[Path]) -> str:
    """Take `step` if it goes well in a fork; otherwise the reason why not, as a person can read it."""
    answer, said = os.pipe()
    fork = os.fork()
    if fork == 0:
        try:
            os.write(said, _attempted(step, readable).encode(errors="replace")[:_LONGEST_REASON])
        finally:  # whatever happens, no second process answers requests
            os._exit(0 if sys.exception() is None else 1)
    os.close(said)
    with os.fdopen(answer, "rb") as stream:
        reason = stream.read().decode(errors="replace")
    if os.waitpid(fork, 0)[1]:
        return "it ends the process"
    return reason or _taken(step)


def _attempted(step: Callable[[], None], readable: Sequence[Path]) -> str:
    if reason := _taken(step):
        return reason
    try:
        for path in readable:
            _look_at(path)
        for name in _LIBRARIES:
            spec = find_spec(name)
            if spec and spec.origin:
                _look_at(Path(spec.origin))
    except (OSError, ImportError) as error:
        return f"with it, parsers cannot be read ({error})"
    return ""


def _taken(step: Callable[[], None]) -> str:
    try:
        step()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _look_at(path: Path) -> None:
    if path.is_dir():
        next(path.iterdir(), None)
    else:
        path.open("rb").close()


def _limit() -> None:
    """No file is written, no process or thread begun, few files open at once; nobody can raise it again."""
    for limit, most in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),  # counts all of the user's, so that there is none to spare
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))
