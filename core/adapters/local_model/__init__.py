"""Models that run in this process, all on the one thread on which torch computes.

Each thread that runs torch has a team of OpenMP workers, and libgomp stops spinning at barriers as soon as all teams
together have more threads than the machine has cores. On two cores a decode step then took 1.5 times as long, however
idle the other team was. So loading, embedding and decoding take turns here; none of them holds it for long. Only the
threads that pack a model's matrices stand beside it, which end with that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_Result = TypeVar("_Result")
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="torch")


async def on_torch_thread(work: Callable[_P, _Result], *args: _P.args, **kwargs: _P.kwargs) -> _Result:
    """Do `work` on the thread, after what came before it."""
    return await asyncio.wrap_future(_THREAD.submit(work, *args, **kwargs))


def wait_on_torch_thread(work: Callable[_P, _Result], *args: _P.args, **kwargs: _P.kwargs) -> _Result:
    """The same for callers without an event loop: waits for it."""
    return _THREAD.submit(work, *args, **kwargs).result()
