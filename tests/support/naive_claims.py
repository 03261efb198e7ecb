"""Claims, issuer and times, from docs/protocol.md: sections 3 and 4, steps 7 to 10.

A part of naive_verifier.py.
"""

import json
import re
from datetime import datetime

from tests.support.naive_profile import KINDS, TIME, whole
from tests.support.naive_sdjwt import Arr, Obj, Refused, need

ORG = "urn:tocsin:org:[a-z][a-z0-9-]{1,40}"
HEX = "[0-9a-f]"
UUID = f"{HEX}{{8}}-{HEX}{{4}}-[1-8]{HEX}{{3}}-[89ab]{HEX}{{3}}-{HEX}{{12}}"
HASH = "[A-Za-z0-9_-]{43}"
WITHHOLDABLE = {"to", "concerns", "feed", "seq", "prev"}


def array(form, least=0, most=2**24):
    """Spell a form: an array of so many strings of the form."""
    return rf'\[\]{{{int(not least)}}}|\["({form})"(, "({form})"){{0,{most - 1}}}\]'


CLAIMS = {  # section 3: forms of what `json.dumps` spells, all of it
    "iss": f'"{ORG}"',
    "iat": "[0-9]+",
    "exp": "[0-9]+",
    "sub": f'(?=.{{0,152}}$)"[a-z][a-z0-9-]{{2,249}}--{UUID}"',
    "ver": f'"{TIME}"',
    "aud": array("urn:[a-z0-9][a-z0-9-]{1,31}:[a-zA-Z0-9:._-]{1,200}", 1, 50),
    "vct": '".*"',
    "kind": f'"({"|".join(KINDS)}|heartbeat)"',
    "tlp": r'"(CLEAR|GREEN|AMBER|AMBER\+STRICT|RED)"',
    "severity": '"(unknown|none|low|moderate|high|extreme)"',
    "countries": array("[A-Z]{2}", 0, 300),
    "sectors": array("[a-z0-9-]{1,60}", 0, 300),
    "languages": array("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", 0, 300),
    "exercise": "true|false",
    "full": f'"{HASH}"',
    "stix": ".*",
    "sup": f'"{HASH}"',
    "to": array(ORG),
    "concerns": array(ORG),
    "feed": '".*"',
    "seq": "[1-9][0-9]*",
    "prev": f'"({HASH})?"',
}
REQUIRED = CLAIMS.keys() - WITHHOLDABLE - {"sup"}


def claims_fit(tree):
    """Step 7."""
    need(tree.keys() <= CLAIMS.keys(), "claims")
    need(tree.keys() >= REQUIRED, "claims")
    for name, value in tree.items():
        need(re.fullmatch(CLAIMS[name], json.dumps(value)), "claims")
    need(max(tree["iat"], tree["exp"]) <= 2**40, "claims")
    need(len(tree.get("feed", "")) <= 200, "claims")
    need(tree["vct"] == "urn:tocsin:record:1", "vct")
    need(
        tree["kind"] == "heartbeat" or type_of(tree) in kinds_of(tree), "kind-mismatch"
    )
    stix = tree["stix"]
    need(isinstance(stix, Obj) and stix.keys() == {"type", "objects"}, "claims")
    need(stix["type"] == "bundle" and isinstance(stix["objects"], Arr), "claims")


def type_of(tree):
    """Type in `sub`: what stands before `--` and 36 characters of UUID."""
    return tree["sub"][:-38]


def kinds_of(tree):
    """Types that the primary object of this kind may have."""
    return KINDS[tree["kind"]] or set().union(*KINDS.values())


def issuer_may(tree, entry):
    """Step 8."""
    need(tree["iss"] == f"urn:tocsin:org:{entry['org']}", "iss-kid")
    if tree["kind"] in ("correction", "retraction"):
        [of] = [kind for kind, types in KINDS.items() if type_of(tree) in types]
        need(of in entry["kinds"], "kind-not-allowed")
    need(tree["kind"] in entry["kinds"], "kind-not-allowed")


def times_fit(tree, entry, now, first_seen):
    """Step 9."""
    need(tree["iat"] <= now + 120, "issued-in-future")
    need(tree["exp"] >= now, "expired")
    need(entry["not_before"] <= tree["iat"] <= entry["not_after"], "key-not-valid")
    seen = now if first_seen is None else first_seen
    need(entry["revoked_at"] is None or seen < entry["revoked_at"], "key-revoked")
    try:
        moment = datetime.fromisoformat(f"{tree['ver'][:19]}+00:00").timestamp()
    except ValueError:
        raise Refused("claims") from None
    moment += bool(tree["ver"][19:].strip(".0Z"))  # a fraction: later than the second
    need(moment <= now + 120, "version-in-future")


def claims_in_place(tree):
    """Step 10."""
    need(tree.hidden <= WITHHOLDABLE, "visible-as-disclosure")
    need(tree.keys() & WITHHOLDABLE <= tree.hidden, "not-withholdable")
    need(not tree["stix"].hidden, "visible-as-disclosure")
    need(not tree["stix"].gaps, "sd-shape")
    for name in tree.keys() - {"stix"}:
        whole(tree[name])
