"""Parsing in a process of its own, which a hostile or broken file may kill without harm.

The process is started for the first file, serves all that follow and is replaced when it dies. Blocking; one file at a
time, and for one reader only: another reader has a process of its own. Knows nothing of formats, passages or the index.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import IO

from pydantic import ValidationError

from core.documents.confinement import Confinement
from core.documents.recognition import MOST_PICTURES
from core.documents.sandbox_child import CONFINED, REPLY, REQUEST, ParseReply, ParseRequest, ParseState, ProcessLimits
from core.errors import DocumentError

WALL_SECONDS = 480.0  # for one document: other processes want the processor too
MAX_DEATHS = 5  # over one file: an archive of nothing but hostile members is given up
MAX_REPLY_BYTES = 512 * 1024**2
CHILD = ("-B", "-m", "core.documents.sandbox_child")  # what the interpreter is to run

_CODE = Path(__file__).parents[2]
_CHUNK = 1024**2  # bytes
_BREAKS = "crashes its parser. Save it again, or leave it out."


class Sandbox:
    """Reads files one after the other, until it is closed."""

    def __init__(
        self,
        limits: ProcessLimits | None = None,
        *,
        wall_seconds: float = WALL_SECONDS,
        child: Sequence[str] = CHILD,
        on_picture: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`on_picture` is told the page of each picture whose text is recognised, in the thread that reads."""
        self._limits = limits or ProcessLimits()
        self._wall_seconds = wall_seconds
        self._child = child
        self._on_picture = on_picture
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._confined: Confinement | None = None
        self._has_read = False  # whether the process was asked to read anything yet
        self._stopped = False
        self._starting = threading.Lock()  # no process is started behind the back of `stop`

    def read(self, data: bytes, path: PurePath, settings: str, held: Mapping[str, str]) -> list[ParseReply]:
        """What became of each document in the file at `path`, BEGUN and DONE left out; see `ParseRequest` for the rest.

        Where the process dies over a document, that one is refused, and the others are read by its successor.

        Raises:
            DocumentError: `stop` was called, before or meanwhile.
        """
        request = ParseRequest("", path.name, len(data), settings, self._limits, held)
        replies: list[ParseReply] = []
        for _ in range(MAX_DEATHS):
            begun, death = self._attempt(request, data, replies)
            if not death:
                return replies
            replies.append(ParseReply(ParseState.REFUSED, begun, reason=f"{PurePath(path.name, begun).name} {death}"))
            if not begun:
                return replies
            request = replace(request, done=frozenset(reply.inside for reply in replies))
        reason = f"{path.name} was not read any further: {MAX_DEATHS} documents in it crashed their parser. Unpack it."
        return [*replies, ParseReply(ParseState.REFUSED, reason=reason)]

    def confined(self) -> Confinement:
        """How the process is confined on this machine.

        Raises:
            DocumentError: it does not start, or `stop` was called.
        """
        try:
            self._ready()
        except _DiedError as death:
            self._discard()
            self.check()
            raise DocumentError(f"The parser's process {death}") from None
        return self._confined or Confinement()

    def renew(self) -> None:
        """The next file is read by a new process, which knows nothing of those before."""
        self._discard()

    def check(self) -> None:
        """Go on only if nobody called `stop`.

        Raises:
            DocumentError: somebody did.
        """
        if self._stopped:
            raise DocumentError("Reading was interrupted. Start it again.")

    def stop(self) -> None:
        """End the process for good, from any thread: a `read` in another one ends at once.

        That thread still waits on the pipes, so they are left open for `close`: their numbers would go to other files.
        """
        with self._starting:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End the process for good. Only when no thread reads any more; see `stop`."""
        self.stop()
        self._discard()

    def _discard(self) -> None:
        process, self._process, self._unread, self._confined = self._process, None, b"", None
        self._has_read = False
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _attempt(self, request: ParseRequest, data: bytes, replies: list[ParseReply]) -> tuple[str, str]:
        """Add to `replies`; returns which document the process died over, and how, or two empty strings."""
        begun, pictures = "", 0
        try:
            for reply in self._replies(request, data):
                if reply.state is ParseState.BEGUN:
                    begun, pictures = reply.inside, 0
                elif reply.state is ParseState.PICTURE:
                    pictures += 1
                    if pictures > MOST_PICTURES:
                        raise _DiedError(_BREAKS)  # noqa: TRY301 - as if it had: it would never end
                    self._on_picture(reply.page)
                elif reply.state is not ParseState.DONE:
                    replies.append(reply)
                    begun = ""
        except _DiedError as death:
            self._discard()
            self.check()
            return begun, str(death)
        return "", ""

    def _replies(self, request: ParseRequest, data: bytes) -> Iterator[ParseReply]:
        request = replace(request, id=secrets.token_hex(8))
        self._ready()
        had_read = self._has_read
        try:
            process, reply = self._first_reply(request, data)
        except _StrayError:
            if not had_read:
                raise
            self._discard()  # what it read before may have broken it: only a new process tells
            process, reply = self._first_reply(request, data)
        yield reply
        while reply.state is not ParseState.DONE:
            reply = self._reply(process, request.id)
            yield reply

    def _first_reply(self, request: ParseRequest, data: bytes) -> tuple[subprocess.Popen[bytes], ParseReply]:
        process, self._has_read = self._ready(), True
        try:
            _pipe(process.stdin).write(REQUEST.dump_json(request) + b"\n" + data)
            _pipe(process.stdin).flush()
        except OSError:
            raise _DiedError(self._death(process)) from None
        return process, self._reply(process, request.id)

    def _ready(self) -> subprocess.Popen[bytes]:
        """The process, when it has confined itself and said how far."""
        process = self._started()
        if self._confined is None:
            try:
                self._confined = CONFINED.validate_json(self._line(process))
            except ValidationError:
                raise _DiedError(_BREAKS) from None
        return process

    def _reply(self, process: subprocess.Popen[bytes], id_: str) -> ParseReply:
        """The next one to the request `id_`; a process that says anything else is not trusted with another document."""
        try:
            reply = REPLY.validate_json(self._line(process))
        except ValidationError:
            raise _StrayError(_BREAKS) from None
        if reply.id != id_:
            raise _StrayError(_BREAKS)
        return replace(reply, id="")

    def _started(self) -> subprocess.Popen[bytes]:
        with self._starting:
            self.check()
            if self._process is None or self._process.poll() is not None or self._speaks(self._process):
                self._discard()
                self._process = subprocess.Popen(
                    [sys.executable, *self._child],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd=_CODE,  # `python -m` finds the package here
                    env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},  # and no parser finds a token or a key
                )
            return self._process

    def _speaks(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether the process said more than it was asked for: then a document has taken it over."""
        return bool(self._unread or select.select([_pipe(process.stdout)], [], [], 0)[0])

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        """The next line that the process writes, in time."""
        out, deadline = _pipe(process.stdout).fileno(), time.monotonic() + self._wall_seconds
        parts = [self._unread]
        while b"\n" not in parts[-1]:
            ready, _, _ = select.select([out], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _DiedError(_too_slow(self._wall_seconds))
            parts.append(os.read(out, _CHUNK))
            if not parts[-1] or sum(map(len, parts)) > MAX_REPLY_BYTES:
                raise _DiedError(self._death(process))
        line, _, self._unread = b"".join(parts).partition(b"\n")
        return line

    def _death(self, process: subprocess.Popen[bytes]) -> str:
        process.kill()  # one that still lives said too much
        code = process.wait()
        if code == -signal.SIGXCPU:
            return _too_slow(self._limits.cpu_seconds)
        if code > 0:  # Python itself gave up
            return f"cannot be read: the parser's process ended with code {code}. Reinstall Attune."
        return _BREAKS


class _DiedError(Exception):
    """The process ended over a document; the message follows the document's name."""


class _StrayError(_DiedError):
    """The process said something else than a reply to what it was asked."""


def _too_slow(seconds: float) -> str:
    return f"takes more than {seconds:.0f} seconds to read. Split it, or leave it out."


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise DocumentError("The parser's process has no pipes. Restart Attune.")
    return pipe
