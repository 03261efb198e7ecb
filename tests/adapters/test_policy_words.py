"""A policy in words: every entry becomes a sentence that can be read aloud."""

import re
from typing import get_args

import pytest

from adapters import policy_words
from adapters.policy import Policy, action_of
from adapters.policy_file import Action, Pass
from adapters.policy_names import MARKS
from adapters.policy_words import (
    COARSER,
    IN_FULL,
    IN_PART,
    LIMITS,
    NOT_AT_ALL,
    PASSES,
    SHORT,
    WAITING,
    Line,
    Told,
    told,
)
from tests.support.policy_files import (
    AUDIENCES,
    REASON,
    SHIPPED,
    compiled,
    gate,
    limit,
    row,
    shipped,
    table,
)
from tests.support.views import POLICY

AUDIENCE_NAMES = list(POLICY.audiences)


def parts(said: Told) -> dict[str, tuple[Line, ...]]:
    return {part.heading: part.lines for part in said.parts}


def says(made: Policy, audience: str = "peer-cert", number: int = 1) -> str:
    """What the row of this number says."""
    (line,) = (
        line
        for part in told(made, audience).parts
        if part.table == "row"
        for line in part.lines
        if line.number == number
    )
    return line.says


def test_every_word_of_a_policy_has_a_word_for_people():
    assert set(SHORT) == set(get_args(Action))
    assert set(PASSES) == set(get_args(Pass))
    assert all(policy_words.marked(mark) for mark in MARKS)


@pytest.mark.parametrize("audience", AUDIENCE_NAMES)
def test_each_row_that_matters_to_an_audience_is_told_once_with_title_and_reason(
    audience: str,
):
    found = [
        line
        for part in told(POLICY, audience).parts
        if part.table == "row"
        for line in part.lines
    ]
    numbers = sorted(line.number for line in found)
    skipped = {*range(1, len(POLICY.file.row) + 1)} - {*numbers}
    assert len(numbers) == len({*numbers})
    assert all(POLICY.row(number).when for number in skipped)
    for line in found:
        entry = POLICY.row(line.number)
        assert (line.title, line.reason) == (entry.title, entry.reason)
        assert line.action == action_of(entry, POLICY.audiences[audience])
        assert line.sentence == f"{line.title}: {line.says}. {line.reason}"
        text = SHIPPED.read_text("utf-8").splitlines()
        assert text[line.line - 1 : line.line + 1] == [
            "[[row]]",
            f'title = "{line.title}"',
        ]


@pytest.mark.parametrize("audience", AUDIENCE_NAMES)
def test_no_sentence_of_a_row_or_gate_holds_jargon(audience: str):
    words = {kind for kind in POLICY.types if "-" in kind}
    for part in told(POLICY, audience).parts:
        for line in part.lines if part.table in ("row", "gate") else ():
            said = f"{line.title}: {line.says}."
            assert not re.search(r"[a-z]_[a-z]|extensions\.", said)
            assert not [word for word in words if word in said]


def test_rows_stand_where_one_looks_for_them():
    found = parts(told(POLICY, "platform"))
    where = {line.title: heading for heading, lines in found.items() for line in lines}
    assert where["Advice"] == IN_FULL
    assert where["Labels"] == IN_PART
    assert where["The title of a case"] == IN_PART
    assert where["The name of an organisation"] == COARSER
    assert where["The name of an accused"] == WAITING
    assert where["Passwords and logins of accounts"] == NOT_AT_ALL
    assert (
        where["An account run by the campaign, for the platform concerned"] == IN_FULL
    )


def test_what_makes_no_difference_to_an_audience_is_not_told_twice():
    civil = str(told(POLICY, "civil-society"))
    assert "An account run by the campaign" in civil
    assert "for the platform concerned" not in civil


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (row(), "in full"),
        (row(peer="drop"), "withheld"),
        (row(peer="mask"), "as far as it holds no personal data"),
        (row(peer="pseudonymise"), "a made-up name, the same one"),
        (
            row("*", "labels", "listed", only="x-y"),
            "only what stands on the list “x y”",
        ),
        (row("url", "value", "defang"), "written so that nobody opens it by accident"),
        (
            row("indicator", "pattern", "defang", only="x-y"),
            "by accident, and only what stands on the list “x y”",
        ),
        (
            row(peer="hold"),
            "withheld until one person agrees, with nothing in its place",
        ),
        (
            row(peer="hold", approvals=2, meanwhile="pseudonymise"),
            "until two persons agree, with a made-up name in its place; given up after 7 days",
        ),
        (
            row(peer="hold", approvals=5, meanwhile="generalise"),
            "5 persons agree, with only the kind and sector of the organisation",
        ),
    ],
)
def test_an_action_is_said_in_words(written: str, said: str):
    words = table("list", name="x-y", words=["a"], reason=REASON)
    more = [words] if "x-y" in written else []
    assert said in says(compiled(written, *more))


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("identity", "name", "only the kind and sector of the organisation"),
        ("location", "name", "only the name of the country"),
        ("tool", "name", "only the kind"),
        ("ipv4-addr", "value", "only the network it lies in"),
        ("incident", "created", "only the hour"),
        ("task", "start_time", "only the hour"),
        ("sighting", "count", "only the order of magnitude"),
        ("observed-data", "number_observed", "only the order of magnitude"),
        (
            "network-traffic",
            "start src_packets",
            "only the hour and the order of magnitude",
        ),
    ],
)
def test_a_coarser_value_is_named(kind: str, name: str, said: str):
    made = compiled(row(kind, name, "keep", "generalise"))
    assert says(made, "platform") == said


def test_an_exact_time_that_is_coarser_is_a_time():
    made = compiled(row("incident", "created", "generalise"))
    assert says(made) == "only the time"


def test_a_mark_says_whom_it_lets_pass():
    gates = "".join(
        gate(mark, word, word, word, **({"approvals": n} if n else {}))
        for mark, word, n in [
            *((m, "nobody", 0) for m in MARKS if not m.startswith("protect:")),
            ("protect:minors", "hold", 1),
            ("protect:survivors", "hold", 2),
            ("protect:defenders", "addressed", 0),
        ]
    ).replace('mark = "TLP:CLEAR"\npeer-cert = "nobody"', 'mark = "TLP:CLEAR"\npeer-cert = "affected"')  # fmt: skip
    said = {
        line.title: line.says
        for line in told(compiled(row(), gates=gates), "peer-cert").parts[0].lines
    }
    assert said["What is marked TLP:RED"] == "does not come"
    assert said["What could lead to a child"] == "comes when one person has agreed"
    assert said["What could lead to a survivor of violence"].endswith("two persons have agreed")  # fmt: skip
    assert said["What could lead to a defender of human rights"].endswith("addresses by name")  # fmt: skip
    assert said["What is marked TLP:CLEAR"].endswith("addresses or names as concerned")
    shipped_ones = told(POLICY, "peer-cert").parts[0].lines
    assert shipped_ones[0].says == "comes"


def test_limits_and_ages_name_the_countries():
    found = parts(told(POLICY, "public"))
    european = found[LIMITS][2]
    assert "for members in Austria, Belgium" in european.says
    assert european.says.endswith("Spain and Sweden")
    (age,) = found[policy_words.AGE]
    assert age.says == "no record older than 5 years"
    assert found[LIMITS][0].says == "withheld"


def test_every_limit_has_words():
    for action in get_args(Action):
        if action != "keep":
            made = compiled(row(), limit("identity", "name", action))
            (found,) = parts(told(made, "platform"))[LIMITS]
            assert found.says == policy_words._AT_MOST[action]


def test_only_lists_that_matter_to_an_audience_are_told():
    lists = parts(told(POLICY, "peer-cert"))[policy_words.LISTS]
    names = {line.title for line in lists}
    assert "The list “public catalogues”" in names
    assert "The list “protected”" in names
    assert "The list “harmless labels”" not in names
    civil = parts(told(POLICY, "civil-society"))[policy_words.LISTS]
    (labels,) = (line for line in civil if "harmless" in line.title)
    assert "all that begins with rsit:" in labels.says


def test_the_opening_says_what_holds_of_everything():
    assert told(POLICY, "research").opening == (
        "Where nothing else is said, researchers get what civil society gets.",
        "A record comes 30 days after it was first seen.",
        "Times that are made coarser are told to the day.",
        "What no line names is withheld.",
    )
    assert told(POLICY, "peer-cert").opening[0] == "Times are exact."
    assert "hour" in told(POLICY, "platform").opening[0]


def test_a_part_without_lines_is_left_out():
    headings = parts(told(compiled(row(), audiences=AUDIENCES), "peer-cert"))
    assert set(headings) == {policy_words.MARKS, IN_FULL}


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 day"),
        (7, "7 days"),
        (365, "1 year"),
        (1825, "5 years"),
        (400, "400 days"),
    ],
)
def test_days_are_said_as_people_do(count: int, said: str):
    assert policy_words.days(count) == said


def test_a_changed_line_is_told_as_changed():
    changed = Policy(shipped("Labels", civil_society="drop"), "x")
    found = parts(told(changed, "civil-society"))
    assert "Labels" in {line.title for line in found[NOT_AT_ALL]}
