"""Every sentence of the console that is not laid out in a template. It speaks to operators: English, as `attune` does.

Knows nothing of when a sentence is said.
"""

from __future__ import annotations

PAGES = (
    ("/ask", "Ask"),
    ("/documents", "Documents"),
    ("/unanswered", "Unanswered"),
    ("/people", "People"),
    ("/quality", "Quality"),
    ("/health", "Health"),
    ("/settings", "Settings"),
)

# The way in

OTHER_NAME = (
    "The console does not answer to this name. Open it by the address that `attune console` prints, or set "
    "ATTUNE_CONSOLE_URL to the address that leads to it.\n"
)
FORGED = "This form is out of date, or another site sent it. Open the page again and repeat what you did."
TOO_LARGE = "That is more than a form here takes. Please shorten it."
TOO_SLOW = "The form did not come in. Send it again."
WRONG_LINK = "This link was used before, or it is older than ten minutes. For a new one: attune console --link"
WRONG_PASSWORD = "This is not the password."  # noqa: S105
TOO_MANY_TRIES = "Too many wrong tries. Wait five minutes, then try again."
UNGUARDED = (
    "The console would be open to other machines, and there is no password. Set ATTUNE_CONSOLE_PASSWORD, or let it "
    "listen on 127.0.0.1."
)
NO_PAGE = "There is no such page."


def short_password(least: int) -> str:
    """A password that can be guessed."""
    return f"ATTUNE_CONSOLE_PASSWORD is too short. Give it at least {least} characters."


def opened_at(address: str, link: str) -> str:
    """Where the console is, and the link that opens it once."""
    return f"The console is at {address}\nOpen it once, within ten minutes: {link}"


def runs_at(address: str) -> str:
    """Where the console is, where nobody would click a link."""
    return f"The console is at {address}. For a link that opens it once: attune console --link"


def failed(kind: str, error_id: str) -> str:
    """A page failed by a mistake of ours."""
    return f"This page failed with an unexpected {kind}. Error id: {error_id}. The log has the details."


# Ask

NO_QUESTION = "Please type a question."
STOPPED = "Stopped."
GONE = "This answer is not here any more: the console keeps the last ones, until it is restarted. Ask again."
SOURCE_GONE = "This passage has changed or was removed since, or it may not be seen by whom you ask as."
YOU = "Yourself (what everyone may see)"


def as_reader(name: str) -> str:
    """Through whose eyes a question is asked."""
    kind, _, who = name.partition(":")
    return {
        "person": f"{who}: their own documents, their workspace's and everyone's",
        "channel": f"members of {who}: the channel's documents, the workspace's and everyone's",
    }.get(kind, f"anybody of {who}: the workspace's documents and everyone's")


# Documents

BUSY = "Documents are being read or removed already. Wait until that is done, then repeat this."
NOTHING_NAMED = "Name a file, a folder or an address."
NO_REMOTE = "Addresses cannot be read here."
NO_SCHEDULE = "Choose one of the schedules of the list."
NO_DOCUMENT = "There is no such document any more."
NO_READERS = "Name at least one reader, such as everyone."


def missing_path(path: str) -> str:
    """A path that is not there."""
    return f"There is no file or folder {path} on the machine where Attune runs. Correct the path."


# Unanswered

GROUP_GONE = "These questions are not on the list any more."
DISMISSED = "The questions were taken off the list."


def taught(title: str) -> str:
    """An answer was added."""
    return f"Learned “{title}”. Ask the question again to see the answer."


# People


def revoked(person: str) -> str:
    """A pairing was taken back."""
    return f"Revoked the access of {person}. They still have access if ATTUNE_ALLOW covers them."


def not_paired(person: str) -> str:
    """There is no such pairing."""
    return f"{person} has no access by a pairing code to revoke."


# Quality

EVALUATING = "Questions are being asked already. Wait until that is done, or stop it."
