"""The words the model reads: how a `Prompt` becomes a chat.

Pure text. Knows nothing of tokens, templates or the model that reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.domain import Format, Length, Passage, Preferences, Tone, Turn

NOT_FOUND = "I could not find that in the documents."

SYSTEM = (
    "You are a helpful colleague who answers from the team's documents below. Answer the question directly and "
    "completely, in your own words, with the steps, names, numbers and links that the documents give."
)

_CHECK = 'Can this question be answered from the document above alone: "{question}"? Reply only yes or no.'

# For a model that cannot be asked. It stands with the person's wishes, since a wish that stands last drowns it.
REFUSE = f"If the documents do not answer the question, reply only: {NOT_FOUND}"

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


def check_text(question: str) -> str:
    """What is asked of every passage by itself before the answer (core/abstention.py)."""
    return _CHECK.format(question=question)


def person_block(preferences: Preferences, *, refuse: bool = False) -> str:
    """What the person set, as instructions on form; with `refuse` also to say so when the documents hold no answer."""
    wishes = (_LENGTH[preferences.length], _TONE[preferences.tone], _FORMAT[preferences.format])
    asked = " ".join(wish for wish in wishes if wish)
    return f"{REFUSE} Otherwise: {asked}" if refuse else asked


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


def says_not_found(answer: str) -> bool:
    """Whether the model used the sentence it was told to use when the documents hold no answer."""
    return NOT_FOUND.rstrip(".").lower() in answer.lower().replace("couldn't", "could not")
