"""Markdown as programs read it → Markdown as a reader sees it: what generators and template engines add goes.

Template tags (Liquid, Nunjucks, Hugo), components of MDX, boxes of several dialects, links between notes, comments,
attributes and inline HTML. Every step keeps the number of lines, and none looks into code. Knows nothing of blocks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

_TEMPLATE_COMMENT = re.compile(r"\{%-?\s*+comment\b|\{#[^{}]*?#\}")
_END_COMMENT = re.compile(r"\{%-?\s*+endcomment\s*+-?%\}")
_COMMENT_CHARACTERS = 5_000
_ARGUMENT = re.compile(r"""\"([^\"]*)\"|'([^']*)'""")
_FILE_NAME = re.compile(r"/|\.\w{1,5}$")
_ATTRIBUTES = re.compile(r"(?<=[\w)\]*_`.?! ])\{:?[ ]*[.#][\w.#=\"' -]*\}|^[ \t]*\{:[^}\n]*\}[ \t]*$", re.MULTILINE)
_ANCHOR = re.compile(r"<a\s(?P<attributes>[^<>]*+)>")
_HREF = re.compile(r"""\bhref\s*+=\s*+["']([^"'<>]*+)["']""")
_END_ANCHOR = re.compile(r"</a\s*+>")
_SPAN_CHARACTERS = 1_000  # of a link's text, or of a code span
_INLINE_HTML = re.compile(r"</?(?:a|abbr|b|button|em|i|mark|small|span|strong|sub|sup|u|wbr)(?:\s[^<>]*)?/?>|<br\s*/?>")
_HTML_TABLE, _END_TABLE = re.compile(r"<table\b", re.IGNORECASE), re.compile(r"</table>", re.IGNORECASE)
_TEMPLATE_TAG = re.compile(
    r"(?P<into>\(\s*+)?(?:\{%-?\s*+(?P<name>[\w-]*+)(?P<rest>[^{}]*?)%\}"
    r"|\{\{[<%]\s*+(?P<code>/?[\w./-]*+)(?P<args>[^{}]*?)[>%]\}\}"
    r"|\{\{-?\s*+(?P<literal>\"[^\"{}]*\"|'[^'{}]*')[^{}]*\}\})"
)
_CONTROL = {
    *("assign", "block", "capture", "case", "elif", "elsif", "extends", "for", "from", "if", "import"),
    *("layout", "set", "unless", "when"),
}
_FILES = {"include", "include_relative", "include_cached", "partial", "render"}  # whose first argument is a file's name
_SILENT = _CONTROL | {
    *("autoescape", "break", "call", "codeblock", "cycle", "decrement", "else", "filter", "gist", "highlight", "in"),
    *("increment", "load", "macro", "notice", "paginate", "raw", "section", "style", "tablerow", "tweet", "verbatim"),
    *("vimeo", "with", "youtube", "alert", "admonition", "callout", "hint", "figure", "link", "post_url", "url"),
}
_PLAIN_WORDS = re.compile(r"\s*([^\W\d_][\w-]{0,60}(?:\s[^\W\d_][\w-]{0,60}){0,8})\s*")
_NAMED_ARGUMENT = re.compile(r"""([\w-]{1,40})\s?[=:]\s?(\{?)(?:\"([^\"]*)\"|'([^']*)')""")
_SHOWN = {"alt", "caption", "content", "description", "header", "heading", "label", "summary", "text", "title"}
_COMPONENT = re.compile(
    r"<(?P<end>/)?(?P<name>[A-Z][\w.]{0,60})(?P<attributes>\s(?:[^<>{}\"']|\"[^\"]{0,500}\"|'[^']{0,500}'"
    r"|\{(?:[^{}]|\{[^{}]{0,500}\}){0,500}\}){0,500})?(?P<closed>/)?>|<(?P<fragment>/?)>"
)
_END_TAG = re.compile(r"</([A-Z][\w.]{0,60})\s*>")
_JSX_VALUE = re.compile(r"\s[\w-]{1,40}=\{(?:[^{}]|\{[^{}]{0,500}\}){0,500}\}")
_JSX_SPACE = re.compile(r"""\{\s?["'] ["']\s?\}""")
_WIKI_LINK = re.compile(
    r"(?P<embed>!)?\[\[(?P<page>[^\s\[\]|#][^\[\]|#\n]{0,200})?(?:#(?P<part>[^\[\]|\n]{1,200}))?"
    r"(?:\\?\|(?P<label>[^\[\]\n]{1,200}))?\]\]"
)
_ICON = re.compile(r":(?:material|fontawesome|octicons|simple|lucide)-[\w-]{1,80}:(?:\{[^{}\n]{0,100}\})?")
_MARKED = re.compile(r"(?<![\w=)\]])==(?=[^\s=])([^=\n]{1,300})(?<=\S)==(?![\w=(])")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_BOX = re.compile(
    r"(?P<indent> *)(?:!!!|\?\?\?\+?)[ ]+(?P<kind>[\w-]+)(?:[ ]+[\w ]+?)?(?:[ ]+\"(?P<title>[^\"]*)\")?\s*$"
)
_TAB = re.compile(r"(?P<indent> *)===[!+]?[ ]+\"(?P<title>[^\"]*)\"\s*$")
_DIRECTIVE = re.compile(r"\s*:{3,}[ ]*(?P<words>[^:\n][^\n]*)?$")
_ALERT = re.compile(r"(?P<quote>\s*(?:>[ ]?)+)\[!(?P<kind>[\w-]+)\][+-]?[ ]*(?P<title>.*)$")
_BOXES = re.compile(
    r"abstract|attention|bug|caution|danger|error|example|failure|hint|important|info|note|question|seealso|success|tip|warning"
)
_CONTENTS = {"[toc]", "[[_toc_]]", "[[toc]]", "{:toc}", "{{toc}}", "${toc}"}
_IMPORT = re.compile(r"import\s(?:.*\sfrom\s+)?[\"'][^\"']+[\"'];?\s*$")
_STATEMENT = re.compile(r"import\s*\{\s*$|export\s+(?:const|let|var|function|async|class|default)\b")
_HIGHLIGHT = re.compile(r"\s*\{[{%][<%]?\s*(?P<end>/|end)?highlight(?:\s+(?P<language>\w+))?[^{}]*\}\s*\}?\s*$")
_STEP = 4  # spaces before what stands in a box

Change = Callable[[re.Match[str]], tuple[str, int] | None]
"""What takes the place of the text from the match to a place; None where it stays."""


def as_markdown(text: str) -> str:
    """`text` in plain Markdown: boxes, tabs and highlighted code of other dialects are put so; as many lines."""
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: Sequence[str]) -> Iterator[str]:
    fence, statement, before = "", False, ""
    boxes: list[int] = []  # how far in the marks of the open ones stand
    for whole in lines:
        indent = len(whole) - len(whole.lstrip(" "))
        while boxes and whole.strip() and not fence and indent < boxes[-1] + _STEP:
            boxes.pop()
        line = whole[min(indent, _STEP * len(boxes)) :]
        statement = not fence and bool(line.strip()) and (statement or (not before and bool(_STATEMENT.match(line))))
        if fence:
            fence = "" if line.strip() == fence or _HIGHLIGHT.match(line) else fence
            yield _shown_line(line) if _HIGHLIGHT.match(line) else line
        elif opened := _FENCE.match(line):
            fence = opened[1]
            yield line
        elif opened := _BOX.match(line) or _TAB.match(line):
            boxes.append(indent)
            yield opened["indent"] + _title(opened)
        else:
            highlighted = _HIGHLIGHT.match(line)
            fence = "```" if highlighted and not highlighted["end"] else ""
            yield "" if statement else _shown_line(line)
        before = "" if _IMPORT.match(line) else line.strip()


def _title(box: re.Match[str]) -> str:
    title = box["title"]
    return f"{box['kind'].capitalize()}:" if title is None else title


def _shown_line(line: str) -> str:
    """What a line outside code is in Markdown."""
    if highlighted := _HIGHLIGHT.match(line):
        return f"```{'' if highlighted['end'] else highlighted['language'] or ''}"
    if line.strip().lower() in _CONTENTS or _IMPORT.match(line):
        return ""
    if alert := _ALERT.match(line):
        return alert["quote"] + (alert["title"] or f"{alert['kind'].capitalize()}:")
    directive = _DIRECTIVE.match(line)
    return _directive(directive["words"] or "") if directive else line


def _directive(words: str) -> str:
    """The heading of a box between colons: its title, or else its kind."""
    kind = _BOXES.search(words.split("[", maxsplit=1)[0].split('"', maxsplit=1)[0])
    named = re.search(r"\[([^\[\]]*)\]|title=\"([^\"]*)\"", words)
    rest = re.sub(r"^\s*\{?[\w-]+\}?|\{[^{}]*\}|\[[^\[\]]*\]", "", words).strip()
    title = (named[1] or named[2]) if named else rest
    return title or (f"{kind.group().capitalize()}:" if kind else "")


def components(text: str) -> frozenset[str]:
    """The names of the components that are closed somewhere in `text`."""
    return frozenset(_END_TAG.findall(text))


def as_rendered(text: str, closed: frozenset[str] = frozenset()) -> str:
    """What a template engine and a browser would leave of `text`; as many lines as before.

    `closed` are the names of components that are closed somewhere.
    """
    text = _changed(text, _TEMPLATE_COMMENT, _without_comment, [])
    text = _without(text, "{/*", "*/}")
    text = _without(text, "<!--", "-->")
    text = outside_code_spans(text, _TEMPLATE_TAG, simply(_argument))
    text = outside_code_spans(text, _COMPONENT, simply(lambda tag: _component(tag, closed)))
    for pattern, shown in ((_JSX_VALUE, ""), (_JSX_SPACE, " "), (_ICON, ""), (_ATTRIBUTES, "")):
        text = outside_code_spans(text, pattern, simply(lambda found, shown=shown: shown + _breaks(found)))  # type: ignore[misc]
    text = outside_code_spans(text, _MARKED, simply(lambda found: found[1]))
    text = outside_code_spans(text, _WIKI_LINK, simply(_wiki_link))
    text = outside_code_spans(text, _ANCHOR, _anchor)
    text = outside_code_spans(text, _INLINE_HTML, simply(lambda tag: " " if "br" in tag.group().lower() else ""))
    return _with_whole_tables(text)


def _without(text: str, begin: str, end: str) -> str:
    """`text` without comments between these marks, outside code; one that does not end is text."""
    last = text.rfind(end)

    def change(match: re.Match[str]) -> tuple[str, int] | None:
        if match.start() > last:
            return None
        place = text.find(end, match.end())
        return ("\n" * text.count("\n", match.start(), place), place + len(end)) if place >= 0 else None

    return outside_code_spans(text, re.compile(re.escape(begin)), change) if last >= 0 else text


def _breaks(match: re.Match[str]) -> str:
    return "\n" * match.group().count("\n")


def _component(match: re.Match[str], closed: frozenset[str]) -> str:
    """What a component of JSX shows by its attributes; a name in angle brackets alone is a blank to fill in."""
    attributes = match["attributes"] or ""
    is_tag = match["end"] or match["closed"] or "=" in attributes or match["name"] in closed or not match["name"]
    return _named(attributes) + _breaks(match) if is_tag else match.group()


def _named(arguments: str) -> str:
    found = _NAMED_ARGUMENT.finditer(arguments)
    shown = dict.fromkeys(value[3] or value[4] or "" for value in found if value[1].lower() in _SHOWN)
    return ". ".join(" ".join(value.split()) for value in shown if value)


def _wiki_link(match: re.Match[str]) -> str:
    page, label = match["page"] or "", match["label"] or ""
    if match["embed"] and _FILE_NAME.search(page):
        return ""
    return label or " ".join(part for part in (page.removesuffix(".md"), match["part"]) if part) or match.group()


def simply(change: Callable[[re.Match[str]], str]) -> Change:
    """What takes the place of the match alone."""
    return lambda match: (change(match), match.end())


def outside_code_spans(text: str, pattern: re.Pattern[str], change: Change) -> str:
    """`text` with what `change` makes of the matches that begin outside code spans."""
    """`text` with what `change` makes of the matches that begin outside code spans."""
    return _changed(text, pattern, change, _code_spans(text))


def _changed(text: str, pattern: re.Pattern[str], change: Change, kept: Sequence[tuple[int, int]]) -> str:
    """`text` with what `change` makes of the matches that do not begin in one of the spans `kept`."""
    done, place, searched, spans = [], 0, 0, iter(kept)
    span = next(spans, None)
    while match := pattern.search(text, searched):
        while span and (span[1] <= match.start() or span[0] < searched):
            span = next(spans, None)
        changed = None if span and span[0] <= match.start() else change(match)
        if changed:
            done += [text[place : match.start()], changed[0]]
            place = searched = max(changed[1], match.start() + 1)
        else:
            searched = span[1] if span and span[0] <= match.start() else match.end()
    return "".join([*done, text[place:]])


def _code_spans(text: str) -> list[tuple[int, int]]:
    """Where code spans begin and end: between runs of as many backticks, not too far from each other."""
    runs = [run.span() for run in re.finditer("`+", text)]
    alike: dict[int, list[int]] = {}
    for start, end in runs:
        alike.setdefault(end - start, []).append(start)
    spans: list[tuple[int, int]] = []
    for start, end in runs:
        if spans and start < spans[-1][1]:
            continue
        closing = alike[end - start]
        following = bisect_right(closing, start)
        if following < len(closing) and closing[following] - end <= _SPAN_CHARACTERS:
            spans.append((start, closing[following] + end - start))
    return spans


def _anchor(match: re.Match[str]) -> tuple[str, int] | None:
    href = _HREF.search(match["attributes"])
    end = _END_ANCHOR.search(match.string, match.end(), match.end() + _SPAN_CHARACTERS) if href else None
    return (f"[{match.string[match.end() : end.start()]}]({href[1]})", end.end()) if href and end else None


def _without_comment(match: re.Match[str]) -> tuple[str, int] | None:
    end = (
        match
        if match.group().endswith("}")
        else _END_COMMENT.search(match.string, match.end(), match.end() + _COMMENT_CHARACTERS)
    )
    return ("\n" * match.string.count("\n", match.start(), end.end()), end.end()) if end else None


def _argument(match: re.Match[str]) -> str:
    """What a tag names is what a reader would see of it: a link's target, a channel, a box's heading, a caption."""
    into, name = match["into"] or "", match["name"] or match["code"] or ""
    arguments = match["literal"] or match["rest"] or match["args"] or ""
    plain = [value[1] or value[2] or "" for value in _ARGUMENT.finditer(_NAMED_ARGUMENT.sub("", arguments))]
    shown = "" if name.lower() in _CONTROL else _named(arguments)
    if into or match["literal"]:
        shown = plain[0] if plain else ""
    elif not plain and not shown and not name.lower().startswith(("end", "/")) and name.lower() not in _SILENT | _FILES:
        words = _PLAIN_WORDS.fullmatch(arguments)
        shown = words[1] if words else ""
    elif plain and not shown and name.lower() not in _CONTROL | _FILES:
        after_file = plain[1] if len(plain) > 1 else ""  # what an image shows
        shown = after_file if _FILE_NAME.search(plain[0]) else plain[0]
        shown = "" if _FILE_NAME.search(shown) else shown
    return into + shown + "\n" * (match.group().count("\n") - into.count("\n"))


def _with_whole_tables(text: str) -> str:
    """Without blank lines in HTML tables: one would end the HTML block in the middle of its table."""
    done, place = [], 0
    while (start := _HTML_TABLE.search(text, place)) and (end := _END_TABLE.search(text, start.end())):
        table = re.sub(r"(?<=\n)[ \t]*(?=\n)", "<!-- -->", text[start.start() : end.end()])
        done += [text[place : start.start()], table]
        place = end.end()
    return "".join([*done, text[place:]])
