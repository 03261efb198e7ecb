"""Who signs in the vectors, and the small records that they sign. All is fiction.

Written from DESIGN.md 4.2 and 4.3, not with our own code.
"""

import hashlib
import hmac
import uuid
from calendar import timegm
from dataclasses import dataclass
from time import strptime
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.vectors.spelling import (
    Bend,
    Cut,
    Decoy,
    Key,
    Part,
    Raw,
    b64,
    concealed,
    full_of,
    joined,
    jws,
    same,
    sha,
    spell,
)

TYP: Final = "vnd.tocsin.record+sd-jwt"
VCT: Final = "urn:tocsin:record:1"
ALL: Final = "urn:tocsin:community:all"
MODIFIED: Final = "2026-12-01T10:00:00.000Z"
KINDS: Final = [
    "incident",
    "campaign",
    "advisory",
    "feedback",
    "correction",
    "retraction",
    "takedown-request",
    "heartbeat",
]
MARK: Final = {
    "CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "RED": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
CORE: Final = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
DISINFORMATION: Final = "extension-definition--6e946d2c-de91-4ba1-a46c-ce1a92392196"
TAKEDOWN: Final = "extension-definition--665e2785-b7ac-40ef-868a-09dadab520e4"
PROTECT: Final = {
    "minors": "marking-definition--0c1b6a8e-57f4-4a39-9a55-3f2d6f0c7b11",
    "survivors": "marking-definition--6f0f5f0b-1d5e-4d0a-8c0e-94d4bb3b2a52",
    "defenders": "marking-definition--b1f4c7d6-2e3a-4f68-b7a9-d05c9e8a7f93",
}
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def epoch(text: str) -> int:
    """Seconds since 1970 of `YYYY-MM-DDTHH:MM:SSZ`."""
    return timegm(strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


NOW: Final = epoch("2026-12-01T12:00:00Z")

# ------------------------------------------------------------------------------- keys


def secret_of(org: str) -> bytes:
    return hashlib.sha256(org.encode()).digest()


def kid_of(org: str, jwk: dict[str, str]) -> str:
    """`<org>/` and 16 characters of the RFC 7638 thumbprint."""
    return f"{org}/{sha(spell(dict(sorted(jwk.items()))))[:16]}"


class Ed25519Key:
    """Ed25519 from the seed SHA-256(name of the organisation)."""

    alg = "EdDSA"

    def __init__(self, org: str) -> None:
        key = Ed25519PrivateKey.from_private_bytes(secret_of(org))
        x = b64(key.public_key().public_bytes_raw()).decode()
        self.org, self.sign = org, key.sign
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": x}
        self.kid = kid_of(org, self.jwk)


class P256Key:
    """P-256 from the same seed; its nonces are those of RFC 6979."""

    alg = "ES256"

    def __init__(self, org: str) -> None:
        number = int.from_bytes(secret_of(org), "big") % (P256_ORDER - 1) + 1
        self.org, self.key = org, ec.derive_private_key(number, ec.SECP256R1())
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962,
            serialization.PublicFormat.UncompressedPoint,
        )
        x, y = (b64(half).decode() for half in (point[1:33], point[33:]))
        self.jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        self.kid = kid_of(org, self.jwk)

    def der(self, data: bytes) -> bytes:
        return self.key.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True))

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.der(data))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True)
class Posing:
    """Signs with one key, or anyhow, under the name of another."""

    kid: str
    alg: str
    with_key: Any = None

    def sign(self, data: bytes) -> bytes:
        return self.with_key(data)


CERT = Ed25519Key("cert-aq")
PLATFORM = Ed25519Key("platform-lumen")
MONITOR = Ed25519Key("monitor-veritas")
P256 = P256Key("cert-bv")
REVOKED = Ed25519Key("cert-cw")
BRIEF = Ed25519Key("cert-dx")
WATCH = Ed25519Key("watch-ey")
TRIAL = Ed25519Key("trial-fz")
SUSPENDED = Ed25519Key("cert-ez")
HELD_KEY = Ed25519Key("cert-fy")
STRANGER = Ed25519Key("stranger")
HUB = Ed25519Key("hub")
OLD_HUB = Ed25519Key("hub-before")
ADAPTER = Ed25519Key("hub-adapter")

REVOKED_AT: Final = epoch("2026-12-01T11:00:00Z")
SUSPENDED_AT: Final = epoch("2026-12-01T11:00:00Z")
LAPSED_AT: Final = epoch("2026-11-20T11:00:00Z")
WEEK_S: Final = 604_800
BRIEF_FROM: Final = epoch("2026-12-01T10:00:00Z")
BRIEF_UNTIL: Final = epoch("2026-12-01T11:00:00Z")


def _entry(key: Any, **more: Any) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "org": key.org,
        "jwk": key.jwk,
        "not_before": epoch("2026-01-01T00:00:00Z"),
        "not_after": epoch("2027-01-01T00:00:00Z"),
        "revoked_at": None,
    } | more


KEYS: Final = [
    _entry(CERT, kinds=KINDS),
    _entry(PLATFORM, kinds=["campaign", "feedback", "correction", "retraction"]),
    _entry(MONITOR, kinds=["advisory", "feedback"]),
    _entry(P256, kinds=KINDS),
    _entry(REVOKED, revoked_at=REVOKED_AT, kinds=KINDS),
    _entry(BRIEF, not_before=BRIEF_FROM, not_after=BRIEF_UNTIL, kinds=KINDS),
    _entry(WATCH, kinds=["feedback", "correction", "retraction"]),
    _entry(TRIAL, kinds=KINDS, exercise=True),
    # One suspension that lapsed, and one that the threshold confirmed.
    _entry(
        SUSPENDED,
        kinds=KINDS,
        suspended=[[LAPSED_AT, LAPSED_AT + WEEK_S], [SUSPENDED_AT, None]],
    ),
    _entry(
        HELD_KEY, kinds=KINDS, key_suspended=[[SUSPENDED_AT, SUSPENDED_AT + WEEK_S]]
    ),
]
SERVICES: Final = [
    _entry(HUB, services=["gate"]),
    _entry(OLD_HUB, revoked_at=REVOKED_AT, services=["gate"]),
    _entry(ADAPTER, services=["adapter"]),
]


def hs256(secret: bytes) -> Any:
    return lambda data: hmac.digest(secret, data, "sha256")


# ---------------------------------------------------------------------------- objects


def an_id(kind: str, number: int = 1) -> str:
    return f"{kind}--00000000-0000-4000-8000-{number:012}"


def identity_of(org: str) -> str:
    """The issuer's own identity (DESIGN.md 2, step 2)."""
    space = uuid.UUID("9a2f6c0e-52f5-4a44-9d2f-6d3b0f7c51ab")
    return f"identity--{uuid.uuid5(space, f'urn:tocsin:org:{org}')}"


def main(kind: str = "incident", /, **changes: Any) -> dict[str, Any]:
    """A primary object, with nothing to withhold."""
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": an_id(kind),
        "created": MODIFIED,
        "modified": MODIFIED,
        "object_marking_refs": [MARK["GREEN"]],
    } | changes


def request(**changes: Any) -> dict[str, Any]:
    """A request to take something down."""
    return (
        main(
            "takedown-request",
            extensions={TAKEDOWN: {"extension_type": "new-sdo"}},
            requesting_body=Part("District Court of Aquenia"),
            legal_basis=Part("Election Act, section 86"),
            necessity=Part(
                "The false hours are shown to voters. A label did not help."
            ),
            jurisdiction=Part("XA"),
            object_refs=Part([an_id("media-content")]),
        )
        | changes
    )


MADE_TO: Final = {
    "kind": "takedown-request",
    "to": Part(["urn:tocsin:org:platform-lumen"]),
}
"""Claims of a request, addressed."""


def named(**changes: Any) -> dict[str, Any]:
    """A primary object with a name to withhold."""
    return main(name=Part("A voter register was copied"), **changes)


def other(kind: str, number: int = 2, /, **changes: Any) -> dict[str, Any]:
    """Another object, its times withheld as in a cut copy, so that it stays small."""
    return {"type": kind, "id": an_id(kind, number)} | changes


def address(number: int = 1, /, **changes: Any) -> dict[str, Any]:
    """An observable."""
    return other("ipv4-addr", number, value=Part("203.0.113.7")) | changes


BARE: Final = Cut(main())
"""The primary object, cut: for a fault elsewhere."""


def each(*values: Any, decoys: int = 0) -> Part:
    """An array whose elements are disclosures, decoys after them."""
    return Part([*map(Part, values), *[Decoy() for _ in range(decoys)]])


def said(*texts: str) -> Part:
    """A text of two or more segments."""
    return each(*([i, len(texts), text] for i, text in enumerate(texts)))


# ---------------------------------------------------------------------------- records


def claims(*objects: Any, **changes: Any) -> dict[str, Any]:
    """Claims of a record; objects become disclosures.

    The first is primary if it is whole; else the primary object is none of them, as
    in a cut copy.
    """
    first = objects[0] if objects and isinstance(objects[0], dict) else {}
    primary = first if "modified" in first else main()
    concealed_objects = [Part(o) if isinstance(o, dict) else o for o in objects]
    return {
        "iss": "urn:tocsin:org:cert-aq",
        "iat": NOW,
        "exp": NOW + 86_400,
        "sub": primary["id"],
        "ver": MODIFIED,
        "aud": [ALL],
        "vct": VCT,
        "kind": "incident",
        "tlp": "GREEN",
        "severity": "unknown",
        "countries": [],
        "sectors": [],
        "languages": [],
        "exercise": False,
        "_sd_alg": "sha-256",
        "stix": {"type": "bundle", "objects": concealed_objects},
    } | changes


def header_of(key: Key) -> dict[str, Any]:
    return {"alg": key.alg, "kid": key.kid, "typ": TYP}


def issue(
    seed: str,
    tree: dict[str, Any],
    *,
    key: Key = CERT,
    header: Any = None,
    payload: Bend = same,
    payload64: Bend = same,
    header64: Bend = same,
    order: Any = list,
    more: tuple[bytes, ...] = (),
) -> bytes:
    """Sign *tree*, all its digests right, `full` over all disclosures.

    Args:
        payload: Changes the payload's JSON text.
        order: Of the disclosures.
        more: Further disclosures.
    """
    shown, texts, cut = concealed(seed, tree)
    texts = [*order(texts), *more]
    if "full" not in tree:
        shown["full"] = full_of([*texts, *cut])
    jwt = jws(
        header_of(key) if header is None else header,
        Raw(payload(spell(shown))),
        key,
        header64=header64,
        payload64=payload64,
    )
    return joined(jwt, texts)
