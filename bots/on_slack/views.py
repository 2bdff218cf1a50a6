"""Modals that were opened empty, so that Slack does not give up, and are filled as soon as something is known.

Knows nothing of what is in them.
"""

from __future__ import annotations

import asyncio

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.on_slack.errors import reason_of
from bots.on_slack.render import Block

log = structlog.get_logger(__name__)

TRIES, SECONDS = 8, 0.4  # until a modal that is being opened is there


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
