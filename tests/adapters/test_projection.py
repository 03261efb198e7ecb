"""The projection: plain STIX in the adapter's name, with ids that lead nowhere back."""

import json
import uuid

import msgspec
import pytest

from adapters.projection import EXTENSION_ID, Author
from adapters.redaction import redact
from broker.blinding import org_identity
from schemas import stix
from schemas.profile import EXTENSION_ALIASES
from tests.support.records import mint, tree
from tests.support.views import (
    AMBER,
    AUTHOR,
    BANK,
    CIVIL,
    CLEAR,
    CORE,
    INCIDENT,
    MALWARE,
    NOW_TEXT,
    PEER,
    PERSON,
    PLATFORM,
    POLICY,
    TIME,
    VIEWS,
    core,
    cut,
    cut_new,
    granular,
    link,
    made_of,
    marked,
    new,
    only,
    opened,
    projected,
    signed,
    view,
)  # fmt: skip

DOMAIN = new("domain-name", value="bad.example")
TIED = [INCIDENT, MALWARE, DOMAIN, link(MALWARE, "uses", DOMAIN)]


def computed(kind, value):
    """The id that everybody can derive from a value (STIX 2.1, 2.9)."""
    namespace = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
    return f"{kind}--{uuid.uuid5(namespace, json.dumps({'value': value}).replace(' ', ''))}"


def bundle(redacted):
    return json.loads(redacted.projection)


def test_it_is_the_adapters_bundle_and_says_so():
    objects = bundle(cut_new(PEER, INCIDENT))["objects"]
    adapter, extension, issuer, case = objects
    assert adapter["id"] == org_identity("hub")
    assert adapter["name"] == "Tocsin Hub"
    assert extension["id"] == EXTENSION_ID
    assert issuer["id"] == org_identity("cert-aq")
    assert issuer["name"] == "cert-aq"
    assert {o["created_by_ref"] for o in (extension, issuer, case)} == {adapter["id"]}
    assert case["modified"] == NOW_TEXT


def test_an_issuer_that_runs_the_adapter_stands_there_once():
    own = Author(org="cert-aq", name="CERT Aquenia", id_key=b"k" * 32)
    redacted = redact(signed(INCIDENT), PEER, POLICY, author=own, now=NOW_TEXT)
    kinds = [o["type"] for o in bundle(redacted)["objects"]]
    assert kinds == ["identity", "extension-definition", "incident"]


def test_an_issuer_described_in_the_record_is_not_described_twice():
    own = new("identity", "CERT Aquenia", identity_class="organization")
    own |= {"id": org_identity("cert-aq")}
    case = marked(INCIDENT, CLEAR) | {"created_by_ref": own["id"]}
    redacted = cut(opened(mint(tree(case, marked(own, CLEAR), tlp="CLEAR"))), PEER)
    names = [o["name"] for o in bundle(redacted)["objects"] if o["type"] == "identity"]
    assert names == ["Tocsin Hub", "CERT Aquenia"]


def test_the_primary_object_leads_to_the_evidence():
    redacted = cut_new(PEER, INCIDENT, MALWARE)
    statement = only(redacted, "incident")["extensions"][EXTENSION_ID]
    assert statement == {
        "extension_type": "property-extension",
        "made": ["created_by_ref", "modified"],
        "issuer": "urn:tocsin:org:cert-aq",
        "token": redacted.verified.token_id,
        "kind": "incident",
        "version": TIME,
        "exercise": False,
    }
    other = only(redacted, "malware")["extensions"][EXTENSION_ID]
    assert set(other) == {"extension_type", "made"}


# -------------------------------------------------------------------------------- ids


def test_an_object_has_one_id_in_all_projections_of_one_audience():
    first = only(cut_new(PEER, INCIDENT), "incident")["id"]
    again = only(cut_new(PEER, INCIDENT | {"name": "Later"}, MALWARE), "incident")["id"]
    assert first == again


def test_audiences_cannot_match_their_ids_with_each_other_or_with_the_issuers():
    ids = [
        only(cut_new(to, INCIDENT), "incident")["id"] for to in (PEER, PLATFORM, CIVIL)
    ]
    assert len({*ids, INCIDENT["id"]}) == 4


def test_an_id_cannot_be_computed_without_the_key():
    other = Author(org="hub", name="Tocsin Hub", id_key=b"x" * 32)
    redacted = redact(signed(INCIDENT), PEER, POLICY, author=other, now=NOW_TEXT)
    assert (
        only(redacted, "incident")["id"]
        != only(cut_new(PEER, INCIDENT), "incident")["id"]
    )


def test_a_disclosed_observable_has_its_deterministic_id_back():
    one = only(cut_new(PEER, *TIED), "domain-name")
    assert one["id"] == computed("domain-name", "bad.example")


def test_an_observable_whose_value_is_withheld_has_an_id_that_says_nothing():
    address = new("ipv4-addr", value="198.51.100.23")
    one = only(cut_new(PEER, INCIDENT, address), "ipv4-addr")
    assert one["value"] == "198.51.100.0/24"
    assert made_of(one) == ["value"]
    for guess in ("198.51.100.23", "198.51.100.0/24"):
        assert one["id"] != computed("ipv4-addr", guess)


def test_two_objects_of_one_value_keep_two_ids():
    twin = new("domain-name", "twin", value="bad.example")
    twin = marked(twin, CLEAR) | {"labels": ["x"]}
    redacted = cut_new(PEER, *TIED, twin, link(MALWARE, "uses", twin))
    ids = [one["id"] for one in projected(redacted, "domain-name")]
    assert len(set(ids)) == 2
    stix.decode_bundle(bundle(redacted))


def test_references_and_mentions_follow_their_objects():
    case = INCIDENT | {"description": f"See {MALWARE['id']} and {MALWARE['id'][-36:]}."}
    redacted = cut_new(PEER, case, *TIED[1:])
    malware, tie = only(redacted, "malware"), only(redacted, "relationship")
    assert tie["source_ref"] == malware["id"]
    assert tie["target_ref"] == only(redacted, "domain-name")["id"]
    text = only(redacted, "incident")["description"]
    assert text == f"See {malware['id']} and {malware['id'][-36:]}."


def test_feedback_points_at_the_projection_of_the_other_record():
    about = new(
        "opinion", object_refs=[INCIDENT["id"]], explanation=f"No {INCIDENT['id']}"
    )
    own = only(cut_new(PEER, about), "opinion")
    case = only(cut_new(PEER, INCIDENT), "incident")
    assert own["object_refs"] == [case["id"]]
    assert own["explanation"] == f"No {case['id']}"


def test_marks_and_known_formats_keep_their_ids():
    mark = new("marking-definition")
    known = new("extension-definition") | {"id": CORE}
    case = marked(INCIDENT, CLEAR, mark["id"]) | {"extensions": core(criticality=7)}
    redacted = cut_new(PEER, case, mark, known)
    assert only(redacted, "marking-definition")["id"] == mark["id"]
    assert only(redacted, "extension-definition")["id"] == CORE
    assert CORE in EXTENSION_ALIASES
    found = only(redacted, "incident")
    assert found["object_marking_refs"] == [CLEAR, mark["id"]]
    assert found["extensions"][CORE]["criticality"] == 7


def test_a_mark_is_handed_on_as_it_is():
    mark = new("marking-definition", modified=None)
    found = only(cut_new(CIVIL, INCIDENT, mark), "marking-definition")
    assert found == {**mark, "object_marking_refs": [CLEAR]}


def test_a_mark_without_its_time_gets_one():
    mark = marked(new("marking-definition", created=None), CLEAR)
    redacted = cut(opened(mint(tree(marked(INCIDENT, CLEAR), mark, tlp="CLEAR"))), PEER)
    assert only(redacted, "marking-definition")["created"] == "2026-11-22T00:00:00.000Z"


# ----------------------------------------------------------------- what the adapter made


def test_made_values_are_listed_and_kept_ones_are_not():
    one = only(cut_new(PLATFORM, BANK, INCIDENT), "identity")
    assert one["name"] == "an organisation (financial-services)"
    assert made_of(one) == ["created", "created_by_ref", "modified", "name"]
    assert one["created"] == "2026-02-03T04:00:00.000Z"


def test_an_observable_has_no_times_of_ours():
    dated = DOMAIN | {"created": TIME, "modified": TIME, "labels": ["x"]}
    one = only(cut_new(PLATFORM, INCIDENT, MALWARE, dated, TIED[3]), "domain-name")
    assert not {"created", "modified", "created_by_ref"} & set(one)
    assert made_of(one) == []


def test_a_missing_version_of_stix_and_a_withheld_time_are_made():
    bare = marked(new("malware", spec_version=None), CLEAR)
    bare = granular(bare, AMBER, "created")
    claims = tree(marked(INCIDENT, CLEAR), bare, tlp="CLEAR")
    one = only(cut(opened(mint(claims)), PLATFORM), "malware")
    assert one["spec_version"] == "2.1"
    assert one["created"] == "2026-02-03T00:00:00.000Z"  # the record's day
    assert made_of(one) == ["created", "created_by_ref", "modified", "spec_version"]


def test_granular_markings_are_applied_and_not_handed_on():
    case = granular(INCIDENT | {"labels": ["x"]}, CLEAR, "labels")
    redacted = cut_new(PEER, case)
    assert "granular_markings" not in only(redacted, "incident")
    assert only(redacted, "incident")["labels"] == ["x"]


def test_a_made_value_takes_the_place_of_the_whole():
    one = only(cut_new(CIVIL, *TIED), "domain-name")
    assert one["value"] == "bad[.]example"
    assert made_of(one) == ["defanged", "value"]


def test_an_author_does_not_show_its_key():
    assert "kkk" not in repr(AUTHOR)
    assert repr(AUTHOR) == "Author(org='hub')"


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
def test_the_same_input_gives_the_same_bytes(to):
    record = signed(*TIED, PERSON)
    assert cut(record, to).projection == cut(record, to).projection


def test_a_receipt_does_not_tell_whether_one_guesses_what_a_neighbour_got():
    # Two platforms have the same ids, and only one is concerned: whoever saw the
    # digest of the other's projection could try names until it fits.
    campaign, channel = new("campaign"), new("channel", "Morning Lantern")
    record = signed(
        campaign, channel, link(campaign, "uses", channel), new("attack-pattern")
    )
    mine = bundle(cut(record, PLATFORM))
    theirs = bundle(cut(record, VIEWS["concerned"]))
    assert [o["id"] for o in mine["objects"]] == [o["id"] for o in theirs["objects"]]
    assert "Morning Lantern" not in str(mine)
    assert "Morning Lantern" in str(theirs)
    assert mine["id"] != theirs["id"]
    other_key = msgspec.structs.replace(AUTHOR, id_key=b"j" * 32)
    again = redact(record, PLATFORM, POLICY, author=other_key, now=NOW_TEXT)
    assert bundle(again)["id"] != mine["id"]


def test_views_of_one_audience_that_get_the_same_have_one_bundle_id_per_record():
    one, other = signed(INCIDENT), signed(INCIDENT | {"name": "Other"})
    addressed = view("peer-cert", addressed=True)
    ids = [bundle(cut(r, to))["id"] for r, to in
           ((one, PEER), (one, addressed), (one, CIVIL), (other, PEER))]  # fmt: skip
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_a_value_that_its_issuer_has_defanged_is_not_marked_again():
    own = [
        {**one, "defanged": True} if one["type"] == "domain-name" else one
        for one in TIED
    ]
    one = only(cut_new(CIVIL, *own), "domain-name")
    assert one["defanged"] is True
    assert made_of(one) == ["value"]
