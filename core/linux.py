"""What a process asks of its kernel, beyond Python's library: to keep its secrets, and to be confined.

By ctypes, since no kept library does this: `landlock` on PyPI has had nothing but pre-releases, `pyseccomp` none since
2021 and needs libseccomp beside it. What confines is Linux's, and raises OSError where the kernel refuses or does not
know it. Knows nothing of which secrets there are, or of what is confined and why.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterable, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = (
    0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x40000000,
)  # fmt: skip
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38  # <linux/prctl.h>
_SECCOMP_MODE_FILTER = 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # on every processor
_LANDLOCK_VERSION = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_CAPABILITY_VERSION_3 = 0x20080522
_STATVFS_FLAGS = 1 | 2 | 4 | 8 | 1024 | 2048  # which have the same values as a mount's
_RELATIME, _MS_RELATIME = 4096, 1 << 21


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class Instruction(ctypes.Structure):
    """One of a BPF program."""

    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(Instruction)))


def withdraw(environ: MutableMapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Take the variables `names` out of `environ`, this process's own, and out of what the kernel shows of it.

    A program that this one starts inherits no secret then. Returns the environment as it was.
    """
    before = dict(environ)
    for name in names:
        if name in environ:
            _blank(name)
            del environ[name]
    return before


def close_memory() -> None:
    """From now on no other process of this user reads this one's memory, environment or files; on Linux only.

    A document that takes over its parser finds no secret in /proc.
    """
    with suppress(OSError):
        not_dumpable()


def end_with(parent: int) -> None:
    """Be killed with the process `parent`, which started this one; on Linux only. Ends at once where it is gone."""
    with suppress(OSError):
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # killed before the kernel was asked
        sys.exit(1)


def no_new_privileges() -> None:
    """No program that this process runs gets more rights than it has."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def not_dumpable() -> None:
    """Processes of the same user can no longer read this one's memory and environment, nor attach to it."""
    _prctl(_PR_SET_DUMPABLE, 0)


def unshare(namespaces: int) -> None:
    """Enter new namespaces. In a new user namespace this process keeps its user and group."""
    user, group = os.geteuid(), os.getegid()
    _called(_library().unshare(namespaces))
    if namespaces & CLONE_NEWUSER:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Mount something at `target`; the arguments are those of the system call."""
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    first, second, third, last = texts
    _called(_library().mount(first, second, third, ctypes.c_ulong(flags), last))


def make_read_only(target: str) -> None:
    """A bound folder may only be read from now on; the flags it has stay, as they must."""
    has = os.statvfs(target).f_flag
    kept = has & _STATVFS_FLAGS | (_MS_RELATIME if has & _RELATIME else 0)
    mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | kept)


def drop_capabilities() -> None:
    """Whatever root may do beyond any user, this process may not from now on."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _called(_library().capset(header, (ctypes.c_uint32 * 6)()))


def landlock_version() -> int:
    """What the kernel's Landlock knows: 1 from Linux 5.13 on, 4 (TCP) from 6.7, 6 (signals) from 6.12."""
    return _called(_system_call(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION))


def landlock(readable: Iterable[Path]) -> None:
    """Of all files only those in or at `readable` may be read, and none written, made, removed or run.

    Where the kernel knows how: no TCP either, no abstract socket and no signal to a process outside.
    """
    version = landlock_version()
    rules = _Ruleset(_file_rights(version), 3 if version >= 4 else 0, 3 if version >= 6 else 0)  # noqa: PLR2004
    ruleset = _called(_system_call(_LANDLOCK_CREATE, ctypes.byref(rules), ctypes.sizeof(rules), 0))
    try:
        for path in readable:
            _allow(ruleset, path)
        _called(_system_call(_LANDLOCK_RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)


def filter_calls(program: Sequence[Instruction]) -> None:
    """Have the kernel ask `program` about each system call of this process."""
    instructions = (Instruction * len(program))(*program)
    filtered = _Program(len(program), instructions)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filtered))


def _blank(name: str) -> None:
    """Overwrite the value where the process got it: unsetting it leaves it there, for `/proc/PID/environ` to show."""
    library = ctypes.CDLL(None)
    library.getenv.restype = ctypes.c_void_p
    if place := library.getenv(name.encode()):
        ctypes.memset(place, 0, len(ctypes.string_at(place)))


def _file_rights(version: int) -> int:
    """All that this version knows: it grew by moving between folders, cutting a file, and talking to devices."""
    bits = 13 + (version >= 2) + (version >= 3) + (version >= 5)  # noqa: PLR2004
    return (1 << bits) - 1


def _allow(ruleset: int, path: Path) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(_READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE, parent)
        _called(_system_call(_LANDLOCK_ADD, ruleset, 1, ctypes.byref(rule), 0))
    finally:
        os.close(parent)


def _prctl(option: int, value: int, argument: object = 0) -> None:
    _called(_library().prctl(option, ctypes.c_ulong(value), argument, ctypes.c_ulong(0), ctypes.c_ulong(0)))


def _system_call(number: int, *arguments: object) -> int:
    wide = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    library = _library()
    library.syscall.restype = ctypes.c_long
    return int(library.syscall(ctypes.c_long(number), *wide))


def _library() -> ctypes.CDLL:
    if sys.platform != "linux":
        raise OSError(0, "this system is not Linux")
    return ctypes.CDLL(None, use_errno=True)


def _called(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
