"""What `attune doctor` and `attune slack` tell the operator about Slack."""

from __future__ import annotations

from collections.abc import Iterable

APPS = "api.slack.com/apps"
NOT_A_BOT_TOKEN = "ATTUNE_SLACK_BOT_TOKEN is not a bot token: those begin with xoxb-"  # noqa: S105 - no secret
FIX_BOT_TOKEN = f"Copy the Bot User OAuth Token from your app at {APPS}, under Install App."
NOT_AN_APP_TOKEN = "ATTUNE_SLACK_APP_TOKEN is not an app-level token: those begin with xapp-"  # noqa: S105
FIX_APP_TOKEN = f"Make one with the scope connections:write at {APPS}, Basic Information, App-Level Tokens."
NO_DELIVERY = "neither Socket Mode nor HTTP is set up"
FIX_DELIVERY = "Set ATTUNE_SLACK_APP_TOKEN (Socket Mode), or ATTUNE_SLACK_SIGNING_SECRET for deliveries by HTTP."
FIX_SCOPES = f"Paste the output of `attune slack manifest` at {APPS}, App Manifest, and install the app again."
BY_HTTP = "deliveries by HTTP, signatures checked; whether Slack reaches the address, its app page says"
SOCKET_OPENS = "Socket Mode connects"
EVENTS_UNSEEN = "cannot be checked: Slack lists the app's event subscriptions only for a configuration token"
FIX_CONFIG_TOKEN = f"Make a new configuration token at {APPS} (they last 12 hours) and set ATTUNE_SLACK_CONFIG_TOKEN."
FIX_EVENTS = f"Paste the output of `attune slack manifest` at {APPS}, App Manifest, and save."
NO_INTERACTIVITY = "interactivity is off: buttons and modals do nothing"
OTHER_DELIVERY = "Socket Mode is on in only one of the app and Attune"


FIX_NETWORK = "Check this machine's network, and its proxy if it needs one (HTTPS_PROXY); the token may be right."
ORGANISATION = "the app is installed for a whole organisation (Enterprise Grid), which Attune does not support"
FIX_ORGANISATION = f"Install it in each workspace that should have it, at {APPS}, Install App."
NOBODY = "ATTUNE_ALLOW admits nobody from this workspace: only people with a pairing code get answers"


def signed_in(user: str, team: str, id_: str) -> str:
    """The token works."""
    return f"{user} in {team} ({id_})"


def unreachable(reason: str) -> str:
    """Slack said nothing at all."""
    return f"Slack cannot be reached ({reason})"


def admitted(names: Iterable[str]) -> str:
    """Who is admitted."""
    return f"admitted: {', '.join(sorted(names))}"


def fix_nobody(workspace: str) -> str:
    """Nobody is admitted."""
    return f"Set ATTUNE_ALLOW={workspace} for all members (no guests), or name channels, user groups or people."


def fix_token(error: str) -> str:
    """The token does not work."""
    if error in {"account_inactive", "token_revoked"}:
        return f"The app was removed from the workspace. Install it again at {APPS} and copy the new token."
    return FIX_BOT_TOKEN


def all_scopes(count: int) -> str:
    """Nothing is missing."""
    return f"all {count} are granted"


def missing_scopes(missing: Iterable[str], features: Iterable[str]) -> str:
    """Scopes that the token lacks, and the features that this disables."""
    without = ", ".join(features)
    return f"missing: {', '.join(missing)}" + (f" (disables {without})" if without else "")


def fix_socket(error: str) -> str:
    """Socket Mode does not open."""
    if error == "missing_scope":
        return f"Give the app-level token the scope connections:write: make a new one at {APPS}, Basic Information."
    if error == "socket_mode_not_enabled":
        return f"Switch Socket Mode on at {APPS}, Socket Mode."
    return FIX_APP_TOKEN


def fix_events_unseen(events: Iterable[str]) -> str:
    """What to compare by hand."""
    return (
        f"Check that {APPS}, Event Subscriptions, lists {', '.join(events)}; `attune slack manifest` sets all of them. "
        "Or set ATTUNE_SLACK_CONFIG_TOKEN and run this again."
    )


def all_events(count: int) -> str:
    """Nothing is missing."""
    return f"subscribed to all {count}, interactivity is on"


def missing_events(missing: Iterable[str]) -> str:
    """Events that the bot does not receive."""
    return f"missing: {', '.join(missing)}"
