"""Where a poll stands: what is kept between runs, and what belongs to one run. Pure."""

from typing import Final

import msgspec
from msgspec.structs import replace

from adapters.taxii.instants import Moment

# In the order in which they are tried: servers answer 406 or 404 to what they do not
# know, and some know TAXII 2.1 by fewer words than TAXII 2.1, 1.6.8 has.
ACCEPTS: Final = (
    "application/taxii+json;version=2.1",
    "application/taxii+json; version=2.1",
    "application/taxii+json",
    "application/json",
)
MAX_WITNESSES: Final = 200
# So many objects are asked for again at the start of a poll, in case that others came
# with the same moment since. A bulk import of a million at one moment is not.
_OVERLAP: Final = 10_000


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """What must be kept, together with the objects taken, for a poll to go on.

    Attributes:
        reached: Latest X-TAXII-Date-Added-Last, as the server wrote it; "" if none.
        after: `added_after` of the requests under way; it goes along with `next`
            (TAXII 2.1, 3.5: the filters stay the same).
        next: Token of the next page; "" if the next request has none.
        owed: `after` of a page that promised more without saying where; None if none
            did. That must be shown by what comes after.
        in_order: How many pages since `after` came in the order of their dates; -1
            once one did not, or had none.
        witnesses: Ids of the last objects of the page that `reached` comes from: they,
            or some, come again when asked for by that date.
        crowd: How many objects may have the moment `reached`, at most.
        taken: Objects ever taken.
        accept: Index of the media type that the server knows.
    """

    reached: str = ""
    after: str = ""
    next: str = ""
    owed: str | None = None
    in_order: int = 0
    witnesses: frozenset[str] = frozenset()
    crowd: int = 0
    taken: int = 0
    accept: int = 0

    def at_rest(self) -> "Cursor":
        """Give the cursor for the next run, once this one has seen everything."""
        moment = Moment.read(self.reached)
        if moment is None:
            return self.going_on(self.after)
        overlaps = self.crowd <= _OVERLAP or moment.is_whole_day
        return self.going_on(moment.before() if overlaps else moment.text)

    def without_token(self) -> "Cursor":
        """Give the cursor for going on when the token is lost: nothing is skipped.

        A single page does not show whether dates rise or fall; it is asked for again.
        """
        moment = Moment.read(self.reached)
        if moment is None or self.in_order < 2:
            return self.going_on(self.after)
        return self.going_on(moment.before(), owed=self.after)

    def going_on(self, after: str, *, owed: str | None = None) -> "Cursor":
        """Give the cursor for asking from *after* on, without a token."""
        return replace(self, after=after, next="", owed=owed, in_order=0)

    def looking_back(self, *, far: bool) -> "Cursor":
        """Give the cursor for looking some days back, or *far*: from the beginning."""
        moment = Moment.read(self.after)
        after = "" if far or moment is None else moment.day_before()
        return replace(self.going_on(after), reached="", crowd=0)

    @property
    def overlaps(self) -> bool:
        """Tell whether the server must give again what it has of `reached`."""
        moment = Moment.read(self.reached)
        return not self.next and moment is not None and self.after == moment.before()


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """One run: the cursor, and what tells progress from going round in circles.

    Attributes:
        limit: Objects to ask for per page.
        asked: Objects asked for now; more than `limit` where a page must hold all
            objects of one moment.
        width: Size of the page that led to asking for more at once.
        furthest_ns: Latest moment that was asked for by date; never twice.
        by_date: Tokens of this server lead nowhere; its dates are followed.
        pages: Pages received; *max_pages* end the run.
        empties: Empty pages in a row.
        barren: Pages without anything new in a row, and how many objects they had.
        mark: What one of these pages held; met again, it is a circle.
        refusals: Tokens that the server gave and then refused.
        doubts: How often it may still look further back, if the page that comes next
            holds nothing known.
        attempts: Attempts in a row without an answer to work with.
    """

    cursor: Cursor
    limit: int
    asked: int
    width: int = 0
    furthest_ns: int | None = None
    by_date: bool = False
    pages: int = 0
    max_pages: int = 100_000
    empties: int = 0
    barren: int = 0
    repeats: int = 0
    mark: bytes = b""
    refusals: int = 0
    doubts: int = 0
    attempts: int = 0


class Request(msgspec.Struct, frozen=True):
    """What to ask for next."""

    params: dict[str, str]
    accept: str


def begin(cursor: Cursor, *, limit: int, max_pages: int = 100_000) -> Poll:
    """Begin a run where the last one stood."""
    return Poll(
        cursor=cursor,
        limit=limit,
        asked=limit,
        max_pages=max_pages,
        doubts=2 if cursor.overlaps else 0,
    )


def request(poll: Poll) -> Request:
    """Say what to ask the server for."""
    params = {"limit": str(poll.asked)}
    if poll.cursor.after:
        params["added_after"] = poll.cursor.after
    if poll.cursor.next:
        params["next"] = poll.cursor.next
    return Request(params, ACCEPTS[poll.cursor.accept % len(ACCEPTS)])
