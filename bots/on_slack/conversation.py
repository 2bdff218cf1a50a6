"""What the dialogue says to one person who pressed or typed something: into a thread, or for their eyes alone.

Also as a file, in their direct messages. Knows nothing of modals, or of how an answer is made.
"""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime

import structlog

from bots import texts
from bots.dialogue import Dialogue
from bots.language import translated
from bots.on_slack import blocks as slack_blocks
from bots.on_slack import texts as slack_texts
from bots.on_slack.answer import SlackAnswer
from bots.on_slack.ephemeral import SlackPress
from bots.on_slack.errors import ERRORS, reason_of
from bots.on_slack.events import PLATFORM, SlackMessage
from bots.on_slack.members import Members
from bots.on_slack.posting import PostTarget
from bots.on_slack.render import pages
from bots.replies import EXPORT_FILE, Delta, Final, Notice, PersonForgotten, Problem, Reply
from core.domain import Conversation, Message
from core.readers import audience

log = structlog.get_logger(__name__)


class SlackConversation:
    """Runs the dialogue for presses, slash commands and what is personal."""

    def __init__(self, dialogue: Dialogue, members: Members, *, hurry: bool = False) -> None:
        self._dialogue = dialogue
        self._members = members
        self._hurry = hurry

    async def message(
        self, pressed: SlackPress, text: str, thread: str, *, private: bool | None = None, strict: bool = False
    ) -> Message:
        """`text` as if the person had written it; in private, with the channels they belong to.

        Raises:
            MembershipUnknownError: with `strict`, where Slack does not say what they belong to.
        """
        members = self._members.strict() if strict else self._members
        person, channel = pressed.person, pressed.text("channel") or "home"
        alone = channel.startswith("D") if private is None else private
        channels: frozenset[str] = frozenset()
        client = pressed.place.client
        if alone:
            channels = await members.channels(client, person.workspace, person.user)
        within = await members.within(
            client, SlackMessage(person.workspace, channel, "", "", person.user, "", private=alone)
        )
        conversation = Conversation(PLATFORM, person.workspace, channel, thread)
        at = datetime.now(UTC)
        zone = await self._members.zone(client, person.workspace, person.user)
        return Message(pressed.event.key, conversation, person, text, at, alone, channels, insiders=within, zone=zone)

    async def may_see(self, pressed: SlackPress) -> frozenset[str]:
        """What the person alone may see."""
        return audience(await self.message(pressed, "", f"@{pressed.person.user}", private=True))

    async def said(self, pressed: SlackPress, command: str, thread: str = "") -> Notice:
        """What a command says to the person alone, of what is told in `thread` where one is given."""
        alone = None if thread else True
        message = await self.message(pressed, command, thread or f"@{pressed.person.user}", private=alone)
        async with aclosing(self._dialogue.respond(message)) as replies:
            async for reply in replies:
                if isinstance(reply, Notice):
                    return reply
                if isinstance(reply, PersonForgotten | Problem | Final):
                    return Notice(reply.markdown)
        return Notice("")

    async def send(self, pressed: SlackPress, said: Notice) -> str:
        """Send the file of `said` to the person, and say so; as text where the app may not send files."""
        client = pressed.place.client
        opened = await client.conversations_open(users=pressed.person.user)
        channel = str(opened["channel"]["id"])
        try:
            await client.files_upload_v2(
                channel=channel,
                filename=EXPORT_FILE,
                content=said.file,
                title=EXPORT_FILE,
                initial_comment=said.caption,
            )
        except ERRORS as error:
            log.info("file_not_sent", reason=reason_of(error))
            for blocks in pages(said.markdown):
                await client.chat_postMessage(
                    channel=channel,
                    text=translated(texts.EXPORT),
                    blocks=blocks,
                    unfurl_links=False,
                    unfurl_media=False,
                )
        return translated(slack_texts.EXPORT_SENT)

    async def stream(self, pressed: SlackPress, text: str, root: str, question: str) -> str:
        """Answer `text` in the thread `root`; `question` is the id under which the answer is found again.

        What was said in the end; nothing where that is a problem.
        """
        person, place, channel = pressed.person, pressed.place, pressed.text("channel")
        spot = PostTarget(channel, root, question, person.user, person.workspace, place.bot_user)
        answer = SlackAnswer(place.client, spot, pressed.delivery, place.abilities, hurry=self._hurry)
        message, said, told = await self.message(pressed, text, root), "", ""
        async with aclosing(self._dialogue.respond(message)) as replies:
            async for reply in replies:
                said += reply.text if isinstance(reply, Delta) else ""
                await show(reply, answer, said, person.user)
                told = reply.markdown if isinstance(reply, Final | Notice) else ""
                if isinstance(reply, Final):
                    await pressed.delivery.ended(reply.answer)
        return told

    async def whisper(self, pressed: SlackPress, message: Message, *, share: str = "") -> None:
        """Answer for one person's eyes; `share` is a question that they may ask for all."""
        if pressed.delivery.shown:  # another attempt showed it
            return
        async with aclosing(self._dialogue.respond(message)) as replies:
            async for reply in replies:
                match reply:
                    case Final():
                        footer = slack_blocks.under_answer(reply, question=share, asker=pressed.person.user)
                        await pressed.reply().say(reply.markdown, footer)
                        await pressed.delivery.ended(reply.answer)
                    case Notice() as said:
                        told = await self.send(pressed, said) if said.file else said.markdown
                        await pressed.reply().say(told, slack_blocks.choices(said.choices, pressed.person.user))
                        await pressed.delivery.ended()
                    case PersonForgotten(markdown) | Problem(markdown):
                        await pressed.reply().say(markdown)
                        await pressed.delivery.ended()
                    case _:
                        pass


async def show(reply: Reply, answer: SlackAnswer, said: str, asker: str) -> None:
    """Show one reply in a thread; `said` is all of the answer so far."""
    match reply:
        case Final():
            await answer.finish(reply.markdown, slack_blocks.under_answer(reply, asker=asker))
        case Notice():
            await answer.finish(reply.markdown, slack_blocks.choices(reply.choices, asker))
        case PersonForgotten(markdown):
            await answer.finish(markdown)
        case Problem(markdown):
            await answer.finish(f"{said}\n\n{markdown}" if said.strip() else markdown)
        case Delta(text):
            await answer.add(text)
        case _:
            await answer.status(reply.text)
