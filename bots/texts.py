"""Every sentence a person can read in a conversation, in one place; `operator_texts.py` has those of the command.

Constants where nothing varies, small functions where something does. Replies are Markdown. The functions speak the
language of whoever is spoken to; a constant is translated where it is said. `{cmd}` is what commands begin with.
Knows nothing of platforms, of how a sentence is laid out, or of when it is said. (Sentences about a bad
setting, model or document come with the errors of `core`, which know the fix.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bots.command_table import Command
from bots.language import command, counted, plural, translated
from core.people.interests import Reason

# While an answer is made

SEARCHING = "Searching your documents…"
STOPPED = "Stopped."


def reading_passages(count: int, titles: list[str]) -> str:
    """How many passages are read, and from which documents."""
    passages = counted(count, "{count} passage", "{count} passages")
    return translated("Reading {passages}: {titles}…", passages=passages, titles=", ".join(titles))


def reading_portion(number: int, total: int) -> str:
    """How far the reading is of what is too much to be read at once."""
    return translated("Reading part {number} of {total}…", number=number, total=total)


def queued(ahead: int) -> str:
    """How many answers have to make room first."""
    return counted(ahead, "Waiting for {count} other answer to finish…", "Waiting for {count} other answers to finish…")


# Answers

SOURCES = "Sources"
NEAREST = "The closest I could find:"
LEFT_OUT = "I left out part of this answer, because the documents don't back it up."
UNREAD = "This was too long for me to read as a whole. Sections that I didn't read: {count}."
QUOTE_CUT = "What you ask about is long: only its first {count:,} characters were read."
IN_ENGLISH = "I search well in English only here. Try asking in English."
PAGE = "page"
PAGES = {".pptx": "slide", ".ipynb": "cell", ".epub": "chapter"}  # what else is counted; the others have pages
CUT = "\n\n… (The rest is too long to show.)"


def on_page(path: str, page: int) -> str:
    """Where a source stands in a format that has pages, slides or cells."""
    unit = next((name for suffix, name in PAGES.items() if path.lower().endswith(suffix)), PAGE)
    return f"{path}, {translated(unit)} {page}"


# Messages that are no questions

COURTESY = "You're welcome!"
NOTHING_ASKED = "You haven't asked me anything in this conversation yet."
ASKED_BEFORE = "Here's what you've asked me, most recent last:"
SHOWN_QUESTIONS = 5


def asked_before(questions: Sequence[str]) -> str:
    """What somebody asked in this conversation."""
    if not questions:
        return translated(NOTHING_ASKED)
    lines = (f"- {escaped(question)}" for question in questions[-SHOWN_QUESTIONS:])
    return "\n".join([translated(ASKED_BEFORE), "", *lines])


# Texts

WRITE_WHAT = (
    "What should I write? For example: `{cmd}write an e-mail to a new colleague about laptops`, `{cmd}write a "
    "checklist for the first day`, `{cmd}write a summary of the travel guide in five bullets`. Then say “shorter”, "
    "“more formal” or “in German”."
)
NOTHING_TO_CHANGE = (
    "I have no answer in this conversation yet that I could change. Ask me something first; in Slack, write below the "
    "answer, in its thread."
)
TEXT_GONE = "I don't have that text here any more. Please ask me for it again."
COPY = "Copy"
SHORTER = "Shorter"
LONGER = "Longer"
MORE_FORMAL = "More formal"


def answers_in(language: str) -> str:
    """Somebody wants to be answered in a language, and has asked nothing yet."""
    return translated(
        "Ask me your question first. To get all my answers in that language, write `{cmd}prefs language {language}`.",
        language=language,
    )


# Commands

HELP_INTRO = (
    "Ask me anything about your documents. I answer from them and show you where I found it. These commands work too:"
)
HELP_HINT = "If a message starts with `/` but isn't a command, I take it as a question."
PREFS_HINT = (
    "Change one with `{cmd}prefs length short`, or tell me in your own words: `{cmd}prefs like …`, "
    "`{cmd}prefs avoid …`, `{cmd}prefs say …`. `{cmd}prefs undo` takes back the last change, `{cmd}prefs reset` "
    "restores the default choices."
)
PREFS_RESET = "Done. All choices are back to their defaults."
BEGUN_ANEW = "OK, let's start over. I won't use anything said here before."
FORGET_CONFIRM = (
    "This deletes your preferences and every question and answer of yours that I remember. It can't be undone. "
    "To go ahead, write `{cmd}forget everything`."
)
FORGOTTEN = "Done. I've forgotten your preferences, your questions and my answers to them."
AND, OR = "and", "or"
_MARKS = re.compile(r"([\\`*_\[\]<>&~|#])")


def escaped(text: str) -> str:
    """What a person or a document wrote, as text within Markdown."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def help_shown(commands: Iterable[Command], hint: str) -> str:
    """What can be done."""
    lines = (f"- `{command(one.name)}`: {translated(one.summary)}" for one in commands)
    return "\n".join([translated(HELP_INTRO), "", *lines, "", translated(hint)])


def preference_line(name: str, values: Iterable[str], chosen: str) -> str:
    """One preference with all its values, the chosen one in bold."""
    shown = " · ".join(f"**{value}**" if value == chosen else value for value in values)
    return f"- {name}: {shown}"


def preference_saved(name: str, value: str) -> str:
    """A preference was changed."""
    return translated("Done. Your {name} setting is now **{value}**.", name=name, value=value)


def preference_unchanged(name: str, value: str) -> str:
    """A preference already had the value asked for."""
    return translated("Your {name} setting is already **{value}**.", name=name, value=value)


def preference_shown(name: str, value: str, values: Iterable[str]) -> str:
    """A preference was named without a value."""
    return translated(
        "Your {name} setting is **{value}**. You can choose {values}.", name=name, value=value, values=_one_of(values)
    )


def bad_preference(given: str, names: Iterable[str], near: str | None) -> str:
    """A preference that does not exist."""
    hint = translated("There's no preference called `{given}`.", given=given)
    return f"{hint} {_meant(command(f'prefs {near}')) if near else _known(names)}"


def bad_value(name: str, given: str, values: Iterable[str]) -> str:
    """A value that a preference cannot have."""
    if name == "language":
        return translated(
            "`{given}` isn't a language I know. You can choose {values}.", given=given, values=_one_of(values)
        )
    return translated(
        "`{given}` isn't a choice for {name}. You can choose {values}.", given=given, name=name, values=_one_of(values)
    )


def unknown_command(given: str, known: Iterable[str], near: str | None) -> str:
    """A command that does not exist."""
    hint = translated("There's no command `{cmd}{given}`.", given=given)
    return f"{hint} {_meant(command(near)) if near else _known(map(command, known))}"


def _meant(near: str) -> str:
    return translated("Did you mean `{near}`?", near=near)


def _known(names: Iterable[str]) -> str:
    return translated("The choices are {names}.", names=_listed(names, translated(AND)))


def _one_of(values: Iterable[str]) -> str:
    return _listed(values, translated(OR))


def listed(values: Iterable[str]) -> str:
    """What is listed in a sentence, with an "and"."""
    return _joined(list(values), translated(AND))


def _listed(values: Iterable[str], word: str) -> str:
    return _joined([f"`{value}`" for value in values], word)


def _joined(values: Sequence[str], word: str) -> str:
    *rest, last = values
    return f"{', '.join(rest)} {word} {last}" if rest else last


# When something is wrong

EMPTY_QUESTION = "Your message is empty. What would you like to know?"


def store_down(trace: str) -> str:
    """A store does not answer, so neither search nor memory work."""
    return translated(
        "I can't reach my documents and conversations right now. Please try again in a minute. "
        "If that doesn't help, give your operator this code: `{trace}`",
        trace=trace,
    )


def model_down(trace: str) -> str:
    """The server with the language model does not answer, or broke off."""
    return translated(
        "The language model isn't responding right now. Please try again in a minute. "
        "If that doesn't help, give your operator this code: `{trace}`",
        trace=trace,
    )


def operator_needed(trace: str) -> str:
    """The operator has something to mend; the details stand in the log."""
    return translated("Something in my setup needs fixing. Please give your operator this code: `{trace}`", trace=trace)


def unexpected(trace: str) -> str:
    """A mistake of ours."""
    return translated(
        "Something went wrong on my side, and I couldn't finish. Your operator can find it in the log under `{trace}`.",
        trace=trace,
    )


# The console


def welcome(version: str, model: str, passages: int, documents: int, server: str | None) -> str:
    """The first line of a conversation; `server` is where the model is, if not here."""
    held = f"{plural(documents, 'document')} ({plural(passages, 'passage')})"
    reach = f"questions and passages go to {server}" if server else "nothing leaves this machine"
    return f"**Attune {version}** · {model} · {held} · {reach}"


WELCOME_EMPTY = "There are no documents yet. Leave with Ctrl-D and run `attune ingest FOLDER`."
OPENING = "Opening the model…"
WELCOME_EARLY = "The model is still opening: type your question meanwhile."
WELCOME_HINT = "Ask away. /help lists commands, Ctrl-C stops an answer, Ctrl-D leaves."
QUIT_HINT = "There's nothing to stop. Type /quit or press Ctrl-D to leave."


def ingested_own(guides: int, passages: int) -> str:
    """The first start has no documents, so that Attune begins with its own."""
    return (
        f"No documents yet, so I've read Attune's README and {plural(guides, 'guide')} "
        f"({plural(passages, 'passage')}). Add yours with: attune ingest FOLDER"
    )


# While serving

HURRIED = "That's more than I can take in at once. Please wait a minute, then ask again."
CROWDED = "Too many questions are waiting already, so I couldn't take this one. Please ask again in a few minutes."
STOPPED_WAITING = "Stopped before I began."


def in_line(ahead: int) -> str:
    """A message has waited for a while, and nobody could begin with it."""
    if not ahead:
        return translated("I'm busy. You're next…")
    before = counted(ahead, "{count} question", "{count} questions")
    return translated("I'm busy. {questions} ahead of yours…", questions=before)


def took_too_long(trace: str) -> str:
    """An answer did not come to an end."""
    return translated(
        "This took too long, so I gave up. Please ask again. "
        "If it keeps happening, give your operator this code: `{trace}`",
        trace=trace,
    )


def given_up(trace: str) -> str:
    """A message ended the program again and again."""
    return translated(
        "I tried this message several times and failed each time, so I've set it aside. "
        "Your operator can find it in the log under `{trace}`.",
        trace=trace,
    )


# Buttons and panels

WHY = "Why this?"
PLAIN = "Without my preferences"
ASKERS_ONLY = "Only the person who asked can do that. Ask me yourself, and you'll get your own answer."
REASONS_TITLE = "What was wrong?"
REASONS: Mapping[Reason, str] = {
    Reason.WRONG: "It's wrong",
    Reason.TOO_LONG: "Too long",
    Reason.TOO_SHORT: "Too short",
    Reason.NOT_MY_TOPIC: "Not my topic",
    Reason.OUTDATED: "Outdated",
    Reason.NOT_IN_DOCUMENTS: "Not in the documents",
}
PREFS_TITLE = "How I answer you"
LEARNED_TITLE = "What I've learned about you"
PAUSE = "Pause learning"
RESUME = "Resume learning"
EXPORT = "Export my data"
UNDO = "Undo last change"
FORGET = "Forget everything"
FORGET_QUESTION = (
    "This deletes everything I remember about you: your preferences, what I've learned, your questions and my answers. "
    "It can't be undone."
)
FORGET_YES = "Yes, forget everything"
CANCEL = "Cancel"
NAMES: Mapping[str, str] = {
    "length": "Length",
    "tone": "Tone",
    "format": "Format",
    "level": "Level",
    "language": "Language",
    "sources": "Sources",
    "strength": "Strength of what I've learned",
    "learning": "Learning from what you do",
    "share": "Taste shared with similar teammates",
}
VALUES: Mapping[str, str] = {
    "short": "short",
    "normal": "normal",
    "detailed": "detailed",
    "plain": "plain",
    "friendly": "friendly",
    "formal": "formal",
    "prose": "prose",
    "bullets": "bullet points",
    "steps": "steps",
    "beginner": "beginner",
    "practitioner": "practitioner",
    "expert": "expert",
    "full": "full",
    "compact": "compact",
    "off": "off",
    "on": "on",
    "paused": "paused",
    "auto": "same as the question",
}


def value_name(value: str) -> str:
    """A value of a preference, in words; the name of a language stays as it is."""
    return translated(VALUES.get(value, value))


# Teaching

OFFER = "Should I learn **{name}**? Choose who may get answers from it."
READERS: Mapping[str, str] = {"me": "Only me", "chat": "Everyone in this chat", "everyone": "Everyone"}
FOR_READERS: Mapping[str, str] = {"me": "only you", "chat": "everyone in this chat", "everyone": "everyone"}
READING = "Reading **{name}**…"
LEARNED = "Done. I've learned **{name}**, for {who}. You can ask me about it right away."
UNLEARNED = "Done. I've forgotten **{name}**, and no answer uses it any more."
RELEARNED = "**{name}** is back."
UNLEARN = "Forget it"
RELEARN = "Bring it back"
UNLEARN_WHICH = "What should I forget?"
NOTHING_TAUGHT = "You haven't taught me anything that I could forget."
NOT_READABLE = (
    "I can't read **{name}**, because I don't know its format. Save it as PDF, DOCX or text and send it again."
)
TOO_LARGE = "**{name}** is too large: I can read at most 20 MB. Make it smaller, or ask an operator to add it for you."
CANNOT_LEARN = (
    "I couldn't learn that, because something in my setup needs fixing. Please give your operator this code: `{trace}`"
)
FILE_GONE = "That file is no longer there. Please share it again."
FILE_ELSEWHERE = "That file is stored somewhere else, so I won't fetch it. Please send me the file itself."
NOTHING_TO_LEARN = "There's no text in it that I could learn."
NOT_FOR_EVERYONE = "Only operators can teach me something for everyone. Choose yourself or this chat instead."
NO_TEACHER = "I can't learn anything here. Please ask your operator."

# Who gets in, and operators

PAIRED = "Welcome, you're in! Ask me anything about your documents."
PAIRED_OPERATOR = "Welcome, you're in, and you're an operator! Ask me anything about your documents."
OPERATORS_ONLY = "Only operators can do that."
ONLY_IN_PRIVATE = "Please ask me that in private, because everyone can read this chat."
OPERATOR_LISTS: Mapping[str, tuple[str, str]] = {  # a title, and what is said where there is nothing to list
    "gaps": ("Unanswered questions", "No question has gone unanswered so far."),
    "usage": ("Most used documents", "No answer has used a document so far."),
    "inbox": ("Messages I gave up on (`attune inbox` lists and retries them)", "I haven't given up on any message."),
}
AND_MORE = "… and {count} more."
NOTHING_TO_STOP = "There's no answer to stop."
