"""What is said of courses, quizzes and progress: sentences, a question with its options, and a picture of bars.

Replies are Markdown. Knows nothing of platforms, or of how a course comes about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bots.language import translated
from bots.personal_texts import day
from bots.replies import Choice
from bots.texts import AND_MORE, escaped
from core.domain import Source
from core.learning.reviews import Mastery
from core.learning.study import LETTERS, Course
from core.learning.tutor import MarkedAnswer, Progress, QuizPrompt, TopicProgress
from core.notices.schedule import zone_of

PLANNING = "Planning a course from your documents…"
EXPLAINING = "Reading step {number}…"
WRITING = "Writing a question…"
TEACH_WHAT = (
    "What should the course be about? Write `{cmd}teach annual leave`, and I'll make up to seven short steps from "
    "the documents, each with a question. (To teach *me* something instead, share a file or a message with me.)"
)
QUIZ_WHAT = "What should the question be about? Write `{cmd}quiz annual leave`."
NOTHING_ON = "I found nothing about **{topic}** in the documents, so I can't teach it. Try other words."
NO_QUESTION = "I couldn't write a question about this that holds up against the documents."
NO_QUESTION_ON = "I couldn't write a question about **{topic}** that holds up against the documents. Try another topic."
NOT_ABLE = "The language model here can't write and check quiz questions, so there are no courses or quizzes."
STEP_GONE = "This step's part of the documents is gone or has changed, or you can't see it here."
COURSE_GONE = "That course is over, or it's somebody else's. `{cmd}teach` shows yours."
COURSE_STOPPED = "Done. The course is over; its questions stay in `{cmd}quiz`."
NO_COURSE = "You're not taking a course. `{cmd}teach annual leave` starts one."
NOT_OPEN = "There's no open question of yours by that name. `{cmd}quiz` asks one."
QUIZ_LEFT = "There's nothing to stop: a question can stay open, and `{cmd}quiz` asks the next one."
ANSWERED_ALREADY = "That question was answered already, or was asked again since. `{cmd}quiz` asks the next one."
RIGHT = "✅ **Right: {letter}. {option}**"
WRONG = "❌ **Not quite.** You chose {chosen}. The right one is **{letter}. {option}**"
SOURCE_CHANGED = "The document behind this question is gone or has changed since, or you can't see it here."
COMES_AGAIN = "It comes again."
HOW_TO_ANSWER = "Press a letter, or write `{cmd}quiz a`."
REVIEW = "Review"
QUIZ = "Quiz"
AGAIN = "Once more"
NEXT = "Next step"
GO_ON = "Go on"
ANOTHER = "Another question"
ASK_LEFT = "Open questions"
PLAN = "Course: {topic}"
STEP = "Step {number} of {count}: {name}"
FINISHED = (
    "🎉 **You've finished the course on {topic}.** You've done {done} of {count} steps. "
    "Its questions come back in `{cmd}quiz`."
)
AT_STEP = "Your course on **{topic}**: you're at step {number} of {count}."
HOW_TO_GO_ON = "`{cmd}teach next` goes on, `{cmd}teach stop` ends it, `{cmd}teach` and a topic starts another."
WAITS = "Your course on **{topic}** waits: `{cmd}teach back` goes back to it."
PROGRESS = "What you know"
NOTHING_KNOWN = "Nothing yet. `{cmd}quiz annual leave` asks you something, `{cmd}teach annual leave` starts a course."
LEGEND = "{known} known  {shaky} shaky  {due} due"
NEXT_DUE = "Next review: {date}."
NOW_DUE = "`{cmd}quiz` asks what is due."
FORGOTTEN_STUDY = "Done. I've forgotten your quiz answers, your reviews and your course."

BLOCKS = {Mastery.KNOWN: "█", Mastery.SHAKY: "▒", Mastery.DUE: "░"}
BAR, TITLE = 12, 24  # characters of a bar, and of a title beside it
TOPICS = 12  # lines of the picture
PLANNED, NAME = 12, 80  # steps of a plan, and characters of each


def plan(course: Course) -> str:
    """What a course has, around where somebody is in it."""
    steps = [(number, step) for number, step in enumerate(course.steps) if step.passages]
    before = sum(number < course.at for number, _ in steps)
    first = max(min(before - PLANNED // 2, len(steps) - PLANNED), 0)
    lines = [f"{number + 1}. {escaped(_cut(step.name, NAME))}" for number, step in steps[first : first + PLANNED]]
    return "\n".join([f"**{translated(PLAN, topic=escaped(course.topic))}**", "", *lines, *more(len(steps) - PLANNED)])


def more(count: int) -> list[str]:
    """That many are not listed, if any are not."""
    return ["", translated(AND_MORE, count=count)] if count > 0 else []


def step_heading(course: Course, number: int) -> str:
    """The heading of a step, which counts from 0."""
    name = escaped(course.steps[number].name)
    return f"**{translated(STEP, number=number + 1, count=len(course.steps), name=name)}**"


def at_step(course: Course) -> str:
    """How far somebody is in a course."""
    said = translated(AT_STEP, topic=escaped(course.topic), number=max(course.at, 0) + 1, count=len(course.steps))
    return f"{plan(course)}\n\n{said} {translated(HOW_TO_GO_ON)}"


def question(prompt: QuizPrompt, heading: str = "") -> str:
    """A question with its options, as they stand in this round."""
    card = prompt.card
    options = [f"- **{LETTERS[n]}.** {escaped(card.question.options[place])}" for n, place in enumerate(card.order)]
    head = heading or translated(REVIEW if prompt.again else QUIZ)
    return "\n".join([f"**{head}: {escaped(card.question.text)}**", "", *options, "", f"*{translated(HOW_TO_ANSWER)}*"])


def waiting(course: Course | None) -> list[str]:
    """How to go back to a course that waits."""
    return [translated(WAITS, topic=escaped(course.topic))] if course else []


def letters(prompt: QuizPrompt) -> tuple[Choice, ...]:
    """A button for each option."""
    card = prompt.card
    return tuple(
        Choice(letter, f"quiz answer {card.id}.{card.round} {letter.lower()}") for letter in LETTERS[: len(card.order)]
    )


def marked(found: MarkedAnswer) -> str:
    """What became of an answer: right or wrong, and why."""
    card, asked = found.marking.card, found.marking.card.question
    if found.passage is None:
        return translated(SOURCE_CHANGED)
    if found.marking.right is None:
        return translated(ANSWERED_ALREADY)
    option = escaped(asked.options[asked.right])
    if found.marking.right:
        head = translated(RIGHT, letter=card.right_letter, option=option)
        return f"{head}\n\n{escaped(asked.why)}"
    chosen = LETTERS[card.order.index(card.chosen)] if card.chosen is not None else ""
    head = translated(WRONG, chosen=chosen, letter=card.right_letter, option=option)
    return f"{head}\n\n{escaped(asked.why)}\n\n*{translated(COMES_AGAIN)}*"


def is_marked(said: str) -> bool:
    """Whether this marks an answer."""
    return said.startswith((RIGHT[0], WRONG[0]))


def is_answered(said: str) -> bool:
    """Whether a question is open no more, of which this was said."""
    return is_marked(said) or said == translated(ANSWERED_ALREADY)


def source_of(found: MarkedAnswer) -> tuple[Source, ...]:
    """Where it stands."""
    shown = found.passage is not None and found.marking.right is not None
    return (Source(1, found.passage),) if shown and found.passage else ()


def finished(course: Course) -> str:
    """The end of a course."""
    return translated(FINISHED, topic=escaped(course.topic), done=len(course.finished), count=len(course.steps))


def progress(found: Progress, zone: str) -> str:
    """A bar for each document, what to do, and the course; the days are those of `zone`."""
    known = [f"**{translated(PROGRESS)}**", _picture(found), _when(found, zone)] if found.topics else []
    course = [at_step(found.course)] if found.course and not found.course.over else []
    return "\n\n".join([*filter(None, known or [translated(NOTHING_KNOWN)]), *course])


def _picture(found: Progress) -> str:
    signs = {f"{kind}": f"{BLOCKS[kind]} {count}" for kind, count in _total(found).items()}
    return "\n".join(["```", *_bars(found.topics[:TOPICS]), "", translated(LEGEND, **signs), "```"])


def _when(found: Progress, zone: str) -> str:
    if _total(found)[Mastery.DUE]:
        return translated(NOW_DUE)
    return translated(NEXT_DUE, date=day(found.next_due.astimezone(zone_of(zone)))) if found.next_due else ""


def _total(found: Progress) -> dict[Mastery, int]:
    return {kind: sum(topic.counts[kind] for topic in found.topics) for kind in Mastery}


def _bars(topics: Iterable[TopicProgress]) -> list[str]:
    return [f"{_cut(topic.title):<{TITLE}} {bar(topic.counts)} {sum(topic.counts.values()):>3}" for topic in topics]


def bar(counts: dict[Mastery, int]) -> str:
    """Known, shaky and due as parts of a bar; what is there at all has one character of it."""
    total = sum(counts.values())
    sizes = {kind: max(round(BAR * count / total), 1) if count else 0 for kind, count in counts.items()}
    largest = max(sizes, key=lambda kind: sizes[kind])
    sizes[largest] += BAR - sum(sizes.values())
    return "".join(BLOCKS[kind] * sizes[kind] for kind in Mastery)


def _cut(title: str, most: int = TITLE) -> str:
    line = " ".join(title.replace("`", "'").split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def rows(*groups: Sequence[Choice]) -> tuple[tuple[Choice, ...], ...]:
    """Rows of buttons, without empty ones."""
    return tuple(tuple(group) for group in groups if group)
