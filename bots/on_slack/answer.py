"""One answer on its way into a thread: streamed where Slack lets us, else posted; whole at the end, and once.

Every message is noted before the next step, so that another attempt goes on in it. Where a call ended without a reply,
the thread is looked at before anything is posted: what Slack took and we did not hear of is found and used.
Knows nothing of questions, of how an answer is made, or of what stands under it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bots import texts
from bots.language import translated
from bots.on_slack import texts as slack_texts
from bots.on_slack.blocks import plain_feedback
from bots.on_slack.errors import ERRORS, reason_of
from bots.on_slack.limits import STATUS_CHARS, shortened
from bots.on_slack.markdown import Text, defused, line
from bots.on_slack.posting import REFUSED_BLOCKS, PostTarget, Thread
from bots.on_slack.render import Block, Layout, PlacedSegment, chunk_of, fallback, pages
from bots.platform import Delivery

log = structlog.get_logger(__name__)

STREAM_SECONDS = 0.8  # between two additions: Slack takes about a hundred a minute
EDIT_SECONDS = 3.0  # between two edits
NEVER = {"unknown_method", "missing_scope", "method_not_supported_for_channel_type", "not_allowed_token_type"}


@dataclass(slots=True)
class Abilities:
    """What this workspace was seen to refuse for good; shared by all answers in it."""

    streams: bool = True
    statuses: bool = True
    sessions: bool = True


class SlackAnswer:
    """An answer as it grows."""

    def __init__(
        self,
        client: AsyncWebClient,
        spot: PostTarget,
        delivery: Delivery,
        abilities: Abilities,
        *,
        over: Sequence[str] = (),  # messages whose place the answer takes
        hurry: bool = False,
    ) -> None:
        self._client = client
        self._thread = Thread(client, spot, delivery, over)
        self._spot = spot
        self._abilities = abilities
        self._layout = Layout(live_links=False)
        self._waiting: list[PlacedSegment] = []
        self._page = 0
        self._text = ""
        self._stream = ""  # the id of the message that is being streamed
        self._streams = abilities.streams and delivery.attempt == 1 and not self._thread.shown
        self._task = False  # a status stands in the stream
        self._told = ""  # the status that is shown
        self._working = False  # Slack shows its Stop button
        self._unpreviewed = delivery.attempt == 1 and not over  # all that stands there was posted without previews
        self._last = float("-inf")
        self._pace = 0.0 if hurry else STREAM_SECONDS
        self._edits = 0.0 if hurry else EDIT_SECONDS

    async def status(self, text: str) -> None:
        """Say what is going on: beside the thread where Slack can, else as the beginning of the answer."""
        if text == self._told:
            return
        self._told = text
        if self._abilities.statuses and await self._status(text):
            await self._session("processing")
            return
        await self._session("processing")
        if self._streams:
            await self._show([self._step(text, done=False)])
        elif not self._thread.shown:
            with suppress(*ERRORS):
                await self._thread.post([{"type": "markdown", "text": line(text)}], text, final=False)

    async def add(self, text: str) -> None:
        """Add to the answer; shown at once or a little later."""
        self._text += text
        self._waiting += self._layout.add(text)
        pace = self._pace if self._streams else self._edits
        if self._waiting and time.monotonic() - self._last >= pace:
            self._last = time.monotonic()
            await self._flush()

    async def finish(self, markdown: str, footer: Sequence[Block] = ()) -> None:
        """Show the whole answer, with what stands under it; raises what Slack says where nothing of it can be shown.

        A stream can only be added to: where the answer became another than what was told of it, it is replaced.
        """
        told, whole = self._text.strip(), markdown.strip()
        goes_on = whole.startswith(told)
        self._waiting += [*self._layout.add(whole[len(told) :] if goes_on else ""), *self._layout.finish()]
        if goes_on and self._streams and self._stream:
            await self._flush()
        if not (goes_on and self._streams and self._stream and await self._stop_stream(footer)):
            await self._thread.replace(self._pages(markdown), footer)
        await self._clear_status()

    async def stop(self) -> None:
        """Show that the answer was stopped where it is."""
        self._waiting += self._layout.finish()
        if self._streams and self._stream:
            self._waiting.append(PlacedSegment(self._page, Text(_stopped_mark())))
            await self._flush()
        if not (self._streams and self._stream and await self._stop_stream(())):
            await self._thread.replace(self._pages(self._text + _stopped_mark()), ())
        await self._clear_status()

    async def _flush(self) -> None:
        if not self._streams:
            await self._edit()
            return
        waiting, self._waiting = self._waiting, []
        while waiting and self._streams:
            page = waiting[0].page
            if page != self._page and self._stream:
                await self._stop_stream((), last=False)
                self._stream = ""
            self._page = page
            here = [placed for placed in waiting if placed.page == page]
            waiting = waiting[len(here) :]
            done = [self._step("", done=True)] if self._task else []
            self._task = False
            await self._show([*done, *_chunks(here)])

    async def _show(self, chunks: Sequence[Block]) -> None:
        """Add to the stream, beginning it where there is none; from the first error on, there is no stream."""
        spot = self._spot
        try:
            if self._stream:
                await self._client.chat_appendStream(channel=spot.channel, ts=self._stream, chunks=chunks)
                return
            begun = await self._client.chat_startStream(
                channel=spot.channel,
                thread_ts=spot.root,
                recipient_user_id=spot.user,
                recipient_team_id=spot.home,
                chunks=chunks,
            )
        except asyncio.CancelledError:
            self._streams, self._thread.unsure = False, True  # Slack may have taken it
            raise
        except ERRORS as error:
            self._no_stream(error)
        else:
            self._stream, self._unpreviewed = str(begun["ts"]), False
            await self._thread.note(self._stream)

    async def _stop_stream(self, footer: Sequence[Block], *, last: bool = True) -> bool:
        """End the stream; whether it worked."""
        about: dict[str, Any] = {"chunks": [self._step("", done=True)]} if self._task else {}
        for blocks in (footer, plain_feedback(footer)):
            arguments = {**about, "blocks": list(blocks)} if blocks else about
            try:
                await self._client.chat_stopStream(
                    channel=self._spot.channel, ts=self._stream, metadata=self._spot.metadata, **arguments
                )
            except ERRORS as error:
                if reason_of(error) in REFUSED_BLOCKS and blocks is footer:
                    continue
                self._no_stream(error)
                return False
            break
        if last:
            self._stream = ""
        return True

    def _no_stream(self, error: Exception) -> None:
        reason = reason_of(error)
        log.warning("stream_failed", error=reason)
        self._streams = False
        self._thread.unsure = self._thread.unsure or not isinstance(error, SlackApiError)
        self._unpreviewed = self._unpreviewed and not self._thread.unsure
        if reason in NEVER:
            self._abilities.streams = False

    async def _edit(self) -> None:
        """Show how far it came in the message that is there, where one is."""
        self._waiting = []
        told = self._pages(self._text)
        if len(told) == 1 and len(self._thread.shown) == 1:
            with suppress(*ERRORS):
                await self._thread.edit(self._thread.shown[0], told[0], fallback(self._text), final=False)

    def _pages(self, markdown: str) -> list[list[Block]]:
        """A text for messages of which one may have begun as a stream: then no link of it is live."""
        return pages(markdown, live_links=self._unpreviewed)

    async def _status(self, text: str) -> bool:
        try:
            await self._client.assistant_threads_setStatus(
                channel_id=self._spot.channel,
                thread_ts=self._spot.root,
                status=translated(slack_texts.STATUS),
                loading_messages=[shortened(defused(text), STATUS_CHARS)],
            )
        except SlackApiError as error:
            self._abilities.statuses = reason_of(error) not in NEVER
            return False
        except (SlackClientError, ClientError, TimeoutError, OSError):
            return False
        return True

    async def _session(self, status: str) -> None:
        """Have Slack show a Stop button while the answer is made, where it has one."""
        if not self._abilities.sessions or self._working == (status == "processing"):
            return
        self._working = status == "processing"
        try:
            await self._client.agents_sessions_setStatus(
                channel_id=self._spot.channel, thread_ts=self._spot.root, status=status
            )
        except ERRORS as error:
            self._abilities.sessions = reason_of(error) in {"ratelimited", "TimeoutError"}

    async def _clear_status(self) -> None:
        """Slack clears it when a message comes; an edited one is none."""
        if self._working:
            await self._session("active")
        if self._abilities.statuses and self._thread.edited:
            with suppress(*ERRORS):
                await self._client.assistant_threads_setStatus(
                    channel_id=self._spot.channel, thread_ts=self._spot.root, status=""
                )

    def _step(self, text: str, *, done: bool) -> Block:
        self._task = not done
        title = shortened(defused(text), STATUS_CHARS) or translated(slack_texts.STATUS)
        return {"type": "task_update", "id": "reading", "title": title, "status": "complete" if done else "in_progress"}


def _stopped_mark() -> str:
    return f"\n\n_{translated(texts.STOPPED)}_"


def _chunks(placed: Iterable[PlacedSegment]) -> list[Block]:
    """What stands on one page, neighbouring texts as one."""
    chunks: list[Block] = []
    for each in placed:
        chunk = chunk_of(each.segment)
        if chunks and chunk["type"] == chunks[-1]["type"] == "markdown_text":
            chunks[-1]["text"] += chunk["text"]
        else:
            chunks.append(chunk)
    return chunks
