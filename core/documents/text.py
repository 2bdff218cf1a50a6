"""Bytes → text, whatever their encoding, and plain text → blocks.

Guesses only where nothing says what the encoding is, and says so. Knows nothing of files or passages.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import replace

from charset_normalizer import from_bytes

from core.documents.blocks import BlockKind, Outline, ParsedDocument
from core.errors import DocumentError

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_NOT_DECLARED = {"ascii", "utf-8", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}
_WIDE = ("utf-16", "utf-32")
_TOO_SHORT = 40  # bytes: the frequencies of letters say nothing
_FOREIGN_BYTES = 6  # beyond ASCII, at least, of a short text that is mostly of such letters: it is none of the West
_BYTEWISE = ("iso8859", "cp125", "koi8", "mac-")
_WIDER = {"iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
"""What programs write that say they write the other; as browsers read it."""
_OTHER_NAMES = {
    "cp874": "windows-874 dos-874",
    "cp932": "windows-31j cswindows31j mac-japanese",
    "cp949": "windows-949 mac-korean",
    "cp950": "cn-big5 x-big5 mac-chinesetrad",
    "cp1252": "ansi",
    "gb18030": "cn-gb gb2312-80 mac-chinesesimp",
    "iso2022-jp": "iso-2022-jp-ms cp50220 cp50221 cp50222",
    "iso8859-7": "sun-eu-greek",
    "iso8859-8": "iso-8859-8-i iso-8859-8-e logical visual",
    "koi8-r": "koi koi8",
    "koi8-u": "koi8-ru",
    "mac-cyrillic": "mac-ukrainian",
    "mac-latin2": "mac-ce mac-centraleurroman",
    "mac-roman": "mac",
}
_LABELS = {label: name for name, labels in _OTHER_NAMES.items() for label in labels.split()}
"""Names of encodings that Python does not know."""
_JIS = re.compile(rb"\x1b(?P<set>\$[@B]|\([BJI]|\$\(D)")
_SHIFTED = re.compile(rb"\x1b(?:\$[@B]|\$\([CD]|\$\)[ACG])")  # into an encoding of seven bits
_PARAGRAPH = re.compile(r"(?:^[^\n]*\S[^\n]*(?:\n|\Z))+", re.MULTILINE)
_FIRST, _LAST = 0x21, 0x7E  # of the bytes that stand for characters in encodings of seven bits
_HIGH = bytes(range(0x80, 0x100)) * 2
_SAMPLE_BYTES = 256 * 1024
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")  # lone surrogates among them
_CONTROL_SHARE = 0.02  # of the characters; prose has none, a binary format has many
_BINARY = "The file is binary, not text. Save it as text or in a supported format, or leave it out."


def text_format(parse_decoded: Callable[[str], ParsedDocument]) -> Callable[[bytes], ParsedDocument]:
    """A parser of text as a parser of bytes."""

    def parse_bytes(data: bytes) -> ParsedDocument:
        text, notes = decode(data)
        document = parse_decoded(text)
        return replace(document, notes=(*notes, *document.notes))

    return parse_bytes


def decode(data: bytes, declared: str = "") -> tuple[str, tuple[str, ...]]:
    """Text with plain newlines, and notes about a guessed encoding, where it is not the one `declared`.

    Raises:
        DocumentError: the bytes are no text.
    """
    text, notes = _as_declared(data, declared) or _decoded(data)
    if len(_CONTROLS.findall(text[:_SAMPLE_BYTES])) > _CONTROL_SHARE * len(text[:_SAMPLE_BYTES]):
        raise DocumentError(_BINARY)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return printed(text), notes


def printed(text: str) -> str:
    """`text` without the characters that are never printed."""
    return _CONTROLS.sub("", text)


def parse_text(text: str) -> ParsedDocument:
    """Plain text: paragraphs between blank lines."""
    outline = Outline()
    line, counted = 1, 0  # counted on from paragraph to paragraph, as a large file has many
    for paragraph in _PARAGRAPH.finditer(text):
        line += text.count("\n", counted, paragraph.start())
        counted = paragraph.start()
        outline.add(BlockKind.PARAGRAPH, paragraph.group(), line)
    return outline.document()


def _as_declared(data: bytes, declared: str) -> tuple[str, tuple[str, ...]] | None:
    """Text in the encoding that something says it has, unless that is unknown, no encoding of text, or wrong."""
    name = _known(declared.strip().strip("\"'").lower())
    if name is None:
        return None
    wide = name.startswith(_WIDE)
    if name in _NOT_DECLARED or (wide and b"\0" not in data) or any(data.startswith(mark) for mark, _ in _BOMS):
        return None
    if name.startswith(_BYTEWISE) and (text := _strictly(data, "utf-8")) is not None:
        return text, ()  # mislabelled: text of other encodings is not UTF-8 by chance
    encoding = _WIDER.get(name, name)
    text = _strictly(data, encoding)
    if text is None and encoding.startswith("iso2022_jp"):
        text = _japanese(data)
    return (text, ()) if text is not None else _mostly(data, encoding)


def _known(label: str) -> str | None:
    """Python's name of the encoding that is called so."""
    label = label.replace("_", "-")
    for name in (label, label.removeprefix("x-")):
        try:
            return codecs.lookup(_LABELS.get(name, name)).name
        except (LookupError, ValueError):
            continue
    return None


def _japanese(data: bytes) -> str | None:
    """ISO-2022-JP with what Windows adds to it, such as ① and narrow kana."""
    marks = [*_JIS.finditer(data)]
    ends = [mark.start() for mark in marks] + [len(data)]
    texts = [_strictly(data[: ends[0]], "ascii")]
    for mark, end in zip(marks, ends[1:], strict=True):
        piece, kind = data[mark.end() : end], mark["set"]
        if kind in {b"$@", b"$B"}:
            texts.append(_strictly(_as_shift_jis(piece), "cp932"))
        elif kind == b"$(D":
            texts.append(_strictly(mark.group() + piece, "iso2022_jp_ext"))
        else:
            texts.append(_strictly(piece.translate(_HIGH) if kind == b"(I" else piece, "cp932"))
    return None if None in texts else "".join(text for text in texts if text)


def _as_shift_jis(data: bytes) -> bytes:
    """Pairs of bytes that name a row and a place in it; control characters stand between them."""
    shifted = bytearray()
    place = 0
    while place < len(data):
        row, cell = data[place], data[place + 1] if place + 1 < len(data) else 0
        if not (_FIRST <= row <= _LAST and _FIRST <= cell <= _LAST):
            shifted.append(row)
            place += 1
            continue
        lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)  # noqa: PLR2004 - as the two encodings are laid out
        trail = cell + 0x7E if row % 2 == 0 else cell + 0x1F + (cell >= 0x60)  # noqa: PLR2004
        shifted += bytes((lead, trail))
        place += 2
    return bytes(shifted)


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):  # a codec of something else than text
        return None


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data:
        raise DocumentError(_BINARY)
    if encoding is None and data.isascii() and _SHIFTED.search(data):
        for name in ("iso2022_jp", "iso2022_kr", "iso2022_jp_ext"):
            if (text := _strictly(data, name)) is not None:
                return text, ()
        if (text := _japanese(data)) is not None:
            return text, ()
    try:
        return data.decode(encoding or "utf-8"), ()
    except UnicodeDecodeError:
        return _mostly(data, "utf-8") or _guessed(data)


def _mostly(data: bytes, encoding: str) -> tuple[str, tuple[str, ...]] | None:
    """UTF-8 with a few broken bytes is still UTF-8, where a guess would garble all of it."""
    try:
        text = data.decode(encoding, errors="replace")
    except (UnicodeError, LookupError):
        return None
    broken = text.count("\ufffd")
    if broken * 10 > sum(character > "\x7f" for character in text) - broken:
        return None
    name = encoding.upper()
    characters = f"1 invalid {name} character was" if broken == 1 else f"{broken} invalid {name} characters were"
    return text, (f"{characters} replaced by \ufffd. Save the file as UTF-8 to correct that.",)


def _guessed(data: bytes) -> tuple[str, tuple[str, ...]]:
    high = sum(byte >= 0x80 for byte in data[:_TOO_SHORT])  # noqa: PLR2004 - no ASCII
    foreign = high >= _FOREIGN_BYTES and 2 * high > len(data[:_TOO_SHORT])
    best = from_bytes(data[:_SAMPLE_BYTES]).best() if len(data) > _TOO_SHORT or foreign else None
    if best is None and len(data) > _TOO_SHORT:
        raise DocumentError(_BINARY)
    encoding = best.encoding if best else "cp1252"
    text = data.decode(encoding, errors="replace")
    return text, (f"The encoding was guessed as {encoding}. Save the file as UTF-8 to be sure.",)
