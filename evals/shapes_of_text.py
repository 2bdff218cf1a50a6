"""Texts that a parser could trip over: openers without an end, nesting, long lines, many small parts.

Each shape is a function from a size in bytes to the bytes of a file. Made here, from no data.
"""

from __future__ import annotations

import json
from collections.abc import Callable

Shape = Callable[[int], bytes]


def repeated(unit: str, *, first: str = "", last: str = "") -> Shape:
    """`unit` again and again."""
    return lambda size: (first + times(unit, size) + last).encode()


def times(unit: str, size: int) -> str:
    """`unit` as often as it fits in `size`, at least once."""
    return unit * max(1, size // len(unit))


def lines_of(unit: str) -> Shape:
    """`unit` again and again, in lines as long as people write."""
    return repeated(unit * max(1, 70 // len(unit)) + "\n")


def units(*parts: str) -> dict[str, Shape]:
    """Each as one long line and, unless it is a line, in lines."""
    inside = {f"lines of {unit}": lines_of(unit) for unit in parts if "\n" not in unit}
    return {unit: repeated(unit) for unit in parts} | inside


def _grown(line: Callable[[int], str], *, power: float = 0.5) -> Shape:
    """Lines of which each may be longer than the last."""
    return lambda size: "".join(line(number) for number in range(int((2 * size) ** power))).encode()


def _stairs(mark: str) -> Shape:
    """Lines that each stand one step further in."""
    return _grown(lambda number: " " * (2 * number) + mark + "\n")


MARKDOWN = {
    **units(
        *("<!--", "<a ", "<a href='", "<a href='x'>", "<?", "<![CDATA[", "</", "<table>", "<table\n\n", "&#"),
        *("&a", "[", "![", "[a](", "[a][", "[a]: b\n", "[a\n", "](a ", "*a ", "**a", "_a(", "~~a", "`", "`a``"),
        *("``a` ", "{%", "{% comment %}", "{#", "{{<", "{:", "{.a", "(", "( ", "|a|\n", "|", "# a\n\n"),
        *("# [a](b) ", "\\|", "a\n===\n", "> ", ">", "- a\n", "- a\n\nb\n\n", "1. ", "- ", "a\n", "a", " ", "\n"),
        *("a.", "```\n", "~~~a\n", "<div>\n\n", "<script>\n", "<b>", "---\n", "- a\n  > b\n", "a: b\n", "#"),
        *("= ", "a|b\n-|-\n", "\\", "A. ", "<A ", '<A b="', "<A b={", "<A b={{}}", "<A>", "</A>", "{/*", "[[", "[[a|"),
        *("[[a#", "==a", "!!! a\n", "    !!! a\n", ":::a\n", ":::", '{{"', "{{< a ", "a={", "import a\n", ":material-"),
        *("export const a\n", "> [!", "{% highlight", "{{< highlight >}}\n", "a='b' "),
    ),
    "{% and a long word": repeated("a", first="{% "),
    "{% and spaces": repeated(" ", first="{% "),
    "title: quotes": repeated('"# ', first='---\ntitle: "', last="\n---\n"),
    "wide table": lambda size: ("|a" * (size // 8) + "\n" + "|-" * (size // 8) + "\n" + "a\n" * (size // 4)).encode(),
    "long heading, many below": lambda size: (
        "# Title\n\n## " + "a " * (size // 4) + "\n\n" + "### b\n\nc\n\n" * (size // 20)
    ).encode(),
    "one address, many links": lambda size: ("[a]: " + "b" * (size // 2) + "\n\n" + "[a] " * (size // 8)).encode(),
    "stairs of a list": _stairs("- a"),
    "stairs of quotes": _grown(lambda number: "> " * number + "a\n"),
    "backticks of many lengths": _grown(lambda number: "`" * number + "a"),
}
HTML = {
    **units(
        *("<!--", "<!", "<?", "<![CDATA[", "</a", "</", "<a ", "<a b='", '<a b=">', "<a b='\"", "<a b=c ", "<a/"),
        *("&#9", "<div>", "<div>a", "<p>a", "<b>a", "<b>", "<span>a<div>", "<ul><li>a", "<ul>", "<li>a"),
        *("<dl><dt>a<dd>b", "&amp", "<table><tr><td>a", "<tr><td>a", "<td>a", "<table>", "<table><tr>"),
        *("<blockquote>a", "<pre>`", "<h1>a", "<h6>a", "<script>", "<script>a</script>", "<style></style>a"),
        *("<p hidden>b</p>a", "<a class=headerlink></a>", "<br>", "<a href=b>c</a> ", "<code>a", "<img alt=b>"),
        *("<title>a", "<select>a", "<meta name=a>", "<svg>", "<q>", "<", ">", "<font><p>a", "<option>a"),
        *("<iframe srcdoc='<p>a'></iframe>", "<iframe src=http:a>", "<p style='mso-list:l0 level1'>a", "<pre><div>a"),
        *(
            "<button aria-expanded>a b c d",
            "<h1><button>a",
            "<div class='footer a-b'>a",
            "<div class=a-footer-",
            "<nav>a",
        ),
        *(
            "<div id=a_b_nav><a href=b>c</a>",
            "<p class=title>a",
            "<div role=heading>a",
            "<main>a",
            "<article>a",
            "<dialog>a",
        ),
        *("<tbody><tr>", "<html>", "<body>", "<head>", "a ", "\n", "&#99999999999;", "<caption>a"),
    ),
    "cells of one row": repeated("<td>a</td>", first="<table><tr>"),
    "one wide row, many short": lambda size: (
        "<table><tr>" + "<td>a" * (size // 10) + "<tr><td>b" * (size // 20)
    ).encode(),
    "closed deep tree": lambda size: ("<div>" * (size // 12) + "a" + "</div>" * (size // 12)).encode(),
    "spaces in a tag": repeated(" ", first="<a "),
    "attributes": repeated("b=c ", first="<a ", last=">d"),
}
RST = {
    **units(
        *("`a ", "``a ", "|a ", "*a ", "**a ", "_`a ", "a_ ", "a__ ", "|a| ", "`a`_ ", "`a <b>`_ ", ":a:`b` "),
        *(":a:", "[1]_ ", "[#]_ ", "|", "`", "*", "\\", "http://a ", "a@b.c ", "- a\n", "- a\n\nb\n\n"),
        *("* a\n\n  b\n\n", "a\n", "a\n=\n\n", "a\n=\n\nb\n-\n\n", "=\n", ".. a\n\n", ".. _a: b\n\n"),
        *(".. |a| replace:: b\n\n", ".. a:: b\n\n", ".. note:: a\n\n", "::\n\n a\n\n", ".. [#] a\n\n"),
        *("a\n  b\n", ":a: b\n", "-a  b\n", "| a\n", ">>> a\n\n", "a ", "A. ", "+-", "+--+\n|a |\n"),
        *("==  ==\n\na   b\n\n", "__ a\n\n", "a::\n\n", "(1) a\n", "a. b\n", "#. a\n", ".. a::\n\n", "a"),
    ),
    ":a:` and spaces": repeated(" ", first=":a:`"),
    "stairs of a list": _stairs("* a\n"),
    "stairs of quotes": _stairs("a\n"),
    "stairs of directives": _stairs(".. a::\n"),
    "grid table": lambda size: ("+--+\n|a |\n" * (size // 10) + "+--+\n").encode(),
    "wide grid": lambda size: (
        "+-" * (size // 8) + "+\n" + ("|a" * (size // 8) + "|\n" + "+-" * (size // 8) + "+\n")
    ).encode(),
    "simple table": repeated("a   b\n", first="==  ==\n", last="==  ==\n"),
}
TEXT = {
    **units(
        *("a", " ", "\n", "a\n", "a\n\n", " \n", "A. ", "a.", "a: ", "。", "ä", "\t", "- a\n"),
    ),
}
CODE = {
    **units(
        *("(", "a ", "a a(", "def ", "def a\n", "class a<", "function (", "pub(", "# a\n", "@a\n", "const a = ("),
        *("`", "\n", "[", "[a]\n", "create or replace ", "int a(", "export ", "a.b ", " * a\n", "def (", "fn <"),
    ),
    "comments above definitions": repeated("# a\n# b\ndef c\n"),
    "def and spaces": repeated(" ", first="def"),
}
SHEETS = {
    **units(
        *(",", "a,b\n", '"', '"a', '"a",', "a\n", ";", "\n", "|", "'a',", '""', "a\tb\n", ",\n", '"a"b,', "a"),
    ),
    "one wide row, many short": lambda size: ("a," * (size // 4) + "\n" + "b\n" * (size // 4)).encode(),
    "stairs": _grown(lambda number: "," * number + "a\n"),
}
MAIL_HEAD = "From: Ann <ann@a.b>\nSubject: a\n"
MAIL = {
    "many headers": repeated("Received: a\n", first=MAIL_HEAD, last="\n\na"),
    "many receivers": repeated("ann@a.b, ", first=MAIL_HEAD + "To: ", last="b@c.d\n\na"),
    "folded receivers": repeated("ann@a.b,\n ", first=MAIL_HEAD + "To: ", last="b@c.d\n\na"),
    "comments in an address": repeated("(", first=MAIL_HEAD + "To: ", last="\n\na"),
    "quotes in an address": repeated('"a" ', first=MAIL_HEAD + "Cc: ", last="\n\na"),
    "encoded words": repeated("=?utf-8?q?a?= ", first="From: a@b.c\nSubject: ", last="\n\na"),
    "long subject": repeated("a ", first="From: a@b.c\nSubject: ", last="\n\na"),
    "long date": repeated("1 ", first=MAIL_HEAD + "Date: ", last="\n\na"),
    "parameters": repeated("; a*0=b", first=MAIL_HEAD + "Content-Disposition: attachment", last="\n\na"),
    "parts": repeated(
        "--x\nContent-Type: text/plain\n\na\n", first=MAIL_HEAD + "Content-Type: multipart/mixed; boundary=x\n\n"
    ),
    "attachments": repeated(
        "--x\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a\n\na\n",
        first=MAIL_HEAD + "Content-Type: multipart/mixed; boundary=x\n\n",
    ),
    "parts in parts": lambda size: (
        MAIL_HEAD
        + "".join(f"Content-Type: multipart/mixed; boundary=x{number}\n\n--x{number}\n" for number in range(size // 60))
    ).encode(),
    "messages in messages": repeated("Content-Type: message/rfc822\n\n", first=MAIL_HEAD),
    "html": repeated("<!--", first=MAIL_HEAD + "Content-Type: text/html\n\n"),
    "body": repeated("a\n", first=MAIL_HEAD + "\n"),
}


def _notebook(cell: Callable[[int], object], *, cell_size: int) -> Shape:
    return lambda size: json.dumps({"cells": [cell(number) for number in range(max(1, size // cell_size))]}).encode()


def _markdown_cell(unit: str) -> Shape:
    return lambda size: json.dumps({"cells": [{"cell_type": "markdown", "source": times(unit, size)}]}).encode()


NOTEBOOK = {
    "many cells": _notebook(lambda _: {"cell_type": "markdown", "source": "a"}, cell_size=40),
    "code with prints": _notebook(
        lambda _: {"cell_type": "code", "source": "a", "outputs": [{"text": ["b"]}]}, cell_size=70
    ),
    "many outputs": lambda size: json.dumps(
        {"cells": [{"cell_type": "code", "source": "a", "outputs": [{"text": "b"}] * (size // 14)}]}
    ).encode(),
    **{unit: _markdown_cell(unit) for unit in ("<!--", "[a](", "`a``", "{#", "- a\n", "# a\n\n")},
}
