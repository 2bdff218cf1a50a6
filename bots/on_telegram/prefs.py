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
STRENGTH = "strength"
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
    return _values(profile, name) if name in {*ON_PANEL, STRENGTH} else _main(profile)


def _main(profile: Profile) -> Panel:
    """Each setting is a button that says what it is set to, and leads to what else it may be."""
    wishes = profile.wishes
    *settings, strength = [button(_setting(profile, name), ButtonAction.PANEL, name) for name in (*ON_PANEL, STRENGTH)]
    language = texts.value_name(wishes.preferences.language.value)
    lines = [
        f"**{translated(texts.PREFS_TITLE)}**",
        "",
        *(f"- {_setting(profile, name, '**')}" for name in (*ON_PANEL, STRENGTH)),
        f"- {translated(texts.NAMES['language'])}: **{language}** (`/prefs language …`)",
    ]
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
    return Panel("\n".join(lines), InlineKeyboardMarkup([*rows(settings, 2), [strength], *rows(last, 2)]))


def _values(profile: Profile, name: str) -> Panel:
    """What one setting may be."""
    chosen = _chosen(profile, name)
    values = [str(value) for value in (STRENGTHS if name == STRENGTH else PREFERENCES[name])]
    choices = [_choice(_value_name(name, value), f"{name} {value}", on=value == chosen) for value in values]
    back = button(translated(say.BACK_BUTTON), ButtonAction.PANEL, MAIN)
    return Panel(f"**{translated(texts.NAMES[name])}**", InlineKeyboardMarkup([choices, [back]]))


def _setting(profile: Profile, name: str, mark: str = "") -> str:
    return f"{translated(texts.NAMES[name])}: {mark}{_value_name(name, _chosen(profile, name))}{mark}"


def _chosen(profile: Profile, name: str) -> str:
    wishes = profile.wishes
    return str(wishes.strength if name == STRENGTH else getattr(wishes.preferences, name))


def _value_name(name: str, value: str) -> str:
    return f"{value} %" if name == STRENGTH else texts.value_name(value)


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
