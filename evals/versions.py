"""Two versions of Attune by turns on one store: `python -m evals.versions COMMIT`. Does either lose the other's work?

The code of COMMIT and this one write, read and handle in turn, each in a process of its own, on one embedded Valkey.
After each turn all that was ever written has to be there, as whoever reads it knows it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SIDE = Path(__file__).parent / "versions_side.py"
EACH = 20  # of everything, in one turn


def unpacked(commit: str, folder: Path) -> Path:
    """The code of a commit."""
    archive = subprocess.run(["git", "archive", commit, "core"], cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S607
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def told(code: Path, what: str, data: Path, first: int, count: int) -> Any:
    """What one version's half prints."""
    command = [sys.executable, str(SIDE), what, str(data), str(first), str(count)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(code)}, check=True, capture_output=True)
    return json.loads(done.stdout)


def lost(found: Any, written: int) -> int:
    """How much of what was written is not read."""
    numbers = range(written)
    wanted = {
        "turns": [f"question {number}" for number in numbers],
        "traces": [f"question {number}" for number in numbers],
        "signals": [f"{number:016}:asked" for number in numbers],
        "gaps": [f"question {number}" for number in numbers],
        "stated": [f"topic {number}" for number in range(0, written, EACH)],
    }
    return sum(len(set(names) - set(found[kind])) for kind, names in wanted.items())


def main() -> None:
    """Run, and print what was lost."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("commit")
    asked.add_argument("--turns", type=int, default=6)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="attune-") as folder:
        sides = [unpacked(given.commit, Path(folder) / "before"), ROOT]
        data, missing, handled = Path(folder) / "data", 0, []
        for turn in range(given.turns):
            told(sides[turn % 2], "write", data, turn * EACH, EACH)
            for side in sides:
                missing += lost(told(side, "read", data, 0, 0), (turn + 1) * EACH)
            handled += told(sides[(turn + 1) % 2], "handle", data, 0, EACH)["events"]
    wanted = {f"slack:{number} Grüße {number}" for number in range(given.turns * EACH)}
    print(f"turns {given.turns}; written {given.turns * (5 * EACH + 1)}; not read by either: {missing}")
    print(f"events {len(wanted)}; handled by the other version {len(handled)}; lost: {len(wanted - set(handled))}")
    sys.exit(1 if missing or sorted(handled) != sorted(wanted) else 0)


if __name__ == "__main__":
    main()
