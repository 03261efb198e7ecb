"""Strict base64url, JSON and SD-JWT, from docs/protocol.md: sections 1 and 4, to step 6.

A part of naive_verifier.py.
"""

import base64
import hashlib
import json
import re

RESERVED = {"_sd", "...", "_sd_alg", "__proto__", ""}
DIGEST = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"  # the unused bits of the last are zero


class Refused(Exception):  # noqa: N818  a verdict, no fault
    """Its argument is the reason code."""


class Obj(dict):
    """An object as read: `hidden` names were disclosures, `gaps` are without one."""

    hidden, gaps = frozenset(), 0


class Arr(list):
    """An array as read, without its gaps; `hidden` are indexes."""

    hidden, gaps = frozenset(), 0


def need(condition, reason):
    if not condition:
        raise Refused(reason)


def sha(text):
    digest = hashlib.sha256(text).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def unb64(text):
    need(re.fullmatch(rb"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, "bad-base64")
    padded = text + b"=" * (-len(text) % 4)
    data = base64.urlsafe_b64decode(padded)
    need(base64.urlsafe_b64encode(data) == padded, "bad-base64")
    return data


def once(pairs):
    need(len(dict(pairs)) == len(pairs), "duplicate-key")
    return dict(pairs)


def number(text):
    value = int(text) if re.fullmatch("-?[0-9]{1,16}", text) else float(text)
    bound = float("inf") if re.search("[.eE]", text) else 2**53
    need(abs(value) < bound, "number-range")
    return value


def parse(data):
    """Strict JSON (section 1)."""
    hooks = {"object_pairs_hook": once, "parse_int": number, "parse_float": number}
    try:
        value = json.loads(
            data.decode(), parse_constant=lambda _: need(False, "not-json"), **hooks
        )
        json.dumps(value, ensure_ascii=False).encode()  # fails at half of a pair
    except UnicodeDecodeError:
        raise Refused("not-utf8") from None
    except UnicodeEncodeError:
        raise Refused("surrogate") from None
    except RecursionError:
        raise Refused("too-deep") from None
    except ValueError:
        raise Refused("not-json") from None
    return value


def disclosed(texts):
    """Step 5: what is disclosed, by digest."""
    need(len(set(texts)) == len(texts), "duplicate-disclosure")
    given = {sha(text): parse(unb64(text)) for text in texts}
    for parts in given.values():
        need(isinstance(parts, list) and parts, "disclosure-shape")
        need(isinstance(parts[0], str) and len(parts[0]) >= 22, "short-salt")
    return given


def placed(payload, given):
    """Step 6: the payload, each disclosed value at its place; and how many gaps."""
    seen = set()

    def found(digest, size):
        good = isinstance(digest, str) and re.fullmatch(DIGEST, digest)
        need(good, "digest-shape")
        need(digest not in seen, "duplicate-digest")
        seen.add(digest)
        need(len(given.get(digest, "-" * size)) == size, "disclosure-shape")
        return given.get(digest)

    def walk(value, depth):
        need(depth <= 32 or not isinstance(value, dict | list), "too-deep")
        if isinstance(value, dict):
            return members(value, depth)
        return elements(value, depth) if isinstance(value, list) else value

    def members(value, depth):
        node = Obj()
        for name in value.keys() - ({"_sd", "_sd_alg"} if depth == 1 else {"_sd"}):
            need(name not in RESERVED, "reserved-name")
            node[name] = walk(value[name], depth + 1)
        need(isinstance(value.get("_sd", []), list), "sd-shape")
        for digest in value.get("_sd", []):
            parts = found(digest, 3)
            if parts is None:
                node.gaps += 1
            else:
                need(isinstance(parts[1], str), "disclosure-shape")
                need(parts[1] not in RESERVED, "reserved-name")
                need(parts[1] not in node, "shadowed-name")
                node[parts[1]] = walk(parts[2], depth + 1)
                node.hidden |= {parts[1]}
        return node

    def elements(value, depth):
        node = Arr()
        for element in value:
            if not (isinstance(element, dict) and "..." in element):
                node.append(walk(element, depth + 1))
                continue
            need(len(element) == 1, "sd-shape")
            parts = found(element["..."], 2)
            if parts is None:
                node.gaps += 1
            else:
                node.hidden |= {len(node)}
                node.append(walk(parts[1], depth + 1))
        return node

    tree = walk(payload, 1)
    need(given.keys() <= seen, "unreferenced-disclosure")
    return tree, len(seen) - len(given)
