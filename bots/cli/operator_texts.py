"""Every sentence that the `attune` command says to whoever runs it; those of conversations are in `texts.py`.

Knows nothing of how a sentence is laid out, or of when it is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bots.texts import plural

if TYPE_CHECKING:
    from core.documents.tally import IngestReport  # with its parsers, it would slow down `attune --help`
    from core.domain import Footprint
    from core.storage.backup import Counts

# The `attune` command

PREPARING = "Opening models and stores…"
LOOKING = "Looking for documents"
REFUSED = "refused"
NOTHING_INGESTED = "Nothing could be ingested."
NOTHING_TO_INGEST = "There is nothing that could be ingested."
DRY_OR_WATCH = "--dry-run looks once and --watch stays: give one of them."
REBUILD_ALONE = (
    "--rebuild reads again all that was ingested, for the readers that were recorded: give it without --readers, "
    "--dry-run and --watch."
)
NOTHING_NAMED = "Nothing was ingested yet that could be read again. Name files or folders: attune ingest FOLDER"
NOTHING_WATCHED = "No folder was ingested with --watch before. Name one: attune ingest FOLDER --watch"
SKIPPED = "skipped"
ALL_WELL = "Everything is in place."
ALL_WELL_BUT = "Nothing is wrong; the lines with ! are worth a look."


def missing_path(path: str) -> str:
    """A path on the command line does not exist."""
    return f"There is no file or folder {path}."


def crashed(kind: str, trace: str, log: str) -> str:
    """The program itself failed."""
    return f"Attune failed with an unexpected {kind}. Trace id {trace}; the details are in {log}."


def no_log(folder: str) -> str:
    """Not even the log could be written; follows "the details are in"."""
    return f"no log, since {folder} cannot be written"


def ingested(report: IngestReport) -> list[tuple[str, int]]:
    """The rows of the summary."""
    return [
        ("new", len(report.new)),
        ("changed", len(report.changed)),
        ("unchanged", len(report.unchanged)),
        ("removed", len(report.removed)),
        ("skipped, unknown format", len(report.skipped)),
        (REFUSED, len(report.refused)),
        *_seen_by(report),
    ]


def _seen_by(report: IngestReport) -> list[tuple[str, int]]:
    """Only where not everybody may see everything."""
    seen = [(f"seen by {', '.join(readers)}", files) for readers, files in report.readers]
    return [] if report.readers and all(readers == ("everyone",) for readers, _ in report.readers) else seen


def ingested_passages(report: IngestReport) -> str:
    """What the files came to, and how long it took."""
    added, removed = plural(report.passages_added, "passage"), report.passages_removed
    return f"{added} embedded, {report.passages_reused:,} kept, {removed:,} removed, in {report.seconds:.1f} s"


def planned(report: IngestReport) -> list[tuple[str, Sequence[str]]]:
    """What a dry run lists, what matters most last; what is refused follows with its reasons."""
    return [
        ("unchanged", report.unchanged),
        (SKIPPED, report.skipped),
        ("new", report.new),
        ("changed", report.changed),
        ("removed", report.removed),
    ]


def skipped(*, link: bool) -> str:
    """Why a file would be skipped; stands behind its name."""
    return ": a link out of the folder, or to nothing readable" if link else ": unknown format"


def planned_passages(report: IngestReport) -> str:
    """What the files would come to."""
    added, removed = plural(report.passages_added, "passage"), report.passages_removed
    kept = f"{added} to embed, {report.passages_reused:,} to keep, {removed:,} to remove"
    return f"{kept}. This was a dry run: nothing was written."


def more_notes(count: int) -> str:
    """Notes that are not shown."""
    return f"… and {plural(count, 'more note')}"


def checks_failed(count: int) -> str:
    """The last line of `attune doctor` when something is wrong."""
    return f"{plural(count, 'check')} failed; the arrows say what to do."


# Models

LANGUAGE_MODEL, EMBEDDER = "language model", "embedder"
HERE, NOT_HERE = "here", "not here yet"
IN_USE = "in use"
NO_MODELS = "No models are here yet. They are fetched on the first use, or with: attune models pull NAME"


def used_as(role: str) -> str:
    """What a model that may be either is used as."""
    return f"{IN_USE} as {role}"


def on_disk(size: str) -> str:
    """What a model takes on the disk."""
    return f"{size} on the disk"


def shared_file(size: str, base: str) -> str:
    """A model that is another one with an adapter shares its file, which is kept once."""
    return f"{on_disk(size)}, shared with {base}"


def in_memory(size: str) -> str:
    """What a model takes while it runs."""
    return f"{size} of memory"


def model_here(name: str, path: str) -> str:
    """A model is on this machine."""
    return f"{name} is here: {path}"


def model_sound(name: str) -> str:
    """A model's files are what their hashes promise."""
    return f"{name} is sound."


# Serving

NO_PLATFORM = (
    "No platform is configured. Set ATTUNE_TELEGRAM_TOKEN, or ATTUNE_SLACK_BOT_TOKEN with ATTUNE_SLACK_APP_TOKEN; "
    "docs/telegram.md and docs/slack.md say where they come from. To talk in the terminal: attune chat."
)

# The inbox

NO_DEAD_LETTERS = "Nothing was given up."
DEAD_LETTER_HINT = "Try again: attune inbox retry KEY; forget: attune inbox drop KEY; all of them: all"
ASIDE_HINT = (
    "Another version of Attune may have written it. With that version an event can be tried again like what was given "
    "up, and a record counts again by itself. Until then nothing waits for it. It goes when its person asks to be "
    "forgotten; an event also by: attune inbox drop KEY"
)


def inbox_depth(waiting: int, working: int, oldest: float) -> str:
    """How full the inbox is."""
    since = f"; the oldest came {oldest:,.0f} s ago" if waiting or working else ""
    return f"{plural(waiting, 'message')} waiting, {working:,} being answered{since}."


def set_aside(count: int) -> str:
    """Things are kept that cannot be read."""
    return f"{plural(count, 'thing')} {'was' if count == 1 else 'were'} set aside, since this Attune cannot read it:"


def no_dead_letter(key: str) -> str:
    """A key on the command line names nothing that was given up."""
    return f"Nothing that was given up has the key {key}."


def unreadable_letter(key: str) -> str:
    """A key on the command line names something that nobody can put back."""
    return f"What is kept under {key} cannot be read, so that it cannot be put back. Forget it: attune inbox drop {key}"


def dead_letters_handled(count: int, verb: str) -> str:
    """What `retry` and `drop` did."""
    return f"{plural(count, 'message')} {verb}."


# The doctor

ALL_DEFAULTS = "all at their defaults"
NOT_THERE = "this machine has none"
OWN_ADAPTER = "with the adapter that comes with Attune"
NOT_LOOKED = "not looked at before the embedder is here"
NO_REPLY = "does not answer"
REPLIES = "answers"
SLOW_INT8 = "without int8 instructions: answers work, and take longer"
FIX_EVICTION = "Set maxmemory-policy to noeviction in the server's configuration, and maxmemory to what it may take."
FIX_SETTINGS = "Mend the environment or attune.toml."
FIX_DISK = "Make room, or set ATTUNE_HOME to a folder on a larger disk."
FIX_EMPTY = "Bring documents: attune ingest FOLDER"
FIX_OTHERS = "Have all documents embedded anew: attune ingest --rebuild; or set ATTUNE_EMBEDDER to the one of before."
FIX_DEVICE = "Set ATTUNE_DEVICE=auto."
JUDGED = "the model says which passages hold the answer, and those share one prompt"
SHARED = "all passages share one prompt"
FIX_DECODING = "Set ATTUNE_DECODING=stuffed, serve Attune's reader (docs/reader.md), or unset ATTUNE_MODEL_URL."


def served(model: str, url: str, tokens: int) -> str:
    """A model on a server answers."""
    return f"{model} at {url} answers; {tokens:,} tokens"


def adapter_in_use(folder: str) -> str:
    """The adapter of the team's own is merged into the language model."""
    return f"with the adapter {folder}"


def adapter_to_fetch(name: str) -> str:
    """The adapter of the team's own is not on this machine yet."""
    return f"with the adapter {name}, which is fetched at the first use"


def fix_model(name: str) -> str:
    """How a model comes here."""
    return f"Fetched on the first use, or now: attune models pull {name}"


# Documents

WATCHING = "Watching for changes; Ctrl-C ends it."


def watched(report: IngestReport) -> str:
    """What one round of `--watch` did, on one line."""
    counts = (("new", report.new), ("changed", report.changed), ("removed", report.removed), (REFUSED, report.refused))
    named = [f"{len(files):,} {name}" for name, files in counts if files]
    return f"{', '.join(named)}; {ingested_passages(report)}"


def guides_beside(count: int) -> str:
    """Attune's own guides, which `attune sources` does not list one by one."""
    return f"Beside these {plural(count, 'guide')} of Attune itself, for questions about Attune and nothing else."


REMOVE_ASKS = (
    "attune remove asks before it removes anything, and nobody is here to answer. Add --yes, or run it at a terminal."
)
REMOVED_NOTHING = "Nothing was removed."
REMOVED_FILES_STAY = "The files stay where they are; to ingest them again would bring their passages back."
TAUGHT = "taught in a conversation"


def remove_these(documents: int, passages: int) -> str:
    """What is asked before anything is removed."""
    return f"Remove {_these(documents, passages)}? [y/N] "


def removed(documents: int, passages: int) -> str:
    """What was removed."""
    return f"Removed {_these(documents, passages)}, and what was kept of {'it' if documents == 1 else 'them'}."


def records_go(places: Sequence[str]) -> str:
    """What was decided of folders and files goes with their documents."""
    return f"Who may see what is in {', '.join(places)} is forgotten, too."


def _these(documents: int, passages: int) -> str:
    return f"{plural(documents, 'document')} ({plural(passages, 'passage')})"


def more_documents(count: int) -> str:
    """Documents that are not listed."""
    return f"… and {plural(count, 'more document')}"


# Backups

SETTINGS_OF_BACKUP = "# What was set when the backup was made: compare it with attune.toml and the environment."
RESTORE_ALONE = (
    "Another attune process is running over this data. End it first (attune serve, worker, chat), then restore."
)
RESTORED_NOTHING = "Nothing was restored."
RESTORED_WITHOUT_INDEX = (
    "The backup has no index. Read the documents again, for whom they were: attune ingest --rebuild"
)


def backed_up(file: str, size: int, counts: Counts) -> str:
    """What a backup holds."""
    passages = "without the index" if counts.passages is None else plural(counts.passages, "passage")
    held = f"{plural(counts.keys, 'record')} of the memory, {plural(counts.lessons, 'lesson')}, {passages}"
    return f"{file} holds {held}; {size / 1e6:,.1f} MB. Secrets are not in it; what people wrote is: keep it safe."


def restored(counts: Counts) -> str:
    """What came back."""
    passages = "" if counts.passages is None else f", {plural(counts.passages, 'passage')}"
    return f"Restored {plural(counts.keys, 'record')} of the memory, {plural(counts.lessons, 'lesson')}{passages}."


def restored_settings(file: str) -> str:
    """Settings are not put in force by a restoring."""
    return f"The settings of the backup stand in {file}; compare them with yours, and set the secrets again."


def restore_used(folder: str) -> str:
    """A restoring would replace something, and nobody is there to be asked."""
    return (
        f"{folder}, or a store that is set, holds data already, all of which the backup would replace. Set ATTUNE_HOME "
        "to an empty folder, or add --force."
    )


def restore_over(folder: str) -> str:
    """What is asked before something is replaced."""
    return f"{folder}, or a store that is set, holds data already. Replace all of it? [y/N] "


def secret_left_out(name: str) -> str:
    """A line of a backup's settings."""
    return f"# {name} was set, and is no part of a backup."


NO_GAPS = "No question went unanswered."


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, roughly; an em dash for never."""
    if moment is None:
        return "—"
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{plural(seconds // length, unit)} ago"
    return "just now"


def gap_counts(questions: int, people: int) -> str:
    """How often and by how many something was asked in vain."""
    return f" asked {plural(questions, 'time')} by {people:,} {'person' if people == 1 else 'people'}"


def gap_nearest(titles: Sequence[str]) -> str:
    """What came closest to an unanswered question."""
    return f"closest: {', '.join(titles)}"


def more_gaps(count: int) -> str:
    """Groups that are not shown."""
    return f"… and {count:,} more; --json shows all."


# Who gets in

NOBODY_PAIRED = "Nobody was let in by a code yet. `attune pair` makes one."


def pair_with(code: str, *, operator: bool) -> str:
    """A new code, and what to do with it."""
    becomes = " and makes them an operator" if operator else ""
    return (
        f"{code}\n"
        f"It lets one person in{becomes}: they write the bot /pair {code} within half an hour, in a private chat."
    )


def unpaired(person: str) -> str:
    """A pairing was taken back."""
    return f"{person} is not let in by a code any more. (The list in ATTUNE_ALLOW may still name them.)"


def not_paired(person: str) -> str:
    """There is no such pairing."""
    return f"{person} was not let in by a code. `attune pair --list` shows who was."


def embedded_by_others(share: float) -> str:
    """Some documents have vectors that cannot be compared with a question's."""
    return f"{max(1, round(100 * share))} % of the documents embedded by another model than ATTUNE_EMBEDDER names"


def confined(on: Sequence[str], off: Mapping[str, str]) -> str:
    """What shuts in the process that parses, and what of it this system does not have."""
    layers = ["limits of memory and time", *on]
    by = " and ".join((", ".join(layers[:-1]), layers[-1])) if on else layers[0]
    without = "; ".join(f"{layer}: {reason}" for layer, reason in off.items())
    return f"shut in by {by}{f' (not by {without})' if without else ''}"


def fix_confinement(on: Sequence[str]) -> str:
    """What a document that takes over its parser could do, and what helps."""
    could = [
        *([] if {"namespaces", "Landlock"} & set(on) else ["read the files that Attune can read"]),
        *([] if "seccomp" in on else ["disturb other processes of this user"]),
        *([] if {"namespaces", "seccomp"} & set(on) else ["send what it read elsewhere"]),
    ]
    return (
        f"A file that takes over its parser could {' and '.join(could)}. Bring files of people you trust, or use Linux "
        "5.13 or newer with Landlock and seccomp; in a container, its security profile has to allow them."
    )


def evicts(policy: str) -> str:
    """A server that makes room by itself when it is full."""
    return f"{REPLIES}, but with maxmemory-policy {policy} it throws away messages and history when it is full"


def kept_of_people(kept: Footprint, days: int) -> str:
    """How much is kept of how many people, and how long."""
    stay = f"for {plural(days, 'day')}" if days else "for ever"
    if not kept.people:
        return f"nothing is kept of anybody yet; what is will stay {stay} (ATTUNE_KEEP)"
    people = "1 person" if kept.people == 1 else f"{kept.people:,} people"
    some = "" if kept.whole else "some of the keys looked at: "
    each = f"{_kilobytes(kept.median)} of one in the middle, {_kilobytes(kept.most)} at most"
    return f"{some}{people}, {each}, kept {stay} (ATTUNE_KEEP)"


def _kilobytes(count: int) -> str:
    return f"{count / 1000:,.1f} kB"
