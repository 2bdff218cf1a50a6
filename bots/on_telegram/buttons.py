"""The buttons under answers, and what they carry: a few characters that still mean the same after a restart.

`u:0123456789abcdef:3` is 👍 for that answer, which has three sources. Knows nothing of what pressing one does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bots import texts
from bots.language import translated
from bots.lessons import LessonReply, ReaderChoice
from bots.on_telegram import texts as say
from bots.replies import Choice
from core.people.feedback import Verdict
from core.people.interests import Reason
from core.text.words import whole_number

PAYLOAD_BYTES = 64  # Telegram's limit
REASONS = tuple(Reason)  # a button carries the place in it: append only
VERDICTS = (Verdict.NONE, Verdict.UP, Verdict.DOWN)  # likewise
MOST_NUMBER = 999  # that a button of ours carries
MOST_SOURCES = 8  # buttons that fit under a message

_DATA = re.compile(r"(?P<act>[a-z]):(?P<rest>.*)", re.DOTALL)


class ButtonAction(StrEnum):
    """What a button asks for; its letter on the wire never changes."""

    UP = "u"
    DOWN = "d"
    TAKE_BACK = "n"
    REASON = "r"
    SOURCES = "s"
    OPEN = "o"
    BACK = "b"
    WHY = "w"
    PLAIN = "p"
    COPY = "t"
    SHORTER = "h"
    LONGER = "g"
    FORMAL = "f"
    PREFS = "c"  # then what follows /prefs
    PANEL = "v"  # then the panel to show
    LEARN = "l"  # then for whom
    UNLEARN = "x"  # then the lesson
    RELEARN = "y"  # likewise
    ANSWER = "a"
    CANCEL = "z"
    CHOICE = "q"  # then the command that it stands for, and in a group whose it is


ASKERS = frozenset(
    {
        ButtonAction.UP,
        ButtonAction.DOWN,
        ButtonAction.TAKE_BACK,
        ButtonAction.REASON,
        ButtonAction.WHY,
        ButtonAction.PLAIN,
        ButtonAction.COPY,
        ButtonAction.SHORTER,
        ButtonAction.LONGER,
        ButtonAction.FORMAL,
        ButtonAction.CHOICE,
    }
)  # only whoever asked can do it

OF_ANSWERS = (ASKERS - {ButtonAction.CHOICE}) | {
    ButtonAction.SOURCES,
    ButtonAction.OPEN,
    ButtonAction.BACK,
}  # they name an answer


@dataclass(frozen=True, slots=True)
class ButtonPress:
    """A pressed button. Answer and numbers are empty or 0 where it has none; `text`: the answer is one."""

    act: ButtonAction
    rest: str = ""
    answer: str = ""
    sources: int = 0
    number: int = 0
    text: bool = False

    @property
    def verdict(self) -> Verdict:
        """What the presser said of the answer before, where the button carries it."""
        return VERDICTS[self.number] if self.number < len(VERDICTS) else Verdict.NONE

    @property
    def asker(self) -> int:
        """Whose a choice is; 0 where it does not say."""
        return whole_number(self.rest.partition(":")[2]) or 0 if self.act is ButtonAction.CHOICE else 0


def read_tap(data: str) -> ButtonPress | None:
    """What a button carries; None where no version of Attune made it."""
    match = _DATA.fullmatch(data)
    if match is None or match["act"] not in set(ButtonAction):
        return None
    answer, *numbers = match["rest"].split(":")
    counts = [whole_number(number, MOST_NUMBER) or 0 for number in (*numbers, "", "", "")]
    return ButtonPress(ButtonAction(match["act"]), match["rest"], answer, counts[0], counts[1], bool(counts[2]))


def button(label: str, act: ButtonAction, *parts: object) -> InlineKeyboardButton:
    """A button that carries `act` and what belongs to it."""
    data = ":".join([act.value, *(str(part) for part in parts)])
    return InlineKeyboardButton(label, callback_data=data if parts else f"{data}:")


def rows(buttons: Iterable[InlineKeyboardButton], width: int) -> list[list[InlineKeyboardButton]]:
    """Buttons, so many in a row."""
    listed = list(buttons)
    return [listed[start : start + width] for start in range(0, len(listed), width)]


def answer_buttons(
    answer: str, sources: int, verdict: Verdict = Verdict.NONE, *, shared: bool = False, text: bool = False
) -> InlineKeyboardMarkup | None:
    """What can be done with an answer. `shared` where others see it too: nobody's verdict shows there.

    With `text` it is one that somebody wanted written, and each button says so, for the next keyboard.
    """
    if not answer:
        return None
    verdict = Verdict.NONE if shared else verdict
    up, down = verdict is Verdict.UP, verdict is Verdict.DOWN
    zero = (0, 1) if text else ()
    first = [
        button("👍 ✓" if up else "👍", ButtonAction.TAKE_BACK if up else ButtonAction.UP, answer, sources, *zero),
        button("👎 ✓" if down else "👎", ButtonAction.TAKE_BACK if down else ButtonAction.DOWN, answer, sources, *zero),
    ]
    if sources == 1:
        first.append(button(translated(say.SOURCE_BUTTON), ButtonAction.OPEN, answer, sources, 1))
    elif sources:
        place = VERDICTS.index(verdict)
        first.append(button(translated(say.SOURCES_BUTTON), ButtonAction.SOURCES, answer, sources, place, *_flag(text)))
    why = button(translated(texts.WHY), ButtonAction.WHY, answer, sources)
    if text:
        return InlineKeyboardMarkup([[*first, why], *_text_buttons(answer, sources)])
    return InlineKeyboardMarkup([first, [why, button(translated(texts.PLAIN), ButtonAction.PLAIN, answer, sources)]])


def _flag(text: bool) -> tuple[int, ...]:  # noqa: FBT001 - named by its type
    """What stands in a button of a text behind its number."""
    return (1,) if text else ()


def _text_buttons(answer: str, sources: int) -> list[list[InlineKeyboardButton]]:
    labels = {
        ButtonAction.COPY: texts.COPY,
        ButtonAction.SHORTER: texts.SHORTER,
        ButtonAction.LONGER: texts.LONGER,
        ButtonAction.FORMAL: texts.MORE_FORMAL,
    }
    return rows((button(translated(label), act, answer, sources) for act, label in labels.items()), 2)


def choice_buttons(choices: Iterable[Sequence[Choice]], asker: int = 0) -> InlineKeyboardMarkup | None:
    """What can be said next, in rows; by `asker` alone where others see it too."""
    own = (asker,) if asker else ()
    listed = [[button(one.label, ButtonAction.CHOICE, one.command, *own) for one in row] for row in choices]
    return InlineKeyboardMarkup(listed) if listed else None


def reason_buttons(answer: str, sources: int, *, text: bool = False) -> InlineKeyboardMarkup:
    """Why an answer is no good, in one tap; that it is none was said already."""
    reasons = [
        button(translated(texts.REASONS[reason]), ButtonAction.REASON, answer, sources, number, *_flag(text))
        for number, reason in enumerate(REASONS)
    ]
    back = _back(answer, sources, Verdict.DOWN, text=text)
    return InlineKeyboardMarkup([*rows(reasons, 2), [back]])


def _back(answer: str, sources: int, verdict: Verdict, *, text: bool) -> InlineKeyboardButton:
    place = VERDICTS.index(verdict)
    return button(translated(say.BACK_BUTTON), ButtonAction.BACK, answer, sources, place, *_flag(text))


def source_buttons(answer: str, sources: int, verdict: Verdict, *, text: bool = False) -> InlineKeyboardMarkup:
    """The sources by number; the way back knows the verdict that stood there."""
    opened = [
        button(f"📄 {n}", ButtonAction.OPEN, answer, sources, n) for n in range(1, min(sources, MOST_SOURCES) + 1)
    ]
    return InlineKeyboardMarkup([*rows(opened, 4), [_back(answer, sources, verdict, text=text)]])


def forward_buttons() -> InlineKeyboardMarkup:
    """What to do with a forwarded message."""
    choices = [
        button(translated(say.ANSWER_BUTTON), ButtonAction.ANSWER),
        button(translated(say.LEARN_BUTTON), ButtonAction.LEARN),
    ]
    return InlineKeyboardMarkup([choices, [button(translated(texts.CANCEL), ButtonAction.CANCEL)]])


def reader_buttons(choices: Iterable[ReaderChoice]) -> InlineKeyboardMarkup:
    """Who may see what is taught."""
    listed = [button(translated(texts.READERS[choice]), ButtonAction.LEARN, choice.value) for choice in choices]
    return InlineKeyboardMarkup([listed, [button(translated(texts.CANCEL), ButtonAction.CANCEL)]])


def lesson_button(reply: LessonReply) -> InlineKeyboardMarkup | None:
    """What can be done with a lesson after what became of it."""
    if reply.forgettable:
        return InlineKeyboardMarkup([[button(translated(texts.UNLEARN), ButtonAction.UNLEARN, reply.forgettable.id)]])
    if reply.returnable:
        return InlineKeyboardMarkup([[button(translated(texts.RELEARN), ButtonAction.RELEARN, reply.returnable.id)]])
    return None


def lesson_buttons(lessons: Sequence[tuple[str, str]]) -> InlineKeyboardMarkup:
    """Lessons by name; each is an id and a name."""
    listed = [[button(name, ButtonAction.UNLEARN, id_)] for id_, name in lessons]
    return InlineKeyboardMarkup([*listed, [button(translated(texts.CANCEL), ButtonAction.CANCEL)]])
