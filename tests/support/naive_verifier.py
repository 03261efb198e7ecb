"""An independent verifier, from docs/protocol.md alone: slow, naive, no line of ours.

Sections and steps are the page's: 1, 5 and 6 in naive_sdjwt.py, 7 to 10 in
naive_claims.py, 11 in naive_profile.py. Keys are taken as read, so there is no `bad-key`.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.naive_claims import (
    claims_fit,
    claims_in_place,
    issuer_may,
    times_fit,
)
from tests.support.naive_profile import read_object, strictest
from tests.support.naive_sdjwt import (
    Refused,
    disclosed,
    need,
    parse,
    placed,
    sha,
    unb64,
)

TYP = "vnd.tocsin.record+sd-jwt"
ALGORITHMS = {"OKP": ("EdDSA", "Ed25519"), "EC": ("ES256",)}


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
    need(header["typ"] == TYP, "typ")
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
