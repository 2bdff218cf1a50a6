"""Every sentence that only people in Telegram read; what all platforms say is in `bots/texts.py`.

Replies are Markdown; what stands on buttons is plain. Knows nothing of Telegram's methods, or of when it is said.
"""

from __future__ import annotations

from collections.abc import Mapping

# The beginning

WELCOME = (
    "Hello {name}! I answer questions from your team's documents, show you where I found the answer, and tell you when "
    "it isn't there. The model that answers runs on your team's own machine; the messages themselves go through "
    "Telegram."
)
WELCOME_NEXT = (
    "Just ask. Use 👍 and 👎 to tell me what helps, and /prefs to choose how I answer: short or detailed, plain or "
    "formal. Send me a document, and I'll learn it for whoever you choose. /forget deletes everything I remember about "
    "you."
)
JOINED = (
    "Hello! Mention me ({mention}) or reply to me, and I'll answer from the documents that this group may see. "
    "Everyone's preferences are their own and never show in anyone else's answers. For a private answer, write "
    "/private and your question."
)

# Who gets in

STRANGER = (
    "I don't know you yet, so I can't answer. Ask an operator (whoever runs me here) for a pairing code and send it to "
    "me. It looks like this: ABCD-2345."
)
STRANGE_GROUP = (
    "I don't know this group yet, so I can't answer here. An operator (whoever runs me) can let it in. Or ask them for "
    "a pairing code of your own, and write to me in private."
)
NAMELESS = (
    "You're posting as the group, so I can't tell who's asking. Please turn off anonymous posting, or ask me in "
    "private."
)

# Answers

ASK_IN_PRIVATE = "Your answer is in our private chat."
OPEN_PRIVATE = "I can't message you in private yet. Open our chat once, and I'll answer you there."
OPEN_PRIVATE_BUTTON = "Open the private chat"
NOTHING_ASKED = "What would you like to know? Write `/private` and your question, or reply with it to a question."
FORWARDED = "Should I answer this, or learn it? You can also just ask me about it."

# What was missed in a group

CATCH_UP_ON = (
    "From now on I keep what is written in this group, so that anyone here can ask me with `/catchup` what they "
    "missed, or with `/catchup all` for all of it: at most {count:,} messages, none for longer than {days} days, "
    "on your team's own machine and for nothing else. Whoever joins later is shown nothing from before, as far "
    "as Telegram tells me that they joined. `/catchup off` deletes all of it (admins), `/forget everything` "
    "whatever you wrote yourself. Telegram doesn't tell me when somebody deletes a message here, so I keep that "
    "until its time is up."
)
CATCH_UP_ENDED = "Done. I've deleted what I kept of this group, and I keep nothing more."
CATCH_UP_OFF = (
    "I keep nothing of what is written in this group, so I can't tell you what you missed. An admin can turn that on "
    "with `/catchup on`; I'll then tell everyone here what I keep."
)
CATCH_UP_ADMINS = "Only an admin of this group can turn that on or off."
CATCH_UP_BLIND = (
    "Telegram shows me only what is addressed to me in this group (privacy mode). Make me an administrator, without "
    "any of the rights, or have an operator turn privacy mode off with `/setprivacy` at BotFather and add me to the "
    "group again. Then write `/catchup on`."
)
CATCH_UP_EMPTY = "I haven't seen any messages here yet."
CATCH_UP_WHAT = "I know `/catchup`, `/catchup all`, `/catchup on` and `/catchup off`."

# Buttons

SOURCES_BUTTON = "📖 Sources"
SOURCE_BUTTON = "📖 Source"
BACK_BUTTON = "‹ Back"
ANSWER_BUTTON = "Answer it"
LEARN_BUTTON = "Learn it"
THANKS = "Thank you!"
OLD_BUTTON = "This button has expired. Please ask again."

# Preferences

STATED_TITLE = "What you told me"
INTERESTS_BUTTON = "🔎 What I've learned"

# Teaching

LEARN_HINT = "Reply with `/learn` to a message that I should learn, or send me a document."
CANNOT_READ: Mapping[str, str] = {
    "voice": "I can't listen to voice messages. Please write your question.",
    "video_note": "I can't watch video messages. Please write your question.",
    "audio": "I can't listen to recordings. Please write your question.",
    "photo": "I can't see pictures. Please write your question, or send the text as a document (PDF, DOCX or text).",
    "video": "I can't watch videos. Please write your question.",
    "animation": "I can't watch animations. Please write your question.",
    "sticker": "Nice one! I only understand words, though. What would you like to know?",
    "location": "I can't do anything with a location. Please write your question.",
    "contact": "I can't do anything with a contact. Please write your question.",
    "poll": "I can't vote in polls. Please write your question.",
    "dice": "I don't leave my answers to chance. What would you like to know?",
    "game": "I don't play games. Please write your question.",
    "story": "I can't watch stories. Please write your question.",
    "paid_media": "I can't see paid media. Please write your question.",
    "checklist": "I can't read checklists. Please write your question.",
}
