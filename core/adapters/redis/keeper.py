"""Keep one server program alive for as long as a client process lives; run by path, beside the product.

    python -I keeper.py <folder> <name> <command> [argument …]

Two lock files in `folder` say all there is to say. Every client holds `<name>.clients.lock` shared; the
server and its keeper hold `<name>.server.lock` exclusively. The kernel lets go of a lock when its holder
ends, however it ends, so a `kill -9` needs no special case.

Knows nothing of Attune, of sockets or of what the server is. Imports only the standard library.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

GRACE = 10.0  # seconds between asking the server to end and killing it
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def keep(folder: Path, name: str, command: Sequence[str]) -> int:
    """Run `command` until it ends or no client is left. Returns its exit code; 0: another keeper runs."""
    server_lock = open_lock(folder / f"{name}.server.lock")
    try:
        fcntl.flock(server_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    # The server inherits the lock: should this keeper be killed, no second server starts over its data.
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        pass_fds=(server_lock,),
        preexec_fn=ends_with_parent(),  # noqa: PLW1509 - no thread has started yet
    )
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    clients_lock = open_lock(folder / f"{name}.clients.lock")
    threading.Thread(target=_end_after_clients, args=(server, clients_lock), daemon=True).start()
    return server.wait()


def open_lock(path: Path) -> int:
    """Open a lock file, made where it is missing, as a descriptor that no other program inherits."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _end_after_clients(server: subprocess.Popen[bytes], clients_lock: int) -> None:
    """Wait until no client lives, then end the server.

    The lock is held to the end, so that a new client waits for a clean end and never meets a dying server.
    """
    fcntl.flock(clients_lock, fcntl.LOCK_EX)
    server.terminate()
    try:
        server.wait(GRACE)
    except subprocess.TimeoutExpired:
        server.kill()


def ends_with_parent() -> Callable[[], None] | None:
    """What a server does before it starts: on Linux, ask the kernel to end it when whoever starts it is killed."""
    if not sys.platform.startswith("linux"):
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed before the kernel was asked
            os._exit(1)

    return ask


if __name__ == "__main__":
    sys.exit(keep(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
