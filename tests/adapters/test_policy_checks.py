"""What is wrong with a policy: found at once, each with its line and what to do."""

import itertools

import pytest

from adapters.policy import Policy
from adapters.policy_file import Lines, at, read
from adapters.policy_names import MARKS, is_property, near, roles_of
from broker.errors import ConfigError
from schemas import stix
from tests.support.policy_files import (
    AUDIENCES,
    GATES,
    REASON,
    gate,
    head,
    limit,
    row,
    table,
    written,
)


def complaints(*entries, **parts):
    """What is said of a policy, without the name of the file."""
    with pytest.raises(ConfigError) as caught:
        Policy(written(*entries, **parts), "p.toml")
    return str(caught.value).splitlines()


def only_complaint(*entries, **parts):
    (found,) = complaints(*entries, **parts)
    return found


def without_gate(mark):
    return GATES.replace(gate_text(mark), "")


def gate_text(mark):
    (found,) = (f"[[gate]]{g}" for g in GATES.split("[[gate]]") if f'"{mark}"' in g)
    return found


def words(name, *said):
    return table("list", name=name, words=said, reason=REASON)


def test_a_problem_names_its_line_in_the_file():
    text = written(row("tool"), row("identiy")).decode()
    line = text.splitlines().index('types = ["identiy"]') - 1  # of its [[row]]
    found = complaints(row("tool"), row("identiy"))
    assert found == [
        f"p.toml:{line}: no type 'identiy' is known; did you mean identity?"
    ]


def test_all_problems_are_found_at_once_in_the_order_of_the_lines():
    found = complaints(row("identiy"), row("tool", "nam"), row("tool", "nam"))
    lines = [int(each.split(":")[1]) for each in found]
    assert len(found) == 4
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (
            [row("tool malware", "nam")],
            "no such property: tool or malware has no 'nam'; did you mean name?",
        ),
        ([row("*", "nobody_knows")], "no such property: * has no 'nobody_knows'"),
        (
            [row("tool opinion", "tool_version")],
            "it says nothing of opinion, which has none of these properties",
        ),
        (
            [row("tool", role="attacker")],
            "a tool is never attacker, so this never applies; it is protected",
        ),
        (
            [row("channel", role="attacker")],
            "a channel is never attacker, so this never applies; it is operated, "
            "ordinary, protected",
        ),
        (
            [row("tool", "name", "mask", "keep")],
            "platform gets more (keep) than the audience before it (mask); it must not",
        ),
        (
            [row("tool", "name", "keep", "mask", "defang")],
            "civil-society gets more (defang) than the audience before it (mask); it "
            "must not",
        ),
        (
            [row("tool", research="keep")],
            "research gets more (keep) than civil-society (drop)",
        ),
        (
            [row("tool", public="mask")],
            "public gets more (mask) than civil-society (drop)",
        ),
        (
            [row("tool", approvals=2)],
            "approvals are asked for, but nothing waits: no audience has hold",
        ),
        (
            [row("tool", meanwhile="pseudonymise")],
            "meanwhile is stated, but nothing waits: no audience has hold",
        ),
        (
            [row("*", "labels", "listed")],
            'what is listed needs the name of its list: only = "…"',
        ),
        (
            [row("tool", "name", "listed", only="w"), words("w", "a")],
            "only labels, external_references and patterns can be listed",
        ),
        (
            [row("*", "labels", only="w"), words("w", "a")],
            "a list is named, but no audience has listed or defang",
        ),
        (
            [row("*", "labels", "listed", only="wrods"), words("words", "a")],
            "there is no list 'wrods'; did you mean words?",
        ),
        ([row(), words("words", "a")], "no row uses the list words; remove it"),
        (
            [row(), words("protected", "a"), words("protected", "b")],
            "list protected stands twice; remove one",
        ),
        (
            [row("tool"), row("tool", when="concerned")],
            'it says the same as without when = "concerned"',
        ),
        (
            [
                row("identity", role=""),
                *(row("identity", role=role) for role in roles_of("identity")),
            ],
            "more specific rows decide all of this; remove it",
        ),
        (
            [
                row("*", "is_family"),
                row("malware", "is_family", "keep", "keep", "keep"),
            ],
            "more specific rows decide all of this; remove it",
        ),
        (
            [
                row("*", "is_family", role="protected"),
                row("malware", "is_family", "mask", role="protected"),
            ],
            "more specific rows decide all of this; remove it",
        ),
        ([row(), limit("tool", "name", "mask")], "so it limits nothing"),
        ([row(), limit("identity", "name", "keep")], "so it limits nothing"),
        (
            [row(), limit("identity", "name", "drop", role="operated")],
            "a identity is never operated",
        ),
        (
            [row(), limit("identity", "name", "drop", jurisdictions=["EU"])],
            "no country has the code 'EU'",
        ),
        (
            [row(), table("retention", jurisdictions=["XX"], days=3, reason=REASON)],
            "no country has the code 'XX'",
        ),
    ],
)
def test_what_contradicts_itself_or_never_applies_is_told(entries, text):
    assert any(text in found for found in complaints(*entries))


LAST = "the last entry of its table"
FOURTH = {"called": "somebody", "time": "day"}


@pytest.mark.parametrize(
    ("table_name", "number", "text", "policy"),
    [
        ("audience", 2, "stands twice", {
            "audiences": AUDIENCES + table("audience", name="platform", **FOURTH)}),
        ("audience", 4, "is like", {
            "audiences": AUDIENCES
            + table("audience", name="public", like="research", **FOURTH)}),
        ("audience", 4, "has no rows", {
            "audiences": AUDIENCES + table("audience", name="public", **FOURTH)}),
        ("gate", LAST, "no mark", {"gates": GATES + gate("TLP:PURPLE")}),
        ("gate", LAST, "two gates", {
            "gates": GATES + gate("PAP:RED", "cleared", "nobody", "nobody")}),
        ("gate", LAST, "approvals", {
            "gates": without_gate("PAP:AMBER") + gate("PAP:AMBER", approvals=2)}),
        ("gate", LAST, "lets more civil", {
            "gates": without_gate("TLP:AMBER+STRICT")
            + gate("TLP:AMBER+STRICT", "addressed", "addressed")}),
        ("gate", 1, "is missing", {"gates": without_gate("protect:minors")}),
        ("gate", 1, "is missing", {"gates": without_gate("TLP:GREEN")}),
        ("row", 3, "is decided already by “The first” (row 2)", {"entries": [
            row("tool"), row("malware", title="The first"), row("malware")]}),
        ("row", 2, "no such property", {"entries": [row("tool"), row("tool", "nam")]}),
        ("row", 2, "no list", {"entries": [
            row("tool"), row("*", "labels", "listed", only="w")]}),
        ("row", 2, "more specific rows decide all", {"entries": [
            row("malware", "is_family", "keep", "keep", "keep"),
            row("*", "is_family")]}),
        ("row", 3, "the same as without when", {"entries": [
            row("malware", peer="mask"), row("tool"), row("tool", when="concerned")]}),
        ("limit", 2, "no such property", {"entries": [
            row(), limit("identity", "name", "drop"), limit("tool", "nam", "drop")]}),
        ("limit", 2, "no country", {"entries": [
            row(), limit("identity", "name", "drop"),
            limit("identity", "name", "mask", jurisdictions=["EU"])]}),
        ("limit", 2, "limits nothing", {"entries": [
            row(), limit("identity", "name", "drop"), limit("tool", "name", "drop")]}),
        ("retention", 2, "no country", {"entries": [
            row(), *(table("retention", jurisdictions=[law], days=3, reason=REASON)
                     for law in ("DE", "XX"))]}),
        ("list", 2, "stands twice", {"entries": [
            row(), words("protected", "a"), words("protected", "b")]}),
        ("list", 2, "no row uses", {"entries": [
            row(), words("protected", "a"), words("others", "b")]}),
    ],
)  # fmt: skip
def test_each_problem_is_told_at_the_line_where_its_entry_begins(
    table_name, number, text, policy
):
    entries = policy.pop("entries", [row()])
    written_lines = written(*entries, **policy).decode().splitlines()
    headers = [n for n, s in enumerate(written_lines, 1) if s == f"[[{table_name}]]"]
    line = headers[-1 if number == LAST else number - 1]
    found = [each for each in complaints(*entries, **policy) if text in each]
    assert [each.split(":")[1] for each in found] == [str(line)]


# From the most to the least that is given.
ORDER = {
    "keep": 6, "listed": 5, "defang": 4, "mask": 3, "hold": 2, "generalise": 1,
    "pseudonymise": 1, "drop": 0,
}  # fmt: skip


@pytest.mark.parametrize(("more", "less"), list(itertools.product(ORDER, ORDER)))
def test_nobody_gets_more_than_the_audience_before_it(more, less):
    needs_list = {more, less} & {"listed", "defang"}
    entries = [row("*", "labels", more, less, **({"only": "w"} if needs_list else {}))]
    entries += [words("w", "a")] if needs_list else []
    if ORDER[less] > ORDER[more]:
        told = f"platform gets more ({less}) than the audience before it ({more})"
        assert told in only_complaint(*entries)
    else:
        Policy(written(*entries), "p.toml")


PASSING = ["nobody", "addressed", "affected", "cleared"]


@pytest.mark.parametrize(
    ("laxer", "tighter"), list(itertools.product(PASSING, PASSING))
)
def test_a_stricter_mark_lets_nobody_pass_whom_a_laxer_one_does_not(laxer, tighter):
    gates = GATES
    for mark, word in (
        ("TLP:GREEN", laxer), ("TLP:AMBER", tighter), ("TLP:AMBER+STRICT", "nobody"),
    ):  # fmt: skip
        gates = gates.replace(gate_text(mark), gate(mark, word, "nobody", "nobody"))
    if PASSING.index(tighter) > PASSING.index(laxer):
        told = "TLP:AMBER lets more peer-cert pass than TLP:GREEN"
        assert told in only_complaint(row(), gates=gates)
    else:
        Policy(written(row(), gates=gates), "p.toml")


@pytest.mark.parametrize(
    "entries",
    [
        [row("tool", "name", "keep", "mask", "mask", research="hold", approvals=2)],
        [row("tool", "name", "keep", "mask", "mask", public="hold", approvals=2)],
        [row("tool", "name", "hold", meanwhile="pseudonymise")],
        [row("*", "name", role="attacker")],
        [row("tool malware"), limit("tool malware", "* is_family", "drop")],
        [row("tool"), limit("*", "name", "drop")],
        [row("*"), limit("tool", "name", "drop")],
        [row("tool"), limit("tool", "*", "drop")],
        [row("tool", "name description"), limit("tool", "name", "drop")],
        [row("identity", role="protected"), limit("identity", "name", "drop")],
        [row("identity"), limit("identity", "name", "drop", role="protected")],
        [
            row("identity", role="protected"),
            limit("identity", "name", "drop", role="protected"),
        ],
        [row("tool", peer="drop"), row("tool", when="concerned")],
        [row("tool"), row("malware", when="concerned")],
        [row("tool"), row("tool", peer="mask", role="protected")],
        [
            row("*", "is_family"),
            row("malware", "is_family", "keep", "keep", "keep", role="protected"),
        ],
        [
            row("*", "labels", "listed", only="w"),
            row("*", "labels", "listed", only="v", when="concerned"),
            words("w", "a"),
            words("v", "b"),
        ],
        [row("tool", "name", "mask", research="mask", civil="mask", platform="mask")],
    ],
)
def test_what_applies_and_contradicts_nothing_is_a_policy(entries):
    Policy(written(*entries), "p.toml")


def test_a_property_that_nobody_knows_is_one_problem():
    assert "no such property" in only_complaint(row("*", "nobody_knows"))


@pytest.mark.parametrize(
    "entries",
    [
        [row("tool"), limit("malware", "name", "drop")],
        [row("tool"), limit("tool", "description", "drop")],
        [row("tool", peer="mask"), limit("tool", "name", "mask")],
        [
            row("identity", role="protected"),
            limit("identity", "name", "drop", role="individual"),
        ],
    ],
)
def test_a_limit_that_tightens_no_row_is_told(entries):
    assert "no row gives more than this" in only_complaint(*entries)


@pytest.mark.parametrize(
    ("audiences", "text"),
    [
        (AUDIENCES + AUDIENCES.split("\n\n")[0], "stands twice; remove one"),
        (
            AUDIENCES
            + table("audience", name="public", called="people", like="research"),
            "public is like research, which is no audience with rows of its own",
        ),
        (
            AUDIENCES
            + table("audience", name="research", called="who", like="civil-society")
            + table("audience", name="public", called="people", like="research"),
            "public is like research, which is no audience with rows of its own",
        ),
        (
            AUDIENCES + table("audience", name="research", called="researchers"),
            "research has no rows of its own; say whom it is like",
        ),
    ],
)
def test_audiences_are_known_and_named_once(audiences, text):
    assert any(text in found for found in complaints(row(), audiences=audiences))


@pytest.mark.parametrize(
    ("gates", "text"),
    [
        (GATES + gate("TLP:PURPLE"), "no mark 'TLP:PURPLE' is known"),
        (GATES + gate("PAP:RED", "cleared", "nobody", "nobody"), "PAP:RED has two gates"),
        (without_gate("protect:minors"), "the gate for protect:minors is missing"),
        (
            without_gate("TLP:RED") + gate("TLP:RED", "addressed", "nobody", "nobody"),
            "TLP:RED passes nobody here: it travels sealed",
        ),
        (
            without_gate("TLP:AMBER") + gate("TLP:AMBER", "hold", "nobody", "nobody"),
            "only what protects somebody can wait for persons, not TLP:AMBER",
        ),
        (
            without_gate("PAP:AMBER") + gate("PAP:AMBER", "affected"),
            "PAP:AMBER lets an audience pass (cleared) or not (nobody)",
        ),
        (
            without_gate("IEP:unseen") + gate("IEP:unseen", "affected"),
            "IEP:unseen lets an audience pass (cleared) or not (nobody)",
        ),
        (
            without_gate("PAP:AMBER") + gate("PAP:AMBER", approvals=2),
            "approvals are asked for, but nothing waits: no audience has hold",
        ),
        (
            without_gate("TLP:GREEN") + gate("TLP:GREEN", civil="nobody")
            + "".join(()),
            "",
        ),
        (
            without_gate("TLP:CLEAR") + gate("TLP:CLEAR", civil="nobody"),
            "TLP:GREEN lets more civil-society pass than TLP:CLEAR; a stricter mark cannot",
        ),
    ],
)  # fmt: skip
def test_gates_are_all_stated_and_in_order(gates, text):
    if not text:
        Policy(written(row(), gates=gates), "p.toml")  # stricter, and in order
        return
    assert any(text in found for found in complaints(row(), gates=gates))


def test_a_protecting_gate_may_wait_for_persons():
    gates = without_gate("protect:survivors") + gate(
        "protect:survivors", "hold", "nobody", "nobody", approvals=2
    )
    made = Policy(written(row(), gates=gates), "p.toml")
    assert made.file.gate[-1].approvals == 2


def test_every_mark_has_its_gate_in_the_tests_too():
    assert [f'mark = "{mark}"' in GATES for mark in MARKS] == [True] * len(MARKS)


def test_a_header_inside_a_text_takes_the_lines_away_and_nothing_else():
    text = written(row("tool", reason="A text with a header:\\n[[row]] inside it."))
    file, lines = read(text, "p.toml")
    assert lines.of("row", 1) > 0
    assert Lines("[[row]]\n[[row]]\n", {"row": 1}).of("row", 1) == 0
    assert Lines("[[row]]\n", {"row": 1}).of("row", 2) == 0
    assert at("p.toml", 0) == "p.toml"
    assert file.row[0].title


def test_an_entry_that_is_malformed_is_named_by_its_line():
    text = written(row("tool"), row("malware", approvals=9)).decode()
    line = [n for n, each in enumerate(text.splitlines(), 1) if each == "[[row]]"][1]
    with pytest.raises(ConfigError, match=rf"^p.toml:{line}: not a policy: "):
        Policy(text.encode(), "p.toml")
    with pytest.raises(ConfigError, match=r"^p.toml: not a policy: "):
        Policy(written(row(), start=head(version=0)), "p.toml")


def test_names_are_those_of_stix_and_of_the_extensions_we_know():
    assert is_property("identity", "name")
    assert is_property("*", "hashes")
    assert is_property("incident", "extensions.incident-core.events")
    assert is_property("impact", "extensions.monetary-ext.min_amount")
    assert is_property(
        "*", "extensions.extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
    )
    for name in (
        "nobody_knows", "extensions", "extensions.x", "extensions.incident-core",
        "extensions.incident-core.x", "extensions.event.status", "name.x",
        "x_tocsin_coarse_value",
    ):  # fmt: skip
        assert not is_property("*", name)
    assert near("identiy", stix.TYPES) == "; did you mean identity?"
    assert near("zzzzzzzz", stix.TYPES) == ""
