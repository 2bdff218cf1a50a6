"""What was said in a conversation: recalled as far as it still stands for those who read the next answer, and kept.

A document changes, goes, or gets other readers; somebody leaves a channel. Then an answer that was made from it is not
used for another. Knows nothing of platforms, of sentences or of models.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from core.answering import history
from core.answering.prompt import says_not_found
from core.domain import Message, Passage, RankedPassage, Turn
from core.people.traces import Trace
from core.ports import Memory, PassageIndex
from core.readers import audience, may_see
from core.text.words import words

MAX_TURNS = 20  # turns looked at; fewer are read, as the budget has it
BEGINS = 8  # words by which an answer is known again
RESTS = 300  # passages of the turns before that one is known to rest on; after a longer chain it is not repeated


@dataclass(frozen=True, slots=True)
class Recollection:
    """What the memory knows of a message before it is answered: the turns before it, and the answer's name."""

    answer_id: str
    turns: Sequence[Turn]


class Conversations:
    """The turns of all conversations, over the ports that keep them and what they rest on."""

    def __init__(self, memory: Memory, index: PassageIndex) -> None:
        self._memory = memory
        self._index = index
        self._key: bytes | None = None

    async def recall(self, message: Message) -> Recollection:
        """What was said before `message`, without those answers that its readers may not see the passages of now."""
        name = await self.answer_id(message)  # now: the memory may go away while the answer is made
        turns = await self._memory.turns(message.conversation, limit=MAX_TURNS)
        return Recollection(name, await still_standing(turns, self._index, audience(message)))

    async def keep(self, message: Message, turn: Turn, trace: Trace) -> None:
        """Add the turn that `message` led to, and why its answer is as it is."""
        await self._memory.append(message.conversation, turn, trace)

    async def begin_anew(self, message: Message) -> None:
        """Let what follows lean on nothing that was said in this conversation before."""
        await self._memory.append(message.conversation, Turn(message.person, "", "", message.sent_at, ()))

    async def keep_forward(self, message: Message) -> None:
        """Keep what was forwarded without a word, until the next message says what of it."""
        said = message.quoted
        await self._memory.append(message.conversation, Turn(message.person, said, "", message.sent_at, (), said))

    async def let_go(self, message: Message) -> None:
        """Let what was forwarded wait no longer, if it still does."""
        last, said = await self.last_turn(message), message.quoted
        if last is not None and history.waits(last, said):
            await self._memory.append(message.conversation, Turn(message.person, said, "", message.sent_at, None, said))

    async def has_said(self, message: Message, shown: str) -> bool:
        """Whether an answer of this conversation stands in `shown`, or that in it, as a messenger lays it out."""
        turns, begins = await self._memory.turns(message.conversation, limit=MAX_TURNS), words(shown)[:BEGINS]
        answers = [words(turn.answer) for turn in turns if turn.answer]
        page = f" {' '.join(begins)} "  # a long answer takes several
        return any(begins[: len(one)] == one[:BEGINS] or page in f" {' '.join(one)} " for one in answers)

    async def last_turn(self, message: Message) -> Turn | None:
        """What was said last before `message`."""
        return next(iter(await self._memory.turns(message.conversation, limit=1)), None)

    async def has_begun(self, message: Message) -> bool:
        """Whether anything was answered or forwarded in this conversation that a message may be about."""
        turns = await self._memory.turns(message.conversation, limit=MAX_TURNS)
        return any(turn.answer or turn.quoted for turn in history.before("", turns, again=False))

    async def text_of(self, message: Message, trace: Trace | None) -> str:
        """What the answer of `trace`, or else the last, says, if it was given in this conversation and still stands."""
        turns = (await self.recall(message)).turns
        told = history.up_to(turns, trace.question, trace.at) if trace else turns
        said = told[-1].answer if told else ""
        return "" if says_not_found(said) else said

    async def questions(self, message: Message) -> list[str]:
        """The questions of whoever sent `message` in this conversation, oldest first."""
        turns = await self._memory.turns(message.conversation, limit=MAX_TURNS)
        return history.questions(history.before("", turns, again=False), message.person)

    async def answer_id(self, message: Message) -> str:
        """The name that the answer to `message` has, or will have."""
        if self._key is None:
            self._key = await self._memory.answer_key()
        return answer_id(message, self._key)


def answer_id(message: Message, key: bytes) -> str:
    """The name of the answer to `message`: the same however often it is answered, and nobody's to guess without `key`.

    Buttons carry it, and whoever can press one can send another name in its place.
    """
    place = message.conversation
    parts = (place.platform, place.workspace, place.channel, place.thread, message.id)
    return blake2b("\0".join(parts).encode(), digest_size=8, key=key).hexdigest()


def rests_of(rows: Iterable[RankedPassage], heard: Iterable[Turn]) -> tuple[str, ...] | None:
    """What an answer rests on that was made from `rows`, after the turns `heard`: also what those rest on.

    None where that is too much to follow: nothing is left out, for a turn that rests on less than it tells would leak.
    """
    read = [_name(part) for row in rows for part in (row.parts or (row.passage,))]
    before = dict.fromkeys(name for turn in heard for name in turn.rests or ())
    return None if len(before) > RESTS else tuple(dict.fromkeys([*read, *before]))


async def still_standing(turns: Sequence[Turn], index: PassageIndex, seen_by: Collection[str]) -> list[Turn]:
    """`turns`, without those answers that `seen_by` may not see the passages of, or whose passages are others now."""
    ids = {name.partition(":")[0] for turn in turns for name in turn.rests or ()}
    found = await index.passages(sorted(ids)) if ids else {}
    seen = {_name(passage) for passage in found.values() if may_see(passage.readers, seen_by)}
    return [turn if _stands(turn, seen) else replace(turn, answer="") for turn in turns]


def _stands(turn: Turn, seen: Collection[str]) -> bool:
    if not turn.answer or says_not_found(turn.answer):
        return True
    return turn.rests is not None and all(name in seen for name in turn.rests)


def _name(passage: Passage) -> str:
    """A passage as it is now: its id, and what it says."""
    return f"{passage.id}:{blake2b(passage.text.encode(errors='replace'), digest_size=6).hexdigest()}"
