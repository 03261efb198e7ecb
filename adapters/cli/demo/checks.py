"""What must be true after the play; one false line and the demo fails. Pure.

Each check looks at what a party holds in the end (files, dead letters, posts), and
those that look for the absence of something also look for its presence elsewhere:
a search that can find nothing proves nothing.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.cli.demo.attacks import Attack
from adapters.cli.demo.cast import WEBHOOK_MEMBER
from adapters.cli.demo.facts import Sight
from adapters.cli.demo.played import Played, Published
from adapters.cli.demo.receipts import receipt_fault
from adapters.cli.demo.refusals import refusal_of
from adapters.cli.demo.secrets import CANARIES, Search, search
from adapters.cli.demo.webhook import Post
from adapters.cli.demo.world import World
from broker import seen, trust
from schemas.errors import RefusedError


class Check(msgspec.Struct, frozen=True):
    """One line of the verdict.

    Attributes:
        found: What is the case, as numbers or names.
        expected: What should be, if it is not.
    """

    name: str
    ok: bool
    found: str
    expected: str = ""


def examine(
    world: World, played: Played, found: Sequence[Sight], *, now: float
) -> list[Check]:
    """Check everything, in the order in which it is told."""
    return [
        _arrived(played, found),
        _numbers(world, played),
        _verified(world, played, now),
        _only_cut(played, found),
        _receipts(world, played, found),
        _chain(world, played, now),
        *_secrets(search(played)),
        _versions(played),
        _webhook(played),
        *(_refused(played, attack) for attack in played.attacks),
        _nothing_of(played),
    ]


def _arrived(played: Played, found: Sequence[Sight]) -> Check:
    expected = Counter(
        (s.member.org, s.published.verified.token_id) for s in found if s.redacted
    )
    arrived = Counter((r.member, r.token_id) for r in played.received)
    accepted = [each.verified.token_id for each in played.published]
    withheld = sum(1 for s in found if s.redacted is None)
    return Check(
        "All who may have a record got it, nobody else",
        arrived == expected
        and bool(expected)
        and sorted(played.archived) == sorted(accepted),
        f"{arrived.total()} deliveries, {withheld} not given",
        f"{expected.total()} deliveries of {len(accepted)} accepted records",
    )


def _numbers(world: World, played: Played) -> Check:
    lanes = {member.org: [0] for member in world.members}
    for each in played.received:
        lanes[each.member].append(each.number)
    posted = [0, *(_data(post).get("number", -1) for post in played.posts)]
    gapless = [
        sorted(numbers) == list(range(len(numbers)))
        for numbers in (*lanes.values(), posted)
    ]
    return Check(
        "No delivery number is missing",
        all(gapless),
        f"{sum(gapless)} of {len(gapless)} rows",
        "all of them, from 1",
    )


def _verified(world: World, played: Played, now: float) -> Check:
    def fine(evidence: bytes) -> bool:
        try:
            trust.verify(evidence, world.directory, now=now)
        except RefusedError:
            return False
        return True

    good = sum(fine(each.evidence) for each in played.received)
    return _all("Every delivery passes the strict verifier", good, played.received)


def _only_cut(played: Played, found: Sequence[Sight]) -> Check:
    given = [s for s in found if s.received is not None]

    def fine(sight: Sight) -> bool:
        if sight.received is None or sight.redacted is None:
            return False
        evidence = sight.received.evidence
        jwt, *parts = evidence.split(b"~")
        signed, *all_parts = sight.published.token.split(b"~")
        rest = iter(all_parts)
        # `in` moves the iterator on: the same strings, in the same order.
        whole = jwt == signed and all(part in rest for part in parts)
        return whole and evidence == sight.redacted.evidence

    return _all(
        "Every delivery is the issuer's text, only cut",
        sum(map(fine, given)),
        given,
    )


def _receipts(world: World, played: Played, found: Sequence[Sight]) -> Check:
    given = [s for s in found if s.received is not None]
    faults = [receipt_fault(world, played, sight) for sight in given]
    return _all(
        "Every receipt is signed and fits its delivery",
        faults.count(""),
        given,
    )


def _chain(world: World, played: Played, now: float) -> Check:
    """Walk the chain as oversight would."""
    link, fitting = "", 0
    pairs = zip(played.archived, played.stamps, strict=False)
    for pos, (token_id, text) in enumerate(pairs, 1):
        try:
            stamp = seen.verify_stamp(text, world.directory, now=now)
        except RefusedError:
            break
        if (stamp.token, stamp.pos, stamp.prev) != (token_id, pos, link):
            break
        link, fitting = stamp.link, pos
    return _all("The gate's chain has every record, no gap", fitting, played.archived)


def _secrets(found: Search) -> tuple[Check, Check]:
    places = f"{found.places - len(found.missing)} of {found.places} places"
    return (
        Check(
            "No withheld name or address is in what arrived",
            not found.leaks,
            "; ".join(found.leaks) or f"{len(CANARIES)} looked for",
            "none of these",
        ),
        # A search that could find nothing would prove nothing.
        Check(
            "The same search finds them where they may be",
            not found.missing,
            places,
            "also " + "; ".join(found.missing),
        ),
    )


def _versions(played: Played) -> Check:
    holders: dict[str, set[str]] = {}
    for received in played.received:
        holders.setdefault(received.token_id, set()).add(received.member)
    subs = {p.verified.token_id: p.verified.claims.sub for p in played.published}
    later = [p for p in played.published if p.verified.claims.sup]

    def fine(published: Published) -> bool:
        claims = published.verified.claims
        before = holders.get(str(claims.sup), set())
        now = holders.get(published.verified.token_id, set())
        return (
            subs.get(str(claims.sup)) == claims.sub and bool(before) and before <= now
        )

    wanted = {"correction", "retraction"}
    kinds = {each.sample.kind for each in later}
    return Check(
        "Correction and retraction reached all holders",
        all(map(fine, later)) and kinds == wanted,
        f"{sum(map(fine, later))} of {len(wanted)}",
        "both, as versions of the record that they replace",
    )


def _webhook(played: Played) -> Check:
    files = {r.token_id: r for r in played.received if r.member == WEBHOOK_MEMBER}

    def fine(post: Post) -> bool:
        data = _data(post)
        own = files.get(data.get("token_id", ""))
        return own is not None and (
            post.right
            and post.refuses_altered
            and data["evidence"].encode() == own.evidence
            and data["projection"] == json.loads(own.projection)
        )

    good = [post for post in played.posts if fine(post)]
    ids = {post.delivery_id for post in good}
    return Check(
        "Every webhook post is complete and signed",
        len(ids) == len(files) == len(played.posts) and bool(files),
        f"{len(ids)} of {len(files)}",
        f"{len(files)} posts, each once",
    )


def _data(post: Post) -> dict[str, Any]:
    """Read a post of the hub; {} for one that it did not sign."""
    return dict(json.loads(post.body)["data"]) if post.right else {}


def _refused(played: Played, attack: Attack) -> Check:
    found = refusal_of(played, attack)
    told = "" if found.told else ", issuer not told"
    return Check(
        f"The {attack.name} record is refused, its issuer told",
        found.reason == attack.reason and found.told,
        f"{found.reason or 'not refused'}{told}",
        attack.reason,
    )


def _nothing_of(played: Played) -> Check:
    reached = sum(refusal_of(played, attack).reached for attack in played.attacks)
    return Check(
        "Nothing of the attacks reached anybody",
        reached == 0 and len(played.attacks) == len(played.dead) == 2,
        f"{reached} delivered, {len(played.dead)} put aside",
        "0 delivered, 2 put aside",
    )


def _all(name: str, good: int, what: Sequence[object]) -> Check:
    return Check(
        name,
        good == len(what) > 0,
        f"{good} of {len(what)}",
        "all of them, and at least one",
    )
