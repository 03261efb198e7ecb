"""Objects whose marks forbid a view to have them are not in it, not even by their id.

Which marks forbid what is written here once more, by hand.
"""

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.cuts import Part
from adapters.redaction import NotGivenError
from adapters.view import View
from broker.trust import Verified
from schemas.pap import PAP_IDS, Pap
from schemas.protection import PROTECTION_IDS
from tests.support.tangles import TERMS, parts_of, tangles, views
from tests.support.views import INCIDENT, cut, decoded, opened, signed, strings

# In the order of `TERMS`: free, no action, for AMBER, unknown, PAP:RED.
_, NO_ACTION, FOR_AMBER, UNKNOWN, PAP_RED = (each["id"] for each in TERMS)
RED_PAPS = {PAP_RED, *(ref for ref, pap in PAP_IDS.items() if pap is Pap.RED)}
# Names of marks are the same in every record.
NO_SECRETS = ("marking-definition", "extension-definition")


def is_forbidden(plain: dict[str, Any], to: View, approved: set[Part]) -> bool:
    refs = set(plain.get("object_marking_refs", ()))
    labels = {label.strip().lower() for label in plain.get("labels", ())}
    groups = {PROTECTION_IDS[ref].value for ref in refs & PROTECTION_IDS.keys()}
    groups |= {each[8:] for each in labels if each.startswith("protect:")}
    below_peers = to.audience != "peer-cert"
    if groups - {"survivors", "defenders"}:
        return True
    if groups and (below_peers or (plain["id"], "") not in approved):
        return True
    if below_peers and (refs & {NO_ACTION, *RED_PAPS} or "pap:red" in labels):
        return True
    if FOR_AMBER in refs and (
        to.clearance.label in ("CLEAR", "GREEN") or (below_peers and not named(to))
    ):
        return True
    return UNKNOWN in refs


def named(to: View) -> bool:
    return to.audience == "platform" and (to.addressed or to.concerned)


def forbidden(record: Verified, to: View, approved: set[Part]) -> Iterator[str]:
    for plain in record.plain:
        if plain["type"] not in NO_SECRETS and is_forbidden(plain, to, approved):
            yield plain["id"]


@given(tangles(), views, st.randoms(use_true_random=False))
@settings(max_examples=80, derandomize=True)
def test_what_a_mark_forbids_is_not_given(objects, to, chance):
    record = signed(*objects, primary=INCIDENT["id"])
    approved = {part for part in parts_of(record) if chance.random() < 0.5}
    try:
        redacted = cut(record, to, approved=approved)
    except NotGivenError:
        return
    text = "\n".join(s for value in decoded(redacted.evidence) for s in strings(value))
    given_ids = {plain["id"] for plain in opened(redacted.evidence).plain}
    for stix_id in forbidden(record, to, approved):
        assert stix_id not in given_ids
        assert stix_id[-36:] not in text
