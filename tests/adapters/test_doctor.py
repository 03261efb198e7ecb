"""The doctor: steps that need each other, codes, and what answers of a broker mean."""

import re

import pytest

from adapters.doctor import (
    Finding,
    Step,
    examine,
    failed,
    failure,
    note,
    of_several,
    ok,
    warning,
)
from adapters.doctor_rights import judged, of_adapter, of_gate, of_member
from broker.errors import (
    BusRefusedError,
    BusUnavailableError,
    ConfigError,
    DirectoryUnavailableError,
    TrustError,
)
from broker.topology import Topology, matches, permissions, topology


def step(name, *needs, finds=(), raises=None):
    async def run():
        if raises is not None:
            raise raises
        return finds or [ok(name)]

    return Step(name, needs, run)


async def examined(*steps):
    told = []
    code = await examine(steps, told.append)
    return code, [(each.step, each.finding.state) for each in told], told


async def test_where_all_holds_nothing_is_left_out_and_the_code_is_0():
    code, said, _ = await examined(
        step("a", finds=[ok("x"), note("y"), warning("z", "do")]), step("b", "a")
    )
    assert code == 0
    assert said == [("a", "ok"), ("a", "note"), ("a", "warning"), ("b", "ok")]


async def test_what_needs_what_failed_is_not_tried_nor_what_needs_that():
    code, said, told = await examined(
        step("a", finds=[failed("x", "do", 3), ok("and this held")]),
        step("b", "a"),
        step("c", "b", "a"),
        step("d"),
        step("e", "d"),
    )
    assert code == 3
    assert said == [
        ("a", "failed"),
        ("a", "ok"),
        ("b", "not tried"),
        ("c", "not tried"),
        ("d", "ok"),
        ("e", "ok"),
    ]
    assert told[3].finding.said == "because b and a did not hold"


async def test_the_code_is_the_highest_of_all_that_failed():
    code, _, _ = await examined(
        step("a", finds=[failed("x", "", 2)]),
        step("b", finds=[failed("x", "", 3)]),
        step("c", finds=[failed("x", "", 1)]),
    )
    assert code == 3


@pytest.mark.parametrize(
    ("error", "code", "said", "advice"),
    [
        (ConfigError("no file; make one"), 2, "no file", "make one"),
        (ConfigError("no file"), 2, "no file", ""),
        (BusUnavailableError("nobody there"), 3, "nobody there", ""),
        (BusRefusedError("not you"), 2, "not you", ""),
        (DirectoryUnavailableError("gone"), 3, "gone", "network"),
        (TrustError("key-revoked"), 1, "refused (key-revoked): its key is", ""),
    ],
)
async def test_errors_of_ours_become_findings(error, code, said, advice):
    ended, _, [told] = await examined(step("a", raises=error))
    assert (ended, told.finding.code) == (code, code)
    assert said in told.finding.said
    assert advice in told.finding.advice
    assert told.finding == failure(error)


def test_of_several_nodes_one_that_fails_is_a_warning_while_another_does_not():
    bad, good = [failed("b", "look"), note("n")], [ok("a")]
    found = of_several([bad, good])
    assert [(each.state, each.code) for each in found] == [
        ("warning", 0),
        ("note", 0),
        ("ok", 0),
    ]
    assert found[0].advice == "look"
    assert of_several([[failed("b", "")], good])[0].advice
    assert of_several([bad, bad]) == bad + bad


async def test_a_bug_stays_a_bug():
    with pytest.raises(ZeroDivisionError):
        await examined(step("a", raises=ZeroDivisionError()))


def test_no_finding_that_failed_ends_with_code_0():
    assert failed("x", "y").code == 2
    assert Finding(state="ok", said="x").code == 0


# ---------------------------------------------------------------------------- rights

PLACE: Topology = topology(["cert-aq", "cert-bx"], ["main"], ["platform-x"])
RIGHTS = permissions(PLACE)
LOGINS = [
    ("cert-aq", of_member("cert-aq", publishes=True)),
    ("platform-x", of_member("platform-x", publishes=False)),
    ("gate", of_gate(["cert-aq", "cert-bx"])),
    ("adapter-main", of_adapter("main")),
]


def granted(login, right):
    """What the broker would say, by the permissions that the hub makes."""
    [mine] = [each for each in RIGHTS.users if each.user == login]
    pattern = {"write": mine.write, "read": mine.read, "declare": mine.configure}
    name = right.name or "amq.default"
    if not re.search(pattern[right.does], name):
        return "refused"
    for topic in RIGHTS.topics:
        if right.does == "write" and (topic.user, topic.exchange) == (login, name):
            own = topic.write.replace("{username}", login)
            return "allowed" if re.search(own, right.key) else "refused"
    return "allowed"


@pytest.mark.parametrize(("login", "rights"), LOGINS)
def test_what_is_tried_is_what_the_topology_grants_and_refuses(login, rights):
    found = {each: granted(login, each) for each in rights}
    assert {each.wanted for each in rights} == {True, False}
    for each, verdict in found.items():
        assert verdict == ("allowed" if each.wanted else "refused"), each
    told = judged(found)
    assert [each.state for each in told] == ["ok", "ok"]


@pytest.mark.parametrize(("login", "rights"), LOGINS)
def test_each_right_that_is_otherwise_is_told(login, rights):
    good = {each: granted(login, each) for each in rights}
    for each in rights:
        other = "refused" if each.wanted else "allowed"
        [told] = judged(good | {each: other})
        assert (told.state, told.code) == ("failed", 2)
        assert each.words in told.said
        assert "tocsin broker apply" in told.advice


def test_a_queue_that_is_not_there_is_told_where_it_is_needed():
    rights = of_member("cert-aq", publishes=True)
    good = {each: granted("cert-aq", each) for each in rights}
    wanted = next(each for each in rights if each.does == "read" and each.wanted)
    unwanted = next(each for each in rights if each.does == "read" and not each.wanted)
    [told] = judged(good | {wanted: "missing"})
    assert "does not exist" in told.said
    assert [each.state for each in judged(good | {unwanted: "missing"})] == ["ok"] * 2


def test_no_key_that_is_tried_would_reach_a_reader_of_records():
    keys = {each.key for _, rights in LOGINS for each in rights if each.name}
    for binding in PLACE.bindings:
        if binding.exchange == "tocsin.records":
            assert not any(matches(binding.key, key) for key in keys)
