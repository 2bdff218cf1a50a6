"""Secrets in a real process: what itself, its children and the kernel still show of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import Settings, secret_names

ROOT = Path(__file__).parents[2]
TOKEN = "4711:a-token-that-nobody-may-see"  # noqa: S105 - the test's own
SHOWN = """
import os, subprocess
from pathlib import Path
import bots.__main__ as command
settings = command._settings()
print("kept" if settings.telegram_token.get_secret_value() == os.environ["EXPECTED"] else "lost")
os.environ.pop("EXPECTED")
print("environ", dict(os.environ))
print("child", subprocess.run(["env"], capture_output=True, text=True).stdout)
"""
KERNEL = "print('kernel', Path('/proc/self/environ').read_bytes().replace(b'EXPECTED=', b'').split(b'\\0'))"


def output(code: str, folder: Path, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ATTUNE_HOME": str(folder), **environ},
    )
    return done.stdout


def test_every_secret_setting_is_one() -> None:
    """Those that hold a token, a key, a secret, a password or an address with one."""
    words = ("TOKEN", "KEY", "SECRET", "PASSWORD", "REDIS_URL")
    named = {name for name in secret_names() if any(word in name for word in words)}
    assert named == set(secret_names())
    held = {field.alias for field in Settings.model_fields.values() if str(field.alias).endswith(words)}
    assert held - {"ATTUNE_ANSWER_TOKENS"} <= named


def test_a_secret_leaves_the_environment_when_it_was_read(tmp_path: Path) -> None:
    """The settings have it; neither the environment nor a program that is started from here does."""
    shown = output(SHOWN, tmp_path, ATTUNE_TELEGRAM_TOKEN=TOKEN, EXPECTED=TOKEN)
    assert shown.startswith("kept")
    assert "child" in shown
    assert TOKEN not in shown


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_the_kernel_no_longer_shows_a_secret(tmp_path: Path) -> None:
    """What it shows of a process's environment is what it began with: those bytes are blank."""
    code = f"from pathlib import Path\nimport bots.__main__ as command\ncommand._settings()\n{KERNEL}"
    shown = output(code, tmp_path, ATTUNE_TELEGRAM_TOKEN=TOKEN)
    assert "b'ATTUNE_TELEGRAM_TOKEN='" in shown
    assert TOKEN not in shown


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the word")
def test_no_other_process_of_the_user_looks_into_the_command(tmp_path: Path) -> None:
    """From its start on."""
    code = (
        "import atexit, ctypes, sys\nsys.argv[1:] = ['--version']\n"
        "atexit.register(lambda: print('dumpable', ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)))\n"
        "import bots.__main__ as command\ncommand.main()"
    )
    assert output(code, tmp_path).splitlines()[-1] == "dumpable 0"
