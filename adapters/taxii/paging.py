"""What an answer means: objects new to us, and whether to go on, and how. Pure.

Two ways lead through a collection: the token `next`, and `added_after` with the date
of the last page (TAXII 2.1, 3.5). Servers get both wrong. So three rules hold:

* Nothing is skipped: going on by date asks again for the last moment seen, and where
  a page ends inside one moment, for a larger page, until it holds that moment whole.
* Every step brings something new, a token or a moment not seen, or a larger page;
  else the run ends, with a reason. What came until then is kept.
* What came before is known by its key, however often and wherever it comes again.
"""

import hashlib
from collections.abc import Set
from typing import Final

import msgspec
from msgspec.structs import replace

from adapters.taxii.cursor import ACCEPTS, MAX_WITNESSES, Poll
from adapters.taxii.envelope import Arrival, Key, Page
from adapters.taxii.instants import Moment

MAX_ASKED: Final = 20_000  # objects; one page of these is at the limit for its bytes
MAX_EMPTY_PAGES: Final = 100  # some servers hide objects after cutting the page
MAX_ATTEMPTS: Final = 5
MAX_WAIT_S: Final = 120.0  # longer than that, the next run may do it
_SLACK: Final = 1_000
_REFUSALS: Final = {401: "taxii-login", 403: "taxii-login"}
_LATER: Final = frozenset({0, 408, 425, 429})  # and 5xx


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back.

    Attributes:
        status: HTTP status; 0 if there was no answer.
        page: What the answer holds, with status 200, unless *fault*.
        first: Header X-TAXII-Date-Added-First, as it is.
        fault: Why the answer cannot be used: reason and place.
    """

    status: int
    page: Page | None = None
    first: str | None = None
    last: str | None = None
    retry_after_s: float | None = None
    fault: tuple[str, str] | None = None


class Held(msgspec.Struct, frozen=True):
    """What of a page was taken before, in any run.

    Attributes:
        keys: The versions.
        ids: The objects, whatever version.
    """

    keys: Set[Key] = frozenset()
    ids: Set[str] = frozenset()


class Go(msgspec.Struct, frozen=True):
    """Make the next request."""


class Wait(msgspec.Struct, frozen=True):
    """Wait, then make the same request again."""

    seconds: float


class Finished(msgspec.Struct, frozen=True):
    """All that the server has is here."""


class Stopped(msgspec.Struct, frozen=True):
    """It does not go on, for a reason that `schemas.rules` explains."""

    reason: str
    where: str = ""


Move = Go | Wait | Finished | Stopped


class Step(msgspec.Struct, frozen=True):
    """What an answer leads to.

    Attributes:
        poll: Its cursor must be kept together with *fresh*, or not at all.
        fresh: Objects that are new to us, each once.
    """

    poll: Poll
    move: Move
    fresh: tuple[Arrival, ...] = ()


def receive(poll: Poll, answer: Answer, held: Held, *, random: float) -> Step:
    """Decide what an answer means.

    Args:
        random: In [0, 1); spreads the attempts of many.
    """
    if answer.page is not None:
        return _page(poll, answer, answer.page, held)
    if answer.fault is not None and answer.fault[0] == "too-large":
        return _smaller(poll)
    if answer.fault is not None:
        return Step(poll, Stopped(*answer.fault))
    return _refused(poll, answer, random)


# answers that are pages


def _page(poll: Poll, answer: Answer, page: Page, held: Held) -> Step:
    arrivals = page.arrivals
    fresh = tuple({a.key: a for a in arrivals if a.key not in held.keys}.values())
    # An object that has a newer version stands for its old one.
    overlaps = any(a.key in held.keys or a.id in held.ids for a in arrivals)
    shown = not _is_owed(poll) or any(a.id in poll.cursor.witnesses for a in arrivals)
    last, doubts = _last(answer), poll.doubts
    poll = _counted(_reached(poll, answer, page, len(fresh)), page, len(fresh))
    token = "" if poll.by_date else page.next
    move: Move
    # A server that gives a token and does not say `more` may mean it.
    goes_on = page.more or (page.more is None and page.next != "" and page.size > 0)
    if goes_on and poll.pages >= poll.max_pages:
        following, move = _kept(poll, token), Stopped("taxii-endless")
    elif doubts and not overlaps:
        following, move = _further_back(poll, doubts)
    elif not shown:
        following, move = _paying(poll)
    elif goes_on and token and not _circles(poll, page, token):
        following, move = _with_token(poll, page, token), Go()
    elif goes_on:
        looped = replace(poll, by_date=poll.by_date or token != "")
        following, move = _by_date(looped, page, last, bool(fresh))
    elif _is_owed(poll) and not fresh:
        following, move = _paying(poll)
    else:
        following, move = replace(poll, cursor=poll.cursor.at_rest()), Finished()
    return Step(following, move, fresh)


def _last(answer: Answer) -> Moment | None:
    """Give the date of the page's last object, if the headers can be believed."""
    first, last = Moment.read(answer.first), Moment.read(answer.last)
    if first is not None and last is not None and first.at_ns > last.at_ns:
        return None
    return last


def _reached(poll: Poll, answer: Answer, page: Page, fresh: int) -> Poll:
    """Note how far the dates have come, and whether they come in order."""
    cursor = poll.cursor
    first, last = Moment.read(answer.first), _last(answer)
    known = Moment.read(cursor.reached)
    ids = _witnesses(page)
    if page.size:
        cursor = replace(cursor, in_order=_in_order(poll, first, last, known))
    if last is not None and (known is None or last.at_ns > known.at_ns):
        cursor = replace(cursor, reached=last.text, crowd=page.size, witnesses=ids)
    elif last is not None and known is not None and last.at_ns == known.at_ns:
        cursor = replace(cursor, crowd=cursor.crowd + fresh, witnesses=ids)
    return replace(poll, cursor=cursor)


def _witnesses(page: Page) -> frozenset[str]:
    return frozenset(each.id for each in page.arrivals[-MAX_WITNESSES:])


def _in_order(
    poll: Poll, first: Moment | None, last: Moment | None, known: Moment | None
) -> int:
    pages = poll.cursor.in_order
    if pages < 0 or last is None:
        return -1
    begins = last if first is None else first
    if poll.cursor.next and known is not None and begins.at_ns < known.at_ns:
        return -1
    return pages + 1


def _further_back(poll: Poll, doubts: int) -> tuple[Poll, Move]:
    """Look further back: what was there when the last run ended is not found.

    It was deleted or replaced since, or the server compares dates less exactly than
    it writes them, and would hide what came soon after.
    """
    cursor = poll.cursor.looking_back(far=doubts == 1)
    return replace(poll, cursor=cursor, doubts=doubts - 1, furthest_ns=None), Go()


def _is_owed(poll: Poll) -> bool:
    return poll.cursor.owed not in {None, poll.cursor.after}


def _paying(poll: Poll) -> tuple[Poll, Move]:
    """Ask again, for a larger page, where more was promised.

    Going on by date did not show what was promised, so it is not what the server
    sorts by, or it compares dates less exactly than it writes them.
    """
    back = poll.cursor.going_on(poll.cursor.owed or "")
    return _wider(replace(poll, cursor=back, width=0), 1, fresh=False)


def _counted(poll: Poll, page: Page, fresh: int) -> Poll:
    cursor = replace(poll.cursor, taken=poll.cursor.taken + fresh)
    poll = replace(poll, cursor=cursor, pages=poll.pages + 1, attempts=0, doubts=0)
    if fresh:
        return replace(poll, empties=0, barren=0, mark=b"")
    if not page.size:
        return replace(poll, empties=poll.empties + 1)
    return replace(
        poll, empties=0, barren=poll.barren + 1, repeats=poll.repeats + page.size
    )


def _circles(poll: Poll, page: Page, token: str) -> bool:
    """Tell whether following *token* would be going round in circles, for sure."""
    if not poll.barren and not poll.empties:
        return False
    return (
        (token == poll.cursor.next and not page.size)
        or poll.empties > MAX_EMPTY_PAGES
        or (page.size > 0 and _fingerprint(page) == poll.mark)
        # There are not so many objects to repeat, even if all come once more.
        or poll.repeats > 2 * poll.cursor.taken + _SLACK
    )


def _with_token(poll: Poll, page: Page, token: str) -> Poll:
    cursor = replace(poll.cursor, next=token, owed=None)
    poll = replace(poll, cursor=cursor)
    # Brent's cycle detection: one page is remembered, of those without anything new.
    if poll.barren and poll.barren & (poll.barren - 1) == 0 and page.size:
        poll = replace(poll, mark=_fingerprint(page))
    return poll


def _fingerprint(page: Page) -> bytes:
    return hashlib.sha256(b"".join(each.key for each in page.arrivals)).digest()


def _by_date(
    poll: Poll, page: Page, last: Moment | None, fresh: bool
) -> tuple[Poll, Move]:
    """Go on without a token."""
    cursor = poll.cursor
    then = None
    if last is not None and cursor.in_order > 0:
        then = Moment.read(last.before())
    if then is not None and _is_further(poll, then):
        onward = cursor.going_on(then.text, owed=cursor.after)
        onward = replace(onward, witnesses=_witnesses(page))
        poll = replace(poll, cursor=onward, width=0, asked=poll.limit)
        return replace(poll, furthest_ns=then.at_ns), Go()
    back = cursor.going_on(cursor.after)
    return _wider(replace(poll, cursor=back), page.size, fresh=fresh)


def _is_further(poll: Poll, then: Moment) -> bool:
    now = Moment.read(poll.cursor.after)
    return (now is None or then.at_ns > now.at_ns) and (
        poll.furthest_ns is None or then.at_ns > poll.furthest_ns
    )


def _wider(poll: Poll, size: int, *, fresh: bool) -> tuple[Poll, Move]:
    """Ask for a larger page from the same place, as long as pages grow by it."""
    if poll.asked * 2 > MAX_ASKED or not (fresh or size > poll.width):
        return poll, Stopped(_stuck(poll))
    return replace(poll, asked=poll.asked * 2, width=size), Go()


def _stuck(poll: Poll) -> str:
    return "taxii-loop" if poll.by_date else "taxii-instant"


def _kept(poll: Poll, token: str) -> Poll:
    """Leave the cursor so that the next run can go on from here."""
    if token:
        return replace(poll, cursor=replace(poll.cursor, next=token))
    return replace(poll, cursor=poll.cursor.without_token())


# answers that are none


def _smaller(poll: Poll) -> Step:
    """Ask for half as much: the page was too large."""
    if poll.asked > poll.limit:
        return Step(poll, Stopped(_stuck(poll)))
    if poll.asked == 1:
        return Step(poll, Stopped("too-large"))
    half = poll.asked // 2
    return Step(replace(poll, asked=half, limit=half), Go())


def _refused(poll: Poll, answer: Answer, random: float) -> Step:
    status, cursor = answer.status, poll.cursor
    if status in _LATER or status >= 500:
        return _later(poll, answer, random)
    if status == 413:
        return _smaller(poll)
    if cursor.next and status not in _REFUSALS:
        # Tokens may be good for one use, or for some minutes: a run that was cut
        # short goes on by date, or begins again where it knows everything before.
        refusals = poll.refusals + 1
        again = replace(_kept(poll, ""), refusals=refusals, by_date=refusals > 1)
        return Step(again, Go())
    if poll.asked > poll.limit and status not in _REFUSALS:
        return Step(poll, Stopped(_stuck(poll)))
    if status in {404, 406, 415} and not poll.pages:
        return _otherwise(poll, status)
    return Step(poll, Stopped(_REFUSALS.get(status, "taxii-refused")))


def _otherwise(poll: Poll, status: int) -> Step:
    """Ask for the same under another media type."""
    accept = poll.cursor.accept + 1
    if accept < len(ACCEPTS):
        return Step(replace(poll, cursor=replace(poll.cursor, accept=accept)), Go())
    first = replace(poll, cursor=replace(poll.cursor, accept=0))
    reason = "taxii-missing" if status == 404 else "taxii-version"
    return Step(first, Stopped(reason))


def _later(poll: Poll, answer: Answer, random: float) -> Step:
    asked_s = answer.retry_after_s or 0.0
    if poll.attempts + 1 >= MAX_ATTEMPTS or asked_s > MAX_WAIT_S:
        # A token that makes the server fail must not do so for ever.
        reason = "taxii-busy" if answer.status else "taxii-unreachable"
        return Step(_kept(poll, "") if answer.status else poll, Stopped(reason))
    own_s = 2.0**poll.attempts * (0.5 + random / 2)
    waiting = replace(poll, attempts=poll.attempts + 1)
    return Step(waiting, Wait(max(own_s, asked_s)))
