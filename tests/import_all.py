"""Imports modules and prints, as JSON, what they did to the outside meanwhile.

`python -P tests/import_all.py ROOT MODULE…` counts what the code under ROOT does or makes a library do. What
a library does while *it* is imported is not counted: the frames are walked from the event outwards, and the
first of import machinery and ROOT decides.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
from types import FrameType

NOISY = ("socket.", "subprocess.", "os.mkdir", "os.rename", "os.remove", "os.system", "Thread.start")
HEAVY = ("torch", "transformers", "sentence_transformers")


def is_noise(event: str, args: tuple[object, ...]) -> bool:
    if event == "open":
        _, mode, flags = args
        return any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(flags & 0b11)
    return event.startswith(NOISY)


def is_ours(frame: FrameType | None, root: str) -> bool:
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(root) and "site-packages" not in name and name != __file__:  # .venv lies under ROOT
            return True
        if name.startswith("<frozen importlib"):
            return False
        frame = frame.f_back
    return False


def main(root: str, modules: list[str]) -> None:
    noises: list[str] = []

    def hook(event: str, args: tuple[object, ...]) -> None:
        if is_noise(event, args) and is_ours(sys._getframe(1), root):
            noises.append(f"{event} {args}")

    def start(thread: threading.Thread) -> None:  # Python 3.11 has no audit event for threads
        hook("Thread.start", (thread,))
        really_start(thread)

    really_start = threading.Thread.start
    threading.Thread.start = start  # type: ignore[method-assign]
    sys.dont_write_bytecode = True
    sys.addaudithook(hook)
    for module in modules:
        importlib.import_module(module)
    heavy = [name for name in HEAVY if name in sys.modules]
    print(json.dumps({"noises": noises, "heavy": heavy}))  # noqa: T201 — read by the test


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
