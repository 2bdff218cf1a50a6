"""`/prefs` as a panel of buttons: what is set, what was learned, and one tap to change either.

Each tap is the command that can be typed (`/prefs length short`), so the dialogue stays the only place that changes
anything; the panel is drawn anew from the profile. Knows nothing of stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bots import digest_texts, personal_texts, texts
from bots.choices import PREFERENCES
from bots.language import translated
from bots.on_telegram import texts as say
from bots.on_telegram.buttons import ButtonAction, button, rows
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


def panel(profile: Profile, name: str = MAIN) -> Panel:
    """The panel of that name."""
    if name == LEARNED:
        return _learned(profile)
    if name == FORGET:
        return _forget()
    return _main(profile)


def _main(profile: Profile) -> Panel:
    wishes = profile.wishes
    lines = [f"**{translated(texts.PREFS_TITLE)}**", ""]
    choices = []
    for name in ON_PANEL:
        chosen = str(getattr(wishes.preferences, name))
        label = translated(texts.NAMES[name])
        lines.append(f"- {label}: **{texts.value_name(chosen)}**")
        values = [str(value) for value in PREFERENCES[name]]
        choices.append([_choice(texts.value_name(value), f"{name} {value}", on=value == chosen) for value in values])
    language = wishes.preferences.language.value
    language = texts.value_name(language)
    lines += [
        f"- {translated(texts.NAMES['language'])}: **{language}** (`/prefs language …`)",
        f"- {translated(texts.NAMES['strength'])}: **{wishes.strength} %**",
    ]
    choices.append([_choice(f"{value} %", f"strength {value}", on=value == wishes.strength) for value in STRENGTHS])
    lines += ["", *map(_stated_line, wishes.stated)]
    lines += ["", translated(digest_texts.PREFS_ROW)]
    pause = (texts.RESUME, "resume") if wishes.paused else (texts.PAUSE, "pause")
    last = [
        button(translated(say.INTERESTS_BUTTON), ButtonAction.PANEL, LEARNED),
        button(translated(pause[0]), ButtonAction.PREFS, pause[1]),
        button(translated(texts.UNDO), ButtonAction.PREFS, "undo"),
        button(translated(texts.EXPORT), ButtonAction.PREFS, "export"),
        button(translated(texts.FORGET), ButtonAction.PANEL, FORGET),
    ]
    return Panel("\n".join(lines), InlineKeyboardMarkup([*choices, *rows(last, 2)]))


def _learned(profile: Profile) -> Panel:
    lines = [f"**{translated(texts.LEARNED_TITLE)}**", ""]
    lines += [f"{one.number}. {texts.escaped(_label(one))}" for one in profile.interests]
    if not profile.interests:
        lines.append(translated(personal_texts.NOTHING_LEARNED))
    if stated := profile.wishes.stated:
        lines += ["", f"**{translated(say.STATED_TITLE)}**", "", *map(_stated_line, stated)]
    remove = [
        *(_remove(_label(one), f"interest {one.number}") for one in profile.interests),
        *(_remove(one.text, str(one.number)) for one in stated),
    ]
    back = button(translated(say.BACK_BUTTON), ButtonAction.PANEL, MAIN)
    return Panel("\n".join(lines), InlineKeyboardMarkup([*rows(remove, 1), [back]]))


def _forget() -> Panel:
    buttons = [
        button(translated(texts.FORGET_YES), ButtonAction.PREFS, "forget everything"),
        button(translated(say.BACK_BUTTON), ButtonAction.PANEL, MAIN),
    ]
    return Panel(translated(texts.FORGET_QUESTION), InlineKeyboardMarkup(rows(buttons, 1)))


def _choice(label: str, command: str, *, on: bool) -> InlineKeyboardButton:
    return button(f"● {label}" if on else label, ButtonAction.PREFS, command)


def _stated_line(one: StatedPreference) -> str:
    """What somebody stated, so short that all of it fits into one message."""
    return personal_texts.stated_line(replace(one, text=one_line(one.text, LINE_CHARACTERS)))


def _remove(label: str, what: str) -> InlineKeyboardButton:
    return button(f"✕ {one_line(label, LABEL_CHARACTERS)}", ButtonAction.PREFS, f"remove {what}")


def _label(interest: InterestInWords) -> str:
    shown: Sequence[str] = interest.name or interest.documents
    return one_line(", ".join(shown[:SHOWN_PHRASES]) or str(interest.number), LINE_CHARACTERS)
