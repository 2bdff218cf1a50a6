"""Paths that someone named → the files to read below them.

Leaves out what nobody means: hidden files, version control, caches, links that lead out of the folder.
Looks at names and links only; knows nothing of what is in a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.documents import slack
from core.errors import DocumentError

IGNORED_FOLDERS = {"node_modules", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file or folder that cannot be read, and why, as whole sentences."""

    path: str
    reason: str


@dataclass(slots=True)
class WalkResult:
    """What a walk found, each list in the order of the walk."""

    folders: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)  # unsupported formats and links out of the folder
    refused: list[Refusal] = field(default_factory=list)

    def root(self, file: Path) -> Path:
        """The folder of the walk that `file` lies below; its own where it was named itself."""
        return next((folder for folder in self.folders if file.is_relative_to(folder)), file.parent)

    def misses(self, path: Path) -> bool:
        """Whether a file that is not among `files` lies below a folder of the walk, and should have been found.

        Nothing is known of what lies in folders that could not be listed, nor of what a walk leaves out on
        purpose, as long as that exists: someone may have named it itself.
        """
        folder = next((folder for folder in self.folders if path.is_relative_to(folder)), None)
        if folder is None or any(path.is_relative_to(bad.path) for bad in self.refused):
            return False
        left_out = any(is_left_out(part) for part in path.relative_to(folder).parts)
        return not (left_out and os.path.lexists(path))


def find_files(paths: Iterable[Path], is_supported: Callable[[Path], bool]) -> WalkResult:
    """Every supported file of `paths` and of the folders among them, once, in a stable order.

    A file that is named itself is taken whatever its format, so that its reader can say what is wrong.

    Raises:
        DocumentError: a path does not exist.
    """
    found = WalkResult()
    for path in paths:
        if not os.path.exists(path):  # noqa: PTH110 - it says False where the path may not be seen
            raise DocumentError(f"{path} does not exist. Check the spelling, or leave it out.")
        if path.is_dir():
            _add_folder(found, path.resolve(), is_supported)
        else:
            found.files.append(path.parent.resolve() / path.name)
    found.files = list(dict.fromkeys(found.files))
    found.skipped = list(dict.fromkeys(found.skipped))
    return found


def printable(name: str) -> str:
    """A file's name with the bytes that are not UTF-8 spelled out."""
    return name.encode(errors="backslashreplace").decode()


def _add_folder(found: WalkResult, root: Path, is_supported: Callable[[Path], bool]) -> None:
    found.folders.append(root)
    links = []
    for path in _walk(root, found):
        if os.path.islink(path):  # noqa: PTH114 - as above
            links.append(path)
        else:
            (found.files if path.is_dir() or is_supported(path) else found.skipped).append(path)
    seen = set(found.files)
    for link in links:  # one that leads to a file of the walk would only double it
        target = Path(os.path.realpath(link))  # which, unlike `resolve`, takes a loop of links
        if target.is_relative_to(root) and target.is_file() and is_supported(link):
            found.files += [link] if target not in seen else []
        else:
            found.skipped.append(link)


def _walk(root: Path, found: WalkResult) -> Iterator[Path]:
    """All that is not left out, sorted in each folder; of links to folders only the links.

    A Slack export that was unpacked is one thing, which is read whole: its parts alone do not say what is private.
    """

    def refuse(error: OSError) -> None:
        reason = f"{error.filename} cannot be listed: {error.strerror}. Change its permissions or leave it out."
        found.refused.append(Refusal(str(error.filename), reason))

    for folder, folders, files in os.walk(root, onerror=refuse):
        if slack.is_export(files):
            folders.clear()
            yield Path(folder)
            continue
        folders[:] = sorted(name for name in folders if not is_left_out(name))
        yield from (Path(folder, name) for name in folders if os.path.islink(Path(folder, name)))  # noqa: PTH114
        yield from (Path(folder, name) for name in sorted(files) if not is_left_out(name))


def is_left_out(name: str) -> bool:
    """Whether nobody means a file or folder of this name."""
    return name.startswith(".") or name in IGNORED_FOLDERS
