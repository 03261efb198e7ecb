"""What can be withheld, from docs/protocol.md: section 5, whose tables it reads there.

A part of naive_verifier.py. Of level "stix" only what the other checks rest on.
"""

import re
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from uuid import UUID, uuid5

from tests.support.naive_sdjwt import Arr, Obj, need

PAGE = (Path(__file__).parents[2] / "docs/protocol.md").read_text("utf-8")
PARTS = dict(re.findall(r"<!-- made: (\S+) -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL))


def words(text):
    return re.findall("`(.+?)`", text)


def table(name):
    """A table of the page: for each word of the first column, those of the second."""
    rows = [row.split("|")[1:3] for row in PARTS[name].splitlines()[2:]]
    keys = {a: words(a) if a.startswith(" `") else [a.strip()] for a, _ in rows}
    return {key: set(words(b)) for a, b in rows for key in keys[a]}


TEXTS, SPLIT, DAYS = (words(PARTS[n]) for n in ("texts", "split", "coarse-times"))
KINDS, VISIBLE, IN_EXTENSION = (table(n) for n in ("kinds", "visible", "extensions"))
STRICTNESS = list(table("tlp"))
TLP = {f"marking-definition--{u}": t for t, ids in table("tlp").items() for u in ids}
TIME = r"[0-9-]{10}T(?!24)[0-9:]{8}(\.[0-9]{1,9})?Z"
SELECTOR = r"[a-z0-9_-]{1,250}(\.(\[[0-9]{1,9}\]|[^.\[\]]{1,250}))*"
OWN_IDENTITY = UUID("9a2f6c0e-52f5-4a44-9d2f-6d3b0f7c51ab")
NETWORKS = {
    ("ipv4-addr", "value"): (IPv4Network, 24),
    ("ipv6-addr", "value"): (IPv6Network, 48),
}


def read_object(claims, index):
    """Step 11: the plain object at this place of `stix.objects`."""
    objects = claims["stix"]["objects"]
    node = objects[index]
    need(index in objects.hidden, "not-withholdable")
    need(isinstance(node, Obj), "not-stix")
    plain = members(node, always(node, claims), TEXTS)
    need(isinstance(node.get("type"), str) and node["type"] != "bundle", "not-stix")
    need("id" in node, "missing-property")
    need(isinstance(node["id"], str), "bad-id")
    marks(node)
    for name in node:
        if name.startswith("x_tocsin_coarse_"):
            exact = node.get(name[16:])
            need(agrees(node["type"], name[16:], node[name], exact), "coarse")
    return plain


def always(node, claims):
    """Names of what is always visible in this object."""
    names = VISIBLE["every object"] | VISIBLE.get(str(node.get("type")), set())
    if node.get("id") == claims["sub"]:
        names |= {"created", "modified"}
    if node.get("created_by_ref") == f"identity--{uuid5(OWN_IDENTITY, claims['iss'])}":
        names |= {"created_by_ref"}
    return names


def members(node, visible, texts):
    """Properties of an object, or of an extension that is gone through."""
    need(not node.hidden & visible, "visible-as-disclosure")
    need(node.keys() - node.hidden <= visible, "not-withholdable")
    plain = {}
    for name, value in node.items():
        if name in texts and isinstance(value, Arr):
            plain[name] = whole(joined(value))
        elif is_split(name) and isinstance(value, Arr):
            company = len(value) + value.gaps > 1
            parted = value.hidden == set(range(len(value)))
            need(parted or not company, "not-withholdable")
            for element in value:
                whole(element)
            if value or not value.gaps:
                plain[name] = value
        elif name == "extensions" and name in visible and isinstance(value, Obj):
            plain[name] = extensions(value)
        else:
            plain[name] = whole(value)
    return plain


def is_split(name):
    refs = name.endswith("_refs") and name != "object_marking_refs"
    return refs or name in SPLIT


def extensions(node):
    plain = {}
    for key, value in node.items():
        if key in IN_EXTENSION and isinstance(value, Obj):
            need(key not in node.hidden, "visible-as-disclosure")
            plain[key] = members(value, IN_EXTENSION[key], ())
            for name in IN_EXTENSION[key] & value.keys():
                word = isinstance(value[name], str) and value[name]
                need(word and re.fullmatch("[a-z-]{1,40}", word), "bad-property")
        else:
            need(key in node.hidden, "not-withholdable")
            plain[key] = whole(value)
    return plain


def joined(text):
    """A text of several segments (section 5, Texts)."""
    need(text.hidden == set(range(len(text))), "not-withholdable")
    for segment in text:
        whole(segment)
        good = isinstance(segment, Arr) and [type(part) for part in segment]
        need(good == [int, int, str], "segments")
    count = len(text) + text.gaps
    order = [index for index, _, _ in text]
    need(count >= 2 and order == sorted({*order} & {*range(count)}), "segments")
    need(all(stated == count for _, stated, _ in text), "segments")
    shown = {index: words for index, _, words in text}
    missing = [i for i in range(count) if i not in shown and (i == 0 or i - 1 in shown)]
    shown |= dict.fromkeys(missing, "[withheld]")
    return "".join(shown[i] for i in sorted(shown))


def whole(value):
    """Refuse disclosures and gaps inside *value*, and long strings."""
    if isinstance(value, str):
        need(len(value) <= 2**20, "too-large")
    if isinstance(value, Obj | Arr):
        need(not value.hidden, "visible-as-disclosure")
        need(not value.gaps, "sd-shape")
        for inner in value.values() if isinstance(value, Obj) else value:
            whole(inner)
    return value


def marks(node):
    """Refuse RED, and selectors that are no paths."""
    granular = node.get("granular_markings", [])
    need(isinstance(granular, list), "bad-property")
    need(all(isinstance(each, dict) for each in granular), "bad-property")
    refs = node.get("object_marking_refs", [])
    need(isinstance(refs, list), "bad-property")
    refs = refs + [each.get("marking_ref", "") for each in granular]
    need(all(isinstance(ref, str) for ref in refs), "bad-property")
    need("RED" not in map(TLP.get, refs), "needs-sealing")
    for each in granular:
        need(isinstance(each.get("selectors"), list), "bad-property")
        for selector in each["selectors"]:
            good = isinstance(selector, str) and re.fullmatch(SELECTOR, selector)
            need(good, "bad-selector")


def strictest(node):
    known = [TLP[ref] for ref in node.get("object_marking_refs", []) if ref in TLP]
    return max(known, key=STRICTNESS.index, default=None)


def agrees(kind, name, coarse, exact):
    """Judge a coarse value; *exact* is None where it is withheld."""
    try:
        if name in DAYS:
            moment = f"{coarse}T00:00:00Z" if exact is None else exact
            day = datetime.fromisoformat(moment[:19]).date()
            return re.fullmatch(TIME, moment) and str(day) == coarse
        make, bits = NETWORKS[kind, name]
        network = make(coarse)
        right = str(network) == coarse and network.prefixlen == bits
        own = network if exact is None else make(exact, strict=False)
        return right and own.supernet(new_prefix=bits) == network
    except (KeyError, TypeError, ValueError):
        return False
