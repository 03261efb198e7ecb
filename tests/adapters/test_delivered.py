"""A folder of deliveries tells loss from filtering: its verdict is the truth."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.delivered import Beat, Told, gaps_in, report
from adapters.delivery import KnownTokens
from adapters.gaps import account
from broker.heartbeats import Heard, Heartbeat, Listed, Passed, chained
from broker.sdjwt import digest

NAMES = [digest(str(i).encode()) for i in range(16)]


def passed(upto: int, iat: int, listed: int = 500, names: list[str] = NAMES) -> Passed:
    first = max(0, upto - listed)
    ids = tuple(Listed(each, 100 + i) for i, each in enumerate(names))[first:upto]
    beat = Heartbeat(
        iss="urn:tocsin:org:cert-aq", iat=iat, line="A" * 22, tlp="GREEN", count=upto,
        community="urn:tocsin:community:all", before=chained("", names[:first]),
        hash=chained("", names[:upto]), ids=ids,
    )  # fmt: skip
    heard = Heard(iss="urn:tocsin:org:hub", heartbeat=digest(b""), seen=1, lacks=())
    return Passed("cert-aq", beat, heard, b"", b"")


@given(st.sets(st.integers(1, 60)))
def test_missing_numbers_and_those_that_are_there_are_all_in_between(
    numbers: set[int],
) -> None:
    missing = {n for a, b in gaps_in(numbers) for n in range(a, b + 1)}
    assert missing.isdisjoint(numbers)
    span = range(min(numbers), max(numbers) + 1) if numbers else ()
    assert missing | numbers == set(span)


@given(st.data())
def test_of_each_listed_record_it_knows_what_became_of_it(data: st.DataObject) -> None:
    """The hub's outcome of each record is drawn, and what is lost behind the hub."""
    outcomes = ("given", "replaced", "withheld", "missing")
    upto = data.draw(st.integers(0, len(NAMES)))
    became = {name: data.draw(st.sampled_from(outcomes)) for name in NAMES[:upto]}
    began = 100 + data.draw(st.integers(0, upto))
    early = set(NAMES[: began - 100])
    of = lambda what: {n for n, found in became.items() if found == what}  # noqa: E731
    missing = of("missing") - early
    lost = (
        data.draw(st.sets(st.sampled_from(sorted(of("given")))))
        if of("given")
        else set()
    )
    beat = passed(upto, 1)
    found = account(
        beat,
        known=KnownTokens(frozenset(of("given")), frozenset(of("replaced"))),
        missing=missing,
        began=began,
        unlisted=0,
    )
    told = Told(
        withheld=found.withheld,
        missing=tuple(each.token_id for each in found.missing),
        replaced=found.replaced,
        earlier=found.earlier,
    )
    [line] = report([1], of("given") - lost, [Beat(1, beat, told)]).lines
    assert set(line.withheld) == of("withheld") - early
    assert set(line.replaced) == of("replaced")
    assert set(line.missing) == missing
    assert set(line.lost) == lost
    assert line.have == len(of("given") - lost)


def test_heartbeats_that_are_not_there_are_counted() -> None:
    beats = [Beat(1, passed(2, 1, 2), Told()), Beat(5, passed(9, 2, 3), Told())]
    [line] = report([1, 5], NAMES, beats).lines
    assert (line.unlisted, line.count, line.at, line.conflict) == (4, 9, 2, False)


def test_two_histories_are_noticed_and_nothing_is_whole_then() -> None:
    others = [digest(b"x"), *NAMES[1:]]
    beats = [Beat(1, passed(2, 1), Told()), Beat(2, passed(3, 2, names=others), Told())]
    found = report([1, 2], NAMES, beats)
    assert found.lines[0].conflict
    assert not found.is_whole


def test_what_the_hub_did_not_take_in_is_not_lost() -> None:
    told = Told(not_taken=(NAMES[0],))
    found = report([1], NAMES[1:2], [Beat(1, passed(2, 1), told)])
    assert found.lines[0].not_taken == (NAMES[0],)
    assert found.is_whole


def test_an_empty_folder_is_whole() -> None:
    found = report([], [], [])
    assert (found.first, found.last, found.is_whole) == (0, 0, True)


def test_an_older_heartbeat_that_was_delivered_later_changes_nothing() -> None:
    beats = [Beat(2, passed(2, 1), Told()), Beat(1, passed(4, 2), Told())]
    assert report([1, 2], NAMES, beats).lines[0].count == 4
