"""The folder of the embedded index written anew beside its place, while the old one is searched and written.

    python -m core.adapters.index.rewriting <folder> <process id of who starts it>

A copy is rewritten by this process of its own, since the engine holds Python's lock while it writes, and takes the old
one's place. The old one goes when the new one holds what was written meanwhile, too: a kill at any moment leaves one of
both whole. Knows nothing of passages.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
from pathlib import Path

import qdrant_edge as edge

from core.adapters.index.files import ORIGIN, SEAL
from core.errors import IndexUnavailableError
from core.linux import end_with
from core.storage.durable import sync_folder, sync_tree, write_whole

POLITE = 5  # how much those who ask go first
_DRAFT, _BEFORE, _GONE = ".next-", ".before", ".gone"


def draft_beside(folder: Path) -> Path:
    """A new name for a copy of the index."""
    return _beside(folder, f"{_DRAFT}{secrets.token_hex(4)}")


def copy(folder: Path, draft: Path) -> None:
    """Copy the index, which nobody writes now."""
    draft.mkdir(mode=0o700)
    shutil.copytree(folder, draft, ignore=shutil.ignore_patterns(SEAL), dirs_exist_ok=True)


async def rewrite(draft: Path) -> None:
    """Have the copy rewritten.

    Raises:
        IndexUnavailableError: the engine cannot, for want of space, perhaps.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __spec__.name, str(draft), str(os.getpid())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise IndexUnavailableError(f"The index cannot be rewritten: {error}. Check that there is memory.") from error
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        reason = said.decode(errors="replace").strip() or f"its process ended with {process.returncode}"
        raise IndexUnavailableError(f"The index cannot be rewritten: {reason}. Check that the disk has space.")


def exchange(folder: Path, draft: Path) -> None:
    """Put the copy in the place of the index, which nobody has open, until `settle` or `recover`."""
    if (folder / ORIGIN).exists():
        write_whole(draft / ORIGIN, (folder / ORIGIN).read_bytes())
    folder.rename(_beside(folder, _BEFORE))
    draft.rename(folder)
    sync_folder(folder.parent)


def settle(folder: Path) -> None:
    """The new index has all that the old one had, which goes."""
    _beside(folder, _BEFORE).rename(_beside(folder, _GONE))
    sync_folder(folder.parent)
    shutil.rmtree(_beside(folder, _GONE))


def recover(folder: Path) -> None:
    """Go back to the old index where an exchange was cut off, and remove what a kill left."""
    before = _beside(folder, _BEFORE)
    if before.exists():
        shutil.rmtree(folder, ignore_errors=True)
        before.rename(folder)
    for left in (_beside(folder, _GONE), *folder.parent.glob(f"{folder.name}{_DRAFT}*")):
        shutil.rmtree(left, ignore_errors=True)


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(f"{folder.name}{ending}")


def main(folder: str, parent: str) -> None:
    """Rewrite an index in its place as long as there is anything to rewrite; ends with a sentence if it cannot.

    It ends with its parent: the next one who opens the index removes the copy.
    """
    end_with(int(parent))
    os.nice(POLITE)
    try:
        shard = edge.EdgeShard.load(folder)
        while shard.optimize():
            pass
        shard.flush()
        shard.close()
        sync_tree(Path(folder))  # the old index goes when this one takes its place
    except Exception as error:  # noqa: BLE001 - the engine raises nothing more exact
        sys.exit(" ".join(str(error).split()))


if __name__ == "__main__":
    main(*sys.argv[1:])
