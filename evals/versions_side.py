"""One version's half of `evals.versions`: writes to a store or reads it, with whatever `core` PYTHONPATH leads to.

python versions_side.py write|read|handle DATA FIRST COUNT
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis.asyncio import Redis

from core.adapters.redis import valkey
from core.adapters.redis.inbox import RedisInbox
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.documents.gaps import Gap
from core.domain import Conversation, Outcome, Person, Turn
from core.inbox import Allowance, Event
from core.people.interests import Action, Signal
from core.people.preferences import Polarity, with_stated
from core.people.traces import Trace

ANNA = Person("slack", "T1", "anna")
HERE = Conversation("slack", "T1", "C1", "17.5")
START = datetime(2026, 1, 1, tzinfo=UTC)
ALLOWANCE = Allowance(person_minute=10**6, workspace_minute=10**6, waiting=10**6, share=1.0)
Found = dict[str, list[str]]


async def write(client: Redis, first: int, count: int) -> Found:
    """Some of everything."""
    memory, usage, inbox = RedisMemory(client), RedisUsage(client), RedisInbox(client, ALLOWANCE)
    for number in range(first, first + count):
        at, name = START + timedelta(seconds=number), f"{number:016}"
        trace = Trace(name, ANNA, f"question {number}", at, ("everyone",), Outcome.ANSWERED)
        await memory.append(HERE, Turn(ANNA, f"question {number}", "answer", at), trace)
        await memory.learn(ANNA, [Signal(f"{name}:asked", Action.ASKED, at, "")])
        await usage.note_gap(Gap(f"question {number}", ANNA, at))
        where = Conversation("slack", "T1", "C2", str(number % 5))
        await inbox.put(Event(f"slack:{number}", where, ANNA, "ask", json.dumps({"text": f"Grüße {number}"}), at))
    await memory.change_wishes(ANNA, lambda old: with_stated(old, f"topic {first}", Polarity.LIKE, START))
    return {}


async def read(client: Redis, _: int, __: int) -> Found:
    """What is read of it."""
    memory, usage = RedisMemory(client), RedisUsage(client)
    return {
        "turns": [turn.question for turn in await memory.turns(HERE, limit=1000)],
        "traces": sorted(trace.question for trace in await memory.traces(ANNA, limit=1000)),
        "signals": [signal.id for signal in await memory.signals(ANNA)],
        "gaps": [gap.question for gap in await usage.gaps()],
        "stated": [one.text for one in (await memory.wishes(ANNA)).stated],
    }


async def handle(client: Redis, _: int, count: int) -> Found:
    """Bring events to their end."""
    inbox, found = RedisInbox(client, ALLOWANCE), []
    for number in range(count):
        if claim := await inbox.claim(f"token-{number}"):
            found.append(f"{claim.event.key} {json.loads(claim.event.body)['text']}")
            await inbox.done(claim.token)
    return {"events": found}


async def main(what: str, data: Path, first: int, count: int) -> None:
    """Do one of them, and print what was found."""
    async with valkey.embedded(data) as client:
        print(json.dumps(await {"write": write, "read": read, "handle": handle}[what](client, first, count)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
