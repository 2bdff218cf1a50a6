"""What vLLM's API takes and how it replies, as vLLM 0.32 has it; `tests/data/vllm-0.32.json` holds what one replied.

Stricter than vLLM, which overlooks fields that it does not know: here a request that vLLM would not obey is refused.
"""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

MOST_LOGPROBS = 20  # --max-logprobs, where the operator says nothing
VOCABULARY = [f"word{number}" for number in range(MOST_LOGPROBS)]  # what else may come, and hardly does
LEAST = -9999.0  # the smallest logarithm that can be sent
OVERLOAD = "The engine is currently busy and cannot accept new requests. Please try again later."

NOTHING_OF_CHOICE = dict.fromkeys(["stop_reason", "token_ids", "routed_experts"])
NOTHING_OF_REPLY = dict.fromkeys(["service_tier", "prompt_logprobs", "prompt_token_ids", "prompt_text", "metrics"])
NOTHING_OF_REPLY |= dict.fromkeys(["kv_transfer_params", "ec_transfer_params"])

Json = dict[str, Any]


class Turn(BaseModel):
    """A message of text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1)


class ChatRequest(BaseModel):
    """The fields of a request that are known here, of the very types that vLLM documents."""

    model_config = ConfigDict(extra="forbid", strict=True)

    messages: list[Turn] = Field(min_length=1)
    model: str
    max_tokens: int = Field(ge=1)
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    stream: bool = False
    logprobs: bool = False
    top_logprobs: int = Field(default=0, ge=0)
    repetition_penalty: float | None = Field(default=None, gt=0)
    return_tokens_as_token_ids: bool | None = None
    add_generation_prompt: bool = True
    continue_final_message: bool = False

    @model_validator(mode="after")
    def check_fields_that_go_together(self) -> ChatRequest:
        """Refuse what vLLM refuses, and an answer's beginning that it would take for a whole turn."""
        if self.top_logprobs and not self.logprobs:
            raise ValueError("when using `top_logprobs`, `logprobs` must be set to true.")
        if self.top_logprobs > MOST_LOGPROBS:
            raise ValueError(f"Requested sample logprobs of {self.top_logprobs}, which is greater than max allowed.")
        if self.continue_final_message and self.add_generation_prompt:
            raise ValueError("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
        if self.continue_final_message != (self.messages[-1].role == "assistant"):
            raise ValueError("The last message is an answer's beginning if and only if it is to be continued.")
        if any(turn.role == "system" for turn in self.messages[1:]):
            raise ValueError("System message must be at the beginning.")
        return self


def checked(body: Json) -> ChatRequest | web.Response:
    """The request, or what vLLM says to one that is none."""
    try:
        return ChatRequest.model_validate(body)
    except ValidationError as error:
        return refused(400, str(error), "Bad Request")


def refused(status: int, message: str, kind: str, param: str | None = None) -> web.Response:
    return web.json_response(problem(status, message, kind, param), status=status)


def problem(status: int, message: str, kind: str, param: str | None = None) -> Json:
    """An error, as a reply or as an event in a stream."""
    return {"error": {"message": message, "type": kind, "param": param, "code": status}}


def unknown_model(name: str, served: str) -> web.Response:
    message = f"The model `{name}` does not exist. Valid aliases: {served}."
    return refused(404, message, "NotFoundError", "model")


def too_long(context: int, asked: int) -> web.Response:
    message = f"This model's maximum context length is {context} tokens. However, you requested {asked} tokens."
    return refused(400, message, "BadRequestError", "input_tokens")


def cards(model: str, base: str, context: int) -> list[Json]:
    """The models: an adapter (`--lora-modules`) has no length of its own, its base has."""
    listed = [card(base or model, max_model_len=context)]
    return [*listed, card(model, parent=base)] if base else listed


def card(name: str, **more: Any) -> Json:
    known = {"object": "model", "created": 1, "owned_by": "vllm", "root": f"/models/{name}", "permission": []}
    return {"id": name, **known, "parent": None, "max_model_len": None} | more


def logprobs_of(likely: dict[str, float], request: ChatRequest, *, as_ids: bool) -> Json | None:
    """Of the one token: which came, and the likeliest with it, however unlikely."""
    if not request.logprobs:
        return None
    words = likely | dict.fromkeys(VOCABULARY, LEAST)
    if request.return_tokens_as_token_ids is None and as_ids:
        words = {f"token_id:{place}": value for place, value in enumerate(words.values())}
    listed = [{"token": word, "logprob": value, "bytes": list(word.encode())} for word, value in words.items()]
    return {"content": [{**listed[0], "top_logprobs": listed[: request.top_logprobs]}]}


def reply(model: str, text: str, reason: str, logprobs: Json | None) -> Json:
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": None, "audio": None}
    message |= {"function_call": None, "reasoning": None}
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": reason, **NOTHING_OF_CHOICE}
    usage = {"prompt_tokens": 9, "total_tokens": 10, "completion_tokens": 1}
    usage |= {"prompt_tokens_details": None, "completion_tokens_details": None}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
    return whole | {"usage": usage, "system_fingerprint": "vllm-0.32.0"} | NOTHING_OF_REPLY


def chunks(model: str, words: list[str], reason: str) -> list[Json]:
    """The role first; the last word comes with the reason why no other does, and an end of turn has none."""
    said = [chunk(model, {"content": word}, token_ids=None) for word in words]
    if reason == "stop" or not said:
        said.append(chunk(model, {"content": ""}, token_ids=None))
    said[-1]["choices"][0] |= {"finish_reason": reason, "stop_reason": None}
    said[-1]["system_fingerprint"] = "vllm-0.32.0"
    role = chunk(model, {"role": "assistant", "content": ""}) | {"prompt_token_ids": None, "prompt_text": None}
    return [role, *said]


def chunk(model: str, delta: Json, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **more}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
