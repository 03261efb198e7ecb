"""MISP: tags and distribution become marks; what is not clear counts as strict."""

import pytest

from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp, tlp_of
from tests.support.misp_events import (
    attribute,
    composed,
    event,
    losses,
    misp_object,
    only,
    part,
    read,
)
from tests.support.records import token
from tests.support.views import VIEWS, cut, opened, seen


def tags(*names):
    return [{"name": name} for name in names]


def mark(plain):
    return tlp_of(plain.get("object_marking_refs", ()))


def marks(*attribute_tags, event_tags=("tlp:amber",), distribution="5", **members):
    one = attribute("domain", "bad.example", to_ids=True, distribution=distribution)
    if attribute_tags:
        one["Tag"] = tags(*attribute_tags)
    found = read(event(one, Tag=tags(*event_tags), **members))
    return mark(only(found, "report")), mark(only(found, "indicator")), found


@pytest.mark.parametrize(
    ("tag", "tlp"),
    [
        ("tlp:white", Tlp.CLEAR),
        ("tlp:clear", Tlp.CLEAR),
        ("TLP:Green", Tlp.GREEN),
        ("tlp: amber", Tlp.AMBER),
        ("tlp:amber+strict", Tlp.AMBER_STRICT),
        ("tlp:red", Tlp.RED),
        ('iep:traffic-light-protocol="GREEN"', Tlp.GREEN),
    ],
)
def test_every_tlp_tag_is_read_in_any_case(tag, tlp):
    report, indicator, found = marks(event_tags=(tag,))
    assert report == indicator == tlp
    assert losses(found, "unknown-tlp") == []


@pytest.mark.parametrize(
    "tag", ["tlp:ex:chr", "tlp:unclear", "tlp:", "TLP AMBER", "tlp", "tlp:ambr"]
)
def test_a_tlp_that_cannot_be_read_counts_as_amber_strict_and_is_listed(tag):
    report, _, found = marks(event_tags=(tag,))
    assert report is Tlp.AMBER_STRICT
    assert losses(found, "unknown-tlp") == ["$.Event.Tag[0]"]


def test_a_word_that_only_begins_like_tlp_is_a_label():
    report, _, found = marks(event_tags=("tlpfoo",))
    assert report is None
    assert only(found, "report")["labels"] == ["tlpfoo"]


def test_the_strictest_of_several_counts():
    assert marks(event_tags=("tlp:green", "tlp:amber", "tlp:white"))[0] is Tlp.AMBER
    assert marks(event_tags=("tlp:red", "tlp:unclear"))[0] is Tlp.RED


def test_a_local_tlp_tag_counts_too():
    local = [{"name": "tlp:amber+strict", "local": True}, {"name": "tlp:green"}]
    found = read(event(attribute("domain", "bad.example"), Tag=local))
    assert mark(only(found, "report")) is Tlp.AMBER_STRICT


@pytest.mark.parametrize("name", ["protect:minors", "PROTECT: Minors", "protect:x"])
@pytest.mark.parametrize("local", [True, False])
def test_a_tag_of_protection_becomes_a_label_though_it_be_local(name, local):
    told = [{"name": name, "local": local}, {"name": "tlp:green"}]
    one = attribute("domain", "bad.example", to_ids=True, Tag=told)
    found = read(
        event(one, attribute("domain", "other.example"), Tag=tags("tlp:green"))
    )
    assert name in only(found, "indicator")["labels"]
    assert "labels" not in only(found, "report")
    found = read(event(one, Tag=told))
    assert name in only(found, "report")["labels"]
    lost = [loss.where for loss in found.losses if loss.rule == "local-only"]
    assert not [where for where in lost if "Tag" in where]


@pytest.mark.parametrize("to_ids", [True, False])
@pytest.mark.parametrize("comment", ["", "Their shelter."])
def test_all_that_a_protected_attribute_becomes_is_given_to_nobody(to_ids, comment):
    told = tags("protect:minors", "tlp:clear")
    one = attribute(
        "email-src", "child@school.example", to_ids=to_ids, comment=comment, Tag=told
    )
    kept = attribute("domain", "bad.example", to_ids=True)
    draft = composed(read(event(one, kept, Tag=tags("tlp:clear"))))
    verified = opened(token(draft))
    for to in VIEWS.values():
        text = seen(cut(verified, to))
        assert "child" not in text
        assert "shelter" not in text


def test_an_attributes_own_tag_marks_it_and_others_inherit():
    report, own, _ = marks("tlp:green")
    assert (report, own) == (Tlp.AMBER, Tlp.GREEN)
    report, inherited, _ = marks("other")
    assert (report, inherited) == (Tlp.AMBER, Tlp.AMBER)


def test_an_event_without_a_tlp_is_left_for_the_issuer_to_mark():
    report, indicator, found = marks(event_tags=())
    assert report is indicator is None
    with pytest.raises(SchemaError) as refused:
        composed(found, tlp=None)
    assert refused.value.reason == "unmarked"


@pytest.mark.parametrize("distribution", ["0", "4", 0, 4])
@pytest.mark.parametrize("tag", ["", "tlp:clear", "tlp:green"])
def test_a_narrow_distribution_is_never_widened(distribution, tag):
    one = attribute("domain", "bad.example", to_ids=True)
    found = read(event(one, Tag=tags(tag), distribution=distribution))
    assert mark(only(found, "report")) is Tlp.AMBER_STRICT
    assert mark(only(found, "indicator")) is Tlp.AMBER_STRICT
    assert losses(found, "narrow-distribution") == ["$.Event.distribution"]


def test_amber_is_an_answer_to_a_narrow_distribution():
    one = attribute("domain", "bad.example")
    found = read(event(one, distribution="0"))
    assert mark(only(found, "report")) is Tlp.AMBER
    assert losses(found, "narrow-distribution") == []


def test_an_attribute_kept_at_home_is_stricter_than_its_event():
    report, own, found = marks(distribution="0")
    assert (report, own) == (Tlp.AMBER, Tlp.AMBER_STRICT)
    assert losses(found, "narrow-distribution") == ["$.Event.Attribute[0].distribution"]
    assert marks("tlp:amber", distribution="4")[1] is Tlp.AMBER
    assert marks("tlp:green", distribution="4")[1] is Tlp.AMBER_STRICT
    assert marks(distribution="0", event_tags=("tlp:red",))[1] is Tlp.RED


@pytest.mark.parametrize("odd", ["6", "-1", "all", "99999999999"])
def test_a_distribution_that_misp_does_not_have_counts_as_strict(odd):
    report, own, found = marks(distribution=odd)
    assert (report, own) == (Tlp.AMBER, Tlp.AMBER_STRICT)
    assert losses(found, "unknown-distribution") == [
        "$.Event.Attribute[0].distribution"
    ]


def test_an_event_not_to_be_synchronised_is_strict():
    report, _, found = marks(event_tags=("tlp:green", "misp:should-not-sync"))
    assert report is Tlp.AMBER_STRICT
    assert losses(found, "narrow-distribution") == ["$.Event.Tag[1]"]


def test_an_object_is_marked_as_its_strictest_attribute():
    thing = misp_object(
        "file",
        part("filename", "filename", "a.exe", 1),
        part("md5", "md5", "0" * 32, 2, Tag=tags("tlp:amber+strict")),
    )
    found = read(event(Object=[thing], Tag=tags("tlp:green")))
    assert mark(only(found, "file")) is Tlp.AMBER_STRICT
    assert mark(only(found, "observed-data")) is Tlp.AMBER_STRICT


def test_an_objects_distribution_holds_for_its_attributes():
    thing = misp_object(
        "file", part("filename", "filename", "a.exe", 1), distribution="4"
    )
    found = read(event(Object=[thing], Tag=tags("tlp:green")))
    assert mark(only(found, "file")) is Tlp.AMBER_STRICT


def test_unmarked_and_marked_attributes_of_one_object_stay_unmarked_below_strict():
    def marked(tag):
        thing = misp_object(
            "file",
            part("filename", "filename", "a.exe", 1),
            part("md5", "md5", "0" * 32, 2, Tag=tags(tag)),
        )
        return mark(only(read(event(Object=[thing], Tag=[])), "file"))

    # What is unmarked may become any mark up to AMBER+STRICT.
    assert marked("tlp:green") is None
    assert marked("tlp:red") is Tlp.RED


def test_a_relationship_is_as_strict_as_the_stricter_end():
    files = [
        misp_object(
            "mutex",
            part("name", "mutex", "a", 1),
            number=900,
            ObjectReference=[
                {
                    "referenced_uuid": "5b6464ca-1111-4707-9b8a-d03500000901",
                    "relationship_type": "drops",
                }
            ],
        ),
        misp_object(
            "mutex", part("name", "mutex", "b", 2), number=901, distribution="0"
        ),
    ]
    found = read(event(Object=files, Tag=tags("tlp:green")))
    assert mark(only(found, "relationship")) is Tlp.AMBER_STRICT


def test_a_link_that_is_stricter_than_the_report_is_a_note_of_its_own():
    link = attribute("link", "https://intern.example/7", distribution="0")
    found = read(event(link))
    assert "external_references" not in only(found, "report")
    assert mark(only(found, "note")) is Tlp.AMBER_STRICT


def test_everything_a_marked_event_gives_is_marked():
    found = read(
        event(
            attribute("domain", "bad.example", comment="x"), attribute("text", "y", 2)
        )
    )
    for each in composed(found, tlp=None).objects:
        assert each.object_marking_refs == (TLP_IDS[Tlp.AMBER],)
