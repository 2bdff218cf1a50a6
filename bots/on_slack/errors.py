"""What went wrong between us and Slack, in one word. Knows nothing of what was called."""

from __future__ import annotations

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError

ERRORS = (SlackApiError, SlackClientError, ClientError, TimeoutError, OSError)
"""Whatever a call may end in."""


def reason_of(error: BaseException) -> str:
    """Slack's own name of the error, or the kind of it where Slack said nothing that can be read."""
    data = error.response.data if isinstance(error, SlackApiError) and hasattr(error.response, "data") else None
    if isinstance(error, SlackApiError) and isinstance(error.response, dict):
        data = error.response
    return str(data["error"]) if isinstance(data, dict) and "error" in data else type(error).__name__
