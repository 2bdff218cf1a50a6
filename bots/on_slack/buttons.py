"""What the buttons under answers, offers and lessons do.

Whoever reads an answer in a channel may open its sources, as far as they may see them now; what is about a person
(why, again without preferences, the verdict) is for whoever asked. Knows no queue and no model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from bots import feedback_texts, texts
from bots.dialogue import Dialogue
from bots.language import translated
from bots.lessons import LessonReply, Lessons
from bots.on_slack import blocks as slack_blocks
from bots.on_slack import texts as slack_texts
from bots.on_slack.conversation import SlackConversation
from bots.on_slack.ephemeral import EphemeralReply, SlackPress
from bots.on_slack.errors import ERRORS
from bots.on_slack.events import PLATFORM
from bots.on_slack.limits import MENU_OPTIONS
from bots.on_slack.markdown import escaped
from bots.on_slack.teaching import learn_file
from bots.on_slack.views import fill
from bots.replies import Problem
from core.domain import Passage, Person
from core.people.feedback import Feedback, Verdict
from core.people.interests import Reason
from core.text.words import whole_number


class Buttons:
    """Under answers, offers and lessons."""

    def __init__(self, dialogue: Dialogue, talk: SlackConversation, lessons: Lessons) -> None:
        self._dialogue = dialogue
        self._talk = talk
        self._lessons = lessons
        self._kinds: Mapping[str, Callable[[SlackPress, str], Awaitable[None]]] = {
            slack_blocks.FEEDBACK: self._verdict,
            slack_blocks.SOURCE: self._source,
            slack_blocks.WHY: self._why,
            slack_blocks.PLAIN: self._again,
            slack_blocks.SHARE: self._share,
            slack_blocks.LEARN: self._learn_file,
            slack_blocks.UNLEARN: self._change_lesson,
            slack_blocks.RELEARN: self._change_lesson,
        }

    async def press(self, pressed: SlackPress) -> bool:
        """Do what a button says; False where it is none of these."""
        name = next((name for name in self._kinds if pressed.text("action").startswith(name)), None)
        if name is not None:
            await self._kinds[name](pressed, pressed.text("value"))
        return name is not None

    async def judge(self, pressed: SlackPress, answer: str, verdict: Verdict, reason: Reason | None = None) -> None:
        """A verdict on an answer; whoever gave none on an answer of their own is told so."""
        at = pressed.event.received_at
        heard = await self._dialogue.feedback(Feedback(pressed.person, answer, verdict, at, reason))
        if heard.markdown == feedback_texts.NOT_YOURS or isinstance(heard, Problem):
            await whisperer(pressed).say(heard.markdown)

    async def _verdict(self, pressed: SlackPress, value: str) -> None:
        about, _ = slack_blocks.asked_by(value)
        verdict, _, answer = about.partition(":")
        await self.judge(pressed, answer, Verdict.UP if verdict == "up" else Verdict.DOWN)

    async def _source(self, pressed: SlackPress, value: str) -> None:
        about, asker = slack_blocks.asked_by(value)
        answer, _, number = about.partition(":")
        found = await self._passage(pressed, asker, answer, whole_number(number, MENU_OPTIONS) or 0)
        if isinstance(found, Passage):
            view = slack_blocks.passage_modal(found)
        else:
            view = slack_blocks.text_modal(translated(slack_texts.SOURCE_TITLE), found.markdown)
        await fill(pressed.place.client, pressed.text("view"), view)

    async def _passage(self, pressed: SlackPress, asker: str, answer: str, number: int) -> Passage | Problem:
        """The source, for the eyes of whoever pressed: what they may see now, of an answer that was shown here."""
        person = pressed.person
        looking = await self._talk.message(pressed, "", f"@{person.user}", private=True)
        if asker in {"", person.user}:
            return await self._dialogue.open_source(person, answer, number, looking=looking)
        return await self._dialogue.look_at_source(
            Person(PLATFORM, person.workspace, asker), answer, number, looking=looking
        )

    async def _why(self, pressed: SlackPress, value: str) -> None:
        answer, asker = slack_blocks.asked_by(value)
        said = translated(texts.ASKERS_ONLY)
        if asker in {"", pressed.person.user}:
            said = await self._talk.said(pressed, f"/why {answer}")
        await fill(pressed.place.client, pressed.text("view"), slack_blocks.text_modal(translated(texts.WHY), said))

    async def _again(self, pressed: SlackPress, value: str) -> None:
        """Answer once more: in the same thread, or for one person's eyes where the first answer was."""
        answer, asker = slack_blocks.asked_by(value)
        text, root = f"/plain {answer}", pressed.text("root")
        if asker not in {"", pressed.person.user}:
            await whisperer(pressed).say(translated(texts.ASKERS_ONLY))
        elif root:
            await self._talk.stream(pressed, text, root, pressed.event.key.rpartition(":")[2])
        else:
            message = await self._talk.message(pressed, text, f"@{pressed.person.user}", private=True)
            await self._talk.whisper(pressed, message, whisperer(pressed))

    async def _share(self, pressed: SlackPress, text: str) -> None:
        """Ask in the channel what was asked in private: there it is answered from what all may see."""
        try:
            asked = await pressed.place.client.chat_postMessage(
                channel=pressed.text("channel"),
                text=translated(slack_texts.ASKS, user=pressed.person.user, question=escaped(text)),
                unfurl_links=False,
                unfurl_media=False,
            )
        except ERRORS:
            await whisperer(pressed).say(translated(slack_texts.SHARE_NOT_HERE))
            return
        root = str(asked["ts"])
        await self._talk.stream(pressed, text, root, root)

    # Lessons

    async def _learn_file(self, pressed: SlackPress, value: str) -> None:
        who, _, file = value.partition(":")
        told = await learn_file(self._lessons, pressed, who, file)
        await whisperer(pressed).replace(told.sentence, slack_blocks.lesson_buttons(told))

    async def lesson(self, pressed: SlackPress) -> LessonReply:
        """Forget a lesson, or learn a forgotten one again, as the button says."""
        if pressed.text("action").startswith(slack_blocks.RELEARN):
            return await self._lessons.bring_back(pressed.person, pressed.text("value"), pressed.delivery)
        return await self._lessons.forget(pressed.person, pressed.text("value"))

    async def _change_lesson(self, pressed: SlackPress, _value: str) -> None:
        told = await self.lesson(pressed)
        await whisperer(pressed).replace(told.sentence, slack_blocks.lesson_buttons(told))


def whisperer(pressed: SlackPress, about: str = "") -> EphemeralReply:
    """Says something to whoever pressed."""
    return EphemeralReply(pressed.place.client, pressed.person.user, pressed.body, pressed.delivery, about)
