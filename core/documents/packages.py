"""ZIP-based documents (DOCX, PPTX, XLSX, EPUB) and their XML, opened so that a hostile one does no harm.

Checks sizes before anything is decompressed and refuses XML that declares entities, which none of these formats
needs and every XML bomb does. Knows nothing of what the parts mean.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from xml.etree import ElementTree as ET
from xml.parsers import expat

from core.errors import DocumentError

MAX_PARTS = 20_000  # of one document or archive
MAX_PART_BYTES = 300 * 1024**2  # all parts that are read, decompressed
MAX_XML_DEPTH = 100  # elements inside each other; a table in a table in a text box has some thirty
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = 0x1  # the flag of a ZIP's member
_XML = (".xml", ".rels", ".opf", ".ncx")
_READ = (*_XML, ".xhtml", ".html", ".htm")


@contextmanager
def opened(data: bytes) -> Iterator[zipfile.ZipFile]:
    """The package in `data`, once all of it that will be read is known to be harmless.

    Raises:
        DocumentError: it is no package, broken, encrypted, too large or an XML bomb.
    """
    if data.startswith(_OLD_OFFICE):
        raise DocumentError(
            "It has a password or is in the old binary format. Save it without a password, in the current format."
        )
    with opened_zip(data) as package:
        read = [part for part in package.infolist() if part.filename.lower().endswith(_READ)]
        check_parts(package, sum(part.file_size for part in read))
        for part in read:
            if part.filename.lower().endswith(_XML):
                _check_prolog(package.read(part))
        yield package


@contextmanager
def opened_zip(data: bytes) -> Iterator[zipfile.ZipFile]:
    """The ZIP in `data`, with what is wrong with it as sentences.

    Raises:
        DocumentError: it is broken or uses what nobody can read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            yield package
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise DocumentError(f"It is damaged or incomplete ({error}). Save or download it again.") from None
    except (NotImplementedError, RuntimeError) as error:
        if isinstance(error, RecursionError):
            raise
        reason = f"It is encrypted or compressed in a way that cannot be read ({error}). Create the archive again."
        raise DocumentError(reason) from None


def check_parts(package: zipfile.ZipFile, size: int) -> None:
    """Refuse a package whose parts are too many, encrypted, or `size` bytes, more than the limit.

    Raises:
        DocumentError: they are.
    """
    if len(package.infolist()) > MAX_PARTS:
        raise DocumentError(f"It holds {len(package.infolist()):,} parts; the limit is {MAX_PARTS:,}. Split it.")
    if size > MAX_PART_BYTES:
        raise DocumentError(
            f"It unpacks to {size / 1024**2:,.0f} MB; the limit is {MAX_PART_BYTES // 1024**2} MB. Split it."
        )


def is_encrypted(part: zipfile.ZipInfo) -> bool:
    """Whether reading `part` would take a password."""
    return bool(part.flag_bits & _ENCRYPTED)


def xml_of(data: bytes) -> ET.Element:
    """The root of an XML document that declares no entities.

    Raises:
        DocumentError: it does, or is no XML.
    """
    _check_prolog(data)
    check_depth(data)
    try:
        return ET.fromstring(data)  # noqa: S314 - without entities there is nothing to expand or to fetch
    except ET.ParseError as error:
        raise DocumentError(f"Its XML is broken ({error}). Save it again.") from None


def part_of(package: zipfile.ZipFile, name: str) -> ET.Element | None:
    """The root of the XML part called `name`, or None where the package has none."""
    return xml_of(package.read(name)) if has_part(package, name) else None


def related(package: zipfile.ZipFile, place: str, kind: str = "") -> dict[str, str]:
    """The parts that a part refers to, by the name of the reference; those of one `kind`, if it is given."""
    folder, name = posixpath.split(place)
    root = part_of(package, f"{folder}/_rels/{name}.rels")
    return {
        relation.get("Id", ""): posixpath.normpath(posixpath.join(folder, relation.get("Target", ""))).lstrip("/")
        for relation in (root if root is not None else ())
        if relation.get("Type", "").endswith(kind) and relation.get("TargetMode") != "External"
    }


def has_part(package: zipfile.ZipFile, name: str) -> bool:
    """Whether the package has a part called `name`; asked for each of thousands, so no list is made of all."""
    return name in package.NameToInfo


def check_depth(data: bytes) -> None:
    """Refuse XML whose elements lie too deep in each other: readers of it go through all that lies in each.

    Raises:
        DocumentError: they do.
    """
    depth = 0

    def deeper(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_XML_DEPTH:
            raise DocumentError("Its parts are nested too deeply to be read. Flatten it.")

    def higher(*_: object) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = deeper, higher
    with suppress(expat.ExpatError):  # what is broken is for the parser to say
        parser.Parse(data, True)


class _RootReached(Exception):  # noqa: N818 - no error: the prolog is over
    pass


def _check_prolog(data: bytes) -> None:
    """All that can be declared stands before the root element."""

    def refuse(*_: object) -> None:
        raise DocumentError("Its XML declares entities, as attacks do. Save it again with an office program.")

    def stop(*_: object) -> None:
        raise _RootReached

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = stop
    try:
        parser.Parse(data, True)
    except (_RootReached, expat.ExpatError):  # what is broken is for the parser to say
        return
