"""What `attune doctor` says about Telegram, and the fixes. Knows nothing of how it was found out."""

from __future__ import annotations

from collections.abc import Sequence

from bots.language import plural

BAD_TOKEN = "Telegram does not recognise this token."  # noqa: S105 - a sentence
FIX_TOKEN = (
    "Send /mybots to @BotFather, choose the bot, then API Token, and set ATTUNE_TELEGRAM_TOKEN to what it shows."  # noqa: S105
)
FIX_NETWORK = "Check that this machine can reach ATTUNE_TELEGRAM_API, through HTTPS_PROXY if there is a proxy."
PRIVACY_ON = (
    "privacy mode is on: in groups the bot sees only messages addressed to it; /catchup needs it as administrator"
)
READS_ALL = (
    "privacy mode is off: the bot receives every message in its groups, and ignores those not addressed to it, except "
    "where an admin of the group wrote /catchup on"
)
FIX_READS_ALL = (
    "Send /setprivacy to @BotFather, choose the bot, then Enable; then remove the bot from each group and add it again."
)
NO_GROUPS = "the bot cannot be added to groups"
FIX_NO_GROUPS = "To let it answer in groups, send /setjoingroups to @BotFather, choose the bot, then Enable."
NOT_HTTPS = "ATTUNE_TELEGRAM_WEBHOOK is not an https address, and Telegram delivers to no other."
FIX_HTTPS = "Put a proxy with a certificate in front of ATTUNE_TELEGRAM_LISTEN, or unset ATTUNE_TELEGRAM_WEBHOOK."
FIX_WEBHOOK_FAILS = (
    "Check that the proxy forwards that address to ATTUNE_TELEGRAM_LISTEN and that `attune serve` is running, or unset "
    "ATTUNE_TELEGRAM_WEBHOOK to use long polling instead."
)
FIX_WEBHOOK_ELSEWHERE = (
    "`attune serve` sets it on start. If another program set it, give each program a token of its own."
)
FIX_WEBHOOK_CONFLICTS = (
    "`attune serve` removes it on start. If another program needs it, give each program a token of its own, or set "
    "ATTUNE_TELEGRAM_WEBHOOK."
)
UPDATES_ASKED = "messages, edits, buttons and reactions are delivered"
NO_COMMANDS = "no commands are registered"
FIX_SERVE_ONCE = "Start `attune serve` once: it registers this on start."
NOT_IN_GROUP = "in ATTUNE_ALLOW, but the bot is not in this group"
FIX_NOT_IN_GROUP = "Add the bot to the group, or remove the group from ATTUNE_ALLOW."
ADMINISTRATOR = "in the group, and sees reactions and members"
NO_ADMINISTRATOR = "in the group, but not an administrator: it sees no reactions, and possibly no members"
FIX_NO_ADMINISTRATOR = "For reactions to count, make the bot an administrator; it needs none of the rights."


def connected(username: str) -> str:
    """The token works."""
    return f"connected as @{username}"


def unreachable(api: str, kind: str) -> str:
    """Telegram does not answer."""
    return f"{api} does not respond ({kind})."


def webhook_fails(problem: str, pending: int) -> str:
    """Telegram cannot deliver."""
    return f"Telegram cannot deliver: {problem} ({plural(pending, 'message')} waiting)."


def webhook_elsewhere(url: str) -> str:
    """Telegram delivers to the wrong place."""
    return f"Telegram delivers to {url}." if url else "The webhook is not registered with Telegram yet."


def webhook_conflicts(url: str) -> str:
    """A webhook is set, although messages are to be fetched."""
    return f"a webhook is set ({url}), which blocks long polling"


def delivered(*, webhook: str | None, pending: int) -> str:
    """How messages arrive."""
    how = f"delivered to {webhook}" if webhook else "fetched by long polling"
    return f"messages are {how}; {plural(pending, 'message')} waiting"


def updates_missing(kinds: Sequence[str]) -> str:
    """Telegram does not deliver everything."""
    return f"Telegram does not deliver {', '.join(kinds)} yet"


def commands_known(count: int) -> str:
    """The menu is there."""
    return f"{plural(count, 'command')} registered"
