"""A server program that runs beside the product while at least one attune process wants it.

The first process that finds nobody at the socket spawns a keeper (`keeper.py`), which starts the server;
the others share it. When the last process ends, by itself or by `kill -9`, the keeper ends the server.
A server that dies meanwhile is started again by whoever notices first.

Knows nothing of what the server does: it hears whether somebody accepts a connection, no more.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from core.adapters.redis import keeper
from core.errors import StoreError

PATIENCE = 15.0  # seconds that a server may take to answer, or its predecessor to end
FINAL = 78  # the exit code of a server that another start would not help; its log ends with a sentence for the operator
ENDING_TRIES = 50  # every tenth of a second
FAILED_STARTS = 3  # a server that ends this often while we wait for it will not start the next time
SOCKET_PATH_BYTES = 100  # sun_path holds 108 bytes on Linux, 104 on macOS
CODE = Path(__file__).parents[3]  # the folder that holds the `core` package


class Companion:
    """One process's share in a server program, as an async context manager.

    Entering waits for a predecessor to end and starts nothing; `ensure` starts.
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, *, error: type[StoreError], patience: float = PATIENCE
    ) -> None:
        """`patience` is how many seconds a server may take to answer that has not ended."""
        self._name = name
        self._command = command
        self._folder = folder
        self._error = error
        self._patience = patience
        self._clients_lock: int | None = None
        self._starting = asyncio.Lock()

    @property
    def socket(self) -> Path:
        """The unix socket where the server listens."""
        return socket_path(self._folder, self._name)

    async def __aenter__(self) -> Self:
        descriptor = keeper.open_lock(self._folder / f"{self._name}.clients.lock")
        try:
            await self._share(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._clients_lock = descriptor
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._clients_lock is not None:
            os.close(self._clients_lock)
            self._clients_lock = None

    async def ensure(self) -> None:
        """Return when the server accepts connections, starting it if need be.

        Raises:
            StoreError: it does not start; the class is the one given to the constructor.
        """
        if self._clients_lock is None:
            raise RuntimeError("a companion is ensured inside its context only")
        async with self._starting:
            if not await self._answers():
                await self._start()

    async def _share(self, descriptor: int) -> None:
        """Take the clients' lock. Asked again and again, since a blocked thread could not be cancelled."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if asyncio.get_running_loop().time() > deadline:
                    raise self._failed("is still shutting down after its last use") from None
                await asyncio.sleep(0.02)
            else:
                return

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(self.socket)
        except OSError:
            return False
        writer.close()
        return True

    async def _start(self) -> None:
        """Spawn keepers until the server answers.

        A keeper that ends with 0 met another one: either that one's server will answer, or it is ending
        with its server and the next keeper takes over.
        """
        deadline = asyncio.get_running_loop().time() + self._patience
        process, failures, pause = self._spawn(), 0, 0.01
        while not await self._answers():
            if (code := process.poll()) is not None:
                if code == FINAL:
                    raise self._error(self._last_line())
                failures += code != 0
                if failures == FAILED_STARTS:
                    raise self._failed("does not start")
                process = self._spawn()
            if asyncio.get_running_loop().time() > deadline:
                raise self._failed(f"did not answer within {self._patience:.0f} seconds")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.2)

    def _spawn(self) -> subprocess.Popen[bytes]:
        arguments = [str(self._folder), self._name, *self._command]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-I", keeper.__file__, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=CODE,  # `python -m` finds the package here, and no folder of the operator is kept busy
                start_new_session=True,  # a ctrl-c at the terminal is for the client alone
            )
        # It may outlive this process or end before it: a thread waits, so that it leaves no zombie.
        threading.Thread(target=process.wait, name=f"{self._name} keeper", daemon=True).start()
        return process

    @property
    def _log(self) -> Path:
        return self._folder / f"{self._name}.log"

    def _failed(self, what: str) -> StoreError:
        last = f" It last said: {line}" if (line := self._last_line()) else ""
        return self._error(f"The embedded {self._name} {what}. Its log is {self._log}.{last}")

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return lines[-1].strip() if lines else ""


async def is_in_use(data: Path, name: str, *, tries: int = ENDING_TRIES) -> bool:
    """Whether some process uses the server called `name` over `data`; one that is just ending is waited for."""
    descriptor = keeper.open_lock(run_folder(data) / f"{name}.clients.lock")
    try:
        for left in reversed(range(tries)):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(0.1 if left else 0)
            else:
                return False
        return True
    finally:
        os.close(descriptor)


def socket_path(folder: Path, name: str) -> Path:
    """Where the server called `name` listens, in a folder made by `run_folder`."""
    return folder / f"{name}.sock"


def run_folder(data: Path) -> Path:
    """The private folder for locks, sockets and logs under `data`, by a path short enough for sockets.

    A long path is reached through a link in the temporary folder. The files themselves stay under `data`:
    two processes with different temporary folders still meet at the same locks.

    Raises:
        StoreError: somebody else owns the folder or the link.
    """
    folder = data.absolute() / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_owner(folder)
    folder.chmod(0o700)
    longest = socket_path(folder, "x" * 10)
    return folder if len(os.fsencode(longest)) <= SOCKET_PATH_BYTES else _short_link(folder)


def _short_link(folder: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    link = Path(tempfile.gettempdir()) / f"attune-{os.getuid()}-{digest}"
    try:
        link.symlink_to(folder)
    except FileExistsError:
        _check_owner(link)
        if not (link.is_symlink() and link.readlink() == folder):
            raise StoreError(f"{link} should be a link to {folder}. Remove it, then try again.") from None
    return link


def _check_owner(path: Path) -> None:
    status = path.lstat()
    if status.st_uid != os.getuid() or not (stat.S_ISDIR(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        raise StoreError(f"{path} belongs to another user. Remove it, or choose another ATTUNE_HOME.")
