"""Policies: rows compiled to one look-up; the most specific wins, the rest is hidden."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.policy import NOT_NAMED, Action, Policy, Rule, stricter
from broker.errors import ConfigError
from schemas.markings import Tlp
from tests.support.policy_files import AUDIENCES as AUDIENCES_TEXT
from tests.support.policy_files import (
    GATES,
    REASON,
    compiled,
    gate,
    head,
    limit,
    row,
    table,
    written,
)
from tests.support.views import (
    AUDIENCES,
    INCIDENT,
    POLICY,
    ROWS,
    VIEWS,
    action,
    signed,
    view,
)

ACTIONS = get_args(Action)
policy = compiled


def peer_action(compiled, kind, role="", name="name", *, concerned=False):
    rules = compiled.rules("peer-cert", concerned=concerned)
    return rules.of(kind, role, name).action


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["", "attacker"]))
def test_what_no_row_names_is_withheld(kind, name, role):
    rule = POLICY.rules("peer-cert", concerned=True).of(kind, role, f"x-{name}")
    assert rule is NOT_NAMED
    assert rule == Rule(
        "drop", 0, rule.reason, limit=0, only="", approvals=1, meanwhile="drop"
    )


def test_the_code_finds_what_the_head_of_the_file_promises():
    for kind in POLICY.types:
        rows = [r for r in ROWS if not {kind, "*"}.isdisjoint(r["types"])]
        roles = {"", *(r.get("role", "") for r in rows)}
        for to in VIEWS.values():
            for role in roles:
                for name in {p for r in rows for p in r["properties"]}:
                    found = POLICY.seen_by(to).of(kind, role, name)
                    assert found.action == action(to, kind, role, name)


def test_the_most_specific_row_wins():
    made = policy(
        row("*", peer="keep"),
        row("identity", peer="mask"),
        row("identity", peer="drop", role="individual"),
        row("identity", peer="generalise", role="individual", when="concerned"),
    )
    assert peer_action(made, "tool") == "keep"
    assert peer_action(made, "identity") == "mask"
    assert peer_action(made, "identity", "organisation") == "mask"
    assert peer_action(made, "identity", "individual") == "drop"
    concerned = peer_action(made, "identity", "individual", concerned=True)
    assert concerned == "generalise"


def test_a_row_for_everything_does_not_name_a_type():
    assert policy(row("*"), row("tool")).types == {"tool"}


def test_a_rule_gives_its_row_and_reason():
    made = policy(row("malware"), row("tool"))
    rule = made.rules("platform").of("tool", "", "name")
    assert (rule.action, rule.row) == ("drop", 2)
    assert made.reason(2) == rule.reason == REASON
    assert made.row(2).types == ("tool",)


def test_a_row_without_a_list_asks_for_none_and_one_that_holds_says_for_what():
    made = policy(row("tool"), row("malware", "name", "hold", approvals=2,
                                   meanwhile="pseudonymise"))  # fmt: skip
    rules = made.rules("peer-cert")
    assert rules.of("tool", "", "name").only == ""
    held = rules.of("malware", "", "name")
    assert (held.approvals, held.meanwhile) == (2, "pseudonymise")


def test_who_is_not_concerned_and_under_no_law_is_what_is_meant_unless_said():
    made = policy(row("tool", peer="drop"), row("tool", when="concerned"))
    assert made.rules("peer-cert").of("tool", "", "name").action == "drop"
    assert made.rules("peer-cert") is made.rules("peer-cert", "", concerned=False)


def test_a_word_is_on_a_list_whatever_its_case_and_by_its_beginning_if_the_list_says_so():
    is_on = policy(
        row("*", "labels", "listed", only="w"),
        table("list", name="w", words=["Phishing", "rsit:*", "a*b"], reason=REASON),
    ).rules("peer-cert").listed("w")  # fmt: skip
    for word in ("phishing", " PHISHING ", "RSIT:fraud", "rsit:", "A*B"):
        assert is_on(word)
    for word in ("phishing2", "phish", "rsit", "my rsit:fraud", "a*", "abb", ""):
        assert not is_on(word)


def test_a_policy_is_named_by_what_it_says():
    one, other = policy(row()), policy(row(peer="drop"))
    assert one.name == f"p/3/{one.sha256[:12]}"
    assert one.sha256 != other.sha256
    assert repr(one) == f"Policy({one.name})"


def test_names_an_issuer_makes_up_are_not_remembered():
    rules = policy(row("tool")).rules("peer-cert")
    for number in range(100):
        rules.of("tool", "", f"x_{number}")
    rules.of("tool", "", "name")
    assert len(rules._found) == 1


def test_rules_are_made_once_for_all_views_that_they_treat_alike():
    made = policy(row())
    one = view("peer-cert", communities=frozenset({"urn:tocsin:community:x"}))
    assert made.seen_by(one) is made.seen_by(view("peer-cert", addressed=True))
    assert made.seen_by(one) is not made.seen_by(view("peer-cert", concerned=True))
    assert made.seen_by(one) is not made.seen_by(view("peer-cert", jurisdiction="DE"))


# ------------------------------------------------------------------------ audiences


DERIVED = AUDIENCES_TEXT + table(
    "audience", name="research", called="researchers", like="civil-society",
    after_days=30,
)  # fmt: skip


def test_an_audience_that_is_like_another_gets_its_rows_or_its_own():
    made = policy(
        row("tool", "name", "keep", "keep", "keep"),
        row("malware", "name", "keep", "keep", "keep", research="drop"),
        audiences=DERIVED,
    )
    rules = made.rules("research")
    assert rules.of("tool", "", "name").action == "keep"
    assert rules.of("malware", "", "name").action == "drop"
    assert rules.grain == "day"
    assert made.delay_s("research") == 30 * 86_400
    assert made.delay_s("civil-society") == 0
    assert made.narrower("research") == ("research",)
    assert made.narrower("platform") == ("platform", "civil-society")


def test_an_audience_that_the_policy_does_not_know_gets_nothing():
    made = policy(row("tool", "name", "keep", "keep", "keep"))
    stranger = view("public", Tlp.RED)
    assert made.seen_by(stranger).of("tool", "", "name") is NOT_NAMED
    assert made.tlp_refusal(stranger, Tlp.CLEAR) == "tlp-audience"
    assert made.gate(stranger, "PAP:RED") == ("nobody", 0)
    assert made.gate(view("peer-cert"), "PAP:PURPLE") == ("nobody", 0)
    assert made.delay_s("public") == 0
    assert made.seen_by(stranger).grain == "day"


@pytest.mark.parametrize(
    ("mark", "word", "reason"),
    [
        ("TLP:GREEN", "affected", "tlp-need-to-know"),
        ("TLP:GREEN", "addressed", "tlp-addressed-only"),
        ("TLP:GREEN", "nobody", "tlp-audience"),
        ("TLP:AMBER", "affected", "tlp-need-to-know"),
        ("TLP:AMBER", "nobody", "tlp-need-to-know"),
        ("TLP:AMBER+STRICT", "addressed", "tlp-addressed-only"),
        ("TLP:AMBER+STRICT", "nobody", "tlp-addressed-only"),
    ],
)
def test_who_does_not_pass_is_told_what_was_missing(mark, word, reason):
    ranks = ["TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
    gates = GATES
    for each in ranks[ranks.index(mark) :]:
        said = word if each == mark else "nobody"
        [old] = (g for g in gates.split("[[gate]]") if f'"{each}"' in g)
        gates = gates.replace(f"[[gate]]{old}", gate(each, said, "nobody", "nobody"))
    made = policy(row(), gates=gates)
    tlp = next(each for each in Tlp if f"TLP:{each.label}" == mark)
    assert made.tlp_refusal(view("peer-cert", Tlp.RED), tlp) == reason


# --------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("action", "at_most", "result"),
    [
        ("keep", "mask", "mask"),
        ("mask", "mask", "mask"),
        ("drop", "mask", "drop"),
        ("mask", "drop", "drop"),
        ("hold", "mask", "drop"),  # neither is the stricter
        ("mask", "hold", "drop"),
        ("defang", "pseudonymise", "pseudonymise"),
        ("generalise", "defang", "generalise"),
        ("generalise", "pseudonymise", "drop"),
        ("keep", "keep", "keep"),
    ],
)
def test_the_stricter_of_two_actions_counts(action, at_most, result):
    assert stricter(action, at_most) == result


@given(st.sampled_from(ACTIONS), st.sampled_from(ACTIONS))
def test_of_two_actions_it_does_not_matter_which_comes_first(one, other):
    assert stricter(one, other) == stricter(other, one)
    assert stricter(one, one) == one
    assert stricter(one, stricter(one, other)) == stricter(one, other)


def test_a_limit_holds_for_its_role_and_under_its_laws_alone():
    made = policy(
        row("identity tool", "name", "keep", "keep", "keep"),
        limit("identity", "*", "drop", role="protected"),
        limit(
            "tool", "name", "mask", jurisdictions=["DE"], reason="So says a German law."
        ),
    )
    here, there = made.rules("peer-cert"), made.rules("peer-cert", "DE")
    assert here.of("identity", "protected", "name").action == "drop"
    assert here.of("identity", "organisation", "name").action == "keep"
    assert here.of("tool", "", "name").action == "keep"
    rule = there.of("tool", "", "name")
    assert (rule.action, rule.row, rule.limit) == ("mask", 1, 2)
    assert made.reason(rule.row, rule.limit) == rule.reason == "So says a German law."
    assert made.reason(rule.row) == REASON


def test_the_issuers_coarse_value_goes_the_way_of_the_exact_one():
    made = policy(
        row("campaign", "first_seen", "keep", "generalise", "drop"),
        limit("campaign", "first_seen", "drop", jurisdictions=["DE"]),
    )

    def coarse(audience, law=""):
        rules = made.rules(audience, law)
        return rules.of("campaign", "", "x_tocsin_coarse_first_seen").action

    assert coarse("peer-cert") == "keep"
    assert coarse("platform") == "keep"
    assert coarse("civil-society") == "drop"
    assert coarse("platform", "DE") == "drop"


def test_under_a_law_nobody_gets_a_record_that_is_too_old():
    made = policy(
        row(), table("retention", jurisdictions=["DE"], days=30, reason=REASON)
    )
    claims = signed(INCIDENT).claims
    at_home, abroad = view("peer-cert"), view("peer-cert", jurisdiction="DE")
    young, old = "2026-03-05T00:00:00Z", "2026-03-06T00:00:00Z"
    assert claims.ver.startswith("2026-02-03T04:05:06")
    assert made.refusal(abroad, claims, now=young) is None
    assert made.refusal(abroad, claims, now="2026-03-05T04:05:06.789Z") is None
    assert made.refusal(abroad, claims, now="2026-03-05T04:05:07Z") == "retention"
    assert made.refusal(abroad, claims, now=old) == "retention"
    assert made.refusal(at_home, claims, now=old) is None


# --------------------------------------------------------------- what cannot be kept


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"id = ", "not a policy"),
        (b"\xff", "not a policy"),
        (written(row(), start=head("P")), "not a policy"),
        (written(row(), start=head("p\\n")), "not a policy"),
        (written(row(peer="show")), r":\d+: not a policy"),
        (written(row(colour="red")), r":\d+: not a policy"),
        (written(row(), row()), "is decided already by “A row of a test”"),
        (written(row("identity", "identity_class")), "shows; keep it"),
        (written(row("*", "lang")), "shows; keep it"),
        (
            written(row("incident", "extensions.incident-core.determination")),
            "shows; keep it",
        ),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(text, complaint):
    with pytest.raises(ConfigError, match=complaint) as caught:
        Policy(text, "test.toml")
    assert str(caught.value).startswith("test.toml:")


def test_what_is_wrong_is_told_a_line_each():
    with pytest.raises(ConfigError) as caught:
        policy(row("tool", "nam"), row("malware", "nam"))
    found = str(caught.value).split("\n")
    assert len(found) == 2
    assert all(each.startswith("test.toml:") for each in found)


def test_every_audience_has_an_action_in_every_row():
    for number, one in enumerate(ROWS, 1):
        for audience in AUDIENCES:
            assert one[audience], number
