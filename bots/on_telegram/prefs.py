"""`/prefs` as a panel of buttons: what is set, what was learned, and one tap to change either.

Each tap is the command that can be typed (`/prefs length short`), so the dialogue stays the only place that changes
anything; the panel is drawn anew from the profile. Knows nothing of stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bots import personal_texts, texts
from bots.choices import PREFERENCES
from bots.on_telegram import texts as say
from bots.on_telegram.buttons import ButtonAction, button, rows
from bots.on_telegram.texts import Words
from bots.render import one_line
from core.people.preferences import StatedPreference
from core.people.profile import InterestInWords, Profile

MAIN, LEARNED, FORGET = "main", "learned", "forget"
ON_PANEL = ("length", "tone", "level", "format", "sources")  # the language has too many values for buttons
STRENGTHS = (0, 25, 50, 100)  # percent
SHOWN_PHRASES = 3
LABEL_CHARACTERS = 40
LINE_CHARACTERS = 90  # of each of the 30 wishes that somebody may state


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands there, and its buttons."""

    markdown: str
    keyboard: InlineKeyboardMarkup


def panel(words: Words, profile: Profile, name: str = MAIN) -> Panel:
    """The panel of that name."""
    if name == LEARNED:
        return _learned(words, profile)
    if name == FORGET:
        return _forget(words)
    return _main(words, profile)


def _main(words: Words, profile: Profile) -> Panel:
    wishes = profile.wishes
    lines = [f"**{words(say.PREFS_TITLE)}**", ""]
    choices = []
    for name in ON_PANEL:
        chosen = str(getattr(wishes.preferences, name))
        label = words.plain(say.NAMES[name])
        lines.append(f"- {label}: **{words.plain(say.VALUES[chosen])}**")
        values = [str(value) for value in PREFERENCES[name]]
        choices.append(
            [_choice(words.plain(say.VALUES[value]), f"{name} {value}", on=value == chosen) for value in values]
        )
    language = wishes.preferences.language.value
    language = words.plain(say.VALUES.get(language, language))
    lines += [
        f"- {words.plain(say.NAMES['language'])}: **{language}** (`/prefs language …`)",
        f"- {words.plain(say.NAMES['strength'])}: **{wishes.strength} %**",
    ]
    choices.append([_choice(f"{value} %", f"strength {value}", on=value == wishes.strength) for value in STRENGTHS])
    lines += ["", *map(_stated_line, wishes.stated)]
    pause = (say.RESUME_BUTTON, "resume") if wishes.paused else (say.PAUSE_BUTTON, "pause")
    last = [
        button(words.plain(say.INTERESTS_BUTTON), ButtonAction.PANEL, LEARNED),
        button(words.plain(pause[0]), ButtonAction.PREFS, pause[1]),
        button(words.plain(say.UNDO_BUTTON), ButtonAction.PREFS, "undo"),
        button(words.plain(say.EXPORT_BUTTON), ButtonAction.PREFS, "export"),
        button(words.plain(say.FORGET_BUTTON), ButtonAction.PANEL, FORGET),
    ]
    return Panel("\n".join(lines), InlineKeyboardMarkup([*choices, *rows(last, 2)]))


def _learned(words: Words, profile: Profile) -> Panel:
    lines = [f"**{words(say.INTERESTS_TITLE)}**", ""]
    lines += [f"{one.number}. {texts.escaped(_label(one))}" for one in profile.interests]
    if not profile.interests:
        lines.append(words(say.NO_INTERESTS))
    if stated := profile.wishes.stated:
        lines += ["", f"**{words(say.STATED_TITLE)}**", "", *map(_stated_line, stated)]
    remove = [
        *(_remove(words, _label(one), f"interest {one.number}") for one in profile.interests),
        *(_remove(words, one.text, str(one.number)) for one in stated),
    ]
    back = button(words.plain(say.BACK_BUTTON), ButtonAction.PANEL, MAIN)
    return Panel("\n".join(lines), InlineKeyboardMarkup([*rows(remove, 1), [back]]))


def _forget(words: Words) -> Panel:
    buttons = [
        button(words.plain(say.REALLY_FORGET_BUTTON), ButtonAction.PREFS, "forget everything"),
        button(words.plain(say.BACK_BUTTON), ButtonAction.PANEL, MAIN),
    ]
    return Panel(words(say.FORGET_QUESTION), InlineKeyboardMarkup(rows(buttons, 1)))


def _choice(label: str, command: str, *, on: bool) -> InlineKeyboardButton:
    return button(f"● {label}" if on else label, ButtonAction.PREFS, command)


def _stated_line(one: StatedPreference) -> str:
    """What somebody stated, so short that all of it fits into one message."""
    return personal_texts.stated_line(replace(one, text=one_line(one.text, LINE_CHARACTERS)))


def _remove(words: Words, label: str, what: str) -> InlineKeyboardButton:
    return button(
        words.plain(say.REMOVE_BUTTON, label=one_line(label, LABEL_CHARACTERS)), ButtonAction.PREFS, f"remove {what}"
    )


def _label(interest: InterestInWords) -> str:
    shown: Sequence[str] = interest.phrases or interest.documents
    return one_line(", ".join(shown[:SHOWN_PHRASES]) or str(interest.number), LINE_CHARACTERS)
