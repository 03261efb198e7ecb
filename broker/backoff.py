"""How long to wait before trying again. Pure."""

from collections.abc import Callable, Iterator
from typing import Final

FIRST_S: Final = 0.1
MOST_S: Final = 30.0


def delays(random: Callable[[], float], *, most_s: float = MOST_S) -> Iterator[float]:
    """Yield delays in seconds for ever: doubling up to *most_s*, then halved at random.

    Args:
        random: Gives [0, 1); keeps many senders from coming back together.
    """
    bound = FIRST_S
    while True:
        yield min(bound, most_s) * (0.5 + random() / 2)
        bound = min(bound * 2, most_s)
