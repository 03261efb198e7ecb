"""Counting what became of records: what is lost, and whose fault a second post is."""

from tests.faults.counting import Outage, Signed, count
from tests.faults.member import Post

V1, V2 = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def post(token, at, **more):
    about = {"number": int(token[1:]), "sub": f"incident--{token}", "ver": V1}
    about |= {"nth": 1, "status": 204, "answered_at": at + 0.1} | more
    return Post(at, f"d-{token}", token=token, **about)


def counted(posts, *, tokens=("t1", "t2"), **more):
    published = {each: Signed(f"incident--{each}", V1) for each in tokens}
    options = {"confirmed": tokens, "filed": tokens, "published": published}
    return count(posts=posts, **(options | more))


def test_what_came_to_both_places_is_delivered():
    found = counted([post("t1", 1), post("t2", 4)])
    assert (found.delivered, found.lost, found.gap_s, found.faults) == (2, 0, 3, [])


def test_what_is_confirmed_and_came_nowhere_is_lost():
    assert counted([post("t1", 1)]).lost == 1
    assert counted([post("t1", 1), post("t2", 2)], filed=("t1",)).lost == 1
    assert counted([post("t1", 1), post("t2", 2, status=500)]).lost == 1
    assert counted([post("t1", 1)], confirmed=("t1",)).lost == 0
    assert counted([post("t1", 1)], refused=("t2",)).lost == 0


def test_what_a_newer_version_replaced_is_not_lost():
    published = {"t1": Signed("incident--a", V1), "t2": Signed("incident--a", V2)}
    posts = [post("t2", 1, sub="incident--a", ver=V2, number=1)]
    found = counted(posts, published=published, filed=("t2",))
    assert (found.superseded, found.faults) == (1, [])


def test_a_second_post_is_put_down_to_who_made_it_necessary():
    again = post("t1", 9, nth=2)
    for first, why in (
        (post("t1", 1, status=500), "twice_unanswered"),
        (post("t1", 1, status=0), "twice_unanswered"),
        (post("t1", 1, answered_at=10), "twice_unanswered"),
        (post("t1", 1), "twice"),
    ):
        found = counted([first, again, post("t2", 9)])
        names = ("twice_unanswered", "twice_in_fault", "twice")
        assert [n for n in names if getattr(found, n)] == [why]
    for outage in (Outage(0, 2), Outage(2, 3), Outage(8, 10)):
        found = counted([post("t1", 1), again, post("t2", 9)], outages=[outage])
        assert (found.twice_in_fault, found.twice) == (1, 0)
    for outage in (Outage(0, 1), Outage(10, 11)):
        found = counted([post("t1", 1), again, post("t2", 9)], outages=[outage])
        assert (found.twice_in_fault, found.twice) == (0, 1)


def test_an_older_version_after_a_newer_one_is_noticed():
    newer = post("t2", 1, sub="incident--t1", ver=V2)
    assert counted([newer, post("t1", 2)]).backwards == 1
    assert counted([post("t1", 0), newer, post("t1", 2, nth=2)]).backwards == 0


def test_a_gap_in_the_numbers_is_noticed():
    found = counted([post("t1", 1), post("t2", 2, number=3)])
    assert found.faults == ["missing_numbers"]
    assert counted([post("t1", 1, number=8), post("t2", 2, number=9)]).missing_numbers
    later = [post("t1", 1, number=8), post("t2", 2, number=9)]
    assert counted(later, numbers_from=8).faults == []


def test_what_a_member_threw_away_it_can_tell_by_the_number():
    found = counted([post("t1", 1), post("t2", 2, is_lie=True)])
    assert (found.delivered, found.thrown_away, found.faults) == (1, 1, [])
