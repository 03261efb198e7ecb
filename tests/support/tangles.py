"""Random records that are hard to cut: marks, mentions and ties in every direction."""

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.view import View
from schemas.markings import Tlp
from tests.support.views import (
    AMBER,
    BANK,
    CLEAR,
    CONTACT,
    GREEN,
    INCIDENT,
    MALWARE,
    PERSON,
    STRICT,
    core,
    granular,
    link,
    marked,
    new,
    view,
)  # fmt: skip

FOREIGN = new("campaign", "of another record")
DOMAIN = new("domain-name", "bad", value="bad-pages.example")
VICTIM_DOMAIN = new("domain-name", "good", value="saltmere.example")
ADDRESS = new("ipv4-addr", "server", value="203.0.113.7")
TWIN = new("ipv4-addr", "the same server", value="203.0.113.7")
ACCOUNT = new("user-account", "relay", account_type="lumen", account_login="relay_77x")
INDICATOR = new(
    "indicator", "pages", pattern="[domain-name:value = 'bad-pages.example']"
)
SERVERS = new("infrastructure", "Servers of the pages")
PLACE = new(
    "location", "there", country="XA", city="Quenbyville", street_address="Elm 4"
)
ADVICE = new("course-of-action", "Advice", lang="en")
PALETTE = [
    PERSON, BANK, MALWARE, DOMAIN, VICTIM_DOMAIN, ADDRESS, TWIN, ACCOUNT, INDICATOR, SERVERS,
    PLACE, ADVICE, new("attack-pattern", "Phishing"), new("threat-actor", "Jan Kowal"),
    new("channel", "Morning Lantern"), new("narrative", "A story"),
    new("media-content", "video", url="https://video.example/9", title="A video"),
    new("observed-data", "seen", object_refs=[ADDRESS["id"], VICTIM_DOMAIN["id"]]),
    new("report", "list", object_refs=[INCIDENT["id"], PERSON["id"], DOMAIN["id"]]),
    new("grouping", "group", object_refs=[BANK["id"], INDICATOR["id"]]),
    new("note", "remark", object_refs=[INCIDENT["id"], FOREIGN["id"]], authors=["Tam Orr"]),
    new("opinion", "objection", object_refs=[FOREIGN["id"], INDICATOR["id"]]),
    new("language-content", "translation", object_ref=INCIDENT["id"],
        contents={"th": {"name": "ชื่อ", "description": "คำ"}}),
    new("language-content", "of a name", object_ref=PERSON["id"],
        contents={"th": {"name": "อิลวารา"}}),
    new("identity", "Aye", extensions={CONTACT: {
        "extension_type": "property-extension", "first_name": "Aye",
        "contact_numbers": [{"contact_number": "+1 202 555 0143",
                             "contact_number_type": "work-phone"}]}}),
    new("marking-definition", "statement"),
    new("x-nobody-knows", "thing", name="A thing"),
]  # fmt: skip
SENTENCES = [
    "Nothing is known.", "Ilvara Temcott said so.", "Ask Temcott.", "ILVARA  TEMCOTT",
    "The Saltmere Savings Bank was hit.", "Aye was told.", "Call (202) 555-0143.",
    "Write to ilvara@saltmere[.]example.", "See saltmere.example.", "Jan Kowal did it.",
    f"See {PERSON['id']}.", f"See {FOREIGN['id']}", f"Like {INCIDENT['id'].upper()}!",
    f"About {DOMAIN['id'][-36:]}.", "Relay relay_77x in Quenbyville, Elm 4.",
]  # fmt: skip
TEXTS = {
    "campaign": "description", "channel": "description", "course-of-action": "description",
    "identity": "description", "indicator": "description", "infrastructure": "description",
    "malware": "description", "narrative": "description", "note": "content",
    "opinion": "explanation", "report": "name", "threat-actor": "name",
}  # fmt: skip
WORDS = ["uses", "targets", "related-to", "communicates-with", "owns", "victim-of"]

marks = st.sampled_from([CLEAR, CLEAR, GREEN, GREEN, AMBER, STRICT])


@st.composite
def tangles(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The objects of a record; the first is the primary one."""
    chosen = [
        draw(bent(one))
        for one in draw(st.lists(st.sampled_from(PALETTE), unique_by=id, max_size=14))
    ]
    incident = INCIDENT | {
        "description": draw(st.sampled_from(SENTENCES)),
        "extensions": core(impacted_entity_counts={"individual": 412, "Aye": 33}),
        "created_by_ref": draw(st.sampled_from([PERSON["id"], BANK["id"]])),
    }
    ends = st.sampled_from([incident, *chosen])
    links = draw(
        st.lists(
            st.builds(
                link, ends, st.sampled_from(WORDS), ends,
                revoked=st.sampled_from([None, None, True]),
                object_marking_refs=st.lists(marks, min_size=1, max_size=1),
            ),
            unique_by=lambda one: one["id"],
            max_size=10,
        )
    )  # fmt: skip
    # Ours says what is done; else a record about stories is refused.
    return [marked(incident, CLEAR), new("attack-pattern", "always"), *chosen, *links]


@st.composite
def bent(draw: st.DrawFn, one: dict[str, Any]) -> dict[str, Any]:
    one = marked(one, draw(marks))
    if one["type"] in TEXTS:
        one |= {TEXTS[one["type"]]: draw(st.sampled_from(SENTENCES))}
    if draw(st.booleans()):
        one |= {"labels": draw(st.lists(st.sampled_from(SENTENCES), min_size=1))}
    # Not marking definitions: they may keep nothing back.
    parts = sorted(set(one) - {"type", "id", "object_marking_refs", "spec_version"})
    if draw(st.integers(0, 3)) == 0 and one["type"] != "marking-definition":
        one = granular(one, draw(marks), draw(st.sampled_from(parts)))
    return one


views = st.builds(
    view,
    st.sampled_from(["peer-cert", "platform", "civil-society"]),
    st.sampled_from([Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT]),
    addressed=st.booleans(),
    concerned=st.booleans(),
)


def narrower(to: View) -> list[View]:
    """Views that may see at most what *to* sees: one step less of each kind."""
    found = [replace(to, addressed=False), replace(to, concerned=False)]
    if to.clearance > Tlp.CLEAR:
        found.append(replace(to, clearance=Tlp(to.clearance - 1)))
    if to.audience == "peer-cert":
        found.append(replace(to, audience="platform"))
    if to.audience != "civil-society":
        found.append(replace(to, audience="civil-society"))
    return found
