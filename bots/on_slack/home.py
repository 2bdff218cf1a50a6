"""The home tab and the form behind `/prefs`: everything that is set and learned of a person, with ways to change it.

Drawn from a `Profile`; every button carries the command that a person could type instead. Nothing here is longer than
Slack takes, however much somebody has set. Knows nothing of when it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bots import digest_texts, personal_texts, texts
from bots.choices import PREFERENCES
from bots.language import translated
from bots.lessons import LessonReply
from bots.on_slack import texts as slack_texts
from bots.on_slack.blocks import (
    PREFS,
    RUN,
    button,
    context,
    lesson_buttons,
    lesson_rows,
    modal,
    option,
    plain,
)
from bots.on_slack.limits import (
    ASKED_SHOWN,
    CONFIRM_BUTTON_CHARS,
    CONFIRM_CHARS,
    INTERESTS_SHOWN,
    PROMPT_CHARS,
    RECOMMENDED_SECTIONS,
    STATED_SHOWN,
    TITLE_CHARS,
    VALUE_CHARS,
    WISH_CHARS,
)
from bots.on_slack.markdown import escaped
from bots.on_slack.mrkdwn import section, sections
from bots.on_slack.render import Block
from bots.render import one_line
from core.documents.teaching import Lesson
from core.people.preferences import Polarity, Preferences, StatedPreference
from core.people.profile import InterestInWords, Profile

STRENGTHS = (0, 25, 50, 75, 100)
PANE_DEFAULTS = ((slack_texts.PANE_HELP, "help"), (slack_texts.PANE_RECOMMEND, "recommend"))
PROMPTS = 4


@dataclass(frozen=True, slots=True)
class HomeView:
    """What stands on the home tab besides the profile. `told` is what a button just did."""

    recommended: str = ""  # Markdown
    asked: Sequence[str] = ()
    lessons: Sequence[Lesson] = ()
    told: LessonReply | None = None


def home(profile: Profile, shown: HomeView) -> Block:
    """The home tab."""
    blocks: list[Block] = [section(escaped(translated(slack_texts.HOME_INTRO)))]
    blocks += [*sections(shown.told.sentence, limit=2), *lesson_buttons(shown.told)] if shown.told else []
    blocks += [_header(translated(texts.PREFS_TITLE)), *_set(profile), *_stated(profile)]
    blocks += [_header(translated(texts.LEARNED_TITLE)), *_learned(profile)]
    if shown.lessons:
        blocks += [_header(translated(slack_texts.HOME_TAUGHT)), *lesson_rows(shown.lessons)]
    if shown.recommended:
        blocks += [
            _header(translated(slack_texts.HOME_RECOMMENDED)),
            *sections(shown.recommended, limit=RECOMMENDED_SECTIONS),
        ]
    if shown.asked:
        lines = "\n".join(f"• {escaped(one_line(question))}" for question in shown.asked[:ASKED_SHOWN])
        blocks += [_header(translated(slack_texts.HOME_ASKED)), section(lines)]
    return {"type": "home", "blocks": [*blocks, {"type": "divider"}, _whole(profile)]}


def closed(sentence: str) -> Block:
    """The home tab of somebody who is not let in."""
    return {"type": "home", "blocks": sections(sentence, limit=2) or [section("…")]}


def _header(text: str) -> Block:
    return {"type": "header", "text": plain(text)}


def _set(profile: Profile) -> Iterator[Block]:
    preferences = profile.wishes.preferences
    chosen = " · ".join(
        f"{translated(texts.NAMES[name])} *{texts.value_name(getattr(preferences, name))}*" for name in PREFERENCES
    )
    change = button(translated(slack_texts.HOME_CHANGE), PREFS, "home")
    strength = f"{translated(texts.NAMES['strength'])} *{profile.wishes.strength}*"
    yield {**section(f"{chosen} · {strength}"), "accessory": change}
    yield context(escaped(translated(digest_texts.PREFS_ROW)))


def _stated(profile: Profile) -> Iterator[Block]:
    if not profile.wishes.stated and profile.wishes.preferences == Preferences():
        yield context(escaped(translated(slack_texts.HOME_NOTHING_SET)))
    for number, stated in enumerate(profile.wishes.stated[:STATED_SHOWN]):
        yield {**section(_told(stated)), "accessory": _remove(f"/prefs remove {stated.number}", f"s{number}")}


def _told(stated: StatedPreference) -> str:
    words = f"_{escaped(one_line(stated.text, WISH_CHARS))}_"
    return f"{stated.number}. {personal_texts.in_words(stated.polarity, words)}"


def _remove(command: str, name: str) -> Block:
    return button(translated(slack_texts.HOME_REMOVE), f"{RUN}_{name}", command[:VALUE_CHARS])


def _learned(profile: Profile) -> Iterator[Block]:
    if profile.wishes.paused:
        yield context(escaped(translated(slack_texts.HOME_PAUSED)))
    if not profile.interests:
        yield context(escaped(translated(personal_texts.NOTHING_LEARNED)))
    for interest in profile.interests[:INTERESTS_SHOWN]:
        command = f"/prefs remove interest {interest.number}"
        yield {**section(_interest(interest)), "accessory": _remove(command, f"i{interest.number}")}


def _interest(interest: InterestInWords) -> str:
    words = ", ".join(one_line(phrase) for phrase in interest.name) or "…"
    since = translated(
        slack_texts.INTEREST_SINCE,
        date=personal_texts.day(interest.since),
        weight=f"{interest.weight:.0%}",
        acts=personal_texts.acts_line(interest),
    )
    return f"*{escaped(words)}*\n{escaped(since)}"


def _whole(profile: Profile) -> Block:
    pause = (
        (translated(texts.RESUME), "/prefs resume")
        if profile.wishes.paused
        else (translated(texts.PAUSE), "/prefs pause")
    )
    sure = {
        "title": plain(translated(texts.FORGET)),
        "text": plain(translated(texts.FORGET_QUESTION), CONFIRM_CHARS),
        "confirm": plain(translated(texts.FORGET_YES), CONFIRM_BUTTON_CHARS),
        "deny": plain(translated(texts.CANCEL), CONFIRM_BUTTON_CHARS),
    }
    return {
        "type": "actions",
        "elements": [
            button(pause[0], f"{RUN}_pause", pause[1]),
            button(translated(texts.UNDO), f"{RUN}_undo", "/prefs undo"),
            button(translated(texts.EXPORT), f"{RUN}_export", "/prefs export"),
            button(translated(texts.FORGET), f"{RUN}_forget", "/forget everything", style="danger", confirm=sure),
        ],
    }


# The form


SECTIONS = (
    (slack_texts.PREFS_LOOKS, ("length", "format", "tone", "level", "language", "sources")),
    (slack_texts.PREFS_LEARNED, ("strength", "learning", "share")),
)


def prefs_modal(profile: Profile) -> Block:
    """Everything that can be set, as a form."""
    preferences, wishes = profile.wishes.preferences, profile.wishes
    strengths = [str(value) for value in sorted({*STRENGTHS, wishes.strength})]
    choices = {
        name: _choice(name, [str(value) for value in kind], str(getattr(preferences, name)))
        for name, kind in PREFERENCES.items()
    } | {
        "strength": _choice("strength", strengths, str(wishes.strength)),
        "learning": _choice("learning", ["on", "paused"], "paused" if wishes.paused else "on"),
        "share": _choice("share", ["off", "on"], "on" if wishes.shares else "off"),
    }
    blocks: list[Block] = []
    for title, names in SECTIONS:
        blocks += [_header(translated(title)), *(choices[name] for name in names)]
    blocks += [_header(translated(slack_texts.PREFS_LIKED)), *map(_line, Polarity)]
    return modal(
        translated(texts.PREFS_TITLE),
        [*blocks, *(context(translated(hint)) for hint in (digest_texts.PREFS_ROW, slack_texts.PREFS_HINT))],
        callback_id=PREFS,
        submit=plain(translated(slack_texts.SAVE), TITLE_CHARS),
    )


def _choice(name: str, values: Sequence[str], chosen: str) -> Block:
    options = [option(texts.value_name(value), value) for value in values]
    chosen_one = options[values.index(chosen)]
    element = {"type": "static_select", "action_id": name, "options": options, "initial_option": chosen_one}
    label = plain(translated(texts.NAMES[name]))
    block: Block = {"type": "input", "block_id": name, "label": label, "element": element}
    if hint := slack_texts.PREFS_HINTS.get(name):
        block["hint"] = plain(translated(hint))
    return block


def _line(polarity: Polarity) -> Block:
    element = {"type": "plain_text_input", "action_id": polarity.value, "max_length": WISH_CHARS}
    label = plain(translated(slack_texts.PREFS_WISHES[polarity.value]))
    return {"type": "input", "block_id": polarity.value, "label": label, "element": element, "optional": True}


def commands_of(values: Mapping[str, Any], profile: Profile) -> list[str]:
    """What a person would have typed to change `profile` into what they chose in the form."""
    wishes = profile.wishes
    now = {name: str(getattr(wishes.preferences, name)) for name in PREFERENCES}
    now |= {
        "strength": str(wishes.strength),
        "learning": "paused" if wishes.paused else "on",
        "share": "on" if wishes.shares else "off",
    }
    commands = []
    for name, before in now.items():
        chosen = str(values.get(name, before))
        if chosen == before:
            continue
        pausing = {"paused": "/prefs pause", "on": "/prefs resume"}
        commands.append(pausing[chosen] if name == "learning" else f"/prefs {name} {chosen}")
    said = [(polarity, " ".join(str(values.get(polarity.value) or "").split())) for polarity in Polarity]
    return commands + [f"/prefs {polarity} {text}" for polarity, text in said if text]


# The assistant pane


def prompts(asked: Sequence[str], titles: Sequence[str]) -> list[Block]:
    """What may be asked: what is new, what this person asks, and what always works."""
    about = [translated(slack_texts.PANE_ABOUT, title=title) for title in titles[:2]]
    offered = [(text, text) for text in (*about, *asked[:2])]
    always = [(translated(title), message) for title, message in PANE_DEFAULTS]
    messages: dict[str, str] = {}
    for title, message in (*offered, *always):
        messages.setdefault(one_line(title, PROMPT_CHARS), message)
    return [{"title": title, "message": message} for title, message in messages.items() if title][:PROMPTS]
