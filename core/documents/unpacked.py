"""An export archive of Slack that somebody unpacked → that archive again, so that both are read by the same code.

Blocking. Knows nothing of what is in a part: names decide what belongs to an export.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from core.documents import slack
from core.documents.archives import MAX_UNPACKED_BYTES
from core.errors import DocumentError


def is_unpacked_export(path: Path) -> bool:
    """Whether `path` is a folder with what Slack exports."""
    return path.is_dir() and slack.is_export(part.name for part in path.iterdir())


def packed(folder: Path) -> bytes:
    """The export in `folder` as a ZIP: the same bytes for the same parts.

    Raises:
        DocumentError: it is larger than what is unpacked of an archive.
        OSError: a part cannot be read.
    """
    parts = {part.relative_to(folder).as_posix(): part for part in _parts(folder)}
    if sum(part.stat().st_size for part in parts.values()) > MAX_UNPACKED_BYTES:
        raise DocumentError(f"{folder.name} is a Slack export of over {MAX_UNPACKED_BYTES // 1024**2} MB. Split it.")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), _bytes_of(name, part), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _parts(folder: Path) -> Iterator[Path]:
    """The lists, then the days; nothing that is a link."""
    for part in (*sorted(folder.glob("*.json")), *sorted(folder.glob("*/*.json"))):
        if slack.is_part(part.relative_to(folder).as_posix()) and not part.is_symlink() and part.is_file():
            yield part


def _bytes_of(name: str, part: Path) -> bytes:
    """Of the lists of private conversations no more than that there is one."""
    return b"[]" if slack.private_parts([name]) else part.read_bytes()
