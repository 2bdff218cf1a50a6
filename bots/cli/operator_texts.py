"""Every sentence that the `attune` command shows the operator; those of conversations are in `texts.py`.

Knows nothing of how a sentence is laid out, or of when it is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bots.language import plural

if TYPE_CHECKING:
    from core.storage.backup import Counts

# The `attune` command

PREPARING = "Opening models and stores…"
NOTHING_INGESTED = "No document could be ingested; the reasons are above."
NOTHING_TO_INGEST = "There is nothing to ingest."
DRY_OR_WATCH = "--dry-run and --watch cannot be combined. Choose one."
REBUILD_ALONE = (
    "--rebuild ingests everything again for the readers on record. It cannot be combined with --readers, --dry-run or "
    "--watch."
)
NOTHING_NAMED = "Nothing has been ingested yet. Name files or folders: attune ingest FOLDER"
FIX_EMPTY = "Add documents: attune ingest FOLDER"
NOTHING_WATCHED = "No folder is being watched yet. Name one: attune ingest FOLDER --watch"


PLACE, PLACE_TIMES = "source", ("read", "every", "next")
PLACE_READERS = "seen by"
WHOLE_SITE = "(site)"


def failing_since(address: str, since: str, reason: str) -> str:
    """A source that cannot be read; what it had is still there."""
    return f"{address} has failed since {since}: {reason} What was read before stays."


def missing_path(path: str) -> str:
    """A path on the command line does not exist."""
    return f"No such file or folder: {path}"


def crashed(kind: str, error_id: str, log: str) -> str:
    """The program itself failed."""
    return f"Attune crashed with an unexpected {kind}. Error id: {error_id}. Details: {log}."


def disk_refused(place: str, reason: str, *, full: bool) -> str:
    """The disk is full, or a file or folder is closed to this user."""
    free = "Free some space, or set ATTUNE_HOME to a folder on a larger disk."
    other = "Check who owns it, or set ATTUNE_HOME to a folder that this user may write to."
    return f"{place}: {reason}. {free if full else other}"


def no_log(folder: str) -> str:
    """Not even the log could be written; follows "Details:"."""
    return f"not logged, because {folder} is not writable"


def fix_language(*, remembered: bool) -> str:
    """How to change to an embedder of many languages; `remembered`: whether the index is asked for its name."""
    once = "ATTUNE_EMBEDDER=multilingual-e5-small attune ingest --rebuild, then restart."
    always = "set ATTUNE_EMBEDDER=multilingual-e5-small for good, run attune ingest --rebuild, then restart."
    return f"For other languages: {once if remembered else always}"


def foreign_documents(embedder: str, *, remembered: bool) -> str:
    """Documents are in languages that the embedder was not made for."""
    what = f"Many documents are not in English, and {embedder} knows no other language."
    return f"{what} {fix_language(remembered=remembered)}"


def foreign_questions(embedder: str, *, remembered: bool) -> str:
    """Questions went unanswered that the embedder could not understand."""
    what = f"Some of these questions are not in English, and {embedder} knows no other language."
    return f"{what} {fix_language(remembered=remembered)}"


# Models

LANGUAGE_MODEL, EMBEDDER = "language model", "embedder"
HERE, NOT_HERE = "downloaded", "not downloaded yet"
IN_USE = "in use"
NO_MODELS = "No models are downloaded yet. They are fetched on first use, or now: attune models pull NAME"


def used_as(role: str) -> str:
    """The role in which a model is used."""
    return f"{IN_USE} as {role}"


def on_disk(size: str) -> str:
    """How much disk space a model takes."""
    return f"{size} on disk"


def shared_file(size: str, base: str) -> str:
    """A model that is another one with an adapter shares its file, which is kept once."""
    return f"{on_disk(size)}, shared with {base}"


def in_memory(gigabytes: float) -> str:
    """How much memory a model takes while it runs."""
    return f"{gigabytes:g} GB of memory"


def model_here(name: str, path: str) -> str:
    """A model is on this machine."""
    return f"{name} is ready: {path}"


def model_sound(name: str) -> str:
    """A model's files match their hashes."""
    return f"{name} is intact."


# The inbox

NO_DEAD_LETTERS = "No message has been given up."
DEAD_LETTER_HINT = (
    "To try again: attune inbox retry KEY. To discard: attune inbox drop KEY. For all of them, write: all"
)
ASIDE_HINT = (
    "Another version of Attune may have written these. Under that version, `attune inbox retry KEY` retries an event, "
    "and records come back by themselves. Nothing waits for them meanwhile. They are deleted when their person asks to "
    "be forgotten; to discard an event now: attune inbox drop KEY"
)


def inbox_depth(waiting: int, working: int, oldest: float) -> str:
    """How full the inbox is."""
    since = f"; the oldest arrived {oldest:,.0f} s ago" if waiting or working else ""
    return f"{plural(waiting, 'message')} waiting, {working:,} being answered{since}."


def set_aside(count: int) -> str:
    """Some entries cannot be read."""
    return f"{count:,} unreadable {'entry was' if count == 1 else 'entries were'} set aside:"


def no_dead_letter(key: str) -> str:
    """A key on the command line names nothing that was given up."""
    return f"No message with the key {key} was given up. `attune inbox` lists the keys."


def unreadable_letter(key: str) -> str:
    """A key on the command line names an event that cannot be retried."""
    return f"The entry {key} is unreadable and cannot be retried. Discard it: attune inbox drop {key}"


def dead_letters_handled(count: int, verb: str) -> str:
    """What `retry` and `drop` did."""
    return f"{plural(count, 'message')} {verb}."


# Documents


SOURCES_HEAD = ("passages", "changed", "answers", "last")


def below(folder: str) -> str:
    """The folder that the paths below it are in."""
    return f"In {folder}:"


def seen_by(readers: Sequence[str]) -> str:
    """Who may see a document."""
    return f"seen by {', '.join(readers)}"


def guides_beside(count: int) -> str:
    """Attune's own guides, which `attune sources` does not list one by one."""
    return f"Plus {plural(count, 'guide')} of Attune's own, used only for questions about Attune."


REMOVE_ASKS = "attune remove asks for confirmation, which needs a terminal. Add --yes to remove without asking."
REMOVED_NOTHING = "Nothing was removed."
REMOVED_FILES_STAY = "The files themselves are untouched; ingesting them again brings their passages back."
TAUGHT = "taught in a conversation"


def remove_these(documents: int, passages: int) -> str:
    """What is asked before anything is removed."""
    return f"Remove {_these(documents, passages)}? [y/N] "


def removed(documents: int, passages: int) -> str:
    """What was removed."""
    return f"Removed {_these(documents, passages)}, and everything derived from {'it' if documents == 1 else 'them'}."


def records_go(places: Sequence[str]) -> str:
    """The readers of folders and files are forgotten with their documents."""
    return f"The recorded readers of {', '.join(places)} are removed, too."


def not_read_again(addresses: Sequence[str]) -> str:
    """Sources are forgotten, with their schedule and what was fetched of them."""
    return f"{', '.join(addresses)} {'is' if len(addresses) == 1 else 'are'} not read again."


def on_own_network(address: str) -> str:
    """A name leads to a private address; the operator may not have known."""
    return f"{address} lies on a private network. It is read from there, since you named it."


def _these(documents: int, passages: int) -> str:
    return f"{plural(documents, 'document')} ({plural(passages, 'passage')})"


def more_documents(count: int) -> str:
    """Documents that are not listed."""
    return f"… and {plural(count, 'more document')}"


# Backups

SETTINGS_OF_BACKUP = "# The settings when this backup was made. Compare them with attune.toml and the environment."
RESTORE_ALONE = "Another attune process is using this data. Stop it first (attune serve, worker or chat), then restore."
RESTORED_NOTHING = "Nothing was restored."
RESTORED_WITHOUT_INDEX = (
    "The backup holds no index. Ingest the documents again, for the readers on record: attune ingest --rebuild"
)


def backed_up(file: str, size: int, counts: Counts) -> str:
    """What a backup holds."""
    passages = "without the index" if counts.passages is None else plural(counts.passages, "passage")
    held = f"{plural(counts.keys, 'memory record')}, {plural(counts.lessons, 'lesson')}, {passages}"
    much = f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"  # noqa: PLR2004 - bytes
    return f"{file} holds {held}; {much}. It has no secrets, but what people wrote: keep it safe."


def restored(counts: Counts) -> str:
    """What was restored."""
    passages = "" if counts.passages is None else f", {plural(counts.passages, 'passage')}"
    return f"Restored {plural(counts.keys, 'memory record')}, {plural(counts.lessons, 'lesson')}{passages}."


def restored_settings(file: str) -> str:
    """Restoring does not apply settings."""
    return f"The backup's settings are in {file}: compare them with yours, and set the secrets again."


def restore_used(folder: str) -> str:
    """Restoring would replace data, and there is no terminal to ask at."""
    return (
        f"{folder}, or a configured store, already holds data, which restoring would replace. Set ATTUNE_HOME to an "
        "empty folder, or add --force."
    )


def restore_over(folder: str) -> str:
    """What is asked before something is replaced."""
    return f"{folder}, or a configured store, already holds data. Replace all of it? [y/N] "


def secret_left_out(name: str) -> str:
    """A line of a backup's settings."""
    return f"# {name} was set. Secrets are not part of a backup."


NO_GAPS = "There are no unanswered questions."


def gap_counts(questions: int, people: int) -> str:
    """How often and by how many people an unanswered question was asked."""
    return f" asked {plural(questions, 'time')} by {people:,} {'person' if people == 1 else 'people'}"


def gap_nearest(titles: Sequence[str]) -> str:
    """What came closest to an unanswered question."""
    return f"closest: {', '.join(titles)}"


def more_gaps(count: int) -> str:
    """Groups that are not shown."""
    return f"… and {count:,} more; --json shows all."


# Who gets in

NOBODY_PAIRED = "Nobody has used a pairing code yet. Make one: attune pair"


def pair_with(code: str, *, operator: bool) -> str:
    """A new code, and what to do with it."""
    becomes = " and makes them an operator" if operator else ""
    return (
        f"{code}\n"
        f"This pairing code lets one person in{becomes}. Within half an hour, they send it to the bot in a private "
        f"chat: in Telegram as it is, in Slack as: pair {code}"
    )


def unpaired(person: str) -> str:
    """A pairing was revoked."""
    return f"Revoked the access of {person}. (They still have access if ATTUNE_ALLOW covers them.)"


def not_paired(person: str) -> str:
    """There is no such pairing."""
    return f"{person} has no access by a pairing code to revoke. `attune pair --list` shows who has."
