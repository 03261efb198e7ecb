"""Heartbeats of issuers, and the gate's word on them (docs/protocol.md, section 8)."""

from typing import Any, Final

from tests.vectors.cast import (
    ADAPTER,
    CERT,
    HUB,
    NOW,
    P256,
    REVOKED,
    REVOKED_AT,
    STRANGER,
    Posing,
    hs256,
)
from tests.vectors.spelling import Raw, b64, jws, sha, spell, swap, unb64

BEAT: Final = "vnd.tocsin.heartbeat+jwt"
HEARD: Final = "vnd.tocsin.heard+jwt"
LINE: Final = b64(b"0123456789abcdef").decode()
IDS: Final = [[sha(str(i).encode()), NOW - 60 + i] for i in range(3)]


def heartbeats() -> list[dict[str, Any]]:
    return [*_good(), *_bad_claims(), *_bad_jws(), *_heard(), *_two()]


def _chain(ids: list[list[Any]], before: str = "") -> str:
    for token_id, *_ in ids:
        before = sha(f"{before}.{token_id}".encode())
    return before


def _claims(
    key: Any = CERT, ids: list[list[Any]] = IDS, **changes: Any
) -> dict[str, Any]:
    said = {
        "iss": f"urn:tocsin:org:{key.org}",
        "iat": NOW,
        "line": LINE,
        "community": "urn:tocsin:community:all",
        "tlp": "GREEN",
        "count": len(ids),
        "hash": _chain(ids),
        "before": "",
        "ids": ids,
    }
    return said | changes


def _beat(key: Any = CERT, header: Any = None, claims: Any = None) -> str:
    own = {"alg": key.alg, "kid": key.kid, "typ": BEAT} | (header or {})
    return jws(own, _claims(key) if claims is None else claims, key).decode()


def _heard_of(text: str, key: Any = HUB, typ: str = HEARD, **changes: Any) -> str:
    said = {
        "iss": f"urn:tocsin:org:{HUB.org}",
        "heartbeat": sha(text.rpartition(".")[0].encode()),
        "seen": NOW,
        "lacks": [IDS[1][0]],
    }
    return jws(
        {"alg": key.alg, "kid": key.kid, "typ": typ}, said | changes, key
    ).decode()


def _ok(name: str, why: str, text: str, **more: Any) -> dict[str, Any]:
    claims = unb64(text.split(".")[1].encode()).decode()
    entry = {"name": f"heartbeat-{name}", "why": why, "text": text, **more}
    return entry | {"result": "ok", "says": claims}


def _no(
    name: str, why: str, text: str, reason: str = "heartbeat-invalid", **more: Any
) -> dict[str, Any]:
    entry = {"name": f"heartbeat-{name}", "why": why, "text": text, **more}
    return entry | {"result": "refused", "reason": reason}


def _good() -> list[dict[str, Any]]:
    later = _claims(count=5, before=sha(b"."), hash=_chain(IDS, sha(b".")))
    silent = _claims(ids=[], hash="")
    return [
        _ok("good", "Three records on a line.", _beat()),
        _ok("silent", "Nothing was published yet.", _beat(claims=silent)),
        _ok("later", "Two records stand before the list.", _beat(claims=later)),
        _ok("es256", "By a P-256 key.", _beat(P256)),
        _ok(
            "ahead", "Clocks may differ by 120 s.", _beat(claims=_claims(iat=NOW + 120))
        ),
        _ok(
            "before-revocation",
            "The gate had it a second before its key was revoked.",
            _beat(REVOKED, claims=_claims(REVOKED, iat=REVOKED_AT - 5)),
            heard=_heard_of(
                _beat(REVOKED, claims=_claims(REVOKED, iat=REVOKED_AT - 5)),
                seen=REVOKED_AT - 1,
            ),
        ),
    ]


def _bad_claims() -> list[dict[str, Any]]:
    twice = Raw(
        swap(b'"tlp":"GREEN"', b'"tlp":"CLEAR","tlp":"GREEN"')(spell(_claims()))
    )
    faults: tuple[tuple[str, str, Any], ...] = (
        ("count-too-small", "It lists more than it counts.", _claims(count=2)),
        ("count-without-before", "It counts more than it lists, from the beginning.", _claims(count=4)),
        ("before-the-beginning", "A chain before the first record of the line.", _claims(before=sha(b"."), hash=_chain(IDS, sha(b".")))),
        ("other-chain", "The chain is not that of the list.", _claims(hash=sha(b"."))),
        ("other-order", "The list in another order.", _claims(ids=IDS[::-1], hash=_chain(IDS))),
        ("short-id", "A token id has 43 characters.", _claims(ids=[[IDS[0][0][:-1], NOW]])),
        ("spare-bits", "The unused bits of a line are zero.", _claims(line=LINE[:-1] + "x")),
        ("three-in-a-place", "A place of the list has two members.", _claims(ids=[[*each, 1] for each in IDS])),
        ("time-a-string", "Times are whole seconds.", _claims(iat=str(NOW))),
        ("time-in-list-missing", "A place without its time.", _claims(ids=[each[:1] for each in IDS])),
        ("tlp-lower-case", "Markings are written in upper case.", _claims(tlp="green")),
        ("community-no-urn", "A community is a URN.", _claims(community="all")),
        ("of-another-issuer", "The issuer named is another than the key's owner.", _claims(iss="urn:tocsin:org:cert-bv")),
        ("more", "A member that nobody knows.", _claims(nbf=NOW)),
        ("list-null", "The list is null.", _claims() | {"ids": None}),
        ("member-twice", "A member stands twice.", twice),
    )  # fmt: skip
    entries = [_no(n, why, _beat(claims=said)) for n, why, said in faults]
    early = _beat(claims=_claims(iat=0))
    ahead = _beat(claims=_claims(iat=NOW + 121))
    return [
        *entries,
        _no("in-future", "121 s ahead of the clock.", ahead, "key-not-valid"),
        _no("before-its-key", "Made before its key was valid.", early, "key-not-valid"),
        _no(
            "by-a-revoked-key",
            "Nobody says when it came.",
            _beat(REVOKED),
            "key-revoked",
        ),
    ]


def _bad_jws() -> list[dict[str, Any]]:
    head, body, signature = _beat().split(".")
    bent = b64(swap(b'"GREEN"', b'"AMBER"')(unb64(body.encode()))).decode()
    secret = Posing(CERT.kid, "HS256", hs256(unb64(CERT.jwk["x"].encode())))
    faults: tuple[tuple[str, str, str, str], ...] = (
        ("altered", "The marking was changed after signing.", f"{head}.{bent}.{signature}", "signature"),
        ("by-a-stranger", "Signed by a key that nobody owns.", _beat(STRANGER), "unknown-key"),
        ("by-the-gate", "Keys of the hub publish nothing.", _beat(HUB), "unknown-key"),
        ("as-another", "Signed by another member under this key's name.", _beat(claims=_claims(), header={"kid": P256.kid, "alg": "ES256"}), "signature"),
        ("alg-none", "No signature.", _beat(header={"alg": "none"}), "heartbeat-invalid"),
        ("alg-hs256", "A MAC keyed with the public key.", jws({"alg": "HS256", "kid": CERT.kid, "typ": BEAT}, _claims(), secret).decode(), "heartbeat-invalid"),
        ("typ-of-a-record", "A record is no heartbeat.", _beat(header={"typ": "vnd.tocsin.record+sd-jwt"}), "heartbeat-invalid"),
        ("header-jwk", "It brings its own key.", _beat(header={"jwk": CERT.jwk}), "heartbeat-invalid"),
        ("padded", "A padded signature.", _beat() + "==", "heartbeat-invalid"),
        ("cut-off", "The signature is missing.", f"{head}.{body}", "heartbeat-invalid"),
        ("no-object", "The payload is no object.", _beat(claims=Raw(b"[]")), "heartbeat-invalid"),
    )  # fmt: skip
    return [_no(name, why, text, reason) for name, why, text, reason in faults]


def _heard() -> list[dict[str, Any]]:
    text = _beat()
    other = _beat(claims=_claims(iat=NOW - 1))
    faults: tuple[tuple[str, str, str, str], ...] = (
        ("of-another", "The gate's word on another heartbeat.", _heard_of(other), "heartbeat-invalid"),
        ("by-an-adapter", "Signed by a service that is no gate.", _heard_of(text, ADAPTER), "unknown-key"),
        ("by-the-issuer", "Signed by the issuer itself.", _heard_of(text, CERT), "unknown-key"),
        ("in-future", "Heard 121 s ahead of the clock.", _heard_of(text, seen=NOW + 121), "key-not-valid"),
        ("typ-of-a-stamp", "A stamp is no word on a heartbeat.", _heard_of(text, typ="vnd.tocsin.seen+jwt"), "heartbeat-invalid"),
        ("lacks-null", "What the hub lacks is null.", _heard_of(text, lacks=None), "heartbeat-invalid"),
        ("of-another-hub", "The hub named is another than the key's owner.", _heard_of(text, iss="urn:tocsin:org:hub-before"), "heartbeat-invalid"),
        ("missing", "The gate's word is missing.", "", "heartbeat-invalid"),
    )  # fmt: skip
    good = "As the gate passes it on: the hub lacks the second."
    return [
        _ok("heard", good, text, heard=_heard_of(text)),
        *(
            _no(f"heard-{name}", why, text, reason, heard=heard)
            for name, why, heard, reason in faults
        ),
    ]


def _two() -> list[dict[str, Any]]:
    """A heartbeat that comes behind another of its line."""
    two = IDS[:2]
    shorter = _claims(ids=two, iat=NOW + 1)
    others = [[sha(b"other"), NOW], *IDS[1:]]
    longer = [*IDS, [sha(b"3"), NOW]]
    rest = _claims(
        ids=longer[2:], count=4, before=_chain(two), hash=_chain(longer), iat=NOW + 1
    )
    reason = "heartbeat-conflict"
    earlier = _beat(claims=_claims(ids=two, iat=NOW - 1))
    return [
        _ok("goes-on", "Behind it one record more; the lists overlap.", _beat(claims=rest), before=_beat()),
        _no("shorter", "A later one counts fewer.", _beat(claims=shorter), reason, before=_beat()),
        _no("rewritten", "Another first record than before.", _beat(claims=_claims(ids=others, iat=NOW + 1)), reason, before=earlier),
        _no("other-marking", "The line had another marking.", _beat(claims=_claims(tlp="CLEAR", iat=NOW + 1)), reason, before=_beat()),
    ]  # fmt: skip
