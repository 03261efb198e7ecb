"""Two policies: what changes in meaning, for whom, and whether it shows more."""

from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.policy import Policy
from adapters.policy_changes import (
    Differences,
    OtherChange,
    Place,
    RowChange,
    mirrored,
)
from adapters.policy_compare import compare
from adapters.policy_names import properties_of, roles_of
from broker.errors import ConfigError
from tests.support.policy_files import (
    AUDIENCES,
    GATES,
    REASON,
    compiled,
    gate,
    head,
    limit,
    row,
    shipped,
    table,
)
from tests.support.views import POLICY

RESEARCH = table(
    "audience", name="research", called="researchers", like="civil-society",
    after_days=30,
)  # fmt: skip


def words(name: str, *given: str) -> str:
    return table("list", name=name, words=given, reason=REASON)


def other(found: Differences) -> OtherChange:
    assert found.rows == ()
    (change,) = found.others
    return change


def only(found: Differences) -> RowChange:
    assert found.others == ()
    (change,) = found.rows
    return change


def marks(found: Differences) -> dict[str, str]:
    """The mark of each audience."""
    return {change.audience: change.mark for change in found.rows}


# --------------------------------------------------------------- of the shipped policy


def test_a_policy_does_not_differ_from_itself():
    found = compare(POLICY, Policy(shipped(), "again"))
    assert found == Differences((), ())
    assert not found


def test_text_does_not_count():
    text = shipped().decode()
    said = text.replace("Labels are free words", "Labels are loose words")
    said = said.replace('title = "Labels"', 'title = "Keywords"')
    said = said.replace("version = 2\n", "version = 3\n")
    first, rest = said.split("[[row]]", 1)
    entries = rest.split("[[row]]")
    turned = first + "".join(f"[[row]]{each}\n" for each in reversed(entries))
    assert not compare(POLICY, Policy(turned.encode(), "text"))


def test_labels_that_civil_society_gets_no_more_show_less():
    found = compare(POLICY, Policy(shipped("Labels", civil_society="drop"), "x"))
    assert marks(found) == dict.fromkeys(
        ("civil-society", "research", "public"), "less"
    )
    assert (found.count("more"), found.count("less")) == (0, 3)
    for change in found.rows:
        assert change.before.action == "listed: harmless-labels"
        assert (change.after.action, change.after.title) == ("drop", "Labels")
        assert Place("incident", "labels", "", False) in change.places
        assert {place.property for place in change.places} == {"labels"}


def test_labels_without_a_list_show_more():
    kept = shipped(
        "Labels", platform="keep", civil_society="keep", only=None,
        without=["harmless-labels"],
    )  # fmt: skip
    found = compare(POLICY, Policy(kept, "x"))
    assert set(marks(found)) == {"platform", "civil-society", "research", "public"}
    assert {change.mark for change in found.rows} == {"more"}
    assert found.others == ()


def test_what_matters_only_where_concerned_is_told_so():
    title = "The name of a channel run by the campaign, for the platform concerned"
    found = compare(POLICY, Policy(shipped(title, platform="mask"), "x"))
    assert only(found).places == (Place("channel", "name", "operated", True),)


# What peers, platforms and civil society get; a row that is not there is None.
GIVEN = st.sampled_from(
    [
        None, "drop drop drop", "hold drop drop", "pseudonymise drop drop",
        "generalise pseudonymise drop", "mask generalise drop", "mask mask mask",
        "keep hold drop", "keep mask hold", "keep keep keep",
    ]
)  # fmt: skip
PLACES: list[dict[str, Any]] = [
    {"types": "*", "properties": "created"},
    {"types": "identity", "properties": "name"},
    {"types": "identity", "properties": "name", "role": "individual"},
    {"types": "incident note", "properties": "created content"},
    {"types": "url", "properties": "value", "role": "attacker"},
    {"types": "channel", "properties": "name", "role": "operated"},
    {"types": "channel", "properties": "name", "role": "operated", "when": "concerned"},
]
LIMITS = st.sampled_from(
    [
        "",
        limit("note", "content", "mask", jurisdictions=["DE"]),
        limit("identity", "*", "pseudonymise", jurisdictions=["DE", "SG"]),
        limit("channel", "name", "drop", role="operated"),
    ]
)


def made_of(given: list[str | None], *limits: str) -> Policy | None:
    """A policy of these rows; None where they contradict each other."""
    rows = [
        row(
            place["types"], place["properties"], *said.split(),
            **{k: v for k, v in place.items() if k in ("role", "when")},
        )
        for place, said in zip(PLACES, given, strict=True)
        if said
    ]  # fmt: skip
    try:
        return compiled(row("malware"), *rows, *limits)
    except ConfigError:
        return None


POLICIES = st.builds(
    made_of, st.tuples(*(GIVEN for _ in PLACES)), LIMITS
).filter(lambda made: made is not None)  # fmt: skip


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)
@given(POLICIES, POLICIES)
def test_the_other_way_round_everything_is_the_other_way_round(old: Any, new: Any):
    found = compare(old, new)
    assert compare(new, old) == mirrored(found)
    assert mirrored(mirrored(found)) == found
    assert found.count("more") == mirrored(found).count("less")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)
@given(POLICIES, POLICIES)
def test_what_changes_is_listed_and_nothing_else(old: Any, new: Any):
    listed = {
        (change.audience, place)
        for change in compare(old, new).rows
        if not change.laws
        for place in change.places
    }
    kinds = sorted(old.types | new.types)
    for audience, kind, concerned in product(old.audiences, kinds, (False, True)):
        for role, name in product(roles_of(kind), properties_of(kind)):
            one, two = (
                made.rules(audience, concerned=concerned).of(kind, role, name).action
                if kind in made.types
                else "drop"
                for made in (old, new)
            )
            place = Place(kind, name, role, concerned)
            assert ((audience, place) in listed) == (one != two)


# ------------------------------------------------------------------------ one row


@pytest.mark.parametrize(
    ("before", "after", "mark"),
    [
        ("drop", "keep", "more"),
        ("drop", "pseudonymise", "more"),
        ("generalise", "hold", "more"),
        ("generalise", "mask", "more"),
        ("mask", "keep", "more"),
        ("hold", "drop", "less"),
        ("keep", "defang", "less"),
        ("mask", "hold", "other"),
        ("generalise", "pseudonymise", "other"),
    ],
)
def test_an_action_shows_more_or_less_or_cannot_be_compared(before, after, mark):
    found = only(compare(compiled(row(peer=before)), compiled(row(peer=after))))
    assert (found.audience, found.mark) == ("peer-cert", mark)
    assert found.before.action.split(":")[0] == before
    assert found.laws == ()


def test_a_row_that_comes_or_goes():
    one = compiled(row("tool"))
    two = compiled(row("tool"), row("malware"))
    found = only(compare(one, two))
    assert found.mark == "more"
    assert (found.before.title, found.after.title) == ("", "A row of a test")
    assert {place.role for place in found.places} == {"", "protected"}
    assert only(compare(two, one)).mark == "less"


def test_the_first_row_of_a_type_lets_rows_for_everything_count_for_it():
    one = compiled(row("*", "labels", "keep"), row("tool"))
    two = compiled(row("*", "labels", "keep"), row("tool"), row("malware", peer="drop"))
    found = only(compare(one, two))
    assert {place.property for place in found.places} == {"labels"}
    assert {place.type for place in found.places} == {"malware"}


@pytest.mark.parametrize(
    ("before", "after", "mark"),
    [
        ({"approvals": 2}, {}, "more"),
        ({}, {"approvals": 2}, "less"),
        ({}, {"meanwhile": "pseudonymise"}, "more"),
        ({"meanwhile": "pseudonymise"}, {}, "less"),
        ({"meanwhile": "pseudonymise"}, {"meanwhile": "generalise"}, "other"),
        ({"approvals": 2}, {"meanwhile": "generalise"}, "more"),
        ({}, {"approvals": 2, "meanwhile": "generalise"}, "other"),
    ],
)
def test_how_long_something_waits(before, after, mark):
    one = compiled(row(peer="hold", **before))
    two = compiled(row(peer="hold", **after))
    assert only(compare(one, two)).mark == mark


@pytest.mark.parametrize(
    ("before", "after", "mark"),
    [
        (["a"], ["a", "b"], "more"),
        (["a", "b"], ["a"], "less"),
        (["a"], ["b"], "other"),
        (["tlp:red"], ["tlp:*"], "more"),
        (["tlp:*", "a"], ["tlp:*", "a", "tlp:red"], None),
        (["a", "A"], ["a"], None),
    ],
)
def test_words_of_a_list(before, after, mark):
    listed = row("*", "labels", "listed", only="x")
    found = compare(
        compiled(listed, words("x", *before)), compiled(listed, words("x", *after))
    )
    if mark is None:
        assert not found
        return
    change = other(found)
    assert (change.subject, change.name, change.mark) == ("list", "x", mark)
    assert change.audience is None


def test_a_list_of_another_name_counts_by_its_words():
    def listed(name: str, *given: str) -> Policy:
        rows = row("tool", "labels", "listed", only=name)
        return compiled(rows, words(name, *given))

    assert not compare(listed("x", "a"), listed("y", "a"))
    assert only(compare(listed("x", "a"), listed("y", "a", "b"))).mark == "more"
    assert only(compare(listed("x", "a", "b"), listed("y", "a"))).mark == "less"
    assert only(compare(listed("x", "a"), listed("y", "b"))).mark == "other"


def test_a_defanged_value_may_be_bounded_by_a_list():
    free = compiled(row("indicator", "pattern", "defang"))
    bound = compiled(
        row("indicator", "pattern", "defang", only="x"), words("x", "url:value")
    )
    assert only(compare(free, bound)).mark == "less"
    assert only(compare(bound, free)).mark == "more"
    assert only(compare(bound, free)).before.action == "defang: x"


def test_who_is_protected_is_shown_less_and_who_is_in_office_more():
    one = compiled(row())
    assert (
        other(compare(one, compiled(row(), words("protected", "clown")))).mark == "less"
    )
    two = compiled(row(), words("public-roles", "mayor"))
    assert other(compare(one, two)).mark == "more"
    assert other(compare(two, one)).mark == "less"


# ------------------------------------------------------------------- limits and laws


def test_a_limit_shows_less_and_says_its_own_title():
    bare = compiled(row("tool", peer="keep", platform="keep"))
    limited = compiled(
        row("tool", peer="keep", platform="keep"), limit("tool", "name", "mask")
    )
    found = compare(bare, limited)
    assert marks(found) == {"peer-cert": "less", "platform": "less"}
    assert found.rows[0].after.title == "A limit of a test"


def test_a_limit_of_a_law_is_told_with_its_countries():
    rows = row("note", "content", "keep")
    one = compiled(rows)
    two = compiled(
        rows, limit("note", "*", "mask", jurisdictions=["DE", "FR"]),
        limit("note", "content", "drop", jurisdictions=["SG"]),
    )  # fmt: skip
    found = compare(one, two)
    assert [(c.laws, c.after.action) for c in found.rows] == [
        (("DE", "FR"), "mask"),
        (("SG",), "drop"),
    ]


def test_what_changes_everywhere_is_not_told_again_for_each_law():
    law = limit("note", "content", "mask", jurisdictions=["DE"])
    one = compiled(row("note", "content", "keep"), law)
    two = compiled(row("note", "content", "defang"), law)
    found = compare(one, two)
    assert [(c.laws, c.before.action) for c in found.rows] == [
        ((), "keep"),
        (("DE",), "mask"),
    ]
    three = compiled(row("note", "content abstract", "keep"), law)
    assert only(compare(one, three)).laws == ()


def retention(days: int, *laws: str) -> str:
    return table("retention", jurisdictions=laws, days=days, reason=REASON)


@pytest.mark.parametrize(
    ("before", "after", "mark", "ends"),
    [
        ([100], [200], "more", ("100", "200")),
        ([200], [100], "less", ("200", "100")),
        ([], [100], "less", ("", "100")),
        ([100], [], "more", ("100", "")),
        ([100, 300], [100], None, ()),
    ],
)
def test_how_old_a_record_may_be(before, after, mark, ends):
    one, two = (
        compiled(row(), *(retention(d, "DE") for d in days)) for days in (before, after)
    )
    if mark is None:
        assert not compare(one, two)
        return
    change = other(compare(one, two))
    assert (change.laws, change.mark) == (("DE",), mark)
    assert (change.before, change.after) == ends


# ------------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    ("before", "after", "mark"),
    [
        ("nobody", "cleared", "more"),
        ("cleared", "nobody", "less"),
        ("hold", "addressed", "other"),
    ],
)
def test_a_gate_lets_more_or_fewer_pass(before, after, mark):
    def made(word: str) -> Policy:
        old = gate("protect:minors", "nobody", "nobody", "nobody")
        return compiled(
            row(),
            gates=GATES.replace(old, gate("protect:minors", word, "nobody", "nobody")),
        )

    change = other(compare(made(before), made(after)))
    assert (change.subject, change.name) == ("gate", "protect:minors")
    assert (change.audience, change.mark) == ("peer-cert", mark)


@pytest.mark.parametrize(("before", "after", "mark"), [(2, 1, "more"), (1, 2, "less")])
def test_a_gate_that_waits_for_more_persons(before, after, mark):
    def made(approvals: int) -> Policy:
        old = gate("protect:minors", "nobody", "nobody", "nobody")
        new = gate("protect:minors", "hold", "nobody", "nobody", approvals=approvals)
        return compiled(row(), gates=GATES.replace(old, new))

    change = other(compare(made(before), made(after)))
    assert (change.before, change.mark) == (f"hold: {before}", mark)


@pytest.mark.parametrize(
    ("old", "new", "name", "mark"),
    [
        ('time = "hour"', 'time = "exact"', "time", "more"),
        ('time = "exact"', 'time = "day"', "time", "less"),
        ("after-days = 30", "after-days = 10", "after-days", "more"),
        ("after-days = 30", "after-days = 40", "after-days", "less"),
    ],
)
def test_an_audience_changes(old, new, name, mark):
    one = AUDIENCES + RESEARCH
    two = one.replace(old, new)
    change = other(
        compare(compiled(row(), audiences=one), compiled(row(), audiences=two))
    )
    assert (change.subject, change.name, change.mark) == ("audience", name, mark)


def test_an_audience_comes_or_goes():
    one, two = compiled(row()), compiled(row(), audiences=AUDIENCES + RESEARCH)
    came, went = other(compare(one, two)), other(compare(two, one))
    assert (came.audience, came.mark, came.after) == ("research", "more", "yes")
    assert (went.audience, went.mark, went.after) == ("research", "less", "no")


def test_the_time_to_agree():
    one, two = compiled(row()), compiled(row(), start=head(review_days=9))
    change = other(compare(one, two))
    assert (change.subject, change.mark) == ("review", "other")
    assert (change.before, change.after) == ("7", "9")


def test_the_order_of_audiences_says_who_gets_less():
    first, *rest = AUDIENCES.split("[[audience]]")[1:]
    turned = "".join(f"[[audience]]{each}" for each in (*rest, first))
    change = other(compare(compiled(row()), compiled(row(), audiences=turned)))
    assert (change.subject, change.name, change.mark) == ("audience", "order", "other")
    assert change.after == "platform, civil-society, peer-cert"
