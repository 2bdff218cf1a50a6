"""The deployment on a Ray cluster of this machine; what workers see of it is in `tests/contracts/test_generator.py`."""

from __future__ import annotations

import asyncio
import os
import signal
import warnings
from contextlib import aclosing
from pathlib import Path

import aiohttp
import pytest
import yaml

from core.adapters.remote_model.lines import STATISTICS
from core.adapters.remote_model.ray_generator import RayGenerator
from core.domain import Decoding, Piece
from evals.ray_material import Material

pytestmark = pytest.mark.ray

DEPLOY = Path(__file__).parents[2] / "deploy"
DECODING = Decoding(max_tokens=12)
MATERIAL = Material(0, 4)


async def figures(url: str) -> dict[str, dict[str, float]]:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/none/statistics") as response:
        return STATISTICS.validate_json(await response.read())


async def said(model: RayGenerator, number: int = 0, decoding: Decoding = DECODING) -> str:
    async with aclosing(model.generate(MATERIAL.questions[number], decoding)) as stream:
        return "".join([event.text async for event in stream if isinstance(event, Piece)])


@pytest.mark.model
async def test_a_question_is_answered_by_the_replica_that_read_its_passages(ray_cluster: str) -> None:
    """Asked again, it costs no further reading; and all replicas forget what they are told to forget."""
    async with RayGenerator(f"{ray_cluster}/none", None, silence=60) as model:
        await model.retain(())
        before = await figures(ray_cluster)
        assert len(before) == 2
        first = await said(model)
        read = await figures(ray_cluster)
        assert [await said(model) for _ in range(3)] == [first] * 3
        after = await figures(ray_cluster)
        (reader,) = (name for name in before if read[name]["misses"] > before[name]["misses"])
        assert {name: one["misses"] for name, one in after.items()} == {
            name: one["misses"] for name, one in read.items()
        }
        assert after[reader]["hits"] > read[reader]["hits"]
        await model.retain(())
        assert (await figures(ray_cluster))[reader]["bytes"] < after[reader]["bytes"]


@pytest.mark.model
async def test_an_answer_outlives_its_replica(ray_cluster: str) -> None:
    """Killed while it answers: whoever asked gets all of it, once."""
    async with RayGenerator(f"{ray_cluster}/none", None, silence=60) as model:
        long = Decoding(max_tokens=60)
        whole = await said(model, 1, long)
        asking = asyncio.create_task(said(model, 1, long))
        while not (busy := [one for one in (await figures(ray_cluster)).values() if one["answering"]]):
            assert not asking.done()
        os.kill(int(busy[0]["pid"]), signal.SIGKILL)
        assert await asking == whole
        async with asyncio.timeout(300):
            while len(await figures(ray_cluster)) < 2:  # noqa: ASYNC110 - Ray tells nobody
                await asyncio.sleep(0.5)


@pytest.mark.model
async def test_who_goes_stops_the_replica(ray_cluster: str) -> None:
    async with RayGenerator(f"{ray_cluster}/none", None, silence=60) as model:
        async with aclosing(model.generate(MATERIAL.questions[2], Decoding(max_tokens=400))) as stream:
            await anext(stream)
        async with asyncio.timeout(30):
            while any(one["answering"] for one in (await figures(ray_cluster)).values()):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)


def test_the_files_for_clusters_are_what_ray_reads() -> None:
    """By Ray's own schemas; the application is where the file says, with these deployments."""
    pytest.importorskip("ray")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.autoscaler._private.util import prepare_config, validate_config  # noqa: PLC0415
        from ray.serve.schema import ServeDeploySchema  # noqa: PLC0415

        from deploy import ray_serve  # noqa: PLC0415

        validate_config(prepare_config(yaml.safe_load((DEPLOY / "ray_cluster.yaml").read_text(encoding="utf-8"))))
        text = (DEPLOY / "ray_serve.yaml").read_text(encoding="utf-8")
        (application,) = ServeDeploySchema.model_validate(yaml.safe_load(text)).applications
    assert application.import_path == "deploy.ray_serve:build"
    assert {one.name for one in application.deployments} == {ray_serve.Reader.name, ray_serve.Ingress.name}
    settings = ray_serve.replica_settings({"ATTUNE_MODEL_URL": "ray+http://a"}, application.args)
    assert (settings.model_url, settings.cache_disk_mb) == (None, 0)


def test_whoever_has_the_key_may_ask() -> None:
    """Compared as bytes, whatever letters it has; without one others are let in, and the operator is warned."""
    pytest.importorskip("ray")
    from deploy import ray_serve  # noqa: PLC0415

    header = "Bearer schlüssel".encode().decode("latin-1")  # as Starlette reads it
    assert ray_serve.admits("schlüssel", header)
    assert not ray_serve.admits("sesame", header)
    assert not ray_serve.admits("sesame", "")
    assert ray_serve.admits("", "")
    assert "ATTUNE_MODEL_KEY" in ray_serve.open_to_others("0.0.0.0", {})  # noqa: S104 - a test's
    assert not ray_serve.open_to_others("0.0.0.0", {"ATTUNE_MODEL_KEY": "sesame"})  # noqa: S104 - as above
    assert not ray_serve.open_to_others("127.0.0.1", {})
