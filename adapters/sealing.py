"""What of a record is sealed, and which of it each member may get. Pure.

Sealed is what is marked above a limit, and what would tell of it: references to it,
whoever cannot be without them, and where the same value stands once more. Each member gets of that what the policy gives its
view, as if the hub had cut it, and nothing more: members whose views differ get
different compartments.
"""

from collections.abc import Callable, Sequence, Set

import msgspec

from adapters.cascade import ObjectLoss, cascade
from adapters.cuts import NotGivenError
from adapters.policy import Policy
from adapters.projection import ObjectParts, trial_author
from adapters.reading import Reading
from adapters.redaction import redact
from adapters.sealing_guard import repeats, spot
from adapters.view import View, view_of
from broker import carried, sdjwt
from broker.directory import Directory, Member
from broker.errors import TrustError
from broker.seal import Recipient
from broker.seal_signing import Compartment, Sealed, Sealer, sealed, without
from broker.signing import RecordSigner
from broker.trust import Verified, verify_before_sealing
from broker.unfolding import NONE, Path
from schemas import timestamps
from schemas.errors import SchemaError
from schemas.facts import Facts, facts_of
from schemas.markings import Tlp, granular_tlp


class Addressee(msgspec.Struct, frozen=True):
    """A member that parts are sealed to, and its key."""

    member: Member
    recipient: Recipient


def to_seal(verified: Verified, above: Tlp) -> frozenset[int]:
    """Choose the disclosures to seal: those marked stricter than *above*.

    Raises:
        SchemaError: `needs-sealing`: the primary object would go along;
            `nothing-to-seal`; `seal-repeated`, as `repeats`.
    """
    reading = Reading(verified)
    parts = [ObjectParts(o, o.type) for o in verified.objects]
    roots: set[int] = set()
    gone = {i for i in range(len(parts)) if _strictest(verified, i) > above}
    for part, read in zip(parts, reading.objects, strict=True):
        part.shown = {place: value for place, _, value, _, _ in read.properties}
    repeated = [*repeats(reading, gone)]
    for each in repeated:
        slot_of = verified.origins[each.at].slot
        found = [slot_of((*each.place, j)) for j in each.elements]
        if not found:
            found = [slot_of(each.place)]
            del parts[each.at].shown[each.place]
        roots.update(slot for slot in found if slot is not None)
    elsewhere = reading.mentions.users.keys() - reading.index.keys()
    present = {reading.issuer, *elsewhere}
    for loss in cascade(reading.mentions, parts, gone, present):
        if isinstance(loss, ObjectLoss):
            gone.add(loss.index)
            continue
        place: Path = loss.place
        if loss.element is None:
            del parts[loss.index].shown[loss.place]
        else:
            place = (*place, loss.element)
        slot = verified.origins[loss.index].slot(place)
        if slot is not None:  # one element alone is its property
            roots.add(slot)
    if verified.primary in gone:
        at_primary = [each.place for each in repeated if each.at == verified.primary]
        if at_primary:
            kind = parts[verified.primary].kind
            raise SchemaError("seal-repeated", spot(kind, at_primary[0]))
        raise SchemaError("needs-sealing", "$.stix")
    roots |= {verified.origins[i].own for i in gone}
    if not roots:
        raise SchemaError("nothing-to-seal")
    return _with_all_inside(verified.opened.parents, roots)


def _strictest(verified: Verified, index: int) -> Tlp:
    """Read the marking of an object and of its parts: it is sealed as a whole."""
    of_parts = granular_tlp(verified.objects[index])
    return max(verified.tlp_of(index), *of_parts.values(), Tlp.CLEAR)


def _with_all_inside(parents: Sequence[int], roots: Set[int]) -> frozenset[int]:
    """Add the disclosures whose digests stand in those chosen, at any depth."""
    chosen = set(roots)

    def is_inside(index: int) -> bool:
        while index != NONE and index not in chosen:
            index = parents[index]
        return index != NONE

    return frozenset(index for index in range(len(parents)) if is_inside(index))


def given(
    verified: Verified,
    chosen: Set[int],
    addressee: Member,
    policy: Policy,
    *,
    entropy: Callable[[int], bytes],
    now: float,
) -> tuple[bytes, ...]:
    """Give what a member may have of what is sealed, and what it stands in.

    Raises:
        TrustError: `seal-nothing`, with the member as its place.
    """
    kept = set(
        kept_by(verified, sealed_view(addressee, verified), policy, entropy, now)
    )
    texts, parents = verified.opened.texts, verified.opened.parents
    own = {i for i in chosen if texts[i] in kept}
    if not own:
        raise TrustError("seal-nothing", addressee.org)
    for index in tuple(own):
        parent = parents[index]
        while parent != NONE:
            own.add(parent)
            parent = parents[parent]
    return tuple(texts[i] for i in sorted(own))


def for_later(
    verified: Verified,
    kept: Sequence[tuple[bytes, ...]],
    later: Member,
    policy: Policy,
    *,
    entropy: Callable[[int], bytes],
    now: float,
) -> tuple[bytes, ...]:
    """Choose what a member that comes later gets: the largest compartment it may have.

    Only a whole one: the issuer has signed the names of whole ones.

    Args:
        verified: The record, with all its compartments open.
        kept: The compartments, as the issuer keeps them.

    Raises:
        TrustError: `seal-no-compartment`, with the member as its place.
    """
    allowed = set(kept_by(verified, sealed_view(later, verified), policy, entropy, now))
    within = [each for each in kept if allowed.issuperset(each)]
    if not within:
        raise TrustError("seal-no-compartment", later.org)
    return max(within, key=len)


def kept_by(
    verified: Verified,
    view: View,
    policy: Policy,
    entropy: Callable[[int], bytes],
    now: float,
) -> list[bytes]:
    """List the disclosures that a view keeps; none where it gets nothing."""
    try:
        redacted = redact(
            verified,
            view,
            policy,
            author=trial_author(entropy),
            now=timestamps.from_epoch(now),
        )
    except NotGivenError:
        return []
    return sdjwt.split(carried.decode(redacted.evidence).token)[1]


def sealed_view(member: Member, verified: Verified) -> View:
    """Give the view of a member to whom something is sealed: so it is addressed."""
    view = view_of(member, verified.claims)
    return msgspec.structs.replace(view, addressed=True, sealed=True)


def open_for(
    verified: Verified,
    member: Member,
    policy: Policy,
    entropy: Callable[[int], bytes],
    now: float,
) -> bytes:
    """Give the token for a member as the hub would, without what came out of seals."""
    texts = verified.opened.texts
    secret = {texts[i] for i in verified.unsealed}
    view = sealed_view(member, verified)
    stay = [t for t in kept_by(verified, view, policy, entropy, now) if t not in secret]
    return b"~".join([verified.opened.jwt, *stay, b""])


def compartments(
    verified: Verified,
    chosen: Set[int],
    addressees: Sequence[Addressee],
    policy: Policy,
    *,
    entropy: Callable[[int], bytes],
    now: float,
) -> list[Compartment]:
    """Make one compartment of all that get the same.

    Raises:
        TrustError: As `given`.
    """
    members: dict[tuple[bytes, ...], list[Recipient]] = {}
    for each in addressees:
        texts = given(verified, chosen, each.member, policy, entropy=entropy, now=now)
        members.setdefault(texts, []).append(each.recipient)
    return [Compartment(texts, tuple(to)) for texts, to in members.items()]


def sealer(
    addressees: Sequence[Addressee],
    policy: Policy,
    *,
    above: Tlp,
    entropy: Callable[[int], bytes],
) -> Sealer:
    """Give what seals a record while it is signed."""

    def seal(whole: bytes, own: Directory, signer: RecordSigner, now: float) -> Sealed:
        verified = verify_before_sealing(whole, own, now=now)
        chosen = to_seal(verified, above)
        made = compartments(
            verified, chosen, addressees, policy, entropy=entropy, now=now
        )
        texts = verified.opened.texts
        taken = {texts[i] for i in chosen}
        facts = facts_without(verified, chosen)
        return sealed(without(whole, taken, made, signer, facts), made, entropy)

    return seal


def facts_without(verified: Verified, chosen: Set[int]) -> Facts:
    """Compute what routes the record of the objects that are not sealed."""
    assert verified.primary is not None  # noqa: S101  it is not sealed
    # Parts marked stricter than the record never count, so objects are all that may.
    stay = [
        each
        for each, origin in zip(verified.objects, verified.origins, strict=True)
        if origin.own not in chosen
    ]
    return facts_of(stay, verified.objects[verified.primary], verified.tlp)
