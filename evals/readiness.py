"""How soon the command is ready, beside another commit: `python -m evals.readiness --before COMMIT`.

Each command runs by turns from both, each time in a fresh process, on one home whose stores another process holds open,
as `attune serve` does. Says seconds by the clock and of the processor (of the process and those it waited for), the
median of `--limit` runs, and what this commit takes of the other's. Loads no model, but with `--model`: then it is how
long the default language model takes from the start of a process to its first token.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from core.bootstrap import open_records, open_stored_index
from core.settings import Settings
from evals.common import Record, write_result

ROOT = Path(__file__).parent.parent
SAYING = """
import asyncio, os
from core.bootstrap import open_generator
from core.domain import Decoding, Prompt
from core.settings import Settings

async def run():
    async with open_generator(Settings.from_env(os.environ)) as generator:
        async for _ in generator.generate(Prompt(".", (), (), (), "", "Hi"), Decoding(max_tokens=1)):
            pass

asyncio.run(run())
"""
COMMANDS = (("--help",), ("sources",), ("gaps",), ("inbox",), ("models", "list"), ("doctor",))
REPEATS = 5

Commands = dict[str, tuple[str, ...]]
"""By a name, what the interpreter is told."""


def taken(code: Path, words: tuple[str, ...], home: Path) -> tuple[float, float]:
    """Seconds by the clock and of the processor that one command takes."""
    environ = {**os.environ, "PYTHONPATH": str(code), "ATTUNE_HOME": str(home)}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], env=environ, cwd=home, capture_output=True, check=False)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compared(sides: dict[str, Path], home: Path, repeats: int, commands: Commands) -> Record:
    """The medians of each command on each side."""
    found: Record = {}
    for name, words in commands.items():
        for code in sides.values():
            taken(code, words, home)  # what was compiled is there from now on
        runs = [{side: taken(code, words, home) for side, code in sides.items()} for _ in range(repeats)]
        wall = {side: statistics.median(run[side][0] for run in runs) for side in sides}
        processor = {side: statistics.median(run[side][1] for run in runs) for side in sides}
        found[name] = {
            "wall": wall,
            "processor": processor,
            "ratio": processor["here"] / processor["before"],
        }
    return found


async def run(commit: str, repeats: int, *, model: bool) -> Record:
    """Compare, while the stores are open; `model`: the language model of this machine instead of the commands."""
    with tempfile.TemporaryDirectory(prefix="attune-") as folder:
        home, before = Path(folder) / "home", Path(folder) / "before"
        home.mkdir()
        commands: Commands = {" ".join(words): ("-m", "bots", *words) for words in COMMANDS}
        if model:
            commands = {"first token": ("-c", SAYING)}
            (home / "models").symlink_to(Settings.from_env(os.environ).models_folder)
        subprocess.run(["git", "worktree", "add", "-q", "--detach", before, commit], cwd=ROOT, check=True)  # noqa: S607, ASYNC221
        settings = Settings.from_env({"ATTUNE_HOME": str(home)}, home / "attune.toml")
        try:
            async with open_records(settings), open_stored_index(settings):
                return await asyncio.to_thread(compared, {"before": before, "here": ROOT}, home, repeats, commands)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", before], cwd=ROOT, check=True)  # noqa: S607, ASYNC221


def main() -> None:
    """Run, print, and write the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--before", required=True, metavar="COMMIT")
    asked.add_argument("--limit", type=int, default=REPEATS, metavar="N", help="runs of each; default: %(default)s")
    asked.add_argument("--model", action="store_true", help="the language model instead of the commands")
    given = asked.parse_args()
    commands = asyncio.run(run(given.before, given.limit, model=given.model))
    load, name = os.getloadavg()[0], "readiness_model" if given.model else "readiness"
    write_result(name, {"before": given.before, "repeats": given.limit, "load": load, "commands": commands})


if __name__ == "__main__":
    main()
