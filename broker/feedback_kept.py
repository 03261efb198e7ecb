"""What an issuer was told, as it is kept. Pure; who keeps it is `broker.feedback_file`."""

from collections.abc import Mapping

import msgspec

from broker.bus import Message


class Kept(msgspec.Struct, frozen=True):
    """A message that was read from the queue.

    Attributes:
        place: In the order in which they came.
        came_at: Epoch seconds.
    """

    place: int
    message: Message
    came_at: float


class Told(msgspec.Struct, frozen=True):
    """How far one token came, over all adapters that have reported it.

    Attributes:
        members: How many members. One that two adapters serve counts twice.
        at: When the last of these took it, epoch seconds of a whole minute.
        named: By member that lets it be told, when it took it.
        reports: What the adapters have signed (`broker.delivery_reports`).
    """

    members: int = 0
    at: int = 0
    named: Mapping[str, int] = {}
    reports: tuple[bytes, ...] = ()
