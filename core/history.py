"""x: what is asked, given what was said before.

Pure functions over turns. Knows nothing of search, models or where turns are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.domain import Turn
from core.words import content_words, words, words_of

# A message with one of these words, or beginning with one of those, leans on what was said before.
_POINTS_BACK = words_of("it its they them their theirs he him his she her hers this that these those same one ones")
_CONNECTS = words_of("and or but so then also otherwise")
_FEW_WORDS = 2  # with no more words of its own than this, a message is hardly a question by itself
_OWN_TOPIC = 5  # with so many words of its own it is one, whatever pronouns it has


def standalone_question(message: str, turns: Sequence[Turn]) -> str:
    """The message as it would be asked with no conversation before it: what to search for.

    A follow-up is put behind the last question that stood by itself. A model that rewrites the question would
    be better at it and costs seconds on a CPU; see docs/decisions.md.
    """
    topic = ""
    for turn in turns:
        topic = topic if topic and is_follow_up(turn.question) else turn.question
    return f"{topic}\n{message}" if topic and is_follow_up(message) else message


def before(message: str, turns: Sequence[Turn], *, again: bool) -> list[Turn]:
    """The turns of this conversation before `message`; where it is asked `again`, those before the last time.

    An empty turn is where somebody began anew: nothing before it counts.
    """
    begun = max((place + 1 for place, turn in enumerate(turns) if not turn.question), default=0)
    turns = turns[begun:]
    asked = [place for place, turn in enumerate(turns) if turn.question == message]
    return list(turns[: asked[-1]] if again and asked else turns)


def is_follow_up(message: str) -> bool:
    """Whether a message needs the conversation to be understood."""
    said, own = words(message), content_words(message)
    if not said or len(own) >= _OWN_TOPIC:
        return False
    return said[0] in _CONNECTS or len(own) < _FEW_WORDS or not _POINTS_BACK.isdisjoint(said)


def fitting_turns(turns: Sequence[Turn], budget: int, count_tokens: Callable[[str], int]) -> tuple[Turn, ...]:
    """The latest turns that fit into `budget` tokens together, oldest first."""
    kept: list[Turn] = []
    for turn in reversed(turns):
        budget -= count_tokens(turn.question) + count_tokens(turn.answer)
        if budget < 0:
            break
        kept.append(turn)
    return tuple(reversed(kept))
