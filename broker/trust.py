"""Token -> Verified: the only way a record becomes trusted. Pure.

Order: framing, header, key, signature (`sdjwt.verify`); claims; times; then that
objects, profile and claims agree. Each step that fails raises TrustError or
SchemaError with a stable reason and a place, never a value.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET

from broker import sdjwt
from broker.directory import Directory, KnownKey
from broker.errors import TrustError
from broker.signing import TYP, fullness
from schemas import codec, profile, stix, timestamps
from schemas.errors import RefusedError
from schemas.markings import Tlp, tlp_of
from schemas.record import (
    UNMARKED_TLP,
    Claims,
    kind_fits,
    natural_kind,
    need_behaviour,
    org_of,
    refuse_red,
)

MAX_CLOCK_SKEW_S: Final = 120
_OBJECTS: Final = ("stix", "objects")
_CLAIM_NAMES: Final = frozenset(Claims.__struct_fields__)
_WITHHOLDABLE_CLAIMS: Final = ("to", "concerns", "feed", "seq", "prev")

Slots = Mapping[sdjwt.Path, int]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The protected header, exactly these members (DESIGN.md 4.1)."""

    alg: str
    kid: str
    typ: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A record whose origin is proven. Built by `verify`, nowhere else.

    Attributes:
        opened: The verified token with its disclosures.
        issuer: Organisation name.
        objects: The objects that are disclosed, with what is disclosed of them.
        plain: The same as JSON values, texts joined; not to be changed.
        slots: For each object, which disclosure carries which part: `()` the
            object, `("name",)` a property, `("labels", 2)` an element.
        primary: Index of the primary object; None in a bare token.
        complete: Whether no disclosure was withheld since signing.
    """

    opened: sdjwt.Opened
    token_id: str
    issuer: str
    kid: str
    claims: Claims
    objects: tuple[stix.StixObject, ...]
    plain: tuple[Mapping[str, Any], ...]
    slots: tuple[Slots, ...]
    claim_slots: Slots
    primary: int | None
    complete: bool

    @property
    def tlp(self) -> Tlp:
        """Marking of the record."""
        return Tlp.parse(self.claims.tlp)

    @property
    def withheld(self) -> int:
        """Digests without a disclosure: withheld parts, or decoys."""
        return sum(self.opened.withheld.values())

    def tlp_of(self, index: int) -> Tlp:
        """Read the marking of an object; AMBER+STRICT if none is known."""
        own = tlp_of(self.objects[index].object_marking_refs or ())
        return UNMARKED_TLP if own is None else own


def verify(
    token: bytes, directory: Directory, *, now: float, first_seen: float | None = None
) -> Verified:
    """Verify *token* strictly against *directory*.

    Args:
        token: Compact SD-JWT, not compressed.
        now: Epoch seconds.
        first_seen: When the gate first saw it, if known; revocation counts from
            then, never from `iat`.

    Raises:
        TrustError: see `schemas.reasons`.
        SchemaError: an object or JSON text in it is not what the profile allows.
    """
    chosen: list[KnownKey] = []

    def choose_key(header: bytes) -> sdjwt.VerifyKey:
        known = _key_for(header, directory)
        chosen.append(known)
        return known.key

    opened = sdjwt.verify(token, choose_key)
    known = chosen[0]
    claims, bundle = _claims(opened.claims)
    _check_issuer(claims, known, directory)
    _check_times(claims, known, now, now if first_seen is None else first_seen)
    slots, claim_slots = _slots(opened.disclosures, len(bundle))
    _check_claim_slots(claims, claim_slots)
    gaps = _gaps(opened.withheld, len(bundle))
    plain = tuple(
        _restored(value, slots[i], gaps[i], claims, f"$.stix.objects[{i}]")
        for i, value in enumerate(bundle)
    )
    objects = tuple(
        _object(value, f"$.stix.objects[{i}]") for i, value in enumerate(plain)
    )
    complete = fullness([d.text for d in opened.disclosures]) == claims.full
    if complete:
        need_behaviour(objects)  # from a cut copy it may have been cut
    return Verified(
        opened=opened,
        token_id=opened.token_id,
        issuer=known.org,
        kid=known.kid,
        claims=claims,
        objects=objects,
        plain=plain,
        slots=slots,
        claim_slots=claim_slots,
        primary=_primary(objects, claims),
        complete=complete,
    )


def _key_for(header: bytes, directory: Directory) -> KnownKey:
    try:
        head = msgspec.convert(codec.decode_strict_text(header), Header)
    except (msgspec.ValidationError, RefusedError):
        # Unknown members (crit, jwk, jku, x5u, zip ...) end here too.
        raise TrustError("header") from None
    if head.typ != TYP:
        raise TrustError("typ")
    known = directory.key(head.kid)
    # RFC 8725, 3.1: the directory decides, the header must agree.
    if head.alg not in known.key.algorithms:
        raise TrustError("alg")
    return known


def _claims(payload: dict[str, Any]) -> tuple[Claims, list[Any]]:
    bundle = payload.get("stix")
    rest = {name: value for name, value in payload.items() if name != "stix"}
    if not rest.keys() <= _CLAIM_NAMES:
        # Before msgspec, whose text would quote the name.
        raise TrustError("claims", "$")
    try:
        claims = msgspec.convert(rest, Claims)
    except msgspec.ValidationError as error:
        raise TrustError("claims", codec.place_of(error, "$")) from None
    if claims.vct != profile.VCT:
        raise TrustError("vct")
    # The gate says of heartbeats that they are not supported yet.
    if claims.kind != "heartbeat" and not kind_fits(claims.kind, claims.sub):
        raise TrustError("kind-mismatch", "$.kind")
    if not isinstance(bundle, dict) or set(bundle) != {"type", "objects"}:
        raise TrustError("claims", "$.stix")
    if bundle["type"] != "bundle" or not isinstance(bundle["objects"], list):
        raise TrustError("claims", "$.stix")
    return claims, bundle["objects"]


def _check_issuer(claims: Claims, known: KnownKey, directory: Directory) -> None:
    if org_of(claims.iss) != known.org:
        raise TrustError("iss-kid")
    member = directory.members.get(known.org)
    # Who may not publish incidents may not correct or retract them either.
    needed = {claims.kind}
    natural = natural_kind(claims.sub)
    if claims.kind in ("correction", "retraction") and natural is not None:
        needed.add(natural)
    if member is not None and not needed.issubset(member.kinds):
        raise TrustError("kind-not-allowed")


def _check_times(
    claims: Claims, known: KnownKey, now: float, first_seen: float
) -> None:
    if claims.iat > now + MAX_CLOCK_SKEW_S:
        raise TrustError("issued-in-future")
    if claims.exp < now:
        raise TrustError("expired")
    if not known.not_before <= claims.iat <= known.not_after:
        raise TrustError("key-not-valid")
    if known.revoked_at is not None and first_seen >= known.revoked_at:
        raise TrustError("key-revoked")
    try:
        ver = timestamps.epoch(claims.ver)
    except ValueError:
        raise TrustError("claims", "$.ver") from None
    if ver > now + MAX_CLOCK_SKEW_S:
        raise TrustError("version-in-future")


def _slots(
    disclosures: tuple[sdjwt.Disclosure, ...], count: int
) -> tuple[tuple[Slots, ...], Slots]:
    slots: list[dict[tuple[str | int, ...], int]] = [{} for _ in range(count)]
    claim_slots: dict[tuple[str | int, ...], int] = {}
    for index, disclosure in enumerate(disclosures):
        path = disclosure.path
        if path[:2] == _OBJECTS and len(path) > 2:
            place = path[2]
            assert isinstance(place, int)  # noqa: S101  an array element
            slots[place][path[3:]] = index
        else:
            claim_slots[path] = index
    return tuple(slots), claim_slots


def _check_claim_slots(claims: Claims, slots: Slots) -> None:
    if not {(name,) for name in _WITHHOLDABLE_CLAIMS}.issuperset(slots):
        raise TrustError("visible-as-disclosure", "$")
    for name in _WITHHOLDABLE_CLAIMS:
        if getattr(claims, name) is not UNSET and (name,) not in slots:
            raise TrustError("not-withholdable", f"$.{name}")


def _gaps(withheld: Mapping[sdjwt.Path, int], count: int) -> tuple[Slots, ...]:
    """Say for each object how much is withheld in which of its places."""
    gaps: list[dict[sdjwt.Path, int]] = [{} for _ in range(count)]
    for path, number in withheld.items():
        if path[:2] == _OBJECTS and len(path) > 2:
            place = path[2]
            assert isinstance(place, int)  # noqa: S101  an array element
            gaps[place][path[3:]] = number
        elif path not in ((), _OBJECTS):
            raise TrustError("sd-shape", "$")
    return tuple(gaps)


def _object(plain: dict[str, Any], where: str) -> stix.StixObject:
    decoded = stix.decode_object(plain, where)
    refuse_red(decoded, where)
    return decoded


def _restored(  # noqa: PLR0912  one check a branch, in the order they must come
    value: Any, slots: Slots, gaps: Slots, claims: Claims, where: str
) -> dict[str, Any]:
    """Check an object against the profile and join its segmented texts."""
    if () not in slots:
        raise TrustError("not-withholdable", where)
    if not isinstance(value, dict):
        raise TrustError("not-stix", where)
    kind = value.get("type")
    primary = value.get("id") == claims.sub
    out = dict(value)
    expected: set[sdjwt.Path] = {()}
    cut: set[sdjwt.Path] = set(profile.containers(value))
    for place, inner in profile.places(value.items()):
        # The name of an unknown property is the sender's text.
        known = place[0] in stix.PROPERTY_NAMES
        spot = f"{where}.{place[0]}" if known else f"{where}[...]"
        if profile.is_visible(place, str(kind), primary=primary):
            if place in slots:
                raise TrustError("visible-as-disclosure", spot)
            continue
        if place not in slots:
            raise TrustError("not-withholdable", spot)
        expected.add(place)
        if not isinstance(inner, list):
            # Not every property with the name of a text is one: a sighting's
            # `summary` is a boolean.
            if profile.is_text(place) and isinstance(inner, str):
                raise TrustError("segments", spot)
            continue
        if not profile.is_text(place) and not profile.is_split(place):
            continue
        elements: set[sdjwt.Path] = {(*place, i) for i in range(len(inner))}
        if not elements <= slots.keys():
            raise TrustError("not-withholdable", spot)
        expected |= elements
        cut.add(place)
        if profile.is_text(place):
            out[place[0]] = _joined(inner, gaps.get(place, 0), spot)
        elif not inner and place in gaps and len(place) == 1:
            del out[place[0]]  # a list of STIX is never empty
    if len(expected) != len(slots):
        # A disclosure at a finer place than the profile cuts: it could be
        # withheld alone and change the meaning of what is around it.
        raise TrustError("visible-as-disclosure", where)
    if not gaps.keys() <= cut:
        # The same, with such a disclosure withheld.
        raise TrustError("sd-shape", where)
    for place, inner in profile.places(value.items()):
        if not profile.may_be_visible(place, inner):
            raise TrustError("bad-property", f"{where}.{place[0]}")
    return out


def _joined(segments: list[Any], missing: int, where: str) -> str:
    try:
        text = profile.from_segments(segments)
    except ValueError:
        raise TrustError("segments", where) from None
    # No decoys in a text, so that `[withheld]` is always true (DESIGN.md 4.3).
    total = segments[0][1] if segments else max(missing, 1)
    if len(segments) + missing != total:
        raise TrustError("segments", where)
    return text


def _primary(objects: tuple[stix.StixObject, ...], claims: Claims) -> int | None:
    places = {candidate.id: i for i, candidate in enumerate(objects)}
    if len(places) != len(objects):
        raise TrustError("duplicate-id", "$.stix.objects")
    place = places.get(claims.sub)
    if place is None:
        return None
    main = objects[place]
    where = f"$.stix.objects[{place}]"
    if getattr(main, "modified", None) != claims.ver:
        raise TrustError("version-mismatch", where)
    own = tlp_of(main.object_marking_refs or ())
    if own is None or own.label != claims.tlp:
        raise TrustError("tlp-mismatch", where)
    if claims.kind == "retraction" and main.revoked is not True:
        raise TrustError("not-revoked", where)
    return place
