"""Progress of long steps, as a terminal and a file see it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from bots.cli.bars import Bars
from core.adapters.local_model.e5_weights import unpacked
from core.errors import CorruptModelError


def screen(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100)


def shown(console: Console) -> str:
    """All that was written so far; it is taken away."""
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    console.file.truncate(0)
    console.file.seek(0)
    return said


def test_a_terminal_shows_a_bar_for_each_step_and_a_sign_of_life_between_them() -> None:
    console = screen(terminal=True)
    bars = Bars(console, "Opening")
    assert "Opening" in shown(console)
    for name in ("Fetching one", "Preparing one"):
        bars.start(name, 2_000_000)
        bars.advance(1_000_000)
        bars.finish()
        said = shown(console)
        assert name in said
        assert "1.0/2.0 MB" in said
        assert said.index(name) < said.rindex("Opening")
    bars.close()
    shown(console)
    bars.close()
    assert not shown(console)


def test_a_file_gets_a_line_for_each_step_and_nothing_between_them() -> None:
    console = screen(terminal=False)
    bars = Bars(console, "Opening")
    bars.start("Fetching one", 2_000_000)
    bars.advance(1_000_000)
    bars.finish()
    bars.start("Preparing one", 0)
    bars.close()
    assert shown(console) == "Fetching one\nPreparing one\n"


def test_a_file_that_is_no_model_leaves_no_bar_behind(tmp_path: Path) -> None:
    (tmp_path / "e5-small-q4.bin").write_bytes(b"E5S1 and so on")
    console = screen(terminal=True)
    bars = Bars(console)
    with pytest.raises(CorruptModelError):
        unpacked(tmp_path / "e5-small-q4.bin", tmp_path, bars)
    assert "Preparing e5-small-q4, once" in shown(console)
    bars.advance(1)
    assert not shown(console)
