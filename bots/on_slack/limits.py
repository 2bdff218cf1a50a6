"""Every length that Slack takes of us, in one place, and text cut to one: characters, unless said otherwise.

Where Slack documents a limit, ours is that or a little under it; the others are what reads well.
Knows nothing of what is shown.
"""

from __future__ import annotations

# Messages

PAGE_CHARS = 9_000  # of one message's answer: Slack takes 12,000 of Markdown, and about 13,000 of blocks in all
FALLBACK_CHARS = 3_000  # what notifications and screen readers get; from 4,000 on Slack may refuse it
PLAIN_CHARS = 3_500  # of a message without blocks: Slack takes 4,000
TABLE_ROWS, TABLE_COLUMNS, TABLE_CHARS = 100, 20, 4_000  # of a table block; of its cells together Slack takes 10,000
SEGMENT_CHARS = 2_000  # of a line that is placed on a page as one
HELD_CHARS = 400  # of a growing line that may still become a link
STATUS_CHARS = 140
THREAD_TITLE_CHARS = 80
PROMPT_CHARS = 60  # of a suggestion's title
POSTS = 4  # messages to one response address: Slack takes five

# Blocks

SECTION_CHARS = 3_000
CONTEXT_CHARS = 2_900  # Slack takes 3,000
PLAIN_TEXT_CHARS = 150  # headers and placeholders; Slack takes more elsewhere
LINK_CHARS = 500  # a longer address is left out; its label stays
OPTION_CHARS = 75  # of a button's or an option's text
VALUE_CHARS = 2_000  # of a button
ID_CHARS = 255
CONFIRM_CHARS, CONFIRM_BUTTON_CHARS = 300, 30
MENU_OPTIONS = 25  # sources in the menu: Slack takes 100

# Modals and the home tab

TITLE_CHARS = 24
NAME_CHARS = 100  # of a lesson
WISH_CHARS = 200  # of a stated preference
PASSAGE_SECTIONS = 20  # sections of a passage
RECOMMENDED_SECTIONS = 4
STATED_SHOWN, INTERESTS_SHOWN, LESSONS_SHOWN, ASKED_SHOWN = 30, 8, 8, 5  # rows; a tab holds 100 blocks


def shortened(mrkdwn: str, limit: int) -> str:
    """Escaped text of at most `limit` characters, not cut inside an entity."""
    if len(mrkdwn) <= limit:
        return mrkdwn
    return f"{mrkdwn[: _before_entity(mrkdwn, limit - 1)].rstrip()}…"


def pieces(text: str, limit: int) -> list[str]:
    """`text` in pieces of at most `limit` characters, at spaces where there are any."""
    found = []
    while len(text) > limit:
        space = text.rfind(" ", limit // 2, limit)
        end = space + 1 if space > 0 else _before_entity(text, limit)
        found.append(text[:end])
        text = text[end:]
    return [*found, text] if text else found


def _before_entity(text: str, end: int) -> int:
    begun = text.rfind("&", end - 5, end)
    return begun if begun > 0 and ";" not in text[begun:end] else end
