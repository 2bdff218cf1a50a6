"""The language model on a Ray cluster: replicas of the very generator that runs on one machine.

    pip install 'attune[ray]'
    python -m deploy.ray_serve --replicas 2     on this machine, until Ctrl-C
    ray up deploy/ray_cluster.yaml              on several, with deploy/ray_serve.yaml
    ATTUNE_MODEL_URL=ray+http://127.0.0.1:8000 attune serve

`Ingress` speaks with the workers (`core/adapters/remote_model/lines.py`), a `Reader` is a replica with a model, and
`PassageRouter` sends each question to the reader that has read its passages. Settings are those of the environment, and
of what is given to `build`.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import os
import sys
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager, suppress
from dataclasses import asdict
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import RequestRouterConfig
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle
from ray.serve.request_router import PendingRequest, RequestRouter, RunningReplica
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from core.adapters.remote_model.lines import Failure, Line, ModelCard, Question, Reading, Retention
from core.bootstrap import open_generator
from core.domain import QueuePosition
from core.errors import OperatorError, PromptTooLongError
from core.settings import Settings
from deploy.affinity import Reads, order

APPLICATION = "attune"
ONGOING = 16  # answers that a replica has in progress at once; beyond it they wait
QUEUED = 64  # answers that wait for a replica; beyond it people are told that it is busy, and are asked for again
PATIENCE = 1.0  # seconds without a word after which those who wait are told how many come first
CPUS = 1.0  # that a replica asks for
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
OBJECTS = 100 << 20  # bytes of shared memory; lines are small and never stay there


class PassageRouter(RequestRouter):
    """Prefers the reader that has read a question's passages; see `affinity.py`."""

    async def choose_replicas(
        self, candidate_replicas: Sequence[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """Each replica by itself, the best first: Ray takes the first that has room."""
        reads: Reads = pending_request.kwargs.get("reads", ()) if pending_request else ()
        replicas = {one.replica_id.unique_id: one for one in candidate_replicas}
        loads = {name: self.replica_queue_len_cache.get(one.replica_id) or 0 for name, one in replicas.items()}
        return [[replicas[name]] for name in order(reads, loads)]


@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=ONGOING,
    max_queued_requests=QUEUED,
    request_router_config=RequestRouterConfig(request_router_class=PassageRouter),
    graceful_shutdown_timeout_s=120,
    ray_actor_options={"num_cpus": CPUS},
    user_config={"adapter": ""},
)
class Reader:
    """One replica. Its `user_config` names the adapter, so that another one comes without a gap."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """`values` are settings by name, over those of the environment."""
        self._settings = replica_settings(os.environ, values)
        self._open = AsyncExitStack()
        self._adapter: str | None = None
        self._generator: Any = None
        self._card: ModelCard
        self._answering = 0
        self._ready, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()

    async def reconfigure(self, config: Mapping[str, str]) -> None:
        """Load the model with the adapter of `config`, or of the settings, when the answers in progress have ended.

        Ray sends nothing new here meanwhile; what was on its way waits. It also calls this for reasons of its own.
        """
        adapter = config.get("adapter") or self._settings.adapter or ""
        if adapter == self._adapter:
            return
        self._ready.clear()
        await self._idle.wait()
        await self._open.aclose()
        settings = self._settings.model_copy(update={"adapter": adapter or None})
        model = await self._open.enter_async_context(open_generator(settings))
        self._generator, self._adapter = model, adapter
        self._card = ModelCard(
            name=model.name,
            context_tokens=model.context_tokens,
            protocol=model.protocol,
            says_likelihoods=model.says_likelihoods,
            tokenizer=self._generator.tokenizer.to_str(),
        )
        self._ready.set()

    async def card(self) -> str:
        """What workers have to know."""
        await self._ready.wait()
        return self._card.model_dump_json()

    async def generate(self, body: bytes, reads: Reads) -> AsyncGenerator[bytes, None]:  # noqa: ARG002 - the router's
        """The lines of an answer. Cancelling it stops the model within one step."""
        await self._ready.wait()
        self._answering += 1
        self._idle.clear()
        try:
            async with aclosing(self._lines(Question.model_validate_json(body))) as lines:
                async for line in lines:
                    yield line.dumped()
        finally:
            self._answering -= 1
            if not self._answering:
                self._idle.set()

    async def _lines(self, question: Question) -> AsyncGenerator[Line, None]:
        if question.mark != self._card.mark:
            yield Line(failure=Failure.CHANGED)
            return
        try:
            async with aclosing(self._generator.generate(question.prompt, question.decoding)) as events:
                async for event in events:
                    yield Line.of(event)
        except PromptTooLongError as error:
            yield Line(failure=Failure.LONG, sentence=str(error))
        except OperatorError as error:
            yield Line(failure=Failure.FAILED, sentence=str(error))
        else:
            yield Line(end=True)

    async def read_ahead(self, body: bytes, reads: Reads) -> None:  # noqa: ARG002 - the router's
        """Read when nobody asks."""
        reading = Reading.model_validate_json(body)
        await self._ready.wait()
        self._generator.read_ahead(reading.system, reading.passages)

    async def retain(self, body: bytes) -> None:
        """Forget what was read of other documents."""
        await self._ready.wait()
        await self._generator.retain(set(Retention.model_validate_json(body).documents))

    async def statistics(self) -> tuple[str, dict[str, float]]:
        """The replica's name, its process, how many answers it has in progress, and what its cache has done."""
        await self._ready.wait()
        own = {"pid": os.getpid(), "answering": self._answering}
        return serve.get_replica_context().replica_id.unique_id, own | asdict(self._generator.cache_statistics)


@serve.deployment(max_ongoing_requests=1000, graceful_shutdown_timeout_s=120, ray_actor_options={"num_cpus": 0})
class Ingress:
    """What workers speak with: checks their key, hands questions to readers, and lines back."""

    def __init__(self, readers: DeploymentHandle, key: str) -> None:
        self._readers = readers
        self._key = key
        self._waiting: OrderedDict[object, None] = OrderedDict()  # answers without a word yet

    async def __call__(self, request: Request) -> Response:
        """One request."""
        if not admits(self._key, request.headers.get("authorization", "")):
            return Response(status_code=401)
        body, path = await request.body(), request.url.path.rpartition("/")[2]
        if (request.method, path) == ("POST", "generate"):
            return StreamingResponse(self._answer(body), media_type="application/jsonl")
        if (request.method, path) == ("POST", "read_ahead"):
            await self._read_ahead(Reading.model_validate_json(body))
        elif (request.method, path) == ("POST", "retain"):
            await self._each("retain", body)
        elif (request.method, path) == ("GET", "statistics"):
            return JSONResponse(dict(await self._each("statistics")))
        elif (request.method, path) == ("GET", "model"):
            return Response(await self._readers.card.remote(), media_type="application/json")
        else:
            return Response(status_code=404)
        return Response()

    async def _each(self, method: str, *words: object) -> list[Any]:
        """What every reader says to `method`."""
        return await self._readers.broadcast(method, *words).results_async()

    async def _answer(self, body: bytes) -> AsyncGenerator[bytes, None]:
        reads = Question.model_validate_json(body).reads
        stream = self._readers.options(stream=True).generate.remote(body, reads=reads)
        try:
            async for line in self._told_who_waits(stream):
                yield line
        except BackPressureError:
            yield Line(queue=QueuePosition(len(self._waiting) + 1), failure=Failure.BUSY).dumped()
        except RayError:
            yield Line(failure=Failure.GONE).dumped()
        finally:
            stream.cancel()

    async def _told_who_waits(self, stream: Any) -> AsyncGenerator[bytes, None]:
        """The lines of a reader; while there is none, how many others wait for theirs, too."""
        me, lines = object(), aiter(stream)
        self._waiting[me] = None
        first = asyncio.ensure_future(anext(lines))
        try:
            while not (await asyncio.wait({first}, timeout=PATIENCE))[0]:
                if ahead := list(self._waiting).index(me):
                    yield Line(queue=QueuePosition(ahead)).dumped()
            yield await first
        finally:
            first.cancel()
            del self._waiting[me]
        async for line in lines:
            yield line

    async def _read_ahead(self, reading: Reading) -> None:
        """Each passage where questions about it go."""
        for passage in reading.passages:
            part = Reading(system=reading.system, passages=[passage]).model_dump_json().encode()
            with suppress(RayError, BackPressureError):
                await self._readers.read_ahead.remote(part, reads=((passage.source or passage.id, 1.0),))


def admits(key: str, header: str) -> bool:
    """Whether whoever sent this `Authorization` may ask; everybody where there is no key."""
    return not key or hmac.compare_digest(header.encode("latin-1", "replace"), f"Bearer {key}".encode())


def open_to_others(host: str, environ: Mapping[str, str]) -> str:
    """A warning where other machines may ask without a key; else nothing."""
    if host in LOOPBACK or environ.get("ATTUNE_MODEL_KEY", "").strip():
        return ""
    return f"Whoever reaches {host} may ask the model. Set ATTUNE_MODEL_KEY here and for the workers.\n"


def replica_settings(environ: Mapping[str, str], values: Mapping[str, str]) -> Settings:
    """The settings of a replica: its model runs there, and keeps nothing of documents on the disk unless told to.

    What a replica that was moved away left on the disk would be forgotten by nobody.
    """
    known = {"ATTUNE_CACHE_DISK_MB": "0", **environ, **values}
    return Settings.from_env({name: value for name, value in known.items() if name != "ATTUNE_MODEL_URL"})


def build(values: Mapping[str, str], **options: Any) -> serve.Application:
    """Readers behind an entrance; `values` are settings by name, `options` those of the readers' deployment.

    `deploy/ray_serve.yaml` names this function, and has the options itself.
    """
    key = replica_settings(os.environ, values).model_key
    entrance: Any = Ingress  # Ray's decorator makes them deployments
    readers: Any = Reader
    return entrance.bind(readers.options(**options).bind(dict(values)), key.get_secret_value().strip() if key else "")


def deployed(values: Mapping[str, str], *, name: str = APPLICATION, **options: Any) -> None:
    """Have it run under /NAME of the cluster that is open here; what runs so called is changed, a replica at a time."""
    serve.run(build(values, **options), name=name, route_prefix=f"/{name}")


@contextmanager
def cluster_here(*, cpus: int, host: str = "127.0.0.1", port: int = 8000) -> Iterator[None]:
    """A cluster of this machine alone, which ends with the block and tells nobody of itself."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}  # by default it yields to all others
    ray.init(num_cpus=cpus, object_store_memory=OBJECTS, include_dashboard=False, log_to_driver=False)
    try:
        serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
        yield
    finally:
        serve.shutdown()
        ray.shutdown()


def main() -> None:
    """Serve on this machine until somebody ends it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=8000, help="default: %(default)s")
    parser.add_argument("--replicas", type=int, default=1, help="default: %(default)s")
    chosen = parser.parse_args()
    sys.stderr.write(open_to_others(chosen.host, os.environ))
    cores = max(1, (os.cpu_count() or 1) // chosen.replicas)  # of each replica: Ray gives it as many threads
    with cluster_here(cpus=cores * chosen.replicas, host=chosen.host, port=chosen.port):
        application = build({}, num_replicas=chosen.replicas, ray_actor_options={"num_cpus": cores})
        serve.run(application, name=APPLICATION, blocking=True)


if __name__ == "__main__":
    main()
