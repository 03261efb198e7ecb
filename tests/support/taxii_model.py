"""TAXII servers without a network: one that is right, and what others get wrong."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from adapters.taxii.cursor import Cursor, begin, request
from adapters.taxii.envelope import decode
from adapters.taxii.paging import Answer, Finished, Held, Stopped, Wait, receive

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def thing(number, *, version=0):
    """Make an object; the same number is the same object."""
    own = uuid.UUID(int=(number << 80) | (4 << 76) | (8 << 60))
    moment = f"2026-01-01T00:00:{version:02d}.000Z"
    return {
        "type": "campaign",
        "id": f"campaign--{own}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": moment,
        "name": f"Campaign {number}",
    }


@dataclass
class Server:
    """Pages through `shelf`: (moment added, object), ascending.

    Attributes:
        gives_next: "never", "always", "once" (good for one use), "same" (one token,
            the server remembers), "dead" (refused when used), "loop" (its third page
            leads to its first), "forgets" (the filter, from the second page on).
        headers: "right", "undefined", "absent", "javascript", "days" (cut to the day),
            "seconds", "offset" (written with +07:00), "future" (hours ahead).
        compares: "exactly", or cuts both sides to "seconds" or "days".
        more: "right", "full" (true whenever the page is full), "always", "silent".
    """

    page: int = 10
    gives_next: str = "always"
    headers: str = "right"
    compares: str = "exactly"
    more: str = "right"
    newest_first: bool = False
    ignores_limit: bool = False
    empties: int = 0
    shelf: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    _used: set = field(default_factory=set)
    _place: int = 0

    def add(self, *items, at=None):
        if at is None:
            at = (self.shelf[-1][0] if self.shelf else START) + timedelta(seconds=1.5)
        self.shelf.extend((at, item) for item in items)
        return at

    def answer(self, params):
        self.asked.append(dict(params))
        limit = min(self.page, int(params["limit"]))
        if self.ignores_limit:
            limit = self.page
        token = params.get("next")
        if token is not None and (
            self.gives_next in {"never", "dead"}
            or (self.gives_next == "once" and token in self._used)
        ):
            return Answer(status=400)
        if token is not None and self.gives_next == "once":
            self._used.add(token)
        found = self._filtered(params.get("added_after"), token)
        start = 0 if token is None else self._start(token)
        cut = found[start : start + limit]
        return self._answer(cut, start + limit, len(found))

    def _filtered(self, after, token):
        found = list(self.shelf)
        if after is not None and not (self.gives_next == "forgets" and token):
            edge = self._cut(datetime.fromisoformat(after))
            found = [each for each in found if self._cut(each[0]) > edge]
        return found[::-1] if self.newest_first else found

    def _cut(self, moment):
        if self.compares == "days":
            return moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.compares == "seconds":
            return moment.replace(microsecond=0)
        return moment

    def _start(self, token):
        return self._place if self.gives_next == "same" else int(token.split("-")[1])

    def _answer(self, cut, end, total):
        left = end < total
        hidden = self.empties > 0 and left
        if hidden:
            self.empties -= 1
            end, cut = end - len(cut), []
        says = {
            "right": left,
            "full": left or (bool(cut) and len(cut) >= self.page),
            "always": True,
            "silent": None,
        }[self.more]
        envelope = {} if says is None else {"more": says}
        if cut:
            envelope["objects"] = [item for _, item in cut]
        if (says or (says is None and left)) and self.gives_next != "never":
            envelope["next"] = self._token(end)
        page = decode(msgspec.json.encode(envelope), is_taxii=True)
        moments = [self._header(moment) for moment, _ in cut]
        first, last = (moments[0], moments[-1]) if cut else (None, None)
        if self.headers == "undefined":
            first = last = "undefined"
        return Answer(status=200, page=page, first=first, last=last)

    def _token(self, end):
        if self.gives_next == "same":
            self._place = end
            return "session"
        if self.gives_next == "loop" and end >= 3 * self.page:
            end = 0
        return f"{uuid.uuid5(uuid.NAMESPACE_OID, str(len(self.asked))).hex}-{end}"

    def _header(self, moment):
        match self.headers:
            case "absent" | "undefined":
                return ""
            case "javascript":
                return moment.strftime("%a %b %d %Y %H:%M:%S GMT+0000")
            case "days":
                return moment.strftime("%Y-%m-%dT00:00:00Z")
            case "seconds":
                return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            case "offset":
                local = moment + timedelta(hours=7)
                return local.strftime("%Y-%m-%dT%H:%M:%S.%f+07:00")
            case "future":
                moment += timedelta(hours=7)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Store:
    """What the poller keeps."""

    def __init__(self):
        self.cursor = Cursor()
        self.keys = set()
        self.ids = set()
        self.taken = []


def run(server, store, *, limit=10, stop_after=None, max_requests=5_000):
    """Run one poll, or the beginning of one; give how it ended, None if cut short."""
    poll = begin(store.cursor, limit=limit)
    for number in range(max_requests):
        if stop_after is not None and number >= stop_after:
            return None
        asked = request(poll)
        answer = server.answer(asked.params)
        arrivals = () if answer.page is None else answer.page.arrivals
        held = Held(
            store.keys & {each.key for each in arrivals},
            store.ids & {each.id for each in arrivals},
        )
        step = receive(poll, answer, held, random=0.5)
        poll = step.poll
        store.cursor = poll.cursor
        store.taken += [each.id for each in step.fresh]
        store.keys |= {each.key for each in step.fresh}
        store.ids |= {each.id for each in step.fresh}
        if isinstance(step.move, Finished | Stopped):
            return step.move
        assert not isinstance(step.move, Wait)
    raise AssertionError("the poll does not end")
