"""Model files from the Hugging Face hub, through `huggingface_hub`, which reads its own HF_* settings.

Knows nothing of wheels, locks or where models are kept. No file with code in it is ever asked for.
"""

from __future__ import annotations

import errno
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from core.errors import AttuneError, CorruptModelError, DownloadError, UnknownModelError
from core.models.files import DownloadProgress, Meter
from core.models.layouts import needed_files
from core.models.specs import Hub, HubName, ModelFile, ModelSpec

PROBE_SECONDS = 5.0
_STALL_SECONDS = 30.0  # without a byte, before a stream counts as broken
_T = TypeVar("_T")
# weights as data and texts; never .bin or .pt (pickles can run code; of RAG checkpoints see layouts.py), never .py
_WANTED = re.compile(r"(\d+_\w+/)?[\w.-]+\.(safetensors|json|txt|model|jinja)")


class HubFetcher:
    """Looks at repositories and fetches their files; a stopped file goes on where it stopped."""

    def __init__(self, endpoint: str | None = None, probe_seconds: float = PROBE_SECONDS) -> None:
        """`endpoint` is another hub's address; None: the library's own (HF_ENDPOINT)."""
        self._endpoint = endpoint
        self._probe_seconds = probe_seconds

    def describe(self, name: HubName) -> ModelSpec:
        """Say what `name` consists of, with the hashes that the hub states, at its present revision.

        Raises:
            DownloadError: the hub does not answer in time.
            UnknownModelError: there is no such repository or file, or no weights that can be used.
        """
        info = self._look(Hub(name.repo))
        files = {entry.rfilename: entry for entry in info.siblings or ()}
        chosen = [
            ModelFile(path, files[path].size or 0, files[path].lfs.sha256 if files[path].lfs else None)
            for path in _choose(name, list(files))
        ]
        licence = (info.card_data.get("license") if info.card_data else None) or "unknown"
        source = Hub(name.repo, info.sha or "main")
        return ModelSpec(str(name), None, str(licence), str(name), tuple(chosen), (source,))

    def fetch(self, source: Hub, files: Sequence[ModelFile], folder: Path, progress: DownloadProgress) -> None:
        """Bring `files` into `folder`. A repository that states other sizes or hashes is refused before.

        Raises:
            DownloadError: the hub does not answer in time, or stops answering.
            UnknownModelError: the repository or a file is not there.
            CorruptModelError: the repository has other files than these.
        """
        entries = {entry.rfilename: entry for entry in self._look(source).siblings or ()}
        for file in files:
            _compare(source, file, entries.get(file.path))
        for file in files:
            with _convert_errors(source):
                self._fetch_file(source, file, folder / file.path, Meter(progress, file.size))

    def _look(self, source: Hub) -> Any:
        """The repository's `ModelInfo`, or an error within the time a probe may take."""
        from huggingface_hub import HfApi, constants  # noqa: PLC0415 - half a second, and rarely needed

        constants.HF_HUB_DISABLE_TELEMETRY = True  # else it tells the hub what is installed and who runs it
        api = HfApi(endpoint=self._endpoint)
        with _convert_errors(source):
            return _within(
                self._probe_seconds,
                lambda: api.model_info(
                    source.repo,
                    revision=source.revision,
                    files_metadata=True,
                    timeout=self._probe_seconds,
                ),
            )

    def _fetch_file(self, source: Hub, file: ModelFile, target: Path, meter: Meter) -> None:
        """Stream one file, going on from what is there. As long as bytes come, a broken stream is taken up.

        `hf_hub_download` begins anew after a stop, so only the library's session is used.
        """
        from huggingface_hub import hf_hub_url  # noqa: PLC0415 - half a second, and rarely needed

        url = hf_hub_url(source.repo, file.path, revision=source.revision, endpoint=self._endpoint)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.sha256 is None or _size(target) > file.size:
            target.unlink(missing_ok=True)  # nothing would tell a mixture of two versions
        target.touch()
        meter.reach(_size(target))
        while (before := _size(target)) < file.size:
            try:
                _stream(url, target, file.size, meter)
            except AttuneError:
                raise
            except Exception:
                if _size(target) == before:
                    raise
            if _size(target) == before:
                raise DownloadError(f"{source} ends {file.path} at {before} of {file.size} bytes.")


def _compare(source: Hub, file: ModelFile, entry: Any) -> None:
    if entry is None:
        raise UnknownModelError(f"{source} has no file {file.path}.")
    stated = entry.lfs.sha256 if entry.lfs and file.sha256 else file.sha256
    if entry.size != file.size or stated != file.sha256:
        raise CorruptModelError(
            f"{file.path} of {source} is not the expected file: expected {file.size} bytes with SHA-256 "
            f"{file.sha256}, the hub states {entry.size} bytes with {stated}."
        )


def _stream(url: str, target: Path, size: int, meter: Meter) -> None:
    """Append to `target` what the hub has beyond it, at most up to `size` bytes in all."""
    from huggingface_hub import get_session  # noqa: PLC0415 - half a second, and rarely needed
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415 - the same; documented
        build_hf_headers,
        hf_raise_for_status,
    )

    have = _size(target)
    # packed bytes could not be counted, nor a part of them be asked for
    headers = {**build_hf_headers(), "Accept-Encoding": "identity", "Range": f"bytes={have}-"}
    with get_session().stream("GET", url, headers=headers, timeout=_STALL_SECONDS) as response:
        hf_raise_for_status(response)
        if response.status_code != HTTPStatus.PARTIAL_CONTENT:
            have = 0
        with target.open("ab" if have else "wb") as out:
            for block in response.iter_bytes():
                have += len(block)
                if have > size:
                    raise CorruptModelError(f"{target.name} on the hub is larger than {size} bytes.")
                out.write(block)
                meter.reach(have)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _choose(name: HubName, paths: Sequence[str]) -> list[str]:
    if name.file:
        if name.file not in paths:
            raise UnknownModelError(f"hf:{name.repo} has no file {name.file}. {_ggufs(name, paths)}")
        return [name.file]
    if needed := needed_files(paths):
        return needed
    wanted = [path for path in paths if _WANTED.fullmatch(path)]
    if not any(path.endswith(".safetensors") for path in wanted):
        raise UnknownModelError(f"hf:{name.repo} has no .safetensors weights. {_ggufs(name, paths)}")
    return wanted


def _ggufs(name: HubName, paths: Sequence[str]) -> str:
    found = sorted(path for path in paths if path.endswith(".gguf"))
    if not found:
        return "Choose another repository."
    return f"Name one of its files: {', '.join(f'hf:{name.repo}/{path}' for path in found)}."


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """Call in a thread that may be left behind: no timeout of a socket covers a name look-up."""
    results: list[_T] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=work, name="hub probe", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]


@contextmanager
def _convert_errors(source: Hub) -> Iterator[None]:
    """The library's errors as ours; a full disk passes, the store speaks of it."""
    from huggingface_hub import errors as hub  # noqa: PLC0415 - half a second, and rarely needed

    try:
        yield
    except hub.GatedRepoError:
        raise DownloadError(
            f"{source} requires consent: accept its terms on the hub, and set HF_TOKEN to your token."
        ) from None
    except hub.OfflineModeIsEnabled:
        raise DownloadError("HF_HUB_OFFLINE switches the Hugging Face hub off.") from None
    except (hub.RepositoryNotFoundError, hub.RevisionNotFoundError, hub.RemoteEntryNotFoundError) as error:
        what = type(error).__name__.removesuffix("NotFoundError").removeprefix("Remote").lower()
        raise UnknownModelError(
            f"The Hugging Face hub does not have {source} ({what} not found). "
            "Check the name; a private repository needs HF_TOKEN."
        ) from None
    except AttuneError:
        raise  # a progress that stops the step
    except Exception as error:  # the library lets errors of its HTTP client through, whichever that is
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES):
            raise
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DownloadError(f"The Hugging Face hub did not serve {source}: {first}.") from None
