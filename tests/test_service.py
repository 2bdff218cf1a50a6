"""deploy/attune.service, read by systemd itself where that is installed."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from core.settings import Settings

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "deploy" / "attune.service"


@pytest.fixture(scope="module")
def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser["Service"]


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """Not a line of it is unknown."""
    systemd = shutil.which("systemd-analyze")
    if systemd is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/attune/bin/attune", shutil.which("true") or ""))
    done = subprocess.run([systemd, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, [line for line in done.stderr.splitlines() if UNIT.name in line]) == (0, [])


def test_what_is_kept_can_be_written_and_nothing_else(service: configparser.SectionProxy) -> None:
    """The data folder is the one that systemd makes for it, and settings are read there."""
    home = f"/var/lib/{service['StateDirectory']}"
    assert service["Environment"] == f"ATTUNE_HOME={home}"
    assert service["WorkingDirectory"] == home
    assert service["ProtectSystem"] == "strict"
    assert "ReadWritePaths" not in service


def test_it_has_longer_to_end_than_its_answers(service: configparser.SectionProxy) -> None:
    """And it is not started again before a wrong setting is corrected."""
    assert int(service["TimeoutStopSec"]) > Settings().grace
    assert service["KillMode"] == "mixed"
    assert service["RestartPreventExitStatus"] == "2"


def test_the_parser_can_still_confine_itself(service: configparser.SectionProxy) -> None:
    """Its namespaces and Landlock are among what the unit allows."""
    assert set(service["RestrictNamespaces"].split()) == {"user", "mnt", "net", "ipc", "uts"}
    assert {"@mount", "landlock_restrict_self"} <= set(service["SystemCallFilter"].split())
