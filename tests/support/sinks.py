"""A sink in memory that fails on demand, and deliveries to feed it with."""

import asyncio
from collections.abc import Callable
from typing import Literal

from adapters.delivery import Delivery, NewDelivery
from adapters.errors import SinkError

Fault = tuple[SinkError, Literal["before", "after"]]


class MemorySink:
    """Takes deliveries, once per id, and remembers every attempt.

    Attributes:
        fault: Asked at each attempt; its error is raised before or after the
            delivery took effect. "after" is the timeout that was none.
        hung: While set, sending does not return.
        attempts: Every delivery that was sent, in order, repeats included.
        taken: What took effect, by `delivery_id`, in order.
    """

    def __init__(
        self, fault: Callable[[Delivery], Fault | None] = lambda _: None
    ) -> None:
        self.fault = fault
        self.hung = False
        self.attempts: list[Delivery] = []
        self.taken: dict[str, Delivery] = {}

    @property
    def numbers(self) -> list[int]:
        """Delivery numbers in the order in which they took effect."""
        return [item.number for item in self.taken.values()]

    async def send(self, item: Delivery) -> None:
        self.attempts.append(item)
        if self.hung:
            await asyncio.Event().wait()
        error, moment = self.fault(item) or (None, "after")
        if error is not None and moment == "before":
            raise error
        self.taken.setdefault(item.delivery_id, item)
        if error is not None:
            raise error


def delivery(**changes: object) -> Delivery:
    """Make a delivery as the outbox would; *changes* overwrite its fields."""
    fields: dict[str, object] = {
        "delivery_id": "d-" + "a" * 32,
        "member": "platform-b",
        "sink": "siem",
        "number": 7,
        "attempt": 1,
        "token_id": "Tk-_" + "a" * 39,
        "issuer": "cert-aq",
        "sub": "incident--1b0cbe1c-0b5e-4b0c-8a52-3b0c4ec3a001",
        "ver": "2026-01-02T03:04:05.000Z",
        "kind": "incident",
        "tlp": "GREEN",
        "evidence": b"eyJh.eyJi.c2ln~ZGlz~",
        "projection": b'{"type":"bundle","objects":[]}',
        "receipt": b"eyJh.eyJi.c2ln",
    }
    return Delivery(**(fields | changes))


def new_delivery(**changes: object) -> NewDelivery:
    """Make a row for the outbox; *changes* overwrite its fields."""
    model = delivery()
    fields: dict[str, object] = {
        name: getattr(model, name)
        for name in NewDelivery.__struct_fields__
        if hasattr(model, name)
    }
    made = {"policy": "default sha256:00", "scope": "platform"}
    return NewDelivery(**(fields | made | changes))
