"""Bodies of AMQP messages (DESIGN.md 4.5): what they hold, and why some hold nothing."""

import base64
from typing import Any, Final

from tests.vectors.frames import (
    COMPRESSED,
    MAGIC,
    RAW,
    RESERVED,
    block,
    frame,
    raw,
    run,
    skippable,
)

TYPE: Final = "application/vnd.tocsin.record+sd-jwt"
MOST: Final = 16 << 20


def messages() -> list[dict[str, Any]]:
    token = b"What it holds is not looked at here."
    return [*_good(token), *_bad(token), *_broken(token)]


def _entry(name: str, why: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    said = {"content_type": TYPE, "content_encoding": "zstd"} | more
    return {"name": name, "why": why, **said, **body}


def _bytes(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode()}


def _good(token: bytes) -> list[dict[str, Any]]:
    gives = {"result": "ok", "gives": token.decode()}
    plain, size = frame(raw(token)), len(token)
    return [
        _entry("plain", "A short token travels as it is.", _bytes(token), content_encoding="", **gives),
        _entry("one-frame", "One frame that declares no size.", _bytes(plain), **gives),
        _entry("declared-size", "One frame that declares its size.", _bytes(frame(raw(token), size=size)), **gives),
        _entry("window-of-8-mib", "The largest window (RFC 8878, 3.1.1.1.2).", _bytes(frame(raw(token), window=23)), **gives),
    ]  # fmt: skip


def _bad(token: bytes) -> list[dict[str, Any]]:
    body = _bytes(frame(raw(token)))
    out = []
    for name, value in (
        ("absent", ""),
        ("of-sd-jwt", "application/sd-jwt"),
        ("of-json", "application/json"),
        ("with-a-parameter", f"{TYPE}; charset=utf-8"),
        ("in-capitals", TYPE.upper()),
    ):
        why = "The content type is another: nothing is guessed."
        out.append(
            _refused(f"type-{name}", "content-type", why, body, content_type=value)
        )
    for name, value in (
        ("gzip", "gzip"),
        ("in-capitals", "ZSTD"),
        ("twice", "zstd, zstd"),
        ("identity", "identity"),
        ("space", " "),
    ):
        why = "The content encoding is neither zstd nor absent."
        out.append(
            _refused(
                f"encoding-{name}",
                "content-encoding",
                why,
                body,
                content_encoding=value,
            )
        )
    plain = {"recipe": {"parts": [{"text": "A", "times": MOST + 1}]}}
    why = "One byte more than 16 MiB, not compressed."
    out.append(
        _refused("plain-too-large", "too-large", why, plain, content_encoding="")
    )
    why = "Declares one byte more than 16 MiB."
    large = frame(run(MOST + 1), size=MOST + 1)
    return [*out, _refused("declares-too-much", "too-large", why, _bytes(large))]


def _refused(
    name: str, reason: str, why: str, body: dict[str, Any], **more: Any
) -> dict[str, Any]:
    return _entry(name, why, body, **more, result="refused", reason=reason)


def _broken(token: bytes) -> list[dict[str, Any]]:
    good = frame(raw(token))
    size = len(token)
    sized = frame(raw(token), size=size)
    bomb, larger = frame(run(MOST + 1)), frame(run(256 << 20))
    also = {"also": ["too-large"]}
    return [
        _refused(name, "zstd", why, _bytes(body), **(also if "bomb" in name else {}))
        for name, why, body in (
            ("bomb", "Gives one byte more than 16 MiB and declares nothing.", bomb),
            ("large-bomb", "8 KB that give 256 MiB.", larger),
            ("large-window", "Asks for a window of 16 MiB.", frame(raw(token), window=24)),
            ("huge-window", "Asks for a window of 2 TiB.", frame(raw(token), window=41)),
            ("declares-too-little", "Gives more than it declares.", frame(raw(token), size=size - 1)),
            ("declares-more-than-it-has", "Gives less than it declares.", frame(raw(token), size=size + 1)),
            ("two-frames", "Two frames: readers stop after the first, or do not.", good + good),
            (
                "two-frames-first-empty",
                "The first of two holds nothing, and says so.",
                frame(raw(b""), size=0) + good,
            ),
            ("two-frames-of-declared-size", "The same, both declare their sizes.", sized + sized),
            ("something-behind-declared-size", "A byte stands behind a frame that declares its size.", sized + b"A"),
            ("something-behind", "A byte stands behind the frame.", good + b"A"),
            ("skippable-first", "A skippable frame stands before it.", skippable(b"skip") + good),
            ("skippable-behind", "A skippable frame stands behind it.", good + skippable(b"skip")),
            ("skippable-alone", "Only a frame to be skipped.", skippable(b"skip")),
            ("cut-off", "The last byte is missing.", good[:-1]),
            ("header-alone", "The blocks are missing.", good[:6]),
            ("empty", "Nothing.", b""),
            ("no-frame", "A body that was not compressed.", token),
            ("no-last-block", "No block says that it is the last.", frame(block(RAW, size, token, last=False))),
            ("reserved-block", "A block of the reserved kind.", frame(block(RESERVED, 1, b"A", last=True))),
            ("broken-block", "A compressed block that holds nonsense.", frame(block(COMPRESSED, 3, b"AAA", last=True))),
            ("reserved-bit", "The reserved bit of the descriptor is set.", MAGIC + b"\x08" + good[5:]),
            ("dictionary", "Needs a dictionary.", MAGIC + b"\x01" + good[5:6] + b"\x07" + good[6:]),
            ("checksum", "Its checksum is wrong.", MAGIC + b"\x04" + good[5:] + bytes(4)),
        )
    ]  # fmt: skip
