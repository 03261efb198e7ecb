"""What a good token says, read without any check and without our own code.

It follows RFC 9901, 7.1, and DESIGN.md 4.3, and is the second opinion that the
verifier of `broker` has to agree with.
"""

import base64
import json
from pathlib import Path
from typing import Any

from tests.vectors.spelling import full_of, joined, parted, sha, unb64

TEXTS = frozenset(
    {
        "description", "abstract", "content", "explanation", "summary",
        "objective", "goal", "error", "body",
    }
)  # fmt: skip
SPLIT = frozenset({"labels", "aliases", "external_references", "events", "tasks"})


def resolved(entry: dict[str, Any], folder: Path) -> bytes:
    """The bytes of a token or body: of a file, of base64, or made by a recipe."""
    if "token" in entry:
        return (folder / entry["token"]).read_bytes()
    if "base64" in entry:
        return base64.b64decode(entry["base64"])
    recipe = entry["recipe"]
    if "keep" in recipe:
        jwt, texts = parted((folder / recipe["of"]).read_bytes())
        return joined(jwt, [texts[i] for i in recipe["keep"]])
    return b"".join(
        (folder / part["of"]).read_bytes()
        if "of" in part
        else part["text"].encode() * part["times"]
        for part in recipe["parts"]
    )


def read(token: bytes) -> dict[str, Any]:
    """What `expected/<name>.json` holds."""
    joint: dict[str, Any] = {}
    if token.startswith(b"{"):
        token, signers = first_of(json.loads(token))
        joint = {"signers": signers} if len(signers) > 1 else {}
    opening = _Opening(token)
    header = json.loads(unb64(opening.jwt.split(b".")[0]))
    claims = opening.value(json.loads(unb64(opening.jwt.split(b".")[1])))
    claims.pop("_sd_alg", None)
    objects = claims.pop("stix")["objects"]
    return {
        "issuer": claims["iss"].removeprefix("urn:tocsin:org:"),
        "kid": header["kid"],
        "token_id": sha(opening.jwt.rpartition(b".")[0]),
        "complete": claims["full"] == full_of(opening.texts),
        "claims": claims,
        "objects": [_plain(each) for each in objects],
        "withheld": opening.missing,
    } | joint


def first_of(general: dict[str, Any]) -> tuple[bytes, list[str]]:
    """The token of the first signature (RFC 9901, 8), and who signed."""
    first = general["signatures"][0]
    jwt = ".".join((first["protected"], general["payload"], first["signature"]))
    headers = [
        json.loads(unb64(s["protected"].encode())) for s in general["signatures"]
    ]
    signers = [header["kid"].partition("/")[0] for header in headers]
    texts = [text.encode() for text in first["header"]["disclosures"]]
    return joined(jwt.encode(), texts), signers


class _Opening:
    def __init__(self, token: bytes) -> None:
        self.jwt, self.texts = parted(token)
        self.pool = {sha(text): json.loads(unb64(text)) for text in self.texts}
        self.missing = 0

    def found(self, digest: str) -> list[Any] | None:
        if digest not in self.pool:
            self.missing += 1
        return self.pool.get(digest)

    def value(self, value: Any) -> Any:
        match value:
            case dict():
                out = {n: self.value(v) for n, v in value.items() if n != "_sd"}
                for digest in value.get("_sd", []):
                    if (parts := self.found(digest)) is not None:
                        out[parts[1]] = self.value(parts[2])
                return out
            case list():
                return [item for each in value for item in self.element(each)]
            case _:
                return value

    def element(self, value: Any) -> list[Any]:
        if not isinstance(value, dict) or "..." not in value:
            return [self.value(value)]
        parts = self.found(value["..."])
        return [] if parts is None else [self.value(parts[1])]


def _plain(stix: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for name, value in stix.items():
        if name in TEXTS and isinstance(value, list):
            out[name] = _joined(value)
        elif name == "extensions" and isinstance(value, dict):
            out[name] = {key: _extension(each) for key, each in value.items()}
        elif value != [] or not _is_split(name):
            out[name] = value
    return out


def _extension(value: Any) -> Any:
    # No vector has an unknown extension, or an array that was empty, of such a name.
    if not isinstance(value, dict):
        return value
    return {n: v for n, v in value.items() if v != [] or not _is_split(n)}


def _is_split(name: str) -> bool:
    return name in SPLIT or (name.endswith("_refs") and name != "object_marking_refs")


def _joined(segments: list[list[Any]]) -> str:
    if not segments:
        return "[withheld]"
    known = {index: text for index, _, text in segments}
    texts = [known.get(i) for i in range(segments[0][1])]
    out = ""
    for before, text in zip(["", *texts], texts, strict=False):
        if text is not None:
            out += text
        elif before is not None or out == "":
            out += "[withheld]"
    return out
