"""The bare JWT of a record: what its issuer signed, without any disclosure. Pure.

It proves that a record exists and shows what is always visible (kind, marking,
severity, countries), so it goes only to a member that would get the record if it
wanted it: of a record that is not for its view, or that the guard stopped, a member
learns the token id alone.
"""

from msgspec.structs import replace

from adapters.pipeline import Context, Decided, Subscriber, decide
from broker import carried
from broker.bus import Message
from broker.directory import Member


def bare_for(
    message: Message, context: Context, member: Member, *, now: float
) -> str | None:
    """Give the bare JWT with its final `~`, or None where the member gets no more.

    Its own interests do not count: they narrow what is sent, not what it may know.

    Args:
        message: The record with the gate's stamp.
        now: Epoch seconds.
    """
    alone = replace(context, subscribers=(Subscriber(member, ("bare",)),))
    outcome = decide(message, alone, now=now)
    if not isinstance(outcome, Decided):
        return None
    # A retraction also reaches those that had the record and may not have it now.
    given = [r for r in outcome.rows if r.not_before <= now and not r.missed]
    if not given:
        return None
    token = carried.decode(given[0].evidence).token
    return (token.partition(b"~")[0] + b"~").decode("ascii")
