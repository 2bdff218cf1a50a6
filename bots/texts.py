"""Every sentence a person can read in a conversation, in one place; `operator_texts.py` has those of the command.

Constants where nothing varies, small functions where something does. Replies are Markdown. The functions speak the
language of whoever is spoken to; a constant is translated where it is shown.
Knows nothing of platforms, of how a sentence is laid out, or of when it is said. (Sentences about a bad
setting, model or document come with the errors of `core`, which know the fix.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bots.language import counted, translated

# While an answer is made

SEARCHING = "Searching your documents…"
STOPPED = "Stopped."


def reading_passages(count: int, titles: list[str]) -> str:
    """How many passages are read, and from which documents."""
    passages = counted(count, "{count} passage", "{count} passages")
    return translated("Reading {passages}: {titles}…", passages=passages, titles=", ".join(titles))


def queued(ahead: int) -> str:
    """How many answers have to make room first."""
    return counted(ahead, "Waiting for {count} other answer…", "Waiting for {count} other answers…")


# Answers

SOURCES = "Sources"
NEAREST = "The closest I have:"
LEFT_OUT = "Part of this answer was left out: it named something that the documents don't say."
PAGE = "page"
PAGES = {".pptx": "slide", ".ipynb": "cell", ".epub": "chapter"}  # what else is counted; the others have pages
CUT = "\n\n… (cut here: the answer is too long to show)"


def on_page(path: str, page: int) -> str:
    """Where a source stands in a format that has pages, slides or cells."""
    unit = next((name for suffix, name in PAGES.items() if path.lower().endswith(suffix)), PAGE)
    return f"{path}, {translated(unit)} {page}"


# Messages that are no questions

COURTESY = "Glad to. Ask me whenever you like."
NOTHING_ASKED = "You have not asked me anything in this conversation yet."
ASKED_BEFORE = "You asked me, the latest last:"
SHOWN_QUESTIONS = 5


def asked_before(questions: Sequence[str]) -> str:
    """What somebody asked in this conversation."""
    if not questions:
        return translated(NOTHING_ASKED)
    lines = (f"- {escaped(question)}" for question in questions[-SHOWN_QUESTIONS:])
    return "\n".join([translated(ASKED_BEFORE), "", *lines])


# Commands

HELP_INTRO = "Ask me anything about your documents, and I answer from them and say where it stands. I also know:"
HELP_HINT = "A message that begins with `/` and is no command is a question like any other."
PREFS_HINT = (
    "Change one with `/prefs length short`, or use your words: `/prefs like …`, `/prefs avoid …`, `/prefs say …`. "
    "`/prefs undo` takes the last change back, `/prefs reset` puts the choices back."
)
PREFS_RESET = "Done: every preference is back to its default."
BEGUN_ANEW = "Done: what you ask now has nothing to do with what was said before."
FORGET_CONFIRM = (
    "This removes your preferences and every question and answer I remember of you. It cannot be undone. "
    "To go ahead, write `/forget everything`."
)
FORGOTTEN = "Done: your preferences, your questions and my answers to them are forgotten."
AND, OR = "and", "or"
_MARKS = re.compile(r"([\\`*_\[\]<>])")

SUMMARIES: Mapping[str, str] = {
    "help": "what I can do",
    "prefs": "how I answer you, and what I have learned of you",
    "why": "why my last answer is as it is",
    "plain": "the same question again, without personalisation",
    "recommend": "documents that you may care about",
    "new": "begin a new conversation",
    "open": "a source of my last answer: /open 1",
    "forget": "remove everything I remember of you",
    "quit": "leave (Ctrl-D does the same)",
    "stop": "stop the answer",
    "learn": "learn a message: reply to it with this",
    "unlearn": "forget something that you taught me",
    "private": "answer a question from a group in private",
}


def plural(count: int, noun: str) -> str:
    """`count` with its noun: 1 passage, 2 passages, 1,024 passages."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def escaped(text: str) -> str:
    """What a person or a document wrote, as text within Markdown."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def help_shown(names: Iterable[str]) -> str:
    """What can be done."""
    return "\n".join([translated(HELP_INTRO), "", *(command_line(name) for name in names), "", translated(HELP_HINT)])


def command_line(name: str) -> str:
    """One command in the help."""
    return f"- `/{name}`: {translated(SUMMARIES[name])}"


def preference_line(name: str, values: Iterable[str], chosen: str) -> str:
    """One preference with all its values, the chosen one in bold."""
    shown = " · ".join(f"**{value}**" if value == chosen else value for value in values)
    return f"- {name}: {shown}"


def preference_saved(name: str, value: str) -> str:
    """A preference was changed."""
    return translated("Done: {name} is now **{value}**.", name=name, value=value)


def preference_unchanged(name: str, value: str) -> str:
    """A preference already had the value asked for."""
    return translated("Your {name} is **{value}** already.", name=name, value=value)


def preference_shown(name: str, value: str, values: Iterable[str]) -> str:
    """A preference was named without a value."""
    return translated("Your {name} is **{value}**. It can be {values}.", name=name, value=value, values=_one_of(values))


def bad_preference(given: str, names: Iterable[str], near: str | None) -> str:
    """A preference that does not exist."""
    hint = translated("There is no preference `{given}`.", given=given)
    return f"{hint} {_meant(f'/prefs {near}') if near else _known(names)}"


def bad_value(name: str, given: str, values: Iterable[str]) -> str:
    """A value that a preference cannot have."""
    return translated("`{given}` is no {name}. It can be {values}.", given=given, name=name, values=_one_of(values))


def unknown_command(given: str, known: Iterable[str], near: str | None) -> str:
    """A command that does not exist."""
    hint = translated("There is no command `/{given}`.", given=given)
    return f"{hint} {_meant(f'/{near}') if near else _known(f'/{name}' for name in known)}"


def _meant(near: str) -> str:
    return translated("Did you mean `{near}`?", near=near)


def _known(names: Iterable[str]) -> str:
    return translated("There are {names}.", names=_listed(names, translated(AND)))


def _one_of(values: Iterable[str]) -> str:
    return _listed(values, translated(OR))


def _listed(values: Iterable[str], word: str) -> str:
    *rest, last = [f"`{value}`" for value in values]
    return f"{', '.join(rest)} {word} {last}" if rest else last


# When something is wrong

EMPTY_QUESTION = "That message has no text in it. What would you like to know?"


def store_down(trace: str) -> str:
    """A store does not answer, so neither search nor memory work."""
    return translated(
        "The place where I keep documents and conversations does not answer right now. "
        "Please try again in a minute; if it stays so, tell your operator `{trace}`.",
        trace=trace,
    )


def model_down(trace: str) -> str:
    """The server with the language model does not answer, or broke off."""
    return translated(
        "The language model does not answer right now. "
        "Please try again in a minute; if it stays so, tell your operator `{trace}`.",
        trace=trace,
    )


def operator_needed(trace: str) -> str:
    """The operator has something to mend; the details stand in the log."""
    return translated(
        "Something in my set-up needs your operator. Please tell them `{trace}`: the log says the rest.", trace=trace
    )


def unexpected(trace: str) -> str:
    """A mistake of ours."""
    return translated(
        "Something went wrong on my side, and I could not finish. The log has it under `{trace}`.", trace=trace
    )


# The console


def welcome(version: str, model: str, passages: int, documents: int, server: str | None) -> str:
    """The first line of a conversation; `server` is where the model is, if not here."""
    held = f"{plural(documents, 'document')} ({plural(passages, 'passage')})"
    reach = f"questions and passages go to {server}" if server else "nothing leaves this machine"
    return f"**Attune {version}** · {model} · {held} · {reach}"


WELCOME_EMPTY = "There are no documents yet: leave with Ctrl-D and run `attune ingest FOLDER`."
WELCOME_HINT = "Ask away. /help lists commands, Ctrl-C stops an answer, Ctrl-D leaves."
QUIT_HINT = "Nothing to stop. /quit or Ctrl-D leaves."


def ingested_own(guides: int, passages: int) -> str:
    """The first start has no documents, so that Attune begins with its own."""
    return (
        f"No documents yet, so I read Attune's README and {plural(guides, 'guide')} ({plural(passages, 'passage')}). "
        "Bring yours with: attune ingest FOLDER"
    )


# While serving

HURRIED = "That is more than I can take in at once. Please give me a minute, then ask again."
CROWDED = "Too many questions are waiting already, so I did not take this one. Please ask again in a few minutes."
STOPPED_WAITING = "Stopped. I had not begun."


def in_line(ahead: int) -> str:
    """A message has waited for a while, and nobody could begin with it."""
    if not ahead:
        return translated("I am busy. Yours is next…")
    before = counted(ahead, "{count} question", "{count} questions")
    return translated("I am busy. {questions} before yours…", questions=before)


def took_too_long(trace: str) -> str:
    """An answer did not come to an end."""
    return translated(
        "This took too long, so I gave up. Please ask again; if it stays so, tell your operator `{trace}`.", trace=trace
    )


def given_up(trace: str) -> str:
    """A message ended the program again and again."""
    return translated(
        "I tried this message several times and failed each time, so I put it aside. "
        "Your operator can look at it under `{trace}`.",
        trace=trace,
    )
