"""Signed records and the views of them, for tests of who sees what.

Everything is deterministic: keys and salts derive from names and counters.
"""

import hashlib
import json
import tomllib
import uuid
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.policy import Policy
from adapters.projection import Author
from adapters.redaction import Redacted, redact
from adapters.view import View
from broker import base64url
from broker.blinding import BlindMap
from broker.directory import Directory, KeyEntry, Member, build
from broker.signers import Signer
from broker.signing import Address, FeedPosition, conceal_object, sign
from broker.trust import Verified, verify
from schemas import stix
from schemas.markings import TLP_IDS, Tlp
from schemas.record import ALL_COMMUNITY, compose

ADAPTERS = Path(__file__).parents[2] / "adapters"
SAMPLES = ADAPTERS / "cli" / "samples"
INDEX = {
    entry["file"].removesuffix(".json"): entry
    for entry in tomllib.loads((SAMPLES / "index.toml").read_text())["sample"]
}

NOW = 1_775_000_000  # 2026-03-31T23:33:20Z, after all that the samples tell
NOW_TEXT = "2026-03-31T23:33:20.000Z"
ISSUER = "cert-aq"
ISSUERS = ("cert-aq", "platform-lumen", "monitor-veritas")
AUDIENCES = ("peer-cert", "platform", "civil-society")
AUTHOR = Author(org="hub", name="Tocsin Hub", pseudonym_key=b"k" * 32)
POLICY = Policy((ADAPTERS / "policies" / "default.toml").read_bytes(), "default.toml")

CLEAR, GREEN, AMBER, STRICT, RED = (
    TLP_IDS[t] for t in (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED)
)
CORE = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
CONTACT = "extension-definition--66e2492a-bbd3-4be6-88f5-cc91a017a498"
TIME = "2026-02-03T04:05:06.789Z"


# ---------------------------------------------------------------- signed records


@cache
def signer(org: str = ISSUER) -> Signer:
    seed = hashlib.sha256(org.encode()).digest()
    return Signer(org, Ed25519PrivateKey.from_private_bytes(seed))


def member(org: str, audience: str = "peer-cert", **changes: Any) -> Member:
    entry = KeyEntry(
        signer(org).jwk, "2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z"
    )
    values = {
        "org": org,
        "name": org.title(),
        "country": "XA",
        "audience": audience,
        "kinds": (
            "incident", "campaign", "advisory", "feedback", "correction", "retraction",
        ),
        "keys": (entry,),
    }  # fmt: skip
    return Member(**{**values, **changes})


@cache
def directory() -> Directory:
    return build([member(org) for org in ISSUERS])


def entropy() -> Any:
    """Give random-looking bytes, the same ones in every run."""
    numbers = count()
    return lambda n: hashlib.shake_128(str(next(numbers)).encode()).digest(n)


def token(
    objects: Sequence[dict[str, Any]],
    *,
    issuer: str = ISSUER,
    tlp: Tlp | None = Tlp.CLEAR,
    address: Address = Address(),
    position: FeedPosition | None = None,
    **composing: Any,
) -> bytes:
    """Sign *objects* as an honest issuer does, from plain JSON."""
    random = entropy()
    new_uuid = lambda: uuid.UUID(bytes=random(16), version=4)  # noqa: E731
    draft = compose(
        stix.decode_bundle(list(objects)),
        now=TIME,
        tlp=tlp,
        **composing,
    )
    return sign(
        draft,
        signer(issuer),
        blind_map=BlindMap(new_uuid, {}),
        now=NOW - 60,
        entropy=random,
        address=address,
        position=position,
    )


def opened(data: bytes) -> Verified:
    return verify(data, directory(), now=NOW)


def signed(objects: Sequence[dict[str, Any]], **signing: Any) -> Verified:
    return opened(token(objects, **signing))


@cache
def sample(name: str) -> Verified:
    """A shipped sample, addressed as index.toml says."""
    entry = INDEX[name]
    bundle = json.loads((SAMPLES / entry["file"]).read_text(encoding="utf-8"))
    return signed(
        bundle["objects"],
        issuer=entry["issuer"],
        tlp=None,
        kind=entry["kind"],
        address=Address(
            communities=tuple(entry["communities"]),
            to=tuple(entry["to"]),
            concerns=tuple(entry["concerns"]),
        ),
    )


# ------------------------------------------------------------------ single objects


def new(kind: str, called: str = "", /, **properties: Any) -> dict[str, Any]:
    """An object of *kind* with all that STIX requires; *called* makes its id."""
    number = uuid.UUID(
        bytes=hashlib.md5(f"{kind} {called}".encode(), usedforsecurity=False).digest(),
        version=4,
    )
    base = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{number}",
        "created": TIME,
        "modified": TIME,
        **_REQUIRED.get(kind, {}),
    }
    if called and "name" in _REQUIRED.get(kind, {}):
        base["name"] = called
    return {k: v for k, v in {**base, **properties}.items() if v is not None}


_REQUIRED: dict[str, dict[str, Any]] = {
    "attack-pattern": {"name": "Valid Accounts"},
    "campaign": {"name": "A wave"},
    "channel": {"name": "A channel"},
    "course-of-action": {"name": "Advice"},
    "grouping": {"context": "suspicious-activity"},
    "identity": {"name": "Somebody", "identity_class": "individual"},
    "impact": {"impact_category": "monetary"},
    "incident": {"name": "Something happened"},
    "indicator": {
        "pattern": "[url:value = 'https://bad.example/']",
        "pattern_type": "stix",
        "valid_from": TIME,
    },
    "infrastructure": {"name": "Servers"},
    "malware": {"name": "NightCrate", "is_family": False},
    "narrative": {"name": "A story"},
    "note": {"content": "A remark."},
    "opinion": {"opinion": "disagree"},
    "report": {"name": "A report", "published": TIME},
    "threat-actor": {"name": "Hollow Reed"},
}


def link(
    source: dict[str, Any], word: str, target: dict[str, Any], **properties: Any
) -> dict[str, Any]:
    """A relationship from *source* to *target*."""
    return new(
        "relationship",
        f"{source['id']} {word} {target['id']}",
        relationship_type=word,
        source_ref=source["id"],
        target_ref=target["id"],
        **properties,
    )


def marked(one: dict[str, Any], *refs: str) -> dict[str, Any]:
    return {**one, "object_marking_refs": list(refs)}


def granular(one: dict[str, Any], ref: str, *selectors: str) -> dict[str, Any]:
    markings = [
        *one.get("granular_markings", []),
        {"marking_ref": ref, "selectors": list(selectors)},
    ]
    return {**one, "granular_markings": markings}


# --------------------------------------------------------------------------- views


def view(audience: str, clearance: Tlp = Tlp.GREEN, **facts: Any) -> View:
    return View(
        audience=audience,
        clearance=clearance,
        communities=frozenset({ALL_COMMUNITY}),
        **facts,
    )


PEER = view("peer-cert", Tlp.AMBER)
PLATFORM = view("platform")
CONCERNED = view("platform", concerned=True)
CIVIL = view("civil-society")
VIEWS = (PEER, PLATFORM, CONCERNED, CIVIL)


def cut(verified: Verified, to: View, policy: Policy = POLICY) -> Redacted:
    return redact(verified, to, policy, author=AUTHOR, now=NOW_TEXT)


def cut_new(objects: Sequence[dict[str, Any]], to: View, **signing: Any) -> Redacted:
    return cut(signed(objects, **signing), to)


# ---------------------------------------------------------------- what is to be seen


def projected(redacted: Redacted, kind: str | None = None) -> list[dict[str, Any]]:
    """The objects of the projection, all or those of one type; ours left out."""
    objects = json.loads(redacted.projection)["objects"]
    own = redacted.projection and {objects[0]["id"], objects[1]["id"]}
    return [
        o
        for o in objects
        if o["id"] not in own and kind in (None, o["type"])
    ]


def only(redacted: Redacted, kind: str) -> dict[str, Any]:
    (one,) = projected(redacted, kind)
    return one


def decoded(data: bytes) -> list[Any]:
    """Every JSON text that stands in base64url in a token or JWS."""
    jwt, *disclosures = data.split(b"~")
    parts = [*jwt.split(b".")[:2], *(d for d in disclosures if d)]
    return [msgspec.json.decode(base64url.decode(p)) for p in parts]


def disclosures(data: bytes) -> set[bytes]:
    return set(data.split(b"~")[1:-1])


def strings(value: Any) -> Iterator[str]:
    """All strings in a JSON value, names of members too, numbers as text."""
    match value:
        case dict():
            for name, inner in value.items():
                yield name
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)
        case None:
            return
        case _:
            yield str(value)


def seen_text(redacted: Redacted) -> str:
    """All that a member can read, decoded: evidence and projection, by lines."""
    values = [*decoded(redacted.evidence), json.loads(redacted.projection)]
    return "\n".join(s for value in values for s in strings(value))


# ------------------------------------------------------------------ hostile issuers


def hostile_token(objects: Sequence[dict[str, Any]], **changes: Any) -> bytes:
    """Sign what no honest issuer would: objects and claims are taken as they are."""
    from broker import sdjwt
    from broker.signing import TYP, fullness

    random = entropy()
    main = objects[0]
    claims: dict[str, Any] = {
        "iss": f"urn:tocsin:org:{ISSUER}",
        "iat": NOW - 60,
        "exp": NOW + 1000,
        "sub": main["id"],
        "ver": main["modified"],
        "aud": [ALL_COMMUNITY],
        "vct": "urn:tocsin:record:1",
        "kind": "incident",
        "tlp": "CLEAR",
        "severity": "unknown",
        "countries": [],
        "sectors": [],
        "languages": [],
        "exercise": False,
        **changes,
        "stix": {
            "type": "bundle",
            "objects": [
                sdjwt.Hidden(conceal_object(o, primary=o is main)) for o in objects
            ],
        },
    }
    payload, texts = sdjwt.conceal(claims, lambda: random(16))
    payload |= {"full": fullness(texts), "_sd_alg": "sha-256"}
    own = signer()
    header = {"alg": own.alg, "kid": own.kid, "typ": TYP}
    return sdjwt.assemble(header, payload, texts, own.sign)
