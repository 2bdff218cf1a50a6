"""Packages, PDF files and exports that a parser could trip over: many small parts, nesting, one part by many names.

Each shape is a function from a size in bytes, before any packing, to the bytes of a file. Made here, from no data.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping

from evals.shapes_of_text import Shape, repeated, times

Package = Mapping[str, str | bytes]

_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{}</Types>'
_RELATIONS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET_TYPES = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DRAWING_TYPES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    f'xmlns:r="{_OFFICE}"'
)


def packed(parts: Package) -> bytes:
    """A ZIP with these parts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return content.getvalue()


def workbook(rows: str, *, sheets: int = 1, styles: str = "", strings: str = "<si><t>a</t></si>") -> bytes:
    """A workbook whose sheets all hold `rows`, as XML."""
    listed = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId1"/>' for n in range(1, sheets + 1))
    relations = (
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        + (f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/>' if styles else "")
        + f'<Relationship Id="rId3" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    overrides = (
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}styles+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}sharedStrings+xml"/>'
    )
    parts = {
        "[Content_Types].xml": _TYPES.format(overrides),
        "_rels/.rels": _RELATIONS.format(
            f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        ),
        "xl/workbook.xml": f'<workbook xmlns="{_SHEET_TYPES}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _RELATIONS.format(relations),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_SHEET_TYPES}"><sheetData>{rows}</sheetData></worksheet>',
    }
    if styles:
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{_SHEET_TYPES}">{styles}</styleSheet>'
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{_SHEET_TYPES}">{strings}</sst>'
    return packed(parts)


_CELL = '<c t="inlineStr"><is><t>a</t></is></c>'


def _formatted(size: int) -> bytes:
    styles = (
        f'<numFmts><numFmt numFmtId="164" formatCode="0{"0" * (size // 2)}"/></numFmts>'
        '<cellXfs><xf numFmtId="164" applyNumberFormat="1"/></cellXfs>'
    )
    return workbook(times('<row><c s="0"><v>1</v></c></row>', size // 2), styles=styles)


WORKBOOK = {
    "rows": lambda size: workbook(times(f"<row>{_CELL}</row>", size)),
    "one row": lambda size: workbook(f"<row>{times(_CELL, size)}</row>"),
    "far cells": lambda size: workbook(times('<row><c r="XFD1" t="n"><v>1</v></c></row>', size // 20)),
    "far rows": lambda size: workbook("".join(f'<row r="{9 * n}"><c><v>1</v></c></row>' for n in range(1, size // 40))),
    "one wide row, many short": lambda size: workbook(
        f"<row>{times(_CELL, size // 2)}</row>" + times(f"<row>{_CELL}</row>", size // 2)
    ),
    "a long format": _formatted,
    "one sheet by many names": lambda size: workbook(times(f"<row>{_CELL}</row>", size // 2), sheets=size // 100),
    "shared strings": lambda size: workbook(
        times('<row><c t="s"><v>0</v></c></row>', size // 2), strings=times("<si><t>a</t></si>", size // 2)
    ),
    "one long string, many cells": lambda size: workbook(
        times('<row><c t="s"><v>0</v></c></row>', size // 2), strings=f"<si><t>{'a' * (size // 2)}</t></si>"
    ),
}


def word(body: str) -> bytes:
    """A DOCX file with this body, as XML."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return packed(
        {
            "[Content_Types].xml": _TYPES.format(f'<Override PartName="/word/document.xml" ContentType="{kind}"/>'),
            "_rels/.rels": _RELATIONS.format(
                f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
            ),
            "word/document.xml": f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>',
        }
    )


_RUN = "<w:r><w:t>a</w:t></w:r>"
_PARAGRAPH = f"<w:p>{_RUN}</w:p>"


def _word(unit: str, *, first: str = "", last: str = "") -> Shape:
    return lambda size: word(first + times(unit, size) + last)


def _nested(opening: str, closing: str, inside: str) -> Callable[[int], str]:
    def made(size: int) -> str:
        depth = max(1, size // (len(opening) + len(closing)))
        return opening * depth + inside + closing * depth

    return made


WORD = {
    "paragraphs": _word(_PARAGRAPH),
    "runs": _word(_RUN, first="<w:p>", last="</w:p>"),
    "cells": _word(f"<w:tc>{_PARAGRAPH}</w:tc>", first="<w:tbl><w:tr>", last="</w:tr></w:tbl>"),
    "rows": _word(f"<w:tr><w:tc>{_PARAGRAPH}</w:tc></w:tr>", first="<w:tbl>", last="</w:tbl>"),
    "merged cells": _word(
        f"<w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr>{_PARAGRAPH}</w:tc></w:tr>", first="<w:tbl>", last="</w:tbl>"
    ),
    "tables in tables": lambda size: word(_nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", _PARAGRAPH)(size)),
    "fields": _word('<w:r><w:fldChar w:fldCharType="begin"/></w:r>', first="<w:p>", last="</w:p>"),
    "bookmarks": _word('<w:bookmarkStart w:name="a"/>', first="<w:p>", last="</w:p>"),
    "links": _word(f'<w:hyperlink w:anchor="b">{_RUN}</w:hyperlink>', first="<w:p>", last="</w:p>"),
    "breaks": _word("<w:r><w:lastRenderedPageBreak/><w:t>a</w:t></w:r>", first="<w:p>", last="</w:p>"),
    "a long run": lambda size: word(f"<w:p><w:r><w:t>{'a' * size}</w:t></w:r></w:p>"),
    "headings": _word(f'<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>{_RUN}</w:p>'),
}


def slides(pages: list[str]) -> bytes:
    """A PPTX file whose slides hold these shapes, as XML."""
    parts = {
        "ppt/presentation.xml": f"<p:presentation {_DRAWING_TYPES}><p:sldIdLst>"
        + "".join(f'<p:sldId r:id="rId{number}"/>' for number in range(len(pages)))
        + "</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": _RELATIONS.format(
            "".join(
                f'<Relationship Id="rId{number}" Type="{_OFFICE}/slide" Target="slides/slide{number}.xml"/>'
                for number in range(len(pages))
            )
        ),
    }
    for number, page in enumerate(pages):
        parts[f"ppt/slides/slide{number}.xml"] = f"<p:sld {_DRAWING_TYPES}>{page}</p:sld>"
    return packed(parts)


_SAID = "<a:p><a:r><a:t>a</a:t></a:r></a:p>"
_SHAPE = f"<p:sp>{_SAID}</p:sp>"
_TITLE = f'<p:sp><p:nvPr><p:ph type="title"/></p:nvPr>{_SAID}</p:sp>'


def _same_slide(size: int) -> bytes:
    """One slide that is shown again and again."""
    whole = slides([times(_SHAPE, size // 2)])
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as read, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as written:
        for part in read.infolist():
            text = read.read(part).decode()
            written.writestr(
                part.filename, text.replace('<p:sldId r:id="rId0"/>', '<p:sldId r:id="rId0"/>' * (size // 50))
            )
    return content.getvalue()


SLIDES = {
    "shapes": lambda size: slides([times(_SHAPE, size)]),
    "titles": lambda size: slides([times(_TITLE, size)]),
    "paragraphs": lambda size: slides([f"<p:sp>{times(_SAID, size)}</p:sp>"]),
    "runs": lambda size: slides([f"<p:sp><a:p>{times('<a:r><a:t>a</a:t></a:r>', size)}</a:p></p:sp>"]),
    "shapes in shapes": lambda size: slides([_nested("<p:sp>", "</p:sp>", _SAID)(size)]),
    "said in shapes in shapes": lambda size: slides([_nested(f"<p:sp>{_SAID}", "</p:sp>", _SAID)(size)]),
    "tables in tables": lambda size: slides(
        [f"<p:graphicFrame>{_nested('<a:tbl><a:tr><a:tc>', '</a:tc></a:tr></a:tbl>', _SAID)(size)}</p:graphicFrame>"]
    ),
    "one wide row, many short": lambda size: slides(
        [
            "<p:graphicFrame><a:tbl>{}{}</a:tbl></p:graphicFrame>".format(
                f"<a:tr>{times(f'<a:tc>{_SAID}</a:tc>', size // 2)}</a:tr>",
                times(f"<a:tr><a:tc>{_SAID}</a:tc></a:tr>", size // 2),
            )
        ]
    ),
    "slides": lambda size: slides([_SHAPE] * (size // 300)),
    "one slide many times": _same_slide,
}


def book(chapters: Mapping[str, str], spine: list[str]) -> bytes:
    """An EPUB with these chapters, of which those of the spine are read in its order."""
    items = "".join(f'<item id="{name}" href="{name}"/>' for name in chapters)
    read = "".join(f'<itemref idref="{name}"/>' for name in spine)
    return packed(
        {
            "META-INF/container.xml": '<container><rootfile full-path="book.opf"/></container>',
            "book.opf": f"<package><manifest>{items}</manifest><spine>{read}</spine></package>",
            **chapters,
        }
    )


def _chapter(unit: str) -> Shape:
    return lambda size: book({"a.xhtml": times(unit, size)}, ["a.xhtml"])


BOOK = {
    "chapters": lambda size: book(chapters := {f"{n}.xhtml": "<p>a" for n in range(size // 100)}, list(chapters)),
    "one chapter many times": lambda size: book({"a.xhtml": times("<p>a</p>", size // 2)}, ["a.xhtml"] * (size // 60)),
    **{unit: _chapter(unit) for unit in ("<!--", "<a ", "<b>a", "<table><tr><td>a")},
}


def pdf(page: str, *, pages: int = 1, font: bool = True) -> bytes:
    """A PDF file whose pages all draw `page`."""
    resources = "/Resources<</Font<</F 3 0 R>>>>" if font else ""
    kids = " ".join(f"{number} 0 R" for number in range(5, 5 + pages))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        f"<</Length {len(page)}>>\nstream\n{page}\nendstream",
        *(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R{resources}>>" for _ in range(pages)),
    ]
    out, places = io.BytesIO(b""), []
    out.write(b"%PDF-1.4\n")
    for number, text in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{text}\nendobj\n".encode())
    start = out.tell()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode())
    out.write(f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def _drawn(unit: Callable[[int], str], *, unit_size: int) -> Shape:
    return lambda size: pdf("".join(unit(number) for number in range(max(1, size // unit_size))))


PDF = {
    "words of a line": _drawn(lambda n: f"BT /F 1 Tf {n % 590} 400 Td (a) Tj ET\n", unit_size=34),
    "lines": _drawn(lambda n: f"BT /F 1 Tf 9 {n * 0.01:.2f} Td (a b c) Tj ET\n", unit_size=38),
    "lines that end in a hyphen": _drawn(lambda n: f"BT /F 9 Tf 9 {n * 9.5:.1f} Td (ab-) Tj ET\n", unit_size=36),
    "a long string": lambda size: pdf(f"BT /F 1 Tf ({'a' * size}) Tj ET"),
    "escapes": lambda size: pdf(f"BT /F 1 Tf ({times('(a)', size)}) Tj ET"),
    "grid": _drawn(
        lambda n: f"{n % 600} 0 m {n % 600} 800 l S\n" if n % 2 else f"0 {n % 800} m 600 {n % 800} l S\n",
        unit_size=22,
    ),
    "boxes": _drawn(lambda n: f"{n % 590} {n // 590 % 790} 5 5 re S\n", unit_size=17),
    "arrays": repeated("[", first="%PDF-1.4\n1 0 obj"),
    "states": _drawn(lambda _: "q ", unit_size=2),
    "pages": lambda size: pdf("BT /F 9 Tf 9 9 Td (a) Tj ET", pages=size // 100),
    "pages of one long text": lambda size: pdf(
        times("BT /F 9 Tf 9 9 Td (a) Tj ET\n", size // 2), pages=1 + size // 20_000
    ),
    "no reference table": repeated("1 0 obj<</a/b>>endobj\n", first="%PDF-1.4\n"),
}


def _said(number: int) -> dict[str, object]:
    return {"ts": f"{1_700_000_000 + number}.0", "user": "U1", "text": f"<@U1> a {number}"}


def slack_export(messages: list[dict[str, object]], *, name: str = "Ann", channels: int = 1, topic: str = "") -> bytes:
    """A Slack export with one channel, listed so many times."""
    listed = [{"id": "C1", "name": "a", "purpose": {"value": topic}}] * channels
    return packed(
        {
            "channels.json": json.dumps(listed),
            "users.json": json.dumps([{"id": "U1", "real_name": name}]),
            "a/2026-01-01.json": json.dumps(messages),
        }
    )


SLACK = {
    "messages": lambda size: slack_export([_said(n) for n in range(size // 80)]),
    "a thread": lambda size: slack_export([{**_said(n), "thread_ts": "1700000000.0"} for n in range(size // 100)]),
    "a long name": lambda size: slack_export([_said(n) for n in range(size // 160)], name="a" * (size // 2)),
    "a long topic": lambda size: slack_export([_said(90_000 * n) for n in range(size // 160)], topic="a" * (size // 2)),
    "one channel many times": lambda size: slack_export(
        [_said(n) for n in range(size // 160)], channels=max(1, size // 100)
    ),
    "attachments": lambda size: slack_export(
        [{**_said(1), "text": "a" * (size // 2), "attachments": [{"text": f"b{n}"} for n in range(size // 40)]}]
    ),
    "markup": lambda size: slack_export([{**_said(1), "text": "<" * (size // 2) + "<a|" * (size // 6)}]),
    "blocks": lambda size: slack_export([{**_said(1), "blocks": [_section(n) for n in range(size // 60)]}]),
    "blocks that repeat the text": lambda size: slack_export(
        [{**_said(1), "text": "a b c " * (size // 12), "blocks": [_section(0)] * (size // 120)}]
    ),
    "attachments inside each other": lambda size: slack_export(
        [{**_said(n), "attachments": [_nested_in(_section(n), 200)]} for n in range(size // 8_000)]
    ),
    "files": lambda size: slack_export([{**_said(1), "files": [{"name": f"a{n}"} for n in range(size // 20)]}]),
}


def _section(number: int) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": f"a b c {number}"}}


def _nested_in(found: dict[str, object], depth: int) -> dict[str, object]:
    for _ in range(depth):
        found = {"attachments": [found], "title": "a"}
    return found


def telegram_export(messages: list[dict[str, object]]) -> bytes:
    """A Telegram export of one group."""
    return json.dumps({"id": 1, "type": "public_group", "name": "a", "messages": messages}).encode()


def _wrote(number: int, **more: object) -> dict[str, object]:
    return {"id": number, "type": "message", "date": "2026-01-01T10:00:00", "from": "Ann", "text": "a", **more}


TELEGRAM = {
    "messages": lambda size: telegram_export([_wrote(n) for n in range(size // 90)]),
    "a long name": lambda size: telegram_export(
        [_wrote(0, **{"from": "a" * (size // 2)}), *(_wrote(n, reply_to_message_id=0) for n in range(1, size // 220))]
    ),
    "parts": lambda size: telegram_export([_wrote(1, text=[{"type": "bold", "text": "a"}] * (size // 32))]),
    "polls": lambda size: telegram_export(
        [_wrote(1, poll={"question": "a", "answers": [{"text": "b"}] * (size // 16)})]
    ),
    "topics": lambda size: telegram_export([_wrote(n, reply_to_message_id=n - 1) for n in range(size // 110)]),
    "days": lambda size: telegram_export([_wrote(n, date=f"{n:08}T10:00") for n in range(size // 90)]),
}
ARCHIVE = {
    "small files": lambda size: packed({f"{n}.txt": "a" for n in range(min(19_999, size // 100))}),
    "small files in an archive": lambda size: packed(
        {"inner.zip": packed({f"{n}.md": "a" for n in range(min(19_999, size // 100))})}
    ),
    "small JSON files": lambda size: packed({f"{n}.json": '{"messages"' for n in range(min(19_999, size // 100))}),
}
