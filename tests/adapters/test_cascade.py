"""The cascade: references go with their targets, objects with what they need."""

import time
from itertools import pairwise

import pytest

from adapters.cascade import ObjectLoss, ReferenceLoss, cascade
from adapters.ids import Ids
from adapters.projection import ObjectParts
from adapters.reading import Mentions, ObjectReading
from schemas import profile, stix
from tests.support.views import CLEAR, INCIDENT, MALWARE, core, link, marked, new

FAR = new("campaign", "far")


class Cutting:
    """Carries the losses out, as `cutting.Work` does, and remembers them."""

    def __init__(self, *objects, gone=(), present=(), whole=False):
        self.parts = [parts_of(one) for one in objects]
        self.gone = {i for i, one in enumerate(objects) if one in gone}
        self.losses = []
        for loss in cascade(
            mentions_of(*objects), self.parts, self.gone, set(present), whole=whole
        ):
            self.losses.append(loss)
            match loss:
                case ObjectLoss():
                    assert loss.index not in self.gone
                    self.gone.add(loss.index)
                case ReferenceLoss(element=None):
                    del self.parts[loss.index].shown[loss.place]

    def left(self):
        return {
            part.source.id: {
                profile.spell(place): [
                    v for j, v in enumerate(value) if j not in part.lost.get(place, ())
                ]
                if isinstance(value, list)
                else value
                for place, value in part.shown.items()
            }
            for i, part in enumerate(self.parts)
            if i not in self.gone
        }


def mentions_of(*objects):
    ids = Ids(one["id"] for one in objects)
    return Mentions(
        ids,
        [
            ObjectReading(
                stix.decode_object(one), one, ids, is_primary=False, is_own=False
            )
            for one in objects
        ],
    )


def parts_of(plain):
    decoded = stix.decode_object(plain)
    return ObjectParts(decoded, decoded.type, dict(profile.places(plain.items())))


def test_nothing_follows_from_nothing():
    assert (
        Cutting(INCIDENT, MALWARE, link(INCIDENT, "related-to", MALWARE)).losses == []
    )


def test_a_relationship_goes_with_either_end():
    tie = link(INCIDENT, "related-to", MALWARE)
    for end in (INCIDENT, MALWARE):
        left = Cutting(INCIDENT, MALWARE, tie, gone=[end]).left()
        assert tie["id"] not in left


def test_an_entry_of_a_list_goes_and_the_others_stay():
    listing = new("report", object_refs=[INCIDENT["id"], MALWARE["id"]])
    left = Cutting(INCIDENT, MALWARE, listing, gone=[MALWARE]).left()
    assert left[listing["id"]]["object_refs"] == [INCIDENT["id"]]


def test_a_list_goes_with_its_last_entry_and_its_object_with_the_list():
    listing = new("report", object_refs=[INCIDENT["id"], MALWARE["id"]])
    cutting = Cutting(INCIDENT, MALWARE, listing, gone=[INCIDENT, MALWARE])
    assert cutting.left() == {}
    assert cutting.losses[-2:] == [
        ReferenceLoss(2, ("object_refs",), None),
        ObjectLoss(2),
    ]


def test_losses_travel_down_a_chain_to_its_end():
    chain = [new("campaign", "0")]
    for _ in range(50):
        chain.append(link(chain[-1], "related-to", INCIDENT))
    assert Cutting(INCIDENT, *chain, gone=[chain[0]]).left().keys() == {INCIDENT["id"]}


def test_a_circle_goes_as_a_whole():
    one = new("relationship", "one")
    other = link(one, "related-to", FAR)
    one |= {
        "relationship_type": "x",
        "source_ref": other["id"],
        "target_ref": other["id"],
    }
    assert Cutting(one, other, FAR, gone=[FAR]).left() == {}


@pytest.mark.parametrize(
    "text", [FAR["id"], f"see {FAR['id'].upper()}.", FAR["id"][-36:]]
)
def test_a_text_that_mentions_what_is_gone_goes(text):
    left = Cutting(INCIDENT | {"description": text}, FAR, gone=[FAR]).left()
    assert "description" not in left[INCIDENT["id"]]
    assert left[INCIDENT["id"]]["name"]


def test_one_of_several_labels_goes_alone():
    labels = ["a", f"see {FAR['id']}"]
    left = Cutting(INCIDENT | {"labels": labels}, FAR, gone=[FAR]).left()
    assert left[INCIDENT["id"]]["labels"] == ["a"]


def test_a_step_in_an_extension_goes_alone():
    event = new("event", status="occurred")
    steps = [{"event_ref": event["id"]}, {"event_ref": FAR["id"]}]
    case = INCIDENT | {"extensions": core(events=steps)}
    left = Cutting(case, event, FAR, gone=[FAR]).left()
    assert left[case["id"]]["extensions.incident-core.events"] == steps[:1]


def test_an_object_that_mentions_what_is_gone_where_nothing_can_be_cut_goes():
    event = new("event", status=FAR["id"])
    assert event["id"] not in Cutting(INCIDENT, event, FAR, gone=[FAR]).left()


def test_a_reference_out_of_the_record_goes_unless_it_is_known():
    case = INCIDENT | {"created_by_ref": FAR["id"]}
    assert "created_by_ref" not in Cutting(case).left()[case["id"]]
    assert Cutting(case, present=[FAR["id"]]).losses == []


@pytest.mark.parametrize("kind", ["note", "opinion"])
def test_feedback_may_be_about_other_records_but_not_about_what_is_gone(kind):
    about = new(kind, object_refs=[FAR["id"], MALWARE["id"]])
    assert Cutting(about, MALWARE).losses == []
    left = Cutting(about, MALWARE, gone=[MALWARE]).left()
    assert left[about["id"]]["object_refs"] == [FAR["id"]]


def test_marks_hold_whether_their_text_is_given_or_not():
    assert (
        Cutting(marked(INCIDENT, CLEAR, new("marking-definition")["id"])).losses == []
    )


def test_a_mark_that_is_listed_like_any_object_goes_like_any_object():
    mark = new("marking-definition")
    listing = new("report", object_refs=[INCIDENT["id"], mark["id"]])
    left = Cutting(INCIDENT, mark, listing, gone=[mark]).left()
    assert left[listing["id"]]["object_refs"] == [INCIDENT["id"]]


def without(one, *names):
    """Cut *names* of an object after it was received."""
    cutting = [parts_of(one)]
    for name in names:
        del cutting[0].shown[name,]
    mentions = mentions_of(one)
    return [*cascade(mentions, cutting, set(), set())], [
        *cascade(mentions, cutting, set(), set(), whole=True)
    ]


def test_an_object_goes_with_a_property_that_it_needs():
    assert without(INCIDENT, "name") == ([ObjectLoss(0)], [ObjectLoss(0)])
    assert without(INCIDENT, "created", "modified", "spec_version") == ([], [])
    assert without(new("location", region="x"), "country") == ([], [])
    one_of_two = new("location", region="x")
    assert without(one_of_two, "country", "region")[0] == [ObjectLoss(0)]


def test_what_was_lacking_on_arrival_makes_no_loss_but_no_whole_object_either():
    nameless = {name: v for name, v in INCIDENT.items() if name != "name"}
    placeless = new("location", country=None, name="there")
    for one in (nameless, placeless):
        assert without(one) == ([], [ObjectLoss(0)])


def test_an_object_that_lacked_one_property_still_goes_with_another():
    cut_before = {k: v for k, v in new("indicator").items() if k != "valid_from"}
    assert without(cut_before, "pattern")[0] == [ObjectLoss(0)]


def test_a_long_list_over_a_long_chain_takes_a_linear_time():
    objects = [new("campaign", str(n)) for n in range(3000)]
    ties = [link(a, "related-to", b) for a, b in pairwise(objects)]
    listing = new("report", object_refs=[o["id"] for o in (*objects, *ties)])
    started = time.process_time()
    cutting = Cutting(*objects, *ties, listing, gone=objects[::2])
    assert time.process_time() - started < 3
    assert len(cutting.left()[listing["id"]]["object_refs"]) == 1500
