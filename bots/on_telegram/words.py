"""What a message of Telegram's says: its text with the links in it, and its poll, checklist, contact or place in words.

Pure. Knows nothing of whom a message is for, or of what follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from telegram import Checklist, Contact, ExternalReplyInfo, Message, MessageEntity, Poll, TextQuote, Venue

from core.documents.telegram import checklist_words, contact_words, place_words, poll_words

READABLE = ("poll", "checklist", "contact", "venue")  # what says something without a text


def words_of(message: Message | ExternalReplyInfo) -> str:
    """All that somebody reads in `message`."""
    text = _written(message) if isinstance(message, Message) else ""
    about = [words for words in (text, _media(message)) if words]
    return "\n".join(about)


def quoted_in(message: Message) -> str:
    """What `message` is about: the part that was quoted, or else all of the message that it replies to."""
    quote, replied, elsewhere = message.quote, replied_to(message), message.external_reply
    if quote is not None and (quote.is_manual or replied is None):
        return _linked(quote.text, quote.entities)
    if replied is not None:
        return words_of(replied)
    return words_of(elsewhere) if elsewhere is not None else ""


def replied_to(message: Message) -> Message | None:
    """The message that this one replies to; by one about the topic Telegram only marks what is said in the topic."""
    reply = message.reply_to_message
    return None if reply is None or reply.forum_topic_created is not None else reply


def is_quote(message: Message) -> bool:
    """Whether its author chose a part to quote."""
    return isinstance(message.quote, TextQuote) and bool(message.quote.is_manual)


def _written(message: Message) -> str:
    if message.text:
        return _linked(message.text, message.entities)
    return _linked(message.caption or "", message.caption_entities)


def _linked(text: str, entities: Sequence[MessageEntity] | None) -> str:
    """`text` with the addresses behind its words, as Markdown. Telegram counts in units of UTF-16."""
    units = text.encode("utf-16-le")
    for link in sorted(entities or (), key=lambda entity: -entity.offset):
        if link.type == MessageEntity.TEXT_LINK and link.url:
            start, end = 2 * link.offset, 2 * (link.offset + link.length)
            label = f"[{units[start:end].decode('utf-16-le', 'replace')}]({link.url})"
            units = units[:start] + label.encode("utf-16-le", "replace") + units[end:]
    return units.decode("utf-16-le", "replace")


def _media(message: Message | ExternalReplyInfo) -> str:
    parts = [
        _poll(message.poll) if message.poll else "",
        _checklist(message.checklist) if message.checklist else "",
        _contact(message.contact) if message.contact else "",
        _place(message),
        f"(file: {message.document.file_name})" if message.document and message.document.file_name else "",
    ]
    return "\n".join(part for part in parts if part)


def _poll(poll: Poll) -> str:
    options = [(option.text, option.voter_count) for option in poll.options]
    return poll_words(poll.question, options, right=poll.correct_option_ids or (), because=poll.explanation or "")


def _checklist(checklist: Checklist) -> str:
    return checklist_words(checklist.title, [(task.text, bool(task.completion_date)) for task in checklist.tasks])


def _contact(contact: Contact) -> str:
    return contact_words(f"{contact.first_name} {contact.last_name or ''}", contact.phone_number)


def _place(message: Message | ExternalReplyInfo) -> str:
    venue: Venue | None = message.venue
    where = venue.location if venue else message.location
    if where is None:
        return ""
    named = (venue.title, venue.address) if venue else ()
    return place_words(named, (where.latitude, where.longitude))
