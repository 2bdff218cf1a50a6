"""The hashes that the container's packages are checked against: of the very versions that Attune is tested with."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.write_lock import LOCK, RAY, TORCH, further, written

ROOT = Path(__file__).parent.parent
GPU = ("nvidia-", "cuda-", "triton")  # where PyTorch is built for GPUs
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "extra": ""}


def locked(name: str) -> dict[str, str]:
    """Version by name."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^ \\]+)", text, flags=re.MULTILINE))


def constrained() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in pins}


def needed() -> set[str]:
    """Every package that Attune needs on Linux, and what those need, as they are installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    waiting = [
        Requirement(line) for line in (*project["project"]["dependencies"], *project["build-system"]["requires"])
    ]
    found: dict[str, set[str]] = {}
    while waiting:
        one = waiting.pop()
        name, extras = canonicalize_name(one.name), {"", *one.extras}
        fresh = extras - found.setdefault(name, set())
        found[name] |= extras
        for line in distribution(one.name).requires or () if fresh else ():
            below = Requirement(line)
            meant = below.marker is None or any(below.marker.evaluate({**LINUX, "extra": extra}) for extra in fresh)
            if meant and not below.name.startswith(GPU):
                waiting.append(below)
    return set(found)


def test_the_versions_are_those_of_the_constraints() -> None:
    """Each is locked in one file, to the version that the tests run with; only what PyTorch brings is named nowhere."""
    common, torch, ray, pins = locked(LOCK), locked(TORCH), locked(RAY), constrained()
    assert not common.keys() & torch.keys()
    assert not ray.keys() & (common.keys() | torch.keys())
    assert ray == {name: pins[name] for name in ray}
    assert {"ray", "fastapi", "grpcio-reflection"} <= ray.keys()
    assert common == {name: pins[name] for name in common}
    assert torch["torch"] == pins["torch"]
    assert all(name.startswith(GPU) for name in torch.keys() - {"torch"})


def test_all_that_is_needed_is_locked() -> None:
    assert needed() <= locked(LOCK).keys() | locked(TORCH).keys()


@pytest.mark.parametrize("name", [LOCK, TORCH, RAY])
def test_each_has_hashes_and_nothing_else(name: str) -> None:
    """No address of an index, and no line that pip would take without a hash."""
    text = (ROOT / name).read_text(encoding="utf-8")
    hash_ = r"    --hash=sha256:[0-9a-f]{64}"
    entry = rf"[a-z0-9-]+==[0-9a-z.]+(?: ; [^\\\n]+)? \\\n(?:{hash_} \\\n)*{hash_}\n"
    assert re.fullmatch(rf"#[^\n]*\n(?:{entry})+", text)


def test_the_container_installs_nothing_without_a_hash() -> None:
    """Except PyTorch from an index that whoever builds it names, and Attune itself, which is built from here."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    installs = [part for line in text.splitlines() for part in re.split(r"&&|;", line) if "pip install" in part]
    for install in installs:
        own = "--no-index ." in install or '--index-url "$TORCH_INDEX"' in install
        assert "--no-deps" in install
        assert "--require-hashes" in install or own
    assert len(installs) == 5
    assert "PIP_ONLY_BINARY=:all:" in text


def test_what_is_not_for_linux_is_left_out() -> None:
    """And what the constraints do not name stands with PyTorch."""
    hashes = f" \\\n    --hash=sha256:{'0' * 64}\n"
    names = ("a-b==1", "torch==2", "gpu==3 ; sys_platform == 'linux'", "win==4 ; sys_platform == 'win32'")
    common, torch = written("# by uv\n" + "".join(name + hashes for name in names), "a.b==1\ntorch==2\n")
    assert common.partition("\n")[2] == "a-b==1" + hashes
    assert torch.partition("\n")[2] == "torch==2" + hashes + "gpu==3 ; sys_platform == 'linux'" + hashes
    assert further("".join(name + hashes for name in names), common).partition("\n")[2] == torch.partition("\n")[2]
