"""Draft -> token: blinding, concealment by the profile, claims, signature. Pure."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import msgspec

from broker import base64url, collecting, concealing, sdjwt, segments
from broker.blinding import BlindMap, blind, org_identity
from broker.concealing import Decoy, Hidden
from schemas import profile, stix
from schemas.record import ALL_COMMUNITY, Draft, Need, org_urn

TYP: Final = "vnd.tocsin.record+sd-jwt"
# Digests are filled up with decoys to multiples of these, so that their number says
# little about how many objects or victims there are, and whether somebody is addressed.
# Not in an object: its type tells as much as the number of its properties.
CLAIMS_FILL: Final = 8
OBJECTS_FILL: Final = 8
ELEMENTS_FILL: Final = 4  # of an array in an object
_BLOCK_BYTES: Final = 1024  # a call to the system for each salt would be felt
_UUID_FIXED: Final = 0xF << 76 | 0x3 << 62  # version and variant
_UUID_VERSION_4: Final = 0x4 << 76 | 0x2 << 62
HANDLING_HORIZON_S: Final = 2 * 365 * 86_400  # `exp`, see DESIGN.md 4.2


class RecordSigner(Protocol):
    """A private key of an organisation; a file or an HSM."""

    org: str
    kid: str
    alg: str

    def sign(self, data: bytes) -> bytes:
        """Sign the JWS signing input."""


class FeedPosition(msgspec.Struct, frozen=True):
    """Where a token stands in its publisher's feed.

    Attributes:
        feed: `<org>/<publisher>/<random epoch>`.
        seq: From 1, without gaps.
        prev: Token id of the previous one, "" for the first.
    """

    feed: str
    seq: int
    prev: str


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """To whom a record goes: communities, organisations addressed and concerned."""

    communities: tuple[str, ...] = (ALL_COMMUNITY,)
    to: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()


@collecting.waiting()
def sign(
    draft: Draft,
    signer: RecordSigner,
    *,
    blind_map: BlindMap,
    now: int,
    entropy: Callable[[int], bytes],
    address: Address = Address(),  # noqa: B008  frozen
    exercise: bool = False,
    position: FeedPosition | None = None,
    replaces: str | None = None,
    need: Need | None = None,
) -> bytes:
    """Sign *draft* as one SD-JWT.

    Args:
        blind_map: Replacement ids of this record's lineage.
        now: Epoch seconds.
        entropy: Gives n random bytes; salts and the order of the objects.
        replaces: Token id of the version this one replaces (`sup`).
        need: Makes a joint record, of which *signer* is the lead.

    Returns:
        The compact token, with all its disclosures.
    """
    entropy = _Reserve(entropy)
    own = org_identity(signer.org)
    # One by one: what is made on the way is gone before the next is made.
    plain = map(stix.encode_object, draft.objects)
    hidden: list[Hidden] = []
    main: dict[str, Any] = {}
    for place, each in enumerate(blind(plain, own=own, replace=blind_map)):
        primary = place == draft.primary
        hidden.append(Hidden(conceal_object(each, entropy, primary=primary, own=own)))
        if primary:
            main = each
    claims = _claims(draft, main, signer.org, address, now=now, exercise=exercise)
    if replaces is not None:
        claims["sup"] = replaces
    if need is not None:
        claims["need"] = {"threshold": need.threshold, "iss": list(need.iss)}
    claims |= _withholdable_claims(address, position)
    strewn = _shuffled([*hidden, *_decoys(len(hidden), OBJECTS_FILL)], entropy)
    claims["stix"] = {"type": "bundle", "objects": strewn}
    payload, texts, digests = concealing.conceal(claims, entropy)
    payload["_sd"] = concealing.filled(payload.get("_sd", ()), CLAIMS_FILL, entropy)
    payload["full"] = fullness(digests)
    payload["_sd_alg"] = "sha-256"
    header = {"alg": signer.alg, "kid": signer.kid, "typ": TYP}
    return concealing.assemble(header, payload, texts, signer.sign)


def _claims(
    draft: Draft,
    main: dict[str, Any],
    org: str,
    address: Address,
    *,
    now: int,
    exercise: bool,
) -> dict[str, Any]:
    return {
        "iss": org_urn(org),
        "iat": now,
        "exp": now + HANDLING_HORIZON_S,
        "sub": main["id"],
        "ver": main["modified"],
        "aud": list(address.communities),
        "vct": profile.VCT,
        "kind": draft.kind,
        "tlp": draft.tlp.label,
        "severity": draft.facts.severity,
        "countries": list(draft.facts.countries),
        "sectors": list(draft.facts.sectors),
        "languages": list(draft.facts.languages),
        "exercise": exercise,
    }


def _withholdable_claims(
    address: Address, position: FeedPosition | None
) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    for name, orgs in (("to", address.to), ("concerns", address.concerns)):
        if orgs:
            claims[name] = Hidden([org_urn(org) for org in orgs])
    if position is not None:
        claims["feed"] = Hidden(position.feed)
        claims["seq"] = Hidden(position.seq)
        claims["prev"] = Hidden(position.prev)
    return claims


def conceal_object(
    value: dict[str, Any], entropy: Callable[[int], bytes], *, primary: bool, own: str
) -> dict[str, Any]:
    """Mark what the profile lets be withheld of one plain STIX object.

    Args:
        own: Id of the issuer's identity.
    """
    visible = profile.visible(
        value["type"], primary=primary, own=value.get("created_by_ref") == own
    )
    lang = value.get("lang", "")
    out: dict[str, Any] = {}
    for name, inner in value.items():
        if name == "extensions" and isinstance(inner, dict):
            out[name] = {
                key: _conceal_extension(key, extension, lang, entropy)
                for key, extension in inner.items()
            }
        elif name in visible:
            out[name] = inner
        elif name in profile.WHOLE:
            out[name] = Hidden(inner)
        else:
            out[name] = Hidden(_parted((name,), inner, lang, entropy))
    return out


def _conceal_extension(
    key: str, extension: Any, lang: str, entropy: Callable[[int], bytes]
) -> Any:
    """Mark an unknown extension as one part, a known one property by property."""
    if key not in profile.EXTENSION_ALIASES or not isinstance(extension, dict):
        return Hidden(extension)
    visible = profile.visible_in_extension(key)
    return {
        name: inner
        if name in visible
        else Hidden(_parted(("extensions", key, name), inner, lang, entropy))
        for name, inner in extension.items()
    }


def _parted(
    place: profile.Place, value: Any, lang: str, entropy: Callable[[int], bytes]
) -> Any:
    """Mark the parts of a value that are withheld one by one; one alone is not parted."""
    if not isinstance(value, str | list):
        return value
    if isinstance(value, str):
        if not profile.is_text(place):
            return value
        parts = segments.split(value, lang)
        if len(parts) == 1:
            return value
        # No decoys: a reader must see where something is missing (DESIGN.md 4.3).
        return [Hidden([i, len(parts), each]) for i, each in enumerate(parts)]
    if len(value) > 1 and profile.is_split(place):
        return _strewn([Hidden(each) for each in value], entropy)
    return value


def _decoys(count: int, fill: int) -> list[Decoy]:
    return [Decoy()] * (-count % fill)


def _strewn(items: list[Any], entropy: Callable[[int], bytes]) -> list[Any]:
    """Put decoys among *items*, which keep their order."""
    out = list(items)
    for decoy in _decoys(len(items), ELEMENTS_FILL):
        # The bias of a remainder of 32 bits is far below what could be observed.
        place = int.from_bytes(entropy(4), "big") % (len(out) + 1)
        out.insert(place, decoy)
    return out


def fullness(digests: Iterable[str]) -> str:
    """Digest over the digests of all disclosures, sorted, joined by `~` (claim `full`)."""
    return sdjwt.digest("~".join(sorted(digests)).encode())


class _Stated(msgspec.Struct):
    sub: str


def sub_of(token: bytes) -> str:
    """Read the id of the primary object in a token that was just signed here."""
    payload = base64url.decode(token.split(b".", 2)[1])
    return msgspec.json.decode(payload, type=_Stated).sub


class _Reserve:
    """Random bytes, asked for in blocks; what is left over is thrown away."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._block = b""
        self._used = 0

    def __call__(self, size: int) -> bytes:
        """Give *size* bytes that nobody was given before."""
        end = self._used + size
        if end > len(self._block):
            self._block = self._entropy(max(_BLOCK_BYTES, size))
            self._used, end = 0, size
        start, self._used = self._used, end
        return self._block[start:end]


def _shuffled(items: list[Any], entropy: Callable[[int], bytes]) -> list[Any]:
    keys = [entropy(8) for _ in items]
    return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__)]


def random_uuid(entropy: Callable[[int], bytes]) -> str:
    """Make a UUIDv4 of 16 random bytes (RFC 9562, 5.4)."""
    # A third of the time that `uuid.UUID` takes; a record may need thousands.
    value = int.from_bytes(entropy(16), "big") & ~_UUID_FIXED | _UUID_VERSION_4
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
