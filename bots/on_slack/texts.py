"""Every sentence that a person reads in Slack only; `texts.py` has those of all platforms.

Plain words, or Markdown where it says so. Knows nothing of blocks.
"""

from __future__ import annotations

STATUS = "is at it…"

# Under an answer

HELPED = "Good answer"
HELPED_NOT = "Bad answer"
WHY = "Why this?"
PLAIN = "Without my preferences"
OPEN_SOURCE = "Open a source"
SHARE = "Ask it here for all"

# Modals

LOADING = "One moment…"
CLOSE = "Close"
SAVE = "Save"
SEND = "Send"
REASONS_TITLE = "What was wrong?"
REASONS_LABEL = "The answer was …"
SOURCE_TITLE = "Source"
PREFS_TITLE = "How I answer you"
PREFS_HINT = "`@Attune prefs` in a thread, or in a message to me, says and changes the same."
PREFS_STRENGTH = "How far what I learned may re-order what I read, in percent"
PREFS_LEARNING = "Learning from what you do"
PREFS_SHARE = "Share your taste with similar teammates, and have theirs"
PREFS_WISHES = {
    "like": "Something you like to read about",
    "avoid": "Something you do not",
    "say": "Anything else about how I answer you",
}
SORRY = "Sorry"
ASKERS_ONLY = "That is about whoever asked, so it is for them only. Ask me the same, and you have your own."
SHARE_NOT_HERE = "I cannot write in this channel. Invite me with `/invite`, and press again."
TEACH_TITLE = "Teach Attune"
TEACH_NAME = "What is it about?"
TEACH_READERS = "Who may see it?"
TEACH_THREAD = "What do I learn?"
THREAD_WHOLE = "The whole thread"
THREAD_MESSAGE = "This message"
READERS_ME = "Only me"
READERS_CHANNEL = "The members of this channel"
READERS_EVERYONE = "Everyone here (operators only)"
REASONS = {
    "wrong": "wrong",
    "too long": "too long",
    "too short": "too short",
    "not my topic": "not about what I meant",
    "outdated": "outdated",
    "not in the documents": "not what the documents say",
}

# The home tab

HOME_SET = "What you set"
HOME_LEARNED = "What I learned about you"
HOME_RECOMMENDED = "You may want to read"
HOME_ASKED = "What you asked lately"
HOME_TAUGHT = "What you taught me"
HOME_NOTHING_SET = "Nothing yet: everything is at its default."
HOME_NOTHING_LEARNED = "Nothing yet. I learn from your 👍 and 👎, and from the sources you open."
HOME_PAUSED = "I am not learning: you paused it."
HOME_CHANGE = "Change"
HOME_UNDO = "Undo last change"
HOME_REMOVE = "Remove"
HOME_PAUSE = "Pause learning"
HOME_RESUME = "Go on learning"
HOME_EXPORT = "Send me all of it"
EXPORTED = "I sent it to you as a message."
HOME_FORGET = "Forget me"
HOME_FORGET_SURE = "This removes your preferences and all I remember of you. It cannot be undone."
HOME_FORGET_YES = "Forget everything"
HOME_FORGET_NO = "Keep it"
HOME_INTRO = (
    "Ask me in a message, or name me in a channel. I answer from your team's documents and say where it stands."
)

# The assistant pane

PANE_PROMPTS = "Try one of these"
PANE_RECOMMEND = "What may I want to read?"


def ask_about(title: str) -> str:
    """A question about something new."""
    return f"What does “{title}” say?"


# Teaching


def teach_offer(name: str) -> str:
    """A file came."""
    return f"Shall I learn *{name}*? Say who may see what I answer from it."


def not_readable(name: str) -> str:
    """A file whose format is not known."""
    return f"I cannot read {name}: its format is not one that I know. Save it as PDF, DOCX or text, and share that."


def taught(name: str, readers: str) -> str:
    """It was learned."""
    return f"Learned **{name}**, for {readers}. Ask me about it right away."


def unlearned(name: str) -> str:
    """It was forgotten."""
    return f"Forgotten: **{name}**. No answer uses it any more."


def relearned(name: str) -> str:
    """It was brought back."""
    return f"**{name}** is back."


def lesson(name: str, date: str, readers: str) -> str:
    """What somebody taught, as mrkdwn."""
    return f"*{name}* · {date} · for {readers}"


UNLEARN = "Forget it"
RELEARN = "Bring it back"
UNLEARN_WHICH = "What shall I forget? You can bring it back afterwards."
NOTHING_TAUGHT = "You have taught me nothing that I still know."
READERS_OF_A_CHANNEL = "the members of a channel"


READERS_NAMES = {"me": "you alone", "channel": "the members of this channel", "everyone": "everyone"}
TEACH_NOT_EVERYONE = "Only operators can teach everyone. Choose yourself or this channel."
TEACH_GONE = "That file is not there any more. Share it again, please."
TEACH_ELSEWHERE = "That file is not kept in Slack, so I do not fetch it. Download it, then share it here, please."
TEACH_EMPTY = "There is no text in that which I could learn."
TEACH_TOO_LARGE = "That file is too large for me: 20 MB are the most I read."
TEACH_NOT_HERE = "I cannot learn things here; please ask your operator."

# Who gets in

NOT_ADMITTED = (
    "I may not answer you yet. Ask whoever runs me for a code, and write me `pair CODE` in a direct message "
    "(or have them name you, this channel or your workspace in ATTUNE_ALLOW)."
)
NOT_GUESTS = "I answer members of this workspace only. Whoever runs me can let guests in one by one."
NOT_SHARED = "People of another organisation read along here, so I do not answer in this channel. Ask me in a message."
PAIRED = "Welcome! You are let in now: ask me anything about your documents."
PAIR_PRIVATELY = "Codes are for a direct message to me: here everybody reads them."
PAIRED_OPERATOR = "Welcome! You are let in now, and an operator."

# Commands

HELP_HINT = (
    "You can leave the `!` out where a word says all: `help`, `why`, `recommend`, `stop`. In channels name me first. "
    "Share a file with me, or choose *Teach this* on a message, and I learn it."
)

# How answers end

STOPPED_MARK = "\n\n_Stopped._"
ASK_WHAT = "Write your question behind it: `/ask How do I get a laptop?` Only you will see the answer."


def since(date: str, weight: int, why: str) -> str:
    """Where an interest comes from."""
    return f"since {date} · weight {weight} % · from {why}"


def asked_by(user: str, text: str) -> str:
    """A question that was asked in private, for all. Names its asker on purpose."""
    return f"<@{user}> asks: {text}"


# What Slack shows of the app

ABOUT = "Answers from your team's own documents, says where it stands, and learns how you like it."
COMMAND_PREFS = "How I answer you: length, tone, what you like"
COMMAND_ASK = "Ask, so that only you see the answer"
SHORTCUT = "Teach this"
SHORTCUT_ABOUT = "Let Attune learn this message or its thread"
PANE_HELP = "What can you do?"

# For operators

OPERATORS_ONLY = "That is for whoever runs me."
ONLY_IN_PRIVATE = "Ask me that in a direct message: here everybody reads it."
DESK_TITLES = {
    "gaps": "Asked in vain",
    "usage": "Documents by answers",
    "inbox": "Given up (`attune inbox` lists and retries them)",
}
DESK_EMPTY = {
    "gaps": "Nobody asked in vain so far.",
    "usage": "No document was used in an answer so far.",
    "inbox": "No message was given up.",
}


def and_more(count: int) -> str:
    """What is not listed."""
    return f"… and {count:,} more."
