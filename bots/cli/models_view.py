"""`attune models`: which models there are and which suits this machine, fetch one, check them again.

Knows nothing of where models come from or of what is in them; that is `core.models.store`.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from bots.cli import models_texts, operator_texts
from bots.cli.bars import Bars
from bots.cli.machine import Machine, this_machine
from bots.render import one_line
from core.errors import ModelError
from core.models.specs import BUILT_IN, LocalModel, ModelSpec, Role
from core.models.store import ModelStore
from core.settings import Settings

_INDENT = "  "
_ROLES = {Role.GENERATOR: operator_texts.LANGUAGE_MODEL, Role.EMBEDDER: operator_texts.EMBEDDER, None: ""}


def show_models(settings: Settings, console: Console | None = None, machine: Machine | None = None) -> None:
    """The built-in models and whatever else is here: what each is for, what it takes, how well it answers.

    Then which suits this `machine`.
    """
    console = console or Console()
    here = {model.name: model for model in ModelStore(settings.models_folder).installed()}
    used = {settings.embedder.lower(): operator_texts.EMBEDDER}
    if not settings.model_url:
        used[settings.model.lower()] = operator_texts.LANGUAGE_MODEL
    for name, spec in BUILT_IN.items():
        place = operator_texts.HERE if (spec.base or name) in here else operator_texts.NOT_HERE
        in_use = operator_texts.IN_USE if name in used else ""
        _show_model(console, name, (_ROLES[spec.role], place, in_use), _facts(spec))
    for name in sorted(here.keys() - BUILT_IN.keys()):
        size = operator_texts.on_disk(megabytes(disk_bytes(here[name])))
        in_use = operator_texts.used_as(used[name.lower()]) if name.lower() in used else ""
        _show_model(console, one_line(name), (operator_texts.HERE, in_use), [size])
    for line in _advice(settings, machine or this_machine()):
        console.print(line, markup=False, highlight=False)


def _show_model(console: Console, name: str, state: Sequence[str], facts: Sequence[str]) -> None:
    """Its name and state on one line, a fact on each of the next, indented, however wide the terminal is."""
    console.print(Text.assemble((name, "bold"), f": {', '.join(part for part in state if part)}"))
    for fact in facts:
        for line in Text(fact).wrap(console, console.width - len(_INDENT)):
            console.print(Text(_INDENT + line.plain.rstrip()))
    console.print()


def _facts(spec: ModelSpec) -> list[str]:
    """What a built-in model is for, what it takes, how well it answers."""
    size = megabytes(spec.size)
    disk = operator_texts.shared_file(size, spec.base) if spec.base else operator_texts.on_disk(size)
    takes = "; ".join([disk, *([operator_texts.in_memory(spec.memory)] if spec.memory else []), spec.licence])
    return [spec.description, takes, *filter(None, (spec.measured, spec.speed))]


def needed_memory(settings: Settings, spec: ModelSpec) -> int:
    """Bytes of memory that a language model takes with its caches full; 0 where that was not measured."""
    return int(spec.memory * 1e9) + (settings.cache_mb + settings.batch_mb << 20) if spec.memory else 0


def _advice(settings: Settings, machine: Machine) -> list[str]:
    """Which of them suits this machine."""
    spec = BUILT_IN[Settings.model_fields["model"].default]
    need = needed_memory(settings, spec)
    fits = not machine.memory or machine.memory >= need
    advised = models_texts.fits(spec.name, need, machine.free) if fits else models_texts.too_large(spec.name, need)
    return [models_texts.this_machine(machine), advised, models_texts.OTHERS]


def pull_model(settings: Settings, name: str) -> None:
    """Fetch a model and say where it is."""
    model = ModelStore(settings.models_folder).resolve(name, Bars(Console(stderr=True)))
    _say(operator_texts.model_here(one_line(model.name), str(model.path)))


def verify_models(settings: Settings, name: str | None) -> int:
    """Check one model, or all on this machine. Returns the exit code: 1 where one is not sound."""
    store, code = ModelStore(settings.models_folder), 0
    names = [name] if name else [model.name for model in store.installed()]
    if not names:
        _say(operator_texts.NO_MODELS)
    for each in names:
        try:
            store.verify(each, Bars(Console(stderr=True)))
        except ModelError as error:
            _say(f"✗ {error}", style="red")
            code = 1
        else:
            _say(f"✓ {operator_texts.model_sound(one_line(each))}")
    return code


def megabytes(count: int) -> str:
    """Bytes as people read them."""
    return f"{count / 1e6:,.0f} MB"


def disk_bytes(model: LocalModel) -> int:
    """What a model takes on the disk."""
    files = model.path.rglob("*") if model.path.is_dir() else [model.path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _say(line: str, style: str = "") -> None:
    Console(soft_wrap=True).print(line, style=style, markup=False, highlight=False)
