"""Tokens too large to store, as parts that repeat."""

from typing import Any, Final

LETTERS: Final = b"QUFB"  # `AAA`, base64url
# `[],` again and again, wherever a group of four characters begins in it.
LISTS: Final = (b"W10s", b"LFtd", b"XSxb")


def folded(token: bytes, unit: bytes = LETTERS) -> list[dict[str, Any]]:
    """Give parts `{"text": ..., "times": ...}` that make *token*, one after the other."""
    run = unit * 1000
    parts: list[dict[str, Any]] = []
    while (start := token.find(run)) >= 0:
        end = start
        while token.startswith(run, end):
            end += len(run)
        parts.append({"text": token[:start].decode(), "times": 1})
        parts.append({"text": unit.decode(), "times": (end - start) // len(unit)})
        token = token[end:]
    return [*parts, {"text": token.decode(), "times": 1}]
