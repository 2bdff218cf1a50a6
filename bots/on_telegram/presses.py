"""What pressing a button or reacting to an answer does.

Buttons become the commands that can be typed, thumbs and reactions become feedback; what changes is drawn into the
message that was pressed. Knows nothing of answers but their names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace

from bots import personal_texts
from bots.dialogue import Dialogue
from bots.language import translated
from bots.on_telegram import texts as say
from bots.on_telegram.api import ChatTarget, Keyboard
from bots.on_telegram.buttons import (
    OF_ANSWERS,
    REASONS,
    ButtonAction,
    ButtonPress,
    answer_buttons,
    read_tap,
    reason_buttons,
    source_buttons,
)
from bots.on_telegram.conversation import TelegramConversation, home_of
from bots.on_telegram.events import Incoming
from bots.on_telegram.prefs import LEARNED, MAIN, panel
from bots.on_telegram.render import telegram
from bots.platform import Delivery
from bots.replies import CHOICES_IN_PRIVATE, EXPORT_FILE, Notice, PersonForgotten, Problem
from bots.study_requests import STUDIES
from core.domain import Passage
from core.people.feedback import Feedback, Verdict
from core.people.interests import Reason

_OF_TEXTS = {
    ButtonAction.COPY: "copy",
    ButtonAction.SHORTER: "shorter",
    ButtonAction.LONGER: "longer",
    ButtonAction.FORMAL: "formal",
}  # what stands behind /write


class ButtonPresses:
    """Buttons and reactions. `others` handles those that are about teaching."""

    def __init__(
        self,
        talk: TelegramConversation,
        dialogue: Dialogue,
        others: Mapping[ButtonAction, Callable[[Incoming, ButtonPress, Delivery], Awaitable[None]]],
    ) -> None:
        self._talk = talk
        self._line = talk.line
        self._dialogue = dialogue
        self._table: Mapping[ButtonAction, Callable[[Incoming, ButtonPress, Delivery], Awaitable[None]]] = {
            ButtonAction.UP: self._thumb,
            ButtonAction.DOWN: self._thumb,
            ButtonAction.TAKE_BACK: self._thumb,
            ButtonAction.REASON: self._reason,
            ButtonAction.SOURCES: self._sources,
            ButtonAction.BACK: self._back,
            ButtonAction.OPEN: self._open,
            ButtonAction.WHY: self._why,
            ButtonAction.PLAIN: self._plain,
            **dict.fromkeys(_OF_TEXTS, self._of_text),
            ButtonAction.PREFS: self._prefs,
            ButtonAction.PANEL: self._panel,
            ButtonAction.CANCEL: self._cancel,
            ButtonAction.CHOICE: self._choose,
            **others,
        }

    async def tap(self, incoming: Incoming, delivery: Delivery) -> None:
        """Do what a button is for."""
        tap = read_tap(incoming.data)
        if tap is None or (tap.act in OF_ANSWERS and not await _is_of(incoming, tap, delivery)):
            await self._talk.say(incoming, delivery, translated(say.OLD_BUTTON))
            return
        if tap.act in {ButtonAction.CANCEL, ButtonAction.LEARN} and incoming.private and incoming.said:
            await self._dialogue.let_go(incoming.asked("", quoted=incoming.said))
        await self._table[tap.act](incoming, tap, delivery)
        await delivery.ended()

    async def reaction(self, incoming: Incoming, delivery: Delivery) -> None:
        """Count a reaction to an answer; one that was taken back counts no more."""
        if answer := await delivery.answer_of(str(incoming.message)):
            await self._judged(incoming, answer, Verdict(incoming.data))
        await delivery.ended()

    async def _judged(
        self, incoming: Incoming, answer: str, verdict: Verdict, reason: Reason | None = None
    ) -> Notice | Problem:
        return await self._dialogue.feedback(Feedback(incoming.person, answer, verdict, incoming.at, reason))

    async def _thumb(self, incoming: Incoming, tap: ButtonPress, _delivery: Delivery) -> None:
        verdict = {ButtonAction.UP: Verdict.UP, ButtonAction.DOWN: Verdict.DOWN, ButtonAction.TAKE_BACK: Verdict.NONE}[
            tap.act
        ]
        said = await self._judged(incoming, tap.answer, verdict)
        if not incoming.private and said.markdown == translated(personal_texts.NOT_YOURS):
            return  # the buttons are for everybody
        if isinstance(said, Problem):
            await self._aside(incoming, said.markdown)
        elif verdict is Verdict.DOWN:
            await self._draw(incoming, reason_buttons(tap.answer, tap.sources, text=tap.text))
        else:
            await self._answer_buttons(incoming, tap, verdict)

    async def _reason(self, incoming: Incoming, tap: ButtonPress, _delivery: Delivery) -> None:
        reason = REASONS[tap.number] if tap.number < len(REASONS) else None
        said = await self._judged(incoming, tap.answer, Verdict.DOWN, reason)
        if not incoming.private and said.markdown == translated(personal_texts.NOT_YOURS):
            return
        await self._answer_buttons(incoming, tap, Verdict.DOWN)
        if isinstance(said, Problem):
            await self._aside(incoming, said.markdown)

    async def _sources(self, incoming: Incoming, tap: ButtonPress, _delivery: Delivery) -> None:
        await self._draw(incoming, source_buttons(tap.answer, tap.sources, tap.verdict, text=tap.text))

    async def _back(self, incoming: Incoming, tap: ButtonPress, _delivery: Delivery) -> None:
        await self._answer_buttons(incoming, tap, tap.verdict)

    async def _open(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        opened = await self._passage(incoming, tap)
        said = personal_texts.opened(opened) if isinstance(opened, Passage) else opened.markdown
        await self._talk.say(incoming, delivery, said)

    async def _passage(self, incoming: Incoming, tap: ButtonPress) -> Passage | Problem:
        """The source: whoever reads an answer in a group may read on, as far as the group may see it now."""
        looking = await self._talk.asked(incoming, "")
        if not incoming.is_elses:
            return await self._dialogue.open_source(incoming.person, tap.answer, tap.number, looking=looking)
        asker = replace(incoming.person, user=str(incoming.asker))
        return await self._dialogue.look_at_source(asker, tap.answer, tap.number, looking=looking)

    async def _why(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        await self._talk.in_private(incoming, delivery, f"/why {tap.answer}")

    async def _plain(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        await self._talk.answer(incoming, delivery, f"/plain {tap.answer}")

    async def _of_text(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        await self._talk.answer(incoming, delivery, f"/write {_OF_TEXTS[tap.act]} {tap.answer}")

    async def _choose(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        """Do what could be typed; an answer that was marked takes the letters away, so that it stands as it is."""
        name, _, rest = tap.answer.partition(" ")
        if name in CHOICES_IN_PRIVATE:
            await self._talk.in_private(incoming, delivery, f"/{tap.answer}")
        elif name not in STUDIES:  # a client may send any
            await self._talk.say(incoming, delivery, translated(say.OLD_BUTTON))
        elif await self._talk.answer(incoming, delivery, f"/{tap.answer}") and rest.startswith("answer"):
            await self._draw(incoming, None)

    async def export(self, incoming: Incoming, delivery: Delivery) -> None:
        """Send a person's profile as a file, in private."""
        said = await self._said(incoming, "/prefs export")
        if not (isinstance(said, Notice) and said.file):
            await self._talk.say_in_private(incoming, delivery, said.markdown)
            return
        data, caption = said.file.encode(), said.caption

        async def send() -> None:
            await self._line.document(home_of(incoming), EXPORT_FILE, data, caption)
            await delivery.ended()

        await self._talk.show_in_private(incoming, delivery, send)

    async def _prefs(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        """Run what could be typed, and draw the panel anew."""
        if tap.rest == "export":
            await self.export(incoming, delivery)
            return
        said = await self._said(incoming, f"/prefs {tap.rest}")
        if isinstance(said, Problem):
            await self._aside(incoming, said.markdown)
        elif tap.rest == "forget everything":
            await self._line.edit(incoming.chat, incoming.message, telegram(said.markdown)[0])
        else:
            await self._redraw(incoming, LEARNED if tap.rest.startswith("remove") else MAIN)

    async def _said(self, incoming: Incoming, command: str) -> Notice | PersonForgotten | Problem:
        """What a command says that answers at once."""
        async with aclosing(self._dialogue.respond(await self._talk.asked(incoming, command))) as replies:
            async for reply in replies:
                if isinstance(reply, Notice | PersonForgotten | Problem):
                    return reply
        raise AssertionError  # every dialogue ends with one of them, but for questions

    async def _panel(self, incoming: Incoming, tap: ButtonPress, _delivery: Delivery) -> None:
        await self._redraw(incoming, tap.rest)

    async def _cancel(self, incoming: Incoming, _tap: ButtonPress, _delivery: Delivery) -> None:
        await self._line.delete(incoming.chat, incoming.message)

    async def _redraw(self, incoming: Incoming, name: str) -> None:
        drawn = panel(await self._dialogue.profile(incoming.person), name)
        await self._line.edit(incoming.chat, incoming.message, telegram(drawn.markdown)[0], drawn.keyboard)

    async def _answer_buttons(self, incoming: Incoming, tap: ButtonPress, verdict: Verdict) -> None:
        shared = not incoming.private
        await self._draw(incoming, answer_buttons(tap.answer, tap.sources, verdict, shared=shared, text=tap.text))

    async def _draw(self, incoming: Incoming, keyboard: Keyboard) -> None:
        await self._line.keyboard(incoming.chat, incoming.message, keyboard)

    async def _aside(self, incoming: Incoming, markdown: str) -> None:
        for page in telegram(markdown):
            await self._line.send(ChatTarget(incoming.chat, incoming.topic, incoming.message), page)


async def _is_of(incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> bool:
    """Whether a tap names the answer that its message shows, as far as that is still known: a client may send any."""
    shown = await delivery.answer_of(str(incoming.message))
    return bool(tap.answer) and shown in {None, tap.answer}
