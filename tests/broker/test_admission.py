"""From the directory to the logins and rights of RabbitMQ: what is planned, and how it is said."""

from typing import assert_never

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.admission import plan, wanted, with_passwords
from broker.admission_state import (
    Actual,
    AddExchange,
    AddQueue,
    Bind,
    ClearTopic,
    CloseConnections,
    DropQueue,
    FoundBinding,
    FoundExchange,
    FoundLogin,
    FoundQueue,
    FoundTopic,
    Plan,
    RemoveLogin,
    SetLogin,
    SetRights,
    SetTopic,
    Step,
    Unbind,
)
from broker.admission_words import sentence
from broker.directory import Directory, build
from broker.errors import ConfigError
from broker.topology import (
    FEEDBACK,
    INGRESS,
    LOGIN_TAG,
    NOTHING,
    RECORDS,
    RETRY,
    Binding,
    Permission,
)
from tests.support.issuing import member

ME = "admin"
ADMIN = FoundLogin(ME, frozenset({"administrator"}), "other")
ISSUERS = ("cert-aq", "cert-bx")
READERS = ("platform-x", "newsroom-y")
ORGS = (*ISSUERS, *READERS)


def directory(*orgs: str) -> Directory:
    return build(
        member(each, kinds=("incident",) if each in ISSUERS else ()) for each in orgs
    )


def want(*orgs: str, suspended=(), by_password=()):
    found = wanted(directory(*orgs), adapters=["main"], suspended=suspended)
    return with_passwords(found, by_password)


def done(before: Actual, todo: Plan) -> Actual:
    """What a broker has after *todo*, as RabbitMQ does it."""
    now = {
        "exchanges": {each.name: each for each in before.exchanges},
        "queues": {each.name: each for each in before.queues},
        "bindings": {each.binding: each for each in before.bindings},
        "logins": {each.name: each for each in before.logins},
        "permissions": {each.user: each for each in before.permissions},
        "topics": {(each.user, each.exchange): each for each in before.topics},
    }
    for step in todo.steps:
        _do(now, step)
    return Actual(**{name: tuple(found.values()) for name, found in now.items()})


def _do(now: dict[str, dict], step: Step) -> None:
    match step:
        case RemoveLogin(name):
            del now["logins"][name]
            now["permissions"].pop(name, None)
            for key in [each for each in now["topics"] if each[0] == name]:
                del now["topics"][key]
        case CloseConnections():
            pass
        case ClearTopic(user, exchange):
            del now["topics"][user, exchange]
        case AddExchange(each):
            found = FoundExchange(
                each.name, each.type, True, False, False, each.arguments
            )
            assert now["exchanges"].setdefault(each.name, found) is found
        case DropQueue(name):
            del now["queues"][name]
            for key in [each for each in now["bindings"] if each.queue == name]:
                del now["bindings"][key]
        case AddQueue(each):
            found = FoundQueue(each.name, True, False, each.arguments)
            assert now["queues"].setdefault(each.name, found) is found
        case Unbind(binding):
            del now["bindings"][binding]
        case Bind(binding):
            assert binding.queue in now["queues"]
            assert binding.exchange in now["exchanges"]
            now["bindings"][binding] = FoundBinding(binding, "h", True)
        case SetLogin(name, new, password):
            assert new == (name not in now["logins"])
            kept = now["logins"][name].password if password == "kept" else password
            now["logins"][name] = FoundLogin(name, frozenset({LOGIN_TAG}), kept)
        case SetTopic(each):
            assert each.user in now["logins"]
            now["topics"][each.user, each.exchange] = FoundTopic(
                each.user, each.exchange, each.write, NOTHING
            )
        case SetRights(each):
            # Before the topic permissions every key would be free for a moment.
            limited = {
                t.exchange for t in now["topics"].values() if t.user == each.user
            }
            if each.user in ORGS:
                assert limited == {INGRESS, FEEDBACK}
            now["permissions"][each.user] = each
        case _:
            assert_never(step)


def planned(found: Actual, *orgs: str, drop_queues=(), **more) -> Plan:
    return plan(want(*orgs, **more), found, me=ME, drop_queues=drop_queues)


def set_up(*orgs: str, **more) -> Actual:
    empty = Actual(logins=(ADMIN,))
    return done(empty, planned(empty, *orgs, **more))


EVERYBODY = set_up(*ORGS)


def changed(found: Actual, **more) -> Actual:
    return msgspec.structs.replace(found, **more)


def login(found: Actual, name: str) -> FoundLogin:
    return next(each for each in found.logins if each.name == name)


def names(found: Actual) -> set[str]:
    return {each.name for each in found.logins}


# The whole way


def test_an_empty_broker_gets_all_and_then_there_is_nothing_to_do():
    assert names(EVERYBODY) == {ME, "operator", "gate", "adapter-main", *ORGS}
    assert planned(EVERYBODY, *ORGS) == Plan((), ())


@given(
    st.sets(st.sampled_from(ORGS), min_size=1),
    st.sets(st.sampled_from(ORGS), min_size=1),
    st.sets(st.sampled_from(ORGS)),
    st.sets(st.sampled_from(ORGS)),
)
def test_after_any_change_of_the_directory_one_run_is_enough(
    before, after, suspended, by_password
):
    by_password &= after
    todo = planned(
        set_up(*before), *after, suspended=suspended, by_password=by_password
    )
    now = done(set_up(*before), todo)
    assert names(now) & set(ORGS) == after - suspended
    again = planned(now, *after, suspended=suspended, by_password=by_password)
    assert again.steps == ()
    assert not again.blocked


@given(
    st.sets(st.sampled_from(ORGS), min_size=1),
    st.sets(st.sampled_from(ORGS), min_size=1),
    st.integers(0, 60),
)
def test_a_run_that_breaks_off_anywhere_is_finished_by_the_next(before, after, count):
    begun = set_up(*before)
    todo = planned(begun, *after)
    half = done(begun, Plan(todo.steps[:count], ()))
    now = done(half, planned(half, *after))
    assert names(now) & set(ORGS) == after
    assert planned(now, *after).steps == ()


def test_logins_go_first_then_their_connections_before_anything_is_given():
    todo = planned(EVERYBODY, "cert-aq", "platform-x", suspended=["platform-x"])
    assert todo.steps[:6] == (
        RemoveLogin("cert-bx", suspended=False),
        RemoveLogin("newsroom-y", suspended=False),
        RemoveLogin("platform-x", suspended=True),
        CloseConnections("cert-bx"),
        CloseConnections("newsroom-y"),
        CloseConnections("platform-x"),
    )


def test_a_suspended_member_keeps_its_queues_and_comes_back_as_it_was():
    todo = planned(EVERYBODY, *ORGS, suspended=["cert-aq"])
    assert todo == Plan(
        (RemoveLogin("cert-aq", suspended=True), CloseConnections("cert-aq")), ()
    )
    back = planned(done(EVERYBODY, todo), *ORGS)
    assert {type(each) for each in back.steps} == {SetLogin, SetTopic, SetRights}


def test_who_is_suspended_and_has_no_login_is_left_alone():
    away = set_up(*ORGS, suspended=["cert-aq"])
    assert planned(away, *ORGS, suspended=["cert-aq"]).steps == ()


def test_the_queues_of_who_left_stay_get_nothing_more_and_are_named():
    todo = planned(EVERYBODY, "cert-aq", "platform-x", "newsroom-y")
    assert [each.binding for each in todo.steps if isinstance(each, Unbind)] == [
        Binding(INGRESS, "tocsin.ingress.cert-bx", "cert-bx.#"),
        Binding(RETRY, "tocsin.ingress.cert-bx", "tocsin.ingress.cert-bx"),
        Binding(FEEDBACK, "tocsin.feedback.cert-bx", "*.cert-bx.#"),
    ]
    assert not any(isinstance(each, DropQueue) for each in todo.steps)
    assert {(each.kind, each.subject) for each in todo.notes} == {
        ("left-queue", "tocsin.ingress.cert-bx"),
        ("left-queue", "tocsin.feedback.cert-bx"),
    }
    assert "--drop-queues tocsin.ingress.cert-bx" in todo.notes[0].text
    assert not todo.blocked


# Logins


def test_a_login_from_before_there_were_tags_is_known_by_its_rights():
    bare = tuple(
        msgspec.structs.replace(each, tags=frozenset()) if each != ADMIN else each
        for each in EVERYBODY.logins
    )
    todo = planned(changed(EVERYBODY, logins=bare), "cert-aq")
    gone = {each.name for each in todo.steps if isinstance(each, RemoveLogin)}
    assert gone == {"cert-bx", "platform-x", "newsroom-y"}
    kept = {each.name: each for each in todo.steps if isinstance(each, SetLogin)}
    assert kept["cert-aq"] == SetLogin("cert-aq", False, "kept")
    assert not any(
        isinstance(each, CloseConnections) and each.name in kept for each in todo.steps
    )


def test_who_has_left_holds_up_nothing_by_standing_in_out():
    found = wanted(
        directory(*ISSUERS), adapters=["main"], out={"main": ["cert-aq", "platform-x"]}
    )
    assert found.place.readers == {"cert-aq"}


@pytest.mark.parametrize(
    "out", [{"mian": ["cert-aq"]}, {"main": ["cert-aq"], "other": ["cert-aq"]}]
)
def test_a_queue_of_an_adapter_that_is_none_or_of_two_is_refused(out):
    with pytest.raises(ConfigError, match="adapter"):
        wanted(directory(*ISSUERS), adapters=["main", "other"], out=out)


def test_an_adapter_that_is_no_longer_listed_loses_its_login():
    other = wanted(directory(*ORGS), adapters=["other"])
    bare = FoundLogin("adapter-main", frozenset(), "none")
    logins = tuple(
        bare if each.name == bare.name else each for each in EVERYBODY.logins
    )
    todo = plan(other, changed(EVERYBODY, logins=logins), me=ME)
    assert RemoveLogin("adapter-main", suspended=False) in todo.steps


@pytest.mark.parametrize(
    ("tags", "rights"),
    [
        ({"administrator"}, None),
        ({"administrator"}, Permission("x-ray", ".*", ".*", ".*")),
        ({"monitoring"}, Permission("x-ray", NOTHING, NOTHING, ".*")),
        (set(), Permission("x-ray", ".*", ".*", ".*")),
        (
            {"administrator"},
            Permission(
                "x-ray",
                NOTHING,
                r"^tocsin\.(ingress|feedback)$",
                r"^tocsin\.feedback\.x-ray$",
            ),
        ),
    ],
)
def test_a_login_that_nobody_knows_is_told_and_not_touched(tags, rights):
    found = changed(
        EVERYBODY,
        logins=(*EVERYBODY.logins, FoundLogin("x-ray", frozenset(tags), "other")),
        permissions=(*EVERYBODY.permissions, *([rights] if rights else [])),
    )
    todo = planned(found, *ORGS)
    assert todo.steps == ()
    assert [(each.kind, each.subject) for each in todo.notes] == [
        ("unknown-login", "x-ray")
    ]


@pytest.mark.parametrize("name", ["Not.A.Name", "gate2!"])
def test_a_name_that_cannot_be_a_members_is_nobodys(name):
    found = changed(
        EVERYBODY,
        logins=(*EVERYBODY.logins, FoundLogin(name, frozenset(), "other")),
        permissions=(*EVERYBODY.permissions, Permission(name, "", "", "")),
    )
    assert [each.subject for each in planned(found, *ORGS).notes] == [name]


def test_a_login_without_rights_here_is_no_business_of_ours():
    elsewhere = FoundLogin("cert-zz", frozenset({LOGIN_TAG}), "none")
    found = changed(EVERYBODY, logins=(*EVERYBODY.logins, elsewhere))
    assert planned(found, *ORGS) == Plan((), ())


def test_the_administrator_must_be_nobody_of_the_directory():
    for name, away in (("cert-aq", ()), ("cert-aq", ["cert-aq"]), ("gate", ())):
        with pytest.raises(ConfigError, match="administrator"):
            plan(want(*ORGS, suspended=away), EVERYBODY, me=name)


def test_the_administrator_is_never_removed_whatever_its_rights_look_like():
    mine = Permission(
        ME, NOTHING, r"^tocsin\.(ingress|feedback)$", rf"^tocsin\.feedback\.{ME}$"
    )
    tagged = FoundLogin(ME, frozenset({LOGIN_TAG, "administrator"}), "other")
    others = tuple(each for each in EVERYBODY.logins if each.name != ME)
    found = changed(
        EVERYBODY,
        logins=(tagged, *others),
        permissions=(*EVERYBODY.permissions, mine),
    )
    assert planned(found, *ORGS) == Plan((), ())


def test_tags_that_give_rights_are_taken_away_and_connections_closed():
    boss = FoundLogin("cert-aq", frozenset({LOGIN_TAG, "administrator"}), "none")
    logins = tuple(boss if e.name == "cert-aq" else e for e in EVERYBODY.logins)
    assert planned(changed(EVERYBODY, logins=logins), *ORGS).steps == (
        SetLogin("cert-aq", False, "kept", ("administrator",)),
        CloseConnections("cert-aq"),
    )


@pytest.mark.parametrize("password", ["file", "other"])
def test_who_has_a_password_and_must_not_loses_it(password):
    old = FoundLogin("cert-aq", frozenset({LOGIN_TAG}), password)
    logins = tuple(old if e.name == "cert-aq" else e for e in EVERYBODY.logins)
    assert planned(changed(EVERYBODY, logins=logins), *ORGS).steps == (
        SetLogin("cert-aq", False, "none"),
        CloseConnections("cert-aq"),
    )


def test_who_must_have_the_password_of_its_file_gets_it():
    todo = planned(EVERYBODY, *ORGS, by_password=["cert-aq"])
    assert SetLogin("cert-aq", False, "file") in todo.steps
    assert planned(done(EVERYBODY, todo), *ORGS, by_password=["cert-aq"]).steps == ()


def test_a_password_of_who_has_just_left_does_not_keep_its_login():
    before = set_up(*ORGS, by_password=["cert-aq", "cert-bx"])
    rest = [each for each in ORGS if each != "cert-aq"]
    todo = planned(before, *rest, by_password=["cert-aq", "cert-bx"])
    assert todo.steps[0] == RemoveLogin("cert-aq", suspended=False)
    assert ("no-login", "cert-aq") in {(e.kind, e.subject) for e in todo.notes}
    assert not todo.blocked
    away = planned(before, *ORGS, suspended=["cert-aq"], by_password=["cert-aq"])
    assert away.notes == ()


def test_a_member_with_a_login_of_the_hub_is_a_mistake():
    for name in ("gate", "adapter-x"):
        with pytest.raises(ConfigError, match=name):
            want(name)


# Rights


def test_rights_that_somebody_widened_are_put_back_and_connections_closed():
    wide = Permission("cert-aq", ".*", ".*", ".*")
    rights = tuple(wide if e.user == "cert-aq" else e for e in EVERYBODY.permissions)
    [first, second] = planned(changed(EVERYBODY, permissions=rights), *ORGS).steps
    assert isinstance(first, SetRights)
    assert first.permission.user == "cert-aq"
    assert second == CloseConnections("cert-aq")


@pytest.mark.parametrize("field", ["write", "read"])
def test_topics_that_somebody_widened_or_removed_are_put_back(field):
    at = next(i for i, e in enumerate(EVERYBODY.topics) if e.user == "cert-aq")
    topics = list(EVERYBODY.topics)
    topics[at] = msgspec.structs.replace(topics[at], **{field: ".*"})
    for found in (topics, topics[:at] + topics[at + 1 :]):
        todo = planned(changed(EVERYBODY, topics=tuple(found)), *ORGS)
        assert [type(each) for each in todo.steps] == [SetTopic, CloseConnections]


def test_a_topic_permission_that_is_none_of_ours_goes():
    extra = FoundTopic("cert-aq", RECORDS, ".*", ".*")
    found = changed(EVERYBODY, topics=(*EVERYBODY.topics, extra))
    assert planned(found, *ORGS).steps == (
        ClearTopic("cert-aq", RECORDS),
        CloseConnections("cert-aq"),
    )


# Exchanges, queues, bindings


@pytest.mark.parametrize(
    "more",
    [
        {"type": "fanout"},
        {"arguments": {}},
        {"durable": False},
        {"auto_delete": True},
        {"internal": True},
    ],
)
def test_an_exchange_that_is_another_than_it_must_be_is_told(more):
    found = tuple(
        msgspec.structs.replace(each, **more) if each.name == RECORDS else each
        for each in EVERYBODY.exchanges
    )
    todo = planned(changed(EVERYBODY, exchanges=found), *ORGS)
    assert todo.steps == ()
    assert [(e.kind, e.subject) for e in todo.notes] == [("other-exchange", RECORDS)]
    assert todo.blocked


def test_an_exchange_that_nobody_arranged_is_told_if_it_looks_like_ours():
    more = (
        FoundExchange("tocsin.spy", "fanout", True, False, False, {}),
        FoundExchange("theirs", "fanout", True, False, False, {}),
    )
    found = changed(EVERYBODY, exchanges=(*EVERYBODY.exchanges, *more))
    [note] = planned(found, *ORGS).notes
    assert (note.kind, note.subject) == ("unknown-exchange", "tocsin.spy")


def with_queue(name: str, **more) -> Actual:
    return changed(
        EVERYBODY,
        queues=tuple(
            msgspec.structs.replace(each, **more) if each.name == name else each
            for each in EVERYBODY.queues
        ),
    )


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"durable": False}, "durability"),
        ({"auto_delete": True}, "durability"),
        ({"arguments": {"x-queue-type": "classic"}}, "x-max-length"),
        ({"arguments": {"x-expires": 5}}, "x-expires"),
    ],
)
def test_a_queue_with_other_arguments_is_told_with_what_to_do(more, what):
    name = "tocsin.feedback.cert-aq"
    todo = planned(with_queue(name, **more), *ORGS)
    assert todo.steps == ()
    [note] = todo.notes
    assert (note.kind, note.subject) == ("other-arguments", name)
    assert what in note.text
    assert f"--drop-queues {name}" in note.text
    assert todo.blocked


def test_a_queue_that_is_named_is_deleted_and_made_anew_with_its_bindings():
    name = "tocsin.feedback.cert-aq"
    found = with_queue(name, arguments={}, messages=7)
    todo = planned(found, *ORGS, drop_queues=[name])
    assert todo.steps[0] == DropQueue(name, 7)
    assert [type(each) for each in todo.steps] == [DropQueue, AddQueue, Bind]
    assert todo.notes == ()
    assert planned(done(found, todo), *ORGS) == Plan((), ())


@pytest.mark.parametrize(
    ("nodes", "copies", "noted"),
    [(1, 1, 0), (3, 3, 0), (3, 1, 1), (3, 2, 1), (5, 3, 0), (2, 1, 1), (3, 0, 0)],
)
def test_a_queue_with_fewer_copies_than_nodes_is_told_once_for_all(
    nodes, copies, noted
):
    queues = tuple(
        msgspec.structs.replace(each, members=("n1", "n2", "n3")[:copies])
        for each in EVERYBODY.queues
    )
    found = msgspec.structs.replace(EVERYBODY, queues=queues, nodes=nodes)
    todo = planned(found, *ORGS)
    assert [each.kind for each in todo.notes] == ["few-copies"] * noted
    assert not todo.steps
    assert not todo.blocked
    if noted:
        assert f"{len(queues)} queues" in todo.notes[0].text


def test_a_queue_of_who_left_goes_when_it_is_named():
    name = "tocsin.feedback.cert-bx"
    rest = [each for each in ORGS if each != "cert-bx"]
    todo = planned(EVERYBODY, *rest, drop_queues=[name])
    assert DropQueue(name, 0) in todo.steps
    assert [each.subject for each in todo.notes] == ["tocsin.ingress.cert-bx"]


@pytest.mark.parametrize("name", ["tocsin.none", "theirs"])
def test_only_queues_of_tocsin_that_are_there_can_be_named(name):
    theirs = FoundQueue("theirs", True, False, {}, 3)
    found = changed(EVERYBODY, queues=(*EVERYBODY.queues, theirs))
    with pytest.raises(ConfigError, match=name):
        planned(found, *ORGS, drop_queues=[name])
    assert planned(found, *ORGS) == Plan((), ())


@pytest.mark.parametrize(
    ("binding", "plain", "noted"),
    [
        (Binding(RECORDS, "spy", "#"), True, True),
        (Binding(RECORDS, "tocsin.adapter.main", "#"), False, True),
        (Binding("theirs", "theirs", "#"), True, False),
        (Binding("theirs", "tocsin.dead", "#"), True, False),
    ],
)
def test_a_binding_that_nobody_arranged_is_told(binding, plain, noted):
    more = FoundBinding(binding, "h", plain)
    found = changed(EVERYBODY, bindings=(*EVERYBODY.bindings, more))
    todo = planned(found, *ORGS)
    assert todo.steps == ()
    assert [e.kind for e in todo.notes] == (["unknown-binding"] if noted else [])


def test_a_binding_between_what_is_ours_that_must_not_be_goes():
    more = FoundBinding(Binding(RECORDS, "tocsin.feedback.cert-aq", "#"), "h", True)
    found = changed(EVERYBODY, bindings=(*EVERYBODY.bindings, more))
    assert planned(found, *ORGS) == Plan((Unbind(more.binding, "h"),), ())


# What is said


def test_every_step_is_one_plain_sentence_with_the_name_it_is_about():
    boss = FoundLogin("cert-aq", frozenset({"administrator"}), "other")
    others = tuple(each for each in EVERYBODY.logins if each.name != "cert-aq")
    extra = FoundTopic("cert-aq", RECORDS, ".*", ".*")
    found = changed(
        EVERYBODY, logins=(*others, boss), topics=(*EVERYBODY.topics, extra)
    )
    todo = planned(
        found,
        "cert-aq", "cert-cz", "newsroom-y", "platform-x",
        suspended=["newsroom-y"],
        by_password=["cert-cz"],
        drop_queues=["tocsin.dead"],
    )  # fmt: skip
    exchange = AddExchange(want(*ORGS).place.exchanges[0])
    said = [sentence(each) for each in (*todo.steps, exchange)]
    for expected in (
        "remove the login cert-bx: the directory does not list it",
        "remove the login newsroom-y: it is suspended",
        "close every open connection of newsroom-y",
        "remove what cert-aq may send to tocsin.records",
        "declare the exchange tocsin.dead (topic)",
        "delete the queue tocsin.dead with all that is in it (0 messages)",
        "declare the queue tocsin.feedback.cert-cz",
        "stop messages from tocsin.ingress to tocsin.ingress.cert-bx (cert-bx.#)",
        "start messages from tocsin.feedback to tocsin.feedback.cert-cz (*.cert-cz.#)",
        "admit cert-cz, with the password of its file",
        "let cert-aq log in by certificate alone, and no longer be administrator",
        r"let cert-cz send to tocsin.feedback under ^{username}\. only",
        r"let cert-cz write ^tocsin\.(ingress|feedback)$, "
        r"read ^tocsin\.feedback\.cert-cz$, configure nothing",
    ):
        assert expected in said
    assert all("\n" not in each for each in said)


def test_a_login_that_stays_as_it_is_but_for_the_tag_is_told_so():
    assert (
        sentence(SetLogin("cert-aq", False, "kept")) == "let cert-aq log in as before"
    )
