"""Whether `/prefs` changes how an answer reads and not what it says, with the default model.

Questions of SQuAD over the passage that answers them, so that only the form can differ: words, words a sentence, share
of lines that are list items, the language that py3langid identifies, and whether a gold answer is contained.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import py3langid

from core.answering import prompt
from core.domain import Decoding, Passage, Piece, Prompt
from core.evaluation.scoring import normalised
from core.people.preferences import Format, Language, Length, Level, Preferences, Tone
from core.ports import Generator
from core.text.words import words
from evals.common import Options, Record, progress, records, sample
from evals.product import open_model

QUESTIONS = 8  # unless --limit says otherwise
ARMS: Mapping[str, tuple[Preferences, float]] = {
    "default": (Preferences(), 0.0),
    "length short": (Preferences(Length.SHORT), 0.0),
    "length detailed": (Preferences(Length.DETAILED), 0.0),
    "learned: shorter": (Preferences(), 3.0),
    "tone friendly": (Preferences(tone=Tone.FRIENDLY), 0.0),
    "tone formal": (Preferences(tone=Tone.FORMAL), 0.0),
    "format bullets": (Preferences(format=Format.BULLETS), 0.0),
    "format steps": (Preferences(format=Format.STEPS), 0.0),
    "level beginner": (Preferences(level=Level.BEGINNER), 0.0),
    "level expert": (Preferences(level=Level.EXPERT), 0.0),
    "language german": (Preferences(language=Language.GERMAN), 0.0),
}
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s")


async def run(chosen: Options) -> Record:
    """Answer every question in every arm."""
    folder = chosen.data / "squad"
    passages = {one["id"]: one for one in records(folder / "passages.jsonl.gz")}
    able = [one for one in records(folder / "questions.jsonl.gz") if one["answerable"]]
    asked = sample(able, chosen.limit or QUESTIONS, chosen.seed)
    said: dict[str, list[str]] = {name: [] for name in ARMS}
    async with open_model() as generator:
        for question in progress(asked, "questions"):
            passage = _passage(passages[question["passage"]])
            for name, (preferences, brevity) in ARMS.items():
                block = prompt.person_block(preferences, (), brevity)
                said[name].append(await _answer(generator, passage, question["question"], block))
    return {"n": len(asked), "arms": {name: _measured(texts, asked) for name, texts in said.items()}}


def _passage(record: Record) -> Passage:
    return Passage(record["id"], record["id"], record["title"], (), record["text"], 1, 0, 1, "v")


async def _answer(generator: Generator, passage: Passage, question: str, block: str) -> str:
    asking = Prompt(generator.protocol.system, (passage,), (1.0,), (), block, question)
    said = [event async for event in generator.generate(asking, Decoding(max_tokens=160))]
    return "".join(event.text for event in said if isinstance(event, Piece)).strip()


def _measured(texts: Sequence[str], asked: Sequence[Record]) -> Record:
    lines = [[line for line in text.splitlines() if line.strip()] for text in texts]
    held = [_holds(text, question["answers"]) for text, question in zip(texts, asked, strict=True)]
    return {
        "words": float(np.mean([len(words(text)) for text in texts])),
        "words a sentence": float(np.mean([_sentence_length(text) for text in texts])),
        "list items, share of lines": float(
            np.mean([np.mean([bool(_ITEM.match(x)) for x in each]) for each in lines if each])
        ),
        "German": float(np.mean([py3langid.classify(text)[0] == "de" for text in texts])),
        "gold contained": float(np.mean(held)),
    }


def _sentence_length(text: str) -> float:
    sentences = [part for part in re.split(r"(?<=[.!?])\s+|\n+", text) if words(part)]
    return len(words(text)) / max(len(sentences), 1)


def _holds(text: str, answers: Sequence[str]) -> bool:
    return any(normalised(answer) in normalised(text) for answer in answers)
