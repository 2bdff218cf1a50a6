"""The messages of one answer in its thread: posted, edited, replaced and found again.

A posted message says in its metadata which question it answers; an unfinished stream says nothing, and as the questions
of a thread are answered one at a time, such a one behind the question is this question's.
Knows nothing of streams or of what an answer says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.on_slack.blocks import plain_feedback
from bots.on_slack.errors import ERRORS, reason_of
from bots.on_slack.events import sent_at
from bots.on_slack.limits import PLAIN_CHARS
from bots.on_slack.markdown import escaped
from bots.on_slack.render import Block, fallback
from bots.platform import Delivery

log = structlog.get_logger(__name__)

METADATA = "attune_answer"
REFUSED_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "only_one_table_allowed"}
REPLIES = 200


@dataclass(frozen=True, slots=True)
class PostTarget:
    """Where an answer goes: a thread, the question in it, and whom it is for."""

    channel: str
    root: str
    question: str
    user: str
    home: str  # the workspace of the person's account
    bot_user: str = ""

    @property
    def metadata(self) -> Block:
        """What a message carries unseen."""
        return {"event_type": METADATA, "event_payload": {"question": self.question}}


class Thread:
    """The messages that stand for one question. `unsure`: Slack may hold one that was never heard of."""

    def __init__(self, client: AsyncWebClient, spot: PostTarget, delivery: Delivery, over: Sequence[str] = ()) -> None:
        self._client = client
        self._spot = spot
        self._delivery = delivery
        self.shown = list(delivery.shown or over)
        self.unsure = delivery.attempt > 1
        self.edited = False

    async def note(self, message_id: str) -> None:
        """Remember a message of this answer."""
        self.shown.append(message_id)
        await self._delivery.note(message_id)

    async def replace(self, told: Sequence[list[Block]], footer: Sequence[Block]) -> None:
        """Show these pages and nothing else: in the messages that are there, then in new ones."""
        if self.unsure:
            await self._adopt()
        there, self.shown = self.shown, []
        for number, page in enumerate(told):
            blocks = [*page, *(footer if number == len(told) - 1 else ())]
            text = fallback("\n".join(str(block.get("text", "")) for block in page))
            if number < len(there) and await self._took(there[number], blocks, text):
                self.shown.append(there[number])
            else:
                await self.post(blocks, text)
        for extra in there[len(told) :]:
            await self._remove(extra)

    async def post(self, blocks: Sequence[Block], text: str, *, final: bool = True) -> None:
        """Post a message and note it; without its blocks where Slack refuses them."""
        about = {"metadata": self._spot.metadata} if final else {}
        for variant in (blocks, plain_feedback(blocks)):
            try:
                posted = await self._say(text=text, blocks=variant, **about)
            except SlackApiError as error:
                if reason_of(error) not in REFUSED_BLOCKS:
                    raise
                log.warning("blocks_rejected", error=reason_of(error))
            else:
                await self.note(str(posted["ts"]))
                return
        for piece in _plain(blocks):
            posted = await self._say(text=piece, **about)
            await self.note(str(posted["ts"]))

    async def edit(self, ts: str, blocks: Sequence[Block], text: str, *, final: bool = True) -> None:
        """Put other blocks into a message."""
        about: dict[str, Any] = {"metadata": self._spot.metadata} if final else {}
        await self._client.chat_update(channel=self._spot.channel, ts=ts, text=text, blocks=blocks, **about)
        self.edited = True

    async def _say(self, **content: Any) -> Any:
        spot = self._spot
        try:
            return await self._client.chat_postMessage(
                channel=spot.channel, thread_ts=spot.root, unfurl_links=False, unfurl_media=False, **content
            )
        except (ClientError, TimeoutError, OSError):
            known = list(self.shown)
            await self._adopt()
            if found := [ts for ts in self.shown if ts not in known]:  # it was taken, only the reply got lost
                self.shown = known
                return {"ts": found[-1]}
            raise

    async def _took(self, ts: str, blocks: Sequence[Block], text: str) -> bool:
        """Whether a message that is there could be given these blocks."""
        try:
            await self._end_stream(ts)
            await self.edit(ts, blocks, text)
        except SlackApiError as error:
            log.warning("message_edit_failed", error=reason_of(error))
            await self._remove(ts)
            return False
        return True

    async def _end_stream(self, ts: str) -> None:
        """A message that is still being streamed cannot be edited."""
        with suppress(SlackApiError):
            await self._client.chat_stopStream(channel=self._spot.channel, ts=ts)

    async def _remove(self, ts: str) -> None:
        with suppress(*ERRORS):
            await self._client.chat_delete(channel=self._spot.channel, ts=ts)

    async def _adopt(self) -> None:
        """Find messages of this answer that were never noted."""
        self.unsure = False
        with suppress(SlackApiError):
            for ts in await messages_for(self._client, self._spot):
                if ts not in self.shown:
                    await self.note(ts)


async def messages_for(client: AsyncWebClient, spot: PostTarget, *, finished: bool = False) -> list[str]:
    """The bot's messages in the thread that answer this question; only `finished` ones, or unfinished ones too."""
    found = await client.conversations_replies(
        channel=spot.channel, ts=spot.root, oldest=spot.question, include_all_metadata=True, limit=REPLIES
    )
    mine = [each for each in found.get("messages") or () if each.get("user") == spot.bot_user]
    return [str(each["ts"]) for each in mine if _is_for(each, spot.question, finished=finished)]


def _is_for(message: dict[str, Any], question: str, *, finished: bool) -> bool:
    about = message.get("metadata") or {}
    if about.get("event_type") == METADATA:
        return bool(about.get("event_payload", {}).get("question") == question)
    return not finished and sent_at(message["ts"]) > sent_at(question)


def _plain(blocks: Iterable[Block]) -> list[str]:
    """All words of `blocks`, in pieces that Slack takes as text."""
    words = "\n".join(str(block["text"]) for block in blocks if isinstance(block.get("text"), str))
    rows = [cell["text"] for block in blocks if block["type"] == "table" for row in block["rows"] for cell in row]
    text = escaped("\n".join([words, *rows]).replace("&lt;", "<"))
    return [text[start : start + PLAIN_CHARS] for start in range(0, len(text), PLAIN_CHARS)] or ["…"]
