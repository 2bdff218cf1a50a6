"""Buttons, modals, commands, emoji, the home tab and teaching in Slack, through the real slack-bolt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from redis.asyncio import Redis

from bots.language import Voice
from bots.on_slack.clients import Clients
from bots.on_slack.events import EventKind, personal_event
from core.domain import Person
from core.people.interests import Action, Reason
from core.people.preferences import Length, Preferences
from tests.bots.slack_world import QUESTION, TEXTS, World, world
from tests.doubles.slack_people import text_of

ANN = Person("slack", "T1", "UANN")


async def answered(there: World, channel: str = "C1", user: str = "UANN") -> tuple[str, dict]:
    """A question that was answered: its ts, and the answer's message."""
    named = "" if channel.startswith("D") else "<@UBOT> "
    ts = there.people.say(user, channel, f"{named}{QUESTION}")
    await there.settled()
    (message,) = there.space.answers(channel, ts)
    return ts, message


def value_of(message: dict, which: str) -> str:
    element = message["blocks"][-1]["elements"][0]
    return element[f"{which}_button"]["value"]


async def acts(there: World) -> list[tuple[Action, Reason | None]]:
    """What is known of Ann's verdicts; questions asked are left out."""
    signals = await there.engine.people._memory.signals(ANN)
    return [(signal.act, signal.reason) for signal in signals if signal.act not in {Action.ASKED, Action.REPHRASED}]


async def test_a_thumb_counts(slack: World) -> None:
    """👍 is learned from at once; whoever changes their mind has one verdict, the last."""
    _, message = await answered(slack)
    slack.people.press("UANN", "C1", message["ts"], "attune_feedback", value=value_of(message, "positive"))
    await slack.settled()
    assert await acts(slack) == [(Action.UP, None)]
    slack.people.press("UANN", "C1", message["ts"], "attune_feedback", value=value_of(message, "negative"))
    await slack.settled()
    assert await acts(slack) == [(Action.DOWN, None)]


async def test_a_thumb_down_asks_why(slack: World) -> None:
    """👎 opens a modal with the reasons; the one that is chosen is kept."""
    _, message = await answered(slack)
    slack.people.press("UANN", "C1", message["ts"], "attune_feedback", value=value_of(message, "negative"))
    await slack.settled()
    await slack.until(lambda: bool(slack.space.views))
    view = slack.people.view("UANN")
    assert len(view["blocks"][0]["element"]["options"]) == len(Reason)
    chosen = {"type": "radio_buttons", "selected_option": {"value": "TOO_LONG"}}
    slack.people.submit("UANN", view, {"reason": {"reason": chosen}})
    await slack.settled()
    assert await acts(slack) == [(Action.DOWN, Reason.TOO_LONG)]


async def test_emoji_count_and_can_be_taken_back(slack: World) -> None:
    """A thumb put on the answer is a verdict, in any skin; taken away it is none; other emoji and messages are not."""
    ts, message = await answered(slack)
    slack.people.react("UANN", "C1", message["ts"], "eyes")
    slack.people.react("UANN", "C1", ts, "+1")
    await slack.settled()
    assert await acts(slack) == []
    slack.people.react("UANN", "C1", message["ts"], "+1::skin-tone-3")
    await slack.settled()
    assert await acts(slack) == [(Action.UP, None)]
    slack.people.react("UANN", "C1", message["ts"], "+1::skin-tone-3", add=False)
    await slack.settled()
    assert await acts(slack) == []


async def test_a_source_opens_its_passage(slack: World) -> None:
    """Chosen from the menu, the passage stands in a modal, word for word, and counts as opened."""
    _, message = await answered(slack)
    slack.people.press(
        "UANN", "C1", message["ts"], "attune_source", value=message["blocks"][1]["elements"][0]["options"][0]["value"]
    )
    await slack.settled()
    shown = str(slack.people.view("UANN")["blocks"])
    assert TEXTS["Transit"] in shown
    assert "Transit.md" in shown
    assert await acts(slack) == [(Action.OPENED, None)]


async def test_what_comes_closest_opens_like_a_source(slack: World) -> None:
    """Where nothing was found, the menu has the nearest sections."""
    ts = slack.people.say("UANN", "C1", "<@UBOT> Who painted sunflowers?")
    await slack.settled()
    (message,) = slack.space.answers("C1", ts)
    menu = next(one for block in message["blocks"] for one in block.get("elements", ()) if one.get("options"))
    slack.people.press("UANN", "C1", message["ts"], "attune_source", value=menu["options"][0]["value"])
    await slack.settled()
    passage = (await slack.engine.people.trace(ANN)).sources[0].passage
    assert passage.text in str(slack.people.view("UANN")["blocks"])


async def test_whoever_reads_an_answer_in_a_channel_may_open_its_sources(slack: World) -> None:
    """A colleague sees the passage, and nothing is learned of anybody; once the channel may not see it, nobody does."""
    _, message = await answered(slack)
    source = message["blocks"][1]["elements"][0]["options"][0]["value"]
    slack.people.press("UBEN", "C1", message["ts"], "attune_source", value=source)
    await slack.settled()
    assert TEXTS["Transit"] in str(slack.people.view("UBEN")["blocks"])
    assert await acts(slack) == []
    passage = (await slack.engine.people.trace(ANN)).sources[0].passage
    kept = await slack.index.vectors([passage.id])
    await slack.index.upsert([replace(passage, readers=("person:slack/T1/UANN",))], np.array([kept[passage.id]]))
    slack.people.press("UBEN", "C1", message["ts"], "attune_source", value=source)
    await slack.settled()
    assert TEXTS["Transit"] not in str(slack.people.view("UBEN")["blocks"])


async def test_what_is_about_the_asker_is_for_the_asker(slack: World) -> None:
    """A colleague's verdict, why and again are answered to that colleague alone, and tell and change nothing."""
    ts, message = await answered(slack)
    slack.people.press("UBEN", "C1", message["ts"], "attune_why")
    slack.people.press("UBEN", "C1", message["ts"], "attune_plain")
    slack.people.press("UBEN", "C1", message["ts"], "attune_feedback", value=value_of(message, "negative"))
    await slack.settled()
    assert "Only the person who asked can do" in str(slack.people.view("UBEN")["blocks"])
    assert "What was wrong?" not in str(slack.space.views)
    told = str(slack.people.replies())
    assert ("Only the person who asked can do" in told, "Only the person who asked can rate" in told) == (True, True)
    assert len(slack.answers("C1", ts)) == 1
    assert await acts(slack) == []


async def test_why_says_what_the_answer_rests_on(slack: World) -> None:
    """The modal names the passages in words; a button in it shows what they weighed."""
    _, message = await answered(slack)
    slack.people.press("UANN", "C1", message["ts"], "attune_why")
    await slack.settled()
    words = slack.people.view("UANN")
    assert "the first one, from _Transit_, gave the answer" in str(words["blocks"])
    assert "%" not in str(words["blocks"])
    slack.people.press_in("UANN", words, "attune_quiz_0_0")
    await slack.settled()
    numbers = slack.people.view("UANN")
    assert "% → " in str(numbers["blocks"])
    assert (numbers["id"], "attune_quiz" in str(numbers["blocks"])) == (words["id"], False)


async def test_why_that_was_typed_has_its_numbers_behind_a_button(slack: World) -> None:
    """In a direct message in its thread; in a channel for one person's eyes, and nobody else's press shows them."""
    ts, _ = await answered(slack, slack.space.dm("UANN"))
    slack.people.say("UANN", "DUANN", "!why", thread=ts)
    await slack.settled()
    said = slack.space.answers("DUANN", ts)[-1]
    slack.people.press("UANN", "DUANN", said["ts"], "attune_quiz_0_0")
    await slack.settled()
    assert "% → " in slack.answers("DUANN", ts)[-1]
    ts, _ = await answered(slack)
    slack.people.say("UANN", "C1", "<@UBOT> why", thread=ts)
    await slack.settled()
    whispered = slack.space.ephemeral[-1]
    assert "gave the answer" in str(whispered)
    slack.people.press_ephemeral("UBEN", "C1", whispered["blocks"], "attune_quiz_0_0")
    slack.people.press_ephemeral("UANN", "C1", whispered["blocks"], "attune_quiz_0_0")
    await slack.settled()
    told = [str(reply) for reply in slack.people.replies()]
    assert sum("% → " in reply for reply in told) == 1
    assert sum("Only the person who asked" in reply for reply in told) == 1
    assert len(slack.answers("C1", ts)) == 1


async def test_plain_answers_again_without_preferences(slack: World) -> None:
    """The second answer stands in the thread, and was made of nothing that the person set."""
    ts, message = await answered(slack)
    await slack.engine.people.choose(ANN, Preferences(length=Length.SHORT))
    slack.people.press("UANN", "C1", message["ts"], "attune_plain")
    await slack.settled()
    assert len(slack.answers("C1", ts)) == 2
    assert TEXTS["Transit"] in slack.answers("C1", ts)[1]
    assert slack.generator.prompts[-1].person == slack.generator.prompts[0].person


async def test_prefs_open_a_form_that_changes_what_was_changed(slack: World) -> None:
    """`/prefs` shows all that is set, and saving it does what typing would have done."""
    slack.people.command("UANN", "C1", "/prefs")
    await slack.settled()
    view = slack.people.view("UANN")
    assert view["callback_id"] == "attune_prefs"

    def chosen(value: str) -> dict:
        return {"type": "static_select", "selected_option": {"value": value}}

    slack.people.submit(
        "UANN",
        view,
        {
            "length": {"length": chosen("short")},
            "strength": {"strength": chosen("75")},
            "like": {"like": {"type": "plain_text_input", "value": "trains &amp; <!here>"}},
        },
    )
    await slack.settled()
    wishes = await slack.engine.people.wishes(ANN)
    assert (wishes.preferences.length, wishes.preferences.tone, wishes.strength) == ("short", "plain", 75)
    assert [stated.text for stated in wishes.stated] == ["trains &amp; <!here>"]


async def test_prefs_can_be_typed_where_slash_commands_cannot(slack: World) -> None:
    """In a thread `@Attune prefs …` and `!prefs …` do what `/prefs` does."""
    ts = slack.people.say("UANN", "C1", "<@UBOT> prefs length short")
    await slack.settled()
    slack.people.say("UANN", "C1", "!prefs tone formal", thread=ts)
    await slack.settled()
    preferences = (await slack.engine.people.wishes(ANN)).preferences
    assert (preferences.length, preferences.tone) == ("short", "formal")
    assert "length setting is now **short**" in slack.people.whispers("UANN")[0]


async def test_what_is_personal_is_said_to_one_person(slack: World) -> None:
    """`prefs`, `why` and `recommend` in a channel are answered there for the eyes of whoever asked."""
    ts, _ = await answered(slack)
    for word in ("prefs", "why", "recommend", "forget", "unlearn"):
        slack.people.say("UANN", "C1", f"<@UBOT> {word}", thread=ts)
    await slack.settled()
    assert len(slack.answers("C1", ts)) == 1
    assert len(slack.people.whispers("UANN")) == 5
    assert {each["thread_ts"] for each in slack.space.ephemeral} == {ts}


async def test_commands_are_named_as_slack_lets_people_type_them(slack: World) -> None:
    """Slack refuses slash commands that it does not know, and all of them in threads: sentences say `!why`."""
    channel = slack.space.dm("UANN")
    told = slack.people.say("UANN", channel, "help")
    await slack.settled()
    (said,) = slack.answers(channel, told)
    assert "`!why`" in said
    assert "/" not in said.replace("`/ask`", "")
    slack.people.say("UANN", channel, "!open 1", thread=told)
    await slack.settled()
    assert "no sources to open" in slack.answers(channel, told)[1]


async def test_slash_commands_are_named_only_where_slack_knows_them(socket: World) -> None:
    """A reply to `/prefs` says `/prefs`; one to `/ask`, which answers like a message, says `!why`."""
    socket.people.command("UANN", "C1", "/prefs", "remove")
    socket.people.command("UANN", "C1", "/ask", "help")
    await socket.settled()
    told = {str(reply["blocks"]) for reply in socket.people.replies()}
    (help_,) = (each for each in told if "!why" in each)
    assert "`/why`" not in help_
    (chosen,) = told - {help_}
    assert "`/prefs remove interest 1`" in chosen


async def test_who_cannot_be_asked_is_spoken_to_as_slack_lets_people_type(redis: Redis) -> None:
    """Where Slack does not say who somebody is, English is spoken, and commands still begin with `!`."""
    event = personal_event("T1", "UANN", EventKind.HOME, "1", {})
    async with world(redis) as there:
        sender = there.hub.sender
        sender._clients = Clients("xoxb-1", "http://127.0.0.1:9/")  # where nobody listens
        assert await sender.voice(event) == Voice("", "!")


async def test_without_preferences_of_a_private_answer_stays_private(slack: World) -> None:
    """Under an answer that one person sees, the button answers that person again, and nothing is posted."""
    slack.people.command("UANN", "C1", "/ask", QUESTION)
    await slack.settled()
    (reply,) = slack.people.replies()
    slack.people.press_ephemeral("UANN", "C1", reply["blocks"], "attune_plain")
    await slack.settled()
    assert len(slack.people.replies()) == 2
    assert TEXTS["Transit"] in str(slack.people.replies()[1]["blocks"])
    assert slack.space.messages["C1"] == {}


async def test_a_private_answer_is_not_shared_where_the_bot_may_not_write(slack: World) -> None:
    """Pressed in a channel without the bot, the button says what to do."""
    slack.space.add_channel("C2", ["UANN"])
    slack.people.command("UANN", "C2", "/ask", QUESTION)
    await slack.settled()
    slack.people.press_ephemeral("UANN", "C2", slack.people.replies()[0]["blocks"], "attune_share")
    await slack.settled()
    assert "/invite" in str(slack.people.replies()[1])


async def test_a_slash_command_with_words_answers_one_person(slack: World) -> None:
    """`/prefs length short` says so to whoever typed it, and to nobody else."""
    slack.people.command("UANN", "C1", "/prefs", "length short")
    await slack.settled()
    assert "length setting is now **short**" in str(slack.people.replies())
    assert slack.space.messages["C1"] == {}


async def test_a_private_answer_is_for_one_persons_eyes(slack: World) -> None:
    """`/ask` in a channel draws on what that person may see, shows it to them alone, and asks for all on a press."""
    await secret(slack)
    slack.people.command("UANN", "C1", "/ask", "What is the combination of the safe?")
    await slack.settled()
    (reply,) = slack.people.replies()
    assert "forty two" in str(reply["blocks"])
    assert reply["response_type"] == "ephemeral"
    assert slack.space.messages["C1"] == {}
    slack.people.press_ephemeral("UANN", "C1", reply["blocks"], "attune_share")
    await slack.settled()
    (asked, *answers) = slack.space.messages["C1"].values()
    assert asked["text"] == "<@UANN> asks: What is the combination of the safe?"
    assert answers != []
    assert "forty two" not in str(answers)


async def secret(there: World) -> None:
    """A passage that only the members of the private channel G1 may see."""
    from core.domain import Passage  # noqa: PLC0415
    from tests.fakes import HashingEmbedder  # noqa: PLC0415

    text = "The combination of the safe is forty two"
    passage = Passage(
        "00000000-0000-0000-0000-0000000000ff", "/s.md", "Safe", (), text, 1, 0, 1, "v", ("channel:slack/T1/G1",)
    )
    await there.index.upsert([passage], await HashingEmbedder().embed([text]))


async def test_a_private_channels_passage_is_seen_by_its_members_only(slack: World) -> None:
    """Its members read it in that channel and in direct messages; others, and other channels, never."""
    await secret(slack)
    asked = "What is the combination of the safe?"
    seen = {}
    for user, channel in (("UANN", "G1"), ("UANN", "C1"), ("UBEN", "C1"), ("UANN", "DUANN"), ("UBEN", "DUBEN")):
        slack.space.dm(user)
        ts = slack.people.say(user, channel, asked if channel[0] == "D" else f"<@UBOT> {asked}")
        await slack.settled()
        seen[user, channel] = "forty two" in slack.answers(channel, ts)[0]
    assert [place for place, found in seen.items() if found] == [("UANN", "G1"), ("UANN", "DUANN")]


async def test_the_home_tab_shows_what_is_kept_and_changes_it(slack: World) -> None:
    """Everything that is set and asked stands there; its buttons remove, pause, export and forget."""
    await answered(slack)
    slack.people.say("UANN", slack.space.dm("UANN"), "prefs like trains")
    await slack.settled()
    slack.people.open_home("UANN")
    await slack.settled()
    home = slack.space.homes["UANN"]
    assert "trains" in str(home)
    assert QUESTION in str(home)
    slack.people.press_in("UANN", home, "attune_run_s0")
    await slack.settled()
    assert (await slack.engine.people.wishes(ANN)).stated == ()
    assert "like _trains_" not in str(slack.space.homes["UANN"])
    slack.people.press_in("UANN", slack.space.homes["UANN"], "attune_run_pause")
    await slack.settled()
    assert (await slack.engine.people.wishes(ANN)).paused
    assert "Resume learning" in str(slack.space.homes["UANN"])
    slack.people.press_in("UANN", slack.space.homes["UANN"], "attune_run_export")
    await slack.settled()
    assert exported(slack) == 1
    slack.people.press_in("UANN", slack.space.homes["UANN"], "attune_run_forget")
    await slack.settled()
    assert not (await slack.engine.people.wishes(ANN)).paused
    assert QUESTION not in str(slack.space.homes["UANN"])


def exported(there: World) -> int:
    """How many files with her profile Ann got in her direct messages."""
    sent = [one for message in there.space.messages["DUANN"].values() for one in message.get("files", ())]
    assert all(b'"wishes"' in there.space.files[one["id"]]["data"] for one in sent)
    assert {one["name"] for one in sent} <= {"attune-profile.json"}
    return len(sent)


async def test_an_export_is_a_file_wherever_it_is_asked_for(slack: World) -> None:
    """In a direct message, in a channel and by a slash command; it comes in a direct message, and that is said."""
    channel = slack.space.dm("UANN")
    asked = slack.people.say("UANN", channel, "prefs export")
    await slack.settled()
    assert exported(slack) == 1
    assert slack.answers(channel, asked) == ["I've sent it to you in a message."]
    slack.people.say("UANN", "C1", "<@UBOT> prefs export")
    slack.people.command("UANN", "C1", "/prefs", "export")
    await slack.settled()
    assert exported(slack) == 3
    assert "I've sent it to you" in slack.people.whispers("UANN")[-1] + str(slack.people.replies())
    assert '"wishes"' not in str(slack.space.messages["C1"]) + str(slack.space.ephemeral)


async def test_an_export_is_text_where_the_app_may_not_send_files(slack: World) -> None:
    """An app that was made before still lacks the scope."""
    slack.space.scopes = set(slack.space.scopes) - {"files:write"}
    slack.people.say("UANN", slack.space.dm("UANN"), "prefs export")
    await slack.settled()
    assert exported(slack) == 0
    assert '"wishes"' in str(slack.space.messages["DUANN"])


async def test_the_home_tab_of_a_stranger_says_why_it_is_empty(socket: World) -> None:
    """Somebody who is not let in sees a sentence, and nothing of anybody."""
    socket.access.allowed.clear()
    socket.people.open_home("UANN")
    await socket.settled()
    assert "not allowed to answer you yet" in str(socket.space.homes["UANN"])


async def test_the_form_opens_from_the_home_tab(socket: World) -> None:
    """Its button opens the same form as `/prefs`."""
    socket.people.open_home("UANN")
    await socket.settled()
    socket.people.press_in("UANN", socket.space.homes["UANN"], "attune_prefs")
    await socket.settled()
    assert socket.people.view("UANN")["callback_id"] == "attune_prefs"


async def test_a_shared_file_is_learned_for_those_that_were_chosen(slack: World) -> None:
    """A file is offered to be learned; the press says for whom, and the sentence says what happened."""
    file = slack.people.upload("pumps.md", b"# Pumps\n\nE-4711 means dry.")
    ts = slack.people.say("UANN", "C1", "<@UBOT>", files=[file])
    await slack.settled()
    (offer,) = slack.space.answers("C1", ts)
    slack.people.press("UANN", "C1", offer["ts"], "attune_learn_chat")
    await slack.settled()
    assert slack.taught == [("pumps.md", "# Pumps\n\nE-4711 means dry.", ("channel:slack/T1/C1",))]
    (reply,) = slack.people.replies()
    assert "I've learned" in str(reply)


async def test_a_lesson_is_forgotten_and_brought_back(slack: World) -> None:
    """Its confirmation, the home tab and `unlearn` each have a button that forgets it, and one that brings it back."""
    file = slack.people.upload("pumps.md", b"# Pumps")
    channel = slack.space.dm("UANN")
    ts = slack.people.say("UANN", channel, "", files=[file])
    await slack.settled()
    (offer,) = slack.space.answers(channel, ts)
    slack.people.press("UANN", channel, offer["ts"], "attune_learn_me")
    await slack.settled()
    for action, left in (("attune_unlearn", 0), ("attune_relearn", 1)):
        slack.people.press_ephemeral("UANN", channel, slack.people.replies()[-1]["blocks"], action)
        await slack.settled()
        assert len(slack.teacher.known) == left
    slack.people.open_home("UANN")
    await slack.settled()
    for action, left in (("attune_unlearn_0", 0), ("attune_relearn", 1)):
        slack.people.press_in("UANN", slack.space.homes["UANN"], action)
        await slack.settled()
        assert len(slack.teacher.known) == left
    ts = slack.people.say("UANN", channel, "unlearn")
    await slack.settled()
    (told,) = slack.space.answers(channel, ts)
    slack.people.press("UANN", channel, told["ts"], "attune_unlearn_0")
    await slack.settled()
    assert slack.teacher.known == {}
    assert "I've forgotten" in str(slack.people.replies()[-1])


async def test_only_its_author_or_an_operator_forgets_a_lesson(slack: World) -> None:
    """Others find it in no list of theirs, and a press of theirs changes nothing."""
    file = slack.people.upload("pumps.md", b"# Pumps")
    ts = slack.people.say("UANN", "C1", "<@UBOT>", files=[file])
    await slack.settled()
    (offer,) = slack.space.answers("C1", ts)
    slack.people.press("UANN", "C1", offer["ts"], "attune_learn_chat")
    await slack.settled()
    reply = slack.people.replies()[-1]
    slack.people.open_home("UBEN")
    slack.people.press_ephemeral("UBEN", "C1", reply["blocks"], "attune_unlearn")
    await slack.settled()
    assert "pumps" not in str(slack.space.homes["UBEN"])
    assert len(slack.teacher.known) == 1
    assert slack.people.replies()[-1]["response_type"] == "ephemeral"  # and leaves its author's button
    slack.access.operators.add("person:slack/T1/UBEN")
    slack.people.press_ephemeral("UBEN", "C1", reply["blocks"], "attune_unlearn")
    await slack.settled()
    assert slack.teacher.known == {}


async def test_what_cannot_be_read_is_not_offered(slack: World) -> None:
    """A picture alone is refused with what to do; beside a question it is left alone, and the question answered."""
    file = slack.people.upload("screen.gif", b"GIF")
    channel = slack.space.dm("UANN")
    alone = slack.people.say("UANN", channel, "", files=[file])
    asked = slack.people.say("UANN", channel, QUESTION, files=[file])
    await slack.settled()
    assert "can't read *screen.gif*" in slack.answers(channel, alone)[0]
    (answer,) = slack.answers(channel, asked)
    assert TEXTS["Transit"] in answer


async def test_only_operators_teach_everyone(slack: World) -> None:
    """Others find no such button, and one that an operator was offered is refused to them with a reason."""
    file = slack.people.upload("pumps.md", b"# Pumps")
    ts = slack.people.say("UANN", "C1", "<@UBOT>", files=[file])
    await slack.settled()
    assert "attune_learn_everyone" not in str(slack.space.answers("C1", ts))
    slack.access.operators.add("person:slack/T1/UANN")
    ts = slack.people.say("UANN", "C1", "<@UBOT>", files=[file])
    await slack.settled()
    (offer,) = slack.space.answers("C1", ts)
    slack.people.press("UBEN", "C1", offer["ts"], "attune_learn_everyone")
    await slack.settled()
    assert slack.taught == []
    assert "Only operators" in str(slack.people.replies())
    slack.people.press("UANN", "C1", offer["ts"], "attune_learn_everyone")
    await slack.settled()
    assert slack.taught == [("pumps.md", "# Pumps", ("everyone",))]


async def test_a_thread_is_taught_by_a_shortcut(slack: World) -> None:
    """The shortcut "Teach this" asks what, what about and for whom; the thread becomes a lesson in plain words."""
    ts = slack.people.say("UBEN", "C1", "How do I drain the <https://x.example|pump>?")
    slack.people.say("UANN", "C1", "Open the valve &amp; wait.", thread=ts)
    slack.people.shortcut("UANN", "C1", ts, "attune_teach")
    await slack.settled()
    await slack.until(lambda: bool(slack.space.views))
    view = slack.people.view("UANN")

    def chosen(value: str) -> dict:
        return {"type": "static_select", "selected_option": {"value": value}}

    slack.people.submit("UANN", view, {"part": {"part": chosen("thread")}, "readers": {"readers": chosen("chat")}})
    await slack.settled()
    ((title, text, readers),) = slack.taught
    assert title.startswith("How do I drain")
    assert text == "How do I drain the pump (https://x.example)?\n\nOpen the valve & wait."
    assert readers == ("channel:slack/T1/C1",)


async def teaches(there: World) -> None:
    """Ann chooses "Teach this" in a channel, and sends the modal as it is."""
    ts = there.people.say("UBEN", "C2", "How do I drain the pump?")
    there.people.shortcut("UANN", "C2", ts, "attune_teach")
    await there.settled()
    await there.until(lambda: bool(there.space.views))
    there.people.submit("UANN", there.people.view("UANN"))
    await there.settled()


async def test_a_thread_that_the_bot_cannot_read_is_not_taught_in_silence(slack: World) -> None:
    """The shortcut is there in every channel; in one without the bot, whoever chose it reads what to do."""
    slack.space.add_channel("C2", ["UANN", "UBEN"])
    await teaches(slack)
    assert slack.taught == []
    (told,) = [message for message in slack.space.messages["DUANN"].values() if message["user"] == "UBOT"]
    assert "I can't read this channel. Invite me with `/invite`" in text_of(told)


async def test_whoever_sent_a_modal_that_fails_is_told_so(redis: Redis) -> None:
    """A modal has closed by then, and there is no address to reply to: a direct message says it."""
    async with world(redis) as there:
        there.space.add_channel("C2", ["UANN", "UBEN", "UBOT"])
        there.server.fail("conversations.replies", "internal_error", times=99)
        await teaches(there)
        assert "Something went wrong." in str(there.space.ephemeral) + str(there.space.messages["DUANN"])


async def test_a_modal_that_was_closed_is_no_failure(socket: World) -> None:
    """Who closes a modal before it is filled loses only that."""
    _, message = await answered(socket)
    socket.server.fail("views.open", "expired_trigger_id", times=1)
    socket.server.fail("views.update", "not_found", times=99)
    socket.people.press("UANN", "C1", message["ts"], "attune_why")
    await socket.settled()


async def test_operators_see_gaps_in_private(redis: Redis) -> None:
    """`gaps` in a direct message lists what went unanswered, for operators; for others it is a question."""
    async with world(redis) as there:
        channel = there.space.dm("UANN")
        there.people.say("UANN", channel, "Zeppelin hangars? **loud** [press](https://x.example)")
        await there.settled()
        there.access.operators.add("person:slack/T1/UANN")
        ts = there.people.say("UANN", channel, "gaps")
        other = there.people.say("UBEN", there.space.dm("UBEN"), "gaps")
        await there.settled()
        assert "Zeppelin" in there.answers(channel, ts)[0]
        assert r"\*\*loud\*\* \[press\](" in there.answers(channel, ts)[0]
        assert "Zeppelin" not in there.answers("DUBEN", other)[0]
        there.check()


async def test_everything_comes_in_the_language_of_the_person(slack: World) -> None:
    """Ben has Slack in German, and reads it from the sources to the home tab; Ann beside him reads English."""
    slack.space.users["UBEN"]["locale"] = "de-DE"
    english, asked = await answered(slack)
    german, answer = await answered(slack, user="UBEN")
    assert ("Sources" in str(asked), "Without my preferences" in str(asked)) == (True, True)
    assert ("Quellen" in str(answer), "Ohne meine Einstellungen" in str(answer)) == (True, True)
    slack.people.press("UBEN", "C1", answer["ts"], "attune_why")
    await slack.settled()
    assert "Warum diese Antwort" in str(slack.people.view("UBEN")["blocks"])
    slack.people.command("UBEN", "C1", "/prefs", "undo")
    slack.people.command("UBEN", "C1", "/ask", "")
    slack.people.open_home("UBEN")
    slack.people.say("UBEN", slack.space.dm("UBEN"), "why")
    long = slack.people.say("UBEN", slack.space.dm("UBEN"), "x" * 5_000)
    await slack.settled()
    assert "5.000 Zeichen" in slack.answers("DUBEN", long)[0]
    slack.people.press("UBEN", "C1", asked["ts"], "attune_feedback", value=value_of(asked, "positive"))
    await slack.settled()
    assert "rückgängig zu machen" in str(slack.people.replies())
    assert "kann nur bewerten, wer gefragt hat" in str(slack.people.replies())
    assert "Was ich über dich gelernt habe" in str(slack.space.homes["UBEN"])
    assert english != german
