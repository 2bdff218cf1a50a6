"""What `attune setup` says. Knows nothing of when it says it."""

from __future__ import annotations

from collections.abc import Sequence

YES_NO, NO_YES = "[Y/n]", "[y/N]"
WELCOME = "This sets Attune up, step by step. Enter skips a step, or keeps what is set."
STAYS = "Ctrl-C stops; what is done by then stays."
STOPPED = "Setup stopped. What was answered so far is kept. To go on: attune setup"
SKIPPED = "Skipped."
KEPT = "Kept."

TITLES = {
    "documents": "Documents",
    "telegram": "Telegram",
    "slack": "Slack",
    "reading": "Reading",
    "question": "First question",
    "people": "First person",
}

DOCUMENTS = "Attune answers from documents. Where are they? (More can be added later: attune ingest.)"
ASK_DOCUMENTS = "Folder or address"
NO_DOCUMENTS = "No documents are named yet: attune setup documents"

TELEGRAM = (
    "1. In Telegram, open a chat with @BotFather (https://t.me/BotFather) and send /newbot.",
    "2. Choose a name, and a user name that ends in bot.",
    "3. Copy the token from its reply; it looks like 123456:ABC… and is a password.",
)
SLACK_LINK = "Open this link"
SLACK_CREATE = ", choose your workspace and create the app; everything it needs is filled in."
SLACK_ELSEWHERE = "   (No link? `attune slack manifest --link` prints it.)"
SLACK = (
    "2. Install App, Install to Workspace. Copy the Bot User OAuth Token; it begins with xoxb-.",
    "3. Basic Information, App-Level Tokens, Generate, with the scope connections:write: it begins with xapp-.",
)
TELEGRAM_TOKEN, SLACK_BOT_TOKEN, SLACK_APP_TOKEN = "Token", "Bot token (xoxb-…)", "App-level token (xapp-…)"
NO_TELEGRAM_TOKEN = "That is not a token of @BotFather: those are a number, a colon and letters, as 123456:ABC…"  # noqa: S105 - a sentence
NO_BOT_TOKEN = "That is not a bot token: those begin with xoxb-. It is under Install App."  # noqa: S105
NO_APP_TOKEN = "That is not an app-level token: those begin with xapp-. It is under Basic Information."  # noqa: S105
KEEP_ALL_THE_SAME = "Keep it all the same?"

READ_NOW = "Read them now?"
NOT_READ = "Not everything was read."

QUESTION = "Ask your documents something; the first answer takes longest."
ASK_QUESTION = "Question"

NO_PLATFORM = "Telegram and Slack are not connected, so there is nobody to let in. Here, attune chat answers you."
NOBODY_YET = "Nobody gets an answer before you let them in. The first person becomes an operator."
MAKE_CODE, MAKE_ANOTHER = "Make a pairing code now?", "Make a pairing code for another operator?"
STARTING = "Starting, so that the pairing code is taken…"
NOT_CONNECTED = "The platforms do not respond, so nobody can be let in now. `attune doctor` says which."
SEND_IT = "Send it to your bot in a private chat: in Telegram as it is, in Slack as: pair CODE"
WAITING = "Waiting for it. Enter goes on without. "
NOT_PAIRED = "Nobody has sent it yet. It is valid for half an hour: run attune serve, then send it."

DONE = "That is all."
NOT_DONE = "Not every step came to its end; above is said why."
NEXT = (
    ("attune serve", "answer in Slack and Telegram, until stopped; docs/install.md has a service for it"),
    ("attune chat", "ask here"),
    ("attune pair", "a pairing code for the next person"),
    ("attune doctor", "check everything"),
    ("attune setup", "change any of this"),
)


def heading(number: int, count: int, step: str) -> str:
    """Which step begins."""
    return f"{number}/{count} {TITLES[step]}"


def keeps(question: str, *, is_set: bool, value: str = "") -> str:
    """A question with what Enter alone does."""
    does = f"Enter keeps {value or 'the one that is set'}" if is_set else "Enter skips"
    return f"{question} ({does}): "


def settings_in(folder: str) -> str:
    """Where the answers are kept."""
    return f"Answers are kept in {folder}: in attune.toml, and tokens in .env, which only you can read."


def saved(file: str) -> str:
    """An answer was kept."""
    return f"Saved in {file}."


def from_environment(name: str) -> str:
    """A setting that cannot be changed here."""
    return f"{name} is set in the environment, which comes before the files. Change it there."


def no_step(name: str, steps: Sequence[str]) -> str:
    """A step on the command line that is none."""
    return f"There is no step {name}. The steps are: {', '.join(steps)}."


def no_such_place(place: str) -> str:
    """A folder that is not there."""
    return f"There is no file or folder {place}. Create it, or name another."


def unreadable(place: str) -> str:
    """A folder that may not be read."""
    return f"{place} cannot be read by this user. Change its permissions, or name another."


def admit_workspace(team: str) -> str:
    """Asked when Slack is connected."""
    return f"Let all members of {team} ask? (Guests stay out; otherwise people need a pairing code.)"


def admitted(team: str) -> str:
    """A workspace is on the list."""
    return f"All members of {team} may ask."


def fetched_first(name: str, size: str) -> str:
    """A model that is not here yet."""
    return f"The model {name} ({size}) is downloaded first."


def paired_already(people: Sequence[str]) -> str:
    """Who was let in by a pairing code before."""
    return f"Let in by a pairing code: {', '.join(people)}."


def paired(person: str) -> str:
    """The pairing code was used."""
    return f"{person} is in, and is an operator."


def again(steps: Sequence[str]) -> str:
    """What to do about the steps that failed."""
    return f"When that is mended: attune setup {' '.join(steps)}"
