"""Every sentence that only people in Telegram read, in English; catalogues in `bots/locale` have other languages.

A constant is the name of its translation too. What all platforms say is in `bots/texts.py`. Knows nothing of Telegram's
methods, or of when a sentence is said. Replies are Markdown; what stands on buttons and in menus is plain.
"""

from __future__ import annotations

from collections.abc import Mapping

from bots.language import catalogue
from core.people.interests import Reason

# The menu of commands

COMMANDS: Mapping[str, str] = {
    "help": "what I can do",
    "new": "begin a new conversation",
    "prefs": "how I answer you, and what I learned of you",
    "why": "why the last answer is as it is",
    "recommend": "what may interest you in the documents",
    "stop": "stop the answer",
    "learn": "learn a message: reply to it with this",
    "unlearn": "forget something that you taught me",
    "private": "answer a question from a group in private",
    "forget": "remove all that I remember of you",
}
OPERATOR_COMMANDS: Mapping[str, str] = {
    "gaps": "what people asked in vain",
    "usage": "which documents answer",
    "dead": "messages that I had to give up",
}
ABOUT = "Answers from your team's own documents, says where it stands, and attunes to you."

# The beginning

WELCOME = (
    "Hello {name}! I answer questions from your team's documents, say where the answer stands, and say so when they "
    "do not hold it. The model that answers runs on your team's own machine; the messages themselves pass through "
    "Telegram."
)
WELCOME_NEXT = (
    "Just ask. Tell me with 👍 and 👎 what helps, and with /prefs how you want to be answered: short or detailed, "
    "plain or formal. Send me a document, and I learn it, for whom you say. /forget removes all that I remember of you."
)
JOINED = (
    "Hello! Mention me ({mention}) or reply to me, and I answer from the documents that this group may see. "
    "Everybody's preferences are their own, and they show in nobody else's answers. For a private answer, write "
    "/private and the question."
)

# Who gets in

STRANGER = (
    "I do not know you yet, so I do not answer. Ask whoever runs me for a code and send it here. They can also put "
    "`{name}` on their list."
)
STRANGE_GROUP = (
    "I do not know this group yet, so I do not answer here. Whoever runs me can put `{name}` on their list of who is "
    "allowed (ATTUNE_ALLOW)."
)
PAIRED = "That worked: from now on I answer you."
NAMELESS = "You write as the group, so I cannot tell who asks. Please turn off anonymous posting, or ask me in private."

# Answers

STOPPED = "Stopped."
NOTHING_TO_STOP = "There is no answer to stop."
ASK_IN_PRIVATE = "Your answer is in our private chat."
OPEN_PRIVATE = "I cannot write to you in private yet. Open our chat once, and I answer you there."
OPEN_PRIVATE_BUTTON = "Open the private chat"
NOTHING_ASKED = "What would you like to know? Write `/private` and your question, or reply with it to a question."
FORWARDED = "Is this a question that I should answer, or something that I should learn?"

# Buttons

SOURCES_BUTTON = "📖 Sources"
SOURCE_BUTTON = "📖 Source"
WHY_BUTTON = "Why this?"
PLAIN_BUTTON = "Without my profile"
BACK_BUTTON = "‹ Back"
ANSWER_BUTTON = "Answer it"
LEARN_BUTTON = "Learn it"
CANCEL_BUTTON = "Never mind"
THANKS = "Thank you."
NOT_YOUR_ANSWER = "This answer is somebody else's. Ask yourself, and rate and open yours."
TAKEN_BACK = "Taken back."
OLD_BUTTON = "This button is too old. Please ask again."
NO_ANSWER = "I cannot find the answer that this belongs to any more."
REASONS: Mapping[Reason, str] = {
    Reason.WRONG: "It is wrong",
    Reason.TOO_LONG: "Too long",
    Reason.TOO_SHORT: "Too short",
    Reason.NOT_MY_TOPIC: "Not my topic",
    Reason.OUTDATED: "Outdated",
    Reason.NOT_IN_DOCUMENTS: "Not in the documents",
}

# Preferences

PREFS_TITLE = "How I answer you"
INTERESTS_TITLE = "What I take you to be interested in"
STATED_TITLE = "What you told me"
NO_INTERESTS = "I have learned nothing of you yet."
INTERESTS_BUTTON = "🔎 What I learned"
PAUSE_BUTTON = "⏸ Learn nothing new"
RESUME_BUTTON = "▶️ Learn again"
EXPORT_BUTTON = "⬇️ Export"
FORGET_BUTTON = "🗑 Forget everything"
UNDO_BUTTON = "↩️ Undo"
REALLY_FORGET_BUTTON = "Yes, forget everything"
REMOVE_BUTTON = "✕ {label}"
EXPORTED = "All that I keep of you but our conversations."
FORGET_QUESTION = "This removes all that I remember of you: preferences, what I learned, questions and answers. Really?"
NAMES: Mapping[str, str] = {
    "length": "Length",
    "tone": "Tone",
    "level": "Level",
    "format": "Format",
    "language": "Language",
    "sources": "Sources",
    "strength": "Strength of what I learned",
}
VALUES: Mapping[str, str] = {
    "short": "short",
    "normal": "normal",
    "detailed": "detailed",
    "plain": "plain",
    "friendly": "friendly",
    "formal": "formal",
    "prose": "prose",
    "bullets": "bullets",
    "steps": "steps",
    "beginner": "beginner",
    "practitioner": "practitioner",
    "expert": "expert",
    "full": "full",
    "compact": "compact",
    "off": "off",
    "on": "on",
    "auto": "that of the question",
}

# Teaching

WHO_MAY_SEE = "Who may get answers from *{name}*?"
FOR_ME = "Only me"
FOR_CHAT = "This group"
FOR_EVERYONE = "Everyone"
LEARNED_FOR: Mapping[str, str] = {"me": "for you alone", "chat": "for this group", "all": "for everyone"}
READING = "Reading *{name}*…"
LEARNED = "Done: I learned *{name}*, {who}. Ask me about it right away; `/unlearn` forgets it again."
LEARN_HINT = "Reply with `/learn` to the message that I should learn, or send me a document."
TOO_LARGE = (
    "*{name}* has {size} MB, and Telegram lets me fetch at most 20. Please make it smaller, or ask whoever runs me to "
    "add it with `attune ingest`."
)
UNKNOWN_TYPE = "I cannot read *{name}*: I know no such kind of file. Save it as PDF, DOCX or text and send it again."
CANNOT_LEARN = "I could not learn *{name}*: something in my set-up needs whoever runs me. The log says the rest."
FILE_ELSEWHERE = "That file is not kept by Telegram, so I do not fetch it. Send it to me as a document, please."
NOT_YOURS = "Only whoever runs me may teach everyone. Choose yourself or your group instead."
NOTHING_TAUGHT = "You have taught me nothing that I could forget."
WHICH_LESSON = "What should I forget?"
UNLEARNED = "Done: I forgot *{name}*."
CANNOT_READ: Mapping[str, str] = {
    "voice": "I cannot listen to voice messages. Please write your question.",
    "video_note": "I cannot watch video messages. Please write your question.",
    "audio": "I cannot listen to recordings. Please write your question.",
    "photo": "I cannot see pictures. Please write your question, or send the text as a document (PDF, DOCX or text).",
    "video": "I cannot watch videos. Please write your question.",
    "animation": "I cannot watch animations. Please write your question.",
    "sticker": "Nice one! I only understand words, though. What would you like to know?",
    "location": "I can do nothing with a place. Please write your question.",
    "contact": "I can do nothing with a contact. Please write your question.",
    "poll": "I cannot take part in polls. Please write your question.",
    "dice": "I leave my answers to no dice. What would you like to know?",
    "game": "I play no games. Please write your question.",
    "story": "I cannot watch stories. Please write your question.",
    "paid_media": "I cannot see what was paid for. Please write your question.",
    "checklist": "I cannot read checklists. Please write your question.",
}

# Operators

OPERATORS_ONLY = "That is for whoever runs me."
ONLY_IN_PRIVATE = "Please ask me that in our private chat."
NO_GAPS = "Nobody asked in vain so far."
NO_USAGE = "No document was used in an answer so far."
NO_DEAD = "No message was given up."
GAPS_TITLE = "**Asked in vain**"
USAGE_TITLE = "**Documents by answers**"
AND_MORE = "… and {count} more."
DEAD_TITLE = "**Given up** (`attune inbox` lists and retries them)"


class Words:
    """All sentences in one person's language, as far as it is known; English otherwise."""

    def __init__(self, language: str = "") -> None:
        self._catalogue = catalogue(language)

    def __call__(self, sentence: str, **values: str) -> str:
        """The sentence, with what varies put in; a value is shown as it is, not as Markdown."""
        escaped = {name: _escaped(value) for name, value in values.items()}
        said = self._catalogue.gettext(sentence)
        return said.format(**escaped) if values else said

    def plain(self, sentence: str, **values: str) -> str:
        """The same for buttons and menus, which know no Markdown."""
        said = self._catalogue.gettext(sentence)
        return said.format(**values) if values else said


def _escaped(value: str) -> str:
    return "".join(f"\\{character}" if character in "\\`*_[]<>&~|#" else character for character in value)
