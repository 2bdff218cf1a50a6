"""Another process of the product, for `evals.readers` to kill: it opens the stores, says so, and teaches one lesson.

    python -m evals.readers_child HOME USER READER... < NAME, a line; then the lesson's bytes

Knows nothing of what may be shown.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from core.domain import Person
from evals.readers_house import opened


async def teach(home: Path, user: str, readers: tuple[str, ...], name: str, data: bytes) -> None:
    """Teach, then wait to be killed."""
    async with opened(home) as attune:
        print("open", flush=True)
        author = Person("slack", "T1", user)
        await attune.teacher.learn_file(name, data, author, readers, datetime(2026, 1, 1, tzinfo=UTC))
        await asyncio.Event().wait()


def main() -> None:
    """Read what to teach."""
    home, user, *readers = sys.argv[1:]
    name, _, data = sys.stdin.buffer.read().partition(b"\n")
    asyncio.run(teach(Path(home), user, tuple(readers), name.decode(), data))


if __name__ == "__main__":
    main()
