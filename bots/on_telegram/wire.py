"""What Telegram sends, as text → an update, one at a time: what is wrong with one is no other's matter.

Knows nothing of how it came, or of what follows.
"""

from __future__ import annotations

import re
from typing import Any

from telegram import Update
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from bots.on_telegram.api import Bot
from bots.reception import NotUnderstoodError, parsed
from core.text.words import MOST

_ID = re.compile(rb'"update_id"\s*:\s*(\d{1,16})')


class MalformedUpdatesError(TelegramError):
    """A reply with updates that is no JSON, or nested too deeply; `first` is the first one's number, if it has one."""

    def __init__(self, payload: bytes) -> None:
        super().__init__("The updates cannot be read.")
        found = _ID.search(payload)
        self.first = int(found[1]) if found else None


class ApiRequest(HTTPXRequest):
    """Replies as Telegram sends them, and as it never would."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The object that is in a reply.

        Raises:
            UnreadableError: there are updates in it that cannot be read.
            TelegramError: there is no object in it.
        """
        try:
            found = parsed(payload)
        except (ValueError, RecursionError) as error:
            if b'"result"' in payload:
                raise MalformedUpdatesError(payload) from error
            raise TelegramError("Telegram's reply cannot be read.") from error
        if not isinstance(found, dict):
            raise TelegramError("Telegram's reply is not an object.")
        return found


def update_of(raw: Any, bot: Bot) -> Update:
    """The update that `raw` is.

    Raises:
        NotUnderstoodError: it is none.
    """
    if not isinstance(raw, dict) or id_of(raw) is None:
        raise NotUnderstoodError("no update")
    try:
        return Update.de_json(raw, bot)
    except Exception as error:  # whatever the library makes of a field that is not what it should be
        raise NotUnderstoodError("no update") from error


def id_of(raw: Any) -> int | None:
    """The number of an update, if it has one."""
    number = raw.get("update_id") if isinstance(raw, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MOST else None
