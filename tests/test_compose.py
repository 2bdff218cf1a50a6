"""docker-compose.yml, read by Compose itself. Needs no engine and no image."""

from __future__ import annotations

import itertools
import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings, settings_names

ROOT = Path(__file__).parent.parent
COMPOSE = Path(sysconfig.get_path("scripts")) / "docker-compose"


def compose(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(COMPOSE), "--file", str(file), "--profile", "*", "config", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    done = compose(ROOT / "docker-compose.yml", "--format", "json", "--no-env-resolution")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["services"]


def test_compose_accepts_the_file():
    """Compose finds no mistake, and says nothing."""
    done = compose(ROOT / "docker-compose.yml", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "mistake",
    [
        "services: {bot: {image: a, depends_on: [nobody]}}",
        "services: {bot: {image: a, volumes: ['unknown:/data']}}",
        "services: {bot: {image: a, depends_on: {b: {condition: happy}}}, b: {image: b}}",
    ],
)
def test_compose_refuses_mistakes(tmp_path: Path, mistake: str):
    """The check above can fail."""
    file = tmp_path / "docker-compose.yml"
    file.write_text(mistake, encoding="utf-8")
    assert compose(file, "--quiet").returncode != 0


@pytest.mark.parametrize("name", ["bot", "serve"])
def test_bot_waits_for_healthy_stores(services: dict[str, Any], name: str):
    """Every service that Attune depends on has a health check, and Attune waits for it."""
    needs = services[name]["depends_on"]
    assert set(needs) == {"valkey", "qdrant"}
    assert all(need["condition"] == "service_healthy" for need in needs.values())
    assert all(services[name]["healthcheck"]["test"] for name in needs)


def test_ports_are_open_to_this_machine_only(services: dict[str, Any]):
    """The stores have no password: nobody on the network may reach them."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_images_are_pinned_and_data_is_kept(services: dict[str, Any]):
    """A restart changes neither version nor data."""
    for name in ("valkey", "qdrant"):
        assert services[name]["image"].partition(":")[2] not in {"", "latest"}
        assert any(volume["type"] == "volume" for volume in services[name]["volumes"])


def test_valkey_keeps_one_file(services: dict[str, Any]):
    """Every acknowledged message is in the append-only file, and no snapshot keeps what was forgotten."""
    command = services["valkey"]["command"]
    options = {name: value for name, value in itertools.pairwise(command) if name.startswith("--")}
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--save"] == ""
    assert options["--maxmemory-policy"] == "noeviction"


def test_images_can_be_named_by_digest(monkeypatch: pytest.MonkeyPatch):
    """An operator pins each image in `.env`; the one that Attune is built on goes to the build."""
    names = ("VALKEY_IMAGE", "QDRANT_IMAGE", "PYTHON_IMAGE")
    digests = {name: f"{name.lower()}@sha256:{'0' * 64}" for name in names}
    for name, digest in digests.items():
        monkeypatch.setenv(name, digest)
    done = compose(ROOT / "docker-compose.yml", "--format", "json", "--no-env-resolution")
    services = json.loads(done.stdout)["services"]
    assert services["valkey"]["image"] == digests["VALKEY_IMAGE"]
    assert services["qdrant"]["image"] == digests["QDRANT_IMAGE"]
    for name in ("bot", "serve"):
        assert services[name]["build"]["args"]["PYTHON_IMAGE"] == digests["PYTHON_IMAGE"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert {line for line in dockerfile.splitlines() if line.startswith("FROM")} == {
        "FROM ${PYTHON_IMAGE} AS build",
        "FROM build AS build-ray",
        "FROM ${VARIANT} AS chosen",
        "FROM ${PYTHON_IMAGE}",
    }


@pytest.mark.parametrize("name", ["bot", "serve", "model"])
def test_bot_is_given_only_settings_that_exist(services: dict[str, Any], name: str):
    """A variable that the settings do not know would stop it or do nothing."""
    python = {"PYTHONPATH"} if name == "model" else set()
    assert set(services[name]["environment"]) - python <= set(settings_names())


def test_serving_is_checked_and_ends_with_grace(services: dict[str, Any]):
    """Its readiness is asked for where it is served, and it has longer to end than it gives its answers."""
    serve = services["serve"]
    port = serve["environment"]["ATTUNE_METRICS"].rpartition(":")[2]
    assert f"127.0.0.1:{port}/readyz" in serve["healthcheck"]["test"][-1]
    assert [str(published["target"]) for published in serve["ports"]] == [port]
    assert serve["stop_grace_period"] == "1m0s"
    assert Settings().grace < 60
    assert serve["restart"] == "unless-stopped"


def test_a_cluster_is_for_the_workers_alone(services: dict[str, Any]):
    """It needs no store, has no port outside of the network, and runs what a build with Ray has."""
    model = services["model"]
    assert not model.get("depends_on")
    assert not model.get("ports")
    assert model["build"]["args"]["VARIANT"] == "build-ray"
    assert model["entrypoint"] == ["python", "-m", "deploy.ray_serve"]
    assert (ROOT / "deploy" / "ray_serve.py").is_file()


def test_no_store_reports_home(services: dict[str, Any]):
    """Qdrant's telemetry is off."""
    assert services["qdrant"]["environment"]["QDRANT__TELEMETRY_DISABLED"] == "true"
