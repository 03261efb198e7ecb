"""The pipeline: verified once, cut once per view, stored whole or not at all.

That only what the gate has stamped comes in at all, `test_first_seen` says.
"""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters import giving, pipeline
from adapters.delivery import StoreOutcome
from adapters.interests import EVERYTHING, Interests
from adapters.pipeline import Context, Decided, Refused, Subscriber, decide, take
from adapters.pseudonyms import PseudonymKeys
from adapters.redaction import redact
from adapters.scopes import received
from broker import carried, seal
from broker.carried import Carried
from broker.directory import Service, build
from broker.sdjwt import token_id
from broker.seen import STAMP_HEADER, make_stamp
from broker.signing import Address
from broker.trust import verify
from broker.wire import pack
from schemas.markings import Tlp
from schemas.timestamps import epoch
from tests.support import sealing
from tests.support.records import SALT, disclosure, key_entry, member, signer
from tests.support.views import (
    AUTHOR,
    DIRECTORY,
    INCIDENT,
    KEYS,
    MALWARE,
    NOW,
    NOW_TEXT,
    PEER,
    PERSON,
    POLICY,
    core,
    decoded,
    new,
    projected,
    sample,
    signed,
    strings,
    token,
)  # fmt: skip

HUB = signer("hub")
STRAY = disclosure(SALT, "of no record")
KNOWN = build(
    DIRECTORY.members.values(),
    [Service(org="hub", name="Hub", services=("gate",), keys=(key_entry(HUB),))],
)


async def at_once(decision):
    return decision()


HERE = {"now": NOW, "run": at_once, "monotonic": lambda: 0.0}


class MemoryStore:
    """A store that fails on demand, before or after taking effect."""

    def __init__(self, fault=None, moment="before", holds=()):
        self.fault, self.moment = fault, moment
        self.holds = set(holds)  # members that have an earlier version
        self.rows = []
        self.calls = 0
        self.asked = []

    async def scopes(self, subs):
        self.asked.append(set(subs))
        known = ((r.member, r.issuer, r.sub, r.scope) for r in self.rows)
        return received(row for row in known if row[2] in subs)

    async def store(self, rows):
        self.calls += 1
        if self.fault and self.moment == "before":
            raise self.fault
        self.rows += rows
        if self.fault:
            raise self.fault
        return tuple(
            StoreOutcome.MISSED
            if row.missed and row.member not in self.holds
            else StoreOutcome.STORED
            for row in rows
        )


def subscriber(
    org, audience="peer-cert", sinks=("siem",), interests=EVERYTHING, **facts
):
    return Subscriber(member(signer(org), audience=audience, **facts), sinks, interests)


def context(*subscribers, **changes):
    values = {
        "directory": KNOWN,
        "policy": POLICY,
        "author": AUTHOR,
        "pseudonyms": KEYS,
        "signer": HUB,
        "subscribers": subscribers,
    }
    return Context(**(values | changes))


def message(*objects, **signing):
    data = token(*(objects or (INCIDENT, PERSON)), **signing)
    return packed(data)


def packed(data, *, seen=NOW, **changes):
    """*data* as the gate passes it on; whatever it is, it has a stamp of its own."""
    stamp = make_stamp(HUB, token_id=token_id(data), seen=seen, pos=1, prev="")
    made = pack(data, message_id="m", routing_key="cert-aq.incident", user_id="gate")
    return replace(made, headers={STAMP_HEADER: stamp}, **changes)


@pytest.fixture
def calls(monkeypatch):
    """Count how often the two expensive steps are taken."""
    counted = Counter()

    def count(where, name, function):
        def counting(*args, **options):
            counted[name] += 1
            return function(*args, **options)

        monkeypatch.setattr(where, name, counting)

    count(pipeline, "verify", verify)
    count(giving, "redact", redact)
    return counted


def test_one_record_is_verified_once_and_cut_once_per_view(calls):
    members = [
        *(subscriber(f"peer-{n}", sinks=("siem", "files")) for n in range(20)),
        *(subscriber(f"platform-{n}", "platform") for n in range(20)),
        subscriber("watch", "civil-society"),
    ]
    outcome = decide(message(), context(*members), now=NOW)
    assert calls == {"verify": 1, "redact": 3}
    assert len(outcome.rows) == 20 * 2 + 20 + 1


def test_members_of_one_view_get_the_same_bytes():
    members = [subscriber(f"peer-{n}") for n in range(3)]
    rows = decide(message(), context(*members), now=NOW).rows
    assert {row.member for row in rows} == {"peer-0", "peer-1", "peer-2"}
    for name in ("evidence", "projection", "receipt", "policy", "token_id"):
        assert len({getattr(row, name) for row in rows}) == 1


def test_a_view_that_is_refused_is_refused_once_and_counted_per_member(calls):
    secret = message(tlp=Tlp.AMBER)
    members = [
        subscriber("peer"),
        *(subscriber(f"platform-{n}", "platform") for n in range(3)),
        subscriber("far", communities=("urn:tocsin:community:far",)),
    ]
    outcome = decide(secret, context(*members), now=NOW)
    assert [row.member for row in outcome.rows] == ["peer"]
    assert outcome.not_given == {"tlp-clearance": 3, "community": 1}
    assert calls["redact"] == 3


def test_who_is_named_in_the_record_has_a_view_of_its_own(calls):
    named = message(address=Address(concerns=("platform-1",)))
    members = [subscriber(f"platform-{n}", "platform") for n in range(3)]
    rows = decide(named, context(*members), now=NOW).rows
    assert calls["redact"] == 2
    told = [
        row.member
        for row in rows
        if "urn:tocsin:org:platform-1"
        in {s for value in decoded(row.evidence) for s in strings(value)}
    ]
    assert told == ["platform-1"]


def test_a_row_holds_what_the_outbox_must_know():
    outcome = decide(message(), context(subscriber("peer", sinks=("siem",))), now=NOW)
    (row,) = outcome.rows
    assert isinstance(outcome, Decided)
    assert (row.member, row.sink, row.issuer) == ("peer", "siem", "cert-aq")
    assert (row.sub, row.ver) == (INCIDENT["id"], INCIDENT["modified"])
    assert (row.kind, row.tlp) == ("incident", "CLEAR")
    assert row.token_id == outcome.token_id
    assert row.policy == f"{POLICY.name}/peer-cert"
    assert outcome.issuer == "cert-aq"
    receipt = decoded(row.receipt)[1]
    assert receipt["token"] == row.token_id


def test_no_row_of_a_member_names_another_member():
    members = [subscriber("peer-one"), subscriber("platform-two", "platform")]
    for row in decide(message(), context(*members), now=NOW).rows:
        values = [*decoded(row.evidence), *decoded(row.receipt)]
        text = (
            "\n".join(s for v in values for s in strings(v)) + row.projection.decode()
        )
        assert "peer-one" not in text
        assert "platform-two" not in text


def test_deciding_twice_gives_the_same_rows():
    members = [subscriber("peer"), subscriber("platform", "platform")]
    record = message()
    first = decide(record, context(*members), now=NOW)
    assert decide(record, context(*members), now=NOW) == first


# -------------------------------------------------------------------------- interests

THAI = Interests(countries=("TH",))
IN_TH, IN_MY = (new("location", code, country=code) for code in ("TH", "MY"))


def test_what_a_member_does_not_want_is_counted_and_not_given():
    members = [
        subscriber("peer-all"),
        subscriber("peer-thai", interests=THAI),
        subscriber("platform-thai", "platform", interests=THAI),
        subscriber("peer-campaigns", interests=Interests(kinds=("campaign",))),
    ]
    outcome = decide(message(INCIDENT, IN_MY), context(*members), now=NOW)
    assert [row.member for row in outcome.rows] == ["peer-all"]
    assert outcome.not_given == {"interest-country": 2, "interest-kind": 1}
    wanted = decide(message(INCIDENT, IN_TH), context(*members), now=NOW)
    getting = [row.member for row in wanted.rows]
    assert getting == ["peer-all", "peer-thai", "platform-thai"]


def test_who_practises_gets_exercises_and_everybody_else_gets_them_too():
    members = (
        subscriber("cert-in-training", exercise=True),
        subscriber("peer-1"),
    )
    drill = decide(message(exercise=True), context(*members), now=NOW)
    assert [row.member for row in drill.rows] == ["cert-in-training", "peer-1"]
    assert len({row.evidence for row in drill.rows}) == 1
    real = decide(message(), context(*members), now=NOW)
    assert [row.member for row in real.rows] == ["peer-1"]
    assert real.not_given == {"in-exercise": 1}


def test_who_practises_gets_nothing_real_though_it_is_named():
    named = Address(to=("cert-in-training",))
    practising = subscriber("cert-in-training", exercise=True)
    outcome = decide(message(address=named), context(practising), now=NOW)
    assert outcome.rows == ()
    assert outcome.not_given == {"in-exercise": 1}


def test_a_view_that_nobody_wants_is_not_cut_and_one_that_some_want_is_cut_once(calls):
    members = [
        *(subscriber(f"peer-{n}", interests=THAI) for n in range(3)),
        *(subscriber(f"peer-any-{n}") for n in range(3)),
        *(subscriber(f"platform-{n}", "platform", interests=THAI) for n in range(3)),
    ]
    outcome = decide(message(INCIDENT, IN_MY), context(*members), now=NOW)
    assert calls == {"verify": 1, "redact": 1}
    assert len(outcome.rows) == 3


def test_members_with_other_interests_get_the_same_bytes():
    members = [subscriber("peer-thai", interests=THAI), subscriber("peer-all")]
    rows = decide(message(INCIDENT, IN_TH), context(*members), now=NOW).rows
    assert rows[0].member != rows[1].member
    same = {"member": "x", "basis": ""}  # what each rests on is its own
    assert replace(rows[0], **same) == replace(rows[1], **same)


@pytest.mark.parametrize("said", ["to", "concerns"])
def test_who_is_named_gets_the_record_whatever_it_wants(said):
    named = message(INCIDENT, IN_MY, address=Address(**{said: ("peer-named",)}))
    members = [
        subscriber("peer-named", interests=THAI),
        subscriber("peer-other", interests=THAI),
    ]
    rows = decide(named, context(*members), now=NOW).rows
    assert [row.member for row in rows] == ["peer-named"]


def test_a_correction_comes_to_all_whatever_they_want():
    corrected = message(INCIDENT, IN_MY, kind="correction")
    members = [subscriber("peer", interests=THAI)]
    assert len(decide(corrected, context(*members), now=NOW).rows) == 1


WORDS = st.lists(st.sampled_from(["TH", "MY", "XA"]), max_size=2).map(tuple)
FILTERS = st.builds(
    Interests,
    countries=WORDS,
    kinds=st.lists(st.sampled_from(["incident", "advisory"]), max_size=1).map(tuple),
    issuers=st.sampled_from([(), ("cert-aq",), ("cert-bv",)]),
    least_severity=st.sampled_from(["unknown", "low", "extreme"]),
)
BATCH = [
    message(INCIDENT, IN_MY),
    message(INCIDENT, IN_TH, kind="correction"),
    message(INCIDENT | {"extensions": core(determination="suspected", criticality=60)}),
    message(INCIDENT, IN_MY, replaces="A" * 43, address=Address(to=("platform",))),
]


@settings(max_examples=20)
@given(FILTERS, FILTERS, st.sampled_from(BATCH))
def test_filters_only_narrow_what_members_get(one, other, record):
    def getting(first, second):
        members = [
            subscriber("peer", interests=first),
            subscriber("platform", "platform", interests=second),
        ]
        rows = decide(record, context(*members), now=NOW).rows
        return [replace(row, basis="") for row in rows if not row.missed]

    with_filters, without = getting(one, other), getting(EVERYTHING, EVERYTHING)
    assert [row for row in without if row in with_filters] == with_filters


REPLACED = "A" * 43


async def test_a_new_version_goes_to_those_who_hold_one_though_they_do_not_want_it():
    later = message(INCIDENT, IN_MY, replaces=REPLACED)
    members = [
        subscriber("peer-all"),
        subscriber("peer-holding", interests=THAI, sinks=("siem", "files")),
        subscriber("peer-without", interests=THAI, sinks=("siem", "files")),
    ]
    store = MemoryStore(holds={"peer-holding"})
    batch = [packed(b"x"), later, message()]
    _, outcome, last = await take(batch, context(*members), store, **HERE)
    getting = [row.member for row in outcome.rows]
    assert getting == ["peer-all", "peer-holding", "peer-holding"]
    assert outcome.not_given == {"interest-country": 1}
    assert (len(last.rows), last.not_given) == (5, {})


async def test_a_new_version_that_the_view_is_refused_is_counted_as_that():
    later = message(INCIDENT, IN_MY, replaces=REPLACED, tlp=Tlp.AMBER)
    members = [subscriber("platform", "platform", interests=THAI)]
    (outcome,) = await take([later], context(*members), MemoryStore(), **HERE)
    assert (outcome.rows, outcome.not_given) == ((), {"tlp-clearance": 1})


# ------------------------------------------------------------------------------ scopes


def ids_in(row):
    """The projected ids that are no one's but the projection's."""
    objects = json.loads(row.projection)["objects"]
    return {one["type"]: one["id"] for one in objects if one["type"] != "identity"}


async def taken(store, *batch, known):
    """Take a batch; the rows that are new, by member."""
    before = len(store.rows)
    await take(batch, known, store, **HERE)
    return {row.member: row for row in store.rows[before:]}


LATER = INCIDENT | {"modified": "2026-02-04T00:00:00.000Z"}
OVER = INCIDENT | {"modified": "2026-02-05T00:00:00.000Z", "revoked": True}
BEFORE = context(
    subscriber("mover", "platform"),
    subscriber("peer"),
    subscriber("platform", "platform"),
)
AFTER = context(
    subscriber("mover"), subscriber("peer"), subscriber("platform", "platform")
)


@pytest.mark.parametrize(("first", "then"), [(BEFORE, AFTER), (AFTER, BEFORE)])
async def test_a_member_that_moves_gets_versions_and_the_retraction_under_its_ids(
    first, then
):
    store = MemoryStore()
    one = await taken(store, message(INCIDENT, MALWARE), known=first)
    two = await taken(store, message(LATER, MALWARE), known=then)
    end = await taken(store, message(OVER), known=then)
    for org in ("mover", "peer", "platform"):
        assert ids_in(one[org]) == ids_in(two[org])
        assert ids_in(end[org])["incident"] == ids_in(one[org])["incident"]
        assert one[org].scope == two[org].scope == end[org].scope
    assert len({ids_in(rows["mover"])["incident"] for rows in (one, two, end)}) == 1
    assert one["mover"].policy != two["mover"].policy


async def test_what_a_member_first_receives_after_moving_has_the_ids_of_its_audience():
    store = MemoryStore()
    await taken(store, message(INCIDENT), known=BEFORE)
    other = new("incident", "Another")
    rows = await taken(store, message(other), known=AFTER)
    assert rows["mover"].scope == "peer-cert"
    assert rows["mover"].projection == rows["peer"].projection


async def test_members_that_stay_share_what_is_cut_and_moving_costs_one_more(calls):
    store = MemoryStore()
    await taken(store, message(INCIDENT), known=BEFORE)
    calls.clear()
    rows = await taken(store, message(LATER), known=BEFORE)
    assert calls == {"verify": 1, "redact": 2}
    assert rows["mover"].projection == rows["platform"].projection
    calls.clear()
    rows = await taken(store, message(OVER), known=AFTER)
    # Decided once as if nobody had moved, and again with a scope more.
    assert calls == {"verify": 2, "redact": 2 + 3}
    assert rows["mover"].evidence == rows["peer"].evidence


async def test_scopes_are_asked_for_once_a_batch_however_many_members():
    store = MemoryStore()
    batch = [message(INCIDENT | {"name": str(n)}) for n in range(3)]
    batch += [message(new("incident", "Another")), packed(b"x")]
    known = context(*(subscriber(f"peer-{n}") for n in range(50)))
    await take(batch, known, store, **HERE)
    assert store.asked == [{INCIDENT["id"], new("incident", "Another")["id"]}]


async def test_another_issuer_s_record_of_the_same_name_has_a_scope_of_its_own():
    store = MemoryStore()
    await taken(store, message(INCIDENT), known=BEFORE)
    rows = await taken(store, message(INCIDENT, issuer="platform-lumen"), known=AFTER)
    assert rows["mover"].scope == "peer-cert"


async def test_feedback_names_a_record_by_the_ids_that_the_member_has_of_it():
    store = MemoryStore()
    opinion = new("opinion", "disagree", object_refs=[INCIDENT["id"]])
    one = await taken(store, message(INCIDENT), known=BEFORE)
    answer = message(opinion, issuer="platform-lumen")
    rows = await taken(store, answer, known=AFTER)
    for org in ("mover", "peer", "platform"):
        (said,) = (
            each
            for each in json.loads(rows[org].projection)["objects"]
            if each["type"] == "opinion"
        )
        assert said["object_refs"] == [ids_in(one[org])["incident"]]


# ------------------------------------------------------------------------------ delay


DAYS_S = 30 * 86_400
LATE_TEXT = "2026-12-31T12:00:00.000Z"
READERS = context(subscriber("watch", "civil-society"), subscriber("lab", "research"))


def rows_of(arrived, *, now=NOW):
    return {row.member: row for row in decide(arrived, READERS, now=now).rows}


def test_research_gets_a_record_later_counted_from_when_it_was_first_seen():
    rows = rows_of(message())
    assert rows["watch"].not_before == 0
    assert rows["lab"].not_before == NOW + DAYS_S
    again = rows_of(packed(token(INCIDENT, PERSON)), now=NOW + 86_400)
    assert again["lab"].not_before == NOW + DAYS_S


def test_what_waits_is_cut_for_the_moment_at_which_it_may_go():
    def modified(row):
        objects = json.loads(row.projection)["objects"]
        return next(one["modified"] for one in objects if one["type"] == "incident")

    rows = rows_of(message())
    assert modified(rows["watch"]) == NOW_TEXT
    assert modified(rows["lab"]) == LATE_TEXT
    # A replay long after that is cut for its own moment.
    late = rows_of(message(), now=NOW + 2 * DAYS_S)
    assert modified(late["lab"]) == modified(late["watch"]) > LATE_TEXT
    # A retraction does not wait; the outbox knows whether it is sent at all.
    over = rows_of(message(OVER))
    assert modified(over["lab"]) == NOW_TEXT
    assert over["lab"].not_before == NOW + DAYS_S


async def test_the_delay_is_that_of_the_audience_now_whatever_the_scope():
    store = MemoryStore()
    before = context(subscriber("lab", "civil-society"))
    await take([message()], before, store, **HERE)
    await take([message(LATER)], READERS, store, **HERE)
    first, last = (row for row in store.rows if row.member == "lab")
    assert (first.scope, first.not_before) == ("civil-society", 0)
    assert (last.scope, last.not_before) == ("civil-society", NOW + DAYS_S)


# ------------------------------------------------------------------------- pseudonyms


def person_of(verified, *, seen, keys):
    """What a peer gets of the person in a record, and the period."""
    author = context(pseudonyms=keys).author_at(seen)
    cut = redact(verified, PEER, POLICY, author=author, now=NOW_TEXT)
    (person,) = projected(cut, "identity")
    return person["id"], person["name"], cut.period


TWO_PERIODS = PseudonymKeys("quarter", {"2026-Q3": b"3" * 32, "2026-Q4": b"4" * 32})
EARLY, LATE = (epoch(f"2026-{day}T00:00:00Z") for day in ("09-30", "10-01"))


def test_records_of_one_period_share_their_pseudonyms():
    one, other = (
        person_of(
            signed(INCIDENT | {"name": name}, PERSON), seen=seen, keys=TWO_PERIODS
        )
        for name, seen in (("One", LATE), ("Other", NOW))
    )
    assert one == other
    assert one[2] == "2026-Q4"


def test_a_version_seen_in_a_later_period_has_the_same_id_and_another_pseudonym():
    record = signed(INCIDENT, PERSON)
    early, late = (
        person_of(record, seen=seen, keys=TWO_PERIODS) for seen in (EARLY, LATE)
    )
    assert early[0] == late[0]
    assert early[1] != late[1]
    assert (early[2], late[2]) == ("2026-Q3", "2026-Q4")


def test_the_period_is_that_of_the_stamp_whenever_it_is_decided():
    keys = PseudonymKeys("month", {"2026-11": b"1" * 32, "2026-12": b"2" * 32})
    known = context(subscriber("peer"), pseudonyms=keys)
    turn = int(epoch("2026-12-01T00:00:00Z"))
    periods = []
    for seen in (turn - 1, turn):
        arrived = packed(token(INCIDENT, PERSON), seen=seen)
        (row,) = decide(arrived, known, now=NOW).rows
        periods.append(decoded(row.receipt)[1]["period"])
    assert periods == ["2026-11", "2026-12"]


def test_what_was_seen_in_a_period_whose_key_is_gone_has_no_pseudonyms():
    gone = PseudonymKeys("quarter", {"2026-Q3": b"3" * 32})
    arrived = packed(token(INCIDENT, PERSON))
    known = context(subscriber("peer"), pseudonyms=gone)
    (row,) = decide(arrived, known, now=NOW).rows
    objects = json.loads(row.projection)["objects"]
    names = [one["name"] for one in objects if one["type"] == "identity"]
    assert names == ["Tocsin Hub", "cert-aq"]
    assert "period" not in decoded(row.receipt)[1]


# --------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (packed(b"x"), "framing"),
        (packed(token(INCIDENT)[:-1]), "framing"),
        (packed(token(INCIDENT) + STRAY + b"~"), "unreferenced-disclosure"),
        (packed(token(INCIDENT), content_type="text/plain"), "content-type"),
        (packed(token(INCIDENT), content_encoding="gzip"), "content-encoding"),
        (packed(b"x", content_encoding="zstd"), "zstd"),
        (packed(token(INCIDENT, issuer="stranger")), "unknown-key"),
    ],
)
async def test_what_is_not_trusted_is_refused_and_nothing_is_stored(bad, reason):
    store = MemoryStore()
    (outcome,) = await take([bad], context(subscriber("peer")), store, **HERE)
    assert isinstance(outcome, Refused)
    assert outcome.reason == reason
    assert (store.rows, store.calls) == ([], 0)


def test_a_refusal_says_where_and_never_what():
    name = "x_ilvara_temcott"
    record = token(INCIDENT | {name: "secret"})
    outcome = decide(packed(record.replace(b".", b"..", 1)), context(), now=NOW)
    assert outcome.reason == "framing"
    assert name not in outcome.where


def test_a_token_from_the_future_is_refused():
    early = NOW - 1000
    arrived = packed(token(INCIDENT), seen=early)
    assert decide(arrived, context(), now=early).reason == "issued-in-future"


# ----------------------------------------------------------------------------- storing


async def test_a_batch_is_stored_in_one_transaction_in_order():
    store = MemoryStore()
    batch = [message(INCIDENT | {"name": str(n)}) for n in range(3)]
    batch.insert(1, packed(b"x"))
    outcomes = await take(batch, context(subscriber("peer")), store, **HERE)
    assert store.calls == 1
    assert [type(o) for o in outcomes] == [Decided, Refused, Decided, Decided]
    given = [o.token_id for o in outcomes if isinstance(o, Decided)]
    assert [row.token_id for row in store.rows] == given


async def test_a_batch_for_nobody_is_not_stored():
    store = MemoryStore()
    (outcome,) = await take([message()], context(), store, **HERE)
    assert outcome.rows == ()
    assert store.calls == 0


async def test_an_empty_batch_does_nothing():
    store = MemoryStore()
    assert await take([], context(subscriber("peer")), store, **HERE) == []
    assert store.calls == 0


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_when_storing_fails_the_caller_learns_it_and_acknowledges_nothing(moment):
    broken = MemoryStore(OSError("disk full"), moment)
    batch = [message(), packed(b"x")]
    with pytest.raises(OSError, match="disk full"):
        # No outcome comes back, so there is nothing to acknowledge by.
        await take(batch, context(subscriber("peer")), broken, **HERE)
    # The same batch again, as the broker redelivers it: the same rows.
    healthy = MemoryStore()
    await take(batch, context(subscriber("peer")), healthy, **HERE)
    assert broken.rows in ([], healthy.rows)


async def test_a_batch_ends_after_the_message_that_reaches_the_bound_of_bytes(
    monkeypatch,
):
    monkeypatch.setattr(pipeline, "MAX_BODY_BYTES", 100)
    batch = [packed(b"x" * size) for size in (60, 60, 60, 200, 10)]
    taken = []
    while batch:
        outcomes = await take(batch, context(), MemoryStore(), **HERE)
        taken.append(len(outcomes))
        batch = batch[len(outcomes) :]
    assert taken == [2, 2, 1]


async def test_a_batch_ends_when_deciding_has_taken_long_enough():
    elapsed = iter([0.0, 0.9, 1.8, 2.0])
    store = MemoryStore()
    batch = [message(INCIDENT | {"name": str(n)}) for n in range(5)]
    where = HERE | {"monotonic": lambda: next(elapsed)}
    outcomes = await take(batch, context(subscriber("peer")), store, **where)
    assert len(outcomes) == 3
    # What was decided is stored, and nothing else.
    assert [row.token_id for row in store.rows] == [o.token_id for o in outcomes]


async def test_one_message_larger_than_every_bound_is_taken(monkeypatch):
    monkeypatch.setattr(pipeline, "MAX_BODY_BYTES", 1)
    store = MemoryStore()
    batch = [message(), message()]
    assert len(await take(batch, context(subscriber("peer")), store, **HERE)) == 1
    assert len(store.rows) == 1


async def test_every_decision_is_made_where_the_caller_says():
    made = []

    async def elsewhere(decision):
        made.append(decision)
        return decision()

    batch = [message(), packed(b"x")]
    where = HERE | {"run": elsewhere}
    outcomes = await take(batch, context(), MemoryStore(), **where)
    assert len(made) == 2
    assert [type(o) for o in outcomes] == [Decided, Refused]


async def test_every_sample_finds_its_way():
    store = MemoryStore()
    members = [
        subscriber("peer"),
        subscriber("platform-lumen", "platform"),
        subscriber("watch", "civil-society"),
    ]
    names = ("election-leak", "bank-phishing", "ai-video-campaign", "platform-answer")
    batch = []
    for name in names:
        opened = sample(name).opened
        texts = [d.text for d in opened.disclosures]
        batch.append(packed(b"~".join([opened.jwt, *texts, b""])))
    outcomes = await take(batch, context(*members), store, **HERE)
    assert [len(o.rows) for o in outcomes] == [3, 3, 3, 3]
    assert len(store.rows) == 12


def test_a_member_gets_the_parts_that_are_for_it_and_others_none():
    made = sealing.sealed(to=(sealing.BX, sealing.CV))
    stamped = packed(made.token, seen=sealing.NOW)
    carrying = pack(
        Carried(made.token, (), made.parts),
        message_id="m", routing_key="cert-aq.incident", user_id="gate",
    )  # fmt: skip
    message = replace(carrying, headers=stamped.headers)
    others = ("peer-1", "platform-1")
    serving = context(
        *(Subscriber(each, ("siem",)) for each in (sealing.BX, sealing.CV)),
        subscriber(others[0]),
        subscriber(others[1], audience="platform"),
        directory=build(
            sealing.MEMBERS,
            [
                Service(
                    org="hub", name="Hub", services=("gate",), keys=(key_entry(HUB),)
                )
            ],
        ),
    )
    decided = decide(message, serving, now=sealing.NOW)
    got = {row.member: carried.decode(row.evidence) for row in decided.rows}
    assert got.keys() == {"cert-bx", "cert-cv", *others}
    for org in ("cert-bx", "cert-cv"):
        [part] = map(seal.read, got[org].sealed)
        assert [slot.org for slot in part.slots] == [org]
    assert not any(got[org].sealed for org in others)
    # All of one view have one receipt, so it is of what they have in common.
    by_member = {row.member: row for row in decided.rows}
    assert by_member["cert-bx"].receipt == by_member["cert-cv"].receipt

    lost = replace(stamped, headers=message.headers)
    assert decide(lost, serving, now=sealing.NOW) == Refused("sealed-missing", "")
