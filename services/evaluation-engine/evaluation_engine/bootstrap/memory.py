"""How often a process of the engine looks for garbage."""

from __future__ import annotations

import gc

_COLLECT_AFTER = 100_000


def collect_seldom() -> None:
    """Leave alone what is there already, and look for garbage seldom. To be called once, when all is imported.

    A batch or an evaluation is thousands of short-lived objects without cycles, which the default would look through
    all the time. With them, it looks through every module.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)
