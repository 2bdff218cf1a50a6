"""The process that parses, taken over by its documents: each text file is an order to its parser.

    python -m tests.odd_parser

The order's words are one of the functions below and its arguments; what came of it is the document's text. Files of
other formats are parsed as ever.
"""

from __future__ import annotations

import ctypes
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from core.documents import sandbox_child
from core.documents.blocks import Block, BlockKind, ParsedDocument
from core.documents.parsing import Parser

CHILD = ("-B", "-m", "tests.odd_parser")
REQUESTS: list[sandbox_child.ParseRequest] = []


def sleep(seconds: str) -> str:
    time.sleep(float(seconds))
    return "slept"


def forge(title: str) -> str:
    """Answer this request, so that what the process says of it by itself comes as the answer to the next one."""
    forged = sandbox_child.ParseReply(sandbox_child.ParseState.READ, "", "v", _said("forged"), id=REQUESTS[-1].id)
    done = sandbox_child.ParseReply(sandbox_child.ParseState.DONE, id=REQUESTS[-1].id)
    lines = b"".join(sandbox_child.REPLY.dump_json(reply) + b"\n" for reply in (forged, done))
    os.write(next(number for number in range(3, 256) if _is_pipe(number)), lines)
    return title


def _is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def stray(_: str) -> str:
    """Answer a request that nobody made."""
    REQUESTS[-1] = replace(REQUESTS[-1], id="0" * 16)
    return forge("stray")


def read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")


def names(path: str) -> str:
    return " ".join(sorted(entry.name for entry in Path(path).iterdir()))


def write(path: str) -> str:
    Path(path).write_text("taken over", encoding="utf-8")
    return "written"


def remove(path: str) -> str:
    Path(path).unlink()
    return "removed"


def connect(port: str) -> str:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=5):
        return "connected"


def knock(path: str) -> str:
    """At a unix socket, as the stores have."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        return "connected"


def send(port: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"secret", ("127.0.0.1", int(port)))
        return "sent"


def run(program: str) -> str:
    return subprocess.run([program], capture_output=True, check=True, text=True).stdout


def become(program: str) -> str:
    """Run a program in place of this process."""
    os.execv(program, [program])  # noqa: S606


def end(pid: str) -> str:
    os.kill(int(pid), 9)
    return "killed"


def environment(_: str) -> str:
    return " ".join(sorted(os.environ))


def descriptors(_: str) -> str:
    """Those that are open."""
    found = []
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(str(number))
    return " ".join(found)


def peek(pid: str) -> str:
    """Attach to another process, as a debugger does."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.ptrace(16, int(pid), 0, 0) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "attached"


ORDERS: dict[str, Callable[[str], str]] = {
    order.__name__: order
    for order in (sleep, forge, stray, read, names, write, remove, connect, knock, send, run, become, end, environment)
} | {"descriptors": descriptors, "peek": peek}


def _said(text: str) -> ParsedDocument:
    return ParsedDocument(text, (Block(BlockKind.PARAGRAPH, text, (), 1),))


def main() -> None:
    """Serve as the parser does, but for text files, which are obeyed."""
    parse_with, answers = sandbox_child.parse_with, sandbox_child.answers

    def noting(request: sandbox_child.ParseRequest, data: bytes) -> Iterator[sandbox_child.ParseReply]:
        REQUESTS.append(request)
        return answers(request, data)

    def obeying(parse: Parser, data: bytes, path: PurePath) -> ParsedDocument:
        if path.suffix != ".txt":
            return parse_with(parse, data, path)
        order, _, argument = data.decode().partition(" ")
        try:
            return _said(ORDERS[order](argument))
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            return _said(f"{type(error).__name__}: {error}")

    sandbox_child.parse_with, sandbox_child.answers = obeying, noting
    sandbox_child.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
