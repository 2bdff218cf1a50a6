"""What `evals.chaos` does to the machine under the product: sets its clock, and cuts the file of its store.

The clock is that of the embedded Valkey and of all processes that serve: a small library, compiled here and preloaded
into them, adds what stands in a file. A cut is what a disk does that lost power: the server is killed and its
append-only file ends at some byte of the last ones. Knows nothing of messages.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

LIBRARY = Path(__file__).parent / "chaos_clock.c"
CUT_WITHIN = 20_000  # bytes from the end


def compiler() -> str | None:
    """What compiles C here."""
    return shutil.which("cc") or shutil.which("gcc")


class Clock:
    """The time of day of processes that are started with `environ`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._milliseconds = 0
        self._write()
        library = folder / "chaos_clock.so"
        if (command := compiler()) is None:
            raise RuntimeError(
                "evals.chaos sets clocks with a library that it compiles. Install a C compiler, or: --steps 0"
            )
        subprocess.run([command, "-shared", "-fPIC", "-O1", "-o", str(library), str(LIBRARY)], check=True)
        self.environ: Mapping[str, str] = {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(self._file)}

    def step(self, seconds: float) -> None:
        """Set it forward, or back."""
        self._milliseconds += round(1000 * seconds)
        self._write()

    def _write(self) -> None:
        """In place: the file is mapped."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", self._milliseconds))


def cut(store: Path, share: float) -> bytes:
    """Cut the append-only file of a server that is gone, `share` of `CUT_WITHIN` before its end; what was cut off."""
    files = (store / "appendonlydir").glob("*.incr.aof")
    last = max(files, key=lambda file: int(file.name.split(".")[-3]))
    whole = last.read_bytes()
    place = len(whole) - min(len(whole), 1 + round(share * CUT_WITHIN))
    with last.open("r+b") as file:
        file.truncate(place)
    return whole[place:]
