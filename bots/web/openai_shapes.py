"""OpenAI's shapes: what a chat completion is asked by, and what is answered, piece by piece or whole.

The request is the one place from which the checks and `/openapi.json` come. Pure; knows nothing of HTTP, or of how an
answer is made.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bots.web.faults import RequestError
from bots.web.programs import place_of
from core.answering.cutting import is_cut
from core.answering.prompt import NOT_FOUND
from core.domain import Answer, Outcome, Person, Source, Turn

MODEL = "attune"
DONE = "data: [DONE]\n\n"
WAIT = ": waiting\n\n"
HEARD = 40_000  # characters of the conversation before a question

ASKER, ANSWERER = "user", "assistant"
LAST_IS_NO_QUESTION = "The last message has to be the question: its role is user."
ONLY_TEXT = "Attune reads text only. Leave out {what}."
NO_CHOICES = "Attune gives one answer: leave out n, or set it to 1."
NO_FORM = "Attune answers in text: leave out response_format, or set its type to text."
NO_TOOLS = "Attune calls no tools: leave out tool_choice, or set it to auto or none."


class ContentPart(BaseModel):
    """A part of a message; only text is read."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str = ""


class ApiMessage(BaseModel):
    """A message of the conversation. What stands in system messages is not heard: answers come from the documents."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[ContentPart] | None = Field(None, description="the text, or parts of it of the type `text`")

    @property
    def text(self) -> str:
        """What it says.

        Raises:
            RequestError: there is something else than text in it.
        """
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        other = next((part.type for part in self.content if part.type not in {"text", "refusal"}), None)
        if other:
            raise RequestError(ONLY_TEXT, parameter="messages", what=f"the parts of type {other}")
        return "\n".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """How an answer is streamed."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = Field(default=False, description="whether a last chunk says how many tokens there were")


class ChatRequest(BaseModel):
    """A question, and the conversation before it.

    What else OpenAI's clients send is ignored, as Attune's settings say how an answer is made.
    """

    model_config = ConfigDict(extra="ignore")

    model: str = Field(max_length=200, description=f"`{MODEL}`")
    messages: list[ApiMessage] = Field(
        min_length=1, max_length=500, description="the conversation; the last message is the question"
    )
    stream: bool | None = Field(None, description="whether the answer comes as server-sent events")
    stream_options: StreamOptions | None = None
    max_completion_tokens: int | None = Field(None, ge=1, description="of the answer; at most ATTUNE_ANSWER_TOKENS")
    max_tokens: int | None = Field(None, ge=1, description="the older name of max_completion_tokens")
    n: int | None = Field(None, description="1, if anything")
    response_format: dict[str, Any] | None = Field(None, description="of the type `text`, if any")
    tool_choice: Any = Field(None, description="`auto` or `none`, if anything: no tools are called")

    @property
    def tokens(self) -> int | None:
        """How long the answer may be."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def with_usage(self) -> bool:
        """Whether a stream ends with what was used."""
        return self.stream_options is not None and self.stream_options.include_usage

    def check(self) -> None:
        """See whether Attune can do what is asked.

        Raises:
            RequestError: it cannot.
        """
        if self.n not in {None, 1}:
            raise RequestError(NO_CHOICES, parameter="n")
        if self.response_format and self.response_format.get("type") != "text":
            raise RequestError(NO_FORM, parameter="response_format")
        if self.tool_choice not in (None, "auto", "none"):
            raise RequestError(NO_TOOLS, parameter="tool_choice")
        if self.messages[-1].role != ASKER:
            raise RequestError(LAST_IS_NO_QUESTION, parameter="messages")

    @property
    def sent(self) -> str:
        """All that was sent."""
        return "\n".join(message.text for message in self.messages)

    def conversation(self, person: Person) -> tuple[str, list[Turn]]:
        """The question, and the latest turns before it, of which nobody knows what they rest on."""
        everything = [(message.role, message.text) for message in self.messages]
        said = [(role, text) for role, text in everything if role in {ASKER, ANSWERER}]
        turns: list[Turn] = []
        asked: list[str] = []
        now = datetime.now(UTC)
        for role, text in said[:-1]:
            if role == ASKER:
                asked.append(text)
            elif asked:
                turns.append(Turn(person, "\n".join(asked).strip(), text.strip(), now))
                asked = []
        question = "\n".join([*asked, said[-1][1]]).strip()
        return question, _latest([turn for turn in turns if turn.question])


def _latest(turns: Sequence[Turn]) -> list[Turn]:
    """Those that are heard: what lies further back, or is longer, is nothing that a question leans on."""
    kept, room = list[Turn](), HEARD
    for turn in reversed(turns):
        room -= len(turn.question) + len(turn.answer)
        if room < 0:
            break
        kept.append(turn)
    return kept[::-1]


def complaint_of(error: ValidationError) -> RequestError:
    """What is wrong with a request, of the first that is."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "the body"
    return RequestError("{place}: {what}.", parameter=place, place=place, what=first["msg"])


def problem(message: str, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """An error as OpenAI's clients read it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def model_card(created: int) -> dict[str, Any]:
    """The one model that there is."""
    return {"id": MODEL, "object": "model", "created": created, "owned_by": "attune"}


def usage(sent: int, said: int) -> dict[str, int]:
    """How many tokens were sent, and how many the answer has."""
    return {"prompt_tokens": sent, "completion_tokens": said, "total_tokens": sent + said}


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer on its way to a client."""

    with_usage: bool = False
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answer: Answer, used: Mapping[str, int]) -> dict[str, Any]:
        """The answer at once."""
        message = {"role": ANSWERER, "content": content_of(answer), "refusal": None}
        choice = {"index": 0, "message": {**message, **_beside(answer)}, "logprobs": None, **_ending(answer)}
        return self._object("chat.completion", [choice]) | {"usage": used}

    def begin(self) -> str:
        """The first chunk of a stream."""
        return self._chunk({"role": ANSWERER, "content": ""})

    def piece(self, text: str) -> str:
        """A chunk with some characters."""
        return self._chunk({"content": text})

    def end(self, answer: Answer, used: Mapping[str, int] | None) -> str:
        """The last chunks: what the answer rests on, and what was used, where somebody wants to know."""
        last = self._chunk(_beside(answer), **_ending(answer))
        if used:
            last += _frame(self._object("chat.completion.chunk", []) | {"usage": used})
        return last + DONE

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self.with_usage else {}
        return _frame(self._object("chat.completion.chunk", [choice]) | usage)

    def _object(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": MODEL, "choices": choices}


def content_of(answer: Answer) -> str:
    """What an answer says; one that says nothing was found is an answer like any other."""
    return answer.text.strip() or NOT_FOUND


def annotations_of(text: str, sources: Sequence[Source]) -> list[dict[str, Any]]:
    """What an answer rests on, all of it on each: by its address where it has one, or else by its name for `open`."""
    return [_annotation(text, source) for source in sources]


def _annotation(text: str, source: Source) -> dict[str, Any]:
    place = place_of(source.passage)
    span = {"start_index": 0, "end_index": len(text), "title": place.title}
    if place.address:
        return {"type": "url_citation", "url_citation": {**span, "url": place.address}}
    about = {"file_id": place.source, "filename": place.file, "page": place.page or None}
    return {"type": "file_citation", "file_citation": {**span, **about}}


def _beside(answer: Answer) -> dict[str, Any]:
    """What stands beside the text; `attune` tells an answer from a refusal, which reads like one."""
    text = content_of(answer)
    return {
        "annotations": annotations_of(text, answer.sources),
        "attune": {"outcome": answer.outcome.value, "left_out": len(answer.left_out)},
    }


def _ending(answer: Answer) -> dict[str, Any]:
    cut = answer.outcome is Outcome.ANSWERED and is_cut(answer.text)
    return {"finish_reason": "length" if cut else "stop"}


def _frame(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
