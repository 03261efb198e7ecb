"""Headers of messages that say when the gate first saw a token (DESIGN.md 4.5, 6)."""

from typing import Any, Final

from tests.vectors.cast import (
    ADAPTER,
    CERT,
    HUB,
    NOW,
    OLD_HUB,
    REVOKED_AT,
    STRANGER,
    Posing,
    claims,
    hs256,
    issue,
    named,
)
from tests.vectors.spelling import Raw, b64, jws, sha, spell, swap, unb64

SEEN: Final = "vnd.tocsin.seen+jwt"
HEAD: Final = "vnd.tocsin.head+jwt"
LINK: Final = "l" * 42 + "A"
TOKEN: Final = "tokens/minimal.sdjwt"


def stamps() -> list[dict[str, Any]]:
    return [*_good(), *_revoked(), *_bad_claims(), *_bad_jws(), *_bad_heads()]


def token_id() -> str:
    return sha(issue("minimal", claims(named())).partition(b"~")[0].rpartition(b".")[0])


def _claims(**changes: Any) -> dict[str, Any]:
    return {
        "iss": f"urn:tocsin:org:{HUB.org}",
        "token": token_id(),
        "seen": NOW - 60,
        "pos": 7,
        "prev": LINK,
    } | changes


def _stamp(key: Any = HUB, header: Any = None, **changes: Any) -> str:
    own = {"alg": key.alg, "kid": key.kid, "typ": SEEN} | (header or {})
    return jws(own, _claims(**changes), key).decode()


def _head(key: Any = HUB, typ: str = HEAD, **changes: Any) -> str:
    said = {
        "iss": f"urn:tocsin:org:{HUB.org}",
        "iat": NOW - 600,
        "pos": 3,
        "link": LINK,
    }
    return jws(
        {"alg": key.alg, "kid": key.kid, "typ": typ}, said | changes, key
    ).decode()


def _entry(name: str, why: str, headers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "why": why, "token": TOKEN, "headers": headers, **more}


def _good() -> list[dict[str, Any]]:
    found = []
    for name, why, changes, head in (
        ("good", "The gate's stamp of this token.", {}, None),
        (
            "first",
            "The first of the chain has no predecessor.",
            {"pos": 1, "prev": ""},
            None,
        ),
        ("latest", "Clocks may differ by 120 s.", {"seen": NOW + 120}, None),
        ("with-a-head", "With the newest head.", {}, _head()),
        ("with-its-own-head", "The head says the same link as the stamp.", {}, ""),
        (
            "with-an-empty-head",
            "A head from before the first stamp.",
            {},
            _head(pos=0, link=""),
        ),
    ):
        text = _stamp(**changes)
        link = sha(text.rpartition(".")[0].encode())
        headers = {"tocsin-seen": text}
        if head is not None:
            headers["tocsin-head"] = head or _head(pos=7, link=link)
        said = {n: v for n, v in _claims(**changes).items() if n != "iss"}
        entry = _entry(
            f"seen-{name}", why, headers, result="ok", expected=said | {"link": link}
        )
        found.append(entry)
    return found


def _revoked() -> list[dict[str, Any]]:
    said = _claims(iss=f"urn:tocsin:org:{OLD_HUB.org}", seen=REVOKED_AT - 60)
    text = _stamp(OLD_HUB, **said)
    link = sha(text.rpartition(".")[0].encode())
    del said["iss"]
    before = "A second before its key is revoked it counts."
    good = {"result": "ok", "expected": said | {"link": link}}
    entry = _refused(
        "at-revocation", "In the second of the revocation it does not.", text
    )
    return [
        _entry("seen-just-before-revocation", before, {"tocsin-seen": text}, now=REVOKED_AT - 1, **good),
        entry | {"now": REVOKED_AT},
    ]  # fmt: skip


def _refused(name: str, why: str, stamp: Any, head: Any = None) -> dict[str, Any]:
    headers = {"tocsin-seen": stamp} | ({} if head is None else {"tocsin-head": head})
    return _entry(f"seen-{name}", why, headers, result="refused", reason="seen-invalid")


def _bad_claims() -> list[dict[str, Any]]:
    missing = _entry(
        "seen-missing", "No stamp at all.", {}, result="refused", reason="seen-missing"
    )
    faults: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (
            "of-another-token",
            "The stamp of another token: an older moment could be borrowed.",
            {"token": "t" * 42 + "A"},
        ),
        ("in-future", "Seen 121 s ahead of the clock.", {"seen": NOW + 121}),
        (
            "before-its-key",
            "Seen before the key of the gate was valid.",
            {"seen": 1767225599},
        ),
        (
            "of-another-hub",
            "The issuer named is another than the key's owner.",
            {"iss": "urn:tocsin:org:cert-aq"},
        ),
        ("place-zero", "Places begin with 1.", {"pos": 0}),
        ("first-with-predecessor", "The first has no predecessor.", {"pos": 1}),
        ("without-predecessor", "All others have one.", {"prev": ""}),
        ("moment-a-string", "The moment is a string.", {"seen": str(NOW)}),
        ("moment-null", "The moment is null.", {"seen": None}),
        ("moment-a-fraction", "Moments are whole seconds.", {"seen": NOW - 0.5}),
        ("link-short", "A link has 43 characters.", {"prev": LINK[:-1]}),
        (
            "link-spare-bits",
            "The unused bits of a link are zero.",
            {"prev": LINK[:-1] + "B"},
        ),
        ("more", "A member that nobody knows.", {"nbf": NOW}),
    )
    return [missing, *(_refused(n, why, _stamp(**c)) for n, why, c in faults)]


def _bad_jws() -> list[dict[str, Any]]:
    good = _stamp()
    head, body, signature = good.split(".")
    bent = b64(swap(b'"pos":7', b'"pos":8')(unb64(body.encode()))).decode()
    twice = Raw(swap(b'"pos":7', b'"pos":7,"pos":7')(spell(_claims())))
    header = {"alg": "EdDSA", "kid": HUB.kid, "typ": SEEN}
    secret = Posing(HUB.kid, "HS256", hs256(unb64(HUB.jwk["x"].encode())))
    iss = {"iss": f"urn:tocsin:org:{CERT.org}"}
    faults: tuple[tuple[str, str, Any], ...] = (
        ("by-a-member", "Signed by a member in its own name.", _stamp(CERT, **iss)),
        ("by-a-member-as-the-hub", "Signed by a member under the name of the gate's key.", _stamp(Posing(HUB.kid, "EdDSA", CERT.sign))),
        ("by-an-adapter", "Signed by a service that is no gate.", _stamp(ADAPTER, iss=f"urn:tocsin:org:{ADAPTER.org}")),
        ("by-a-revoked-key", "Who stole it writes any moment, so none of its stamps counts.", _stamp(OLD_HUB, iss=f"urn:tocsin:org:{OLD_HUB.org}")),
        ("by-a-stranger", "Signed by a key that nobody owns.", _stamp(STRANGER)),
        ("alg-none", "No signature.", _stamp(Posing(HUB.kid, "none", lambda _: b""))),
        ("alg-hs256", "A MAC keyed with the public key.", _stamp(secret)),
        ("alg-es256", "The name of another algorithm.", _stamp(header={"alg": "ES256"})),
        ("typ-of-a-head", "A head is no stamp.", _stamp(header={"typ": HEAD})),
        ("typ-of-a-record", "A record is no stamp.", _stamp(header={"typ": "vnd.tocsin.record+sd-jwt"})),
        ("header-crit", "A member that stands in no header of ours.", _stamp(header={"crit": ["exp"]})),
        ("header-jwk", "It brings its own key.", _stamp(header={"jwk": HUB.jwk})),
        ("altered", "The place was changed after signing.", f"{head}.{bent}.{signature}"),
        ("member-twice", "A member stands twice.", jws(header, twice, HUB).decode()),
        ("padded", "A padded signature.", good + "=="),
        ("tilde", "A tilde stands behind it.", good + "~"),
        ("cut-off", "The signature is missing.", f"{head}.{body}"),
        ("empty", "An empty header.", ""),
        ("number", "A number.", NOW),
    )  # fmt: skip
    return [_refused(name, why, stamp) for name, why, stamp in faults]


def _bad_heads() -> list[dict[str, Any]]:
    faults: tuple[tuple[str, str, Any], ...] = (
        ("of-another-chain", "The head says another link than the stamp at its place.", _head(pos=7, link=LINK)),
        ("of-another-past", "The head says another link than the stamp's predecessor.", _head(pos=6, link="k" * 42 + "A")),
        ("by-a-member", "Signed by a member.", _head(CERT)),
        ("in-future", "From 121 s ahead of the clock.", _head(iat=NOW + 121)),
        ("typ-of-a-stamp", "A stamp is no head.", _head(typ=SEEN)),
        ("without-link", "A place without a link.", _head(link="")),
        ("number", "A number.", 7),
    )  # fmt: skip
    return [_refused(f"head-{n}", why, _stamp(), head) for n, why, head in faults]
