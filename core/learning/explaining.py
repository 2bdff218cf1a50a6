"""An explanation of some passages: an answer like any other, judged, grounded and with its sources.

Where the reader has nothing to say that stands, the passage speaks for itself, in its own words. Knows nothing of
courses, of people's records, or of who may read what.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from core.answering import history
from core.answering.draft import AnswerDraft
from core.answering.fitting import fit_prompt
from core.answering.ranking import Selection, Tilt
from core.answering.retrieval import text_of
from core.domain import Answer, AnswerEvent, Decoding, Outcome, Passage, RankedPassage, Source
from core.people.asker import AnswerForm
from core.people.preferences import Level, Preferences
from core.ports import Generator

TOKENS = 220
EXCERPT = 600  # characters that a passage speaks for itself
_ASKED = "Explain to {level}, in at most six sentences: {name}"
_LEVELS = {Level.BEGINNER: "a beginner", Level.PRACTITIONER: "a colleague", Level.EXPERT: "an expert"}


class Explainer:
    """Has the reader explain what passages say."""

    def __init__(self, generator: Generator, decoding: Decoding, *, relevance: float, certainty: float) -> None:
        self._generator = generator
        self._decoding = replace(decoding, max_tokens=min(TOKENS, decoding.max_tokens))
        self._certainty = certainty
        self.relevance = relevance

    async def explain(
        self, name: str, passages: Sequence[Passage], form: Preferences
    ) -> AsyncGenerator[AnswerEvent, None]:
        """What `passages` say of `name`, in pieces, then the whole with its source."""
        draft = self._draft(name, passages, form)
        events = self._generator.generate(draft.prompt, self._decoding)
        async with aclosing(draft.grow(events, self._certainty)) as shown:
            async for event in shown:
                yield event
        answer = draft.finish()
        yield answer if answer.outcome is Outcome.ANSWERED else _excerpt(passages)

    def _draft(self, name: str, passages: Sequence[Passage], form: Preferences) -> AnswerDraft:
        query = history.understand(_ASKED.format(level=_LEVELS[form.level], name=name), ())
        row = RankedPassage(replace(passages[0], text=text_of(passages)), 1.0, 1.0, 0.0, parts=tuple(passages))
        nothing = np.zeros(1)
        selection = Selection([row], [row], Tilt(nothing, nothing, nothing), {})
        prompt = fit_prompt(
            query,
            AnswerForm(form, (), 0.0),
            selection,
            self._generator,
            answer_tokens=self._decoding.max_tokens,
            history_tokens=0,
            may_refuse=self._certainty > 0,
        )
        return AnswerDraft(query, selection, prompt, self._generator.protocol.calibration)


def _excerpt(passages: Sequence[Passage]) -> Answer:
    """The beginning of what the passages say, as a quotation."""
    text = text_of(passages)
    shown = text if len(text) <= EXCERPT else f"{text[:EXCERPT].rsplit(None, 1)[0]} …"
    quoted = "\n".join(f"> {line}" for line in shown.splitlines())
    return Answer(quoted, Outcome.ANSWERED, (Source(1, passages[0]),))
