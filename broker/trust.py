"""Token -> Verified: the only way a record becomes trusted. Pure.

Order: framing, header, key, signature (`sdjwt.verify`); claims; times; then that
objects, profile and claims agree. Each step that fails raises TrustError or
SchemaError with a stable reason and a place, never a value.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from broker import sdjwt
from broker.directory import Directory, KnownKey
from broker.errors import TrustError
from broker.signing import TYP, fullness
from schemas import codec, profile, stix, timestamps
from schemas.errors import RefusedError
from schemas.markings import Tlp, tlp_of
from schemas.record import UNMARKED_TLP, Claims, org_of

MAX_CLOCK_SKEW_S: Final = 120
_OBJECTS: Final = ("stix", "objects")

Slots = Mapping[tuple[str | int, ...], int]


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
    plain = tuple(
        _restored(value, slots[i], claims, f"$.stix.objects[{i}]")
        for i, value in enumerate(bundle)
    )
    objects = tuple(
        _object(value, f"$.stix.objects[{i}]") for i, value in enumerate(plain)
    )
    texts = [d.text for d in opened.disclosures]
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
        complete=fullness(texts) == claims.full,
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
    try:
        claims = msgspec.convert(rest, Claims)
    except msgspec.ValidationError as error:
        # msgspec's text may quote the value; only its path is kept.
        path = str(error).rpartition(" - at `")[2].rstrip("`") or "$"
        raise TrustError("claims", path if path.startswith("$") else "$") from None
    if claims.vct != profile.VCT:
        raise TrustError("vct")
    if not isinstance(bundle, dict) or set(bundle) != {"type", "objects"}:
        raise TrustError("claims", "$.stix")
    if bundle["type"] != "bundle" or not isinstance(bundle["objects"], list):
        raise TrustError("claims", "$.stix")
    return claims, bundle["objects"]


def _check_issuer(claims: Claims, known: KnownKey, directory: Directory) -> None:
    if org_of(claims.iss) != known.org:
        raise TrustError("iss-kid")
    member = directory.members.get(known.org)
    if member is not None and claims.kind not in member.kinds:
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
    if not {(name,) for name in _WITHHOLDABLE_CLAIMS}.issuperset(claim_slots):
        raise TrustError("visible-as-disclosure", "$")
    return tuple(slots), claim_slots


_WITHHOLDABLE_CLAIMS = ("to", "concerns", "feed", "seq", "prev")


def _object(plain: dict[str, Any], where: str) -> stix.StixObject:
    decoded = stix.decode_object(plain, where)
    if tlp_of(decoded.object_marking_refs or ()) == Tlp.RED:
        raise TrustError("needs-sealing", where)
    return decoded


def _restored(  # noqa: PLR0912  one check a branch, in the order they must come
    value: Any, slots: Slots, claims: Claims, where: str
) -> dict[str, Any]:
    """Check an object against the profile and join its segmented texts."""
    if () not in slots:
        raise TrustError("not-withholdable", where)
    if not isinstance(value, dict):
        raise TrustError("not-stix", where)
    kind = value.get("type")
    primary = value.get("id") == claims.sub
    out = dict(value)
    expected: set[tuple[str | int, ...]] = {()}
    for place, inner in profile.places(value.items()):
        spot = f"{where}.{place[0]}"
        if profile.is_visible(place, str(kind), primary=primary):
            if place in slots:
                raise TrustError("visible-as-disclosure", spot)
            continue
        if place not in slots:
            raise TrustError("not-withholdable", spot)
        expected.add(place)
        if not isinstance(inner, list):
            if profile.is_text(place):
                raise TrustError("segments", spot)
            continue
        if profile.is_text(place) or profile.is_split(place):
            elements = {(*place, i) for i in range(len(inner))}
            if not elements <= slots.keys():
                raise TrustError("not-withholdable", spot)
            expected |= elements
        if profile.is_text(place):
            try:
                out[place[0]] = profile.from_segments(inner)
            except ValueError:
                raise TrustError("segments", spot) from None
    if len(expected) != len(slots):
        # A disclosure at a finer place than the profile cuts: it could be
        # withheld alone and change the meaning of what is around it.
        raise TrustError("visible-as-disclosure", where)
    return out


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
    return place
