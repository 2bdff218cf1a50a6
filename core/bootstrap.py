"""The composition root: puts real things behind the ports, as the settings have it, and closes them again.

The only importer of adapters. Each opener is an async context manager that closes in reverse order. What takes long to
import is imported where it is opened, since not every command needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from core.adapters.local_model import on_torch_thread
from core.documents.folder_records import FolderRecords
from core.documents.remote.records import SourceRecords
from core.domain import VectorOrigin
from core.embedder_choice import settled
from core.errors import IndexUnavailableError
from core.inbox import Allowance
from core.models.files import DownloadProgress, NoProgress, digest_of
from core.models.layouts import is_rag
from core.models.specs import LocalModel
from core.models.store import ModelStore, protocol_for
from core.people.access import Access, AccessLists, listed_names
from core.people.clients import ApiClients
from core.ports import Embedder, Generator, Inbox, Memory, PassageIndex, Usage
from core.readers import GUIDES
from core.settings import Settings
from core.storage.origin import is_unfinished, other_origin, stored_origin
from core.together import in_background

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from core.adapters.local_model.rag_generator import RagGenerator
    from core.adapters.local_model.torch_generator import TorchGenerator
    from core.adapters.remote_model.ray_generator import RayGenerator
    from core.adapters.remote_model.remote_generator import RemoteGenerator
    from core.documents.ingest import Ingester
    from core.documents.remote.keeper import SourceKeeper
    from core.documents.teaching import Teacher
    from core.engine import Engine
    from core.learning.course_files import CourseFolder
    from core.notices.watch import Histories
    from core.storage.backup import DataLayout
    from core.storage.layout import CollectionState
    from core.storage.moving import MovableIndex
    from core.threads.chats import ChatLog
    from core.upkeep import ForgetReading

SILENT = NoProgress()
_USED = ("valkey", "learned")  # what a data folder has as soon as people were answered or taught it

_Load = Callable[[LocalModel, Settings, DownloadProgress], "TorchGenerator | RagGenerator"]


@dataclass(frozen=True, slots=True)
class Library:
    """What it takes to read documents and to find passages."""

    embedder: Embedder
    index: PassageIndex
    ingester: Ingester
    folders: FolderRecords | None = None
    sources: SourceKeeper | None = None


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept of people, and for the operator."""

    memory: Memory
    usage: Usage
    access: Access
    histories: Histories
    chats: ChatLog
    clients: ApiClients


@dataclass(frozen=True, slots=True)
class Attune:
    """The whole product."""

    engine: Engine
    library: Library
    records: Stores
    teacher: Teacher
    unrecorded: Engine  # the same, of whose questions nothing is counted
    forget_reading: ForgetReading  # of documents that are gone, on the disk and by the model
    figures: Callable[[], Mapping[str, float]]  # of the cache of what was read before; none for a model elsewhere


@asynccontextmanager
async def open_attune(settings: Settings, progress: DownloadProgress = SILENT) -> AsyncIterator[Attune]:
    """Open everything a conversation needs; fetches and converts models at the first use."""
    from core.adapters.redis.usage import NoUsage  # noqa: PLC0415
    from core.documents.teaching import Teacher  # noqa: PLC0415
    from core.engine import Engine, limits_of  # noqa: PLC0415
    from core.notices.watch import DocumentWatch  # noqa: PLC0415
    from core.upkeep import Leftovers, Upkeep, swept  # noqa: PLC0415

    if settings.model_url is None:  # a mistyped name fails at once
        await asyncio.to_thread(ModelStore(settings.models_folder).find, settings.model)
    async with AsyncExitStack() as stack:
        records = await stack.enter_async_context(open_records(settings))
        generator = await stack.enter_async_context(open_generator(settings, progress))  # packs on, meanwhile
        library = await stack.enter_async_context(open_library(settings, progress))
        await _keep_to_embedder(settings, library.index)
        inbox = await stack.enter_async_context(open_inbox(settings))
        upkeep = Upkeep(library.index, generator)
        build = partial(
            Engine,
            embedder=library.embedder,
            index=library.index,
            memory=records.memory,
            generator=generator,
            limits=limits_of(settings),
            upkeep=upkeep,
            courses=course_folder(settings),
        )
        engine = build(usage=records.usage, inbox=inbox, histories=records.histories)
        unrecorded = build(usage=NoUsage())
        for work in (upkeep.run(), swept(records.memory), DocumentWatch(library.index, records.histories).run()):
            await stack.enter_async_context(in_background(work))
        reading = partial(_forget_reading, settings, generator)
        leftovers = Leftovers(library.index, records.usage, records.memory, reading)
        teacher = Teacher(settings.learned_folder, library.ingester, library.index, leftovers)
        await teacher.refresh()
        yield Attune(engine, library, records, teacher, unrecorded, reading, lambda: _figures(generator))


async def _keep_to_embedder(settings: Settings, index: PassageIndex) -> None:
    """What was learned of people from vectors of another embedder than this means nothing any more."""
    from core.adapters.redis.meanings import keep_to  # noqa: PLC0415

    if origin := await index.origin():
        async with _redis(settings) as client:
            await keep_to(client, origin)


async def _forget_reading(settings: Settings, generator: Generator, documents: Collection[tuple[str, str]]) -> None:
    await generator.retain(documents)
    await forget_reading(settings, documents)


def _figures(generator: Generator) -> Mapping[str, float]:
    from core.adapters.local_model.torch_generator import TorchGenerator  # noqa: PLC0415

    return asdict(generator.cache_statistics) if isinstance(generator, TorchGenerator) else {}


@asynccontextmanager
async def open_library(
    settings: Settings, progress: DownloadProgress = SILENT, *, anew: bool = False
) -> AsyncIterator[Library]:
    """Open the embedder and the index; `anew` begins with an empty one, of which what was recorded is kept.

    Raises:
        DocumentError: it cannot be made anew, since something that is to be read for it is not there.
    """
    from core.documents.ingest import Ingester  # noqa: PLC0415
    from core.documents.remote.keeper import SourceKeeper  # noqa: PLC0415

    folders, lived = folder_records(settings), await _lived(settings)
    async with AsyncExitStack() as stack:
        settings, embedder, index = await _open_together(stack, settings, progress, lived=lived, anew=anew)
        if folders.empty:
            await asyncio.to_thread(folders.begin, await index.documents(), lived=lived)
        tokens, model = settings.passage_tokens, settings.embedder
        ingester = Ingester(embedder, index, passage_tokens=tokens, model=model, records=folders)
        sources = SourceKeeper(SourceRecords(settings.data_folder), ingester, index, folders)
        yield Library(embedder, index, ingester, folders, sources)


async def _open_together(
    stack: AsyncExitStack, settings: Settings, progress: DownloadProgress, *, lived: bool, anew: bool
) -> tuple[Settings, Embedder, PassageIndex]:
    """An embedder and an index of its vectors, in `stack`; another one than was set where others chose it meanwhile."""
    embedder = await stack.enter_async_context(open_embedder(settings, progress))
    origin = await asyncio.to_thread(origin_of, settings, progress)
    async with settled(settings) as now:
        if now.embedder == settings.embedder:
            if anew:
                await _begin_anew(settings, embedder.dimension, origin, lived=lived)
            await _drop_guides(settings, embedder.dimension, origin)
            return settings, embedder, await stack.enter_async_context(open_index(settings, embedder.dimension, origin))
    return await _open_together(stack, now, progress, lived=lived, anew=anew)


def origin_of(settings: Settings, progress: DownloadProgress = SILENT) -> VectorOrigin:
    """By what the vectors of today are made. Blocks while the embedder's files are fetched, or hashed."""
    name = settings.embedder
    return VectorOrigin(name, digest_of(ModelStore(settings.models_folder).resolve(name, progress)))


def folder_records(settings: Settings) -> FolderRecords:
    """What was decided of folders."""
    collection = settings.qdrant_collection if settings.qdrant_url else ""
    return FolderRecords(settings.data_folder, apart=settings.learned_folder, collection=collection)


def course_folder(settings: Settings) -> CourseFolder:
    """Where the team's courses are."""
    from core.learning.course_files import CourseFolder  # noqa: PLC0415

    return CourseFolder(settings.courses_folder, expected=settings.courses is not None)


async def _lived(settings: Settings) -> bool:
    """Whether there was data before there were records of folders; a new home has them from its first moment."""
    folders = folder_records(settings)
    if folders.begun:
        return True
    there = {name for name in (*_USED, "run", "index") if (settings.data_folder / name).exists()}
    if there & {*_USED} or (there and "index" not in there):  # an index that is there, and all that is, lacks nothing
        return True
    if settings.redis_url:
        from core.adapters.redis.usage import RedisUsage  # noqa: PLC0415

        async with _redis(settings) as client:
            return bool(await RedisUsage(client).uses())
    await asyncio.to_thread(folders.begin, (), lived=False)
    return False


async def _begin_anew(settings: Settings, dimension: int, origin: VectorOrigin, *, lived: bool) -> None:
    """Empty the index, whatever is in it and whether or not it can be opened."""
    from core.documents.remote.keeper import check_places  # noqa: PLC0415

    folders = folder_records(settings)
    try:
        async with open_stored_index(settings) as index:
            if folders.empty:
                await asyncio.to_thread(folders.begin, await index.documents(), lived=lived)
            await check_places(folders, SourceRecords(settings.data_folder))
            await index.reset(dimension, origin)
    except IndexUnavailableError:
        if settings.qdrant_url:
            raise
        await asyncio.to_thread(folders.begin, (), lived=lived)
        await check_places(folders, SourceRecords(settings.data_folder))
        await remove_index(settings)


async def _drop_guides(settings: Settings, dimension: int, origin: VectorOrigin) -> None:
    """Empty an index that another embedder filled with Attune's own guides alone."""
    stored = stored_origin(settings.data_folder / "index")
    if stored and not stored.compares(origin) and not settings.qdrant_url:
        async with open_stored_index(settings) as index:
            if all(document.readers == (GUIDES,) for document in await index.documents()):
                await index.reset(dimension, origin)
                await rebuilt(settings)


async def rebuilt(settings: Settings) -> None:
    """Drop what was set aside for a new index, which has all now."""
    from core.adapters.index.files import drop_old  # noqa: PLC0415

    await asyncio.to_thread(drop_old, settings.data_folder)


@asynccontextmanager
async def open_place(settings: Settings) -> AsyncIterator[DataLayout]:
    """Open what a backup is made of, but for the index."""
    from core.adapters.redis.dump import RedisDump  # noqa: PLC0415
    from core.storage.backup import DataLayout  # noqa: PLC0415

    await _lived(settings)
    async with _redis(settings) as client:
        yield DataLayout(settings.data_folder, settings.learned_folder, folder_records(settings), RedisDump(client))


def open_stored_index(settings: Settings) -> AbstractAsyncContextManager[MovableIndex]:
    """Open the index as it is, by whatever its vectors were made."""
    from core.adapters.index.opening import index_of  # noqa: PLC0415

    return index_of(settings, None)


async def collection_state(settings: Settings) -> CollectionState | None:
    """How the collection on the server that `QDRANT_URL` names is laid out; None for an embedded index."""
    from core.adapters.index import opening  # noqa: PLC0415

    return await opening.collection_state(settings)


async def remove_index(settings: Settings) -> None:
    """Put an embedded index that cannot be opened out of the way."""
    from core.adapters.index.shared_index import set_aside  # noqa: PLC0415

    await set_aside(settings.data_folder)


async def served_by_others(settings: Settings) -> bool:
    """Whether another process has an embedded store open."""
    from core.adapters.redis import companion  # noqa: PLC0415

    if not await asyncio.to_thread((settings.data_folder / "run").exists):
        return False
    names = [*([] if settings.redis_url else ["valkey"]), *([] if settings.qdrant_url else ["index"])]
    return any([await companion.is_in_use(settings.data_folder, name) for name in names])


@asynccontextmanager
async def open_records(settings: Settings) -> AsyncIterator[Stores]:
    """Open what is kept on the server that `REDIS_URL` names, or on the embedded one."""
    from core.adapters.redis.chats import RedisChats  # noqa: PLC0415
    from core.adapters.redis.clients import RedisClients  # noqa: PLC0415
    from core.adapters.redis.histories import RedisHistories  # noqa: PLC0415
    from core.adapters.redis.memory import RedisMemory  # noqa: PLC0415
    from core.adapters.redis.pairings import RedisPairings  # noqa: PLC0415
    from core.adapters.redis.usage import NoUsage, RedisUsage  # noqa: PLC0415

    await _lived(settings)
    async with _redis(settings) as client:
        memory = RedisMemory(client, keep := timedelta(days=settings.keep))
        await memory.ping()
        await memory.finish_forgetting()
        operators = listed_names(settings.operators, "ATTUNE_OPERATORS")
        access = Access(RedisPairings(client), AccessLists(listed_names(settings.allow, "ATTUNE_ALLOW"), operators))
        usage = RedisUsage(client, keep) if settings.usage else NoUsage()
        yield Stores(
            memory, usage, access, RedisHistories(client), RedisChats(client, keep), ApiClients(RedisClients(client))
        )


async def forget_reading(settings: Settings, documents: Collection[tuple[str, str]]) -> None:
    """Remove from the disk what models have read of other documents than these (source, version)."""
    from core.adapters.local_model.prefix_files import forget_others  # noqa: PLC0415

    await asyncio.to_thread(forget_others, settings.read_folder, documents)


@asynccontextmanager
async def open_inbox(settings: Settings) -> AsyncIterator[Inbox]:
    """Open what platforms delivered, on the same server and by connections of its own."""
    from core.adapters.redis.inbox import RedisInbox  # noqa: PLC0415

    await _lived(settings)
    async with _redis(settings) as client:
        inbox = RedisInbox(client, Allowance(settings.person_minute, settings.workspace_minute, settings.waiting))
        await inbox.depth()
        yield inbox


def _redis(settings: Settings) -> AbstractAsyncContextManager[Redis]:
    from core.adapters.redis import valkey  # noqa: PLC0415

    url = settings.redis_url
    return valkey.remote(url.get_secret_value()) if url else valkey.embedded(settings.data_folder)


@asynccontextmanager
async def open_index(
    settings: Settings, dimension: int, origin: VectorOrigin | None = None
) -> AsyncIterator[PassageIndex]:
    """Open the index: the server that `QDRANT_URL` names, or the embedded one.

    Raises:
        IndexUnavailableError: it is away or damaged, a move to it is unfinished, or its vectors are not those of
            `origin`.
    """
    from core.adapters.index.opening import index_of  # noqa: PLC0415
    from core.documents.reading import check_origin  # noqa: PLC0415

    await _lived(settings)
    async with index_of(settings, dimension, origin) as index:
        if origin:
            await check_origin(index, origin)
        elif (stored := await index.origin()) and is_unfinished(stored):
            raise other_origin(stored, stored)
        yield index


@asynccontextmanager
async def open_embedder(settings: Settings, progress: DownloadProgress = SILENT) -> AsyncIterator[Embedder]:
    """Open the embedding model, fetching it at the first use."""
    model = await asyncio.to_thread(ModelStore(settings.models_folder).resolve, settings.embedder, progress)
    yield await on_torch_thread(_load_embedder, model, settings, progress)


def _load_embedder(model: LocalModel, settings: Settings, progress: DownloadProgress) -> Embedder:
    from core.adapters.local_model.sentence_embedder import SentenceEmbedder  # noqa: PLC0415

    device, converted = None if settings.device == "auto" else settings.device, settings.models_folder / "converted"
    return SentenceEmbedder.load(model, converted, device, progress)


@asynccontextmanager
async def open_generator(settings: Settings, progress: DownloadProgress = SILENT) -> AsyncIterator[Generator]:
    """Open the language model: the server that `ATTUNE_MODEL_URL` names, or the one here, fetched at the first use."""
    url = settings.model_url
    async with open_remote(settings, url) if url else _local_generator(settings, progress) as generator:
        yield generator


def open_remote(settings: Settings, url: str) -> AbstractAsyncContextManager[RemoteGenerator | RayGenerator]:
    """Open the language model on the server or the Ray cluster at `url`; the adapter of `ATTUNE_ADAPTER` is its own."""
    from core.adapters.remote_model import open_model  # noqa: PLC0415

    return open_model(settings, url)


@asynccontextmanager
async def _local_generator(settings: Settings, progress: DownloadProgress) -> AsyncIterator[Generator]:
    model = await asyncio.to_thread(find_model, settings, progress)
    load: _Load = _load_rag if is_rag(model.path) else _load_torch
    generator = await on_torch_thread(load, model, settings, progress)
    try:
        yield generator
    finally:
        await generator.close()


def find_model(settings: Settings, progress: DownloadProgress) -> LocalModel:
    """The language model of the settings; the adapter of `ATTUNE_ADAPTER` takes the place of its own."""
    store = ModelStore(settings.models_folder)
    adapter = store.resolve_adapter(settings.adapter, progress) if settings.adapter else None
    model = store.resolve(settings.model, progress)
    return replace(model, adapter=adapter) if adapter else model


def _load_torch(model: LocalModel, settings: Settings, progress: DownloadProgress) -> TorchGenerator:
    from core.adapters.local_model.torch_generator import TorchGenerator  # noqa: PLC0415

    return TorchGenerator.load(
        model.name,
        model.path,
        converted=settings.models_folder / "converted",
        device=settings.device,
        threads=settings.threads,
        progress=progress,
        cache_bytes=settings.cache_mb << 20,
        disk_bytes=settings.cache_disk_mb << 20,
        cached=settings.read_folder,
        batch_bytes=settings.batch_mb << 20,
        adapter=model.adapter,
        protocol=protocol_for(model, settings),
    )


def _load_rag(model: LocalModel, settings: Settings, _: DownloadProgress) -> RagGenerator:
    from core.adapters.local_model.rag_generator import RagGenerator  # noqa: PLC0415

    return RagGenerator.load(model.name, model.path, device=settings.device, threads=settings.threads)
