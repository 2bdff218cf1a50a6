"""`attune models`: which models there are, fetch one, check them again.

Knows nothing of where models come from or of what is in them; that is `core.model_store`.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bots.cli import operator_texts
from bots.cli.bars import Bars
from bots.render import one_line
from core.errors import ModelError
from core.model_store import ModelStore
from core.models.specs import BUILT_IN, LocalModel
from core.settings import Settings


def show_models(settings: Settings) -> None:
    """A table of the built-in models and of whatever else is here."""
    here = {model.name: model for model in ModelStore(settings.models_folder).installed()}
    used = {settings.model.lower(): "language model", settings.embedder.lower(): "embedder"}
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("model", "role", "size", "licence", "here", "used as"):
        table.add_column(column, justify="right" if column == "size" else "left", no_wrap=column == "model")
    for name, spec in BUILT_IN.items():
        mark = operator_texts.YES if name in here else operator_texts.NO
        table.add_row(name, str(spec.role or ""), megabytes(spec.size), spec.licence, mark, used.get(name, ""))
    for name in here.keys() - BUILT_IN.keys():
        size = megabytes(disk_bytes(here[name]))
        table.add_row(one_line(name), "", size, "", operator_texts.YES, used.get(name.lower(), ""))
    Console().print(table)


def pull_model(settings: Settings, name: str) -> None:
    """Fetch a model and say where it is."""
    model = ModelStore(settings.models_folder).resolve(name, Bars(Console(stderr=True)))
    _say(operator_texts.model_here(one_line(model.name), str(model.path)))


def verify_models(settings: Settings, name: str | None) -> int:
    """Hash one model, or all that are here. Returns the exit code: 1 where one is not sound."""
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
