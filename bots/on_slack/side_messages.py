"""What a message may be besides a question: for operators, about somebody's lessons, or personal; and shared files.

What is personal is for the eyes of whoever asked, in a shared place too. Knows nothing of how an answer is made.
"""

from __future__ import annotations

from bots import texts
from bots.command_table import OPERATORS, PERSONAL
from bots.courtesies import is_thanks
from bots.language import translated
from bots.lessons import Lessons, refusal
from bots.on_slack import texts as slack_texts
from bots.on_slack.answer import SlackAnswer
from bots.on_slack.blocks import lesson_rows, teach_offer
from bots.on_slack.conversation import SlackConversation
from bots.on_slack.ephemeral import SlackPress
from bots.on_slack.events import SlackMessage
from bots.on_slack.mrkdwn import sections
from bots.on_slack.render import Block
from bots.operator_lists import OperatorLists
from bots.render import one_line
from bots.study_requests import is_personal


class SideMessages:
    """Everything that is said beside the dialogue, or beside the channel."""

    def __init__(self, talk: SlackConversation, lessons: Lessons, lists: OperatorLists) -> None:
        self._talk = talk
        self._lessons = lessons
        self._lists = lists

    async def taken(self, pressed: SlackPress, said: SlackMessage, text: str, answer: SlackAnswer) -> bool:
        """Say what `text` asks for; False where it is a matter of the dialogue and the thread."""
        name = text.lower().partition(" ")[0].removeprefix("/") if text.startswith("/") else ""
        if name in {one.name for one in OPERATORS} or await self._lists.is_theirs(text.lower(), said.person):
            listed = await self._lists.reply(name or text.lower(), said.person, private=said.private)
            await answer.finish(listed)
        elif name == "unlearn":
            await self._unlearn(pressed, said, answer)
        elif name == "stop":
            await answer.finish(translated(texts.NOTHING_TO_STOP))
        elif name == "prefs" and text.lower().split()[1:] == ["export"] and said.private:
            await answer.finish(await self._talk.send(pressed, await self._talk.said(pressed, text)))
        elif is_thanks(text):
            await answer.finish(translated(texts.COURTESY))
        elif (name in PERSONAL or is_personal(text)) and not said.private:
            message = await self._talk.message(pressed, text, f"@{said.user}", private=True)
            await self._talk.whisper(pressed, message)
        else:
            return False
        return True

    async def offer(self, pressed: SlackPress, said: SlackMessage, *, asks: bool) -> None:
        """Ask for whom to learn each file; a picture beside a question is no lesson."""
        choices = await self._lessons.choices(said.person, private=said.private)
        for file, name in said.files:
            why = refusal(one_line(name))
            if why and asks:
                continue
            await pressed.place.client.chat_postMessage(
                channel=said.channel,
                thread_ts=said.root,
                text=translated(slack_texts.TEACH_TITLE),
                blocks=sections(why, limit=1) if why else teach_offer(file, name, choices),
                unfurl_links=False,
                unfurl_media=False,
            )

    async def _unlearn(self, pressed: SlackPress, said: SlackMessage, answer: SlackAnswer) -> None:
        """What the person taught, to choose from."""
        lessons = await self._lessons.of(said.person, await self._talk.may_see(pressed))
        sentence = translated(texts.UNLEARN_WHICH if lessons else texts.NOTHING_TAUGHT)
        rows: list[Block] = lesson_rows(lessons)
        if said.private:
            await answer.finish(sentence, rows)
        elif not pressed.delivery.shown:
            await pressed.reply().say(sentence, rows)
