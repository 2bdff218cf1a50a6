"""What `evals.ray_serve` asks and changes: questions over topics, and an adapter that changes every answer.

Topics are drawn by Zipf's law, as people ask: a few again and again, many once. Knows nothing of Ray.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from safetensors.torch import save_file

from core.answering.verdict import PROTOCOLS, SYSTEM
from core.domain import Passage, Prompt
from core.models.layouts import CONFIG, OURS, READER, WEIGHTS

TOPICS = 24
PASSAGES = 6  # of a topic
READ = 3  # of them, by one question
ZIPF = 1.0
PLACES = ("library", "pool", "canteen", "workshop", "garage", "archive", "garden", "laboratory", "theatre", "bakery")
SENTENCE = (
    "The {place} of building {number} opens at {hour} in the morning and closes at {close} in the evening, "
    "and whoever wants to use it on a {day} has to ask its keeper, {name}, at least {notice} days before."
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana")


class Material:
    """`questions` prompts, the same for one seed."""

    def __init__(self, seed: int, questions: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - drawn, not secret
        topics = [[self._passage(topic, place) for place in range(PASSAGES)] for topic in range(TOPICS)]
        weights = [1 / (rank + 1) ** ZIPF for rank in range(TOPICS)]
        drawn = self._random.choices(topics, weights, k=questions)
        self.questions = [self._question(topic) for topic in drawn]

    def _passage(self, topic: int, ordinal: int) -> Passage:
        place = PLACES[topic % len(PLACES)]
        text = " ".join(self._sentence(place, topic) for _ in range(2))
        source = f"{place}-{topic}.md"
        return Passage(f"{source}#{ordinal}", source, place.title(), (), text, 1, ordinal, PASSAGES, "1")

    def _sentence(self, place: str, number: int) -> str:
        draw = self._random
        return SENTENCE.format(
            place=place,
            number=number,
            hour=draw.randint(6, 10),
            close=draw.randint(4, 9),
            day=draw.choice(DAYS),
            name=draw.choice(NAMES),
            notice=draw.randint(2, 9),
        )

    def _question(self, topic: list[Passage]) -> Prompt:
        read = tuple(self._random.sample(topic, READ))
        asked = f"When does the {read[0].title.lower()} open, and whom do I ask on a {self._random.choice(DAYS)}?"
        return Prompt(SYSTEM, read, (0.6, 0.25, 0.15), (), "", asked)


def judging_adapter(folder: Path) -> Path:
    """A LoRA that leaves the tiny model as it is, and says that it judges first."""
    random_adapter(folder, strength=0.0)
    reader = PROTOCOLS[READER]
    told = {"judging": reader.judging, "fitted_to": reader.fingerprint, "bias": 0.0, "weight": 1.0}
    (folder / OURS).write_text(json.dumps(told), encoding="utf-8")
    return folder


def random_adapter(folder: Path, *, strength: float = 0.125, layers: int = 30, width: int = 576) -> Path:
    """A LoRA of rank 1 for the tiny model, in PEFT's layout, that was trained for nothing."""
    generator = torch.Generator().manual_seed(0)
    folder.mkdir(parents=True)
    tensors = {}
    for layer in range(layers):
        name = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        tensors[f"{name}.lora_A.weight"] = torch.randn(1, width, generator=generator)
        tensors[f"{name}.lora_B.weight"] = strength * torch.randn(width, 1, generator=generator)
    save_file(tensors, folder / WEIGHTS)
    config = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["q_proj"]}
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    return folder
