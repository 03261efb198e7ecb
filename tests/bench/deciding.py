"""What a decision costs by members and views: verify once, redact once a view."""

from functools import partial

import msgspec

from adapters.pipeline import Context, Decided, Subscriber, decide
from broker import sdjwt, topology, wire
from broker.directory import Member
from broker.seen import STAMP_HEADER
from tests.bench.material import AUDIENCES, AUTHOR, KEYS, NOW, Case, sample
from tests.bench.rounds import Report, Row, side_by_side

SINK = "sink"
_FEW = len(AUDIENCES)  # one member a view
_MEMBERS = (1, _FEW, 10, 100, 200, 1000)


def measure(*, quick: bool) -> Report:
    case = Case(sample())
    message = msgspec.structs.replace(
        wire.pack(
            case.token,
            message_id=sdjwt.token_id(case.token),
            routing_key="-",
            user_id=topology.GATE,
        ),
        headers={STAMP_HEADER: case.stamp},
    )
    context = Context(
        directory=case.directory,
        policy=case.policy,
        author=AUTHOR,
        pseudonyms=KEYS,
        signer=case.hub,
        subscribers=(),
    )
    functions = {
        count: partial(decide, message, for_members(context, count), now=NOW)
        for count in _MEMBERS
    }
    for count, function in functions.items():
        outcome = function()
        assert isinstance(outcome, Decided), outcome
        assert len(outcome.rows) == count, outcome.not_given
    found = side_by_side(
        {str(count): function for count, function in functions.items()},
        2 if quick else 9,
    )
    return Report(
        "decide: members and views",
        "Processor time of `pipeline.decide` for one 29-object record: unpack, verify, "
        f"redact and sign a receipt once a view, a row a member. Anchor: {_FEW} members "
        "of three audiences; one member has one.",
        tuple(
            Row(
                f"`decide` for {plural(count)}",
                f"for {_FEW}",
                found[str(count)],
                found[str(_FEW)],
                note=plural(min(count, _FEW), "view"),
            )
            for count in _MEMBERS
        ),
    )


def subscribers(count: int) -> tuple[Subscriber, ...]:
    """Make members, their audiences in turn, each with one sink."""
    return tuple(
        Subscriber(
            Member(
                org=f"member-{number}",
                name=f"Member {number}",
                country="XA",
                audience=AUDIENCES[number % len(AUDIENCES)],
            ),
            (SINK,),
        )
        for number in range(count)
    )


def for_members(context: Context, count: int) -> Context:
    """Serve *count* members, who are in the directory."""
    found = subscribers(count)
    members = {each.member.org: each.member for each in found}
    directory = context.directory
    known = msgspec.structs.replace(directory, members={**directory.members, **members})
    return msgspec.structs.replace(context, subscribers=found, directory=known)


def plural(count: int, word: str = "member") -> str:
    return f"{count:,} {word}" + ("s" if count != 1 else "")
