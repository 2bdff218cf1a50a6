"""What is done with everything but questions: a table from what was pressed, sent or opened to its handler.

Each becomes what a person could have typed, or feedback, and `bots.dialogue` does the rest. Whoever reads an answer in
a channel may open its sources, as far as they may see them now; what is about a person (why, again without preferences,
the verdict) is for whoever asked. Knows no queue and no model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from bots import personal_texts, texts
from bots.dialogue import Dialogue
from bots.language import translated
from bots.lessons import LessonReply, Lessons
from bots.on_slack import blocks as slack_blocks
from bots.on_slack import home as slack_home
from bots.on_slack import texts as slack_texts
from bots.on_slack.clients import Clients
from bots.on_slack.conversation import SlackConversation
from bots.on_slack.entrance import SlackEntrance
from bots.on_slack.ephemeral import SlackPress, StatelessDelivery
from bots.on_slack.errors import ERRORS
from bots.on_slack.events import PLATFORM, EventKind, body_of, kind_of
from bots.on_slack.limits import MENU_OPTIONS
from bots.on_slack.markdown import escaped
from bots.on_slack.render import Block
from bots.on_slack.teaching import learn_file, learn_thread
from bots.platform import Delivery
from bots.replies import CHOICES_IN_PRIVATE, Notice, Problem
from bots.study_requests import STUDIES
from bots.study_texts import is_answered, is_marked
from core.domain import Passage, Person
from core.inbox import Event
from core.people.feedback import Feedback, Verdict
from core.people.interests import Reason
from core.text.words import whole_number

UP = {"+1", "thumbsup", "heart", "heart_eyes", "white_check_mark", "tada", "clap", "raised_hands", "100"}
DOWN = {"-1", "thumbsdown", "x", "confused", "disappointed"}

_REWORKINGS = {
    slack_blocks.SHORTER: "/write shorter",
    slack_blocks.LONGER: "/write longer",
    slack_blocks.FORMAL: "/write formal",
}

Handler = Callable[[SlackPress], Awaitable[None]]


class Actions:
    """What is done with each kind of event that is no question; of presses and sent modals, with each by its name."""

    def __init__(
        self, clients: Clients, dialogue: Dialogue, talk: SlackConversation, door: SlackEntrance, lessons: Lessons
    ) -> None:
        self._clients = clients
        self._dialogue = dialogue
        self._talk = talk
        self._door = door
        self._lessons = lessons
        self._handlers: Mapping[tuple[str, str], Handler] = {
            (EventKind.PRESS, slack_blocks.FEEDBACK): self._rate,
            (EventKind.PRESS, slack_blocks.SOURCE): self._open_source,
            (EventKind.PRESS, slack_blocks.WHY): self._explain,
            (EventKind.PRESS, slack_blocks.PLAIN): self._answer_again,
            **{(EventKind.PRESS, name): self._answer_again for name in _REWORKINGS},
            (EventKind.PRESS, slack_blocks.COPY): self._copy,
            (EventKind.PRESS, slack_blocks.SHARE): self._share,
            (EventKind.PRESS, slack_blocks.LEARN): self._learn_file,
            (EventKind.PRESS, slack_blocks.UNLEARN): self._change_lesson,
            (EventKind.PRESS, slack_blocks.RELEARN): self._change_lesson,
            (EventKind.PRESS, slack_blocks.PREFS): self._show_prefs,
            (EventKind.PRESS, slack_blocks.RUN): self._run,
            (EventKind.PRESS, slack_blocks.QUIZ): self._choose,
            (EventKind.SUBMIT, slack_blocks.REASONS): self._give_reason,
            (EventKind.SUBMIT, slack_blocks.PREFS): self._set_prefs,
            (EventKind.SUBMIT, slack_blocks.TEACH): self._learn_thread,
            (EventKind.MODAL, ""): self._show_prefs,
            (EventKind.WHISPER, ""): self._answer_privately,
            (EventKind.REACTION, ""): self._react,
            (EventKind.HOME, ""): self._show_home,
            (EventKind.PANE, ""): self._suggest,
        }

    async def handle(self, event: Event, delivery: Delivery) -> None:
        """Do what `event` asks for; nothing where no version of this bot made the button."""
        pressed = SlackPress(event, body_of(event), await self._clients.of(event.person.workspace), delivery)
        person = event.person
        if not await self._door.admits(pressed.place.client, person.workspace, person.user, pressed.text("channel")):
            if pressed.text("view") or event.kind in {EventKind.HOME, EventKind.WHISPER}:
                await self._say(pressed, translated(slack_texts.NOT_ADMITTED))
        elif (handler := self._handlers.get((kind_of(event), pressed.name))) is not None:
            await handler(pressed)

    async def apologise(self, event: Event, sentence: str) -> None:
        """Tell whoever pressed something that nothing comes of it."""
        place = await self._clients.of(event.person.workspace)
        await self._say(SlackPress(event, body_of(event), place, StatelessDelivery()), sentence)

    async def _say(self, pressed: SlackPress, sentence: str) -> None:
        """Say it where the person looks: on the home tab, in the modal that waits, or to them alone."""
        if pressed.event.kind == EventKind.HOME:
            await self._publish(pressed, slack_home.closed(sentence))
        elif pressed.text("view"):
            await pressed.fill(slack_blocks.text_modal(translated(slack_texts.SORRY), sentence))
        elif pressed.text("response_url") or pressed.event.kind == EventKind.SUBMIT:
            await pressed.reply().say(sentence)

    # Under an answer

    async def _rate(self, pressed: SlackPress) -> None:
        about, _ = pressed.about
        verdict, _, answer = about.partition(":")
        await self._judge(pressed, answer, Verdict.UP if verdict == "up" else Verdict.DOWN)

    async def _give_reason(self, pressed: SlackPress) -> None:
        await self._judge(pressed, pressed.text("about"), Verdict.DOWN, Reason[str(pressed.values["reason"])])

    async def _react(self, pressed: SlackPress) -> None:
        emoji = pressed.text("reaction").partition("::")[0]
        verdict = Verdict.UP if emoji in UP else Verdict.DOWN if emoji in DOWN else None
        if verdict is None:
            return
        if (answer := await pressed.delivery.answer_of(pressed.text("ts"))) is not None:
            await self._judge(pressed, answer, verdict if pressed.body.get("added") else Verdict.NONE)

    async def _judge(self, pressed: SlackPress, answer: str, verdict: Verdict, reason: Reason | None = None) -> None:
        """A verdict on an answer; whoever gave none on an answer of their own is told so."""
        at = pressed.event.received_at
        heard = await self._dialogue.feedback(Feedback(pressed.person, answer, verdict, at, reason))
        if heard.markdown == translated(personal_texts.NOT_YOURS) or isinstance(heard, Problem):
            await pressed.reply().say(heard.markdown)

    async def _open_source(self, pressed: SlackPress) -> None:
        about, asker = pressed.about
        answer, _, number = about.partition(":")
        found = await self._passage(pressed, asker, answer, whole_number(number, MENU_OPTIONS) or 0)
        if isinstance(found, Passage):
            await pressed.fill(slack_blocks.passage_modal(found))
        else:
            await pressed.fill(slack_blocks.text_modal(translated(slack_texts.SOURCE_TITLE), found.markdown))

    async def _passage(self, pressed: SlackPress, asker: str, answer: str, number: int) -> Passage | Problem:
        """The source, for the eyes of whoever pressed: what they may see now, of an answer that was shown here."""
        person = pressed.person
        looking = await self._talk.message(pressed, "", f"@{person.user}", private=True)
        if asker in {"", person.user}:
            return await self._dialogue.open_source(person, answer, number, looking=looking)
        return await self._dialogue.look_at_source(
            Person(PLATFORM, person.workspace, asker), answer, number, looking=looking
        )

    async def _explain(self, pressed: SlackPress) -> None:
        answer, asker = pressed.about
        await self._fill(pressed, texts.WHY, f"/why {answer}" if asker in {"", pressed.person.user} else "")

    async def _fill(self, pressed: SlackPress, title: str, command: str, thread: str = "") -> None:
        """Show in the modal what a command says; without one, that it is for whoever asked."""
        said = Notice(translated(texts.ASKERS_ONLY))
        if command:
            said = await self._talk.said(pressed, command, thread)
        below = slack_blocks.choices(said.choices, pressed.person.user)
        await pressed.fill(slack_blocks.text_modal(translated(title), said.markdown, below))

    async def _answer_again(self, pressed: SlackPress) -> None:
        """Answer once more: in the same thread, or for one person's eyes where the first answer was."""
        await self._say_as(pressed, f"{_REWORKINGS.get(pressed.name, '/plain')} {pressed.about[0]}")

    async def _choose(self, pressed: SlackPress) -> None:
        """Go on with a course or a quiz (an answered question loses its letters), or show what is for one person."""
        command, asker = pressed.about
        name = command.partition(" ")[0]
        if name in CHOICES_IN_PRIVATE and pressed.text("view"):
            await self._fill(pressed, texts.WHY, f"/{command}" if asker in {"", pressed.person.user} else "")
        elif name in STUDIES or name in CHOICES_IN_PRIVATE:
            told = await self._say_as(pressed, f"/{command}")
            if command.startswith("quiz answer ") and is_answered(told):
                await self._settle(pressed, command[-1].upper() if is_marked(told) else "")

    async def _settle(self, pressed: SlackPress, letter: str) -> None:
        """Take the letters from under a question, and say in their place which was chosen."""
        client, channel, ts = pressed.place.client, pressed.text("channel"), pressed.text("ts")
        with suppress(*ERRORS):
            found = await client.conversations_replies(
                channel=channel, ts=pressed.text("root"), oldest=ts, latest=ts, inclusive=True
            )
            for message in found.get("messages") or ():
                before = message.get("blocks") or []
                blocks = slack_blocks.settled(before, letter)
                if message.get("ts") == ts and blocks != before:
                    await client.chat_update(channel=channel, ts=ts, text=message.get("text") or "", blocks=blocks)

    async def _say_as(self, pressed: SlackPress, text: str) -> str:
        """Answer `text` in its thread as if whoever asked had written it there, and nobody else; what was said."""
        root = pressed.text("root")
        if pressed.about[1] not in {"", pressed.person.user}:
            await pressed.reply().say(translated(texts.ASKERS_ONLY))
        elif root:
            return await self._talk.stream(pressed, text, root, pressed.event.key.rpartition(":")[2])
        else:
            message = await self._talk.message(pressed, text, f"@{pressed.person.user}", private=True)
            await self._talk.whisper(pressed, message)
        return ""

    async def _copy(self, pressed: SlackPress) -> None:
        """Show a text so that it can be copied as it is."""
        answer, asker = pressed.about
        command = f"/write copy {answer}" if asker in {"", pressed.person.user} else ""
        await self._fill(pressed, texts.COPY, command, pressed.text("root"))

    async def _share(self, pressed: SlackPress) -> None:
        """Ask in the channel what was asked in private: there it is answered from what all may see."""
        text = pressed.text("value")
        try:
            asked = await pressed.place.client.chat_postMessage(
                channel=pressed.text("channel"),
                text=translated(slack_texts.ASKS, user=pressed.person.user, question=escaped(text)),
                unfurl_links=False,
                unfurl_media=False,
            )
        except ERRORS:
            await pressed.reply().say(translated(slack_texts.SHARE_NOT_HERE))
            return
        root = str(asked["ts"])
        await self._talk.stream(pressed, text, root, root)

    # Lessons

    async def _learn_file(self, pressed: SlackPress) -> None:
        who, _, file = pressed.text("value").partition(":")
        told = await learn_file(self._lessons, pressed, who, file)
        await pressed.reply().replace(told.sentence, slack_blocks.lesson_buttons(told))

    async def _learn_thread(self, pressed: SlackPress) -> None:
        about = pressed.text("about")
        told = await learn_thread(self._lessons, pressed, about, pressed.values)
        await pressed.reply(about).say(told.sentence, slack_blocks.lesson_buttons(told))

    async def _change_lesson(self, pressed: SlackPress) -> None:
        """Forget a lesson, or learn a forgotten one again."""
        lesson = pressed.text("value")
        if pressed.name == slack_blocks.RELEARN:
            told = await self._lessons.bring_back(pressed.person, lesson, pressed.delivery)
        else:
            told = await self._lessons.forget(pressed.person, lesson)
        if pressed.body.get("home"):
            await self._draw_home(pressed, told)
        elif buttons := slack_blocks.lesson_buttons(told):
            await pressed.reply().replace(told.sentence, buttons)
        else:
            await pressed.reply().say(told.sentence)  # everybody may see the button, and it stays its author's

    # Preferences, and commands behind buttons of the home tab

    async def _show_prefs(self, pressed: SlackPress) -> None:
        await pressed.fill(slack_home.prefs_modal(await self._dialogue.profile(pressed.person)))

    async def _set_prefs(self, pressed: SlackPress) -> None:
        for command in slack_home.commands_of(pressed.values, await self._dialogue.profile(pressed.person)):
            await self._talk.said(pressed, command)

    async def _run(self, pressed: SlackPress) -> None:
        command = pressed.text("value")
        said = await self._talk.said(pressed, command)
        told = await self._talk.send(pressed, said) if said.file else said.markdown
        if pressed.body.get("home"):
            await self._draw_home(pressed, LessonReply(told))

    # Slash commands, the home tab and the pane

    async def _answer_privately(self, pressed: SlackPress) -> None:
        """Answer for one person's eyes, in a channel or anywhere."""
        text = pressed.text("text")
        message = await self._talk.message(pressed, text, f"@{pressed.person.user}", private=True)
        share = "" if pressed.text("channel").startswith("D") else text
        await self._talk.whisper(pressed, message, share=share)

    async def _show_home(self, pressed: SlackPress) -> None:
        await self._draw_home(pressed, None)

    async def _draw_home(self, pressed: SlackPress, told: LessonReply | None) -> None:
        person = pressed.person
        profile = await self._dialogue.profile(person)
        shown = slack_home.HomeView(
            recommended=(await self._talk.said(pressed, "/recommend")).markdown if profile.interests else "",
            asked=await self._dialogue.recent(person),
            lessons=await self._lessons.of(person, await self._talk.may_see(pressed)),
            told=told,
        )
        await self._publish(pressed, slack_home.home(profile, shown))

    async def _publish(self, pressed: SlackPress, view: Block) -> None:
        await pressed.place.client.views_publish(user_id=pressed.person.user, view=view)

    async def _suggest(self, pressed: SlackPress) -> None:
        """Suggest what to ask: Slack may not know the call, and then nothing is lost."""
        asked = await self._dialogue.recent(pressed.person)
        prompts = slack_home.prompts(asked, await self._lessons.new_titles(await self._talk.may_see(pressed)))
        with suppress(*ERRORS):
            await pressed.place.client.assistant_threads_setSuggestedPrompts(
                channel_id=pressed.text("channel"),
                thread_ts=pressed.text("thread") or None,
                title=translated(slack_texts.PANE_PROMPTS),
                prompts=prompts,
            )
