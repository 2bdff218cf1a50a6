"""The sentences about a person's own preferences and what was learned of them; `texts.py` has the others.

Replies are Markdown. Knows nothing of platforms, of how a sentence is laid out, or of when it is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from bots import texts
from core.domain import Passage
from core.feedback import Reason, Verdict
from core.learning import Act
from core.opening import Recommendation
from core.people import Heard
from core.preferences import LearnedStyle, Polarity, Stated, learned_style
from core.profile import InterestInWords, Profile
from core.traces import Trace, Weighed

# /prefs

STATED_HEADING = "In your words:"
PAUSED = (
    "Done: I learn nothing new from what you do. What I learned so far still helps; `/prefs strength 0` stops that."
)
RESUMED = "Done: I learn again from what you ask, open and rate."
UNDONE = "Done: the last change is taken back."
NOTHING_TO_UNDO = "There is no change to take back."
IMPORTED = "Done: that profile is yours now. `/prefs undo` brings back what you had set before."
FORGET_WHAT = (
    "I can forget your interests (`/prefs forget interests`), your questions and my answers (`/prefs forget history`), "
    "or all of it with your preferences (`/prefs forget everything`). None of it can be undone."
)
INTERESTS_FORGOTTEN = "Done: what I learned of your interests and style is forgotten, and what I learned it from."
HISTORY_FORGOTTEN = "Done: your questions and my answers to them are forgotten. Your preferences and interests stay."
NOTHING_LEARNED = "I have learned nothing of you yet. I learn from what you ask, open and rate (👍 👎)."
_ACTS: Mapping[Act, str] = {
    Act.ASKED: "question",
    Act.REPHRASED: "question asked again",
    Act.OPENED: "source opened",
    Act.UP: "👍",
    Act.DOWN: "👎",
}
_STYLES: Mapping[LearnedStyle, str] = {
    LearnedStyle.SHORTER: "You called answers too long, so I keep them to a sentence or two.",
    LearnedStyle.SHORTEST: "You called answers too long several times, so I keep them to one short sentence.",
    LearnedStyle.LONGER: "You called answers too short, so I go into detail.",
}


def overview(profile: Profile, choices: Mapping[str, Iterable[str]]) -> str:
    """Everything at a glance."""
    wishes = profile.wishes
    chosen = [
        texts.preference_line(name, (str(value) for value in values), str(getattr(wishes.preferences, name)))
        for name, values in choices.items()
    ]
    said = [STATED_HEADING, "", *(stated_line(one) for one in wishes.stated), ""] if wishes.stated else []
    how = [
        f"- learning: {'paused' if wishes.paused else 'on'}, strength {wishes.strength} of 100",
        f"- learned: {_count(profile)} (`/prefs learned`)",
        f"- taste shared with teammates: {'on' if wishes.shares else 'off'} (`/prefs share on|off`)",
    ]
    return "\n".join([*chosen, "", *said, *how, "", texts.PREFS_HINT])


def _count(profile: Profile) -> str:
    return f"{texts.plural(len(profile.interests), 'interest')} from {texts.plural(profile.events, 'event')}"


def stated_line(stated: Stated) -> str:
    """One stated preference with its number."""
    return f"{stated.number}. {_in_words(stated)}"


def _in_words(stated: Stated) -> str:
    said = stated.text if stated.polarity is Polarity.SAY else f"{stated.polarity}: {stated.text}"
    return texts.escaped(said)


def stated(stated: Stated, *, is_fact: bool) -> str:
    """A preference was stated."""
    done = f"Done: {stated.number}. {_in_words(stated)} (`/prefs remove {stated.number}` removes it)."
    fact = " It states a fact, and facts I take from documents only, so it changes no answer."
    return f"{done}{fact}" if is_fact else done


def state_something(polarity: Polarity, most: int) -> str:
    """Nothing, or too much, was stated."""
    return f"Tell me in 1 to {most} characters, such as `/prefs {polarity} worked examples`."


def stated_enough(most: int) -> str:
    """There are as many as there can be."""
    return f"You have told me {most} preferences, and that is as many as I keep. Remove one with `/prefs remove 1`."


def no_stated(given: str, numbers: Sequence[int]) -> str:
    """There is no stated preference of that number."""
    known = f"It can be {', '.join(f'`{number}`' for number in numbers)}." if numbers else "You have stated none."
    return f"There is no preference `{given}` to remove. {known} (`/prefs remove interest 1` removes a learned one.)"


def stated_removed(stated: Stated) -> str:
    """A stated preference was removed."""
    return f"Done: “{_in_words(stated)}” is removed. `/prefs undo` brings it back."


def interest_removed(number: int) -> str:
    """An interest was removed."""
    return f"Done: interest {number} is forgotten, and what I learned it from."


def no_interest(count: int) -> str:
    """There is no interest of that number."""
    return f"There is no such interest. It can be 1 to {count}." if count else NOTHING_LEARNED


def strength_shown(strength: int) -> str:
    """How far learning may re-order."""
    return f"Your strength is **{strength}**. It can be 0 to 100: how far what I learned may re-order; 0 is not at all."


def strength_set(strength: int) -> str:
    """How far learning may re-order from now on."""
    return f"Done: strength is now **{strength}**."


def bad_strength(given: str) -> str:
    """A strength that there is not."""
    return f"`{given}` is no strength. It can be a whole number from 0 to 100."


def sharing(*, on: bool) -> str:
    """Whether taste is shared."""
    if on:
        return "Taste sharing is **on**: what teammates like you found useful helps you, and what you found helps them."
    return "Taste sharing is **off**: teammates' taste does not act on your answers, nor yours on theirs."


def learned(profile: Profile) -> str:
    """Interests in words, each with why, since when and its weight, then the style."""
    style = learned_style(profile.brevity)
    lines = [interest_line(interest) for interest in profile.interests]
    if style:
        lines += ["", _STYLES[style]]
    if not lines:
        return NOTHING_LEARNED
    hint = "`/prefs remove interest 1` forgets one, `/prefs forget interests` all."
    return "\n".join([*lines, "", hint])


def interest_line(interest: InterestInWords) -> str:
    """One interest."""
    words = ", ".join(interest.phrases) or "something"
    near = f", as in {', '.join(document_name(source) for source in interest.documents)}" if interest.documents else ""
    return (
        f"{interest.number}. {texts.escaped(f'{words}{near}')}: weight {interest.weight:.0%}, "
        f"since {interest.since:%d %B %Y}, from {acts_line(interest)}"
    )


def acts_line(interest: InterestInWords) -> str:
    """What an interest was learned from."""
    return ", ".join(f"{count} × {_ACTS[act]}" for act, count in interest.acts)


def document_name(source: str) -> str:
    """A document by the end of its path."""
    return PurePath(source).name or source


def exported(profile: str) -> str:
    """All of a profile."""
    return f"Everything I keep of you but our conversations:\n\n```json\n{profile}\n```"


# /why, /plain, /recommend, /open

NO_ANSWER = "I do not remember that answer. Ask me something, and then `/why`."
SOURCE_GONE = "That source is gone, or you may no longer see it."
NOTHING_TO_RECOMMEND = "I have nothing to recommend yet: I know too little of you, or you have seen all of it."
_SMALL = 0.005  # a factor nearer to 1 than this is shown as no change


def why(trace: Trace) -> str:
    """Why an answer is as it is."""
    lines = [f"**Why that answer** (`{trace.answer}`): {texts.escaped(trace.question)}", ""]
    lines += [f"- {_why_read(passage, trace)}" for passage in trace.passages]
    if not trace.passages:
        lines.append("- No document was near enough to be read.")
    wishes = "; ".join(texts.escaped(wish) for wish in trace.wishes)
    lines += ["", f"Your wishes that it obeys: {wishes or 'none'}."]
    return "\n".join([*lines, _how_far(trace)])


def _why_read(passage: Weighed, trace: Trace) -> str:
    parts = {"your team": passage.team, "your interests": passage.taste, "similar teammates": passage.teammates}
    factors = {name: math.exp(trace.scale * nats) for name, nats in parts.items()}
    moved = ", ".join(f"{name} ×{factor:.2f}" for name, factor in factors.items() if abs(factor - 1) > _SMALL)
    place = texts.escaped(passage.place)
    chances = f"{passage.impersonal:.0%} → {passage.personal:.0%}"
    return f"{place}: {chances} ({moved or 'nothing moved it'}); it carried {passage.share:.0%} of the answer"


def _how_far(trace: Trace) -> str:
    if trace.plain:
        return "It was asked for without personalisation."
    held = f" The bound let through {trace.scale:.0%} of the re-ordering." if trace.scale < 1 else ""
    known = f"I knew {texts.plural(trace.events, 'event')} of you"
    return f"{known}; the question left {trace.gate:.0%} of the choice of documents open.{held}"


def recommended(found: Sequence[Recommendation]) -> str:
    """Documents with the reason for each."""
    if not found:
        return NOTHING_TO_RECOMMEND
    lines = [
        f"{number}. {texts.escaped(one.passage.heading_path)} ({texts.escaped(document_name(one.passage.source))}): "
        f"near your interest in {texts.escaped(', '.join(one.interest.phrases) or 'what you asked')}"
        for number, one in enumerate(found, start=1)
    ]
    return "\n".join(["You may care about these, and I have not shown them to you yet:", "", *lines])


def opened(passage: Passage) -> str:
    """The text of a source."""
    return f"**{texts.escaped(passage.heading_path)}**\n\n{passage.text}"


def no_source(count: int) -> str:
    """There is no source of that number under the last answer."""
    return f"Write `/open 1`; it can be 1 to {count}." if count else "My last answer to you has no sources to open."


# 👍 👎

_HEARD: Mapping[Verdict, str] = {
    Verdict.UP: "Thanks, I will remember that this helped.",
    Verdict.DOWN: "Thanks. Why? Wrong, too long, too short, not my topic, outdated, or not in the documents?",
    Verdict.OPENED: "Opened.",
    Verdict.NONE: "Done: I take that back.",
}
_REASONS: Mapping[Reason, str] = {
    Reason.WRONG: "Thanks: noted as wrong, for your operator to look at.",
    Reason.TOO_LONG: "Noted: too long. Say it a few times, and I answer shorter.",
    Reason.TOO_SHORT: "Noted: too short. Say it a few times, and I answer in more detail.",
    Reason.NOT_MY_TOPIC: "Noted: this is not your topic, so it counts less from now on.",
    Reason.OUTDATED: "Thanks: noted as outdated, for your operator to look at.",
    Reason.NOT_IN_DOCUMENTS: "Thanks: noted as missing in the documents, for your operator to look at.",
}
NOT_YOURS = "Only whoever asked can rate an answer, and I do not remember giving you that one."
HEARD_WHILE_PAUSED = "Thanks, noted. Learning is paused, so it changes nothing for you."


def heard(heard: Heard, verdict: Verdict, reason: Reason | None) -> str:
    """What follows from a verdict."""
    if heard is Heard.UNKNOWN:
        return NOT_YOURS
    if heard is Heard.NOTED:
        return HEARD_WHILE_PAUSED
    return _REASONS[reason] if verdict is Verdict.DOWN and reason else _HEARD[verdict]
