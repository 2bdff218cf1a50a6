"""What a message may be besides a question: for operators, about somebody's lessons, or personal.

What is personal is for the eyes of whoever asked, in a shared place too. Knows nothing of how an answer is made.
"""

from __future__ import annotations

from bots import texts
from bots.courtesies import is_thanks
from bots.on_slack import texts as slack_texts
from bots.on_slack.answer import SlackAnswer
from bots.on_slack.blocks import lesson_rows
from bots.on_slack.conversation import SlackConversation
from bots.on_slack.desk import OperatorCommands
from bots.on_slack.ephemeral import SlackPress
from bots.on_slack.events import PERSONAL, SlackMessage
from bots.on_slack.render import Block
from bots.on_slack.teaching import Lessons

UNLEARN = "/unlearn"


class SideMessages:
    """Everything that is said beside the dialogue, or beside the channel."""

    def __init__(self, talk: SlackConversation, lessons: Lessons, desk: OperatorCommands) -> None:
        self._talk = talk
        self._lessons = lessons
        self._desk = desk

    async def taken(self, pressed: SlackPress, said: SlackMessage, text: str, answer: SlackAnswer) -> bool:
        """Say what `text` asks for; False where it is a matter of the dialogue and the thread."""
        if (told := await self._desk.reply(said, text)) is not None:
            await answer.finish(told)
        elif text.lower() == UNLEARN:
            await self._unlearn(pressed, said, answer)
        elif is_thanks(text):
            await answer.finish(texts.COURTESY)
        elif PERSONAL.match(text) and not said.private:
            message = await self._talk.message(pressed, text, f"@{said.user}", private=True)
            await self._talk.whisper(pressed, message)
        else:
            return False
        return True

    async def _unlearn(self, pressed: SlackPress, said: SlackMessage, answer: SlackAnswer) -> None:
        """What the person taught, to choose from."""
        lessons = await self._lessons.of(said.person, await self._talk.may_see(pressed))
        sentence = slack_texts.UNLEARN_WHICH if lessons else slack_texts.NOTHING_TAUGHT
        rows: list[Block] = lesson_rows(lessons)
        if said.private:
            await answer.finish(sentence, rows)
        elif not pressed.delivery.shown:
            await pressed.reply().say(sentence, rows)
