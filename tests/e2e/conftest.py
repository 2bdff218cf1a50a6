"""Homes for the real command: one for each test, or one for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.home import Home, opened_home


@pytest.fixture
def home(models: Path) -> Iterator[Home]:
    with opened_home(models) as home:
        yield home


@pytest.fixture(scope="module")
def shared_home(models: Path) -> Iterator[Home]:
    with opened_home(models) as home:
        yield home
