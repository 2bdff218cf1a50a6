"""A digest in Slack: a direct message, posted once.

Slack cannot be asked to post once: the title is posted and noted first, and the rest is edited into it, so that a death
between the two leaves a title behind and no second digest. Knows nothing of the hour, or of what is new.
"""

from __future__ import annotations

from bots.dialogue import Dialogue
from bots.on_slack.clients import Clients
from bots.on_slack.conversation import SlackConversation
from bots.on_slack.entrance import SlackEntrance
from bots.on_slack.ephemeral import SlackPress
from bots.on_slack.events import PLATFORM, EventKind, body_of, event_of
from bots.on_slack.limits import POSTS
from bots.on_slack.render import fallback, pages
from bots.platform import Delivery
from bots.replies import DueDigest
from core.domain import Conversation
from core.inbox import Event
from core.notices.schedule import Subscription


class SlackDigests:
    """Sends digests to whoever is still let in."""

    def __init__(self, clients: Clients, dialogue: Dialogue, talk: SlackConversation, door: SlackEntrance) -> None:
        self._clients = clients
        self._dialogue = dialogue
        self._talk = talk
        self._door = door

    async def send(self, event: Event, delivery: Delivery) -> None:
        """Send the digest of which `event` tells, if there is anything to tell."""
        person = event.person
        pressed = SlackPress(event, body_of(event), await self._clients.of(person.workspace), delivery)
        if not await self._door.admits(pressed.place.client, person.workspace, person.user):
            return
        message = await self._talk.message(pressed, "", "", private=True, strict=True)
        operator = await self._door.is_operator(person)
        due = await self._dialogue.digest(message, pressed.text("name"), operator=operator)
        if due is not None:
            await self._show(pressed, due)
            await self._dialogue.digest_shown(due)
        await delivery.ended()

    async def _show(self, pressed: SlackPress, due: DueDigest) -> None:
        client, delivery = pressed.place.client, pressed.delivery
        channel = (await client.conversations_open(users=pressed.person.user))["channel"]["id"]
        for number, page in enumerate(pages(due.markdown)[:POSTS]):
            if number == len(delivery.shown):
                posted = await client.chat_postMessage(
                    channel=channel, text=due.title, unfurl_links=False, unfurl_media=False
                )
                await delivery.note(str(posted["ts"]))
            await client.chat_update(
                channel=channel, ts=delivery.shown[number], text=fallback(due.markdown), blocks=page
            )


def digest_event(kept: Subscription, key: str, name: str) -> Event:
    """What has the sender send a digest; it waits behind nothing else of its person's."""
    person = kept.person
    lane = Conversation(PLATFORM, person.workspace, "digest", person.user)
    return event_of(key, lane, person, EventKind.DIGEST, {"name": name})
