"""The collector of garbage waits while a record is verified. Pure.

It looks at all containers again and again as their number grows: a fifth of the time
that 20,000 disclosures take, a fiftieth of that of 100. A record makes no cycles, so
nothing is kept that it could free.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def waiting() -> Iterator[None]:
    """Keep the collector from running.

    Two threads may do so at once: the one that is done first lets it run again.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
