"""Whether what was said in a long conversation is found again: LoCoMo's evidence, through the product's own search.

A conversation is ingested once with a document for each session, and once with a passage for each turn. Recall@10 is
the share of a question's evidence among the first ten sessions or turns. Questions about nothing that was said should
be refused; here by the search alone, which finds nothing near enough (the model's check refuses more: `evals.answers`).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from core.answering import retrieval
from core.bootstrap import Library
from core.domain import EVERYONE, Passage
from evals.common import Options, Record, progress, records, sample
from evals.product import open_search

DEPTH = 10
UNANSWERABLE = 5  # the category


async def run(chosen: Options) -> Record:
    """Recall by session and by turn, over all conversations."""
    talks = list(records(chosen.data / "locomo" / "conversations.jsonl.gz"))
    by_session: list[float] = []
    by_turn: list[float] = []
    relevant: list[bool] = []
    for talk in progress(talks, "conversations"):
        sessions = _sessions(talk)
        asked = [one for one in talk["qa"] if one["category"] != UNANSWERABLE and one["evidence"]]
        asked = sample(asked, chosen.limit, chosen.seed)
        async with _as_documents(sessions) as library:
            by_session += [await _recall(library, one, _session_of) for one in asked]
        async with _as_turns(sessions, talk["sample_id"]) as library:
            by_turn += [await _recall(library, one, _turn_of) for one in asked]
            for one in [one for one in talk["qa"] if one["category"] == UNANSWERABLE]:
                ranked = await retrieval.retrieve(one["question"], library.embedder, library.index, {EVERYONE})
                relevant.append(retrieval.is_relevant(one["question"], ranked, 0.3))
    return {
        "n": len(by_session),
        "conversations": len(talks),
        "recall@10 by session": float(np.mean(by_session)),
        "recall@10 by turn": float(np.mean(by_turn)),
        "unanswerable": len(relevant),
        "unanswerable refused by search alone": 1 - float(np.mean(relevant)),
    }


def _sessions(talk: Record) -> dict[int, tuple[str, list[Record]]]:
    """Each session's date and turns, by number."""
    said = talk["conversation"]
    numbers = [int(found[1]) for name in said if (found := re.fullmatch(r"session_(\d+)", name))]
    return {n: (said.get(f"session_{n}_date_time", ""), said[f"session_{n}"]) for n in sorted(numbers)}


def _line(turn: Record) -> str:
    shown = f" [shows {turn['blip_caption']}]" if turn.get("blip_caption") else ""
    return f"{turn['speaker']}: {turn['text']}{shown}"


@asynccontextmanager
async def _as_documents(sessions: dict[int, tuple[str, list[Record]]]) -> AsyncIterator[Library]:
    with tempfile.TemporaryDirectory() as folder:
        for number, (date, turns) in sessions.items():
            text = "\n\n".join(_line(turn) for turn in turns)
            (Path(folder) / f"D{number}.md").write_text(f"# Conversation of {date}\n\n{text}\n", encoding="utf-8")
        async with open_search() as library:
            await library.ingester.ingest([Path(folder)])
            yield library


@asynccontextmanager
async def _as_turns(sessions: dict[int, tuple[str, list[Record]]], name: str) -> AsyncIterator[Library]:
    passages: list[Passage] = []
    for date, turns in sessions.values():
        for turn in turns:
            id_ = f"00000000-0000-0000-0000-{len(passages):012}"
            passages.append(Passage(id_, turn["dia_id"], f"{name} {date}", (), _line(turn), 0, 0, 1, "v"))
    async with open_search() as library:
        texts = [f"{passage.title}\n{passage.text}" for passage in passages]
        await library.index.upsert(passages, await library.embedder.embed(texts))
        yield library


async def _recall(library: Library, question: Record, unit: Callable[[str], str]) -> float:
    """The share of the evidence among the first ten sessions or turns."""
    ranked = await retrieval.retrieve(question["question"], library.embedder, library.index, {EVERYONE})
    first = list(dict.fromkeys(unit(one.passage.source) for one in ranked))[:DEPTH]
    evidence = _evidence(question["evidence"], session=unit is _session_of)
    return len(evidence & set(first)) / len(evidence)


def _evidence(names: Sequence[str], *, session: bool) -> set[str]:
    turns = {found for name in names for found in re.findall(r"D\d+:\d+", name)}
    return {turn.partition(":")[0] for turn in turns} if session else turns


def _session_of(source: str) -> str:
    return Path(source).stem


def _turn_of(source: str) -> str:
    return source
