"""Random records that are hard to cut: marks, mentions and ties in every direction.

Objects are marked by TLP, PAP, IEP and whom they may harm, some of them in part; texts
name whom nobody may name, in some of their sentences; names wait for persons.
"""

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.cuts import Part
from adapters.view import View
from broker.trust import Verified
from schemas import profile
from schemas.markings import Tlp
from schemas.pap import PAP_IDS, Pap
from schemas.protection import PROTECTION_IDS
from tests.support import policies
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
    new("identity", "Brenn Osgathe", roles=["minister"]),
    new("identity", "Sela Maro", roles=["journalist"], sectors=["media"]),
    new("identity", "Teo Vand", labels=["whistleblower"]),
    new("intrusion-set", "Grey Heron"),
    new("email-addr", "hers", value="ilvara@saltmere.example", display_name="Ilvara T."),
    new("event", "opened", status="occurred", start_time="2026-02-03T04:05:06Z"),
]  # fmt: skip
SENTENCES = [
    "Nothing is known.", "Ilvara Temcott said so.", "Ask Temcott.", "ILVARA  TEMCOTT",
    "The Saltmere Savings Bank was hit.", "Aye was told.", "Call (202) 555-0143.",
    "Write to ilvara@saltmere[.]example.", "See saltmere.example.", "Jan Kowal did it.",
    f"See {PERSON['id']}.", f"See {FOREIGN['id']}", f"Like {INCIDENT['id'].upper()}!",
    f"About {DOMAIN['id'][-36:]}.", "Relay relay_77x in Quenbyville, Elm 4.",
]  # fmt: skip
# Of these a text has several, so that some go and others stay.
STORY = [
    "The mail server was attacked on Monday.", "All systems run again.",
    "The staff closed three branches.", "Two pages were copied in the night.",
    "Ilvara Temcott had opened the letter.", "The owner answers at +62 812-3456-7890.",
    "Letters went to ilvara@saltmere.example every day.", "Brenn Osgathe spoke about it.",
    "Police asked Jan Kowal about the servers.", "Sela Maro wrote the first report.",
]  # fmt: skip
LABELS = [
    *SENTENCES, "phishing", "journalist", "satire", "muslim", "PAP:AMBER", "PAP:RED",
    "protect:minors", "protect:survivors", "protect:defenders", "protect:whoever",
]  # fmt: skip
# What an object may be marked with, beside TLP. Definitions travel along.
TERMS = [
    marked(each, CLEAR)
    for each in (
        policies.policy(91),
        policies.policy(92, permitted_actions="none"),
        policies.policy(93, tlp="amber"),
        policies.definition(94, definition_type="acs", definition={}),
        policies.definition(95, definition_type="PAP", name="PAP:RED", definition={}),
    )
]
_SAID = [
    *(each["id"] for each in TERMS), *PROTECTION_IDS,
    *(ref for ref, pap in PAP_IDS.items() if pap in (Pap.AMBER, Pap.RED)),
]  # fmt: skip
TEXTS = {
    "campaign": "description", "channel": "description", "course-of-action": "description",
    "identity": "description", "indicator": "description", "infrastructure": "description",
    "malware": "description", "narrative": "description", "note": "content",
    "opinion": "explanation", "report": "name", "threat-actor": "name",
}  # fmt: skip
WORDS = ["uses", "targets", "related-to", "communicates-with", "owns", "victim-of"]

marks = st.sampled_from([CLEAR, CLEAR, GREEN, GREEN, AMBER, STRICT])
said = st.sampled_from(_SAID)
stories = st.lists(st.sampled_from(STORY), min_size=2, max_size=5, unique=True).map(
    " ".join
)
texts = st.one_of(st.sampled_from(SENTENCES), stories)


@st.composite
def tangles(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The objects of a record; the first is the primary one."""
    chosen = [
        draw(bent(one))
        for one in draw(st.lists(st.sampled_from(PALETTE), unique_by=id, max_size=14))
    ]
    incident = INCIDENT | {
        "description": draw(texts),
        "lang": "en",
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
    objects = [marked(incident, CLEAR), *chosen, *links]
    used = {
        ref
        for one in objects
        for ref in (
            *one["object_marking_refs"],
            *(each["marking_ref"] for each in one.get("granular_markings", ())),
        )
    }
    # Ours says what is done; else a record about stories is refused.
    behaviour = new("attack-pattern", "always")
    return [*objects, behaviour, *(each for each in TERMS if each["id"] in used)]


@st.composite
def bent(draw: st.DrawFn, one: dict[str, Any]) -> dict[str, Any]:
    more = draw(st.lists(said, max_size=1)) if draw(st.integers(0, 3)) == 0 else []
    one = marked(one, draw(marks), *more)
    if one["type"] in TEXTS:
        one |= {TEXTS[one["type"]]: draw(texts), "lang": "en"}
    if draw(st.booleans()):
        one |= {"labels": draw(st.lists(st.sampled_from(LABELS), min_size=1))}
    # Not marking definitions: they may keep nothing back.
    parts = sorted(set(one) - {"type", "id", "object_marking_refs", "spec_version"})
    if draw(st.integers(0, 3)) == 0 and one["type"] != "marking-definition":
        mark = draw(st.one_of(marks, said))
        one = granular(one, mark, draw(st.sampled_from(parts)))
    return one


views = st.builds(
    view,
    st.sampled_from(["peer-cert", "platform", "civil-society"]),
    st.sampled_from([Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT]),
    addressed=st.booleans(),
    concerned=st.booleans(),
    jurisdiction=st.sampled_from(["", "", "FR", "TH"]),
)


def narrower(to: View) -> list[View]:
    """Views that may see at most what *to* sees: one step less of each kind."""
    found = [replace(to, addressed=False), replace(to, concerned=False)]
    if not to.jurisdiction:
        found += [replace(to, jurisdiction=law) for law in ("FR", "TH", "XX")]
    if to.clearance > Tlp.CLEAR:
        found.append(replace(to, clearance=Tlp(to.clearance - 1)))
    if to.audience == "peer-cert":
        found.append(replace(to, audience="platform"))
    if to.audience != "civil-society":
        found.append(replace(to, audience="civil-society"))
    if to.audience == "civil-society":
        found += [replace(to, audience=like) for like in ("research", "public")]
    return found


def parts_of(verified: Verified) -> list[Part]:
    """All that persons could agree to show, whether it waits for them or not."""
    return [
        (plain["id"], spelled)
        for plain in verified.plain
        for spelled in ("", *map(profile.spell, dict(profile.places(plain.items()))))
    ]
