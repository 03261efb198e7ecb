"""MISP: galaxies and sightings say what an event and its attributes are about."""

import pytest

from adapters.sources import misp_galaxies
from schemas.markings import TLP_IDS, Tlp
from tests.support.misp_events import (
    ORG,
    attribute,
    composed,
    event,
    losses,
    misp_object,
    objects,
    only,
    part,
    read,
    uuid,
)

# --- galaxies


def galaxy(kind, *clusters):
    return {
        "type": kind, "name": "Its name", "icon": "x", "description": "About the galaxy",
        "GalaxyCluster": [{"type": kind, **each} for each in clusters],
    }  # fmt: skip


def cluster(value, number=500, **members):
    return {"value": value, "uuid": uuid(number), **members}


def about(*galaxies, **members):
    found = read(event(attribute("text", "x"), Galaxy=list(galaxies), **members))
    composed(found)
    return found


def test_a_technique_has_the_number_of_its_framework():
    found = about(galaxy("mitre-attack-pattern", cluster(
        "PowerShell - T1059.001", description="Uses it",
        meta={"external_id": ["T1059.001"], "kill_chain": ["mitre-attack:Windows:execution", "odd"],
              "refs": ["https://attack.mitre.org/techniques/T1059/001", "https://x.example"]},
    )))  # fmt: skip
    made = only(found, "attack-pattern")
    assert made["id"] == f"attack-pattern--{uuid(500)}"
    assert (made["name"], made["description"]) == ("PowerShell", "Uses it")
    assert made["external_references"] == [
        {
            "source_name": "mitre-attack",
            "external_id": "T1059.001",
            "url": "https://attack.mitre.org/techniques/T1059/001",
        },
        {"source_name": "mitre-attack", "url": "https://x.example"},
    ]
    assert made["kill_chain_phases"] == [
        {"kill_chain_name": "mitre-attack", "phase_name": "execution"}
    ]
    assert made["id"] in only(found, "report")["object_refs"]


def test_a_disarm_technique_is_not_one_of_attack():
    page = "https://example.org/generated_pages/techniques/T0002.md"
    found = about(galaxy("disarm-techniques", cluster(
        "Facilitate State Propaganda",
        meta={"external_id": "T0002", "kill_chain": ["tactics:Plan Objectives", "metatechniques:Friction"], "refs": [page]},
    )))  # fmt: skip
    made = only(found, "attack-pattern")
    assert made["external_references"] == [
        {"source_name": "disarm", "external_id": "T0002", "url": page}
    ]
    assert made["kill_chain_phases"] == [
        {"kill_chain_name": "disarm", "phase_name": "plan-objectives"},
        {"kill_chain_name": "disarm-metatechniques", "phase_name": "friction"},
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("disarm-techniques", "disarm"), ("disarm-countermeasures", "disarm"),
        ("mitre-ics-techniques", "mitre-ics-attack"), ("mitre-attack-pattern", "mitre-attack"),
        ("mitre-mobile-attack-attack-pattern", "mitre-mobile-attack"),
        ("mitre-pre-attack-attack-pattern", "mitre-pre-attack"),
        ("threat-actor", "misp-galaxy:threat-actor"),
    ],
)  # fmt: skip
def test_numbers_are_told_apart_by_framework(kind, name):
    assert misp_galaxies.framework(kind) == name


@pytest.mark.parametrize(
    ("kind", "made", "expected"),
    [
        ("threat-actor", "threat-actor", {"aliases": ["Wet Wasp"]}),
        ("mitre-intrusion-set", "intrusion-set", {"aliases": ["Wet Wasp"]}),
        ("ransomware", "malware", {"is_family": True, "aliases": ["Wet Wasp"]}),
        ("mitre-tool", "tool", {}),
        ("disarm-countermeasures", "course-of-action", {}),
        ("branded-vulnerability", "vulnerability", {}),
    ],
)
def test_clusters_become_objects(kind, made, expected):
    found = about(
        galaxy(
            kind, cluster("Paper Wasp", meta={"synonyms": ["Paper Wasp", "Wet Wasp"]})
        )
    )
    one = only(found, made)
    assert one["name"] == "Paper Wasp"
    assert {name: one[name] for name in expected} == expected


def test_a_branded_vulnerability_has_its_cve():
    found = about(
        galaxy(
            "branded-vulnerability",
            cluster("Drip", meta={"external_id": ["CVE-2026-1234"]}),
        )
    )
    assert only(found, "vulnerability")["external_references"] == [
        {"source_name": "cve", "external_id": "CVE-2026-1234"}
    ]


@pytest.mark.parametrize(
    ("kind", "value", "meta", "expected"),
    [
        ("country", "testland", {"ISO": ["XA"]}, {"country": "XA", "name": "testland"}),
        ("country", "testland", {"ISO": "xa"}, {"country": "XA"}),
        ("target-information", "Testland", {"iso-code": ["XA", "XAA"]}, {"country": "XA"}),
        ("region", "021 - Northern America", {}, {"region": "northern-america", "name": "Northern America"}),
        ("region", "053 - Australia and New Zealand", {}, {"region": "australia-new-zealand"}),
    ],
)  # fmt: skip
def test_places_become_locations(kind, value, meta, expected):
    one = only(about(galaxy(kind, cluster(value, meta=meta))), "location")
    assert {name: one[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("kind", "value", "sectors"),
    [("sector", "Finance", ["financial-services"]), ("sector", "Dissidents", None), ("target-information", "Testland", None)],
)  # fmt: skip
def test_sectors_become_classes_and_groups_of_persons_are_no_sectors(
    kind, value, sectors
):
    found = about(galaxy(kind, cluster(value)))
    (one,) = [
        o for o in objects(found, "identity") if o["id"] != f"identity--{ORG['uuid']}"
    ]
    assert (one["name"], one["identity_class"], one.get("sectors")) == (
        value,
        "class",
        sectors,
    )
    assert composed(found).facts.sectors == tuple(sectors or ())


@pytest.mark.parametrize(
    ("kind", "value", "meta"), [("tea-matrix", "Milk in tea", {}), ("country", "testland", {}), ("country", "testland", {"ISO": ["X1"]}), ("threat-actor", "", {})]
)  # fmt: skip
def test_a_cluster_that_no_object_stands_for_is_a_label(kind, value, meta):
    found = about(galaxy(kind, cluster(value, meta=meta)))
    assert f'misp-galaxy:{kind}="{value}"' in only(found, "report")["labels"]
    assert losses(found, "label-only") == ["$.Event.Galaxy[0].GalaxyCluster[0]"]


def test_a_tag_of_a_cluster_that_is_there_is_not_repeated():
    tag = {"name": 'misp-galaxy:threat-actor="Paper Wasp"'}
    block = galaxy("threat-actor", cluster("Paper Wasp", tag_name=tag["name"]))
    found = about(block, Tag=[tag])
    assert only(found, "threat-actor")["id"] == f"threat-actor--{uuid(500)}"
    assert "labels" not in only(found, "report")


def test_a_tag_without_its_cluster_is_read_by_its_name():
    names = [
        'misp-galaxy:mitre-attack-pattern="Spearphishing - T1566"',
        'misp-galaxy:tea-matrix="Milk"',
        "misp-galaxy:odd",
    ]
    found = about(Tag=[{"name": each} for each in names])
    made = only(found, "attack-pattern")
    assert made["name"] == "Spearphishing"
    assert made["external_references"] == [
        {"source_name": "mitre-attack", "external_id": "T1566"}
    ]
    assert only(found, "report")["labels"] == names[1:]
    assert losses(found, "label-only") == ["$.Event.Tag"]


def test_clusters_that_share_a_uuid_are_all_kept():
    # As older MISP wrote them: the UUID of the galaxy in every cluster.
    found = about(
        galaxy(
            "mitre-malware",
            cluster("One"),
            cluster("Two"),
            cluster("Three", meta={"uuid": [uuid(501)]}),
        )
    )
    assert {o["name"] for o in objects(found, "malware")} == {"One", "Two", "Three"}
    assert f"malware--{uuid(501)}" in {o["id"] for o in objects(found, "malware")}


def test_a_cluster_of_everybodys_galaxies_is_not_kept_at_home():
    # Older MISP writes 0 for all of them.
    block = cluster(
        "Wasp", tag_name='misp-galaxy:threat-actor="Wasp"', distribution="0"
    )
    found = about(galaxy("threat-actor", block))
    assert only(found, "threat-actor")["object_marking_refs"] == [TLP_IDS[Tlp.AMBER]]
    assert losses(found, "narrow-distribution") == []


@pytest.mark.parametrize(
    "tag", [{"tag_name": f'misp-galaxy:threat-actor="{uuid(500)}"'}, {}]
)
def test_a_cluster_that_somebody_made_is_kept_as_its_distribution_says(tag):
    own = galaxy("threat-actor", cluster("canary", distribution="0", **tag))
    attributes = [attribute("text", "x", Galaxy=[own])]
    found = read(event(*attributes))
    assert only(found, "threat-actor")["object_marking_refs"] == [
        TLP_IDS[Tlp.AMBER_STRICT]
    ]
    assert "canary" not in str(only(found, "note"))
    unknown = galaxy("our-actors", cluster("canary", distribution="4", **tag))
    assert "canary" not in str(objects(about(unknown)))


def test_a_tag_with_the_uuid_of_a_cluster_that_is_not_there_names_nothing():
    tag = f'misp-galaxy:threat-actor="{uuid(500)}"'
    found = about(Tag=[{"name": tag}])
    assert objects(found, "threat-actor") == []
    assert only(found, "report")["labels"] == [tag]


def test_authors_of_galaxies_and_other_details_are_listed():
    found = about(
        galaxy(
            "threat-actor",
            cluster(
                "Wasp",
                authors=["canary"],
                source="x",
                meta={"country": ["XA"], "made-up": ["y"]},
            ),
            cluster("Gone", 501, deleted=True),
        )
    )
    assert losses(found, "person-left-out") == [
        "$.Event.Galaxy[0].GalaxyCluster[0].authors"
    ]
    assert losses(found, "no-equivalent") == [
        "$.Event.Galaxy[0].GalaxyCluster[0].meta.country",
        "$.Event.Galaxy[0].GalaxyCluster[0].meta[...]",
    ]
    assert losses(found, "deleted") == ["$.Event.Galaxy[0].GalaxyCluster[1]"]
    assert "canary" not in str(objects(found))


def test_an_indicator_indicates_what_its_attribute_is_tagged_with():
    tagged = {
        "Galaxy": [
            galaxy("threat-actor", cluster("Wasp")),
            galaxy("country", cluster("testland", 501, meta={"ISO": ["XA"]})),
        ]
    }
    found = read(event(attribute("domain", "bad.example", to_ids=True, **tagged)))
    words = {
        o["target_ref"].partition("--")[0]: o["relationship_type"]
        for o in objects(found, "relationship")
    }
    assert words == {"threat-actor": "indicates", "location": "related-to"}
    assert "labels" in only(found, "indicator")


def test_an_observable_is_not_tied_to_an_attacker_by_a_tag():
    # It may be the victim's: only who says so relates the two.
    tag = 'misp-galaxy:threat-actor="Wasp"'
    found = read(
        event(
            attribute("ip-src", "198.51.100.3", Tag=[{"name": tag}]),
            attribute("text", "x", 2, Tag=[{"name": tag}]),
        )
    )
    assert objects(found, "relationship") == []
    assert tag in only(found, "observed-data")["labels"]
    assert tag in only(found, "note")["labels"]
    assert only(found, "threat-actor")["name"] == "Wasp"


def test_named_objects_are_related_to_their_clusters():
    tag = [{"name": 'misp-galaxy:threat-actor="Wasp"'}]
    cve = attribute("vulnerability", "CVE-2026-1234", Tag=tag)
    coa = misp_object("course-of-action", part("name", "text", "n", 2, Tag=tag))
    found = read(event(cve, Object=[coa]))
    assert {
        o["source_ref"].partition("--")[0] for o in objects(found, "relationship")
    } == {"vulnerability", "course-of-action"}


# --- sightings


def sighting(kind="0", number=600, **members):
    return {"uuid": uuid(number), "type": kind, "date_sighting": "1793520060", "Organisation": {"name": "CERT-XB", "uuid": uuid(99)}, "source": "", **members}  # fmt: skip


def seen(kind="domain", value="bad.example", *sightings, to_ids=True, **more):
    found = read(
        event(attribute(kind, value, to_ids=to_ids, Sighting=list(sightings), **more))
    )
    composed(found)
    return found


def test_a_sighting_says_when_and_by_which_organisation():
    found = seen("domain", "bad.example", sighting(source="a honeypot"))
    one = only(found, "sighting")
    assert one["id"] == f"sighting--{uuid(600)}"
    assert one["sighting_of_ref"] == f"indicator--{uuid(1)}"
    assert one["first_seen"] == one["last_seen"] == "2026-11-01T08:01:00.000Z"
    assert (one["count"], one["description"]) == (1, "a honeypot")
    assert one["where_sighted_refs"] == [f"identity--{uuid(99)}"]


def test_a_sighting_may_say_nothing_but_that_it_was():
    found = seen("domain", "bad.example", {"type": 0})
    one = only(found, "sighting")
    assert "where_sighted_refs" not in one
    assert "first_seen" not in one


def test_a_sighting_of_an_observable_is_one_of_its_observed_data():
    found = seen("domain", "bad.example", sighting(), to_ids=False)
    assert (
        only(found, "sighting")["sighting_of_ref"] == only(found, "observed-data")["id"]
    )


def test_a_false_positive_is_a_disagreement():
    found = seen(
        "domain",
        "bad.example",
        sighting("1"),
        sighting("1", 601, source="web proxy", Organisation=None),
    )
    one, other = objects(found, "opinion")
    assert one["opinion"] == "strongly-disagree"
    assert one["object_refs"] == [f"indicator--{uuid(1)}"]
    assert one["created_by_ref"] == f"identity--{uuid(99)}"
    assert other["created_by_ref"] == f"identity--{ORG['uuid']}"
    assert other["explanation"] == "False positive sighting. web proxy"


def test_an_expiration_ends_an_indicator():
    found = seen(
        "domain", "bad.example", sighting("2"), sighting("2", 601, date_sighting="")
    )
    assert only(found, "indicator")["valid_until"] == "2026-11-01T08:01:00.000Z"


def test_an_expiration_before_the_beginning_is_listed():
    found = seen("domain", "bad.example", sighting("2", date_sighting="1793519999"))
    assert "valid_until" not in only(found, "indicator")
    assert losses(found, "bad-value") == ["$.Event.Attribute[0].Sighting[0]"]


def test_sightings_of_an_unknown_kind_and_of_what_cannot_be_seen_are_listed():
    assert losses(seen("domain", "bad.example", sighting("7")), "no-equivalent") == [
        "$.Event.Attribute[0].Sighting[0]"
    ]
    assert losses(
        seen("domain", "bad.example", sighting("2"), to_ids=False), "no-equivalent"
    ) == ["$.Event.Attribute[0].Sighting[0]"]
    assert losses(seen("text", "words", sighting()), "no-equivalent") == [
        "$.Event.Attribute[0].Sighting[0]"
    ]


def test_sightings_of_parts_are_sightings_of_the_object():
    one = part("md5", "md5", "0" * 32, 1, True, Sighting=[sighting()])
    text = part("state", "text", "Malicious", 2, Sighting=[sighting("0", 601)])
    found = read(event(Object=[misp_object("file", one, text)]))
    assert only(found, "sighting")["sighting_of_ref"] == f"indicator--{uuid(900)}"
    assert losses(found, "no-equivalent") == [
        "$.Event.Object[0].Attribute[1].Sighting[0]"
    ]
