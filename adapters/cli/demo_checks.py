"""What must be true after the play; one false line and the demo fails. Pure.

Each check looks at what a party holds in the end (files, dead letters, posts), and
those that look for the absence of something also look for its presence elsewhere:
a search that can find nothing proves nothing.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.cli.demo_attacks import Attack
from adapters.cli.demo_facts import Sight, readable, searchable
from adapters.cli.demo_receipts import receipt_fault
from adapters.cli.demo_run import Played
from adapters.cli.demo_world import WEBHOOK_MEMBER, World
from broker import sdjwt, trust, wire
from schemas.errors import RefusedError

_PEERS: Final = ("cert-aq", "cert-borea")
_PLATFORMS: Final = ("platform-lumen", "platform-orbit")


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


class Canary(msgspec.Struct, frozen=True):
    """A value in the samples, and the only members that may ever see it."""

    what: str
    value: str
    may: tuple[str, ...] = ()


CANARIES: Final = (
    Canary("whose password was used", "Ilvara Temcott"),
    Canary("who told the CERT", "Berrick Osgathe"),
    Canary("the victim's machine", "198.51.100.23"),
    Canary("the candidate in the videos", "Orsola Quenby"),
    Canary("an ordinary user's account", "nan_of_three_cats"),
    Canary("the monitor's volunteer", "Perrin Aldwether"),
    Canary("who was attacked", "Aquenia Electoral Commission", _PEERS),
    Canary("the bank", "Saltmere Savings Bank", _PEERS),
    Canary("a note for peers", "hands over the disk", _PEERS),
    Canary("the attacker's server", "203.0.113.77", (*_PEERS, *_PLATFORMS)),
    # Only the platform that it runs on can act on it.
    Canary("an account of the campaign", "pesisir_kilat", (*_PEERS, WEBHOOK_MEMBER)),
)


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
        *_secrets(played),
        _versions(played, found),
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
    posted = [0, *(json.loads(post.body)["data"]["number"] for post in played.posts)]
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


def _secrets(played: Played) -> list[Check]:
    texts: dict[str, str] = {}
    for each in played.received:
        receipt = each.receipt.split(b".")[1]
        text = readable(each.evidence, each.projection, each.about)
        text += readable(b"." + receipt + b".")
        texts[each.member] = texts.get(each.member, "") + text
    issued = "\n".join(readable(each.token) for each in played.published)
    leaks, missing = [], []
    places = sum(1 + len(canary.may) for canary in CANARIES)
    for canary in CANARIES:
        value = searchable(canary.value)
        has = {member for member, text in texts.items() if value in text}
        leaks += [f"{canary.what} at {m}" for m in sorted(has - set(canary.may))]
        missing += [f"{canary.what} at {m}" for m in canary.may if m not in has]
        if value not in issued:
            missing.append(f"{canary.what} in what was published")
    return [
        Check(
            "No withheld name or address is in what arrived",
            not leaks,
            ", ".join(leaks) or f"{len(CANARIES)} looked for",
            "none of these",
        ),
        Check(
            "The same search finds them where they may be",
            not missing,
            ("not found: " + ", ".join(missing))
            if missing
            else f"{places} of {places} places",
            "all of them",
        ),
    ]


def _versions(played: Played, found: Sequence[Sight]) -> Check:
    holders: dict[str, set[str]] = {}
    for each in played.received:
        holders.setdefault(each.token_id, set()).add(each.member)
    by_id = {each.verified.token_id: each for each in played.published}
    later = [each for each in played.published if each.verified.claims.sup]
    fine = []
    for each in later:
        claims = each.verified.claims
        first = by_id.get(str(claims.sup))
        fine.append(
            first is not None
            and first.verified.claims.sub == claims.sub
            and bool(holders.get(first.verified.token_id))
            and holders[first.verified.token_id]
            <= holders.get(each.verified.token_id, set())
        )
    wanted = {"correction", "retraction"}
    kinds = {each.sample.kind for each in later}
    return Check(
        "Correction and retraction reached all holders",
        all(fine) and kinds == wanted,
        f"{sum(fine)} of {len(wanted)}",
        "both, as versions of the record that they replace",
    )


def _webhook(played: Played) -> Check:
    files = {r.token_id: r for r in played.received if r.member == WEBHOOK_MEMBER}

    def fine(body: bytes) -> bool:
        data = json.loads(body)["data"]
        own = files.get(data["token_id"])
        return own is not None and (
            data["evidence"].encode() == own.evidence
            and data["projection"] == json.loads(own.projection)
        )

    good = [p for p in played.posts if p.right and p.refuses_altered and fine(p.body)]
    ids = {post.delivery_id for post in good}
    return Check(
        "Every webhook post is complete and signed",
        len(ids) == len(files) == len(played.posts) and bool(files),
        f"{len(ids)} of {len(files)}",
        f"{len(files)} posts, each once",
    )


class Refusal(msgspec.Struct, frozen=True):
    """What came of an attack.

    Attributes:
        reason: Code on the dead letter that holds it; "" if there is not just one.
        told: Whether its issuer was told the reason.
        reached: Deliveries that hold something which only the attack contains.
    """

    reason: str
    told: bool
    reached: int


def refusal_of(played: Played, attack: Attack) -> Refusal:
    """Look for *attack* in the dead letters, at its issuer and at the members."""
    letters = [m for m in played.dead if wire.unpack(m) == attack.token]
    reasons = [str(m.headers.get("tocsin-reason", "")) for m in letters]
    reason = reasons[0] if len(reasons) == 1 else ""
    real = {part for each in played.published for part in each.token.split(b"~")}
    false = set(attack.token.split(b"~")) - real
    return Refusal(
        reason,
        (reason, sdjwt.token_id(attack.token)) in played.told,
        sum(not false.isdisjoint(r.evidence.split(b"~")) for r in played.received),
    )


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
        f"{reached} deliveries",
        "0 deliveries, 2 dead letters",
    )


def _all(name: str, good: int, what: Sequence[object]) -> Check:
    return Check(
        name,
        good == len(what) > 0,
        f"{good} of {len(what)}",
        "all of them, and at least one",
    )
