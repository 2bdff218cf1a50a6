"""Pages of the console: templates, the words and shapes in them, and what every page has.

All that comes from documents, models and people is data: escaped, and without control characters. Knows no store.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from bots.language import plural
from bots.operating import ago, every, until
from bots.render import clean, file_place, home_folder, one_line, short_path
from bots.web.console import texts

FOLDER = Path(__file__).parent
TEMPLATES, STATIC = FOLDER / "templates", FOLDER / "static"
PATH_CHARACTERS = 1000
_ELSEWHERE = re.compile(r"https?://|mailto:", re.IGNORECASE)
MARKDOWN_CHARACTERS = 50_000  # beyond them it is shown as it was written


class View:
    """Fills in the templates."""

    def __init__(self, version: str) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(pages=texts.PAGES, version=version)
        self._templates.filters.update(
            ago=lambda moment: ago(moment, datetime.now(UTC)),
            until=lambda moment: until(moment, datetime.now(UTC)),
            every=every,
            plural=plural,
            clean=clean,
            line=one_line,
            path=_path,
            place=file_place,
            share=share,
            markdown=markdown,
            quoted=lambda text: quote(text, safe=""),
            moment=lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC",
        )

    async def page(self, request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page, or a part of one, that carries the token of its session. Made beside what else is done."""
        session = request.state.session
        here = "/" + request.url.path.lstrip("/\\")  # of two a browser makes another host
        said = {"token": request.state.token, "here": here, "signed_in": session is not None}
        said["notice"] = session.take_notice() if session and not template.startswith("_") else ""
        made = self._templates.get_template(template)
        return HTMLResponse(await asyncio.to_thread(made.render, **said, **values), status)

    async def problem(self, request: Request, sentence: str, status: int) -> HTMLResponse:
        """What went wrong, in a sentence: as a page, or as a part of one where a part was asked for."""
        template = "_problem.html" if "hx-request" in request.headers else "problem.html"
        return await self.page(request, template, status, sentence=sentence)


def share(value: float) -> str:
    """A probability as people read it."""
    return f"{value:.0%}" if value == 0 or value >= 0.01 else "under 1%"  # noqa: PLR2004 - a hundredth


def _path(source: str) -> str:
    return one_line(short_path(source, home=home_folder(), here=Path.cwd()), PATH_CHARACTERS)


class _CleanMarkdown(MarkdownIt):
    """Links lead to other sites alone, and never to a page of this one, whatever a document calls it.

    An address that is shown is decoded (%1b), so that it is cleaned once more: markup, never what was made of it.
    """

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        return _ELSEWHERE.match(url) is not None

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the library's name
        return clean(super().normalizeLinkText(link))


@cache
def _parser() -> MarkdownIt:
    """One for all: a page that grows is rendered twice a second."""
    parser = _CleanMarkdown("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    parser.add_render_rule("link_open", _link)
    return parser


def markdown(text: str) -> Markup:
    """Markdown of a model or of a person as HTML: no HTML of its own, no pictures, and links that tell no page."""
    if len(text) > MARKDOWN_CHARACTERS:
        return Markup("<pre>{}</pre>").format(clean(text))
    return Markup(_parser().render(clean(text)))  # noqa: S704 - escaped by the parser, which lets no HTML through


def _link(renderer: RendererHTML, tokens: list[Token], place: int, options: OptionsDict, env: EnvType) -> str:
    tokens[place].attrSet("rel", "noreferrer noopener nofollow")
    tokens[place].attrSet("target", "_blank")
    return renderer.renderToken(tokens, place, options, env)
