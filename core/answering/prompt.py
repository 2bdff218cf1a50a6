"""The words the model reads: how a `Prompt` becomes a chat.

Its instructions stand in `verdict.py`, beside what the answer to them is worth. Pure text. Knows nothing of tokens,
templates or the model that reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.domain import Passage, Prompt, Turn
from core.people.preferences import (
    Format,
    Language,
    LearnedStyle,
    Length,
    Level,
    Polarity,
    Preferences,
    StatedPreference,
    Tone,
    learned_style,
)

NOT_FOUND = "I could not find that in the documents."
_REFUSAL = re.compile(r"(?:i am |i'm )?(?:sorry, )?(?:but )?i could not find [^.!?\n]{1,80} in the documents\.?")

# For a model that cannot be asked. It stands with the person's wishes, since a wish that stands last drowns it.
REFUSE = f"If the documents do not answer the question, reply only: {NOT_FOUND}"

GO_ON = "Go on exactly where you stopped. Repeat nothing."  # for a model that cannot be handed what it said

_LENGTH = {
    Length.SHORT: "Reply only with the shortest phrase that answers this.",
    Length.NORMAL: "Answer in a few sentences. Write only the answer, not how you found it.",
    Length.DETAILED: "Answer in detail, with every condition and exception the documents name.",
}
_TONE = {
    Tone.PLAIN: "",
    Tone.FRIENDLY: "Write warmly, as to a colleague.",
    Tone.FORMAL: "Write formally.",
}
_FORMAT = {
    Format.PROSE: "",
    Format.BULLETS: "Write the answer as a list of bullet points.",
    Format.STEPS: "Write the answer as numbered steps.",
}

_LEVEL = {
    Level.BEGINNER: "Explain as to a beginner: in simple words, with every special term explained.",
    Level.PRACTITIONER: "",
    Level.EXPERT: "Write for an expert: be terse and use the special terms without explaining them.",
}
_LEARNED = {
    LearnedStyle.SHORTER: "Answer in one or two sentences. Write only the answer, not how you found it.",
    LearnedStyle.SHORTEST: "Answer in one short sentence.",
    LearnedStyle.LONGER: _LENGTH[Length.DETAILED],
}
_TEXT_LENGTH = {
    Length.SHORT: "Keep it short.",
    Length.NORMAL: "",
    Length.DETAILED: "Write it in detail, with every condition and exception the documents name.",
}
_STATED = {Polarity.LIKE: "I like: {}", Polarity.AVOID: "I want to avoid: {}", Polarity.SAY: "{}"}
_ABOUT = "About me, for form and emphasis only, never as a fact or a source: "


def person_block(
    preferences: Preferences, stated: Sequence[StatedPreference] = (), brevity: float = 0.0, *, refuse: bool = False
) -> str:
    """What the person set and `stated`, as instructions on form; `brevity` is what was learned of the length.

    With `refuse` also to say so when the documents hold no answer.
    """
    style = learned_style(brevity)
    wishes = (
        _LEARNED[style] if style else _LENGTH[preferences.length],
        _TONE[preferences.tone],
        _FORMAT[preferences.format],
        _LEVEL[preferences.level],
        _about(stated),
        "" if preferences.language is Language.AUTO else f"Answer in {preferences.language.value.title()}.",
    )
    return _together(wishes, refuse=refuse)


def writing_block(
    preferences: Preferences, stated: Sequence[StatedPreference] = (), brevity: float = 0.0, *, refuse: bool = False
) -> str:
    """The same for a text that somebody wants written, whose form is mostly what its request says."""
    style = learned_style(brevity)
    short = style in {LearnedStyle.SHORTER, LearnedStyle.SHORTEST}
    wishes = (
        _TEXT_LENGTH[Length.SHORT if short else preferences.length],
        _TONE[preferences.tone],
        _FORMAT[preferences.format],
        _LEVEL[preferences.level],
        _about(stated),
        "" if preferences.language is Language.AUTO else f"Write it in {preferences.language.value.title()}.",
    )
    return _together(wishes, refuse=refuse)


def _together(wishes: Sequence[str], *, refuse: bool) -> str:
    asked = " ".join(wish for wish in wishes if wish)
    return f"{REFUSE} Otherwise: {asked}" if refuse else asked


def _about(stated: Sequence[StatedPreference]) -> str:
    """What the person said of themselves; none of it is evidence for anything."""
    said = [_STATED[one.polarity].format(one.text).rstrip(".") for one in stated]
    return f"{_ABOUT}{'; '.join(said)}." if said else ""


def about(question: str, quoted: str) -> str:
    """The question as the model reads it: behind the message that it is about, which is there to be talked of."""
    if not quoted or question == quoted:
        return question
    lines = "\n".join(f"> {line}" for line in quoted.splitlines())
    return f"A colleague wrote:\n{lines}\n\n{question}"


def own_words(asked: str, quoted: str) -> str:
    """What of `about` its asker said: nothing, where all of it was quoted."""
    return "" if asked == quoted else asked.removeprefix(about("", quoted))


def passage_block(passage: Passage) -> str:
    """One passage under its heading path."""
    return f"### {passage.heading_path}\n{passage.text}"


def instructions(system: str) -> str:
    """What stands before the documents, whichever they are."""
    return f"{system}\n\nDocuments:\n\n"


def documents(passages: Iterable[Passage]) -> str:
    """The passages, one after the other."""
    return "\n\n".join(passage_block(passage) for passage in passages)


def system_text(system: str, passages: Iterable[Passage]) -> str:
    """The instructions and the documents."""
    return instructions(system) + documents(passages)


def chat(system: str, turns: Sequence[Turn], person: str, question: str) -> list[dict[str, str]]:
    """The messages of a chat template: `system`, the earlier turns, then the question with the person's wishes."""
    messages = [{"role": "system", "content": system}]
    for turn in turns:
        messages.append({"role": "user", "content": turn.question})
        messages.append({"role": "assistant", "content": turn.answer})
    messages.append({"role": "user", "content": f"{question}\n\n({person})" if person else question})
    return messages


def everything(prompt: Prompt) -> list[str]:
    """All that the model reads."""
    chat_of = chat(system_text(prompt.system, prompt.passages), prompt.turns, prompt.person, prompt.question)
    return [*(message["content"] for message in chat_of), prompt.begun]


def grounds(prompt: Prompt, quoted: str = "") -> list[str]:
    """All that an answer may state facts of: what the model reads, but what was `quoted`, now or before.

    Anybody can plant an account number in a thread; that it was written there is no evidence for it. Nor is an answer
    of which nobody knows what it rests on.
    """
    turns = tuple(_evidence(turn) for turn in prompt.turns)
    return everything(replace(prompt, question=own_words(prompt.question, quoted), turns=turns))


def _evidence(turn: Turn) -> Turn:
    answer = "" if turn.rests is None else turn.answer
    return replace(turn, question=own_words(turn.question, turn.quoted), answer=answer)


def says_not_found(answer: str) -> bool:
    """Whether the model used the sentence for what the documents do not hold, or only another like it."""
    said = answer.lower().replace("couldn't", "could not")
    return NOT_FOUND.rstrip(".").lower() in said or _REFUSAL.fullmatch(said.strip()) is not None
