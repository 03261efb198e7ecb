"""An independent verifier, from docs/protocol.md alone: slow, naive, no line of ours.

Sections and steps are the page's. Level "stix" is left out, and so is `bad-key`.
"""

import base64
import hashlib
import ipaddress
import json
import math
import re
import uuid
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256


class Refused(Exception):
    """Carries nothing but the reason code."""


class Obj(dict):
    """A JSON object as read: members that were disclosures, and how many are gone."""

    hidden: frozenset = frozenset()
    gaps = 0


class Arr(list):
    """A JSON array as read; `hidden` holds indexes."""

    hidden: frozenset = frozenset()
    gaps = 0


def need(condition: object, reason: str) -> None:
    if not condition:
        raise Refused(reason)


# -- 1. strict base64url, strict JSON


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sha(text: bytes) -> str:
    return b64(hashlib.sha256(text).digest())


def unb64(text: bytes) -> bytes:
    need(re.fullmatch(rb"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, "bad-base64")
    data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    need(b64(data) == text.decode(), "bad-base64")
    return data


def once(pairs: list) -> dict:
    need(len(dict(pairs)) == len(pairs), "duplicate-key")
    return dict(pairs)


def number(text: str) -> int | float:
    exact = re.fullmatch(r"-?[0-9]{1,16}", text)
    value = int(text) if exact else float(text)
    integer_too_long = not exact and re.fullmatch(r"-?[0-9]+", text)
    need(not integer_too_long and math.isfinite(value), "number-range")
    need(not exact or abs(value) < 2**53, "number-range")
    return value


NO_JSON = {UnicodeDecodeError: "not-utf8", UnicodeEncodeError: "surrogate"}
NO_JSON[RecursionError] = "too-deep"
