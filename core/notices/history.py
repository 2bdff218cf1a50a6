"""What is new in a document since a moment: each sentence's mark, with when it was first seen.

Marks are short hashes, so that what a document said before is known and not kept. A sentence that moved, or whose
document was embedded anew, is not new. Pure; knows nothing of stores or of who may see what.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.domain import Passage
from core.text.growing import ends_sentence
from core.text.languages import segmented
from core.text.words import content_words, words

ALWAYS = datetime.fromtimestamp(0, UTC)  # of what was there before anybody looked
LAYERS = 40  # moments of a document that are told apart; of the oldest two the first remains
_BYTES = 5  # of a mark: two sentences of one document share it once in a trillion
_LEAST = 2  # words of what says something; a heading has one more
_LINE = re.compile(r"\s*(?:[-*+•>]|(#{1,6})|\d{1,3}[.)])?\s*(.*)")
_CLOSED = re.compile(r"[^。！？]+[。！？]*[」』）”]*|[。！？]+")  # no space follows


@dataclass(frozen=True, slots=True)
class HistoryLayer:
    """The marks of sentences that were first seen at one moment, packed."""

    at: datetime
    marks: str


@dataclass(frozen=True, slots=True)
class DocumentHistory:
    """What is known of the sentences of a document, the oldest first.

    `revision` is the document's version that was looked at, `first` when there was one for the first time, `gone` since
    when there is none.
    """

    source: str
    revision: str
    first: datetime
    layers: tuple[HistoryLayer, ...] = ()
    gone: datetime | None = None

    def newer(self, than: datetime, until: datetime) -> set[bytes]:
        """The marks of what came after `than`, up to `until`."""
        return {mark for layer in self.layers if than < layer.at <= until for mark in _unpacked(layer.marks)}

    def begun(self, than: datetime, until: datetime) -> datetime | None:
        """When the first of it came."""
        return min((layer.at for layer in self.layers if than < layer.at <= until), default=None)

    @property
    def latest(self) -> datetime:
        """When something came last."""
        return self.layers[-1].at if self.layers else self.first


def followed(
    before: DocumentHistory | None, source: str, revision: str, passages: Sequence[Passage], at: datetime
) -> DocumentHistory:
    """The history of a document that says `passages` now; what it does not say any more is forgotten."""
    now = {mark(sentence) for passage in passages for sentence in sentences(passage.text)}
    layers: list[HistoryLayer] = []
    for layer in before.layers if before else ():
        if still := now & _unpacked(layer.marks):
            layers.append(replace(layer, marks=_packed(still)))
            now -= still
    if now:
        layers.append(HistoryLayer(at, _packed(now)))
    while len(layers) > LAYERS:
        oldest, next_ = layers[:2]
        layers[:2] = [replace(oldest, marks=_packed(_unpacked(oldest.marks) | _unpacked(next_.marks)))]
    return DocumentHistory(source, revision, before.first if before else at, tuple(layers))


def new_sentences(passage: Passage, marks: Collection[bytes]) -> list[str]:
    """The sentences of `passage` that have one of `marks`, in order."""
    return [sentence for sentence in sentences(passage.text) if mark(sentence) in marks]


def sentences(text: str) -> Iterator[str]:
    """The sentences, list items and table rows of a passage that say something."""
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        heading, said = (found[1], found[2]) if found else (None, line)
        for sentence in _split(said):
            if len(words(segmented(sentence))) >= _LEAST + bool(heading) and content_words(sentence):
                yield sentence


def mark(sentence: str) -> bytes:
    """A name of what `sentence` says, whatever its layout."""
    return hashlib.sha256(" ".join(words(sentence)).encode()).digest()[:_BYTES]


def _split(line: str) -> Iterator[str]:
    said: list[str] = []
    parts = [part for word in line.split() for part in _CLOSED.findall(word)]
    for word, next_word in zip(parts, [*parts[1:], ""], strict=False):
        said.append(word)
        if not next_word or ends_sentence(word, next_word):
            yield " ".join(said)
            said = []


def _packed(marks: set[bytes]) -> str:
    return base64.b85encode(b"".join(sorted(marks))).decode()


def _unpacked(marks: str) -> set[bytes]:
    packed = base64.b85decode(marks)
    return {packed[at : at + _BYTES] for at in range(0, len(packed), _BYTES)}
