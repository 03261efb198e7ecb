"""An independent verifier, from docs/protocol.md alone: slow, naive, no line of ours.

Sections and steps are the page's. Step 11 is in naive_profile.py. Keys are taken as read.
"""

import json
import re
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.naive_profile import KINDS, read_object, strictest, whole
from tests.support.naive_sdjwt import (
    Arr,
    Obj,
    Refused,
    disclosed,
    need,
    parse,
    placed,
    sha,
    unb64,
)

ORG = "urn:tocsin:org:[a-z][a-z0-9-]{1,40}"
HEX = "[0-9a-f]"
UUID = f"{HEX}{{8}}-{HEX}{{4}}-[1-8]{HEX}{{3}}-[89ab]{HEX}{{3}}-{HEX}{{12}}"
HASH = "[A-Za-z0-9_-]{43}"
WITHHOLDABLE = {"to", "concerns", "feed", "seq", "prev"}
ALGORITHMS = {"OKP": ("EdDSA", "Ed25519"), "EC": ("ES256",)}


def array(form, least=0, most=2**24):
    """Spell a form: an array of so many strings of the form."""
    return rf'\[\]{{{int(not least)}}}|\["({form})"(, "({form})"){{0,{most - 1}}}\]'


CLAIMS = {  # section 3: forms of what `json.dumps` spells, all of it
    "iss": f'"{ORG}"',
    "iat": "[0-9]+",
    "exp": "[0-9]+",
    "sub": f'(?=.{{0,152}}$)"[a-z][a-z0-9-]{{2,249}}--{UUID}"',
    "ver": r'"[0-9-]{10}T(?!24)[0-9:]{8}(\.[0-9]{1,9})?Z"',
    "aud": array("urn:[a-z0-9][a-z0-9-]{1,31}:[a-zA-Z0-9:._-]{1,200}", 1, 50),
    "vct": '".*"',
    "kind": f'"({"|".join(KINDS)}|heartbeat)"',
    "tlp": r'"(CLEAR|GREEN|AMBER|AMBER\+STRICT|RED)"',
    "severity": '"(unknown|none|low|moderate|high|extreme)"',
    "countries": array("[A-Z]{2}", 0, 300),
    "sectors": array("[a-z0-9-]{1,60}", 0, 300),
    "languages": array("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", 0, 300),
    "exercise": "true|false",
    "full": f'"{HASH}"',
    "stix": ".*",
    "sup": f'"{HASH}"',
    "to": array(ORG),
    "concerns": array(ORG),
    "feed": '".*"',
    "seq": "[1-9][0-9]*",
    "prev": f'"({HASH})?"',
}
REQUIRED = CLAIMS.keys() - WITHHOLDABLE - {"sup"}


def verify(token, keys, *, now, first_seen=None):
    """Give what a reader may believe of *token*, or raise `Refused`.

    Args:
        keys: Directory entries: kid, org, jwk, not_before, not_after, revoked_at, kinds.
        now: Epoch seconds, like first_seen and the times of the keys.
    """
    signed, signature, texts = framed(token)
    entry = entry_of(signed.split(b".")[0], keys)
    signature = unb64(signature)
    need(len(signature) == 64, "signature")
    need(holds(entry["jwk"], signature, signed), "signature")
    payload = parse(unb64(signed.split(b".")[1]))
    need(isinstance(payload, dict), "payload")
    need(payload.get("_sd_alg", "sha-256") == "sha-256", "sd-alg")
    tree, gaps = placed(payload, disclosed(texts))
    claims_fit(tree)
    issuer_may(tree, entry)
    times_fit(tree, entry, now, first_seen)
    claims_in_place(tree)
    objects = [read_object(tree, i) for i in range(len(tree["stix"]["objects"]))]
    complete = sha(b"~".join(sorted(texts))) == tree["full"]
    fit_together(tree, objects, complete)
    return {
        "issuer": entry["org"],
        "kid": entry["kid"],
        "token_id": sha(signed),
        "complete": complete,
        "claims": {name: tree[name] for name in tree.keys() - {"stix"}},
        "objects": objects,
        "withheld": gaps,
    }


def framed(token):
    """Step 1: signing input, signature, disclosures."""
    need(len(token) <= 2**24, "too-large")
    jwt, *texts = token.split(b"~")
    need(texts and texts.pop() == b"" and jwt.count(b".") == 2, "framing")
    need(len(texts) <= 2**16, "too-many-disclosures")
    return *jwt.rsplit(b".", 1), texts


def entry_of(text, keys):
    """Step 2: the directory entry that the header names."""
    need(len(text) <= 1024, "header")
    data = unb64(text)
    try:
        header = parse(data)
    except Refused:
        raise Refused("header") from None
    need(isinstance(header, dict) and header.keys() == {"alg", "kid", "typ"}, "header")
    need(all(isinstance(value, str) for value in header.values()), "header")
    need(header["typ"] == "vnd.tocsin.record+sd-jwt", "typ")
    [entry] = [e for e in keys if e["kid"] == header["kid"]] or [None]
    need(entry, "unknown-key")
    need(header["alg"] in ALGORITHMS[entry["jwk"]["kty"]], "alg")
    return entry


def holds(jwk, signature, signed):
    """Step 3."""
    x, y = (unb64(jwk.get(name, "").encode()) for name in "xy")
    try:
        if jwk["kty"] == "OKP":
            ed25519.Ed25519PublicKey.from_public_bytes(x).verify(signature, signed)
        else:
            point = b"\x04" + x + y  # SEC 1, 2.3.3: uncompressed
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            r, s = (int.from_bytes(h, "big") for h in (signature[:32], signature[32:]))
            key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def claims_fit(tree):
    """Step 7."""
    need(tree.keys() <= CLAIMS.keys(), "claims")
    need(tree.keys() >= REQUIRED, "claims")
    for name, value in tree.items():
        need(re.fullmatch(CLAIMS[name], json.dumps(value)), "claims")
    need(max(tree["iat"], tree["exp"]) <= 2**40, "claims")
    need(len(tree.get("feed", "")) <= 200, "claims")
    need(tree["vct"] == "urn:tocsin:record:1", "vct")
    need(
        tree["kind"] == "heartbeat" or type_of(tree) in kinds_of(tree), "kind-mismatch"
    )
    stix = tree["stix"]
    need(isinstance(stix, Obj) and stix.keys() == {"type", "objects"}, "claims")
    need(stix["type"] == "bundle" and isinstance(stix["objects"], Arr), "claims")


def type_of(tree):
    """Type in `sub`: what stands before `--` and 36 characters of UUID."""
    return tree["sub"][:-38]


def kinds_of(tree):
    """Types that the primary object of this kind may have."""
    return KINDS[tree["kind"]] or set().union(*KINDS.values())


def issuer_may(tree, entry):
    """Step 8."""
    need(tree["iss"] == f"urn:tocsin:org:{entry['org']}", "iss-kid")
    if tree["kind"] in ("correction", "retraction"):
        [of] = [kind for kind, types in KINDS.items() if type_of(tree) in types]
        need(of in entry["kinds"], "kind-not-allowed")
    need(tree["kind"] in entry["kinds"], "kind-not-allowed")


def times_fit(tree, entry, now, first_seen):
    """Step 9."""
    need(tree["iat"] <= now + 120, "issued-in-future")
    need(tree["exp"] >= now, "expired")
    need(entry["not_before"] <= tree["iat"] <= entry["not_after"], "key-not-valid")
    seen = now if first_seen is None else first_seen
    need(entry["revoked_at"] is None or seen < entry["revoked_at"], "key-revoked")
    try:
        moment = datetime.fromisoformat(f"{tree['ver'][:19]}+00:00").timestamp()
    except ValueError:
        raise Refused("claims") from None
    moment += bool(tree["ver"][19:].strip(".0Z"))  # a fraction: later than the second
    need(moment <= now + 120, "version-in-future")


def claims_in_place(tree):
    """Step 10."""
    need(tree.hidden <= WITHHOLDABLE, "visible-as-disclosure")
    need(tree.keys() & WITHHOLDABLE <= tree.hidden, "not-withholdable")
    need(not tree["stix"].hidden, "visible-as-disclosure")
    need(not tree["stix"].gaps, "sd-shape")
    for name in tree.keys() - {"stix"}:
        whole(tree[name])


def fit_together(tree, objects, complete):
    """Steps 12 and 13."""
    types = {each["type"] for each in objects}
    told = types & {"narrative", "channel", "media-content"}
    need(not complete or not told or "attack-pattern" in types, "no-behaviour")
    need(len({each["id"] for each in objects}) == len(objects), "duplicate-id")
    for primary in objects:
        if primary["id"] == tree["sub"]:
            need(primary.get("modified") == tree["ver"], "version-mismatch")
            need(strictest(primary) == tree["tlp"], "tlp-mismatch")
            revoked = primary.get("revoked") is True
            need(revoked or tree["kind"] != "retraction", "not-revoked")
