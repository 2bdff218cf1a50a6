"""Small files of binary formats, written by hand: what a parser has to read, and nothing else."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DRAWING = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_SLIDES = f'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="{_RELATIONS}" {_DRAWING}'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


_PICTURE = (
    "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
    " /Length 1 >>\nstream\n0\nendstream"
)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP of these parts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def pdf(
    *pages: str, info: str = "", trailer: str = "", images: Sequence[int] = (), letterhead: str | None = None
) -> bytes:
    """A PDF of these content streams. F1 is Helvetica, F2 its bold; pages in `images` have a picture called Im.

    The content stream `letterhead` is drawn on each page.
    """
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (en-US) >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{7 + 2 * n} 0 R' for n in range(len(pages)))}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>",
        _PICTURE,
        f"<< {info} >>",
    ]
    head = "" if letterhead is None else f"{7 + 2 * len(pages)} 0 R "
    for number, content in enumerate(pages, start=1):
        picture = " /XObject << /Im 5 0 R >>" if number in images else ""
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents [{head}{6 + 2 * number} 0 R]"
            f" /Resources << /Font << /F1 3 0 R /F2 4 0 R >>{picture} >> >>"
        )
        objects.append(stream(content))
    if letterhead is not None:
        objects.append(stream(letterhead))
    return numbered(objects, trailer)


def stream(content: str) -> str:
    """A packed stream, as an object of a PDF."""
    packed = zlib.compress(content.encode("latin-1")).hex()
    return f"<< /Filter [/ASCIIHexDecode /FlateDecode] /Length {len(packed)} >>\nstream\n{packed}\nendstream"


def numbered(objects: Sequence[str], trailer: str) -> bytes:
    """A PDF of these objects, with the table of where they stand."""
    body, places = "%PDF-1.7\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"trailer << /Size {size} /Root 1 0 R /Info 6 0 R {trailer} >>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode("latin-1")


def shown(text: str, *, at: tuple[float, float], size: float = 10, font: str = "F1") -> str:
    """Text on a page of a PDF."""
    return f"BT /{font} {size} Tf {at[0]} {at[1]} Td ({text}) Tj ET\n"


def word(body: str, *, properties: str = "", beside: Mapping[str, str] | None = None) -> bytes:
    """A DOCX with this body; styles Title and Heading1 are known. `beside`: paragraphs of other parts, by kind."""
    others = dict(beside or {})
    relations = "".join(
        f'<Relationship Id="{kind}" Type="{_RELATIONS}/{kind}" Target="{kind}.xml"/>' for kind in ("styles", *others)
    )
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/></w:style>'
        for name in ("Title", "heading 1", "heading 2")
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml"'
        ' ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{_RELATIONS}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>',
        **{f"word/{kind}.xml": f"<w:part {_WORD}>{content}</w:part>" for kind, content in others.items()},
        "word/styles.xml": f"<w:styles {_WORD}>{styles}</w:styles>",
        "word/document.xml": f"<w:document {_WORD}><w:body>{body}</w:body></w:document>",
    }
    return zipped({**parts, **({"docProps/core.xml": core(properties)} if properties else {})})


def core(properties: str) -> str:
    """The part of an office document that says who wrote it and when."""
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:dcterms="http://purl.org/dc/terms/">{properties}</cp:coreProperties>'
    )


def paragraph(*runs: str, style: str = "") -> str:
    """A paragraph of a DOCX; a run that begins with < is taken as it is."""
    named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    texts = "".join(f"<w:r>{run if run.startswith('<') else f'<w:t>{run}</w:t>'}</w:r>" for run in runs)
    return f"<w:p>{named}{texts}</w:p>"


def word_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of a DOCX."""
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def slides(*pages: str, notes: Mapping[int, str] | None = None, hidden: int = 0) -> bytes:
    """A PPTX of these slides, each the shapes of one; `hidden` is not shown."""
    listed = "".join(f'<p:sldId id="{255 + n}" r:id="s{n}"/>' for n in range(1, len(pages) + 1))
    relations = "".join(
        f'<Relationship Id="s{n}" Type="{_RELATIONS}/slide" Target="slides/slide{n}.xml"/>'
        for n in range(1, len(pages) + 1)
    )
    parts = {
        "ppt/presentation.xml": f"<p:presentation {_SLIDES}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{relations}</Relationships>",
    }
    for number, shapes in enumerate(pages, start=1):
        show = ' show="0"' if number == hidden else ""
        parts[f"ppt/slides/slide{number}.xml"] = (
            f"<p:sld {_SLIDES}{show}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
        )
    for number, text in (notes or {}).items():
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="n"'
            f' Type="{_RELATIONS}/notesSlide" Target="../notesSlides/notes{number}.xml"/></Relationships>'
        )
        parts[f"ppt/notesSlides/notes{number}.xml"] = (
            f"<p:notes {_SLIDES}><p:cSld><p:spTree>{shape(text, role='body')}</p:spTree></p:cSld></p:notes>"
        )
    return zipped(parts)


def shape(*paragraphs: str | tuple[int, str], role: str = "") -> str:
    """A shape with text on a slide; a pair gives a paragraph's level."""
    placeholder = f'<p:ph type="{role}"/>' if role else ""
    levelled = [(0, one) if isinstance(one, str) else one for one in paragraphs]
    texts = "".join(f'<a:p><a:pPr lvl="{level}"/><a:r><a:t>{text}</a:t></a:r></a:p>' for level, text in levelled)
    return f"<p:sp><p:nvSpPr><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:txBody>{texts}</p:txBody></p:sp>"


def slide_table(rows: Sequence[Sequence[str]]) -> str:
    """A table on a slide."""
    cells = (
        "".join(f"<a:tc><a:txBody><a:p><a:r><a:t>{cell}</a:t></a:r></a:p></a:txBody></a:tc>" for cell in row)
        for row in rows
    )
    table = "".join(f"<a:tr>{row}</a:tr>" for row in cells)
    return (
        f"<p:graphicFrame><a:graphic><a:graphicData><a:tbl>{table}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    )


def book(chapters: Mapping[str, str], *, metadata: str = "") -> bytes:
    """An EPUB of these chapters, XHTML by name, in this order."""
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    return zipped(
        {
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf"'
            f' xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>{metadata}</metadata>'
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
            **{f"OEBPS/{name}": content for name, content in chapters.items()},
        }
    )
