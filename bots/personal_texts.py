"""The sentences about a person's own preferences, what was learned of them, and 👍 and 👎; `texts.py` has the others.

Replies are Markdown. Knows nothing of platforms, of how a sentence is laid out, or of when it is said.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bots import texts
from bots.language import counted, translated
from bots.why_texts import events_counted
from core.answering.sources import Recommendation
from core.documents.remote.addresses import name_of
from core.domain import Passage
from core.people.feedback import Verdict
from core.people.interests import Action, Reason
from core.people.people import FeedbackOutcome
from core.people.preferences import LearnedStyle, Polarity, PreferenceSet, StatedPreference, learned_style
from core.people.profile import InterestInWords, Profile

# /prefs

STATED_HEADING = "In your words:"
STATES_A_FACT = "That sounds like a fact. I take facts only from the documents, so it won't change my answers."
PAUSED = (
    "Done. I won't learn anything new from what you do. What I've learned so far still helps; "
    "`{cmd}prefs strength 0` turns that off."
)
RESUMED = "Done. I'm learning again from what you ask, open and rate."
NOTHING_TO_UNDO = "There's nothing to undo."
IMPORTED = "Done. That profile is yours now. `{cmd}prefs undo` brings back your earlier settings."
EXPORTED = "Here's everything I keep about you, apart from our conversations."
FORGET_WHAT = (
    "I can forget your interests (`{cmd}prefs forget interests`), your questions and my answers "
    "(`{cmd}prefs forget history`), or everything, including your preferences (`{cmd}prefs forget everything`). "
    "None of this can be undone."
)
INTERESTS_FORGOTTEN = "Done. I've forgotten your interests and your style, and what I learned them from."
HISTORY_FORGOTTEN = "Done. I've forgotten your questions and my answers to them. Your preferences and interests stay."
REMOVE_HINT = "`{cmd}prefs remove interest 1` forgets one of these, `{cmd}prefs forget interests` all of them."
LEVEL_REMOVED = "Done. I've forgotten what your quiz answers say about your level."
NO_LEVEL = "I haven't learned a level from quizzes yet."
NOTHING_LEARNED = "I haven't learned anything about you yet. I learn from what you ask, open and rate (👍 👎)."
SHARED = "Taste sharing is **on**: what similar teammates found useful helps you, and what you found useful helps them."
NOT_SHARED = (
    "Taste sharing is **off**: your teammates' taste doesn't affect your answers, and yours doesn't affect theirs."
)
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ACTS: Mapping[Action, str] = {
    Action.ASKED: "question",
    Action.REPHRASED: "rephrased question",
    Action.OPENED: "opened source",
    Action.ANSWERED: "quiz answer",
    Action.UP: "👍",
    Action.DOWN: "👎",
}
_POLARITIES: Mapping[Polarity, str] = {Polarity.LIKE: "like", Polarity.AVOID: "avoid"}
_STYLES: Mapping[LearnedStyle, str] = {
    LearnedStyle.SHORTER: "You've said that answers were too long, so I keep them to a sentence or two.",
    LearnedStyle.SHORTEST: "You've often said that answers were too long, so I keep them to one short sentence.",
    LearnedStyle.LONGER: "You've said that answers were too short, so I go into more detail.",
}


def overview(profile: Profile, choices: Mapping[str, Iterable[str]]) -> str:
    """Everything at a glance."""
    wishes = profile.wishes
    chosen = [
        texts.preference_line(name, (str(value) for value in values), str(getattr(wishes.preferences, name)))
        for name, values in choices.items()
    ]
    own = [translated(STATED_HEADING), "", *(stated_line(one) for one in wishes.stated), ""] if wishes.stated else []
    on = translated("paused") if wishes.paused else translated("on")
    shares = translated("on") if wishes.shares else translated("off")
    how = [
        translated("- learning: {on}, strength {strength} of 100", on=on, strength=wishes.strength),
        translated(
            "- learned: {interests} from {events} (`{cmd}prefs learned`)",
            interests=_interests(profile),
            events=events_counted(profile.events),
        ),
        translated("- taste shared with teammates: {on} (`{cmd}prefs share on|off`)", on=shares),
    ]
    return "\n".join([*chosen, "", *own, *how, "", translated(texts.PREFS_HINT)])


def _interests(profile: Profile) -> str:
    return counted(len(profile.interests), "{count} interest", "{count} interests")


def stated_line(stated: StatedPreference) -> str:
    """One stated preference with its number."""
    return f"{stated.number}. {_in_words(stated)}"


def _in_words(stated: StatedPreference) -> str:
    return texts.escaped(in_words(stated.polarity, stated.text))


def in_words(polarity: Polarity, words: str) -> str:
    """`words` with whether they are liked or avoided."""
    return words if polarity is Polarity.SAY else f"{translated(_POLARITIES[polarity])}: {words}"


def stated(stated: StatedPreference, *, is_fact: bool) -> str:
    """A preference was stated."""
    done = translated(
        "Done: {stated} (`{cmd}prefs remove {number}` removes it).", stated=stated_line(stated), number=stated.number
    )
    return f"{done} {translated(STATES_A_FACT)}" if is_fact else done


def state_something(polarity: Polarity, most: int) -> str:
    """Nothing, or too much, was stated."""
    return translated(
        "Please use 1 to {most} characters, for example `{cmd}prefs {polarity} worked examples`.",
        most=most,
        polarity=polarity,
    )


def stated_enough(most: int) -> str:
    """There are as many as there can be."""
    return translated(
        "You've told me {most} preferences, and I can't keep any more. Remove one with `{cmd}prefs remove 1`.",
        most=most,
    )


def no_stated(given: str, numbers: Sequence[int]) -> str:
    """There is no stated preference of that number."""
    listed = ", ".join(f"`{number}`" for number in numbers)
    known = (
        translated("You can choose {numbers}.", numbers=listed) if numbers else translated("You haven't told me any.")
    )
    if not given:
        return translated(
            "Tell me the number of the one to remove. {known} (`{cmd}prefs remove interest 1` removes a learned one.)",
            known=known,
        )
    return translated(
        "There's no preference `{given}` to remove. {known} (`{cmd}prefs remove interest 1` removes a learned one.)",
        given=given,
        known=known,
    )


def stated_removed(stated: StatedPreference) -> str:
    """A stated preference was removed."""
    return translated("Done. I've removed “{stated}”. `{cmd}prefs undo` brings it back.", stated=_in_words(stated))


def undone(before: PreferenceSet, now: PreferenceSet) -> str:
    """The last change was taken back: what is otherwise now."""
    fields = [field.name for field in dataclasses.fields(now.preferences)]
    chosen = {name: getattr(now.preferences, name) for name in fields}
    changed = [(name, value) for name, value in chosen.items() if value != getattr(before.preferences, name)]
    back = [translated("{name} is **{value}**", name=name, value=value) for name, value in changed]
    back += [translated("“{stated}” is back", stated=_in_words(one)) for one in _missing(before, now)]
    back += [translated("“{stated}” is gone", stated=_in_words(one)) for one in _missing(now, before)]
    level = now.preferences.level
    if now.own_level != before.own_level and level is before.preferences.level:
        kept = translated("{name} is **{value}**", name="level", value=level)
        back.append(kept if now.own_level else translated("quiz answers move the level"))
    if now.strength != before.strength:
        back.append(translated("strength is **{strength}**", strength=now.strength))
    if now.paused != before.paused:
        back.append(translated("learning is **paused**") if now.paused else translated("learning is **on**"))
    if now.shares != before.shares:
        back.append(translated("taste sharing is **on**") if now.shares else translated("taste sharing is **off**"))
    return translated("Done: {back}, as before.", back=", ".join(back))


def _missing(here: PreferenceSet, there: PreferenceSet) -> list[StatedPreference]:
    """What `there` has stated and `here` has not."""
    return [one for one in there.stated if one not in here.stated]


def interest_removed(number: int) -> str:
    """An interest was removed."""
    return translated(
        "Done. I've forgotten interest {number} and what I learned it from. That can't be undone.", number=number
    )


def no_interest(count: int) -> str:
    """There is no interest of that number."""
    return (
        translated("There's no such interest. You can choose 1 to {count}.", count=count)
        if count
        else translated(NOTHING_LEARNED)
    )


def strength_shown(strength: int) -> str:
    """How far learning may re-order."""
    return translated(
        "Your strength is **{strength}** out of 100: it says how far what I've learned may reorder what I read.",
        strength=strength,
    )


def strength_set(strength: int) -> str:
    """How far learning may re-order from now on."""
    return translated("Done. Your strength is now **{strength}**.", strength=strength)


def bad_strength(given: str) -> str:
    """A strength that there is not."""
    return translated("`{given}` isn't a strength. Choose a whole number from 0 to 100.", given=given)


def sharing(*, on: bool) -> str:
    """Whether taste is shared."""
    return translated(SHARED if on else NOT_SHARED)


def learned(profile: Profile) -> str:
    """Interests in words, each with why, since when and its weight, then the style."""
    style = learned_style(profile.brevity)
    lines = [interest_line(interest) for interest in profile.interests]
    if style:
        lines += ["", translated(_STYLES[style])]
    if profile.quizzed[1]:
        lines += ["", quizzed(profile)]
    if not lines:
        return translated(NOTHING_LEARNED)
    return "\n".join([*lines, "", translated(REMOVE_HINT)])


def quizzed(profile: Profile) -> str:
    """What answers to quiz questions say of somebody."""
    right, count = profile.quizzed
    if profile.level is None:
        return translated(
            "Quizzes: {right} of your last {count} answers were right. `{cmd}prefs remove level` forgets that.",
            right=right,
            count=count,
        )
    return translated(
        "Quizzes: {right} of your last {count} answers were right, so I teach you as {level}. "
        "`{cmd}prefs remove level` forgets that.",
        right=right,
        count=count,
        level=texts.value_name(profile.level),
    )


def interest_line(interest: InterestInWords) -> str:
    """One interest."""
    words = ", ".join(interest.name) or translated("something")
    documents = "" if interest.topics else ", ".join(document_name(source) for source in interest.documents)
    near = translated("{words}, as in {documents}", words=words, documents=documents) if documents else words
    return translated(
        "{number}. {interest}: weight {weight}, since {since}, from {acts}",
        number=interest.number,
        interest=texts.escaped(near),
        weight=f"{interest.weight:.0%}",
        since=day(interest.since),
        acts=acts_line(interest),
    )


def acts_line(interest: InterestInWords) -> str:
    """What an interest was learned from."""
    return ", ".join(f"{count} × {translated(_ACTS[act])}" for act, count in interest.acts)


def day(date: datetime) -> str:
    """A date in words."""
    return f"{date.day} {translated(MONTHS[date.month - 1])} {date.year}"


def document_name(source: str) -> str:
    """A document by the end of its path."""
    return name_of(source)


EXPORTED_TO = "Everything I keep about you, apart from our conversations, is in this file now: {path}"


def exported(profile: str) -> str:
    """All of a profile, where there is no file."""
    return f"{translated(EXPORTED)}\n\n```json\n{profile}\n```"


# /plain, /recommend, /open

NO_ANSWER = "I don't remember that answer. Ask me something, and then `{cmd}why`."
NO_SOURCES = "My last answer to you has no sources to open."
SOURCE_GONE = (
    "That section has changed or been removed since I answered, or you may no longer see it. "
    "Ask again, and I'll answer from what the documents say now."
)
RECOMMENDED = "You might find these useful, and I haven't shown them to you yet:"
NOTHING_TO_RECOMMEND = "I have nothing to recommend yet: either I don't know you well enough, or you've seen it all."


def recommended(found: Sequence[Recommendation]) -> str:
    """Documents with the reason for each."""
    if not found:
        return translated(NOTHING_TO_RECOMMEND)
    lines = [
        translated(
            "{number}. {document}: close to your interest in {interest}",
            number=number,
            document=texts.escaped(f"{one.passage.heading_path} ({document_name(one.passage.source)})"),
            interest=texts.escaped(", ".join(one.interest.name) or translated("what you asked")),
        )
        for number, one in enumerate(found, start=1)
    ]
    return "\n".join([translated(RECOMMENDED), "", *lines])


def opened(passage: Passage) -> str:
    """The text of a source."""
    return f"**{texts.escaped(passage.heading_path)}**\n\n{passage.text}"


def no_source(count: int) -> str:
    """There is no source of that number under the last answer."""
    return (
        translated("Write `{cmd}open 1`. You can choose 1 to {count}.", count=count)
        if count
        else translated(NO_SOURCES)
    )


# 👍 and 👎

NOT_YOURS = "Only the person who asked can rate an answer, and I don't remember giving you that one."
HEARD_WHILE_PAUSED = "Thanks, noted. Learning is paused, so your answers won't change."

_HEARD: Mapping[Verdict, str] = {
    Verdict.UP: "Thanks, I'll remember that this helped.",
    Verdict.DOWN: (
        "Thanks. What was wrong with it? Send 👎 with one of these: wrong, too long, too short, not my topic, "
        "outdated, not in the documents."
    ),
    Verdict.OPENED: "Opened.",
    Verdict.NONE: "Done. I've taken that back.",
}
_REASONS: Mapping[Reason, str] = {
    Reason.WRONG: "Thanks. I've noted that it's wrong, and your operator will see it.",
    Reason.TOO_LONG: "Noted: too long. If you tell me a few more times, I'll keep my answers shorter.",
    Reason.TOO_SHORT: "Noted: too short. If you tell me a few more times, I'll go into more detail.",
    Reason.NOT_MY_TOPIC: "Noted: this isn't your topic, so it'll count less from now on.",
    Reason.OUTDATED: "Thanks. I've noted that it's outdated, and your operator will see it.",
    Reason.NOT_IN_DOCUMENTS: "Thanks. I've noted that it's missing from the documents, and your operator will see it.",
}


def bad_reason(given: str, near: str) -> str:
    """A 👎 with a reason that there is not."""
    return translated("`{given}` isn't a reason I know. Did you mean `👎 {near}`?", given=given, near=near)


def heard(heard: FeedbackOutcome, verdict: Verdict, reason: Reason | None) -> str:
    """What follows from a verdict."""
    if heard is FeedbackOutcome.UNKNOWN:
        return translated(NOT_YOURS)
    if heard is FeedbackOutcome.NOTED:
        return translated(HEARD_WHILE_PAUSED)
    return translated(_REASONS[reason] if verdict is Verdict.DOWN and reason else _HEARD[verdict])
