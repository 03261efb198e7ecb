"""Token -> Verified: the only way a record becomes trusted. Pure.

Order: framing, header, key, signature (`sdjwt.verify`); claims; times; then that
objects, profile and claims agree. Each step that fails raises TrustError or
SchemaError with a stable reason and a place, never a value.
"""

from collections.abc import Container, Mapping, Sequence, Set
from typing import Any, Final

import msgspec
from msgspec import UNSET

from broker import carried, collecting, joint, sdjwt, seal
from broker.blinding import org_identity
from broker.carried import Carried, Signature
from broker.directory import Directory, KnownKey
from broker.errors import TrustError
from broker.parts import restored
from broker.signing import TYP, fullness
from broker.unfolding import Origin
from schemas import codec, profile, stix, timestamps
from schemas.composing import UNMARKED_TLP
from schemas.errors import RefusedError
from schemas.markings import Tlp, tlp_of
from schemas.record import (
    Claims,
    check_coarse,
    kind_fits,
    natural_kind,
    need_behaviour,
    org_of,
    org_urn,
    refuse_red,
)
from schemas.stix.values import MAX_TEXT_CHARS
from schemas.takedown import is_request, need_legal_basis, need_own_kind

MAX_CLOCK_SKEW_S: Final = 120
_OBJECTS: Final = ("stix", "objects")
_CLAIM_NAMES: Final = frozenset(Claims.__struct_fields__)
_WITHHOLDABLE_CLAIMS: Final = ("concerns", "feed", "prev", "seq", "to")
_WITHHOLDABLE: Final = frozenset(_WITHHOLDABLE_CLAIMS)
_GAPS: Final = frozenset({(), _OBJECTS})


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
        origins: For each object, which disclosure carries which part: `()` the
            object, `("name",)` a property, `("labels", 2)` an element.
        claim_slots: Which disclosure carries which withholdable claim.
        primary: Index of the primary object; None in a bare token.
        complete: Whether no disclosure was withheld since signing, but sealed ones.
        unsealed: Which disclosures came out of sealed compartments.
        signers: Who signed, the issuer first; more than one of a joint record.
        also: The further signatures as they came.
        sealed: Sealed parts as they came; nothing is known of them.
    """

    opened: sdjwt.Opened
    token_id: str
    issuer: str
    kid: str
    claims: Claims
    objects: tuple[stix.StixObject, ...]
    plain: tuple[Mapping[str, Any], ...]
    origins: tuple[Origin, ...]
    claim_slots: Mapping[str, int]
    primary: int | None
    complete: bool
    signers: tuple[joint.Signer, ...]
    also: tuple[Signature, ...] = ()
    sealed: tuple[bytes, ...] = ()
    unsealed: frozenset[int] = frozenset()

    @property
    def tlp(self) -> Tlp:
        """Marking of the record."""
        return Tlp.parse(self.claims.tlp)

    @property
    def signatures_missing(self) -> int:
        """Count the signatures that a joint record still needs; 0: it is whole."""
        return joint.missing(self.claims.need, self.signers)

    @property
    def withheld(self) -> int:
        """Count digests without a disclosure; at most that many parts are withheld.

        Decoys look the same, so only of a complete token is it exact: 0.
        """
        if self.complete and not self.claims.sealed:
            return 0
        origins = (self.opened.origin, *self.opened.elements)
        return sum(sum(origin.gaps.values()) for origin in origins)

    def tlp_of(self, index: int) -> Tlp:
        """Read the marking of an object; AMBER+STRICT if none is known."""
        own = tlp_of(self.objects[index].object_marking_refs or ())
        return UNMARKED_TLP if own is None else own


def verify(
    token: bytes | Carried,
    directory: Directory,
    *,
    now: float,
    first_seen: float | None = None,
    opened: Sequence[Sequence[bytes]] = (),
    allow_partial: bool = False,
    allow_over: bool = False,
) -> Verified:
    """Verify *token* strictly against *directory*.

    Args:
        token: As carried; bytes are either form, not compressed.
        now: Epoch seconds.
        first_seen: When the gate first saw it, if known; revocation counts from
            then, never from `iat`.
        opened: What was in sealed compartments of it, each whole. They and the rest
            are verified as one.
        allow_partial: Take a joint record that lacks signatures, to show or cosign
            it. Nobody else may.
        allow_over: Take a retraction whose handling horizon is over: who has the
            record must hear of it however late.

    Raises:
        TrustError: see `schemas.reasons`.
        SchemaError: an object or JSON text in it is not what the profile allows.
    """
    seen = now if first_seen is None else first_seen
    record = carried.decode(token) if isinstance(token, bytes) else token
    with collecting.waiting():
        found = _verify(
            record,
            directory,
            now=now,
            first_seen=seen,
            opened=opened,
            may_be_over=allow_over,
        )
    if found.signatures_missing and not allow_partial:
        raise TrustError("partial")
    return found


def verify_before_sealing(
    token: bytes, directory: Directory, *, now: float
) -> Verified:
    """Verify what an issuer is about to seal: RED may still stand in the open.

    Nothing of it may leave: the token is signed by a key made for this alone, which
    *directory* holds and no other does.

    Raises:
        TrustError, SchemaError: As `verify`.
    """
    record = Carried(token)
    with collecting.waiting():
        return _verify(record, directory, now=now, first_seen=now, may_be_red=True)


def _verify(
    record: Carried,
    directory: Directory,
    *,
    now: float,
    first_seen: float,
    opened: Sequence[Sequence[bytes]] = (),
    may_be_red: bool = False,
    may_be_over: bool = False,
) -> Verified:
    token = record.token
    chosen: list[KnownKey] = []

    def choose_key(header: bytes) -> sdjwt.VerifyKey:
        known = _key_for(header, directory)
        chosen.append(known)
        return known.key

    open_texts = frozenset(sdjwt.split(token)[1]) if opened else frozenset()
    more = _not_in(open_texts, opened)
    whole = b"~".join([token.removesuffix(b"~"), *more, b""]) if more else token
    found = sdjwt.verify(whole, choose_key, within=_OBJECTS)
    known = chosen[0]
    claims, bundle = _claims(found.claims)
    _check_sealed(claims, opened)
    _check_issuer(claims, known)
    _check_times(claims, now, may_be_over=may_be_over)

    def judge(signed_by: KnownKey) -> None:
        _check_kind(claims, signed_by, directory)
        _check_key(claims, signed_by, first_seen)
        directory.need_standing(signed_by, first_seen)

    judge(known)
    signers = joint.signers(
        record, claims, known, lambda header: _key_for(header, directory), judge
    )
    _check_claim_slots(claims, found.origin)
    own = org_identity(known.org)
    # No string can be longer than STIX lets it where no disclosure is.
    longest = len(whole)
    if longest > MAX_TEXT_CHARS:
        longest = max(map(len, found.texts), default=0)
    is_checked = longest <= MAX_TEXT_CHARS
    first = len(found.texts) - len(more)
    unsealed = frozenset(range(first, len(found.texts)))
    plain, objects = _decoded(
        bundle,
        found.elements,
        claims.sub,
        own,
        is_checked=is_checked,
        may_be_red=range(len(found.texts)) if may_be_red else unsealed,
    )
    complete = fullness(found.digests[:first]) == claims.full
    _check_conduct(claims, objects, complete=complete)
    return Verified(
        opened=found,
        token_id=found.token_id,
        issuer=known.org,
        kid=known.kid,
        claims=claims,
        objects=objects,
        plain=plain,
        origins=found.elements,
        claim_slots=found.origin.names,
        primary=_primary(objects, claims),
        complete=complete,
        signers=signers,
        also=record.also,
        sealed=record.sealed,
        unsealed=unsealed,
    )


def _not_in(texts: Set[bytes], opened: Sequence[Sequence[bytes]]) -> list[bytes]:
    """List what compartments add; each holds what its own disclosures stand in, too."""
    found = dict.fromkeys(text for each in opened for text in each)
    return [text for text in found if text not in texts]


def _check_sealed(claims: Claims, opened: Sequence[Sequence[bytes]]) -> None:
    """Hold what was sealed, and is opened now, to what the issuer has signed."""
    names = {seal.compartment_of(each) for each in opened}
    if not names.issubset(claims.sealed or ()):
        raise TrustError("sealed-unknown", "$.sealed")


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
    rest = dict(payload)
    bundle = rest.pop("stix", None)
    if not _CLAIM_NAMES.issuperset(rest):
        # Before msgspec, whose text would quote the name.
        raise TrustError("claims", "$")
    try:
        claims = msgspec.convert(rest, Claims)
    except msgspec.ValidationError as error:
        raise TrustError("claims", codec.place_of(error, "$")) from None
    joint.check_need(claims)
    if claims.vct != profile.VCT:
        raise TrustError("vct")
    # The gate says of heartbeats that they are not supported yet.
    if claims.kind != "heartbeat" and not kind_fits(claims.kind, claims.sub):
        raise TrustError("kind-mismatch", "$.kind")
    if type(bundle) is not dict or bundle.keys() != {"type", "objects"}:
        raise TrustError("claims", "$.stix")
    if bundle["type"] != "bundle" or not isinstance(bundle["objects"], list):
        raise TrustError("claims", "$.stix")
    return claims, bundle["objects"]


def _check_issuer(claims: Claims, known: KnownKey) -> None:
    if org_of(claims.iss) == known.org:
        return
    named = () if claims.need is UNSET else claims.need.iss
    # A joint record is named by the signature of its lead, which stands first.
    raise TrustError("no-lead" if org_urn(known.org) in named else "iss-kid")


def _check_kind(claims: Claims, known: KnownKey, directory: Directory) -> None:
    member = directory.members.get(known.org)
    if member is None:
        return
    # Who may not publish incidents may not correct or retract them either.
    natural = natural_kind(claims.sub)
    changes = claims.kind in ("correction", "retraction") and natural is not None
    if claims.kind not in member.kinds or (changes and natural not in member.kinds):
        raise TrustError("kind-not-allowed")
    if member.exercise and not claims.exercise:
        raise TrustError("exercise-only")


def _check_key(claims: Claims, known: KnownKey, first_seen: float) -> None:
    if not known.not_before <= claims.iat <= known.not_after:
        raise TrustError("key-not-valid")
    if known.revoked_at is not None and first_seen >= known.revoked_at:
        raise TrustError("key-revoked")


def _check_times(claims: Claims, now: float, *, may_be_over: bool) -> None:
    if claims.iat > now + MAX_CLOCK_SKEW_S:
        raise TrustError("issued-in-future")
    if claims.exp < now and not (may_be_over and claims.kind == "retraction"):
        raise TrustError("expired")
    try:
        ver = timestamps.epoch(claims.ver)
    except ValueError:
        raise TrustError("claims", "$.ver") from None
    if ver > now + MAX_CLOCK_SKEW_S:
        raise TrustError("version-in-future")


def _check_claim_slots(claims: Claims, origin: Origin) -> None:
    if origin.slots or not _WITHHOLDABLE.issuperset(origin.names):
        raise TrustError("visible-as-disclosure", "$")
    for name in _WITHHOLDABLE_CLAIMS:
        if getattr(claims, name) is not UNSET and name not in origin.names:
            raise TrustError("not-withholdable", f"$.{name}")
    if not _GAPS.issuperset(origin.gaps):
        raise TrustError("sd-shape", "$")


def _decoded(
    bundle: list[Any],
    origins: tuple[Origin, ...],
    primary: str,
    own: str,
    *,
    is_checked: bool,
    may_be_red: Container[int],
) -> tuple[tuple[dict[str, Any], ...], tuple[stix.StixObject, ...]]:
    """Give each object as the profile lets it stand, and decoded."""
    plain: list[dict[str, Any]] = []
    objects: list[stix.StixObject] = []
    try:
        for value, origin in zip(bundle, origins, strict=True):
            whole = restored(value, origin, primary, own)
            decoded = stix.decode_object(whole, "", is_checked=is_checked)
            if origin.own not in may_be_red:
                refuse_red(decoded, "")
            if decoded.extra:
                check_coarse(decoded, "")
            plain.append(whole)
            objects.append(decoded)
    except RefusedError as error:
        place = f"$.stix.objects[{len(objects)}]{error.where}"
        raise type(error)(error.reason, place) from None
    return tuple(plain), tuple(objects)


def _check_conduct(
    claims: Claims, objects: tuple[stix.StixObject, ...], *, complete: bool
) -> None:
    need_own_kind(objects, claims.sub)
    if not complete:
        return  # what is missing may have been cut
    need_behaviour(objects)
    need_legal_basis(objects)
    if is_request(claims.sub) and not claims.to:
        raise TrustError("not-addressed", "$.to")


def _primary(objects: tuple[stix.StixObject, ...], claims: Claims) -> int | None:
    ids = [candidate.id for candidate in objects]
    if len({*ids}) != len(ids):
        raise TrustError("duplicate-id", "$.stix.objects")
    if claims.sub not in ids:
        return None
    place = ids.index(claims.sub)
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
