"""Every sentence a person can read, in one place.

Constants where nothing varies, small functions where something does. Replies are Markdown.
Knows nothing of platforms, of how a sentence is laid out, or of when it is said. (Sentences about a bad
setting, model or document come with the errors of `core`, which know the fix.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.documents.tally import IngestReport  # with its parsers, it would slow down `attune --help`

# While an answer is made

SEARCHING = "Searching your documents…"
STOPPED = "Stopped."


def reading_passages(count: int, titles: list[str]) -> str:
    """How many passages are read, and from which documents."""
    return f"Reading {plural(count, 'passage')}: {', '.join(titles)}…"


def queued(ahead: int) -> str:
    """How many answers have to make room first."""
    return f"Waiting for {plural(ahead, 'other answer')}…"


# Answers

SOURCES = "Sources"
NEAREST = "The closest I have:"
DOUBTFUL = "Careful: parts of this stand in none of the passages I read."
PAGES = {".pptx": "slide", ".ipynb": "cell", ".epub": "chapter"}  # what else is counted; the others have pages
CUT = "\n\n… (cut here: the answer is too long to show)"


def on_page(path: str, page: int) -> str:
    """Where a source stands in a format that has pages, slides or cells."""
    unit = next((name for suffix, name in PAGES.items() if path.lower().endswith(suffix)), "page")
    return f"{path}, {unit} {page}"


# Commands

HELP_INTRO = "Ask me anything about your documents, and I answer from them and say where it stands. I also know:"
HELP_HINT = "A message that begins with `/` and is no command is a question like any other."
PREFS_HINT = "Change one with `/prefs length short`; `/prefs reset` puts everything back."
PREFS_RESET = "Done: every preference is back to its default."
FORGET_CONFIRM = (
    "This removes your preferences and every question and answer I remember of you. It cannot be undone. "
    "To go ahead, write `/forget everything`."
)
FORGOTTEN = "Done: your preferences, your questions and my answers to them are forgotten."

SUMMARIES: Mapping[str, str] = {
    "help": "what I can do",
    "prefs": "how I answer you: length, tone and format",
    "forget": "remove everything I remember of you",
    "quit": "leave (Ctrl-D does the same)",
}


def plural(count: int, noun: str) -> str:
    """`count` with its noun: 1 passage, 2 passages, 1,024 passages."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def command_line(name: str) -> str:
    """One command in the help."""
    return f"- `/{name}`: {SUMMARIES[name]}"


def preference_line(name: str, values: Iterable[str], chosen: str) -> str:
    """One preference with all its values, the chosen one in bold."""
    shown = " · ".join(f"**{value}**" if value == chosen else value for value in values)
    return f"- {name}: {shown}"


def preference_saved(name: str, value: str) -> str:
    """A preference was changed."""
    return f"Done: {name} is now **{value}**."


def preference_unchanged(name: str, value: str) -> str:
    """A preference already had the value asked for."""
    return f"Your {name} is **{value}** already."


def preference_shown(name: str, value: str, values: Iterable[str]) -> str:
    """A preference was named without a value."""
    return f"Your {name} is **{value}**. It can be {_one_of(values)}."


def bad_preference(given: str, names: Iterable[str], near: str | None) -> str:
    """A preference that does not exist."""
    hint = f"Did you mean `/prefs {near}`?" if near else f"There are {_all_of(names)}."
    return f"There is no preference `{given}`. {hint}"


def bad_value(name: str, given: str, values: Iterable[str]) -> str:
    """A value that a preference cannot have."""
    return f"`{given}` is no {name}. It can be {_one_of(values)}."


def unknown_command(given: str, known: Iterable[str], near: str | None) -> str:
    """A command that does not exist."""
    hint = f"Did you mean `/{near}`?" if near else f"There are {_all_of(f'/{name}' for name in known)}."
    return f"There is no command `/{given}`. {hint}"


def _one_of(values: Iterable[str]) -> str:
    return _listed(values, "or")


def _all_of(values: Iterable[str]) -> str:
    return _listed(values, "and")


def _listed(values: Iterable[str], word: str) -> str:
    *rest, last = [f"`{value}`" for value in values]
    return f"{', '.join(rest)} {word} {last}" if rest else last


# When something is wrong

EMPTY_QUESTION = "That message has no text in it. What would you like to know?"


def store_down(trace: str) -> str:
    """A store does not answer, so neither search nor memory work."""
    return (
        "The place where I keep documents and conversations does not answer right now. "
        f"Please try again in a minute; if it stays so, tell your operator `{trace}`."
    )


def model_down(trace: str) -> str:
    """The server with the language model does not answer, or broke off."""
    return (
        "The language model does not answer right now. "
        f"Please try again in a minute; if it stays so, tell your operator `{trace}`."
    )


def operator_needed(trace: str) -> str:
    """The operator has something to mend; the details stand in the log."""
    return f"Something in my set-up needs your operator. Please tell them `{trace}`: the log says the rest."


def unexpected(trace: str) -> str:
    """A mistake of ours."""
    return f"Something went wrong on my side, and I could not finish. The log has it under `{trace}`."


# The console


def welcome(version: str, model: str, passages: int, documents: int, server: str | None) -> str:
    """The first line of a conversation; `server` is where the model is, if not here."""
    held = f"{plural(documents, 'document')} ({plural(passages, 'passage')})"
    reach = f"questions and passages go to {server}" if server else "nothing leaves this machine"
    return f"**Attune {version}** · {model} · {held} · {reach}"


WELCOME_EMPTY = "There are no documents yet: leave with Ctrl-D and run `attune ingest FOLDER`."
WELCOME_HINT = "Ask away. /help lists commands, Ctrl-C stops an answer, Ctrl-D leaves."
QUIT_HINT = "Nothing to stop. /quit or Ctrl-D leaves."


def ingested_own(names: list[str], passages: int) -> str:
    """The first start has no documents, so that Attune begins with its own."""
    return (
        f"No documents yet, so I read Attune's own {_plain_list(names)} ({plural(passages, 'passage')}). "
        "Bring yours with: attune ingest FOLDER"
    )


def _plain_list(values: list[str]) -> str:
    return " and ".join(values)


# The `attune` command

PREPARING = "Opening models and stores…"
LOOKING = "Looking for documents"
REFUSED = "refused"
NOTHING_INGESTED = "Nothing could be ingested."
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


def more_notes(count: int) -> str:
    """Notes that are not shown."""
    return f"… and {plural(count, 'more note')}"


def checks_failed(count: int) -> str:
    """The last line of `attune doctor` when something is wrong."""
    return f"{plural(count, 'check')} failed; the arrows say what to do."


# Models

YES, NO = "yes", "no"
NO_MODELS = "No models are here yet. They are fetched on the first use, or with: attune models pull NAME"


def model_here(name: str, path: str) -> str:
    """A model is on this machine."""
    return f"{name} is here: {path}"


def model_sound(name: str) -> str:
    """A model's files are what their hashes promise."""
    return f"{name} is sound."


# The doctor

ALL_DEFAULTS = "all at their defaults"
NOT_HERE = "not here yet"
NOT_THERE = "this machine has none"
NOT_LOOKED = "not looked at before the embedder is here"
NO_REPLY = "does not answer"
REPLIES = "answers"
SLOW_INT8 = "without int8 instructions: answers work, and take longer"
FIX_SETTINGS = "Mend the environment or attune.toml."
FIX_DISK = "Make room, or set ATTUNE_HOME to a folder on a larger disk."
FIX_EMPTY = "Bring documents: attune ingest FOLDER"
FIX_DEVICE = "Set ATTUNE_DEVICE=auto."
RESCORES = "returns log-probabilities of a prompt, as sequence needs"
RESCORES_NOT = "returns no log-probabilities of a prompt"
TOKEN_NOT = "token needs a model on this machine, so several passages share one prompt"  # noqa: S105
FIX_DECODING = "Several passages share one prompt instead. Set ATTUNE_DECODING=stuffed, or use a server such as vLLM."
FIX_TOKEN = "Set ATTUNE_DECODING=stuffed or sequence, or unset ATTUNE_MODEL_URL."  # noqa: S105


def served(model: str, url: str, tokens: int) -> str:
    """A model on a server answers."""
    return f"{model} at {url} answers; {tokens:,} tokens"


def fix_model(name: str) -> str:
    """How a model comes here."""
    return f"Fetched on the first use, or now: attune models pull {name}"
