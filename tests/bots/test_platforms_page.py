"""The contract for a third platform names what there is: files, and the tests of both platforms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
TESTS = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", PAGE))))
def test_the_scenarios_are_tests(name: str):
    """Each scenario that a platform must pass is one that is run."""
    assert f"def {name}(" in TESTS


def test_the_files_are_there():
    """What is said to be decided once stands where the page says, and a platform's own files in both folders."""
    shared = re.findall(r"`(\w+\.py)`", PAGE.split("## What one can")[0])
    assert {name for name in shared if not (ROOT / "bots" / name).is_file()} == set()
    assert {
        name for name in set(re.findall(r"`(test_\w+\.py)`", PAGE)) if not Path(__file__).with_name(name).is_file()
    } == set()


def test_the_lines_add_up():
    """The count of lines is the sum of its table."""
    table = PAGE.split("### Lines that Discord would need")[1].split("## The scenarios")[0]
    counts = [int(count) for count in re.findall(r"^\| `\w+\.py` \| (\d+) \|", table, flags=re.MULTILINE)]
    assert f"**{sum(counts)}**" in table
