"""Small fictional records, keys of fixed seeds, a directory, and tokens made by hand.

Everything is deterministic. `forge` knows the standard library alone, so that what
the code under test refuses was not made by it; `tree` and `mint` make whole records
whose signature holds, to be bent at one place.
"""

import base64
import hashlib
import json
import random
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.sources import stix21
from broker import concealing
from broker.blinding import BlindMap, org_identity
from broker.concealing import Hidden
from broker.directory import Directory, KeyEntry, Member, build
from broker.keys import PublicKey
from broker.signers import Signer
from broker.signing import TYP, Address, conceal_object, fullness, random_uuid, sign
from schemas import profile, stix, timestamps
from schemas.composing import compose
from schemas.markings import TLP_IDS, Tlp
from schemas.record import ALL_COMMUNITY, Draft, org_urn

MODIFIED = "2026-12-01T10:00:00.000Z"
NOW = int(timestamps.epoch("2026-12-01T12:00:00Z"))
OWN = org_identity("cert-aq")
SALT = "c2FsdHNhbHRzYWx0c2FsdA"  # 22 characters: 16 bytes
KINDS = ("incident", "campaign", "advisory", "correction", "retraction")

SAMPLES = Path(__file__).parents[2] / "adapters" / "cli" / "samples"
SAMPLE_INDEX: list[dict[str, Any]] = tomllib.loads(
    (SAMPLES / "index.toml").read_text(encoding="utf-8")
)["sample"]

# ------------------------------------------------------------- keys, directory


def private_key(org: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(org.encode()).digest())


def signer(org: str) -> Signer:
    return Signer(org, private_key(org))


CERT = signer("cert-aq")
PLATFORM = signer("platform-lumen")
STRANGER = signer("stranger")
CERT_KEY = PublicKey(CERT.jwk)


def key_entry(of: Signer = CERT, **changes: Any) -> KeyEntry:
    fields = {
        "jwk": of.jwk,
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2027-01-01T00:00:00Z",
    }
    return KeyEntry(**(fields | changes))


def member(of: Signer = CERT, **changes: Any) -> Member:
    fields = {
        "org": of.org,
        "name": of.org.replace("-", " ").title(),
        "country": "XA",
        "audience": "peer-cert",
        "kinds": KINDS,
        "keys": (key_entry(of),),
    }
    return Member(**(fields | changes))


def directory(**changes: Any) -> Directory:
    """Two members; *changes* are to the CERT."""
    return build([member(**changes), member(PLATFORM, audience="platform")])


DIRECTORY = directory()


def entropy(seed: int = 0) -> Callable[[int], bytes]:
    """Give bytes that look random, the same for the same seed."""
    return random.Random(seed).randbytes  # noqa: S311  that is the point


def new_uuids(seed: int = 0) -> Callable[[], str]:
    source = entropy(seed)
    return lambda: random_uuid(source)


# -------------------------------------------------------------------- objects


def an_id(kind: str, number: int = 1, version: int = 4) -> str:
    return f"{kind}--00000000-0000-{version}000-8000-{number:012}"


def incident(**changes: Any) -> dict[str, Any]:
    return {
        "type": "incident",
        "spec_version": "2.1",
        "id": an_id("incident"),
        "created": MODIFIED,
        "modified": MODIFIED,
        "name": "A voter register was copied",
        "description": "It is not confirmed that votes were touched.",
        "labels": ["election", "register"],
        "object_marking_refs": [TLP_IDS[Tlp.GREEN]],
        "extensions": {
            profile.INCIDENT_CORE: {
                "extension_type": "property-extension",
                "determination": "suspected",
                "criticality": 60,
            }
        },
    } | changes


def address(**changes: Any) -> dict[str, Any]:
    return {
        "type": "ipv4-addr",
        "spec_version": "2.1",
        "id": an_id("ipv4-addr", version=5),
        "value": "192.0.2.7",
        "object_marking_refs": [TLP_IDS[Tlp.AMBER]],
    } | changes


def plain_object(kind: str, number: int = 1, **properties: Any) -> dict[str, Any]:
    """Make an object of any type with what STIX requires of most."""
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": an_id(kind, number),
        "created": MODIFIED,
        "modified": MODIFIED,
        "name": f"A {kind}",
        "object_marking_refs": [TLP_IDS[Tlp.GREEN]],
    } | properties


def decoded(*plain: Mapping[str, Any]) -> list[stix.StixObject]:
    return [stix.decode_object(dict(each)) for each in plain]


def draft(*plain: Mapping[str, Any], **options: Any) -> Draft:
    return compose(
        decoded(*(plain or (incident(), address()))), now=MODIFIED, **options
    )


# --------------------------------------------------------------------- tokens


def token(record: Draft | None = None, *, seed: int = 0, **options: Any) -> bytes:
    """Sign a record the way a publisher does."""
    return sign(
        draft() if record is None else record,
        options.pop("by", CERT),
        blind_map=BlindMap(new_uuids(seed + 1), {}),
        now=NOW,
        entropy=entropy(seed),
        **options,
    )


def sample_token(entry: Mapping[str, Any]) -> bytes:
    """Sign a sample record as its entry in the index says."""
    record = compose(
        stix21.read((SAMPLES / entry["file"]).read_bytes()),
        now=MODIFIED,
        kind=entry["kind"],
    )
    address_of = Address(
        communities=tuple(entry["communities"]),
        to=tuple(entry["to"]),
        concerns=tuple(entry["concerns"]),
    )
    return token(record, by=signer(entry["issuer"]), address=address_of)


def tree(*plain: Mapping[str, Any], **claims: Any) -> dict[str, Any]:
    """Give the claims of a record before digests; the first object is primary."""
    objects = plain or (incident(), address())
    main = objects[0]
    source = entropy()
    concealed = [
        Hidden(conceal_object(dict(each), source, primary=each is main, own=OWN))
        for each in objects
    ]
    return {
        "iss": org_urn(CERT.org),
        "iat": NOW,
        "exp": NOW + 86_400,
        "sub": main["id"],
        "ver": main["modified"],
        "aud": [ALL_COMMUNITY],
        "vct": profile.VCT,
        "kind": "incident",
        "tlp": "GREEN",
        "severity": "high",
        "countries": [],
        "sectors": [],
        "languages": [],
        "exercise": False,
        "stix": {"type": "bundle", "objects": concealed},
    } | claims


def mint(claims: dict[str, Any], *, by: Signer = CERT) -> bytes:
    """Sign *claims* as they are, however wrong, with all digests right."""
    source = entropy()
    payload, texts, digests = concealing.conceal(claims, source)
    payload.setdefault("full", fullness(digests))
    header = {"alg": "EdDSA", "kid": by.kid, "typ": TYP}
    return concealing.assemble(header, payload, texts, by.sign)


# -------------------------------------------------------------------- by hand


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def sha(text: bytes) -> str:
    """Digest of a disclosure."""
    return b64(hashlib.sha256(text).digest()).decode()


def disclosure(*parts: Any) -> bytes:
    """Encode a disclosure, salt first."""
    return b64(as_json(list(parts)))


def named(name: str, value: Any) -> bytes:
    return disclosure(SALT, name, value)


def as_json(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


HEADER = {"alg": "EdDSA", "kid": CERT.kid, "typ": TYP}


def forge(
    payload: Any,
    *texts: bytes,
    header: Any = HEADER,
    key: Ed25519PrivateKey = private_key("cert-aq"),  # noqa: B008  frozen
) -> bytes:
    """Put a token together by hand. Bytes are taken as JSON text, as they are."""
    signed = b64(as_json(header)) + b"." + b64(as_json(payload))
    jwt = signed + b"." + b64(key.sign(signed))
    return b"~".join([jwt, *texts, b""])
