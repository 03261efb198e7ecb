"""Heads that others hold: what contradicts them, and what they prove of a record.

The chain has a record a minute. Whoever rewrites it has the gate's own key.
"""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import heads, receipts
from broker.errors import TrustError
from broker.heads import Fork, Statement, contradiction, statement_of
from schemas import timestamps
from tests.support.chains import START, Chain, token_id
from tests.support.issuing import directory, key_entry, service, signer
from tests.support.receipts import receipt

KNOWN = directory()
LATER = START + 86_400
CHAIN = Chain().grow(12)


def refused(call, *arguments, **more):
    with pytest.raises(TrustError) as caught:
        call(*arguments, **more)
    return caught.value.reason


def said(text, known=KNOWN, **more):
    return heads.statements_of(text, known, now=LATER, **more)


def stolen(at):
    """A directory in which the hub's key is compromised from a minute on."""
    moment = timestamps.from_epoch(START + 60 * at)
    key = key_entry("hub", revoked_at=moment, revocation_reason="compromised")
    return directory(service(keys=(key,)))


# ---------------------------------------------------------------- what is said


def test_a_head_says_one_thing_and_a_receipt_passes_on_a_head():
    [one] = said(CHAIN.head(3))
    assert (one.pos, one.link, one.at) == (3, CHAIN.link(3), START + 180)
    own, head = said(receipt(CHAIN, 5, head=CHAIN.head(3)))
    assert (own.pos, own.link, own.is_head) == (5, CHAIN.link(5), False)
    assert head == one
    assert len(said(receipt(CHAIN, 5))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b.c",
        "é",
        "\ud800",
        "W10.W10.AA",
        "MQ.MQ.AA",
        CHAIN.head(3)[:-2],
        CHAIN.stamps[0],
    ],
)
def test_what_is_neither_head_nor_receipt_is_refused(text):
    assert refused(said, text) == "seen-invalid"


def test_a_receipt_that_passes_on_something_else_for_a_head_is_refused():
    for other in ("x", CHAIN.stamps[0], receipt(CHAIN, 3)):
        assert refused(said, receipt(CHAIN, 5, head=other)) == "seen-invalid"


# --------------------------------------------------------------- contradictions


def statements(*texts):
    return [each for text in texts for each in said(text)]


def test_heads_of_one_chain_do_not_contradict_each_other():
    all_of_it = [CHAIN.head(pos) for pos in range(13)]
    assert contradiction(statements(*all_of_it, *reversed(all_of_it))) is None
    assert contradiction([]) is None


def test_one_place_with_two_links_is_a_fork():
    other = CHAIN.fork(3, 9)
    found = contradiction(statements(CHAIN.head(3), CHAIN.head(6), other.head(6)))
    assert found is not None
    assert {each.link for each in found} == {CHAIN.link(6), other.link(6)}


def test_a_receipt_contradicts_a_head_at_its_own_place():
    other = CHAIN.fork(3, 9)
    assert contradiction(statements(receipt(other, 6), CHAIN.head(6))) is not None
    assert contradiction(statements(receipt(other, 6), CHAIN.head(5))) is None


def test_a_later_head_that_reaches_less_far_is_a_fork():
    back = CHAIN.head(4, at=START + 60 * 9 + 121)
    found = contradiction(statements(back, CHAIN.head(9), CHAIN.head(2)))
    assert found is not None
    assert [each.pos for each in found] == [9, 4]


def test_a_clock_that_was_set_right_is_no_fork():
    assert (
        contradiction(statements(CHAIN.head(9), CHAIN.head(4, at=START + 660))) is None
    )


def test_receipts_come_in_any_order():
    late = receipt(CHAIN, 2, at=START + 50_000)
    assert contradiction(statements(CHAIN.head(9), late)) is None


@given(st.lists(st.integers(0, 12), min_size=1), st.integers(0, 11), st.data())
def test_whoever_hides_a_rewrite_is_caught_by_any_common_place(places, at, data):
    other = CHAIN.fork(at, 12 - at)
    theirs = data.draw(st.lists(st.integers(0, 12), min_size=1))
    both = [CHAIN.held(pos) for pos in places], [other.held(pos) for pos in theirs]
    rewritten = {pos for pos in places if pos > at} & set(theirs)
    fork = heads.fork_between(*both, [])
    assert (fork is not None) == bool(rewritten)
    if fork is not None:
        heads.check(fork, KNOWN, now=LATER)


# ------------------------------------------------------------------------ paths


@given(st.integers(1, 12), st.integers(0, 11))
def test_a_path_gives_all_that_stands_under_a_head(first, more):
    last = min(12, first + more)
    found = heads.under(CHAIN.held(last).head, CHAIN.path(first, last))
    assert [each.pos for each in found] == [*range(first, last + 1)]
    assert found[0].token == token_id(f"record {first}")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param([], id="nothing"),
        pytest.param(CHAIN.path(3, 8), id="not up to the head"),
        pytest.param(CHAIN.path(3, 10), id="beyond the head"),
        pytest.param(CHAIN.path(3, 5) + CHAIN.path(7, 9), id="a gap"),
        pytest.param([*reversed(CHAIN.path(3, 9))], id="backwards"),
        pytest.param([b"x", *CHAIN.path(4, 9)], id="no stamp"),
        pytest.param([b"", *CHAIN.path(4, 9)], id="an empty line"),
        pytest.param([CHAIN.path(3, 3)[0] + b"A", *CHAIN.path(4, 9)], id="changed"),
        pytest.param(CHAIN.fork(2, 10).path(3, 9), id="of another chain"),
    ],
)
def test_what_a_head_does_not_fix_is_refused(path):
    assert refused(heads.under, CHAIN.held(9).head, path) == "not-under-head"


def test_a_head_that_states_another_place_leads_nowhere():
    wrong = msgspec.structs.replace(CHAIN.held(9).head, pos=8)
    assert refused(heads.under, wrong, CHAIN.path(3, 9)) == "not-under-head"


def test_a_path_has_a_bound(monkeypatch):
    monkeypatch.setattr(heads, "MAX_PATH", 6)
    assert len(heads.under(CHAIN.held(9).head, CHAIN.path(4, 9))) == 6
    assert (
        refused(heads.under, CHAIN.held(9).head, CHAIN.path(3, 9)) == "not-under-head"
    )


def test_a_record_is_held_since_the_first_head_over_it_was():
    mine = [
        CHAIN.held(12, since=300),
        CHAIN.held(4, since=100),
        CHAIN.held(7, since=200),
    ]
    found = {
        pos: heads.held_since(
            token_id(f"record {pos}"), mine, CHAIN.path(pos, 12)
        ).since
        for pos in (1, 4, 5, 7, 8, 12)
    }
    assert found == {1: 100, 4: 100, 5: 200, 7: 200, 8: 300, 12: 300}


def test_a_record_that_stands_under_no_head_is_refused():
    mine = [CHAIN.held(7)]
    for token, path in (
        ("record 8", CHAIN.path(8, 12)),  # later than what was held
        ("record 3", CHAIN.path(4, 7)),  # the path of another
        ("record 3", CHAIN.fork(2, 10).path(3, 12)),
        ("record 3", []),
    ):
        assert (
            refused(heads.held_since, token_id(token), mine, path) == "not-under-head"
        )


# -------------------------------------------------- attack timelines: a stolen gate


def test_who_stole_the_gates_key_cannot_put_a_record_under_a_head_held_before():
    mine = [CHAIN.held(9, since=START + 600)]
    # The thief knows all stamps, has the key, and writes any moment.
    forged = Chain(CHAIN.by, CHAIN.stamps[:5])
    forged.add(token_id("forged"), at=START + 361)
    forged.stamps += CHAIN.stamps[6:]
    path = forged.path(6, 9)
    assert refused(heads.held_since, token_id("forged"), mine, path) == "not-under-head"


def test_what_was_held_before_the_theft_still_counts_and_later_heads_do_not():
    known = stolen(at=10)
    for pos, counts in ((9, True), (10, False), (11, False)):
        text = CHAIN.head(pos)
        if counts:
            # As it was verified when it was taken.
            assert heads.statements_of(text, known, now=START + 60 * pos)
        assert refused(said, text, known) == "seen-invalid"
    mine = [CHAIN.held(9)]  # the path needs no key at all
    assert heads.held_since(token_id("record 2"), mine, CHAIN.path(2, 9)).since


# ------------------------------------------------------------------------ forks


def test_a_fork_is_proven_to_anybody_who_has_the_directory():
    other = CHAIN.fork(3, 9)
    fork = heads.fork_between([CHAIN.held(6)], [other.held(6)], [])
    assert fork is not None
    again = heads.decode_fork(msgspec.json.encode(fork))
    one, two = heads.check(again, KNOWN, now=LATER)
    assert (one.pos, two.pos) == (6, 6)
    # Also once the key is known to be stolen: it shows what the key signed.
    assert heads.check(again, stolen(at=1), now=LATER)


def test_a_receipt_and_a_head_prove_a_fork():
    fork = Fork((CHAIN.head(6), receipt(CHAIN.fork(3, 9), 6, head=CHAIN.head(2))))
    assert heads.check(fork, KNOWN, now=LATER)
    assert heads.check(fork, stolen(at=1), now=LATER)


def test_a_path_shows_a_fork_where_no_place_is_common():
    other = CHAIN.fork(3, 9)
    mine, theirs = [CHAIN.held(5)], [other.held(2), other.held(9)]
    assert heads.fork_between(mine, theirs, []) is None
    fork = heads.fork_between(mine, theirs, other.path(4, 9))
    assert fork is not None
    assert heads.check(fork, KNOWN, now=LATER)
    assert heads.fork_between([CHAIN.held(3)], theirs, other.path(2, 9)) is None
    assert (
        refused(heads.fork_between, mine, theirs, other.path(4, 8)) == "not-under-head"
    )


@pytest.mark.parametrize(
    "fork",
    [
        pytest.param(Fork((CHAIN.head(6), CHAIN.head(6))), id="one head twice"),
        pytest.param(Fork((CHAIN.head(6), CHAIN.head(9))), id="one chain"),
        pytest.param(
            Fork((CHAIN.head(6), CHAIN.head(9)), ("x",)), id="a path that is none"
        ),
        pytest.param(
            Fork((CHAIN.head(6), CHAIN.head(9)), ("é",)), id="a path of other letters"
        ),
        pytest.param(Fork((CHAIN.head(6), CHAIN.head(9)), ("\ud800",)), id="no text"),
        pytest.param(
            Fork(
                (CHAIN.head(6), CHAIN.head(9)),
                tuple(step.decode() for step in CHAIN.path(5, 9)),
            ),
            id="a path of the same chain",
        ),
        pytest.param(
            Fork((CHAIN.head(6), Chain(by=CHAIN.by).grow(3).stamps[0])), id="a stamp"
        ),
        pytest.param(
            Fork(
                (CHAIN.head(6), receipt(CHAIN.fork(3, 9), 9)),
                tuple(step.decode() for step in CHAIN.fork(3, 9).path(4, 9)),
            ),
            id="a path under a receipt",
        ),
    ],
)
def test_what_is_no_fork_proves_nothing(fork):
    assert refused(heads.check, fork, KNOWN, now=LATER) == "fork-invalid"


def test_a_stranger_proves_nothing_about_the_hub():
    stranger = Chain(by=signer("cert-aq")).grow(6)
    assert (
        refused(heads.check, Fork((CHAIN.head(6), stranger.head(6))), KNOWN, now=LATER)
        == "fork-invalid"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"type":"tocsin-fork"}',
        b'{"type":"other","statements":["a","b"]}',
        b'{"type":"tocsin-fork","statements":["a"]}',
        b'{"type":"tocsin-fork","statements":["a","b"],"more":1}',
        b"\xff",
    ],
)
def test_a_file_that_is_no_proof_is_refused(data):
    assert refused(heads.decode_fork, data) == "fork-invalid"


@given(st.binary(max_size=200))
def test_any_bytes_prove_nothing(data):
    assert refused(heads.decode_fork, data) == "fork-invalid"


def test_statements_of_held_heads_are_those_of_their_text():
    assert [statement_of(CHAIN.held(4))] == said(CHAIN.head(4))
    assert isinstance(statement_of(CHAIN.held(0)), Statement)
    assert receipts.TYP not in CHAIN.head(4)
