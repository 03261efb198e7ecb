"""Where a fuzzer begins: small good inputs of each target, and words to put in."""

import json
from collections.abc import Iterable
from typing import Any, Final

import zstandard

from schemas.stix import PROPERTY_NAMES, TYPES
from tests.fuzz.standins import SIGNER
from tests.support.records import SAMPLES, incident
from tests.vectors import cast
from tests.vectors.spelling import Part, parted, unb64

_TEXTS: Final = (
    "The site was copied. It is not confirmed that votes were touched. It is not over.",
    "Das Konto wurde gesperrt. Das ist nicht bestätigt.\n\n- eins\n- zwei\n\nEnde.",
    "Le compte a été copié. M. Untel n'est pas visé. Voir p. 3.",
    "هذا غير مؤكد. تم نسخ السجل.",
    "# Title\n\nOne. Two! Three?\n\n```\ncode. more.\n```\n\n> Said. Not so.\n",
)  # fmt: skip
_STAMP: Final = {
    "iss": "urn:tocsin:org:hub",
    "token": "A" * 43,
    "seen": cast.NOW,
    "pos": 1,
    "prev": "",
}
_HEAD: Final = {
    "iss": "urn:tocsin:org:hub",
    "iat": cast.NOW,
    "pos": 1,
    "link": "A" * 43,
}


def seeds(target: str) -> list[bytes]:
    """Give the seeds of a target, always the same ones."""
    tokens = list(_tokens())
    texts = [text for token in tokens for text in parted(token)[1]]
    lines = [unb64(text) for text in texts]
    match target:
        case "token":
            return [*tokens, *map(_lines_of, tokens)]
        case "structured":
            return [b"", bytes(range(64)), bytes(range(255, 0, -2))]
        case "differential":
            return [b"\n".join(lines[:4]), b"\n".join(texts[:3]), *lines[:8]]
        case "wire":
            return list(_frames(tokens[0]))
        case "codec":
            return [
                _spelled(_STAMP),
                _spelled(incident()),
                b'[1.5,-0.0,1E2,"\\u00e9",null]',
            ]
        case "segments":
            return [bytes([i]) + text.encode() for i, text in enumerate(_TEXTS)]
        case "stamps":
            return list(_stamps())
        case _:
            return [_spelled(each) for each in _objects()]


def words() -> str:
    """Give libFuzzer's dictionary: names of properties and types, and JSON."""
    known = {
        *PROPERTY_NAMES,
        *TYPES,
        *_STAMP,
        *_HEAD,
        "_sd",
        "...",
        "_sd_alg",
        "bundle",
    }
    marks = {". ", "\\x0a\\x0a", "- ", "not ", "nicht ", '\\"', "--", "\\\\ud800", "{}"}
    return "".join(f'"{word}"\n' for word in sorted(known | marks))


def _spelled(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _tokens() -> Iterable[bytes]:
    labelled = cast.main(labels=cast.each("a", "b", decoys=2))
    said = cast.main(description=cast.said("It is so.", "It is not."))
    core = {"extension_type": "property-extension", "criticality": Part(60)}
    extended = cast.main(extensions={cast.CORE: core})
    for objects in ((cast.main(),), (labelled, cast.address()), (said,), (extended,)):
        yield cast.issue("fuzz", cast.claims(*objects, to=Part(["a"])), key=SIGNER)


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


def _stamps() -> Iterable[bytes]:
    def line(typ: str, claims: dict[str, Any]) -> bytes:
        header = {"alg": "EdDSA", "kid": cast.HUB.kid, "typ": typ}
        return b"\t".join([_spelled(header), _spelled(claims), b"x"])

    stamp = line("vnd.tocsin.seen+jwt", _STAMP)
    later = line("vnd.tocsin.seen+jwt", _STAMP | {"pos": 3, "prev": "B" * 42 + "A"})
    head = line("vnd.tocsin.head+jwt", _HEAD | {"pos": 2, "link": "B" * 42 + "A"})
    far = line("vnd.tocsin.head+jwt", _HEAD | {"pos": 9})
    return (b"", stamp, later, later + b"\n" + head, stamp + b"\n" + far)


def _objects() -> Iterable[dict[str, Any]]:
    """Give one object of each type in the samples, and a small bundle."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(SAMPLES.glob("*.json")):
        for each in json.loads(path.read_bytes())["objects"]:
            found.setdefault(each["type"], each)
    yield from found.values()
    yield {"type": "bundle", "objects": [incident()]}
