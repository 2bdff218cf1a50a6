"""What a program is told when something goes wrong: a status, a sentence, and when it is worth another try.

Nothing of the inside is told but a code by which the operator finds it in the log. Knows no shape of any interface.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from http import HTTPStatus

import structlog

from bots import texts
from bots.web.keys import UnknownKeyError
from core.errors import BusyError, ModelUnavailableError, PersonError, StoreError

log = structlog.get_logger(__name__)

DOWN = 5.0  # seconds after which it is worth a try whether what was away is there again

TOOK_TOO_LONG = "The answer took too long, and was ended. Please ask for something shorter."


class RequestError(PersonError):
    """A request that asks for what Attune does not do, or cannot be read; `parameter` names the field."""

    def __init__(
        self,
        sentence: str,
        *,
        parameter: str | None = None,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        **values: object,
    ) -> None:
        super().__init__(sentence, **values)
        self.parameter = parameter
        self.status = status


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as a program is told it; `kind` and `code` are OpenAI's. Worth a try in `seconds`, if that is known."""

    status: HTTPStatus
    message: str
    kind: str = "invalid_request_error"
    code: str | None = None
    seconds: float | None = None
    parameter: str | None = None


def fault_of(error: Exception) -> Fault:
    """What a program is told of `error`."""
    match error:
        case UnknownKeyError():
            return Fault(HTTPStatus.UNAUTHORIZED, str(error), code="invalid_api_key")
        case BusyError(own=own):
            status = HTTPStatus.TOO_MANY_REQUESTS if own else HTTPStatus.SERVICE_UNAVAILABLE
            kind, code = ("requests", "rate_limit_exceeded") if own else ("server_error", "overloaded")
            return Fault(status, str(error), kind, code, error.seconds)
        case RequestError():
            missing = "model_not_found" if error.status is HTTPStatus.NOT_FOUND else None
            return Fault(error.status, str(error), code=missing, parameter=error.parameter)
        case PersonError():
            return Fault(HTTPStatus.BAD_REQUEST, str(error), parameter="messages")
        case TimeoutError():
            return Fault(HTTPStatus.SERVICE_UNAVAILABLE, TOOK_TOO_LONG, "server_error", "timeout")
    return _unexpected(error)


def _unexpected(error: Exception) -> Fault:
    error_id = secrets.token_hex(4)
    log.error("request_failed", error_id=error_id, exc_info=error)
    if not isinstance(error, StoreError | ModelUnavailableError):
        return Fault(HTTPStatus.INTERNAL_SERVER_ERROR, texts.unexpected(error_id), "server_error")
    sentence = texts.store_down(error_id) if isinstance(error, StoreError) else texts.model_down(error_id)
    return Fault(HTTPStatus.SERVICE_UNAVAILABLE, sentence, "server_error", "unavailable", DOWN)
