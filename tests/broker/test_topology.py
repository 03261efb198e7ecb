"""Exchanges, queues, bindings, permissions and routing keys, without a broker."""

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.topology import (
    DEAD,
    DELIVERY_LIMIT,
    FEEDBACK,
    GATE,
    INGRESS,
    OPERATOR,
    OUT,
    RECORDS,
    RETRY,
    SEVERITIES,
    UNROUTABLE,
    Binding,
    Exchange,
    Queue,
    Topology,
    definitions,
    feedback_key,
    ingress_key,
    matches,
    permissions,
    route,
    routing_key,
    topology,
)

PLACE = topology(
    issuers=["cert-aq", "cert-bv"], adapters=["civil", "peers"], members=["platform-x"]
)
QUEUES = {each.name: each.arguments for each in PLACE.queues}
RIGHTS = permissions(PLACE)

words = st.sampled_from(["", "a", "b", "cert-aq"])
keys = st.lists(words, max_size=5).map(".".join)
patterns = st.lists(words | st.sampled_from(["*", "#"]), max_size=5).map(".".join)


def may_write(user: str, exchange: str, key: str) -> bool:
    """Decide as RabbitMQ does: name first, then the topic, if one is limited."""
    named = next(each for each in RIGHTS.users if each.user == user)
    topics = [
        each.write
        for each in RIGHTS.topics
        if each.user == user and each.exchange == exchange
    ]
    return bool(re.search(named.write, exchange)) and all(
        re.search(each.replace("{username}", user), key) for each in topics
    )


def may_read(user: str, queue: str) -> bool:
    named = next(each for each in RIGHTS.users if each.user == user)
    return bool(re.search(named.read, queue))


# Members that read RabbitMQ themselves

SERVED = topology(
    ["cert-aq"],
    ["civil", "peers"],
    ["platform-x", "ngo-a"],
    out={"civil": ["platform-x", "ngo-a"], "peers": []},
)


def test_only_who_reads_it_has_a_queue_of_deliveries():
    names = {each.name for each in SERVED.queues if each.name.startswith(OUT)}
    assert names == {"tocsin.out.platform-x", "tocsin.out.ngo-a"}
    assert SERVED.readers == {"platform-x", "ngo-a"}
    assert route(SERVED, OUT, "ngo-a") == ("tocsin.out.ngo-a",)
    assert all(each.name != OUT for each in PLACE.exchanges)


def test_such_a_queue_is_bounded_refuses_and_drops_nothing_for_being_read_often():
    [arguments] = [e.arguments for e in SERVED.queues if e.name == "tocsin.out.ngo-a"]
    assert arguments["x-overflow"] == "reject-publish"
    assert arguments["x-max-length"] == 100_000
    assert arguments["x-delivery-limit"] >= 1_000_000
    assert "x-dead-letter-exchange" not in arguments


def test_an_adapter_writes_for_those_that_it_serves_and_they_alone_read():
    rights = permissions(SERVED)
    [topic] = [each for each in rights.topics if each.exchange == OUT]
    assert topic.user == "adapter-civil"
    writers = {each.user for each in rights.users if re.search(each.write, OUT)}
    assert writers == {"adapter-civil", OPERATOR}
    for key, may in [("ngo-a", True), ("ngo-a.x", False), ("cert-aq", False)]:
        assert bool(re.search(topic.write, key)) is may
    readers = {
        each.user for each in rights.users if re.search(each.read, "tocsin.out.ngo-a")
    }
    assert readers == {"ngo-a", OPERATOR}


@pytest.mark.parametrize(
    "out",
    [
        {"nobody": ["ngo-a"]},
        {"civil": ["ngo-z"]},
        {"civil": ["ngo-a"], "peers": ["ngo-a"]},
        {"civil": ["Ngo a"]},
    ],
)
def test_a_queue_for_nobody_or_of_two_adapters_is_refused(out):
    with pytest.raises(ValueError, match=r"adapter|name"):
        topology([], ["civil", "peers"], ["ngo-a"], out=out)


# What exists


def test_the_same_names_in_another_order_give_the_same_topology():
    again = topology(
        members=["platform-x", "cert-aq"],
        adapters=["peers", "civil", "civil"],
        issuers=["cert-bv", "cert-aq"],
    )
    assert again == PLACE


def test_every_queue_is_quorum_bounded_and_refuses_rather_than_drops():
    for arguments in QUEUES.values():
        assert arguments["x-queue-type"] == "quorum"
        assert arguments["x-overflow"] == "reject-publish"
        assert arguments["x-max-length"] >= 100_000
        assert arguments["x-max-length-bytes"] >= 1 << 30


def test_every_working_queue_dead_letters_at_least_once_under_its_own_name():
    for name in set(QUEUES) - {DEAD, UNROUTABLE}:
        arguments = QUEUES[name]
        assert arguments["x-delivery-limit"] == DELIVERY_LIMIT == 5
        assert arguments["x-dead-letter-exchange"] == DEAD
        assert arguments["x-dead-letter-strategy"] == "at-least-once"
        key = arguments["x-dead-letter-routing-key"]
        assert key == f"dead.{name}"
        assert route(PLACE, DEAD, key) == (DEAD,)


@pytest.mark.parametrize("name", [DEAD, UNROUTABLE])
def test_a_last_queue_never_drops_a_message_for_being_read_often(name):
    assert QUEUES[name]["x-delivery-limit"] >= 1_000_000
    assert "x-dead-letter-exchange" not in QUEUES[name]


def test_every_binding_names_what_is_declared():
    exchanges = {each.name for each in PLACE.exchanges}
    for each in PLACE.bindings:
        assert each.exchange in exchanges
        assert each.queue in QUEUES
    assert {each.queue for each in PLACE.bindings} == set(QUEUES)


@pytest.mark.parametrize(
    "name", ["", "a", "A1", "9cert", "a.b", "a" * 42, "ab\n", "é" * 3]
)
def test_a_name_that_could_break_a_pattern_or_key_is_refused(name):
    for place in ("issuers", "adapters", "members"):
        given_names = {"issuers": [], "adapters": [], "members": [], place: [name]}
        with pytest.raises(ValueError, match="name"):
            topology(**given_names)


@pytest.mark.parametrize("name", [GATE, OPERATOR, "guest", "adapter-civil"])
def test_no_organisation_gets_a_login_of_the_hub(name):
    with pytest.raises(ValueError, match="cannot be called"):
        topology(issuers=[name], adapters=[], members=[])
    with pytest.raises(ValueError, match="cannot be called"):
        topology(issuers=[], adapters=[], members=[name])


# Where a message goes


def test_a_record_reaches_each_adapter_once_whatever_its_severity():
    for severity in SEVERITIES:
        key = routing_key(
            issuer="cert-aq", kind="incident", tlp="GREEN", severity=severity
        )
        urgent = ".urgent" if severity in {"high", "extreme"} else ""
        assert route(PLACE, RECORDS, key) == (
            f"tocsin.adapter.civil{urgent}",
            f"tocsin.adapter.peers{urgent}",
        )


def test_a_record_with_a_wrong_key_is_kept_as_unroutable():
    assert route(PLACE, RECORDS, "cert-aq.incident") == (UNROUTABLE,)


def test_what_an_issuer_sends_reaches_its_own_queue_only():
    key = ingress_key(issuer="cert-bv", kind="incident", tlp="AMBER+STRICT")
    assert route(PLACE, INGRESS, key) == ("tocsin.ingress.cert-bv",)
    assert route(PLACE, INGRESS, "cert-zz.incident.clear") == ()


def test_feedback_reaches_the_issuer_it_is_for():
    key = feedback_key(sender="adapter-civil", issuer="cert-aq", kind="receipt")
    assert key == "adapter-civil.cert-aq.receipt"
    assert route(PLACE, FEEDBACK, key) == ("tocsin.feedback.cert-aq",)


def test_an_unknown_exchange_is_an_error():
    with pytest.raises(KeyError):
        route(PLACE, "tocsin.nowhere", "x")


def test_a_queue_bound_twice_gets_one_copy():
    place = Topology(
        exchanges=(Exchange("e", "topic"),),
        queues=(Queue("q", {}),),
        bindings=(Binding("e", "q", "a.*"), Binding("e", "q", "#")),
    )
    assert route(place, "e", "a.b") == ("q",)


# Keys


def test_a_routing_key_is_lower_case_words():
    key = routing_key(
        issuer="cert-aq",
        kind="incident",
        tlp="AMBER+STRICT",
        countries=["AQ"],
        sectors=["financial-services", "financial-services"],
        severity="extreme",
    )
    assert key == "cert-aq.incident.amber-strict.aq.financial-services.extreme"


def test_nothing_is_none_and_several_are_multi():
    key = routing_key(
        issuer="cert-aq",
        kind="campaign",
        tlp="CLEAR",
        sectors=["energy", "water"],
        severity="none",
    )
    assert key == "cert-aq.campaign.clear.none.multi.none"


@pytest.mark.parametrize(
    "sector", ["oil & gas", "a.b", "*", "#", "", "x" * 61, "énergie"]
)
def test_a_sector_that_cannot_stand_in_a_key_counts_as_multi(sector):
    key = routing_key(
        issuer="cert-aq", kind="incident", tlp="RED", sectors=[sector], severity="low"
    )
    assert key == "cert-aq.incident.red.none.multi.low"


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "a.b"},
        {"kind": "#"},
        {"tlp": ""},
        {"severity": "High"},
        {"issuer": "a\n"},
    ],
)
def test_a_word_that_would_lead_elsewhere_is_refused(wrong):
    right = {"issuer": "cert-aq", "kind": "incident", "tlp": "CLEAR", "severity": "low"}
    with pytest.raises(ValueError, match=r"word|severity"):
        routing_key(**right | wrong)


def test_the_longest_key_fits_amqp():
    longest = routing_key(
        issuer="a" * 41,
        kind="correction",
        tlp="AMBER+STRICT",
        countries=["x" * 60],
        sectors=["y" * 60],
        severity="moderate",
    )
    assert len(longest) <= 255


@pytest.mark.parametrize(
    ("pattern", "key", "taken"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("*", "", False),
        ("a.#", "a", True),
        ("a.#", "a.b.c", True),
        ("a.#", "ab", False),
        ("#", "", True),
        ("#.b", "a.a.b", True),
        ("#.b", "b.a", False),
        ("*.#.b", "b", False),
        ("#.*", "a", True),
        ("", "", True),
        ("", "a", False),
        ("a..b", "a..b", True),
        ("a.*.b", "a..b", True),
    ],
)
def test_topic_patterns_match_as_in_rabbitmq(pattern, key, taken):
    assert matches(pattern, key) is taken


@given(patterns, keys)
def test_matching_agrees_with_trying_every_split(pattern, key):
    def taken(parts: list[str], left: list[str]) -> bool:
        if not parts:
            return not left
        if parts[0] == "#":
            return any(taken(parts[1:], left[n:]) for n in range(len(left) + 1))
        return bool(left) and parts[0] in ("*", left[0]) and taken(parts[1:], left[1:])

    expected = taken(
        pattern.split(".") if pattern else [], key.split(".") if key else []
    )
    assert matches(pattern, key) is expected


# Who may do what


def test_a_member_writes_only_under_its_own_prefix():
    assert may_write("cert-aq", INGRESS, "cert-aq.incident.clear")
    assert may_write("cert-aq", FEEDBACK, "cert-aq.platform-x.sighting")
    for exchange, key in itertools.product(
        (INGRESS, FEEDBACK), ("cert-bv.x.y", "cert-aqq.x.y", "cert-aq", "x.cert-aq.y")
    ):
        assert not may_write("cert-aq", exchange, key)
    for exchange in (RECORDS, DEAD, UNROUTABLE, "amq.default", "tocsin.ingress2", ""):
        assert not may_write("cert-aq", exchange, "cert-aq.incident.clear")


def test_every_login_that_shares_a_topic_exchange_is_limited_on_it():
    limited = {(each.user, each.exchange) for each in RIGHTS.topics}
    for each in RIGHTS.users:
        for exchange in (INGRESS, FEEDBACK, DEAD):
            if each.user != OPERATOR and re.search(each.write, exchange):
                assert (each.user, exchange) in limited


def test_only_the_gate_and_the_operator_write_records():
    writers = {each.user for each in RIGHTS.users if re.search(each.write, RECORDS)}
    assert writers == {GATE, OPERATOR}


def test_every_queue_is_read_by_its_owner_alone():
    readers = {
        queue: {each.user for each in RIGHTS.users if may_read(each.user, queue)}
        for queue in QUEUES
    }
    for queue, users in readers.items():
        if queue.startswith(INGRESS):
            owners = {GATE}
        elif queue.startswith("tocsin.adapter."):
            owners = {"adapter-" + queue.split(".")[2]}
        elif queue.startswith(FEEDBACK):
            owners = {queue.split(".")[2]}
        else:
            owners = set()
        assert users == owners | {OPERATOR}


def test_nobody_reads_an_exchange_and_so_nobody_binds_a_queue_to_it():
    for each in RIGHTS.users:
        if each.user != OPERATOR:
            assert each.configure == "^$"
            assert not any(re.search(each.read, e.name) for e in PLACE.exchanges)


# Definitions


def test_definitions_are_json_with_everything_in_the_named_virtual_host():
    found = json.loads(json.dumps(definitions(PLACE, RIGHTS, vhost="v")))
    assert len(found["queues"]) == len(PLACE.queues)
    assert len(found["bindings"]) == len(PLACE.bindings)
    assert len(found["topic_permissions"]) == len(RIGHTS.topics)
    for kind in ("queues", "bindings", "exchanges", "permissions", "topic_permissions"):
        assert {each["vhost"] for each in found[kind]} == {"v"}


def test_definitions_touch_no_user_whose_password_is_not_given():
    # RabbitMQ 3.10 gives a user without one a random password.
    assert definitions(PLACE, RIGHTS)["users"] == []
    users = definitions(PLACE, RIGHTS, passwords={"gate": "s", "cert-aq": ""})["users"]
    assert users == [
        {"name": "gate", "tags": "tocsin", "password": "s"},
        {"name": "cert-aq", "tags": "tocsin", "password_hash": ""},
    ]


# Putting back


def test_a_dead_letter_goes_back_to_one_queue_and_the_operator_alone_sends_it():
    for queue in QUEUES:
        takes_back = queue.startswith((f"{INGRESS}.", "tocsin.adapter."))
        assert route(PLACE, RETRY, queue) == ((queue,) if takes_back else ())
    writers = {each.user for each in RIGHTS.users if re.search(each.write, RETRY)}
    assert writers == {OPERATOR}
