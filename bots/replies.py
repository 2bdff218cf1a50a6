"""What commands say. Pure nouns, shared by all commands; knows nothing of what they do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """What a command says."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """All that is remembered of the person is gone: a bot that keeps something itself removes it now."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Again:
    """A question that is to be answered once more, without personalisation."""

    question: str


CommandReply = Notice | Forgotten | Again
