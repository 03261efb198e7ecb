"""The collector of garbage waits while a large record is worked on. Pure.

It looks at all containers again and again as their number grows: a fifth of the time
that verifying 20,000 disclosures takes. A record makes no cycles, so nothing is kept
that it could free.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LARGE_BYTES: Final = 256 << 10


@contextmanager
def waiting(size: int) -> Iterator[None]:
    """Keep the collector from running if *size* bytes are many.

    Two threads may do so at once: the one that is done first lets it run again.
    """
    if size < _LARGE_BYTES or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
