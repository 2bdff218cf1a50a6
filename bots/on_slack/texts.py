"""Every sentence that a person reads in Slack only; `bots/texts.py` has those of all platforms.

Plain words, or Markdown where it says so. Knows nothing of blocks.
"""

from __future__ import annotations

from collections.abc import Mapping

STATUS = "is looking it up…"

# Under an answer

HELPED = "Good answer"
HELPED_NOT = "Bad answer"
OPEN_SOURCE = "Open a source"
PREFS_LOOKS = "What an answer looks like"
PREFS_LEARNED = "What I learn from you"
PREFS_LIKED = "What you like"
PREFS_HINTS: Mapping[str, str] = {
    "level": "How much I take for granted.",
    "language": "auto answers in the language of the question.",
    "sources": "How much I say below an answer about where it stands.",
    "strength": "How far what I learned of you may change which passages I read. 0 turns it off.",
    "learning": "From what you ask, open and rate. Paused: what I know stays, nothing is added.",
    "share": "What similar teammates found useful moves up for you, and yours for them. Nobody sees whose it is.",
}
SHARE = "Ask here for everyone"
SHARE_NOT_HERE = "I can't write in this channel. Invite me with `/invite`, then press the button again."

# Modals

LOADING = "One moment…"
CLOSE = "Close"
SAVE = "Save"
SEND = "Send"
SORRY = "Sorry"
REASONS_LABEL = "The answer:"
SOURCE_TITLE = "Source"
PREFS_HINT = "You can also change these by writing `@Attune prefs` in a thread, or `prefs` in a message to me."
PREFS_WISHES: Mapping[str, str] = {
    "like": "Something you like to read about",
    "avoid": "Something you'd rather not read about",
    "say": "Anything else about how I should answer you",
}
TEACH_TITLE = "Teach Attune"
TEACH_NAME = "What is it about?"
TEACH_READERS = "Who may get answers from it?"
TEACH_EVERYONE = "Everyone (operators only)"
TEACH_THREAD = "What should I learn?"
THREAD_NOT_HERE = "I can't read this channel. Invite me with `/invite`, then try again."
CATCH_UP_ON = (
    "From now on anyone in this channel can ask me *what did I miss?* here, outside a thread, or to *summarise* it: I "
    "then read what was written in the last week, without what stands in threads, and keep nothing of it. "
    "`!catchup off` ends that."
)
CATCH_UP_ENDED = "Done. I sum up only threads here."
CATCH_UP_ADMINS = "Only whoever made this channel, or an admin of the workspace, can turn that on or off."
THREAD_WHOLE = "The whole thread"
THREAD_MESSAGE = "Just this message"

# The home tab

HOME_INTRO = (
    "Ask me in a message, or mention me in a channel. I answer from your team's documents and show you where I found "
    "it."
)
HOME_RECOMMENDED = "You might want to read"
HOME_ASKED = "What you asked recently"
HOME_TAUGHT = "What you've taught me"
HOME_NOTHING_SET = "Nothing yet: everything is at its default."
HOME_PAUSED = "Learning is paused."
HOME_CHANGE = "Change"
HOME_REMOVE = "Remove"
EXPORT_SENT = "I've sent it to you in a message."
INTEREST_SINCE = "since {date} · weight {weight} · from {acts}"
READERS_OF_A_CHANNEL = "the members of a channel"
LESSON = "*{name}* · {date} · for {readers}"  # mrkdwn

CHOSEN = "You chose *{letter}*."

# The assistant pane

PANE_PROMPTS = "Try one of these"
PANE_HELP = "What can you do?"
PANE_RECOMMEND = "What might I want to read?"
PANE_ABOUT = "What does “{title}” say?"

# Who gets in

NOT_ADMITTED = (
    "I'm not allowed to answer you yet. Ask an operator (that is whoever runs me here) for a pairing code, and send me "
    "`pair CODE` in a direct message."
)
NOT_GUESTS = "I only answer members of this workspace. An operator can let guests in one by one."
NOT_SHARED = "People from another organisation can read this channel, so I don't answer here. Message me directly."
PAIR_PRIVATELY = "Please send pairing codes to me in a direct message: everyone can read them here."

# Commands

HELP_HINT = (
    "You can leave out the `!` where one word says it all: `help`, `why`, `recommend`, `stop`. In channels, mention me "
    "first. To teach me something, share a file with me or choose *Teach this* on a message."
)
ASK_WHAT = "Add your question: `/ask How do I get a laptop?` Only you will see the answer."
ASKS = "<@{user}> asks: {question}"  # names its asker on purpose

# What Slack shows of the app, in English

ABOUT = "Answers from your team's own documents, shows where it found them, and learns how you like your answers."
COMMAND_PREFS = "How I answer you: length, tone, what you like"
COMMAND_ASK = "Ask a question and get an answer that only you see"
SHORTCUT = "Teach this"
SHORTCUT_ABOUT = "Let Attune learn this message or its thread"
