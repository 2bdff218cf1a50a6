"""The description of the HTTP interface, as `/openapi.json` and as a page: one place for both.

The request comes from the model that checks it. Knows nothing of what is done with one.
"""

from __future__ import annotations

from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bots.web.openai_shapes import ChatRequest, problem

_SCHEMAS = "#/components/schemas/{model}"
_NO_SCRIPTS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
_STYLE = "body{font:1rem/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}code{font-size:.95em}"
_ERRORS = {
    "400": "The request cannot be answered; the message says what to change.",
    "401": "There is no key, or it does not hold.",
    "404": "There is no such model.",
    "413": "The request is too long.",
    "429": "The client asks more than it may; Retry-After says when to try again.",
    "503": "Too many requests wait, or a part of Attune does not respond; Retry-After says when to try again.",
}
_COMPLETION = {
    "type": "object",
    "properties": {
        "choices": {
            "type": "array",
            "description": "one choice; its message has `content`, the `annotations` of the sources, and `attune` with "
            "the `outcome`: answered or not_found",
        },
        "usage": {"type": "object", "description": "tokens of what was sent, and of the answer"},
    },
}


def description(version: str) -> dict[str, Any]:
    """The whole interface in OpenAPI's words."""
    schema = ChatRequest.model_json_schema(ref_template=_SCHEMAS)
    schemas = {**schema.pop("$defs", {}), "ChatRequest": schema, "Completion": _COMPLETION, "Error": _error()}
    body = {"required": True, "content": {"application/json": {"schema": _ref("ChatRequest")}}}
    mcp = "MCP over streamable HTTP: the tools search, ask and open."
    return {
        "openapi": "3.1.0",
        "info": {"title": "Attune", "version": version, "description": "Answers from your documents, for programs."},
        "security": [{"key": []}],
        "paths": {
            "/v1/models": {"get": _operation("List the one model that there is.", "200")},
            "/v1/models/{name}": {
                "get": _operation("Describe the model.", "200", "404"),
                "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
            },
            "/v1/chat/completions": {
                "post": {**_operation("Answer the last message.", "200", *_ERRORS), "requestBody": body}
            },
            "/mcp": {"post": {"summary": mcp, "responses": {"200": {"description": "MCP's own."}, **_error_of("401")}}},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "attune clients add NAME"}},
        },
    }


def description_routes(version: str) -> list[Route]:
    """Where the description is served, without a key: there is nothing in it that is not in the docs."""
    described = description(version)

    async def as_json(_: Request) -> Response:
        return JSONResponse(described)

    async def as_page(_: Request) -> Response:
        return HTMLResponse(page(described), headers=_NO_SCRIPTS)

    return [Route("/openapi.json", as_json), Route("/docs", as_page)]


def page(described: dict[str, Any]) -> str:
    """The description for people."""
    rows = []
    for path, ways in described["paths"].items():
        for way, operation in ways.items():
            if way in {"get", "post"}:
                said = "".join(
                    f"<li>{status}: {escape(one['description'])}</li>" for status, one in operation["responses"].items()
                )
                heading = f"<h2><code>{way.upper()} {escape(path)}</code></h2>"
                rows.append(f"{heading}<p>{escape(operation['summary'])}</p><ul>{said}</ul>")
    fields = "".join(
        f"<li><code>{name}</code>: {escape(one.get('description', ''))}</li>"
        for name, one in described["components"]["schemas"]["ChatRequest"]["properties"].items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Attune's API</title><style>{_STYLE}</style><main>"
        "<h1>Attune's API</h1><p>For programs: <a href=openapi.json>openapi.json</a>. Each request needs the header "
        "<code>Authorization: Bearer KEY</code>; <code>attune clients add NAME</code> makes a key.</p>"
        f"{''.join(rows)}<h2>Fields of a chat request</h2><ul>{fields}</ul></main></html>"
    )


def _operation(summary: str, *statuses: str) -> dict[str, Any]:
    good = {"200": {"description": "As asked.", "content": {"application/json": {"schema": {"type": "object"}}}}}
    return {"summary": summary, "responses": {**good, **_error_of("401", *statuses)}}


def _error_of(*statuses: str) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref("Error")}}
    return {
        status: {"description": _ERRORS[status], "content": content} for status in sorted({*statuses} & _ERRORS.keys())
    }


def _error() -> dict[str, Any]:
    fields: dict[str, Any] = {name: {} for name in problem("", "")["error"]}
    return {"type": "object", "properties": {"error": {"type": "object", "properties": fields}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _SCHEMAS.format(model=name)}
