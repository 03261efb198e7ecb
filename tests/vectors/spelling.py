"""JSON, disclosures and SD-JWTs (RFC 9901) spelled by hand, as right or wrong as wished.

The standard library alone, so that what our code refuses was not made by it. Nothing
here is random: whatever looks so derives from the name of the vector.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

GONE: Final = object()
"""As the value of a member: there is none of that name."""

Bend = Callable[[bytes], bytes]
MIN_SALT_CHARS: Final = 22


class Key(Protocol):
    """A key that signs, and what a header says of it."""

    kid: str
    alg: str

    def sign(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Raw:
    """JSON text that goes in as it is."""

    text: bytes


@dataclass(frozen=True)
class Part:
    """A member or an element that becomes a disclosure; may hold further ones.

    Attributes:
        salt: Whatever it is; None: 22 to 24 characters that derive from the seed.
        shape: Turns `[salt, name, value]` or `[salt, value]` into what is disclosed.
        bend: Changes the base64url text.
    """

    value: Any
    salt: Any = None
    shape: Callable[[list[Any]], Any] = lambda parts: parts
    bend: Bend = lambda text: text


@dataclass(frozen=True)
class Cut(Part):
    """A part whose disclosure was cut after signing, with those inside it."""


class Decoy:
    """A member or an element whose digest belongs to nothing."""


@dataclass(frozen=True)
class Digest:
    """An array element `{"...": digest}`, whatever the digest is."""

    value: Any


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unb64(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def sha(text: bytes) -> str:
    """Digest of a disclosure or of a signing input."""
    return b64(hashlib.sha256(text).digest()).decode()


def full_of(texts: Iterable[bytes]) -> str:
    """The claim `full` of a token with these disclosures."""
    return sha("~".join(sorted(map(sha, texts))).encode())


def spell(value: Any) -> bytes:
    """Write JSON without spaces, non-ASCII characters as they are."""
    match value:
        case Raw(text):
            return text
        case dict():
            members = (spell(n) + b":" + spell(v) for n, v in value.items())
            return b"{" + b",".join(members) + b"}"
        case list() | tuple():
            return b"[" + b",".join(map(spell, value)) + b"]"
        case _:
            return json.dumps(value, ensure_ascii=False).encode()


def swap(old: bytes, new: bytes) -> Bend:
    """Replace the one place where *old* stands."""

    def bend(text: bytes) -> bytes:
        assert text.count(old) == 1, old
        return text.replace(old, new)

    return bend


class _Concealing:
    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.used = 0
        self.texts: list[bytes] = []
        self.gone: set[int] = set()

    def noise(self, size: int) -> bytes:
        self.used += 1
        return hashlib.sha512(f"{self.seed}/{self.used}".encode()).digest()[:size]

    def decoy(self) -> str:
        return sha(self.noise(16))

    def disclose(self, part: Part, name: str | None) -> str:
        place = len(self.texts)
        self.texts.append(b"")  # parents before children
        inner = self.walk(part.value)
        if isinstance(part, Cut):
            self.gone |= {*range(place, len(self.texts))}
        rest = [inner] if name is None else [name, inner]
        salt = part.salt
        if salt is None:
            # 3 characters modulo 4, as issuers do: see broker/disclosures.py.
            size = len(spell(part.shape(["", *rest])))
            salt = b64(self.noise(16 + (2 - size - MIN_SALT_CHARS) % 3)).decode()
        text = part.bend(b64(spell(part.shape([salt, *rest]))))
        self.texts[place] = text
        return sha(text)

    def walk(self, value: Any) -> Any:
        match value:
            case dict():
                return self.members(value)
            case list():
                return [self.element(each) for each in value]
            case _:
                return value

    def members(self, value: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        digests: list[Any] = []
        for name, inner in value.items():
            match inner:
                case Part():
                    digests.append(self.disclose(inner, name))
                case Decoy():
                    digests.append(self.decoy())
                case _ if inner is not GONE:
                    shown[name] = self.walk(inner)
        if digests:
            shown["_sd"] = sorted(digests) + shown.get("_sd", [])
        return shown

    def element(self, value: Any) -> Any:
        match value:
            case Part():
                return {"...": self.disclose(value, None)}
            case Decoy():
                return {"...": self.decoy()}
            case Digest(inner):
                return {"...": inner}
            case _:
                return self.walk(value)


def concealed(seed: str, tree: Any) -> tuple[Any, list[bytes], list[bytes]]:
    """Replace parts and decoys by digests; give the disclosures, and those cut."""
    maker = _Concealing(seed)
    shown = maker.walk(tree)
    kept = [t for i, t in enumerate(maker.texts) if i not in maker.gone]
    return shown, kept, [maker.texts[i] for i in sorted(maker.gone)]


def same(data: bytes) -> bytes:
    return data


def jws(
    header: Any,
    payload: Any,
    key: Key,
    *,
    header64: Bend = same,
    payload64: Bend = same,
) -> bytes:
    """Sign header and payload; what is bent is bent before it is signed."""
    first, second = header64(b64(spell(header))), payload64(b64(spell(payload)))
    signed = first + b"." + second
    return signed + b"." + b64(key.sign(signed))


def joined(jwt: bytes, texts: Iterable[bytes]) -> bytes:
    return b"~".join([jwt, *texts, b""])


def parted(token: bytes) -> tuple[bytes, list[bytes]]:
    jwt, *texts = token.split(b"~")
    return jwt, texts[:-1]
