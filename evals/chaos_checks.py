"""What a platform showed, held against what people wrote: nothing lost, nothing twice, nothing out of order.

Knows nothing of how it came about.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bots import texts
from evals.common import Record
from evals.scripted import TAG, end_of


@dataclass(frozen=True, slots=True)
class Visible:
    """A message of the bot: where, and every text it ever had with its time in seconds."""

    conversation: int
    versions: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, by name, and how much there was. `dead` are keys of events that were given up."""

    messages: int
    answered: int
    lost: int
    twice: int
    out_of_order: int
    overlapping: int
    left_behind: int  # messages that show no answer in the end: a "Searching…" whose worker died before noting it
    taken_over: int  # answers that began anew in the message of a worker that died
    sentences: int  # messages that ended in a sentence instead of an answer
    complaints: list[str]
    dead: list[str] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)

    def table(self) -> Record:
        """All but the names."""
        return {
            "messages": self.messages,
            "answered": self.answered,
            "taken over from the dead": self.taken_over,
            "ended in a sentence": self.sentences,
            "given up (dead letters)": len(self.dead),
            "lost": self.lost,
            "answered twice": self.twice,
            "out of order": self.out_of_order,
            "two at once": self.overlapping,
            "placeholders left behind": self.left_behind,
        }


def examined(
    sent: Mapping[int, Sequence[str]], shown: Sequence[Visible], touched: Collection[str] = frozenset()
) -> Findings:
    """Look at everything. `sent` has the tags of each conversation, in the order of their acceptance.

    Of those in `touched` the store lost what it knew: they have an answer all the same, though maybe twice and late.
    """
    answers: dict[str, list[Visible]] = {}
    sentences = left = 0
    for visible in shown:
        last = visible.versions[-1][1]
        if found := TAG.search(last):
            answers.setdefault(found[0], []).append(visible)
        elif "`" in last:  # an error id
            sentences += 1
        else:
            left += 1
    complaints = []
    tags = [tag for conversation in sent.values() for tag in conversation]
    whole = {tag: [one for one in answers.get(tag, []) if end_of(tag) in one.versions[-1][1]] for tag in tags}
    complaints += [f"lost: {tag}" for tag in tags if not whole[tag]][sentences:]
    complaints += [f"twice: {tag}" for tag in tags if len(answers.get(tag, [])) > 1 and tag not in touched]
    for conversation in sent.values():
        seen = [tag for tag in conversation if len(whole[tag]) == 1 and tag not in touched]
        ends = [_first_whole(whole[tag][0], tag) for tag in seen]
        complaints += [
            f"order: {seen[n]} ends before {seen[n - 1]}" for n in range(1, len(seen)) if ends[n] < ends[n - 1]
        ]
        complaints += [
            f"overlap: {seen[n]} begins before {seen[n - 1]} ends"
            for n in range(1, len(seen))
            if _first_word(whole[seen[n]][0], seen[n]) < ends[n - 1]
        ]
    kinds = [complaint.partition(":")[0] for complaint in complaints]
    return Findings(
        messages=len(tags),
        answered=sum(1 for tag in tags if whole[tag]),
        lost=kinds.count("lost"),
        twice=kinds.count("twice"),
        out_of_order=kinds.count("order"),
        overlapping=kinds.count("overlap"),
        left_behind=left,
        taken_over=sum(1 for tag in tags for one in whole[tag] if _begun(one) > 1),
        sentences=sentences,
        complaints=complaints,
    )


def _begun(visible: Visible) -> int:
    """How often somebody began with it."""
    return sum(1 for _, text in visible.versions if text == texts.SEARCHING)


def _first_whole(visible: Visible, tag: str) -> float:
    """When the answer was whole for the first time: a later attempt may write it once more."""
    return next(at for at, text in visible.versions if end_of(tag) in text)


def _first_word(visible: Visible, tag: str) -> float:
    return next(at for at, text in visible.versions if tag in text)
