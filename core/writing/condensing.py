"""More than the model reads at once: notes are taken of one portion after another, and read in their place.

    passages → portions of `budget` tokens → notes on each → as often as it takes for what is left to fit

A portion that holds nothing of what is wanted leaves no notes, and nothing stands in the notes that their portion does
not say. What fits is left as it is, for which no model is asked. Knows nothing of search, of people, or of what is made
of the notes: a document's passages can be condensed, and the messages of a thread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from core.answering.attribution import cite_by_words
from core.answering.cutting import MARK
from core.answering.grounding import Grounding, grounded
from core.answering.prompt import passage_block, says_not_found
from core.answering.repeating import unrepeated
from core.answering.verdict import Judging, check_text
from core.domain import CutOff, Decoding, Mode, Passage, Piece, PortionStarted, Prompt, QueuePosition, Verdicts
from core.ports import Generator

NOTES_TOKENS = 160  # of the notes on one portion
ROUNDS = 3  # of notes on notes; what is too much then is left out
MOST_PORTIONS = 12  # that notes are taken of; what is behind them is not read
ASK = "Summarise in short bullet points what this says about {topic}, with every name, number and link."


@dataclass(frozen=True, slots=True)
class Condensate:
    """What is read in place of the passages, those of them that it was made from, and how many were not read at all."""

    passages: tuple[Passage, ...]
    origins: tuple[Passage, ...]
    unread: int = 0


class Condenser:
    """Takes notes with `generator`, in `most` portions of at most `budget` tokens; `certainty` as in `AnswerLimits`.

    Of one portion none are needed: it is read as it is.
    """

    def __init__(self, generator: Generator, *, budget: int, certainty: float = 0.0, most: int = MOST_PORTIONS) -> None:
        self._generator = generator
        self._budget = budget
        self._most = most
        self._certainty = certainty

    async def condense(
        self, passages: Sequence[Passage], topic: str
    ) -> AsyncGenerator[PortionStarted | QueuePosition | Condensate, None]:
        """What `passages` say of `topic` in at most `budget` tokens: how far it is, and last the `Condensate`.

        Closing it stops the model.
        """
        left, origins, unread = list(passages), list(passages), 0
        for turn in range(ROUNDS):
            parts = portions(left, self._budget, self._generator.count_tokens)[: self._most]
            if turn == 0:
                read = {piece.id for part in parts for piece in part}
                origins = [passage for passage in passages if passage.id in read]
                unread = len(passages) - len(origins)
            if len(parts) <= 1:
                break
            notes: list[Passage] = []
            for number, part in enumerate(parts, start=1):
                yield PortionStarted(number, len(parts))
                async with aclosing(self._notes(part, topic)) as steps:
                    async for step in steps:
                        if isinstance(step, QueuePosition):
                            yield step
                        else:
                            notes.append(step)
            if turn == 0:
                origins = _behind(parts, notes)
            left = notes
        kept = portions(left, self._budget, self._generator.count_tokens)[:1]
        yield Condensate(tuple(kept[0]) if kept else (), tuple(origins), unread)

    async def _notes(self, part: Sequence[Passage], topic: str) -> AsyncGenerator[QueuePosition | Passage, None]:
        """The notes on one portion, as a passage; none where it holds nothing about `topic`."""
        prompt, said = self._prompt(part, topic), ""
        grounding = Grounding(map(passage_block, part))
        events = self._generator.generate(prompt, Decoding(Mode.STUFFED, NOTES_TOKENS))
        async with aclosing(events), aclosing(unrepeated(grounded(events, grounding))) as shown:
            async for event in shown:
                match event:
                    case QueuePosition():
                        yield event
                    case Verdicts() if not self._holds(event):
                        return
                    case Piece(text):
                        said += text
                    case CutOff():
                        said = said[: said.rfind("\n")] if "\n" in said else said
        whole = "\n".join(line for line in said.splitlines() if line.strip() and not line.rstrip().endswith(MARK))
        if whole and not says_not_found(whole):
            yield replace(part[0], text=whole)

    def _prompt(self, part: Sequence[Passage], topic: str) -> Prompt:
        protocol = self._generator.protocol
        check = check_text(topic) if protocol.judging is Judging.CHECK and self._certainty else ""
        priors = (1 / len(part),) * len(part)
        return Prompt(protocol.system, tuple(part), priors, (), "", ASK.format(topic=topic), check)

    def _holds(self, verdicts: Verdicts) -> bool:
        calibration = self._generator.protocol.calibration
        return calibration is None or calibration.probability_held(verdicts.log_odds) >= self._certainty


def portions(passages: Sequence[Passage], budget: int, count_tokens: Callable[[str], int]) -> list[list[Passage]]:
    """`passages` in their order, as few portions as hold them; what is longer than `budget` is cut between lines."""
    made: list[list[Passage]] = []
    room = 0
    for passage in passages:
        for piece in _cut(passage, budget, count_tokens):
            size = count_tokens(passage_block(piece))
            if size > room or not made:
                made.append([])
                room = budget
            made[-1].append(piece)
            room -= size
    return made


def _cut(passage: Passage, budget: int, count_tokens: Callable[[str], int]) -> Iterator[Passage]:
    """`passage` as it is where it fits, else in halves between two lines or words until each fits."""
    text = passage.text
    middle = max(text.rfind(mark, 0, len(text) // 2 + 1) for mark in "\n ")
    if count_tokens(passage_block(passage)) <= budget or middle <= 0:
        yield passage
        return
    for half in (text[:middle], text[middle:].lstrip()):
        yield from _cut(replace(passage, text=half), budget, count_tokens)


def _behind(parts: Sequence[Sequence[Passage]], notes: Sequence[Passage]) -> list[Passage]:
    """The passages that `notes` were made from, by their words."""
    found: list[Passage] = []
    for part in parts:
        said = [note.text for note in notes if note.id == part[0].id]
        found += [source.passage for text in said for source in cite_by_words(text, part)]
    return found
