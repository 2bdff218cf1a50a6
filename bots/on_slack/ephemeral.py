"""What one person alone sees: a reply to their press or command, or a modal that was opened empty and is filled.

A reply goes through the address that came with the press, or else as an ephemeral or direct message. A modal is opened
empty so that Slack does not give up, and filled as soon as something is known. Knows nothing of what is said.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bots.on_slack.addresses import is_slacks
from bots.on_slack.blocks import asked_by
from bots.on_slack.clients import Workspace
from bots.on_slack.errors import ERRORS, reason_of
from bots.on_slack.limits import POSTS
from bots.on_slack.render import Block, fallback, pages
from bots.platform import Delivery
from core.domain import Person
from core.inbox import Event

log = structlog.get_logger(__name__)

NOTED = "whispered"
NAME_WORDS = 2  # of `attune_unlearn_3`: of several such buttons in one message each needs an id of its own
TRIES, SECONDS = 8, 0.4  # until a modal that is being opened is there


@dataclass(frozen=True, slots=True)
class SlackPress:
    """A press, a sent modal, a slash command or a message: an event, with where it came from and who did it."""

    event: Event
    body: Mapping[str, Any]
    place: Workspace
    delivery: Delivery

    @property
    def person(self) -> Person:
        """Who did it."""
        return self.event.person

    @property
    def name(self) -> str:
        """Which button, by the first words of its action's id, or which modal; empty for what has no name."""
        return "_".join(self.text("action").split("_")[:NAME_WORDS]) or self.text("callback")

    @property
    def about(self) -> tuple[str, str]:
        """What a button under an answer is about, and who asked."""
        return asked_by(self.text("value"))

    @property
    def values(self) -> Mapping[str, Any]:
        """What stands in the inputs of a modal."""
        values: Mapping[str, Any] = self.body.get("values", {})
        return values

    def text(self, name: str) -> str:
        """A part of the body, or empty."""
        return str(self.body.get(name) or "")

    def reply(self, about: str = "") -> EphemeralReply:
        """Says something to whoever pressed; `about` is what the modal that they sent knows of its message."""
        return EphemeralReply(self.place.client, self.person.user, self.body, self.delivery, about)

    async def fill(self, view: Block) -> None:
        """Put `view` into the modal that was opened for this."""
        await fill(self.place.client, self.text("view"), view)


class EphemeralReply:
    """Says something to one person."""

    def __init__(
        self, client: AsyncWebClient, user: str, body: Mapping[str, Any], delivery: Delivery, about: str = ""
    ) -> None:
        self._client = client
        self._user = user
        self._url = str(body.get("response_url") or "")
        self._channel = str(body.get("channel") or (json.loads(about)["channel"] if about else ""))
        self._thread = str(body.get("thread") or body.get("root") or "") or None
        self._delivery = delivery

    async def say(self, markdown: str, footer: Sequence[Block] = ()) -> None:
        """Say it, with what stands under it."""
        told = pages(markdown)[:POSTS]
        for number, page in enumerate(told):
            blocks = [*page, *(footer if number == len(told) - 1 else ())]
            await self._one(blocks, fallback(markdown), replace=False)
        await self._delivery.note(NOTED)

    async def replace(self, markdown: str, footer: Sequence[Block] = ()) -> None:
        """Put it where the buttons were."""
        await self._one([*pages(markdown)[0], *footer], fallback(markdown), replace=True)

    async def _one(self, blocks: Sequence[Block], text: str, *, replace: bool) -> None:
        if is_slacks(self._url, self._client.base_url) and await self._posted(blocks, text, replace=replace):
            return
        if self._channel and not self._channel.startswith("D"):
            with suppress(SlackApiError):  # the bot may not be in that channel
                await self._client.chat_postEphemeral(
                    channel=self._channel, user=self._user, thread_ts=self._thread, text=text, blocks=blocks
                )
                return
        opened = await self._client.conversations_open(users=self._user)
        await self._client.chat_postMessage(
            channel=opened["channel"]["id"], text=text, blocks=blocks, unfurl_links=False, unfurl_media=False
        )

    async def _posted(self, blocks: Sequence[Block], text: str, *, replace: bool) -> bool:
        """Whether the address still took it: it lasts for half an hour."""
        webhook = AsyncWebhookClient(self._url)
        kind = {"replace_original": True} if replace else {"response_type": "ephemeral", "replace_original": False}
        try:
            reply = await webhook.send_dict(
                {"text": text, "blocks": list(blocks), "unfurl_links": False, "unfurl_media": False, **kind}
            )
        except ERRORS as error:
            log.warning("response_url_failed", error=type(error).__name__)
            return False
        return reply.status_code == 200  # noqa: PLR2004


async def fill(client: AsyncWebClient, name: str, view: Block) -> None:
    """Put `view` into the modal that was opened under `name`; somebody may have closed it meanwhile."""
    for turn in range(TRIES):
        try:
            await client.views_update(external_id=name, view={**view, "external_id": name})
        except SlackApiError as error:
            if reason_of(error) != "not_found" or turn == TRIES - 1:
                log.warning("modal_update_failed", error=reason_of(error))
                return
            await asyncio.sleep(SECONDS)
        else:
            return


class StatelessDelivery:
    """A delivery of which nothing is remembered."""

    attempt = 1
    shown: tuple[str, ...] = ()
    stopped = False

    async def note(self, message_id: str) -> None:
        """Nothing."""

    async def ended(self, answer: str = "") -> None:
        """Nothing."""

    def learning(self) -> AbstractAsyncContextManager[None]:
        """Nothing to wait for."""
        return nullcontext()

    async def messages_of(self, answer: str) -> tuple[str, ...]:  # noqa: ARG002
        """None."""
        return ()

    async def answer_of(self, message_id: str) -> str | None:  # noqa: ARG002
        """None."""
        return None
