"""Records and the views of them, for tests of who sees what.

Objects are made by `new` and read like sentences: `link(malware, "drops", file)`.
What a view gets is read back decoded, since evidence is base64.
"""

import hashlib
import json
import tomllib
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from adapters.policy import Policy
from adapters.projection import EXTENSION_ID, Author
from adapters.pseudonyms import PseudonymKeys, Pseudonyms
from adapters.redaction import Redacted, redact
from adapters.view import View
from broker import base64url
from broker.blinding import BlindMap, org_identity
from broker.directory import build
from broker.signing import Address, sign
from broker.trust import Verified, verify
from schemas import profile, stix
from schemas.composing import compose
from schemas.markings import TLP_IDS, Tlp
from schemas.record import ALL_COMMUNITY, Need
from tests.support import records

POLICY_FILE = Path(__file__).parents[2] / "adapters" / "policies" / "default.toml"
_WRITTEN = tomllib.loads(POLICY_FILE.read_text("utf-8"))
ROWS: list[dict[str, Any]] = _WRITTEN["row"]
LIMITS: list[dict[str, Any]] = _WRITTEN["limit"]
POLICY = Policy(POLICY_FILE.read_bytes(), "default.toml")
PERIOD = "2026-Q4"
AUTHOR = Author(
    org="hub",
    name="Tocsin Hub",
    id_key=b"i" * 32,
    pseudonyms=Pseudonyms(PERIOD, b"k" * 32),
)
KEYS = PseudonymKeys("quarter", {PERIOD: b"k" * 32})
NOW = records.NOW
NOW_TEXT = "2026-12-01T12:00:00.000Z"
TIME = "2026-02-03T04:05:06.789Z"
AUDIENCES = ("peer-cert", "platform", "civil-society")
CLEAR, GREEN, AMBER, STRICT, RED = (TLP_IDS[tlp] for tlp in Tlp)
CORE = profile.INCIDENT_CORE
CONTACT = next(
    i for i, a in profile.EXTENSION_ALIASES.items() if a == "identity-contact"
)

DIRECTORY = build(
    records.member(
        records.signer(org), kinds=(*records.KINDS, "feedback", "takedown-request")
    )
    for org in ("cert-aq", "platform-lumen", "monitor-veritas")
)


# --------------------------------------------------------------------------- objects


def new(kind: str, called: str = "", /, **properties: Any) -> dict[str, Any]:
    """Make an object with what STIX requires; *called* makes its id, and its name."""
    seed = hashlib.sha256(f"{kind} {called}".encode()).digest()
    base = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.UUID(bytes=seed[:16], version=4)}",
        **_REQUIRED.get(kind, {}),
    }
    if kind not in stix.OBSERVABLE_TYPES:
        base |= {"created": TIME, "modified": TIME}
    if called and "name" in base:
        base["name"] = called
    return {name: v for name, v in (base | properties).items() if v is not None}


_SOMEBODY = f"identity--{uuid.UUID(int=1, version=4)}"
_REQUIRED: dict[str, dict[str, Any]] = {
    "attack-operator": {"operator": "AND"},
    "attack-pattern": {"name": "Valid Accounts"},
    "autonomous-system": {"number": 64500},
    "campaign": {"name": "A wave"},
    "channel": {"name": "A channel"},
    "course-of-action": {"name": "Advice"},
    "directory": {"path": "/srv"},
    "domain-name": {"value": "bad.example"},
    "email-addr": {"value": "crook@bad.example"},
    "email-message": {"is_multipart": False},
    "event": {"status": "occurred", "name": "An event"},
    "extension-definition": {
        "created_by_ref": _SOMEBODY,
        "name": "An extension",
        "schema": "https://schema.example/1",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    },
    "file": {"name": "tool.exe"},
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
    "intrusion-set": {"name": "Grey Heron"},
    "ipv4-addr": {"value": "203.0.113.7"},
    "ipv6-addr": {"value": "2001:db8::7"},
    "location": {"country": "XA"},
    "mac-addr": {"value": "00:00:5e:00:53:01"},
    "malware": {"name": "NightCrate", "is_family": False},
    "malware-analysis": {"product": "scanner", "result": "malicious"},
    "marking-definition": {
        "created": TIME,
        "definition_type": "statement",
        "definition": {"statement": "For members."},
    },
    "media-content": {"url": "https://video.example/1"},
    "mutex": {"name": "lock"},
    "narrative": {"name": "A story"},
    "note": {"content": "A remark."},
    "observed-data": {
        "first_observed": TIME,
        "last_observed": TIME,
        "number_observed": 500,
    },
    "opinion": {"opinion": "disagree"},
    "process": {"pid": 7},
    "report": {"name": "A report", "published": TIME},
    "software": {"name": "Office"},
    "takedown-request": {
        "requesting_body": "District Court",
        "legal_basis": "Election Act, section 86",
        "necessity": "A label did not help.",
        "object_refs": [_SOMEBODY],
    },
    "task": {"outcome": "successful"},
    "text": {"value": "Some words."},
    "threat-actor": {"name": "Hollow Reed"},
    "tool": {"name": "PsExec"},
    "url": {"value": "https://bad.example/"},
    "user-account": {"account_type": "lumen"},
    "vulnerability": {"name": "CVE-2026-12345"},
    "windows-registry-key": {"key": "HKLM"},
    "x509-certificate": {"version": "3"},
}


def link(
    source: dict[str, Any], word: str, target: dict[str, Any], **properties: Any
) -> dict[str, Any]:
    return new(
        "relationship",
        f"{source['id']} {word} {target['id']}",
        relationship_type=word,
        source_ref=source["id"],
        target_ref=target["id"],
        **properties,
    )


def marked(one: dict[str, Any], *refs: str) -> dict[str, Any]:
    return one | {"object_marking_refs": list(refs)}


def granular(one: dict[str, Any], ref: str, *selectors: str) -> dict[str, Any]:
    """Mark parts of an object."""
    marking = {"marking_ref": ref, "selectors": list(selectors)}
    return one | {"granular_markings": [*one.get("granular_markings", ()), marking]}


def core(**properties: Any) -> dict[str, Any]:
    """The incident core extension, as the value of `extensions`."""
    return {CORE: {"extension_type": "property-extension", **properties}}


INCIDENT = new("incident")
PERSON = new("identity", "Ilvara Temcott")
BANK = new(
    "identity",
    "Saltmere Savings Bank",
    identity_class="organization",
    sectors=["financial-services"],
)
MALWARE = new("malware")


# --------------------------------------------------------------------------- records


def token(
    *objects: dict[str, Any],
    issuer: str = "cert-aq",
    tlp: Tlp | None = Tlp.CLEAR,
    address: Address = Address(),  # noqa: B008  frozen
    replaces: str | None = None,
    exercise: bool = False,
    need: Need | None = None,
    **composing: Any,
) -> bytes:
    """Sign *objects* as an honest issuer does; unmarked ones are CLEAR."""
    draft = compose(stix.decode_bundle(list(objects)), now=TIME, tlp=tlp, **composing)
    return sign(
        draft,
        records.signer(issuer),
        blind_map=BlindMap(records.new_uuids(1), {}),
        now=NOW - 60,
        entropy=records.entropy(),
        address=address,
        replaces=replaces,
        exercise=exercise,
        need=need,
    )


def opened(data: bytes) -> Verified:
    return verify(data, DIRECTORY, now=NOW)


def signed(*objects: dict[str, Any], **signing: Any) -> Verified:
    return opened(token(*objects, **signing))


@cache
def sample(name: str) -> Verified:
    """A shipped sample, signed as the index says."""
    (entry,) = (e for e in records.SAMPLE_INDEX if e["file"] == f"{name}.json")
    return opened(records.sample_token(entry))


SAMPLES = [e["file"].removesuffix(".json") for e in records.SAMPLE_INDEX]


# --------------------------------------------------------------------------- views


def view(audience: str, clearance: Tlp = Tlp.GREEN, **facts: Any) -> View:
    communities = facts.pop("communities", frozenset({ALL_COMMUNITY}))
    return View(
        audience=audience, clearance=clearance, communities=communities, **facts
    )


PEER = view("peer-cert", Tlp.AMBER)
PLATFORM = view("platform")
CONCERNED = view("platform", concerned=True)
CIVIL = view("civil-society")
VIEWS = {
    "peer": PEER, "platform": PLATFORM, "concerned": CONCERNED, "civil": CIVIL,
}  # fmt: skip


def cut(verified: Verified, to: View, policy: Policy = POLICY, **more: Any) -> Redacted:
    return redact(verified, to, policy, author=AUTHOR, now=NOW_TEXT, **more)


def cut_new(to: View, *objects: dict[str, Any], **signing: Any) -> Redacted:
    """Sign *objects* and cut them for a view."""
    return cut(signed(*objects, **signing), to)


# ------------------------------------------------------------------ what is to be seen


def projected(redacted: Redacted, kind: str | None = None) -> list[dict[str, Any]]:
    """The projected objects, all or those of one type, without what the adapter adds."""
    added = {org_identity(AUTHOR.org), org_identity(redacted.verified.issuer)}
    return [
        one
        for one in json.loads(redacted.projection)["objects"]
        if one["id"] not in added | {EXTENSION_ID} and kind in (None, one["type"])
    ]


def only(redacted: Redacted, kind: str) -> dict[str, Any]:
    (one,) = projected(redacted, kind)
    return one


def made_of(one: dict[str, Any]) -> list[str]:
    """What the projection says the adapter made of this object."""
    return one.get("extensions", {}).get(EXTENSION_ID, {}).get("made", [])


def decoded(data: bytes) -> list[Any]:
    """Every JSON text that a token or JWS holds in base64url."""
    jwt, *disclosures = data.split(b"~")
    parts = [*jwt.split(b".")[:2], *filter(None, disclosures)]
    return [msgspec.json.decode(base64url.decode(part)) for part in parts]


def disclosures(redacted: Redacted) -> set[bytes]:
    return set(redacted.evidence.split(b"~")[1:-1])


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
        case _:
            yield str(value)


def seen(redacted: Redacted) -> str:
    """All that a member can read of a record, decoded: evidence and projection."""
    values = [*decoded(redacted.evidence), json.loads(redacted.projection)]
    return "\n".join(s for value in values for s in strings(value))


def action(to: View, kind: str, role: str, prop: str) -> str:
    """Look up by hand what the head of the policy file promises."""
    found = _row_action(to, kind, role, prop)
    for limit in LIMITS:
        if (
            not limit.get("jurisdictions")
            and limit.get("role", "") in ("", role)
            and kind in limit["types"]
            and not {prop, "*"}.isdisjoint(limit["properties"])
        ):
            assert limit["at-most"] == "drop"
            found = "drop"
    return found


def _row_action(to: View, kind: str, role: str, prop: str) -> str:
    wanted = [(kind, role, ""), (kind, "", ""), ("*", "", "")]
    if to.concerned:
        wanted.insert(0, (kind, role, "concerned"))
    for of_kind, of_role, when in wanted:
        for row in ROWS:
            if (
                of_kind in row["types"]
                and of_role == row.get("role", "")
                and when == row.get("when", "")
                and prop in row["properties"]
            ):
                return row[to.audience]
    return "drop"
