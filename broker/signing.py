"""Draft -> token: blinding, concealment by the profile, claims, signature. Pure."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from broker import sdjwt
from broker.blinding import BlindMap, blind, org_identity
from schemas import profile, stix
from schemas.record import ALL_COMMUNITY, Draft, org_urn

TYP: Final = "vnd.tocsin.record+sd-jwt"
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
) -> bytes:
    """Sign *draft* as one SD-JWT.

    Args:
        blind_map: Replacement ids of this record's lineage.
        now: Epoch seconds.
        entropy: Gives n random bytes; salts and the order of the objects.
        replaces: Token id of the version this one replaces (`sup`).

    Returns:
        The compact token, with all its disclosures.
    """
    plain = [stix.encode_object(o) for o in draft.objects]
    blinded = blind(plain, own=org_identity(signer.org), replace=blind_map)
    main = blinded[draft.primary]
    claims: dict[str, Any] = {
        "iss": org_urn(signer.org),
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
    if replaces is not None:
        claims["sup"] = replaces
    for name, orgs in (("to", address.to), ("concerns", address.concerns)):
        if orgs:
            claims[name] = sdjwt.Hidden([org_urn(org) for org in orgs])
    if position is not None:
        claims["feed"] = sdjwt.Hidden(position.feed)
        claims["seq"] = sdjwt.Hidden(position.seq)
        claims["prev"] = sdjwt.Hidden(position.prev)
    concealed = [
        sdjwt.Hidden(conceal_object(value, primary=value is main)) for value in blinded
    ]
    claims["stix"] = {"type": "bundle", "objects": _shuffled(concealed, entropy)}
    payload, disclosures = sdjwt.conceal(claims, lambda: entropy(sdjwt.SALT_BYTES))
    payload["full"] = fullness(disclosures)
    payload["_sd_alg"] = "sha-256"
    header = {"alg": signer.alg, "kid": signer.kid, "typ": TYP}
    return sdjwt.assemble(header, payload, disclosures, signer.sign)


def conceal_object(value: dict[str, Any], *, primary: bool) -> dict[str, Any]:
    """Mark what the profile lets be withheld of one plain STIX object."""
    kind = value["type"]
    out: dict[str, Any] = {}
    for container in profile.containers(value):  # also those that are empty
        target = out
        for part in container:
            target = target.setdefault(part, {})
    for place, inner in profile.places(value.items()):
        target = out
        for part in place[:-1]:
            target = target[part]
        if profile.is_visible(place, kind, primary=primary):
            target[place[-1]] = inner
        else:
            target[place[-1]] = sdjwt.Hidden(_split(place, inner))
    return out


def _split(place: profile.Place, value: Any) -> Any:
    if profile.is_text(place) and isinstance(value, str):
        return [sdjwt.Hidden(segment) for segment in profile.to_segments(value)]
    if profile.is_split(place) and isinstance(value, list):
        return [sdjwt.Hidden(element) for element in value]
    return value


def fullness(disclosures: Sequence[bytes]) -> str:
    """Digest over the disclosure strings, sorted, joined by `~` (claim `full`)."""
    return sdjwt.digest(b"~".join(sorted(disclosures)))


def _shuffled(items: list[Any], entropy: Callable[[int], bytes]) -> list[Any]:
    keys = [entropy(8) for _ in items]
    return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__)]


def random_uuid(entropy: Callable[[int], bytes]) -> uuid.UUID:
    """Make a UUIDv4 of 16 random bytes."""
    return uuid.UUID(bytes=entropy(16), version=4)
