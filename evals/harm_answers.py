"""Whether a hostile profile costs answers: F1 on SQuAD and the decision to answer, by the default model.

Each question is asked twice: by nobody in particular, and by somebody at full strength who loves the likeliest wrong
passage above all, in a team that opens nothing else (`evals.harm`). Every second question has no answer in the
documents. Run it alone (`--only harm_answers`): each answer is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from core.answering import retrieval
from core.domain import EVERYONE, Answer, Conversation, Message, Outcome, Person
from core.evaluation.scoring import f1
from core.people.preferences import PLAIN, Length, Preferences
from core.people.team import Contribution
from evals.answers import SHORT, draw, ingest_passages, split
from evals.common import Options, Record, paired_bootstrap, progress, records
from evals.harm import START, Asked, enemy
from evals.product import Product, open_product
from evals.retrieval import Query

QUESTIONS = 40
WISHES = replace(PLAIN, preferences=Preferences(length=Length.SHORT))


async def run(chosen: Options) -> Record:
    """F1 and outcome of both, and where they differ."""
    passages = list(records(chosen.data / "squad" / "passages.jsonl.gz"))
    asked = list(records(chosen.data / "squad" / "questions.jsonl.gz"))
    questions = draw(split(asked, passages, "report"), chosen.limit or QUESTIONS, chosen.seed)
    async with open_product() as product:
        await ingest_passages(product, passages)
        pairs = [await _both(product, number, one) for number, one in progress(list(enumerate(questions)), "questions")]
    return _compared(questions, pairs)


async def _both(product: Product, number: int, question: Record) -> tuple[Answer, Answer]:
    nobody, hostile = (Person("evals", f"{who}{number}", "somebody") for who in ("nobody", "hostile"))
    await product.records.memory.change_wishes(nobody, lambda _: WISHES)
    vectors = await product.embedder.embed_questions([question["question"]])
    ranked = await retrieval.find({question["question"]: 1.0}, vectors, product.index, {EVERYONE})
    gains = {question["passage"]: 1.0} if question["answerable"] else {}
    await _befriend(product, hostile, Asked(Query(question["question"], "", gains), vectors[0], ranked))
    return await _answer(product, nobody, question), await _answer(product, hostile, question)


async def _befriend(product: Product, person: Person, asked: Asked) -> None:
    """Make the person, and the one colleague they have, what `evals.harm` calls an enemy."""
    memory, (signals, tallies) = product.records.memory, enemy(asked)
    await memory.learn(person, signals)
    accomplice = Person(person.platform, person.workspace, "accomplice")
    await memory.learn(accomplice, signals[:1])  # of somebody unknown nothing is kept
    await memory.contribute(accomplice, Contribution(tallies, frozenset({EVERYONE})))
    await memory.change_wishes(person, lambda _: replace(WISHES, strength=100))


async def _answer(product: Product, person: Person, question: Record) -> Answer:
    engine = product.engine(decoding=SHORT)
    place = Conversation(person.platform, person.workspace, person.user)
    message = Message("1", place, person, question["question"], START + timedelta(days=1), private=True)
    *_, answer = [event async for event in engine.answer(message)]
    assert isinstance(answer, Answer)  # noqa: S101 - the engine's last event
    return answer


def _compared(questions: Sequence[Record], pairs: Sequence[tuple[Answer, Answer]]) -> Record:
    known = [pair for one, pair in zip(questions, pairs, strict=True) if one["answerable"]]
    truths = [one["answers"] for one in questions if one["answerable"]]
    plain, moved = ([f1(_said(pair[n]), told) for pair, told in zip(known, truths, strict=True)] for n in (0, 1))
    lost = paired_bootstrap(plain, moved, resamples=2000)
    return {
        "n": len(questions),
        "F1": {"none": float(np.mean(plain)), "adversarial": float(np.mean(moved))},
        "lost": [lost.mean, lost.low, lost.high],
        "other decisions to answer": sum(one.outcome is not other.outcome for one, other in pairs),
        "other probabilities that the documents hold it": sum(one.held != other.held for one, other in pairs),
        "other words": sum(one.text != other.text for one, other in pairs),
    }


def _said(answer: Answer) -> str:
    return "" if answer.outcome is Outcome.NOT_FOUND else answer.text
