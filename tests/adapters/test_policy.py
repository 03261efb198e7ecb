"""Policies: rows compiled to one look-up; the most specific wins, the rest is hidden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.policy import NOT_NAMED, Policy
from broker.errors import ConfigError
from tests.support.views import AUDIENCES, POLICY, ROWS, VIEWS, action

HEAD = 'id = "p"\nversion = 3\naudiences = ["peer-cert"]\n'


def row(types="a-type", properties="name", peer="keep", **more):
    lines = [
        "[[row]]",
        f'types = ["{types}"]',
        f'properties = ["{properties}"]',
        f'peer-cert = "{peer}"',
        'platform = "drop"',
        'civil-society = "drop"',
        'reason = "Because it is a test."',
        *(f'{name} = "{value}"' for name, value in more.items()),
    ]
    return "\n".join(lines) + "\n"


def policy(*rows, head=HEAD):
    return Policy((head + "".join(rows)).encode(), "test.toml")


def peer_action(compiled, kind, role="", name="name", *, concerned=False):
    return compiled.rule("peer-cert", kind, role, name, concerned=concerned).action


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["", "attacker"]))
def test_what_no_row_names_is_withheld(kind, name, role):
    rule = POLICY.rule("peer-cert", kind, role, f"x-{name}", concerned=True)
    assert rule is NOT_NAMED
    assert (rule.action, rule.row) == ("drop", 0)


def test_the_code_finds_what_the_head_of_the_file_promises():
    for kind in POLICY.types:
        rows = [r for r in ROWS if not {kind, "*"}.isdisjoint(r["types"])]
        roles = {"", *(r.get("role", "") for r in rows)}
        for to in VIEWS.values():
            for role in roles:
                for name in {p for r in rows for p in r["properties"]}:
                    found = POLICY.rule(
                        to.audience, kind, role, name, concerned=to.concerned
                    )
                    assert found.action == action(to, kind, role, name)


def test_the_most_specific_row_wins():
    compiled = policy(
        row("*", peer="keep"),
        row("identity", peer="mask"),
        row("identity", peer="drop", role="individual"),
        row("identity", peer="generalise", role="individual", when="concerned"),
    )
    assert peer_action(compiled, "tool") == "keep"
    assert peer_action(compiled, "identity") == "mask"
    assert peer_action(compiled, "identity", "organisation") == "mask"
    assert peer_action(compiled, "identity", "individual") == "drop"
    concerned = peer_action(compiled, "identity", "individual", concerned=True)
    assert concerned == "generalise"


def test_a_row_for_everything_does_not_name_a_type():
    assert policy(row("*"), row("tool")).types == {"tool"}


def test_a_rule_gives_its_row_and_reason():
    compiled = policy(row("a-type"), row("tool"))
    rule = compiled.rule("platform", "tool", "", "name", concerned=False)
    assert (rule.action, rule.row) == ("drop", 2)
    assert compiled.reason(2) == rule.reason == "Because it is a test."


def test_a_policy_is_named_by_what_it_says():
    one, other = policy(row()), policy(row(peer="drop"))
    assert one.name == f"p/3/{one.sha256[:12]}"
    assert one.sha256 != other.sha256
    assert repr(one) == f"Policy({one.name})"


def test_names_an_issuer_makes_up_are_not_remembered():
    compiled = policy(row())
    for number in range(100):
        compiled.rule("peer-cert", "a-type", "", f"x_{number}", concerned=False)
    compiled.rule("peer-cert", "a-type", "", "name", concerned=False)
    assert len(compiled._found) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"id = ", "not a policy"),
        (b"\xff", "not a policy"),
        (HEAD.replace('"p"', '"P"').encode(), "not a policy"),
        (HEAD.replace('"p"', '"p\\n"').encode(), "not a policy"),
        ((HEAD + row(peer="show")).encode(), "not a policy"),
        ((HEAD + row(colour="red")).encode(), "not a policy"),
        ((HEAD + row() + row()).encode(), "rows 1 and 2 both decide a-type.name"),
        ((HEAD + row("identity", "identity_class")).encode(), "shows; keep it"),
        ((HEAD + row("*", "lang")).encode(), "shows; keep it"),
        (
            (HEAD + row("incident", "extensions.incident-core.determination")).encode(),
            "shows; keep it",
        ),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(text, complaint):
    with pytest.raises(ConfigError, match=complaint) as caught:
        Policy(text, "test.toml")
    assert str(caught.value).startswith("test.toml: ")


def test_every_audience_has_an_action_in_every_row():
    for number, one in enumerate(ROWS, 1):
        for audience in AUDIENCES:
            assert one[audience], number
