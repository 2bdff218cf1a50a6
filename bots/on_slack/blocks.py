"""What stands around answers in Slack: sources, feedback, and the small modals. Every length keeps to Slack's limits.

Buttons carry all that is needed to act on them, so that they work after any restart. Values are `ANSWERID/ASKER` or
`ANSWERID:NUMBER/ASKER`; names of actions begin with `attune_`. Knows nothing of when something is shown or of what
follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from bots import personal_texts, texts
from bots.language import translated
from bots.lessons import LessonReply, ReaderChoice
from bots.on_slack import texts as slack_texts
from bots.on_slack.limits import (
    CONTEXT_CHARS,
    LESSONS_SHOWN,
    LINK_CHARS,
    MENU_OPTIONS,
    NAME_CHARS,
    OPTION_CHARS,
    PASSAGE_SECTIONS,
    PLAIN_TEXT_CHARS,
    TITLE_CHARS,
    VALUE_CHARS,
    shortened,
)
from bots.on_slack.markdown import entities, escaped, inert
from bots.on_slack.mrkdwn import section, sections
from bots.on_slack.render import Block
from bots.quiet import Label, host_of, is_truthful
from bots.render import FooterLine, footer, one_line, source_line
from bots.replies import Choice, Final
from core.documents.teaching import Lesson
from core.domain import Passage, Source
from core.people.interests import Reason

FEEDBACK, SOURCE, WHY, PLAIN, SHARE = "attune_feedback", "attune_source", "attune_why", "attune_plain", "attune_share"
REASONS, PREFS, TEACH, LEARN = "attune_reasons", "attune_prefs", "attune_teach", "attune_learn"
UNLEARN, RELEARN = "attune_unlearn", "attune_relearn"
COPY, SHORTER, LONGER, FORMAL = "attune_copy", "attune_shorter", "attune_longer", "attune_formal"
RUN = "attune_run"  # a command, in the button's value
QUIZ = "attune_quiz"  # the same, of courses and quizzes, and of what `CHOICES_IN_PRIVATE` has


def under_answer(final: Final, *, question: str = "", asker: str = "") -> list[Block]:
    """What stands under an answer: doubts, sources, what can be done, and whether it was good.

    `question` is one that can be asked for all; `asker` is whom the answer was given to.
    """
    blocks = [context(line) for line in _footer(final)]
    if final.answer:
        about = f"{final.answer}/{asker}" if asker else final.answer
        blocks.append(_actions(final, question if len(question) <= VALUE_CHARS else "", asker))
        blocks += [_text_actions(about)] if final.is_text else []
        blocks.append(feedback(about))
    return [*blocks, *choices(final.choices, asker)]


def choices(rows: Sequence[Sequence[Choice]], asker: str) -> list[Block]:
    """What can be said next, in rows; each button has an id of its own."""
    return [
        {
            "type": "actions",
            "elements": [
                button(one.label, f"{QUIZ}_{line}_{place}", f"{one.command}/{asker}") for place, one in enumerate(row)
            ],
        }
        for line, row in enumerate(rows)
    ]


def settled(blocks: Iterable[Block], letter: str) -> list[Block]:
    """The blocks of a question without its buttons, with the `letter` that was chosen, where one was."""
    chosen = [context(translated(slack_texts.CHOSEN, letter=letter))] if letter else []
    return [part for block in blocks for part in (chosen if _asks(block) else [block])]


def _asks(block: Block) -> bool:
    """Whether these are the letters of a question."""
    return any(str(each.get("value")).startswith("quiz answer ") for each in block.get("elements") or ())


def asked_by(value: str) -> tuple[str, str]:
    """What a button under an answer is about, and who asked; messages of older versions do not say who."""
    about, _, asker = value.partition("/")
    return about, asker


def _footer(final: Final) -> list[str]:
    under = footer(final)
    heading = [f"*{escaped(under.heading)}*"] if under.heading else []
    lines = "\n".join([*heading, *map(linked, under.lines)]) if heading else ""
    if len(lines) > CONTEXT_CHARS:  # a cut must not fall into a link
        lines = "\n".join([*heading, *(escaped(str(line)) for line in under.lines)])
    return [part for part in (escaped(under.note), lines) if part]


def linked(line: FooterLine) -> str:
    """A line under an answer, with its link; where the label names another place, the address is seen beside it."""
    if not line.link or len(line.link) > LINK_CHARS or not host_of(line.link):
        return escaped(str(line))
    address = entities(line.link)
    if is_truthful(Label(line.label, line.before, line.behind), line.link):
        label = f"<{address}|{escaped(line.label).replace('|', '¦')}>"
    else:
        label = f"{escaped(line.label)} (<{address}>)"
    return f"{escaped(line.before)}{label}{escaped(line.behind)}"


def context(mrkdwn: str) -> Block:
    """A quiet line."""
    text = shortened(mrkdwn, CONTEXT_CHARS)
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _actions(final: Final, share: str, asker: str) -> Block:
    by = f"/{asker}" if asker else ""
    about = f"{final.answer}{by}"
    elements: list[Block] = []
    if final.openable:
        elements.append(_source_menu(final.answer, by, final.openable))
        elements.append(button(translated(texts.WHY), WHY, about))
        elements += [] if final.is_text else [button(translated(texts.PLAIN), PLAIN, about)]
    if share:
        elements.append(button(translated(slack_texts.SHARE), SHARE, share))
    return {"type": "actions", "elements": elements or [button(translated(texts.WHY), WHY, about)]}


def _text_actions(about: str) -> Block:
    """What can be done with a text."""
    labels = ((COPY, texts.COPY), (SHORTER, texts.SHORTER), (LONGER, texts.LONGER), (FORMAL, texts.MORE_FORMAL))
    return {"type": "actions", "elements": [button(translated(label), action, about) for action, label in labels]}


def _source_menu(answer: str, by: str, sources: Sequence[Source]) -> Block:
    return {
        "type": "static_select",
        "action_id": SOURCE,
        "placeholder": plain(translated(slack_texts.OPEN_SOURCE)),
        "options": [
            option(f"{source.number}. {source.passage.heading_path}", f"{answer}:{source.number}{by}")
            for source in sources[:MENU_OPTIONS]
        ],
    }


def feedback(answer: str) -> Block:
    """👍 and 👎, as Slack draws them."""
    up, down = plain(translated(slack_texts.HELPED)), plain(translated(slack_texts.HELPED_NOT))
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": FEEDBACK,
                "positive_button": {"text": up, "value": f"up:{answer}"},
                "negative_button": {"text": down, "value": f"down:{answer}"},
            }
        ],
    }


def plain_feedback(blocks: Iterable[Block]) -> list[Block]:
    """The same blocks for a workspace that knows no feedback buttons."""
    return [_as_buttons(block) if block["type"] == "context_actions" else block for block in blocks]


def _as_buttons(block: Block) -> Block:
    element = block["elements"][0]
    up, down = element["positive_button"]["value"], element["negative_button"]["value"]
    return {"type": "actions", "elements": [button("👍", f"{FEEDBACK}_up", up), button("👎", f"{FEEDBACK}_down", down)]}


def button(text: str, action: str, value: str, *, style: str = "", confirm: Block | None = None) -> Block:
    """A button that carries `value`."""
    found: Block = {"type": "button", "text": plain(text, OPTION_CHARS), "action_id": action, "value": value}
    if style:
        found["style"] = style
    return {**found, "confirm": confirm} if confirm else found


def plain(text: str, limit: int = PLAIN_TEXT_CHARS) -> Block:
    """Text without any formatting; a space where there is none, since Slack takes no empty one."""
    return {"type": "plain_text", "text": one_line(inert(text), limit) or "–", "emoji": True}


def option(text: str, value: str) -> Block:
    """One choice of a menu."""
    return {"text": plain(text, OPTION_CHARS), "value": value}


# Modals


def modal(title: str, blocks: Sequence[Block], **more: Any) -> Block:
    """A modal; its title is cut where Slack would refuse it."""
    close = plain(translated(slack_texts.CLOSE), TITLE_CHARS)
    return {"type": "modal", "title": plain(title, TITLE_CHARS), "close": close, "blocks": list(blocks), **more}


def loading(title: str, name: str) -> Block:
    """What stands there until something is found; `name` is how it is found again."""
    return modal(title, [section(translated(slack_texts.LOADING))], external_id=name)


def passage_modal(passage: Passage) -> Block:
    """A passage that an answer rests on, in the words of its document."""
    head = context(linked(replace(source_line(Source(1, passage)), before="")))
    return modal(
        translated(slack_texts.SOURCE_TITLE),
        [
            *sections(f"**{one_line(passage.heading_path)}**", limit=1),
            *sections(passage.text, limit=PASSAGE_SECTIONS),
            head,
        ],
    )


def text_modal(title: str, markdown: str, footer: Sequence[Block] = ()) -> Block:
    """Some sentences, and what can be pressed below them."""
    return modal(title, [*(sections(markdown, limit=PASSAGE_SECTIONS) or [section("…")]), *footer])


def reasons_modal(answer: str) -> Block:
    """Why an answer was no good."""
    choices = [option(translated(texts.REASONS[reason]), reason.name) for reason in Reason]
    ask = {
        "type": "input",
        "block_id": "reason",
        "label": plain(translated(slack_texts.REASONS_LABEL)),
        "element": {"type": "radio_buttons", "action_id": "reason", "options": choices},
    }
    send = plain(translated(slack_texts.SEND), TITLE_CHARS)
    return modal(translated(texts.REASONS_TITLE), [ask], callback_id=REASONS, private_metadata=answer, submit=send)


def teach_modal(channel: str, ts: str, root: str, title: str, *, private: bool) -> Block:
    """What to learn of a thread, what it is about, and who may see it."""
    choices = (
        [ReaderChoice.ME, ReaderChoice.EVERYONE]
        if private
        else [ReaderChoice.CHAT, ReaderChoice.ME, ReaderChoice.EVERYONE]
    )
    names = {**texts.READERS, ReaderChoice.EVERYONE: slack_texts.TEACH_EVERYONE}
    readers = [option(translated(names[choice]), choice.value) for choice in choices]
    parts = [
        option(translated(slack_texts.THREAD_MESSAGE), "message"),
        option(translated(slack_texts.THREAD_WHOLE), "thread"),
    ]
    name = {"type": "plain_text_input", "action_id": "name", "max_length": NAME_CHARS}
    if title := one_line(inert(title), NAME_CHARS):
        name["initial_value"] = title
    return modal(
        translated(slack_texts.TEACH_TITLE),
        [
            _input("name", translated(slack_texts.TEACH_NAME), name),
            _input("part", translated(slack_texts.TEACH_THREAD), _select("part", parts)),
            _input("readers", translated(slack_texts.TEACH_READERS), _select("readers", readers)),
        ],
        callback_id=TEACH,
        private_metadata=json.dumps({"channel": channel, "ts": ts, "root": root}),
        submit=plain(translated(slack_texts.SAVE), TITLE_CHARS),
    )


def _input(name: str, label: str, element: Block) -> Block:
    return {"type": "input", "block_id": name, "label": plain(label), "element": element}


def _select(name: str, options: Sequence[Block]) -> Block:
    return {"type": "static_select", "action_id": name, "options": list(options), "initial_option": options[0]}


def teach_offer(file: str, name: str, choices: Sequence[ReaderChoice]) -> list[Block]:
    """A file was shared: shall it be learned, and for whom?"""
    buttons = [button(translated(texts.READERS[who]), f"{LEARN}_{who}", f"{who}:{file}") for who in choices]
    said = translated(texts.OFFER, name=texts.escaped(one_line(name)))
    return [*sections(said, limit=1), {"type": "actions", "elements": buttons}]


# Lessons


def lesson_buttons(reply: LessonReply) -> list[Block]:
    """What can be done with a lesson after what became of it."""
    if reply.forgettable:
        return [_lesson_button(texts.UNLEARN, UNLEARN, reply.forgettable)]
    return [_lesson_button(texts.RELEARN, RELEARN, reply.returnable)] if reply.returnable else []


def _lesson_button(text: str, action: str, lesson: Lesson) -> Block:
    return {"type": "actions", "elements": [button(translated(text), action, lesson.id)]}


def lesson_rows(lessons: Sequence[Lesson]) -> list[Block]:
    """Lessons, each with its name, whom it is for, and a button to forget it."""
    rows = []
    for number, lesson in enumerate(lessons[:LESSONS_SHOWN]):
        said = translated(
            slack_texts.LESSON,
            name=escaped(one_line(lesson.name)),
            date=personal_texts.day(lesson.taught_at),
            readers=_readers_name(lesson.readers),
        )
        forget = button(translated(texts.UNLEARN), f"{UNLEARN}_{number}", lesson.id)
        rows.append({**section(said), "accessory": forget})
    return rows


def _readers_name(readers: Sequence[str]) -> str:
    kinds = {reader.partition(":")[0] for reader in readers}
    if "channel" in kinds and "everyone" not in kinds:
        return translated(slack_texts.READERS_OF_A_CHANNEL)
    return translated(texts.FOR_READERS["everyone" if "everyone" in kinds else "me"])
