"""The prompt that fits: as many passages, then as many turns, as the model's context has room for.

Knows nothing of search, of stores, or of how the model reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.answering import prompt, retrieval
from core.answering.history import Query
from core.answering.ranking import Selection
from core.answering.rewording import is_of_the_answer
from core.answering.verdict import Judging, check_text
from core.domain import Prompt, RankedPassage, Turn
from core.errors import QuestionTooLongError
from core.people.asker import AnswerForm
from core.ports import Generator

TEMPLATE_TOKENS = 200  # what a chat template puts around messages, generously


def fit_prompt(
    query: Query,
    form: AnswerForm,
    selection: Selection,
    generator: Generator,
    *,
    answer_tokens: int,
    history_tokens: int,
    may_refuse: bool,
) -> Prompt:
    """What the model reads of `selection`, asked what `query` asks and how `form` wants it.

    Raises:
        QuestionTooLongError: there is no room for a single passage.
    """
    count, protocol = generator.count_tokens, generator.protocol
    refuse = may_refuse and protocol.judging is Judging.NONE
    person = prompt.person_block(form.preferences, form.stated, form.brevity, refuse=refuse)
    room = generator.context_tokens - answer_tokens - TEMPLATE_TOKENS
    question = prompt.about(query.question, query.quoted)
    room -= sum(map(count, (protocol.system, person, question, query.begun)))
    fitting: list[RankedPassage] = []
    for candidate in selection.rows:
        room -= count(prompt.passage_block(candidate.passage))
        if room < 0:
            break
        fitting.append(candidate)
    if not fitting:
        raise QuestionTooLongError("Your message is too long for the language model. Please shorten it.")
    # what is to be made of an answer cannot be answered; what it is made of can
    checked = query.likeliest if is_of_the_answer(query.question) and not query.quoted else question
    # refusals make models refuse
    answered = [_with_quote(turn) for turn in query.turns if turn.answer and not prompt.says_not_found(turn.answer)]
    return Prompt(
        protocol.system,
        tuple(candidate.passage for candidate in fitting),
        retrieval.priors(fitting, selection.factors),
        fitting_turns(answered, min(history_tokens, room), count),
        person,
        question,
        check_text(checked) if may_refuse and protocol.judging is Judging.CHECK else "",
        query.begun,
    )


def _with_quote(turn: Turn) -> Turn:
    return replace(turn, question=prompt.about(turn.question, turn.quoted))


def fitting_turns(turns: Sequence[Turn], budget: int, count_tokens: Callable[[str], int]) -> tuple[Turn, ...]:
    """The latest turns that fit into `budget` tokens together, oldest first."""
    kept: list[Turn] = []
    for turn in reversed(turns):
        budget -= count_tokens(turn.question) + count_tokens(turn.answer)
        if budget < 0:
            break
        kept.append(turn)
    return tuple(reversed(kept))
