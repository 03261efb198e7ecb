"""How many messages to have in hand at once, by how large they are. Pure.

AMQP counts messages, not bytes (RabbitMQ refuses `prefetch_size`), and nobody knows
how large the next one is. So a reader begins with few, takes many once it has seen
that they are small, and few again when a large one comes. What is in hand then stays
within the bound, but for one moment: when large ones come right behind small ones,
those that the broker had sent already are in hand, too.
"""

from broker.bus import MAX_BODY_BYTES


class Window:
    """How many may be unsettled at once, just now.

    Args:
        most: Whatever their size.
        most_bytes: Bodies together; None: only *most* counts.

    Attributes:
        least: Always; at least 1.
        more: So many more while `is_wide`.
    """

    def __init__(self, most: int, most_bytes: int | None) -> None:
        self.least = most
        self._small = MAX_BODY_BYTES
        if most_bytes is not None:
            self.least = min(most, max(1, most_bytes // MAX_BODY_BYTES))
            self._small = most_bytes // most
        self.more = most - self.least
        self.is_wide = False
        self._needed = self.least

    @property
    def count(self) -> int:
        """How many in all."""
        return self.least + self.more if self.is_wide else self.least

    def note(self, size: int) -> None:
        """Count one that came, of *size* bytes."""
        if size > self._small:
            # A few small ones between large ones must not open it again.
            self.is_wide, self._needed = False, 2 * (self.least + self.more)
            return
        self._needed -= 1
        self.is_wide = self.more > 0 and self._needed <= 0
