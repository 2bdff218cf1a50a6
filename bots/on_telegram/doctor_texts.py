"""What `attune doctor` says of Telegram, and the fixes. Knows nothing of how it was found out."""

from __future__ import annotations

from collections.abc import Sequence

from bots.texts import plural

BAD_TOKEN = "Telegram does not know this token."  # noqa: S105 - a sentence
FIX_TOKEN = "Write to @BotFather, send /mybots, choose the bot, then API Token, and set ATTUNE_TELEGRAM_TOKEN to it."  # noqa: S105
FIX_NETWORK = "See that this machine reaches ATTUNE_TELEGRAM_API, through HTTPS_PROXY if there is a proxy."
PRIVACY_ON = "in groups it is told only what is meant for it"
READS_ALL = "privacy mode is off: Telegram tells it every message of its groups, and it leaves alone what is not for it"
FIX_READS_ALL = (
    "Send @BotFather /setprivacy, choose the bot, then Enable; then remove the bot from each group and add it again."
)
NO_GROUPS = "it cannot be added to groups"
FIX_NO_GROUPS = "If it should answer in groups, send @BotFather /setjoingroups, choose the bot, then Enable."
NOT_HTTPS = "ATTUNE_TELEGRAM_WEBHOOK is no https address, and Telegram delivers to no other."
FIX_HTTPS = "Put a proxy with a certificate in front of ATTUNE_TELEGRAM_LISTEN, or unset ATTUNE_TELEGRAM_WEBHOOK."
FIX_WEBHOOK_FAILS = (
    "See that the proxy hands that address to ATTUNE_TELEGRAM_LISTEN and that `attune serve` runs, or unset "
    "ATTUNE_TELEGRAM_WEBHOOK to fetch messages instead."
)
FIX_WEBHOOK_ELSEWHERE = "`attune serve` sets it when it starts. If another program set it, give each its own token."
FIX_WEBHOOK_CONFLICTS = (
    "`attune serve` removes it when it starts. If another program needs it, give each its own token, or set "
    "ATTUNE_TELEGRAM_WEBHOOK."
)
UPDATES_ASKED = "messages, edits, buttons and reactions are delivered"
NO_COMMANDS = "no commands are registered"
FIX_SERVE_ONCE = "`attune serve` asks for it when it starts; start it once."
NOT_IN_GROUP = "on the list, but the bot is not in this group"
FIX_NOT_IN_GROUP = "Add the bot to the group, or take the group off ATTUNE_ALLOW."
ADMINISTRATOR = "in the group, and told of reactions and members"
NO_ADMINISTRATOR = "in the group, but no administrator: Telegram tells it of no reactions, and perhaps of no members"
FIX_NO_ADMINISTRATOR = "If reactions should count, make the bot an administrator; it needs none of the rights."


def connected(username: str) -> str:
    """The token works."""
    return f"connected as @{username}"


def unreachable(api: str, kind: str) -> str:
    """Telegram does not answer."""
    return f"{api} does not answer ({kind})."


def webhook_fails(problem: str, pending: int) -> str:
    """Telegram cannot deliver."""
    return f"Telegram cannot deliver: {problem} ({plural(pending, 'message')} waiting)."


def webhook_elsewhere(url: str) -> str:
    """Telegram delivers somewhere else than it should."""
    return f"Telegram delivers to {url}." if url else "Telegram does not know the webhook yet."


def webhook_conflicts(url: str) -> str:
    """A webhook is set although messages are to be fetched."""
    return f"a webhook is set ({url}), so that no messages can be fetched"


def delivered(*, webhook: str | None, pending: int) -> str:
    """How messages come."""
    how = f"delivered to {webhook}" if webhook else "fetched by long polling"
    return f"messages are {how}; {plural(pending, 'message')} waiting"


def updates_missing(kinds: Sequence[str]) -> str:
    """Telegram does not deliver everything."""
    return f"Telegram does not deliver {', '.join(kinds)} yet"


def commands_known(count: int) -> str:
    """The menu is there."""
    return f"{plural(count, 'command')} registered"
