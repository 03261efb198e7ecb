"""Bad vectors: framing, base64url, header, algorithm, key and signature."""

import hashlib
import json
from typing import Any

from tests.vectors.cast import (
    BARE,
    CERT,
    HUB,
    NOW,
    P256,
    PLATFORM,
    STRANGER,
    TYP,
    Posing,
    address,
    claims,
    header_of,
    hs256,
    issue,
    main,
    named,
    secret_of,
)
from tests.vectors.spelling import (
    Bend,
    Raw,
    b64,
    joined,
    jws,
    parted,
    sha,
    spell,
    swap,
    unb64,
)
from tests.vectors.vector import Shelf, Vector

ORG = "urn:tocsin:org:"
# RFC 8032, 5.1: order of the base point.
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
P256_SIGNATURES = {
    "es256-signature-in-der": "DER is no JWS signature: 64 bytes, r and s (RFC 7518, 3.4).",
    "es256-zero-signature": "r = s = 0 must never hold (CVE-2022-21449).",
}


def vectors() -> list[Vector]:
    shelf = Shelf("format")
    _framing(shelf)
    _base64(shelf)
    _headers(shelf)
    _types(shelf)
    _algorithms(shelf)
    _keys(shelf)
    _signatures(shelf)
    _elliptic(shelf)
    return shelf.made


def _framing(shelf: Shelf) -> None:
    proof = {"alg": "EdDSA", "typ": "kb+jwt"}

    def bound(token: bytes) -> bytes:
        said = {"iat": 1796126400, "aud": "x", "nonce": "1", "sd_hash": sha(token)}
        return token + jws(proof, said, CERT)

    for name, why, change in (
        ("empty", "Nothing at all.", lambda _: b""),
        ("tildes-alone", "Tildes without a JWT.", lambda _: b"~~"),
        ("no-final-tilde", "Lax readers take the last disclosure for a key binding.", lambda t: t[:-1]),
        ("jwt-without-tilde", "A bare JWT is no SD-JWT; it ends with a tilde.", lambda t: parted(t)[0]),
        ("key-binding", "A key binding JWT stands after the last tilde; none is used here.", bound),
        ("two-parts", "The signature is missing with its dot.", swap_jwt(lambda j: j.rpartition(b".")[0])),
        ("four-parts", "The JWT has a fourth part.", swap_jwt(lambda j: j + b".AAAA")),
        ("line-feed-at-the-end", "A line feed stands behind the last tilde.", lambda t: t + b"\n"),
    ):  # fmt: skip
        # Without dots these are as little a JWT as they are anything else.
        shelf.sign(f"framing-{name}", "framing", why, named(), change=change)
    why = "Two tildes in a row: an empty disclosure."
    also = ("framing", "disclosure-shape", "unreferenced-disclosure", "bad-base64")
    shelf.sign("empty-disclosure", "not-json", why, more=(b"",), also=also)


def swap_jwt(bend: Bend) -> Bend:
    """Change the JWT, and leave the disclosures."""

    def change(token: bytes) -> bytes:
        jwt, texts = parted(token)
        return joined(bend(jwt), texts)

    return change


def _base64(shelf: Shelf) -> None:
    """Everything but the spelling is right: these bytes were signed as they are."""
    code = "bad-base64"
    spaced = json.dumps(header_of(CERT)).encode()
    while len(b64(spaced)) % 4 != 2:
        spaced += b" "
    header: dict[str, Any] = {"header": Raw(spaced)}

    def padded(text: bytes) -> bytes:
        return text + b"=" * (-len(text) % 4)

    def payload(text: bytes) -> bytes:
        return text + b" " * ((1 - len(text)) % 3)  # so that there are spare bits

    def spare(text: bytes) -> bytes:
        assert len(text) % 4 == 2
        return text[:-1] + bytes([text[-1] + 1])

    for name, why, bend in (
        ("padding", "Padding is no base64url of JOSE (RFC 7515, 2).", padded),
        ("spare-bits", "The unused bits are not zero, so one value has two spellings.", spare),
        ("line-feed", "A line feed stands inside.", lambda t: t[:8] + b"\n" + t[8:]),
        ("space", "A space stands at the end.", lambda t: t + b" "),
        ("one-character-more", "Its length is 1 modulo 4.", lambda t: t + b"AAA"),
    ):  # fmt: skip
        shelf.sign(f"header-{name}", code, why, header64=bend, **header)
        shelf.sign(f"payload-{name}", code, why, payload=payload, payload64=bend)
    _base64_of_signature(shelf, code)
    _standard_alphabet(shelf, code)


def _base64_of_signature(shelf: Shelf, code: str) -> None:
    for name, why, change in (
        ("padding", "A padded signature is another token for the same bytes.", lambda j: j + b"=="),
        ("spare-bits", "Four spare bits: sixteen spellings of one signature.", lambda j: j[:-1] + bytes([j[-1] + 1])),
        ("line-feed", "A line feed stands in the signature.", lambda j: j[:-4] + b"\n" + j[-4:]),
        ("space", "A space stands behind the signature.", lambda j: j + b" "),
    ):  # fmt: skip
        shelf.sign(f"signature-{name}", code, why, change=swap_jwt(change))


def _standard_alphabet(shelf: Shelf, code: str) -> None:
    why = "+ and / are of another alphabet, which lax decoders take."
    name = "signature-alphabet"
    # Not every signature has such a character.
    tokens = (issue(name, claims(BARE, exp=NOW + 86_400 + i)) for i in range(99))
    token = next(t for t in tokens if {*b"-_"} & {*parted(t)[0].rpartition(b".")[2]})

    def foreign(jwt: bytes) -> bytes:
        signed, _, text = jwt.rpartition(b".")
        return signed + b"." + text.replace(b"-", b"+").replace(b"_", b"/")

    shelf.put(name, code, why, swap_jwt(foreign)(token))


def _headers(shelf: Shelf) -> None:
    own = header_of(CERT)
    jwk = STRANGER.jwk
    more: dict[str, Any] = {
        "crit": ["exp"],
        "jwk": jwk,
        "jku": "https://keys.example/",
        "x5t#S256": "A" * 43,
        "zip": "DEF",
        "b64": False,
        "nonsense": None,
        "Kid": CERT.kid,
    }
    for name, value in more.items():
        why = (
            f"The header has the member {name}; only alg, kid and typ may stand there."
        )
        plain = name.lower().replace("#", "-") + (
            "-in-capitals" if name == "Kid" else ""
        )
        shelf.sign(f"header-{plain}", "header", why, header=own | {name: value})
    shelf.sign(
        "header-jwk-of-a-stranger",
        "header",
        "The header brings the key that verifies: anybody could sign.",
        header=own | {"jwk": jwk},
        key=Posing(CERT.kid, CERT.alg, STRANGER.sign),
        also=("signature",),
    )
    missing = {"alg": ("alg",), "kid": ("unknown-key",), "typ": ("typ",)}
    for name, also in missing.items():
        short = {n: v for n, v in own.items() if n != name}
        why = f"The header lacks {name}."
        shelf.sign(f"header-without-{name}", "header", why, header=short, also=also)
    for name in own:
        for kind, value in (("number", 1), ("list", [own[name]]), ("null", None)):
            why = f"{name} is no string."
            shelf.sign(
                f"header-{name}-a-{kind}", "header", why, header=own | {name: value}
            )
    _header_texts(shelf, spell(own))


def _header_texts(shelf: Shelf, own: bytes) -> None:
    twice = own[:-1]
    json_codes = ("not-json",)
    for name, why, text, also in (
        ("alg-twice", "Two members alg: parsers take the first or the last.",
         twice + b',"alg":"EdDSA"}', ("duplicate-key",)),
        ("alg-twice-escaped", "The same, one spelled with an escape.",
         twice + b',"\\u0061lg":"none"}', ("duplicate-key",)),
        ("kid-twice", "Two members kid.",
         twice + b',"kid":"%s"}' % PLATFORM.kid.encode(), ("duplicate-key",)),
        ("array", "The header is no object.", b"[" + own + b"]", ()),
        ("no-json", "The header is cut off.", twice, json_codes),
        ("two-values", "Something stands behind the header's object.", own + b"{}", json_codes),
        ("byte-order-mark", "A byte order mark stands before it.", b"\xef\xbb\xbf" + own, json_codes),
        ("too-long", "More than 1,024 characters of header.", own + b" " * 1024, ()),
    ):  # fmt: skip
        shelf.sign(f"header-{name}", "header", why, header=Raw(text), also=also)


def _types(shelf: Shelf) -> None:
    for name, typ in (
        ("receipt", "vnd.tocsin.receipt+jwt"),
        ("seen", "vnd.tocsin.seen+jwt"),
        ("key-binding", "kb+jwt"),
        ("credential", "dc+sd-jwt"),
        ("with-application", f"application/{TYP}"),
        ("in-capitals", TYP.upper()),
    ):
        why = "What is signed as another type must not be read as a record."
        shelf.sign(f"typ-{name}", "typ", why, header=header_of(CERT) | {"typ": typ})


def _algorithms(shelf: Shelf) -> None:
    own = header_of(CERT)
    nobody = Posing(CERT.kid, "none", lambda _: b"")
    secret = Posing(CERT.kid, "HS256", hs256(unb64(CERT.jwk["x"].encode())))
    text = Posing(CERT.kid, "HS256", hs256(spell(CERT.jwk)))
    swapped = (
        "The key is of the other algorithm; the directory decides, not the header."
    )
    for name, why, alg, key in (
        ("none", "No signature at all.", "none", nobody),
        ("none-in-other-case", "No signature, and the name spelled otherwise.", "nOnE", nobody),
        ("none-but-signed", "The signature is right, the header says there is none.", "none", CERT),
        ("hs256-with-public-key", "A MAC keyed with the public key: anybody can make it.", "HS256", secret),
        ("hs256-with-jwk", "The same, keyed with the text of the JWK.", "HS256", text),
        ("es256-of-an-ed25519-key", swapped, "ES256", CERT),
        ("rs256", swapped, "RS256", CERT),
        ("in-lower-case", "Names of algorithms are compared letter by letter.", "eddsa", CERT),
    ):  # fmt: skip
        shelf.sign(f"alg-{name}", "alg", why, header=own | {"alg": alg}, key=key)
    bv = {"iss": ORG + P256.org}
    for alg in ("EdDSA", "Ed25519"):
        header = header_of(P256) | {"alg": alg}
        name = f"alg-{alg.lower()}-of-a-p256-key"
        shelf.sign(name, "alg", swapped, with_claims=bv, header=header, key=P256)


def _keys(shelf: Shelf) -> None:
    own = header_of(CERT)
    why = "Signed by a key that no member owns."
    shelf.sign("key-of-a-stranger", "unknown-key", why, key=STRANGER)
    why = "The name of the organisation alone is no name of a key."
    shelf.sign("kid-organisation", "unknown-key", why, header=own | {"kid": CERT.org})
    why = "The right thumbprint under the name of another organisation."
    borrowed = PLATFORM.org + "/" + CERT.kid.partition("/")[2]
    shelf.sign("kid-borrowed", "unknown-key", why, header=own | {"kid": borrowed})
    for name, kid in (("in-capitals", CERT.kid.upper()), ("longer", CERT.kid + "A")):
        why = "Names of keys are compared letter by letter."
        shelf.sign(f"kid-{name}", "unknown-key", why, header=own | {"kid": kid})
    why = "The hub's own key redacts and never authors."
    hub = {"iss": ORG + HUB.org}
    shelf.sign("key-of-the-hub", "unknown-key", why, with_claims=hub, key=HUB)
    why = "A member signs with its own key in the name of another."
    shelf.sign(
        "iss-of-another",
        "iss-kid",
        why,
        main("campaign"),
        key=PLATFORM,
        with_claims={"kind": "campaign"},
    )
    why = "The key is the CERT's, the issuer named another."
    other = {"iss": ORG + "cert-bv"}
    shelf.sign("iss-foreign", "iss-kid", why, with_claims=other)


def _signatures(shelf: Shelf) -> None:
    why = "Signed by a stranger under the name of the CERT's key."
    posing = Posing(CERT.kid, CERT.alg, STRANGER.sign)
    shelf.sign("signature-of-a-stranger", "signature", why, key=posing)
    another = issue("signature-of-another", claims(address()))
    theirs = parted(another)[0].rpartition(b".")[2]

    def other_s(jwt: bytes) -> bytes:
        signed, _, text = jwt.rpartition(b".")
        raw = unb64(text)
        s = int.from_bytes(raw[32:], "little") + ED25519_ORDER
        return signed + b"." + b64(raw[:32] + s.to_bytes(32, "little"))

    def changed(jwt: bytes) -> bytes:
        head, body, last = jwt.split(b".")
        bent = swap(b'"tlp":"GREEN"', b'"tlp":"CLEAR"')(unb64(body))
        return b".".join([head, b64(bent), last])

    def re_headed(jwt: bytes) -> bytes:
        head, body, last = jwt.split(b".")
        return b".".join([b64(unb64(head) + b" "), body, last])

    def neutral(data: bytes) -> bytes:
        """Solve the equation of RFC 8032, 5.1.7 with R the neutral point."""
        digest = bytearray(hashlib.sha512(secret_of(CERT.org)).digest()[:32])
        digest[0] &= 248
        digest[31] = digest[31] & 127 | 64
        scalar = int.from_bytes(digest, "little")
        point = (1).to_bytes(32, "little")
        hashed = hashlib.sha512(point + unb64(CERT.jwk["x"].encode()) + data).digest()
        s = int.from_bytes(hashed, "little") * scalar % ED25519_ORDER
        return point + s.to_bytes(32, "little")

    why = "R is of small order: OpenSSL takes it, Node.js does not."
    careless = Posing(CERT.kid, CERT.alg, neutral)
    shelf.sign("signature-with-small-r", "signature", why, key=careless)
    for name, why, change in (
        ("payload-changed", "A claim was changed after signing.", changed),
        ("header-changed", "A space was added to the header after signing.", re_headed),
        ("of-another-token", "The signature of another record.", lambda j: j.rpartition(b".")[0] + b"." + theirs),
        ("empty", "The signature is empty.", lambda j: j.rpartition(b".")[0] + b"."),
        ("zeros", "64 zero bytes.", lambda j: j.rpartition(b".")[0] + b"." + b64(bytes(64))),
        ("too-short", "63 bytes of a signature.", lambda j: j.rpartition(b".")[0] + b"." + b64(unb64(j.rpartition(b".")[2])[:63])),
        ("other-s", "s plus the order of the group: RFC 8032, 5.1.7 refuses it.", other_s),
    ):  # fmt: skip
        shelf.sign(f"signature-{name}", "signature", why, change=swap_jwt(change))


def _elliptic(shelf: Shelf) -> None:
    bv = {"iss": ORG + P256.org}
    for (name, why), sign in zip(
        P256_SIGNATURES.items(), (P256.der, lambda _: bytes(64)), strict=True
    ):
        key = Posing(P256.kid, P256.alg, sign)
        shelf.sign(name, "signature", why, with_claims=bv, key=key)
    why = "An Ed25519 signature under the name of a P-256 key."
    key = Posing(P256.kid, P256.alg, CERT.sign)
    shelf.sign("es256-by-ed25519", "signature", why, with_claims=bv, key=key)
