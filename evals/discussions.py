"""Three invented threads, summed up by the default model in the double of Slack: `evals/learn.md`, "Threads".

Prints each answer as people see it, with the seconds that it took. The threads are ours (`threads/`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from core.adapters.redis import valkey
from core.bootstrap import open_generator
from core.engine import limits_of
from core.settings import Settings
from core.threads.minutes import Minuting
from evals.common import parser
from evals.product import temporary_folder
from tests.bots.slack_world import World, world

THREADS = Path(__file__).parent / "threads"
ASKED = {"umzug": ("fass zusammen", "was wurde entschieden?", "was ist zu tun?")}
IN_ENGLISH = ("summarise", "what was decided?", "action items")


def main(words: Sequence[str] | None = None) -> None:
    """Sum up, print."""
    chosen = parser(__doc__ or "")
    chosen.add_argument("--thread", choices=sorted(file.stem for file in THREADS.glob("*.txt")))
    only = chosen.parse_args(words).thread
    asyncio.run(_run({name: lines for name, lines in _threads() if only in {None, name}}))


def _threads() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    for file in sorted(THREADS.glob("*.txt"), key=lambda file: file.stat().st_size):
        yield file.stem, [line.partition(": ") for line in file.read_text(encoding="utf-8").splitlines()]


async def _run(threads: Mapping[str, Sequence[tuple[str, str, str]]]) -> None:
    settings = Settings.from_env(os.environ)
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(valkey.embedded(stack.enter_context(temporary_folder())))
        generator = await stack.enter_async_context(open_generator(settings))
        slack = await stack.enter_async_context(world(redis))
        slack.engine.minuting = Minuting(generator, certainty=limits_of(settings).certainty)
        for name, lines in threads.items():
            await _shown(slack, name, lines)


async def _shown(slack: World, name: str, lines: Sequence[tuple[str, str, str]]) -> None:
    root = ""
    for author, _, text in lines:
        user = f"U{author.upper()}"
        if user not in slack.space.users:
            slack.space.add_user(user, real_name=author)
            slack.space.channels["C1"]["members"].append(user)
        root = root or slack.people.say(user, "C1", text)
        if text != lines[0][2]:
            slack.people.say(user, "C1", text, thread=root)
    await slack.settled()
    for question in ASKED.get(name, IN_ENGLISH):
        start = time.monotonic()
        slack.people.say("UANN", "C1", f"<@UBOT> {question}", thread=root)
        await slack.settled()
        print(f"\n### {name}, {len(lines)} messages: “{question}” ({time.monotonic() - start:.0f} s)\n")
        print(slack.answers("C1", root)[-1], flush=True)


if __name__ == "__main__":
    main()
