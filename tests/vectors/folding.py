"""Tokens too large to store, as parts that repeat."""

from typing import Any, Final

_RUN: Final = b"QUFB" * 1000  # `AAA`, base64url


def folded(token: bytes) -> list[dict[str, Any]]:
    """Give parts `{"text": ..., "times": ...}` that make *token*, one after the other."""
    parts: list[dict[str, Any]] = []
    while (start := token.find(_RUN)) >= 0:
        end = start
        while token.startswith(_RUN, end):
            end += len(_RUN)
        parts.append({"text": token[:start].decode(), "times": 1})
        parts.append({"text": "QUFB", "times": (end - start) // 4})
        token = token[end:]
    return [*parts, {"text": token.decode(), "times": 1}]
