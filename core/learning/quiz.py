"""A quiz question as the reader writes it: its words, how they are read, and what makes them fit to be shown.

The reader was taught these very words. What it writes is believed only as far as it stands the examination of
`examiner`; what can be told without a model is told here. Pure; knows nothing of people, of models, or of when a
question comes again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from core.answering.facts import Facts
from core.learning.study import LETTERS, QuizQuestion
from core.people.preferences import Level
from core.text.words import content_words, words

_WRITE = "Write a quiz question for {level} on this: four options, one of them right, then why."
_LEVELS = {Level.BEGINNER: "a beginner", Level.PRACTITIONER: "a practitioner", Level.EXPERT: "an expert"}
_CHOOSE = "{question}\n\n{options}\n\nReply only with the letter of the right option."
_WRITTEN = re.compile(
    r"\s*Question:\s*(?P<text>.+?)\n\s*A\.\s*(?P<a>.+?)\n\s*B\.\s*(?P<b>.+?)\n\s*C\.\s*(?P<c>.+?)\n\s*D\.\s*(?P<d>.+?)"
    r"\n\s*Right:\s*(?P<right>[A-D])\b[^\n]*\n\s*Why:\s*(?P<why>.+?)\s*",
    re.DOTALL,
)
_LETTER = re.compile(r"\W*(?:option\s+)?([A-D])\b", re.IGNORECASE)
_OF_OTHERS = re.compile(r"\b(?:(?i:all|none|both|any|some) (?i:of (?:the )?(?:above|them|these))|[A-D] and [A-D])\b")
_LONGEST_QUESTION, _LONGEST_OPTION, _LONGEST_WHY = 300, 150, 400  # characters
_LONGER = 1.15  # times the next longest option: so much is seen at once
_ALIKE = 0.8  # share of words of two options that say the same


def written_for(level: Level) -> str:
    """What the reader is asked for."""
    return _WRITE.format(level=_LEVELS[level])


def lettered(question: QuizQuestion, order: Sequence[int]) -> str:
    """What the reader is asked to choose from, the options in this order."""
    options = "\n".join(f"{LETTERS[n]}. {question.options[place]}" for n, place in enumerate(order))
    return _CHOOSE.format(question=question.text, options=options)


def letter_in(reply: str) -> str:
    """The letter that was chosen; empty where none was."""
    found = _LETTER.match(reply)
    return found[1].upper() if found else ""


def parsed(reply: str) -> QuizQuestion | None:
    """The question that the reader wrote; None where it is none."""
    found = _WRITTEN.fullmatch(reply)
    if found is None:
        return None
    text, options, why = found["text"], [found[letter] for letter in "abcd"], found["why"]
    text, why = " ".join(text.split()), " ".join(why.partition("\n\n")[0].split())
    return QuizQuestion(text, tuple(" ".join(one.split()) for one in options), LETTERS.index(found["right"]), why)


def fault_of(question: QuizQuestion, passage: str) -> str:
    """Why it is not fit to be shown, in a word or two; empty where nothing speaks against it."""
    faults: Mapping[str, Callable[[], bool]] = {
        "too long": lambda: _is_too_long(question),
        "options about options": lambda: any(map(_OF_OTHERS.search, question.options)),
        "options alike": lambda: _has_copies(question.options),
        "right is longest": lambda: _is_longest(question),
        "gives itself away": lambda: _is_given_away(question),
        "not in the passage": lambda: not _stands(question, passage),
    }
    return next((name for name, has in faults.items() if has()), "")


def _is_too_long(question: QuizQuestion) -> bool:
    options = max(map(len, question.options))
    return len(question.text) > _LONGEST_QUESTION or len(question.why) > _LONGEST_WHY or options > _LONGEST_OPTION


def _is_given_away(question: QuizQuestion) -> bool:
    """Whether the question says what is right."""
    right = content_words(question.options[question.right])
    return bool(right) and right <= content_words(question.text)


def _is_longest(question: QuizQuestion) -> bool:
    """Whether whoever picks the longest option is right, and can see that it is the longest."""
    others = [len(option) for place, option in enumerate(question.options) if place != question.right]
    return len(question.options[question.right]) > _LONGER * max(others)


def _has_copies(options: Sequence[str]) -> bool:
    said = [frozenset(words(option)) for option in options]
    return any(len(one & other) > _ALIKE * len(one | other) for one, other in combinations(said, 2))


def _stands(question: QuizQuestion, passage: str) -> bool:
    """Whether no number, name or address in what is said to be right is new."""
    facts = Facts([passage])
    said = [question.options[question.right].split(), question.why.split()]
    return all(facts.hold(word, p[:place], p[place + 1 :]) for p in said for place, word in enumerate(p))
