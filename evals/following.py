"""Whether a stated preference is followed: PrefEval's multiple choice, by the default model's own likelihood, no judge.

Each item's person has stated its preference among nine of other people's, from other topics; which of them enter the
prompt is the product's choice (`core.people.preferences.applicable`), and so is the prompt. An option's score is its
mean log p(token) as the answer. Items of one topic are a cluster.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import torch

from core.adapters.local_model import checkpoints
from core.answering import prompt
from core.bootstrap import SILENT, find_model
from core.domain import Vectors
from core.people.preferences import (
    Polarity,
    PreferenceKind,
    Preferences,
    PreferenceSet,
    StatedPreference,
    applicable,
    with_stated,
)
from core.settings import Settings
from evals.common import Options, Record, paired_bootstrap, progress, records, sample
from evals.product import open_embedding

OTHERS = 9
NOTES = 3  # past messages that A3 puts into the prompt
ITEMS = 60  # unless --limit says otherwise
SYSTEM = "You are a helpful colleague. Answer the question directly."
START = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST, NONE, STATED, MEMORY, STRANGER, TRUE = (
    "longest option",
    "A0 none",
    "A2 explicit",
    "A3 memory in the prompt",
    "A6 another's profile",
    "A7 the true preference",
)


class Judge:
    """The default model, asked how likely each option is."""

    def __init__(self) -> None:
        settings = Settings.from_env(os.environ)
        found = find_model(settings, SILENT)
        folder = checkpoints.convert(found.path, "int8", settings.models_folder / "converted", SILENT, found.adapter)
        self._checkpoint = checkpoints.load(folder, "int8", torch.device("cpu"))
        self._known: dict[str, list[float]] = {}

    def scores(self, person: str, question: str, options: Sequence[str]) -> list[float]:
        """The mean log-probability of the tokens of each option as the answer."""
        messages = prompt.chat(SYSTEM, [], person, question)
        tokenizer = self._checkpoint.tokenizer
        text = str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        if text not in self._known:
            self._known[text] = self._scored(text, options)
        return self._known[text]

    @torch.no_grad()
    def _scored(self, text: str, options: Sequence[str]) -> list[float]:
        """All options as one batch behind the same prompt; what fills up the shorter ones stands behind them."""
        tokenizer, model = self._checkpoint.tokenizer, self._checkpoint.model
        read = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
        start = model(input_ids=read, use_cache=True)
        said = [tokenizer(option, add_special_tokens=False).input_ids for option in options]
        filled = torch.tensor([ids + ids[-1:] * (max(map(len, said)) - len(ids)) for ids in said])  # (options, tokens)
        cache = start.past_key_values
        cache.batch_repeat_interleave(len(options))
        out = model(input_ids=filled, past_key_values=cache, use_cache=True)
        logits = torch.cat([start.logits[:, -1:].expand(len(options), -1, -1), out.logits[:, :-1]], dim=1).float()
        chosen = torch.log_softmax(logits, -1).gather(2, filled[:, :, None])[..., 0]
        return [float(one[: len(ids)].mean()) for one, ids in zip(chosen, said, strict=True)]


async def run(chosen: Options) -> Record:
    """Ask every item in every arm."""
    items = list(records(chosen.data / "prefeval" / "mcq.jsonl.gz"))
    asked = sample(items, chosen.limit or ITEMS, chosen.seed)
    texts = list(dict.fromkeys(text for item in items for text in (item["preference"], item["question"])))
    async with open_embedding() as embedder:
        vectors = dict(zip(texts, await embedder.embed(texts), strict=True))
    rng = np.random.default_rng(chosen.seed)
    judge, right, entered = Judge(), {LONGEST: [float(_longest(item) == item["gold"]) for item in asked]}, 0
    for item in progress(asked, "items"):
        others = _others(item, items, rng)
        persons = _persons(item, others, vectors)
        entered += item["preference"][:60] in persons[STATED]
        for name, person in persons.items():
            scores = judge.scores(person, item["question"], item["options"])
            right.setdefault(name, []).append(float(int(np.argmax(scores)) == item["gold"]))
    facts = sum(_stated([item["preference"]])[0].kind is PreferenceKind.FACT for item in items)
    return _summary(right, [item["topic"] for item in asked]) | {
        "n": len(asked),
        "the true preference entered the prompt": entered / len(asked),
        "preferences taken for facts, of all": facts / len(items),
    }


def _summary(right: Mapping[str, Sequence[float]], topics: Sequence[str]) -> Record:
    gains = {}
    for name in (NONE, STRANGER, LONGEST, MEMORY, TRUE):
        found = paired_bootstrap(right[STATED], right[name], clusters=topics)
        gains[f"{STATED} - {name}"] = [found.mean, found.low, found.high]
    return {"accuracy": {name: float(np.mean(each)) for name, each in right.items()}, "gains": gains}


def _longest(item: Record) -> int:
    return int(np.argmax([len(option) for option in item["options"]]))


def _others(item: Record, items: Sequence[Record], rng: np.random.Generator) -> list[list[str]]:
    """Two strangers' preferences, none of this item's topic: those who fill this profile, and another profile."""
    away = list(dict.fromkeys(one["preference"] for one in items if one["topic"] != item["topic"]))
    drawn = rng.choice(len(away), 2 * OTHERS + 1, replace=False).tolist()
    return [[away[n] for n in drawn[:OTHERS]], [away[n] for n in drawn[OTHERS:]]]


def _persons(item: Record, others: Sequence[Sequence[str]], vectors: Mapping[str, Vectors]) -> dict[str, str]:
    """What stands behind the question in each arm."""
    own = [*others[0][:4], item["preference"], *others[0][4:]]
    return {
        NONE: prompt.person_block(Preferences()),
        STATED: prompt.person_block(Preferences(), _chosen(item["question"], own, vectors)),
        MEMORY: f"{prompt.person_block(Preferences())} {_notes(item['question'], own, vectors)}",
        STRANGER: prompt.person_block(Preferences(), _chosen(item["question"], others[1], vectors)),
        TRUE: prompt.person_block(Preferences(), _stated([item["preference"]])),
    }


def _stated(texts: Sequence[str]) -> tuple[StatedPreference, ...]:
    wishes = PreferenceSet()
    for text in texts:
        wishes = with_stated(wishes, text, Polarity.SAY, START)
    return wishes.stated


def _chosen(question: str, texts: Sequence[str], vectors: Mapping[str, Vectors]) -> tuple[StatedPreference, ...]:
    cosines = np.array([float(vectors[question] @ vectors[text]) for text in texts])
    return applicable(question, _stated(texts), cosines)


def _notes(question: str, texts: Sequence[str], vectors: Mapping[str, Vectors]) -> str:
    """The common approach: past messages that are similar to the question."""
    near = sorted(texts, key=lambda text: -float(vectors[question] @ vectors[text]))[:NOTES]
    return "Notes of earlier conversations: " + " ".join(f"- {text}" for text in near)
