"""Ten conversations about a real handbook, as they come: `python -m evals.handbook_chat` writes handbook_chat.md.

The answers are for reading. Each is followed by a line for a judgement, which a person writes.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

from core.domain import Answer, Conversation, Message, Outcome, Person
from core.engine import Engine
from evals.common import Options, options, progress, sample
from evals.product import open_product

REPORT = Path(__file__).parent / "handbook_chat.md"
CONVERSATIONS = (
    ("How do I sign up for the transit benefit?", "and who has to approve it?"),
    ("My PIV card is about to expire, what do I do?",),
    ("I was invited to speak at a conference. Do I need permission?",),
    ("I want to buy a book for work. How does that go?", "how long does it take?"),
    ("Which tools may I use for video calls with people outside the government?",),
    ("I lost my laptop while travelling. Who do I tell?",),
    ("How many hours do I have to put into Tock each week?",),
    ("Can I work from another country for a month?",),
    ("What should happen in a one-on-one with my supervisor?",),
    ("What does the canteen in the Berlin office serve on Fridays?",),
)
PENDING = "Judgement: (to be written)"


async def main(chosen: Options) -> None:
    """Ingest the handbook, ask, write."""
    handbook = chosen.data / "handbook"
    async with open_product() as product:
        report = await product.ingester.ingest([handbook])
        engine = product.engine()
        parts = [
            "# Conversations about the handbook\n",
            f"{len(report.new)} files, {report.passages_added} passages. Command: `python -m evals.handbook_chat`.\n",
        ]
        for number, questions in enumerate(progress(sample(CONVERSATIONS, chosen.limit, chosen.seed), "Asking")):
            parts += [await _ask(engine, number, question, handbook) for question in questions]
    text = "\n".join(parts)
    REPORT.write_text(text, encoding="utf-8")
    print(text)


async def _ask(engine: Engine, conversation: int, question: str, handbook: Path) -> str:
    place = Conversation("evals", "handbook", str(conversation))
    message = Message("", place, Person("evals", "handbook", "colleague"), question, datetime.now(UTC))
    start = time.perf_counter()
    *_, answer = [event async for event in engine.answer(message)]
    seconds = time.perf_counter() - start
    assert isinstance(answer, Answer)  # noqa: S101  # the engine's last event
    return _section(question, answer, handbook, seconds)


def _section(question: str, answer: Answer, handbook: Path, seconds: float) -> str:
    lines = [f"## {question}\n", answer.text, ""]
    if answer.outcome is Outcome.NOT_FOUND:
        lines.append("Nearest: " + " · ".join(source.passage.heading_path for source in answer.nearest))
    for source in answer.sources:
        place = Path(source.passage.source).relative_to(handbook.absolute())
        spot = f", page {source.passage.page}" if source.passage.page else f":{source.passage.line}"
        lines.append(f"{source.number}. {source.passage.heading_path} — {place}{spot}")
    return "\n".join([*lines, "", f"({seconds:.0f} s)\n", PENDING, ""])


if __name__ == "__main__":
    asyncio.run(main(options(__doc__ or "")))
