"""What the doctor says: of settings, models, folders, stores, the machine, and the addresses that others ask."""

from __future__ import annotations

import errno
import json
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bots.cli import doctor_texts
from bots.cli.doctor import _memory, _models, _server, all_checks, parsers
from bots.cli.endpoint_checks import endpoint_checks
from bots.cli.machine import Machine
from bots.cli.machine_checks import folder_checks, machine_check
from bots.platform import Check, CheckStatus
from core.adapters.redis import valkey
from core.bootstrap import open_records
from core.documents.confinement import Confinement, Layer
from core.documents.sandbox import Sandbox
from core.domain import Person
from core.errors import DownloadError, UnknownModelError
from core.models.hub import HubFetcher
from core.models.layouts import CONFIG, OURS, WEIGHTS
from core.models.specs import HubName, ModelFile, ModelSpec
from core.people.preferences import Preferences, Tone
from core.settings import Settings
from tests.bots.test_models_view import PLAIN, READER, bring
from tests.doubles.openai_server import MODEL, Flavour, OpenAIDouble


@pytest.mark.parametrize(
    ("flavour", "name", "decoding", "mark"),
    [
        (Flavour.VLLM, READER, "sequence", CheckStatus.GOOD),
        (Flavour.LLAMA_CPP, READER, "token", CheckStatus.GOOD),
        (Flavour.OLLAMA, READER, "sequence", CheckStatus.CARE),
        (Flavour.VLLM, MODEL, "sequence", CheckStatus.CARE),
        (Flavour.VLLM, MODEL, "stuffed", CheckStatus.GOOD),
    ],
)
async def test_the_doctor_says_what_a_server_cannot_do(
    flavour: Flavour, name: str, decoding: str, mark: CheckStatus
) -> None:
    """A way of decoding that is only approximated, without verdicts, is marked, with what to do about it."""
    async with OpenAIDouble(flavour, model=name, judges_first=name == READER).serving() as double:
        environ = {"ATTUNE_MODEL_URL": double.url, "ATTUNE_MODEL": name, "ATTUNE_DECODING": decoding}
        model, way = await _server(Settings.from_env(environ))
    assert (model.mark, model.name) == (CheckStatus.GOOD, "language model")
    assert name in model.found
    assert (way.mark, bool(way.fix)) == (mark, mark is CheckStatus.CARE)
    assert ("log-probabilities" in way.fix) == (flavour is Flavour.OLLAMA)


async def test_the_doctor_names_a_model_that_the_server_lacks() -> None:
    """The fix lists the models that are there."""
    async with OpenAIDouble().serving() as double:
        (model,) = await _server(Settings.from_env({"ATTUNE_MODEL_URL": double.url, "ATTUNE_MODEL": "other"}))
    assert model.mark is CheckStatus.BAD
    assert MODEL in model.fix


async def test_the_doctor_times_an_answer_when_it_is_asked_to(tmp_path: Path, closed_port: int) -> None:
    """Wherever the model runs; one that cannot be had is said, and nobody is timed unasked."""
    async with OpenAIDouble().serving() as double:
        environ = {"ATTUNE_MODEL_URL": double.url, "ATTUNE_MODEL": MODEL}
        found = await checked(tmp_path, speed=True, **environ)
        assert "speed" not in await checked(tmp_path, **environ)
    assert found["speed"].mark is CheckStatus.GOOD
    assert re.search(r"first word after [\d.]+ s about passages that are new to it, [\d.]+ s", found["speed"].found)
    away = await checked(tmp_path, speed=True, ATTUNE_MODEL_URL=f"http://127.0.0.1:{closed_port}/v1")
    assert (away["speed"].mark, away["speed"].found) == (CheckStatus.BAD, doctor_texts.NO_REPLY)


def language_model(home: Path, **environ: str) -> Check:
    """The row of the language model, whose file is here."""
    return next(iter(_models(Settings.from_env({"ATTUNE_HOME": str(home), **environ}))))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    bring(tmp_path, PLAIN)
    return tmp_path


def test_the_doctor_names_the_adapter_in_use(home: Path) -> None:
    """Ours, none, or the one of the settings, whichever the model."""
    own = home / "adapter"
    own.mkdir()
    for name in (CONFIG, WEIGHTS):
        (own / name).write_bytes(b"{}")
    assert language_model(home).found == f"{READER}, 1,117 MB, verified, {doctor_texts.OWN_ADAPTER}"
    assert language_model(home, ATTUNE_MODEL=PLAIN).found == f"{PLAIN}, 1,117 MB, verified"
    for model in (READER, PLAIN):
        found = language_model(home, ATTUNE_MODEL=model, ATTUNE_ADAPTER=str(own))
        assert (found.mark, found.found) == (CheckStatus.GOOD, f"{model}, 1,117 MB, verified, with the adapter {own}")
    fetched = language_model(home, ATTUNE_ADAPTER="hf:org/name")
    assert fetched.found.endswith("with the adapter hf:org/name, which is fetched on first use")


def test_the_doctor_says_what_is_wrong_with_an_adapter(home: Path) -> None:
    """One that is not there, and one that was trained for a different prompt."""
    missing = language_model(home, ATTUNE_ADAPTER=str(home / "nowhere"))
    assert (missing.mark, "is not an adapter: it has no" in missing.fix) == (CheckStatus.BAD, True)
    for name in (CONFIG, WEIGHTS):
        (home / name).write_bytes(b"{}")
    (home / OURS).write_text(json.dumps({"judging": "first", "fitted_to": "0" * 12, "bias": 0.0, "weight": 1.0}))
    other = language_model(home, ATTUNE_ADAPTER=str(home))
    assert (other.mark, "trained for a different prompt" in other.fix) == (CheckStatus.BAD, True)


@pytest.mark.parametrize(
    ("on", "mark", "could"),
    [
        (tuple(Layer), CheckStatus.GOOD, ()),
        ((Layer.LANDLOCK, Layer.SECCOMP), CheckStatus.GOOD, ()),
        ((Layer.NAMESPACES, Layer.SECCOMP), CheckStatus.GOOD, ()),
        ((Layer.NAMESPACES, Layer.LANDLOCK), CheckStatus.CARE, ("disturb",)),
        ((Layer.SECCOMP,), CheckStatus.CARE, ("read the files",)),
        ((Layer.LANDLOCK,), CheckStatus.CARE, ("disturb", "send")),
        ((), CheckStatus.CARE, ("read the files", "disturb", "send")),
    ],
)
def test_the_doctor_says_how_far_parsers_are_shut_in(
    on: tuple[Layer, ...], mark: CheckStatus, could: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which layers are on, why others are not, and what a hostile file could then do."""
    off = {layer: "Operation not permitted" for layer in Layer if layer not in on}
    monkeypatch.setattr(Sandbox, "confined", lambda _: Confinement(on, off))
    check = parsers()
    assert check.mark is mark
    assert all(layer in check.found for layer in Layer)
    assert check.found.count("Operation not permitted") == len(off)
    words = ("read the files", "disturb", "send")
    assert tuple(word for word in words if word in check.fix) == could


def test_the_doctor_asks_the_process_that_parses() -> None:
    """The row is that of this machine."""
    check = parsers()
    assert check.name == "parsers"
    assert check.mark in {CheckStatus.GOOD, CheckStatus.CARE}
    assert check.found.startswith("confined by limits of memory and time")


async def test_the_doctor_says_how_much_is_kept_of_people_and_how_long(data: Path) -> None:
    settings = Settings.from_env({"ATTUNE_HOME": str(data), "ATTUNE_KEEP": "30"})
    memory, people = await _memory(settings)
    assert (memory.mark, memory.found) == (CheckStatus.GOOD, doctor_texts.REPLIES)
    assert people.found == "nothing is kept about anybody yet; what comes is kept for 30 days (ATTUNE_KEEP)"
    async with open_records(settings) as records:
        await records.memory.change_wishes(
            Person("slack", "T1", "ann"), lambda old: replace(old, preferences=Preferences(tone=Tone.FORMAL))
        )
        _, people = await _memory(settings)
    assert people.found.startswith("1 person, median 0.")
    assert people.found.endswith(" kB at most, kept for 30 days (ATTUNE_KEEP)")


async def test_the_doctor_warns_of_a_server_that_throws_away_what_it_keeps(data: Path) -> None:
    """One that makes room when it is full; it says which setting that is, and what it should be."""
    async with valkey.embedded(data) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        settings = Settings.from_env({"REDIS_URL": f"unix://{redis.connection_pool.connection_kwargs['path']}"})
        memory, _ = await _memory(settings.model_copy(update={"home": data / "home"}))
    assert memory.mark is CheckStatus.CARE
    assert "maxmemory-policy allkeys-lru" in memory.found
    assert "noeviction" in memory.fix


async def test_the_doctor_says_that_a_memory_is_away(tmp_path: Path) -> None:
    settings = Settings.from_env({"REDIS_URL": "redis://127.0.0.1:1/0", "ATTUNE_HOME": str(tmp_path)})
    (memory,) = await _memory(settings)
    assert (memory.mark, memory.found) == (CheckStatus.BAD, doctor_texts.NO_REPLY)


async def checked(home: Path, *, speed: bool = False, **environ: str) -> dict[str, Check]:
    """Everything that the doctor finds, by name."""
    found = await all_checks({"ATTUNE_HOME": str(home), **environ}, Path("/proc/attune.toml"), "1", speed=speed)
    return {check.name: check for check in found}


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("1234", "Did you mean person:telegram//1234?"),
        ("-100678", "Did you mean channel:telegram//-100678?"),
        ("T0123", "Did you mean workspace:slack/T0123?"),
        ("@ann", "Or give that person a pairing code: attune pair"),
        ("everyone", "Write person:telegram//1234"),
    ],
)
async def test_a_wrong_list_is_no_store_that_is_away(tmp_path: Path, wrong: str, hint: str) -> None:
    """The setting is named, with what was probably meant; all else is looked at as ever."""
    found = await checked(tmp_path, ATTUNE_ALLOW=f"person:telegram//1 {wrong}", ATTUNE_OPERATORS="person:telegram//1")
    assert (found["ATTUNE_ALLOW"].mark, hint in found["ATTUNE_ALLOW"].fix) == (CheckStatus.BAD, True)
    assert f"contains '{wrong}'" in found["ATTUNE_ALLOW"].fix
    assert found["ATTUNE_OPERATORS"].mark is CheckStatus.GOOD
    assert (found["memory"].mark, found["memory"].found) == (CheckStatus.GOOD, doctor_texts.REPLIES)
    assert sum(check.mark is CheckStatus.BAD for check in found.values()) == 1


async def test_addresses_are_shown_without_their_passwords(tmp_path: Path) -> None:
    """Wherever the doctor names them; the rest of an address stays."""
    urls = {
        "REDIS_URL": "redis://ann:hunter2@127.0.0.1:1/0",
        "QDRANT_URL": "http://ben:hunter2@127.0.0.1:1/?key=hunter2",
        "ATTUNE_MODEL_URL": "http://cleo:hunter2@127.0.0.1:1/v1",
    }
    found = await checked(tmp_path, **urls)
    assert "hunter2" not in str(found)
    assert found["REDIS_URL"].found == "redis://ann:…@127.0.0.1:1/0 (environment)"
    assert found["QDRANT_URL"].found == "http://ben:…@127.0.0.1:1/?key=… (environment)"
    assert found["language model"].found == "http://cleo:…@127.0.0.1:1/v1"
    assert [name for name, check in found.items() if check.mark is CheckStatus.BAD] == [
        "language model",
        "memory",
        "index",
    ]


@pytest.mark.parametrize("name", ["folders.json", "sources.json"])
async def test_records_that_are_damaged_are_said(tmp_path: Path, name: str) -> None:
    """Who may see what cannot be told without them, and no document is read again."""
    assert (await checked(tmp_path))["records"].mark is CheckStatus.GOOD
    (tmp_path / "data" / name).write_text("{broken")
    records = (await checked(tmp_path))["records"]
    assert (records.mark, records.found) == (CheckStatus.BAD, doctor_texts.UNREADABLE)
    assert f"{name}, which records" in records.fix
    assert "is damaged. Restore it from a" in records.fix


async def test_a_folder_that_is_none_or_closed_is_said_and_nothing_is_opened_in_it(tmp_path: Path) -> None:
    """The disk, not the store, is what is wrong."""
    (tmp_path / "file").write_text("")
    homes = {tmp_path / "file" / "home": "is not a folder", Path("/proc/attune"): "cannot be written to"}
    for home, reason in homes.items():
        found = await checked(home)
        for name in ("models folder", "data folder"):
            assert (found[name].mark, found[name].fix) == (CheckStatus.BAD, doctor_texts.FIX_FOLDER)
            assert reason in found[name].found
        assert found["memory"].found == found["index"].found == doctor_texts.NOT_LOOKED_DISK


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing more can be written, and where what is still to be fetched has no room."""
    settings = Settings.from_env({"ATTUNE_HOME": str(tmp_path)})

    def free(count: int) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, count))

    free(2_000_000_000)
    models, data = folder_checks(settings)
    assert (models.mark, data.mark) == (CheckStatus.BAD, CheckStatus.GOOD)
    assert "2,000 MB free, " in models.found
    free(20_000_000_000)
    assert [check.mark for check in folder_checks(settings)] == [CheckStatus.GOOD] * 2
    free(1_000_000)
    assert [check.fix for check in folder_checks(settings)] == [doctor_texts.FIX_DISK] * 2

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    models, _ = folder_checks(settings)
    assert (models.fix, "No space left on device" in models.found) == (doctor_texts.FIX_DISK, True)


def test_the_machine_is_held_against_what_the_model_needs(tmp_path: Path) -> None:
    """Memory, cores, instructions and GPU; a model on a server needs none of it."""
    small, large = Machine(3 * 10**9, 10**9, 1, "AVX2", is_fast=False), Machine(24 * 10**9, 20 * 10**9, 2, "AVX2")
    settings = Settings.from_env({"ATTUNE_HOME": str(tmp_path)})
    assert machine_check(settings, large).found == "24.0 GB of memory (20.0 GB free), 2 cores with AVX2, no GPU"
    short = machine_check(settings, small)
    assert (short.mark, "the language model takes 4.4 GB" in short.found) == (CheckStatus.BAD, True)
    lean = Settings.from_env({"ATTUNE_HOME": str(tmp_path), "ATTUNE_CACHE_MB": "100", "ATTUNE_BATCH_MB": "100"})
    assert machine_check(lean, small).mark is CheckStatus.GOOD
    remote = Settings.from_env({"ATTUNE_HOME": str(tmp_path), "ATTUNE_MODEL_URL": "http://127.0.0.1:1/v1"})
    assert machine_check(remote, small).mark is CheckStatus.GOOD
    assert machine_check(settings, Machine(0, 0, 1)).mark is CheckStatus.GOOD


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine where nobody listens: it is taken, so nobody else will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def ends(home: Path, **environ: str) -> tuple[Check, Check]:
    """What is said of the programs' address and of the console's."""
    settings = Settings.from_env({"ATTUNE_HOME": str(home), **environ})
    programs, console = [check async for check in endpoint_checks(settings)]
    return programs, console


async def test_addresses_that_are_off_say_how_to_turn_them_on(data: Path) -> None:
    programs, console = await ends(data)
    assert (programs.mark, "ATTUNE_API=" in programs.found) == (CheckStatus.GOOD, True)
    assert (console.mark, "attune console" in console.found) == (CheckStatus.GOOD, True)


async def test_addresses_that_are_on_say_who_may_ask_and_who_can_reach_them(data: Path, closed_port: int) -> None:
    """Keys and TLS; a console that others reach needs a password, and is not served without."""
    here, wide = f"127.0.0.1:{closed_port}", f"0.0.0.0:{closed_port}"
    programs, console = await ends(data, ATTUNE_API=here, ATTUNE_CONSOLE=here)
    assert (programs.mark, programs.fix) == (CheckStatus.CARE, doctor_texts.FIX_NO_KEY)
    assert (console.mark, console.found) == (CheckStatus.GOOD, doctor_texts.silent(here))
    settings = Settings.from_env({"ATTUNE_HOME": str(data)})
    async with open_records(settings) as records:
        await records.clients.add("webui", ("everyone",), datetime.now(UTC))
        programs, console = await ends(data, ATTUNE_API=here, ATTUNE_CONSOLE=wide)
        assert (programs.mark, "1 program with a key" in programs.found) == (CheckStatus.GOOD, True)
        assert (console.mark, "password" in console.fix.lower()) == (CheckStatus.BAD, True)
        password = {"ATTUNE_CONSOLE_PASSWORD": "correct horse battery"}
        programs, console = await ends(data, ATTUNE_API=wide, ATTUNE_CONSOLE=wide, **password)
        assert (programs.mark, programs.fix) == (CheckStatus.CARE, doctor_texts.FIX_WIDE)
        assert (console.mark, console.fix) == (CheckStatus.CARE, doctor_texts.FIX_WIDE_CONSOLE)
        proxied = {**password, "ATTUNE_CONSOLE_URL": "https://attune.example.com"}
        _, console = await ends(data, ATTUNE_CONSOLE=wide, **proxied)
        assert console.mark is CheckStatus.GOOD


async def test_an_address_that_another_program_has_is_said(data: Path) -> None:
    """Whatever answers there is not Attune."""
    async with OpenAIDouble().serving() as other:
        address = urlsplit(other.url).netloc
        programs, console = await ends(data, ATTUNE_API=address, ATTUNE_CONSOLE=address)
    assert (programs.mark, programs.found) == (CheckStatus.BAD, doctor_texts.taken(address))
    assert (console.mark, console.fix) == (CheckStatus.BAD, doctor_texts.fix_taken("ATTUNE_CONSOLE"))


@pytest.mark.parametrize(
    ("setting", "role"),
    [("ATTUNE_MODEL", "language model"), ("ATTUNE_EMBEDDER", "embedder"), ("ATTUNE_ADAPTER", "adapter")],
)
def test_names_on_the_hub_are_looked_up(home: Path, setting: str, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that it has is said with its size, one that it has not is wrong, and a hub that is away is said."""

    def found(answer: ModelSpec | Exception) -> Check:
        def describe(_: HubFetcher, name: HubName) -> ModelSpec:
            assert str(name) == "hf:org/name"
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(HubFetcher, "describe", describe)
        checks = _models(Settings.from_env({"ATTUNE_HOME": str(home), setting: "hf:org/name"}))
        return next(check for check in checks if check.name == role)

    there = ModelSpec("hf:org/name", None, "MIT", "", (ModelFile("model.safetensors", 2_000_000, None),), ())
    assert (found(there).mark, "hf:org/name, 2 MB" in found(there).found) == (CheckStatus.CARE, True)
    missing = found(UnknownModelError("The hub does not have it."))
    assert (missing.mark, missing.fix) == (CheckStatus.BAD, "The hub does not have it.")
    away = found(DownloadError("The hub is away."))
    assert (away.mark, "not checked: The hub is away." in away.found) == (CheckStatus.CARE, True)
