"""Joint records: several signatures over one payload (RFC 9901, 8), and what is wrong with some."""

from typing import Any

from tests.vectors.cast import (
    BRIEF,
    CERT,
    MONITOR,
    NOW,
    P256,
    PLATFORM,
    REVOKED,
    REVOKED_AT,
    STRANGER,
    TYP,
    Posing,
    header_of,
    named,
)
from tests.vectors.good import FEED
from tests.vectors.spelling import Key, Raw, b64, parted, spell
from tests.vectors.vector import Shelf, Vector

TWO = ("cert-aq", "cert-bv")
THREE = (*TWO, "cert-cw")


def need(threshold: Any, *orgs: str) -> dict[str, Any]:
    """The claim, in a dict of claims."""
    return {
        "need": {"threshold": threshold, "iss": [f"urn:tocsin:org:{o}" for o in orgs]}
    }


def signature(
    token: bytes, key: Key, *, header: Any = None, over: bytes | None = None
) -> dict[str, Any]:
    """One more signature over the payload of *token*."""
    protected = b64(spell(header_of(key) if header is None else header))
    payload = token.split(b".")[1] if over is None else over
    made = b64(key.sign(protected + b"." + payload))
    return {"protected": protected.decode(), "signature": made.decode()}


def general(token: bytes, *others: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The JSON serialization, still to be spelled."""
    jwt, texts = parted(token)
    protected, payload, made = jwt.decode().split(".")
    first = {
        "header": {"disclosures": [text.decode() for text in texts], **more},
        "protected": protected,
        "signature": made,
    }
    return {"payload": payload, "signatures": [first, *others]}


def cosigned(*keys: Key) -> Any:
    """A change of a vector: signed by *keys* as well."""
    return lambda token: spell(general(token, *(signature(token, k) for k in keys)))


def vectors() -> list[Vector]:
    good, form, bad = Shelf("record"), Shelf("format"), Shelf("record")
    _good(good)
    _serialization(form)
    _signers(bad)
    _claims(bad)
    _partial(bad)
    return good.made + form.made + bad.made


def _good(shelf: Shelf) -> None:
    def put(name: str, why: str, claims: dict[str, Any], change: Any, **more: Any):
        return shelf.sign(
            name, "", why, named(), with_claims=claims, change=change, **more
        )

    two = need(2, *TWO)
    put("joint-two-of-two", "The lead and one other have signed.", two, cosigned(P256))
    put(
        "joint-with-a-feed", "The publisher's feed is the lead's.",
        two | FEED, cosigned(P256),
    )  # fmt: skip
    put(
        "joint-three-of-two", "More have signed than need be.",
        need(2, *THREE), cosigned(P256, REVOKED), first_seen=REVOKED_AT - 1,
    )  # fmt: skip
    put(
        "joint-in-another-order", "Only the lead's place is fixed.",
        need(2, *THREE), cosigned(REVOKED, P256), first_seen=REVOKED_AT - 1,
    )  # fmt: skip
    put(
        "joint-one-revoked-others-enough",
        "A signature whose key is revoked does not count; without it they are enough.",
        need(2, *THREE), cosigned(REVOKED, P256),
    )  # fmt: skip
    put(
        "joint-one-may-not-others-enough",
        "One may not publish this kind; without it they are enough.",
        need(2, *TWO, "monitor-veritas"), cosigned(P256, MONITOR),
    )  # fmt: skip
    put(
        "joint-sealed-parts-pass",
        "Sealed parts stand beside the disclosures; who cannot open them passes by.",
        two,
        lambda token: spell(
            general(token, signature(token, P256), sealed=["c2VhbGVk", "cGFydHM"])
        ),
    )
    put(
        "serialized-alone", "One signature in the JSON serialization is a token, too.",
        {}, lambda token: spell(general(token)),
    )  # fmt: skip


def _serialization(shelf: Shelf) -> None:
    def put(name: str, why: str, change: Any, code: str = "serialization") -> None:
        claims = need(2, *TWO)
        shelf.sign(name, code, why, with_claims=claims, change=change)

    def bent(bend: Any) -> Any:
        def change(token: bytes) -> bytes:
            value = general(token, signature(token, P256))
            return spell(bend(value) or value)

        return change

    def first(value: dict[str, Any], **more: Any) -> None:
        value["signatures"][0] |= more

    put(
        "joint-disclosures-in-second-header",
        "Disclosures stand in the first header only (RFC 9901, 8.1).",
        bent(lambda v: v["signatures"][1].update(header={"disclosures": []})),
    )
    put(
        "joint-without-header",
        "The first signature lacks the header that holds the disclosures.",
        bent(lambda v: v["signatures"][0].pop("header") and None),
    )
    put(
        "joint-key-binding",
        "A key binding stands in the header: nobody may say more than the format.",
        bent(lambda v: v["signatures"][0]["header"].update(kb_jwt="e30.e30.AA")),
    )
    put(
        "joint-member-unknown",
        "An unknown member, which is not signed.",
        bent(lambda v: v.update(comment="not signed")),
    )
    put(
        "joint-flattened",
        "The flattened serialization (RFC 7515, 7.2.2) is another form.",
        bent(lambda v: {"payload": v["payload"], **v["signatures"][0]}),
    )
    put("joint-no-signature", "Nobody signs.", bent(lambda v: v.update(signatures=[])))
    put(
        "joint-seventeen-signatures",
        "More signatures than any record may cost its verifier.",
        bent(lambda v: v.update(signatures=[v["signatures"][0], *([v["signatures"][1]] * 16)])),
    )  # fmt: skip
    put(
        "joint-tilde-in-a-disclosure",
        "A tilde in one disclosure would make two of it.",
        bent(lambda v: first(v, header={"disclosures": ["~".join(v["signatures"][0]["header"]["disclosures"] * 2) or "a~b"]})),
    )  # fmt: skip
    put(
        "joint-dot-in-the-payload",
        "A dot in the payload would make two parts of it.",
        bent(lambda v: v.update(payload=v["payload"] + ".")),
    )
    put(
        "joint-not-ascii",
        "A letter that is not of base64url.",
        bent(lambda v: v.update(payload=v["payload"] + "é")),
    )
    put(
        "joint-sealed-empty",
        "A sealed part that holds nothing.",
        bent(lambda v: v["signatures"][0]["header"].update(sealed=[""])),
    )
    put(
        "joint-duplicate-key",
        "A member twice: one reader sees the one payload, the other the other.",
        lambda token: spell(
            Raw(
                b'{"payload":"e30",' + spell(general(token, signature(token, P256)))[1:]
            )
        ),
        "duplicate-key",
    )


def _signers(shelf: Shelf) -> None:
    def put(name: str, code: str, why: str, change: Any, **more: Any) -> None:
        claims = more.pop("claims", need(2, *TWO))
        shelf.sign(name, code, why, with_claims=claims, change=change, **more)

    def with_second(key: Key, **more: Any) -> Any:
        return lambda t: spell(general(t, signature(t, key, **more)))

    put(
        "joint-broken-second", "signature",
        "The second signature is over another payload.",
        with_second(P256, over=b"e30"),
    )  # fmt: skip
    put(
        "joint-broken-third", "signature",
        "One broken signature refuses the record, even if the others are enough.",
        lambda t: spell(
            general(t, signature(t, P256), signature(t, REVOKED, over=b"e30"))
        ),
        claims=need(2, *THREE), first_seen=REVOKED_AT - 1,
    )  # fmt: skip
    put(
        "joint-foreign-cosigner", "foreign-cosigner",
        "Somebody signs whom `need` does not name.",
        cosigned(P256, MONITOR),
    )  # fmt: skip
    put(
        "cosigned-without-need", "foreign-cosigner",
        "Nobody was to sign but the issuer.",
        cosigned(P256), claims={},
    )  # fmt: skip
    put(
        "joint-unknown-second", "unknown-key",
        "The second key is in no directory.",
        cosigned(STRANGER),
    )  # fmt: skip
    put(
        "joint-duplicate-kid", "duplicate-signer",
        "The same key signs twice; that is one signer.",
        cosigned(P256, P256), claims=need(3, *THREE),
    )  # fmt: skip
    put(
        "joint-lead-twice", "duplicate-signer",
        "The lead signs twice; that is one signer.",
        cosigned(CERT),
    )  # fmt: skip
    put(
        "joint-second-typ", "typ",
        "The second signature was made for something else.",
        with_second(P256, header=header_of(P256) | {"typ": TYP.replace("record", "receipt")}),
    )  # fmt: skip
    put(
        "joint-second-alg", "alg",
        "The second header names another algorithm than its key has.",
        with_second(P256, header=header_of(P256) | {"alg": "EdDSA"}),
    )  # fmt: skip
    put(
        "joint-second-crit", "header",
        "The second header says more than the three.",
        with_second(P256, header=header_of(P256) | {"crit": ["x"]}),
    )  # fmt: skip
    put(
        "joint-second-poses", "signature",
        "One's own signature under another's name.",
        cosigned(Posing(P256.kid, "ES256", CERT.sign)),
    )  # fmt: skip


def _claims(shelf: Shelf) -> None:
    def put(name: str, code: str, why: str, claims: dict[str, Any], **more: Any):
        shelf.sign(
            name, code, why, with_claims=claims,
            **{"change": cosigned(P256)} | more,
        )  # fmt: skip

    put(
        "joint-need-without-lead", "claims",
        "`need` does not name the issuer, who leads.",
        need(2, "cert-bv", "cert-cw"),
    )  # fmt: skip
    put(
        "joint-lead-not-first", "no-lead",
        "The first signature, which names the record, is not the lead's.",
        need(2, *TWO), key=P256, change=cosigned(CERT),
    )  # fmt: skip
    put(
        "joint-lead-missing", "no-lead",
        "One who may sign has signed, but not the lead.",
        need(2, *THREE), key=P256, change=cosigned(REVOKED), first_seen=REVOKED_AT - 1,
    )  # fmt: skip
    put(
        "joint-second-alone", "no-lead",
        "The second signature as a token of its own: valid, and nothing without the lead.",
        need(2, *TWO), key=P256, change=lambda token: token,
    )  # fmt: skip
    put(
        "joint-stranger-leads", "iss-kid",
        "The first signature is of somebody whom `need` does not name.",
        need(2, *TWO), key=PLATFORM,
    )  # fmt: skip
    for name, value in (
        ("one", need(1, *TWO)),
        ("zero", need(0, *TWO)),
        ("more-than-named", need(3, *TWO)),
        ("fraction", need(2.0, *TWO)),
        ("text", need("2", *TWO)),
        ("true", need(True, *TWO)),
        ("seventeen-named", need(2, "cert-aq", *(f"cert-x{n}" for n in range(16)))),
        ("one-named", need(2, "cert-aq")),
        ("one-named-twice", need(2, "cert-aq", "cert-aq")),
        ("no-urn", {"need": {"threshold": 2, "iss": ["cert-aq", "cert-bv"]}}),
        ("nothing", {"need": None}),
        ("no-threshold", {"need": {"iss": need(2, *TWO)["need"]["iss"]}}),
        ("member-unknown", {"need": need(2, *TWO)["need"] | {"or": 1}}),
    ):
        why = "The claim `need` can never be met, or is malformed."
        put(f"need-{name}", "claims", why, value)


def _partial(shelf: Shelf) -> None:
    def put(name: str, why: str, claims: dict[str, Any], change: Any, **more: Any):
        shelf.sign(name, "partial", why, with_claims=claims, change=change, **more)

    two = need(2, *TWO)
    put("partial", "The lead alone has signed yet.", two, lambda token: token)
    put(
        "partial-two-of-three", "Two have signed where three must.",
        need(3, *THREE), cosigned(P256),
    )  # fmt: skip
    put(
        "joint-stripped",
        "A signature was cut off on the way: no key is needed for it, and it shows.",
        two, lambda token: spell(general(token)),
    )  # fmt: skip
    put(
        "partial-revoked", "Without the one whose key is revoked they are too few.",
        need(2, "cert-aq", "cert-cw"), cosigned(REVOKED),
    )  # fmt: skip
    put(
        "partial-key-not-valid", "Signed outside of the validity of the second key.",
        need(2, "cert-aq", "cert-dx"), cosigned(BRIEF), now=NOW,
    )  # fmt: skip
    put(
        "partial-kind-not-allowed", "The second may not publish this kind.",
        need(2, "cert-aq", "monitor-veritas"), cosigned(MONITOR),
    )  # fmt: skip
