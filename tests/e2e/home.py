"""A home of its own for the real `attune` command, run as people run it: by a pipe or at a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.conftest import TINY_MODEL, any_runs, wait_until

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds for what takes ten: only a hang should fail
FOREIGN = ("ATTUNE_", "REDIS_", "QDRANT_")  # whoever runs the tests may have set these for themselves
ATTUNE = Path(sys.executable).with_name("attune")
LOGIN = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"


@dataclass
class Home:
    """A folder with documents, and everything that runs over it."""

    folder: Path
    models: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "home" / "data"

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def environ(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        ours = {
            "ATTUNE_HOME": str(self.folder / "home"),
            "ATTUNE_MODEL": TINY_MODEL,
            "ATTUNE_DEVICE": "cpu",
            "ATTUNE_PASSAGES": "1",
            "ATTUNE_ANSWER_TOKENS": "24",
            "PYTHONPATH": str(ROOT),
            "PROMPT_TOOLKIT_NO_CPR": "1",  # no terminal is there that could say where its cursor is
            "TERM": "xterm-256color",
        }
        return {**kept, **ours, **more}

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        """Begin a command, with pipes at its three ends."""
        process = subprocess.Popen(
            [str(ATTUNE), *words],
            cwd=self.folder,
            env=self.environ(**environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *words: str, said: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """A command from its start to its end, with `said` on its stdin."""
        return ended(self.start(*words, **environ), said)

    def serves(self) -> bool:
        """Whether a server runs over this home."""
        return any_runs(self.folder)


@contextmanager
def opened_home(models: Path) -> Iterator[Home]:
    """A home with the shared models; all that was started has ended afterwards, or the test fails."""
    with tempfile.TemporaryDirectory(prefix="attune-") as folder:
        home = Home(Path(folder), models)
        (home.folder / "home").mkdir()
        (home.folder / "home" / "models").symlink_to(models)
        try:
            yield home
        finally:
            for process in home.started:
                process.kill()
                with process:
                    pass
        wait_until(lambda: not home.serves())


def ended(process: subprocess.Popen[str], said: str = "") -> subprocess.CompletedProcess[str]:
    """Say the rest and wait for the end."""
    out, errors = process.communicate(said, timeout=PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def is_plain(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether what a person sees of a run is free of escape characters, tracebacks, warnings and log lines."""
    return not re.search(r"\x1b|Traceback|[Ww]arning|^\{", done.stdout + done.stderr, re.MULTILINE)


class Terminal:
    """A person at a terminal of their own, as a context manager: types, and watches what comes."""

    def __init__(self, home: Home, *words: str, **environ: str) -> None:
        self._data = home.data
        self._screen, keyboard = pty.openpty()
        fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))  # rows, columns
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOGIN, str(ATTUNE), *words],
            cwd=home.folder,
            env=home.environ(**environ),
            stdin=keyboard,
            stdout=keyboard,
            stderr=keyboard,
            text=True,
        )
        os.close(keyboard)
        home.started.append(self.process)
        self._unread = b""
        self.seen = b""  # all that was shown

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._screen)

    def type(self, text: str) -> None:
        """Press the keys of `text`; Enter is a carriage return, Ctrl-C is 3."""
        os.write(self._screen, text.encode())

    def wait_for(self, pattern: str) -> None:
        """Watch until `pattern` is shown; what came before it counts as seen."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern.encode(), self._unread)):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self._unread.decode(errors='replace')!r}"
            assert self._read(), f"ended without {pattern!r}: {self._unread.decode(errors='replace')!r}{self._logged()}"
        self._unread = self._unread[found.end() :]

    def _logged(self) -> str:
        """What the program told its log: why it ended, for whoever reads of a failure."""
        log = self._data / "attune.log"
        return f"\n{log.read_text(encoding='utf-8')[-4000:]}" if log.exists() else ""

    def leave(self) -> int:
        """The exit code, once the program has ended."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        """Take in what is shown within a second. False at the end."""
        if select.select([self._screen], [], [], 1.0)[0]:
            try:
                more = os.read(self._screen, 65536)
            except OSError:  # Linux's way to say that nobody is at the other end
                return False
            self._unread += more
            self.seen += more
            return bool(more)
        return True
