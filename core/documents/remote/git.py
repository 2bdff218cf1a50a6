"""A Git repository, by its branch, tag or commit: the blobs that changed since the last commit are read, nothing else.

The `git` command fetches one commit into a bare repository. Nothing is checked out, so no hook, filter or submodule of
the repository runs, and no link is followed. Knows nothing of what a file says.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.documents.archives import check_file_size, is_readable
from core.documents.remote.addresses import split_branch
from core.documents.remote.mirror import FetchResult, Mirror
from core.documents.walk import Refusal, is_left_out
from core.errors import DocumentError

SECONDS = 900.0  # for one command of git
TOGETHER = 32 * 1024**2  # bytes of blobs that are read at once
FOLDER, HERE = "git", "refs/attune/now"
LINK, MODULE = "120000", "160000"  # modes of what is no file
SHOWN = 5  # links that a note names

_SAFE = (
    *("-c", "protocol.allow=never", "-c", "protocol.https.allow=always", "-c", "protocol.http.allow=always"),
    *("-c", "protocol.ssh.allow=always", "-c", "protocol.file.allow=always", "-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false", "-c", "core.askPass=true", "-c", "credential.interactive=false"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "fetch.recurseSubmodules=false"),
    *("-c", "core.sshCommand=ssh -oBatchMode=yes -oConnectTimeout=20", "-c", "http.followRedirects=false"),
)
_REF = re.compile(r"[\w.][\w./+-]*")
_TRACED = ("env", "GIT_TRACE_CURL=1", "GIT_TRACE_CURL_NO_DATA=1")
_MOVED = re.compile(r"returned error: 30\d")
_TARGET = re.compile(rb"recv header: location: (\S+)", re.IGNORECASE)
_LFS = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file of a commit."""

    mode: str
    blob: str
    size: int
    path: str


class GitRepository:
    """A repository at an address of `addresses.GIT`, or a folder of it."""

    def __init__(self, address: str) -> None:
        self._repository, _, folder = address.partition("#")
        self._folder = folder.strip("/")
        self._url, self._branch = split_branch(self._repository)
        self._url = self._url.removeprefix("git+")
        if self._branch and not _REF.fullmatch(self._branch):
            raise DocumentError(f"{self._branch} is no name of a branch, tag or commit.")

    async def located(self) -> str:
        """The address with its branch: where none is named, the one that the repository begins with."""
        inside = f"#{self._folder}" if self._folder else ""
        if self._branch:
            return f"{self._repository}{inside}"
        said = (await _git("ls-remote", "--symref", "--", self._url, "HEAD")).decode(errors="replace")
        head = re.match(r"ref: refs/heads/(\S+)\tHEAD", said)
        if head is None:
            raise DocumentError(f"{self._url} has no branch to begin with. Name one: {self._repository}@BRANCH")
        return f"{self._repository}@{head[1]}{inside}"

    async def fetch(self, mirror: Mirror) -> FetchResult:
        """As the port says."""
        place = mirror.folder / FOLDER
        await asyncio.to_thread(place.mkdir, 0o700, parents=True, exist_ok=True)
        at = ("-C", str(place))
        await _git(*at, "init", "--quiet", "--bare")
        before = await _commit(at)
        refs = f"+{self._branch}:{HERE}"
        await _git(*at, "fetch", "--quiet", "--depth=1", "--no-tags", "--force", "--", self._url, refs)
        result, listed = FetchResult(), await self._listed(at)
        kept, changed = await asyncio.to_thread(self._chosen, listed, mirror, result)
        async for file, data in _blobs(at, changed):
            source = f"{self._repository}#{file.path}"
            if data.startswith(_LFS):
                result.refused.append(Refusal(source, "It is kept in Git LFS, which is not read."))
                kept.discard(source)
                continue
            name = f"{PurePosixPath(self._url).name.removesuffix('.git')}/{file.path}"
            try:
                await asyncio.to_thread(mirror.put, source, name, data, mark=file.blob)
            except DocumentError as error:  # it keeps what it had
                result.refused.append(Refusal(source, str(error)))
                kept -= {source} - mirror.pages.keys()
        mirror.keep_only(kept)
        await asyncio.to_thread(mirror.save)
        if before not in {"", await _commit(at)}:
            await _git(*at, "gc", "--quiet", "--prune=now")  # what was removed is in no file any more
        return result

    async def _listed(self, at: Sequence[str]) -> bytes:
        """All files of the folder, in the commit that was fetched."""
        listed = await _git(*at, "ls-tree", "-r", "-l", "-z", "--full-tree", HERE, "--", *filter(None, [self._folder]))
        if not listed:
            raise DocumentError(
                f"{self._repository} has nothing in its folder {self._folder or '/'}. Correct its name."
            )
        return listed

    def _chosen(self, listed: bytes, mirror: Mirror, result: FetchResult) -> tuple[set[str], list[GitFile]]:
        """The sources of the files that are read, and those files that the mirror does not have as they are."""
        kept, changed, links = set[str](), list[GitFile](), list[str]()
        for file in map(_file, listed.split(b"\0")[:-1]):
            source = f"{self._repository}#{file.path}"
            if file.mode == LINK:
                links.append(file.path)
            elif self._is_wanted(file, source, result):
                kept.add(source)
                known = mirror.pages.get(source)
                changed += [file] if known is None or known.mark != file.blob else []
        if links:
            more = f" and {len(links) - SHOWN:,} more" if len(links) > SHOWN else ""
            result.notes.append(
                f"{self._repository}: links lead to other files and are not followed: {', '.join(links[:SHOWN])}{more}."
            )
        return kept, changed

    def _is_wanted(self, file: GitFile, source: str, result: FetchResult) -> bool:
        """Whether a file is read; notes why not, but of what nobody means."""
        path = PurePosixPath(file.path)
        if any(map(is_left_out, path.parts)):
            return False
        if file.mode == MODULE:
            result.notes.append(f"{source}: a submodule, which is a repository of its own, was left out.")
            return False
        if not is_readable(path):
            result.skipped.append(source)
            return False
        try:
            check_file_size(file.size, path)
        except DocumentError as error:
            result.refused.append(Refusal(source, str(error)))
            return False
        return True


def _file(line: bytes) -> GitFile:
    facts, _, path = line.partition(b"\t")
    mode, _, blob, size = facts.decode().split()
    return GitFile(mode, blob, 0 if size == "-" else int(size), path.decode(errors="backslashreplace"))


async def _commit(at: Sequence[str]) -> str:
    """The commit that was fetched last, if any."""
    return (await _git(*at, "for-each-ref", "--format=%(objectname)", HERE)).decode().strip()


async def _blobs(at: Sequence[str], files: Sequence[GitFile]) -> AsyncIterator[tuple[GitFile, bytes]]:
    """The bytes of files, some at a time."""
    for some in batches(files):
        said = await _git(*at, "cat-file", "--batch", told="".join(f"{file.blob}\n" for file in some).encode())
        start = 0
        for file in some:
            start = said.index(b"\n", start) + 1
            yield file, said[start : start + file.size]
            start += file.size + 1


def batches(files: Sequence[GitFile]) -> Iterator[list[GitFile]]:
    """Files in their order, as many at a time as may be read together."""
    some, size = list[GitFile](), 0
    for file in files:
        if some and size + file.size > TOGETHER:
            yield some
            some, size = [], 0
        some.append(file)
        size += file.size
    if some:
        yield some


async def _git(*words: str, told: bytes = b"") -> bytes:
    """What git says; it asks nobody for a password, and ends with whoever waits for it.

    Raises:
        DocumentError: it fails, and says why.
    """
    code, said, errors = await _run(words, told)
    if code == 0:
        return said
    lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
    fatal = next((line for line in lines if line.startswith(("fatal:", "ERROR:"))), lines[-1] if lines else "")
    if _MOVED.search(fatal):
        _, _, traced = await _run(words, told, _TRACED)
        if target := _TARGET.search(traced):
            place = target[1].decode(errors="replace").partition("/info/refs")[0]
            raise DocumentError(f"Git cannot read it: it has moved to {place}. If that is meant, name that address.")
    raise DocumentError(f"Git cannot read it: {fatal.removeprefix('fatal: ').rstrip('.') or code}.")


async def _run(words: Sequence[str], told: bytes, before: Sequence[str] = ()) -> tuple[int, bytes, bytes]:
    """How git ends, what it says, and its errors; `before` stands before the command."""
    try:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *before,
            "git",
            *_SAFE,
            *words,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise DocumentError(
            "Git is not installed here. Install it (Debian: apt-get install git), then retry."
        ) from None
    try:
        async with asyncio.timeout(SECONDS):
            said, errors = await process.communicate(told)
    except TimeoutError:
        raise DocumentError(f"Git did not finish within {SECONDS / 60:.0f} minutes.") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, said, errors
