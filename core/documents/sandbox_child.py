"""The process that parses: reads requests from standard input, answers on standard output, within hard limits.

Started by `core.documents.sandbox`, never by a person. A hostile file may take this process over, so it shuts itself in
before it reads one (`confinement.py`): the kernel bounds its memory and processor time everywhere, and on Linux also
which files it reads and what it asks of the system, as far as `attune doctor` says. Its answers are JSON. Knows nothing
of the index, of passages or of models.
"""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import PurePath, PurePosixPath
from typing import IO

from pydantic import TypeAdapter

from core.documents.archives import Member, members
from core.documents.blocks import ParsedDocument
from core.documents.confinement import Confinement, Layer, confine
from core.documents.parsing import parse_with, unsupported
from core.documents.pictures import SUFFIXES
from core.documents.recognition import is_installed, on_picture
from core.errors import DocumentError

MEMORY_BYTES = 2 * 1024**3  # of address space, the interpreter and its libraries (0.3 GB) among it
CPU_SECONDS = 240  # for one document: a PDF of 2,000 dense pages
PICTURE_SECONDS = 120  # for each picture whose text is recognised: most take 5


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What the process may take: memory in all, processor time for each document and each picture in it."""

    memory_bytes: int = MEMORY_BYTES
    cpu_seconds: int = CPU_SECONDS
    picture_seconds: int = PICTURE_SECONDS


class ParseState(StrEnum):
    """What became of a document."""

    BEGUN = "begun"  # it is parsed now: if nothing follows, it was its fault
    PICTURE = "picture"  # it has one, on a `page`, whose text is recognised now
    READ = "read"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    SKIPPED = "skipped"  # inside an archive, of a format that is not supported
    DONE = "done"  # with the whole file


@dataclass(frozen=True, slots=True)
class ParseRequest:
    """A file to read, whose `size` bytes follow.

    `settings` is hashed into each version. `held` are the versions that need not be parsed, by the name inside the
    file; documents named in `done` are passed over. Every reply carries its `id`.
    """

    id: str
    name: str
    size: int
    settings: str
    limits: ProcessLimits
    held: Mapping[str, str] = field(default_factory=dict)
    done: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ParseReply:
    """What became of the document called `inside`, which is empty where it is the file itself."""

    state: ParseState
    inside: str = ""
    version: str = ""
    document: ParsedDocument | None = None
    reason: str = ""
    page: int = 0
    id: str = ""  # of the request


REQUEST = TypeAdapter(ParseRequest)
REPLY = TypeAdapter(ParseReply)
CONFINED = TypeAdapter(Confinement)


def answers(request: ParseRequest, data: bytes) -> Iterator[ParseReply]:
    """What becomes of every document in `data`, within the request's limits."""
    path = PurePosixPath(request.name)
    try:
        _start_clock(request.limits.cpu_seconds)
        for member in members(data, path):
            if member.name not in request.done:
                _start_clock(request.limits.cpu_seconds)
                yield ParseReply(ParseState.BEGUN, member.name)
                yield _answer(member, path / member.name, request)
                _start_clock(request.limits.cpu_seconds)
    except DocumentError as error:
        yield ParseReply(ParseState.REFUSED, reason=str(error))
    except MemoryError:
        yield ParseReply(ParseState.REFUSED, reason=_too_large(path.name, request.limits))
    except RecursionError:
        yield ParseReply(ParseState.REFUSED, reason=f"{path.name} is nested too deeply to be read. Flatten it.")
    except Exception as error:  # noqa: BLE001 - an archive holds anything; the other files go on
        reason = f"{path.name} cannot be read ({type(error).__name__}: {error}). Save it again, or leave it out."
        yield ParseReply(ParseState.REFUSED, reason=reason)
    yield ParseReply(ParseState.DONE)


def _too_large(name: str, limits: ProcessLimits) -> str:
    return f"{name} takes more than {limits.memory_bytes / 1024**3:g} GB of memory to read. Split it, or leave it out."


def _answer(member: Member, path: PurePosixPath, request: ParseRequest) -> ParseReply:
    if member.parse is None:
        return (
            ParseReply(ParseState.SKIPPED, member.name)
            if member.name
            else ParseReply(ParseState.REFUSED, reason=unsupported(path))
        )
    try:
        data = member.read()
        version = version_of(data, path, request.settings)
        if request.held.get(member.name) == version:
            return ParseReply(ParseState.UNCHANGED, member.name, version)
        document = parse_with(member.parse, data, path)
    except DocumentError as error:
        return ParseReply(ParseState.REFUSED, member.name, reason=str(error))
    except MemoryError:
        return ParseReply(ParseState.REFUSED, member.name, reason=_too_large(path.name, request.limits))
    return ParseReply(ParseState.READ, member.name, version, document, member.note)


def version_of(data: bytes, path: PurePath, settings: str) -> str:
    """The version of a document: another where it would be read in another way."""
    recognises = path.suffix.lower() in (".pdf", *SUFFIXES) and is_installed()
    return hashlib.sha256(data + settings.encode() + b"\0pictures" * recognises).hexdigest()


def main(layers: Sequence[str] = ()) -> None:
    """Say how this process is confined, by all layers or those named; then answer requests until input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a ctrl-c at the terminal is for the parent, which then ends this
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
        out.write(CONFINED.dump_json(confine(layers or tuple(Layer))) + b"\n")
        out.flush()
        while line := sys.stdin.buffer.readline():
            request = REQUEST.validate_json(line)
            data = sys.stdin.buffer.read(request.size)
            _limit_memory(request.limits.memory_bytes)
            on_picture.set(partial(_begin_picture, out, request))
            for reply in answers(request, data):
                _say(out, request, reply)


def _begin_picture(out: IO[bytes], request: ParseRequest, page: int) -> None:
    _start_clock(request.limits.picture_seconds)
    _say(out, request, ParseReply(ParseState.PICTURE, page=page))


def _say(out: IO[bytes], request: ParseRequest, reply: ParseReply) -> None:
    out.write(REPLY.dump_json(replace(reply, id=request.id)) + b"\n")
    out.flush()


def _limit_memory(size: int) -> None:
    """Have the kernel keep this process to `size` bytes of address space.

    Linux does. macOS refuses the limit or does not keep to it: there, the parent's clock is what ends a document that
    eats everything.
    """
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _start_clock(seconds: int) -> None:
    """Have the kernel end this process when it has used so much more processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + seconds
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
