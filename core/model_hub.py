"""Model files from the Hugging Face hub, through `huggingface_hub`, which reads its own HF_* settings.

Knows nothing of wheels, locks or where models are kept. No file with code in it is ever asked for.
"""

from __future__ import annotations

import errno
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from core.errors import AttuneError, DownloadError, UnknownModelError
from core.model_files import Meter, Progress
from core.model_specs import Hub, HubName, ModelFile, ModelSpec

PROBE_SECONDS = 5.0
_T = TypeVar("_T")
# weights as data and texts; never .bin or .pt (pickles run code), never .py
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

    def fetch(self, source: Hub, files: Sequence[ModelFile], folder: Path, progress: Progress) -> None:
        """Bring `files` into `folder`, small ones first: a repository that changed then costs little.

        Raises:
            DownloadError: the hub does not answer in time, or stops answering.
            UnknownModelError: the repository or a file is not there.
        """
        self._look(source)
        for file in sorted(files, key=lambda file: file.size):
            meter = Meter(progress, file.size)
            self._fetch_file(source, file, folder, meter)
            meter.reach(file.size)
        shutil.rmtree(folder / ".cache", ignore_errors=True)

    def _look(self, source: Hub) -> Any:
        """The repository's `ModelInfo`, or an error within the time a probe may take."""
        from huggingface_hub import HfApi, constants  # noqa: PLC0415 - half a second, and rarely needed

        constants.HF_HUB_DISABLE_TELEMETRY = True  # else it tells the hub what is installed and who runs it
        api = HfApi(endpoint=self._endpoint)
        with _translated(source):
            return _within(
                self._probe_seconds,
                lambda: api.model_info(
                    source.repo,
                    revision=source.revision,
                    files_metadata=True,
                    timeout=self._probe_seconds,
                ),
            )

    def _fetch_file(self, source: Hub, file: ModelFile, folder: Path, meter: Meter) -> None:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - half a second, and rarely needed

        with _translated(source):
            hf_hub_download(
                source.repo,
                file.path,
                revision=source.revision,
                local_dir=folder,
                endpoint=self._endpoint,
                tqdm_class=_bar(meter),
            )


def _choose(name: HubName, paths: Sequence[str]) -> list[str]:
    if name.file:
        if name.file not in paths:
            raise UnknownModelError(f"hf:{name.repo} has no file {name.file}. {_ggufs(name, paths)}")
        return [name.file]
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


def _bar(meter: Meter) -> type[Any]:
    """A progress bar as `huggingface_hub` wants one, that shows nothing and tells `meter`.

    The library may open two bars for one file (bytes received, bytes written): the farther one counts.
    """
    from huggingface_hub.utils.tqdm import tqdm  # noqa: PLC0415 - half a second, and rarely needed

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]
            self._seen = int(kwargs.get("initial") or 0)

        def update(self, n: float | None = 1) -> None:
            self._seen += int(n or 0)
            meter.reach(self._seen)

    return Bar


@contextmanager
def _translated(source: Hub) -> Iterator[None]:
    """The library's errors as ours; a full disk passes, the store speaks of it."""
    from huggingface_hub import errors as hub  # noqa: PLC0415 - half a second, and rarely needed

    try:
        yield
    except hub.GatedRepoError:
        raise DownloadError(
            f"{source} asks for consent: accept its terms on the hub and set HF_TOKEN to a token of yours."
        ) from None
    except hub.OfflineModeIsEnabled:
        raise DownloadError("The Hugging Face hub is switched off by HF_HUB_OFFLINE.") from None
    except (hub.RepositoryNotFoundError, hub.RevisionNotFoundError, hub.RemoteEntryNotFoundError) as error:
        what = type(error).__name__.removesuffix("NotFoundError").removeprefix("Remote").lower()
        raise UnknownModelError(
            f"The Hugging Face hub does not have {source} ({what} not found). "
            "Check the name; a private repository needs HF_TOKEN."
        ) from None
    except AttuneError:
        raise  # a progress that stops the step
    except Exception as error:  # the library lets errors of its HTTP client and of Xet through
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES):
            raise
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DownloadError(f"The Hugging Face hub did not serve {source}: {first}.") from None
