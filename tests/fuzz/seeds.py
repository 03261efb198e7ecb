"""Where a fuzzer begins: small good inputs of each target, and words to put in."""

import json
from collections.abc import Iterable
from typing import Any, Final

import zstandard

from broker.sdjwt import digest
from schemas.stix import PROPERTY_NAMES, TYPES
from tests.fuzz import directory_seeds
from tests.fuzz.building import CANARY
from tests.fuzz.standins import SIGNER
from tests.support.records import SAMPLES, incident
from tests.vectors import cast, sealed
from tests.vectors.joint import general, signature
from tests.vectors.spelling import Part, b64, parted, unb64

_TEXTS: Final = (
    "The site was copied. It is not confirmed that votes were touched. It is not over.",
    "Das Konto wurde gesperrt. Das ist nicht bestätigt.\n\n- eins\n- zwei\n\nEnde.",
    "Le compte a été copié. M. Untel n'est pas visé. Voir p. 3.",
    "هذا غير مؤكد. تم نسخ السجل.",
    "# Title\n\nOne. Two! Three?\n\n```\ncode. more.\n```\n\n> Said. Not so.\n",
)  # fmt: skip
_JSON_TEXTS: Final = (
    b'[1.5,-0.0,1E2,"\\u00e9",null,true]', b'"\\ud800"', b"[NaN]", b"\xff", b'{"a":1,"a":2}',
    b"9007199254740993", b"1e400", b"[" * 40 + b"]" * 40, b"[" * 500, b"[1,]",
)  # fmt: skip
_STAMP: Final = {
    "iss": "urn:tocsin:org:hub",
    "token": "A" * 43,
    "seen": cast.NOW,
    "pos": 1,
    "prev": "",
}
_RECEIPT: Final = {
    "iss": "urn:tocsin:org:hub",
    "iat": cast.NOW,
    "token": "A" * 43,
    "audience": "platform",
    "received": "A" * 43,
    "evidence": "A" * 43,
    "projection": "A" * 43,
    "policy": {"id": "default", "version": 1, "sha256": "0" * 64},
    "withheld": {"marked": "2-9"},
    "chain": {"pos": 2, "link": "B" * 42 + "A"},
}
_BEAT: Final = {
    "iss": "urn:tocsin:org:cert-aq",
    "line": "A" * 22,
    "community": cast.ALL,
    "tlp": "GREEN",
    "hash": "@chain",
}
_HEARD: Final = {
    "iss": "urn:tocsin:org:hub",
    "heartbeat": "@beat",
    "seen": cast.NOW,
    "lacks": ["A" * 43],
}
_HEAD: Final = {
    "iss": "urn:tocsin:org:hub",
    "iat": cast.NOW,
    "pos": 1,
    "link": "A" * 43,
}


_CHANGES: Final[list[dict[str, Any]]] = [
    {"kind": "retraction"},
    {"iss": "urn:tocsin:org:monitor-veritas"},
    {"tlp": "AMBER"},
    {"kind": "campaign"},
    {"ver": "2026-12-01T10:00:01.000Z"},
    {"exp": cast.NOW - 1},
    {"iat": cast.NOW + 121},
    {"_sd_alg": "sha-512"},
    {"vct": Part("urn:tocsin:record:1")},
    {CANARY: 1},
    {"iat": cast.epoch("2025-01-01T00:00:00Z")},
    {"seq": 1},
    {"_sd": ["A" * 43], "aud": [{"...": "B" * 43}]},
]


def seeds(target: str) -> list[bytes]:
    """Give the seeds of a target, always the same ones."""
    tokens = list(_tokens())
    texts = [text for token in tokens for text in parted(token)[1]]
    lines = [unb64(text) for text in texts]
    match target:
        case "token":
            return [*tokens, *map(_lines_of, tokens), *_framed(tokens[-1])]
        case "structured":
            return [b"", bytes(range(64)), bytes(range(255, 0, -2))]
        case "differential":
            odd = list(_aligned())
            spelled = [b64(line) for line in odd]
            foreign = [
                text.translate(bytes.maketrans(b"-_", b"+/")) for text in spelled
            ]
            good = [b"\n".join(lines[:4]), b"\n".join(texts[:3]), *lines[:8]]
            return [*good, *odd, *spelled, *foreign]
        case "wire":
            return list(_frames(tokens[0]))
        case "joint":
            return list(_joint(tokens[-1]))
        case "codec":
            return [_spelled(_STAMP), _spelled(incident()), *_JSON_TEXTS]
        case "segments":
            return [bytes([i]) + text.encode() for i, text in enumerate(_TEXTS)]
        case "stamps":
            return list(_stamps())
        case "chain":
            return list(_chain())
        case "directory":
            return list(directory_seeds.entries())
        case "metadata" | "client":
            return list(directory_seeds.repositories())
        case "joining":
            return list(directory_seeds.requests())
        case "welcoming":
            return list(directory_seeds.answers())
        case "beats":
            return list(_beats())
        case "sealed":
            return list(_sealed())
        case _:
            return [_spelled(each) for each in _objects()]


def words() -> str:
    """Give libFuzzer's dictionary: names of properties and types, and JSON."""
    known = {
        *PROPERTY_NAMES,
        *TYPES,
        *_STAMP,
        *_HEAD,
        *_RECEIPT,
        *_BEAT,
        *_HEARD,
        "_sd",
        "...",
        "_sd_alg",
        "bundle",
        *directory_seeds.WORDS,
    }
    marks = {". ", "\\x0a\\x0a", "- ", "not ", "nicht ", '\\"', "--", "\\\\ud800", "{}"}
    return "".join(f'"{word}"\n' for word in sorted(known | marks))


def _spelled(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _joint(token: bytes) -> Iterable[bytes]:
    """A record under several signatures, with sealed parts, and what is wrong with some."""
    other = signature(token, SIGNER)
    alone, two = general(token), general(token, other)
    yield from map(_spelled, (alone, two, general(token, other, sealed=["c2VhbGVk"])))
    for key in ("payload", "signatures"):
        yield _spelled({name: value for name, value in two.items() if name != key})
    two["signatures"][1]["header"] = {"disclosures": []}
    yield _spelled(two)
    posing = cast.Posing(cast.P256.kid, "ES256", SIGNER.with_key)
    need = {"threshold": 2, "iss": [f"urn:tocsin:org:cert-{o}" for o in ("aq", "bv")]}
    lead = cast.issue("fuzz", cast.claims(cast.main(), need=need), key=SIGNER)
    yield _spelled(general(lead, signature(lead, posing)))
    yield _spelled(general(lead, signature(lead, SIGNER)))


def _tokens() -> Iterable[bytes]:
    labelled = cast.main(labels=cast.each("a", "b", decoys=2))
    said = cast.main(description=cast.said("It is so.", "It is not."))
    core = {"extension_type": "property-extension", "criticality": Part(60)}
    extended = cast.main(extensions={cast.CORE: core})
    # Each of these is refused for its claims.
    for changed in _CHANGES:
        yield cast.issue("fuzz", cast.claims(cast.main(), **changed), key=SIGNER)
    for key in (cast.REVOKED, cast.MONITOR):
        theirs = cast.claims(cast.main(), iss=f"urn:tocsin:org:{key.org}")
        posing = cast.Posing(key.kid, "EdDSA", SIGNER.with_key)
        yield cast.issue("fuzz", theirs, key=posing)
    for objects in ((cast.main(),), (labelled, cast.address()), (said,), (extended,)):
        yield cast.issue(
            "fuzz",
            cast.claims(*objects, to=Part(["urn:tocsin:org:cert-bv"])),
            key=SIGNER,
        )


def _aligned() -> Iterable[bytes]:
    """Disclosures that are read in one piece, if nothing is wrong with them."""
    for rest in (
        b'"n","\xf4\x8f\xbf\xbe??>>~~"]',
        b'{"a":1,"a":2}]',
        b'"n",1E2]',
        b"[ ]]",
    ):
        salt = b"s" * 22 + b"s" * (-len(rest) % 3)
        yield b'["' + salt + b'",' + rest


def _framed(token: bytes) -> Iterable[bytes]:
    """Give what is wrong around the claims alone."""
    yield token[:-1]
    yield token + parted(token)[1][0] + b"~"
    head = cast.header_of(SIGNER)
    for wrong in ({"typ": "JWT"}, {"alg": "none"}, {"crit": []}, {"kid": " " * 1024}):
        yield cast.issue("f", cast.claims(cast.main()), header=head | wrong, key=SIGNER)


def _lines_of(token: bytes) -> bytes:
    """Spell a token as `tests.fuzz.targets.token` reads it after a line feed."""
    jwt, texts = parted(token)
    return b"\n".join([b"", *map(unb64, [*jwt.split(b".")[:2], *texts])])


def _frames(token: bytes) -> Iterable[bytes]:
    yield token
    for checked in (True, False):
        for sized in (True, False):
            maker = zstandard.ZstdCompressor(
                write_checksum=checked, write_content_size=sized
            )
            yield maker.compress(token)
            yield maker.compress(b"a" * 3000)
    # RFC 8878, 3.1.1: a frame that says it holds 64 MiB, and one of nothing.
    yield bytes.fromhex("28b52ffda000000004010000")
    yield bytes.fromhex("28b52ffd2000010000")


def _stamps() -> Iterable[bytes]:
    def line(typ: str, claims: dict[str, Any]) -> bytes:
        header = {"alg": "EdDSA", "kid": cast.HUB.kid, "typ": typ}
        return b"\t".join([_spelled(header), _spelled(claims), b"x"])

    stamp = line("vnd.tocsin.seen+jwt", _STAMP)
    later = line("vnd.tocsin.seen+jwt", _STAMP | {"pos": 3, "prev": "B" * 42 + "A"})
    head = line("vnd.tocsin.head+jwt", _HEAD | {"pos": 2, "link": "B" * 42 + "A"})
    wrong = (
        line("vnd.tocsin.head+jwt", _STAMP),
        line("vnd.tocsin.seen+jwt", _STAMP | {"iss": "urn:tocsin:org:cert-aq"}),
        line("vnd.tocsin.seen+jwt", _STAMP | {"prev": "B" * 42 + "A"}),
        line("vnd.tocsin.seen+jwt", _STAMP | {"pos": 2}),
        line("vnd.tocsin.seen+jwt", _STAMP | {"seen": cast.NOW + 121}),
        stamp + b"\n" + line("vnd.tocsin.head+jwt", _HEAD | {"pos": 0}),
        stamp + b"\n" + line("vnd.tocsin.head+jwt", _HEAD | {"link": "B" * 42 + "A"}),
    )
    far = line("vnd.tocsin.head+jwt", _HEAD | {"pos": 9})
    return (b"", stamp, later, later + b"\n" + head, stamp + b"\n" + far, *wrong)


def _beats() -> Iterable[bytes]:
    """Give heartbeats that go on, skip, repeat and contradict each other."""

    def line(key: Any, typ: str, claims: dict[str, Any]) -> bytes:
        header = {"alg": "EdDSA", "kid": key.kid, "typ": typ}
        return b"\t".join([_spelled(header), _spelled(claims), b"x"])

    def beat(upto: int, listed: int, iat: int = 0, **more: Any) -> bytes:
        first = max(0, upto - listed)
        before = ""
        for token_id, _ in ids[:first]:
            before = digest(f"{before}.{token_id}".encode())
        claims = _BEAT | {
            "iat": cast.NOW - 100 + iat,
            "count": upto,
            "before": before,
            "ids": ids[first:upto],
        }
        typ = "vnd.tocsin.heartbeat+jwt"
        heard = line(cast.HUB, "vnd.tocsin.heard+jwt", _HEARD)
        return line(cast.CERT, typ, claims | more) + b"\n" + heard

    ids = [[digest(str(i).encode()), cast.NOW - 200] for i in range(5)]
    one = beat(2, 9)
    return (
        b"",
        one,
        b"\n".join([one, beat(4, 9, 1)]),
        b"\n".join([one, beat(5, 1, 1)]),
        b"\n".join([one, one]),
        b"\n".join([beat(4, 9), beat(3, 9, 1)]),
        b"\n".join([one, beat(2, 9, 1, ids=[ids[3], ids[1]])]),
        b"\n".join([one, beat(2, 9, 1, tlp="AMBER")]),
        beat(2, 9, hash="A" * 43),
        beat(2, 9, count=1),
        beat(2, 9, iss="urn:tocsin:org:hub"),
        beat(2, 9, iat=1000),
    )


def _chain() -> Iterable[bytes]:
    """Give a chain of three stamps, a head and a receipt over it, and forks of it."""

    def jws(typ: str, claims: dict[str, Any]) -> str:
        header = {"alg": "EdDSA", "kid": cast.HUB.kid, "typ": typ}
        return (b64(_spelled(header)) + b"." + b64(_spelled(claims))).decode()

    def lines(text: str) -> bytes:
        return b"\t".join(map(unb64, text.encode().split(b".")))

    path: list[str] = []
    for pos in (1, 2, 3):
        prev = digest(path[-1].encode()) if path else ""
        path.append(jws("vnd.tocsin.seen+jwt", _STAMP | {"pos": pos, "prev": prev}))
    link = digest(path[-1].encode())
    head = jws("vnd.tocsin.head+jwt", _HEAD | {"pos": 3, "link": link}) + ".AA"
    other = jws("vnd.tocsin.head+jwt", _HEAD | {"pos": 3, "link": _STAMP["token"]})
    low = jws("vnd.tocsin.head+jwt", _HEAD | {"pos": 2, "link": _STAMP["token"]})
    receipt = jws("vnd.tocsin.receipt+jwt", _RECEIPT | {"head": head}) + ".AA"
    under = [lines(each) for each in path]
    yield b"\n".join([lines(head), *under])
    yield b"\n".join([lines(head), *under[1:]])
    yield b"\n".join([lines(head), *under[:2]])
    yield b"\n".join([lines(receipt), *under])
    for change in ({"iat": cast.NOW + 121}, {"iss": "urn:tocsin:org:x"}, {"head": "x"}):
        yield lines(jws("vnd.tocsin.receipt+jwt", _RECEIPT | change) + ".AA")
    fork = {"type": "tocsin-fork"}
    for pair, steps in (
        ((head, other + ".AA"), []),
        ((head, head), []),
        ((receipt, low + ".AA"), []),
        ((low + ".AA", head), path),
        ((head, low + ".AA"), path),
    ):
        yield _spelled(fork | {"statements": pair, "path": steps})
    yield _spelled(fork)
    yield lines(receipt).split(b"\t")[0] + b"\t{\tx"


def _objects() -> Iterable[Any]:
    """Give one object of each type in the samples, and a small bundle."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(SAMPLES.glob("*.json")):
        for each in json.loads(path.read_bytes())["objects"]:
            found.setdefault(each["type"], each)
    yield from found.values()
    yield {"type": "bundle", "objects": [incident()]}
    address = {"type": "ipv4-addr", "id": cast.an_id("ipv4-addr"), "value": "192.0.2.7"}
    for second in ({}, {"value": "192.0.2.8"}, {"labels": ["a"]}, {"defanged": True}):
        yield [address, address | second]
    yield [incident(), incident() | {"x_a": 1}]
    yield incident(spec_version=CANARY)
    yield incident(confidence=CANARY, **{CANARY: 2**53})


def _sealed() -> Iterable[bytes]:
    one = sealed.Record("fuzz")
    good = sealed.part(one)
    yield good
    yield b"\n" + unb64(good)
    yield sealed.filled(b"~".join(one.compartments[0]))
