"""What a process counts, for Prometheus: its own log events, by what they say. Edge.

The log is the one place where the code says what happened, so it is the one place where
it is counted: `EventCounts` stands among structlog's processors. Labels are names of
members, sinks, queues and reasons, never a word of a record.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from adapters.delivery import LaneBacklog
from broker.topology import DEAD, most_in

# By event: how the counter calls the outcome.
_GATE: Final = {
    "gate.accepted": "accepted",
    "gate.duplicate": "duplicate",
    "gate.refused": "refused",
}
_RECORDS: Final = {"record.decided": "decided", "record.refused": "refused"}
_DELIVERIES: Final = frozenset(
    {"delivery.done", "delivery.postponed", "delivery.failed"}
)
_PAUSED: Final = {"sink.paused": 1, "sink.disabled": 1, "sink.resumed": 0}
# Of the outbox, which several processes may share.
SHARED: Final = frozenset(
    {
        "tocsin_backlog",
        "tocsin_waiting",
        "tocsin_failed",
        "tocsin_overdue",
        "tocsin_oldest_seconds",
    }
)
_READING: Final = {
    "adapter.ready": True,
    "gate.ready": True,
    "gate.bus_away": False,
    "gate.bus_back": True,
    "adapter.queue_back": True,
    "adapter.queue_gone": False,
    "bus.consumer_back": True,
    "bus.consumer_lost": False,
}
# What holds records up, and what says that it is over: which place it is, by event.
# Of `gate.not_confirmed` the place is the exchange.
_HELD_UP: Final = {
    "bus.blocked": "broker",
    "gate.not_confirmed": "",
    "gate.unroutable": "",
    "gate.storage_unavailable": "disk",
    "outbox.unavailable": "outbox",
    "record.not_buried": DEAD,
}
_GOES_ON: Final = {
    "bus.unblocked": "broker",
    "gate.confirmed": "",
    "gate.storage_back": "disk",
    "outbox.back": "outbox",
    "record.buried": DEAD,
}
_WORDS: Final = {
    "bus.blocked": "takes nothing: its alarm of memory or disk",
    "gate.storage_unavailable": "takes nothing: full or broken, the log says which",
    "outbox.unavailable": "takes nothing: its disk may be full",
    "gate.unroutable": "has no queue",
    "BlockedError": "waits for the broker's alarm to end",
    "BlockedUnsureError": "waits for the broker's alarm to end",
    "NotTakenError": "takes nothing: a queue behind it is full",
    "NotConfirmedError": "does not confirm",
    "BusUnavailableError": "cannot be reached",
    "UnroutableError": "has no queue",
}


class EventCounts:
    """Counts what is logged; a processor of structlog that changes nothing.

    Attributes:
        registry: What `prometheus_client` writes out.
        away: Why nothing is read from the broker just now, by queue; "" stands for
            all of it. Of a process that has not begun to read: `not-ready`.
        held_up: Where records wait just now and why, by place and who waits there.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.away: dict[str, str] = {"": "not-ready"}
        self.held_up: dict[tuple[str, str], str] = {}
        self._events = self._counter("events", "Log events", "event", "level")
        self._gate = self._counter(
            "gate_records", "What the gate did with records", "outcome", "reason"
        )
        self._records = self._counter(
            "records", "What the adapter did with records", "outcome", "reason"
        )
        self._not_given = self._counter(
            "not_given", "Members that got nothing of a record", "reason"
        )
        self._deliveries = self._counter(
            "deliveries", "Attempts to deliver", "member", "sink", "outcome", "reason"
        )
        self._held_up = self._gauge(
            "held_up", "1: records wait there, and nothing is lost", "place"
        )
        self._queued = self._gauge("queue_messages", "Messages in a queue", "queue")
        self._filled = self._gauge(
            "queue_filled", "Share of the messages that a queue holds at most", "queue"
        )
        lane = ("member", "sink")
        self._paused = self._gauge("sink_paused", "1: nothing is sent just now", *lane)
        self._backlog = self._gauge("backlog", "Deliveries to be sent", *lane)
        self._waiting = self._gauge("waiting", "Deliveries not due yet", *lane)
        self._failed = self._gauge("failed", "Deliveries given up", *lane)
        self._overdue = self._gauge(
            "overdue", "Corrections and retractions not taken for a day", *lane
        )
        self._oldest = self._gauge(
            "oldest_seconds", "Age of the oldest delivery to be sent", *lane
        )

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Count *event* and hand it on."""
        name = str(event.get("event", ""))
        self._events.labels(name, str(event.get("level", ""))).inc()
        self._count(name, event)
        return event

    def _count(self, name: str, event: Mapping[str, Any]) -> None:
        reason = str(event.get("reason", ""))
        if name in _GATE:
            self._gate.labels(_GATE[name], reason).inc()
        elif name in _RECORDS:
            self._records.labels(_RECORDS[name], reason).inc()
            for why, count in event.get("not_given", {}).items():
                self._not_given.labels(why).inc(count)
        elif name in _DELIVERIES:
            outcome = str(event.get("outcome", ""))
            self._deliveries.labels(*_lane(event), outcome, reason).inc()
        elif name in _PAUSED:
            self._paused.labels(*_lane(event)).set(_PAUSED[name])
        elif name in _READING:
            queue = str(event.get("queue", ""))
            if _READING[name]:
                self.away.pop(queue, None)
            else:
                self.away[queue] = name
        elif name in _HELD_UP or name in _GOES_ON:
            self._note_held_up(name, event)

    def _note_held_up(self, name: str, event: Mapping[str, Any]) -> None:
        goes_on = name in _GOES_ON
        place = (_GOES_ON if goes_on else _HELD_UP)[name]
        place = place or str(event.get("exchange", ""))
        who = str(event.get("issuer", "")) or "/".join(_lane(event))
        if goes_on:
            self.held_up.pop((place, who), None)
        else:
            words = _WORDS.get(name) or _WORDS.get(str(event.get("error", "")), name)
            self.held_up[place, who] = words
        self._held_up.labels(place).set(any(key[0] == place for key in self.held_up))

    def ails(self) -> list[str]:
        """Say what holds records up just now, a line each."""
        lost = [(queue or "broker", why) for queue, why in self.away.items()]
        waits = [(place, why) for (place, _), why in self.held_up.items()]
        return [f"{place}: {why}" for place, why in sorted({*lost, *waits})]

    def note_backlog(self, lanes: tuple[LaneBacklog, ...], *, now: float) -> None:
        """Set what waits, lane by lane; of other lanes nothing does."""
        gauges = self._backlog, self._waiting, self._failed, self._overdue, self._oldest
        for gauge in gauges:
            gauge.clear()
        for each in lanes:
            of_lane = (each.member, each.sink)
            self._backlog.labels(*of_lane).set(each.pending)
            self._waiting.labels(*of_lane).set(each.waiting)
            self._failed.labels(*of_lane).set(each.failed)
            self._overdue.labels(*of_lane).set(each.overdue)
            age_s = 0.0 if each.oldest_at is None else max(0.0, now - each.oldest_at)
            self._oldest.labels(*of_lane).set(age_s)

    def note_queues(self, found: Mapping[str, int]) -> None:
        """Set how many messages wait in each queue; of others it is not known."""
        for gauge in (self._queued, self._filled):
            gauge.clear()
        for queue, messages in found.items():
            self._queued.labels(queue).set(messages)
            self._filled.labels(queue).set(messages / most_in(queue))

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"tocsin_{name}", says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str, *labels: str) -> Gauge:
        return Gauge(f"tocsin_{name}", says, labels, registry=self.registry)


def _lane(event: Mapping[str, Any]) -> tuple[str, str]:
    return str(event.get("member", "")), str(event.get("sink", ""))
