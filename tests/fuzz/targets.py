"""What is fuzzed: bytes in, nothing out; an exception is a finding.

Each target takes any bytes. Refusals (`RefusedError`) are no findings, but they are
checked as well. Sizes and times are bounded by `tests.fuzz.run`.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import msgspec
import zstandard

from adapters.sources import stix21
from broker import (
    base64url,
    carried,
    disclosures,
    following,
    heads,
    heartbeats,
    proofs,
    sdjwt,
    seal,
    seen,
    segments,
    trust,
    wire,
)
from broker.bus import Message
from broker.errors import TrustError
from broker.following import Place
from schemas import codec, stix
from schemas.errors import RefusedError
from schemas.profile import WITHHELD_TEXT
from tests.fuzz import directories, strict_json
from tests.fuzz.building import record
from tests.fuzz.choices import Choices, subset
from tests.fuzz.properties import check_token, refusals
from tests.fuzz.standins import DIRECTORY, OPENER
from tests.vectors.cast import NOW

_LANGUAGES: Final = ("", "en", "de", "fr", "ar", "tlh", "en-GB")
_TOKEN_ID: Final = "T" * 42 + "A"
_MAX_JSON_BYTES: Final = 1 << 16


def token(data: bytes) -> None:
    """Any bytes as a token, behind a key that takes every signature.

    After a line feed the bytes are `header LF payload LF disclosure ...` in JSON, spelled as
    base64url here: a fuzzer changes JSON with more success.
    """
    check_token(_spelled_token(data[1:]) if data[:1] == b"\n" else data, data)


def _spelled_token(data: bytes) -> bytes:
    header, payload, *texts = map(base64url.encode, [*data.split(b"\n"), b""])
    return b"~".join([b".".join([header, payload, b"AA"]), *texts])


def structured(data: bytes) -> None:
    """Records whose digests are right, and whatever else is wrong."""
    check_token(record(Choices(data)), data)


def differential(data: bytes) -> None:
    """Many disclosures at once are read as they are one by one, and so are digests.

    Lines of *data*; those that begin with `[` are spelled as base64url here.
    """
    lines = data.split(b"\n")
    texts = [base64url.encode(x) if x[:1] == b"[" else x for x in lines]
    assert _outcome(disclosures.decode, texts) == _outcome(_one_by_one, texts)
    for text in texts:
        assert _outcome(disclosures.decode, [text]) == _outcome(_one_by_one, [text])
    assert disclosures.digests(texts) == [sdjwt.digest(text) for text in texts]
    claimed = [text.decode("latin-1") for text in texts]
    assert _is_refused(disclosures.check_digests, claimed) == (
        len(set(texts)) < len(texts) or not all(map(_is_digest, texts))
    )


def _one_by_one(texts: list[bytes]) -> list[Any]:
    # Named as `decode` names them, so that places have to agree too.
    return [disclosures._one(t, f"disclosure {i}") for i, t in enumerate(texts)]


def _outcome(call: Callable[[Any], Any], argument: Any) -> str:
    """Spell what is given or refused, with the types of numbers."""
    try:
        return repr(call(argument))
    except RefusedError as error:
        with refusals():
            raise
        return f"refused: {error}"


def _is_refused(call: Callable[[Any], Any], argument: Any) -> bool:
    try:
        call(argument)
    except TrustError:
        return True
    return False


def _is_digest(text: bytes) -> bool:
    try:
        return len(base64url.decode(text)) == 32
    except TrustError:
        return False


def wire_body(data: bytes) -> None:
    """Any body: bounded, and one frame exactly; packed again it is the same token."""
    for encoding in ("zstd", "", "gzip"):
        with refusals():
            message = Message(
                body=data, message_id="", routing_key="", content_encoding=encoding
            )
            found = wire.unpack(message).token
            assert len(found) <= sdjwt.MAX_TOKEN_BYTES
            if encoding:
                _check_streamed(data, found)
            else:
                assert found == data
            packed = wire.pack(found, message_id="", routing_key="", user_id="")
            assert wire.unpack(packed).token == found


def joint(data: bytes) -> None:
    """Any bytes as the JSON serialization: spelled again it is the same record."""
    with refusals():
        record = carried.decode_json(data)
        text = carried.encode(record)
        assert carried.decode(text) == record
        assert carried.encode(carried.decode(text)) == text
        for token in record.parted():
            assert token.endswith(b"~")
        trust.verify(record, DIRECTORY, now=NOW, allow_partial=True)


def _check_streamed(body: bytes, found: bytes) -> None:
    """Decompress in another way than `wire` what it has taken already."""
    stream = zstandard.ZstdDecompressor().decompressobj()
    assert stream.decompress(body) == found
    assert stream.eof
    assert stream.unused_data == b""


def json_text(data: bytes) -> None:
    """Our JSON is what the standard library and a few strict rules say it is."""
    wanted = strict_json.read(data, max_depth=codec.MAX_DEPTH)
    with refusals():
        try:
            found = codec.decode_json(data, max_bytes=_MAX_JSON_BYTES)
        except RefusedError:
            assert wanted is strict_json.REFUSED or len(data) > _MAX_JSON_BYTES
            raise
        assert wanted is not strict_json.REFUSED, "taken, but not strict"
        assert repr(found) == repr(wanted)
        assert codec.decode_json(codec.encode_json(found), max_bytes=1 << 24) == found


def text(data: bytes) -> None:
    """Segments joined are the text; cut ones show where something is missing."""
    lang = _LANGUAGES[data[0] % len(_LANGUAGES)] if data else ""
    whole = data[1:].decode(errors="replace")
    parts = segments.split(whole, lang)
    count = len(parts)
    assert "".join(parts) == whole
    assert 1 <= count <= segments.MAX_SEGMENTS
    assert count == 1 or all(part.strip() for part in parts)
    if count > 1:
        numbered = [[i, count, part] for i, part in enumerate(parts)]
        kept = subset(data, count)
        _check_joined(numbered, kept)
        _check_joined(numbered, range(count))
    _join_anything(data)


def _check_joined(numbered: list[Any], kept: Any) -> None:
    joined = segments.join([numbered[i] for i in kept], len(numbered) - len(kept))
    wanted, before = "", True
    for index, (_, _, part) in enumerate(numbered):
        is_kept = index in kept
        wanted += part if is_kept else WITHHELD_TEXT if before else ""
        before = is_kept
    assert joined == wanted


def _join_anything(data: bytes) -> None:
    try:
        value = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return
    for missing in (0, 1, 2):
        try:
            joined = segments.join(value if type(value) is list else [value], missing)
        except ValueError:
            continue
        assert isinstance(joined, str)


def stamps(data: bytes) -> None:
    """Two lines: what stands in the headers `tocsin-seen` and `tocsin-head`.

    A line with tabs is `header TAB payload TAB signature`, spelled as base64url here.
    """
    names = (seen.STAMP_HEADER, seen.HEAD_HEADER)
    lines = data.split(b"\n", 1)
    headers = {n: _jws(line) for n, line in zip(names, lines, strict=False) if line}
    with refusals("seen-missing", "seen-invalid"):
        found = seen.verify_headers(headers, DIRECTORY, now=NOW)
        assert found.stamp.pos >= 1
        assert found.stamp.seen <= NOW + 120
        assert (found.stamp.prev == "") == (found.stamp.pos == 1)
        assert found.stamp.link == seen.link_of(headers[seen.STAMP_HEADER])
        assert found.stamp.seen_of(found.stamp.token) == found.stamp.seen
        assert found.head == headers.get(seen.HEAD_HEADER, "")


def _jws(line: bytes) -> str:
    if b"\t" in line:
        line = b".".join(map(base64url.encode, line.split(b"\t")))
    return line.decode("latin-1")


def chain(data: bytes) -> None:
    """A head or a receipt, and the lines of a path under it; or the proof of a fork.

    Lines with tabs are spelled as in `stamps`; those of a path have no signature.
    """
    if b"\t" not in data:
        _check_fork(data)
        return
    first, *lines = data.split(b"\n")
    path = [_jws(line).encode("latin-1") for line in lines]
    with refusals(
        "receipt-invalid", "seen-invalid", "unknown-key", "signature",
        "key-not-valid", "key-revoked",
    ):  # fmt: skip
        said = heads.statements_of(_jws(first), DIRECTORY, now=NOW)
        assert 1 <= len(said) <= 2
        for each in said:
            assert each.at <= NOW + 120
            assert (each.pos == 0) == (each.link == "")
            if each.is_head:
                _check_path(each, path)


def _check_path(said: heads.Statement, path: list[bytes]) -> None:
    with refusals("not-under-head"):
        stamps = heads.under(seen.Head(said.at, said.pos, said.link), path)
        assert [each.link for each in stamps] == [sdjwt.digest(x) for x in path]
        assert stamps[-1].link == said.link
        assert [each.pos for each in stamps] == [
            *range(said.pos - len(path) + 1, said.pos + 1)
        ]
        for before, after in pairwise(stamps):
            assert after.prev == before.link


def _check_fork(data: bytes) -> None:
    with refusals("fork-invalid"):
        fork = heads.decode_fork(data)
        assert heads.decode_fork(msgspec.json.encode(fork)) == fork
        one, other = heads.check(fork, DIRECTORY, now=NOW)
        assert one != other
        assert fork.path or heads.contradiction([one, other]) is not None


def beats(data: bytes) -> None:
    """Heartbeats one after the other, each in two lines: the issuer's and the gate's.

    Lines with tabs are spelled as in `stamps`; `@chain` becomes the chain over the list
    and `@beat` the id of the line before, which no fuzzer finds.
    """
    place: Place | None = None
    last = b""
    lines = data.split(b"\n")[:6]
    for text, heard in zip(lines[::2], lines[1::2], strict=False):
        body = _jws(text.replace(b"@chain", _chained(text))).encode("latin-1")
        name = heartbeats.beat_id(body).encode()
        word = _jws(heard.replace(b"@beat", name)).encode("latin-1")
        with refusals("heartbeat-invalid", "signature", "key-not-valid", "key-revoked",
                      "unknown-key"):  # fmt: skip
            passed = heartbeats.verify_passed(body + b"\n" + word, DIRECTORY, now=NOW)
            place = _check_followed(place, passed.beat)
            _check_proven(last, body)
            last = body


def _chained(line: bytes) -> bytes:
    """Chain the list of a payload, in another way than the code does."""
    try:
        said = json.loads(line.split(b"\t")[1])
        link = said["before"]
        for token_id, _ in said["ids"]:
            link = sdjwt.digest(b".".join([link.encode(), token_id.encode()]))
        return str(link).encode()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return b""


def _check_followed(place: Place | None, beat: heartbeats.Heartbeat) -> Place | None:
    found = following.follow(place, beat)
    if not isinstance(found, following.Next):
        assert place is not None
        return place
    assert 0 <= beat.first <= beat.count == found.place.count
    assert len(beat.ids) <= heartbeats.MAX_LISTED
    if place is not None:
        gained = found.place.count - place.count
        assert gained == len(found.fresh) + found.skipped
        assert found.place.iat >= place.iat
    assert following.follow(found.place, beat) == "old"
    return found.place


def _check_proven(first: bytes, second: bytes) -> None:
    """What proves a contradiction proves it spelled as a file, too."""
    if first:
        with refusals("proof-invalid"):
            proof = proofs.of_heartbeats(first, second)
            shown = proofs.check(proofs.decode(proofs.encode(proof)), DIRECTORY)
            assert shown.first != shown.second


def sealed(data: bytes) -> None:
    """Any bytes as a sealed part, and as what was in one that opened.

    After a line feed they are head, line feed and content, spelled as base64url here.
    """
    text = base64url.encode(data[1:]) if data[:1] == b"\n" else data
    with refusals("sealed-shape", "too-large"):
        part = seal.read(text)
        assert seal.spell(part) == text
        orgs = {slot.org for slot in part.slots}
        for org in orgs:
            [own] = map(seal.read, seal.only_for([part], org))
            assert {slot.org for slot in own.slots} == {org}
            assert own.content == part.content
        with refusals("sealed-for-others", "sealed-broken"):
            seal.open_part(part, _TOKEN_ID, OPENER)
    with refusals("sealed-shape", "too-many-disclosures"):
        texts = seal._unfilled(data)
        assert seal._filled(b"~".join(texts)) == data
        assert all(texts)


def stix_bundle(data: bytes) -> None:
    """What is read as STIX is read again, once written, and is the same."""
    with refusals():
        objects = stix21.read(data)
        plain = [stix.encode_object(each) for each in objects]
        again = stix21.read(codec.encode_json({"type": "bundle", "objects": plain}))
        assert [stix.encode_object(each) for each in again] == plain
        given = json.loads(data)
        assert len({each.id for each in objects}) == len(objects)
        assert isinstance(given, dict | list)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "token": token,
    "structured": structured,
    "differential": differential,
    "wire": wire_body,
    "joint": joint,
    "codec": json_text,
    "segments": text,
    "stamps": stamps,
    "chain": chain,
    "beats": beats,
    "stix": stix_bundle,
    "directory": directories.directory,
    "metadata": directories.metadata,
    "client": directories.client,
    "joining": directories.joining,
    "welcoming": directories.welcoming,
    "sealed": sealed,
}
