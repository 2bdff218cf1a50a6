"""Where documents lie, as a terminal shows it: a folder that all share is named once, and long paths lose their middle.

Elsewhere than on a terminal paths stay whole, since programs read them. Knows nothing of documents or of tables.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console

from bots.render import home_folder, one_line, short_path
from core.documents.remote.addresses import is_address

LONGEST = 1000  # characters: a path is of use only as a whole
_SHARED = 8  # characters that are worth a line of their own


class Places:
    """The paths of `files`, by what they do not share. `apart` is a folder whose files say nothing of the others'."""

    def __init__(self, files: Collection[str], console: Console, apart: Path | None = None) -> None:
        self.whole = not console.is_terminal
        self._home, self._here = home_folder(), Path.cwd()
        self.shared = "" if self.whole else _shared_folder(file for file in files if not _is_below(file, apart))

    @property
    def heading(self) -> str:
        """The shared folder, as it can be opened; empty where there is none."""
        return self._path(self.shared.rstrip("/")) if self.shared else ""

    def name(self, file: str, width: int = LONGEST) -> str:
        """What tells `file` from the others, in `width` columns."""
        path = one_line(file.removeprefix(self.shared) or "./", LONGEST) if self._shares(file) else self._path(file)
        return path if self.whole else fitted(path, width)

    def _shares(self, file: str) -> bool:
        return bool(self.shared) and file.startswith(self.shared)

    def _path(self, file: str) -> str:
        return one_line(short_path(file, home=self._home, here=self._here), LONGEST)


def fitted(path: str, width: int) -> str:
    """`path` in `width` columns: the name at its end stays, and of the folders as many as there is room for."""
    if cell_len(path) <= width:
        return path
    first, *others = path.split("/")
    for start in range(1, len(others)):
        for kept in (f"{first}/…/", "…/") if first else ("…/",):
            if cell_len(shorter := kept + "/".join(others[start:])) <= width:
                return shorter
    name = others[-1] if others else first
    while cell_len(name) > width - 1:
        name = name[1:]
    return f"…{name}"


def _shared_folder(files: Iterable[str]) -> str:
    """The folder of all `files`, with a slash at its end; empty where it is not worth a line.

    Of files here and addresses only the files share one; where there are addresses alone, they do.
    """
    names = list(files)
    folders = {os.path.dirname(file) for file in names if file.startswith("/")}  # noqa: PTH120 - thousands of them
    if not folders:
        return _shared_address(names)
    shared = os.path.commonpath(folders)
    return f"{shared}/" if len(shared) >= _SHARED else ""


def _shared_address(addresses: Sequence[str]) -> str:
    """What several addresses begin with, up to a folder in their host, repository or bucket."""
    if len(addresses) < 2 or not all(map(is_address, addresses)):  # noqa: PLR2004 - one shares nothing
        return ""
    first, last = min(addresses), max(addresses)
    common = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    shared = common[: max(common.rfind("/"), common.rfind("#")) + 1]
    return shared if shared.partition("://")[2] else ""


def _is_below(file: str, folder: Path | None) -> bool:
    return folder is not None and file.startswith(f"{folder.as_posix()}/")
