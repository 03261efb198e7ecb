"""`tocsin demo`: that it ends well, and that each of its checks can fail."""

import asyncio
import io
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console

from adapters.cli.demo import command as demo
from adapters.cli.demo.checks import Check, examine
from adapters.cli.demo.facts import Sight, readable, searchable
from adapters.cli.demo.played import Played, Received
from adapters.cli.demo.secrets import CANARIES
from adapters.cli.demo.show import show
from adapters.cli.demo.story import Story, document
from adapters.cli.demo.world import set_stage
from adapters.cli.main import run
from adapters.receipts import receipt
from broker.errors import BusUnavailableError, ConfigError
from broker.seen import Seen, verify_stamp
from broker.signers import Signer
from tests.support.rabbitmq_api import RabbitMQ

replace = msgspec.structs.replace
Change = Callable[[Story], Played]

ARRIVED = "All who may have a record got it, nobody else"
NUMBERS = "No delivery number is missing"
STRICT = "Every delivery passes the strict verifier"
ONLY_CUT = "Every delivery is the issuer's text, only cut"
RECEIPTS = "Every receipt is signed and fits its delivery"
CHAIN = "The gate's chain has every record, no gap"
NO_LEAK = "No withheld name or address is in what arrived"
CAN_FIND = "The same search finds them where they may be"
VERSIONS = "Correction and retraction reached all holders"
WEBHOOK = "Every webhook post is complete and signed"
FORGED = "The forged record is refused, its issuer told"
ALTERED = "The altered record is refused, its issuer told"
NO_ATTACK = "Nothing of the attacks reached anybody"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def story(folder: Path) -> Iterator[Story]:
    with demo.quiet():
        yield asyncio.run(demo.perform(folder))


def failures(story: Story, played: Played) -> set[str]:
    return {check.name for check in examined(story, played) if not check.ok}


def examined(story: Story, played: Played) -> list[Check]:
    """Examine *played* instead; what should have arrived stays the same."""
    arrived = {(each.member, each.token_id): each for each in played.received}
    found = [
        replace(
            sight,
            received=arrived.get((sight.member.org, sight.published.verified.token_id)),
        )
        for sight in story.sights
    ]
    now = max(each.verified.claims.iat for each in played.published)
    return examine(story.world, played, found, now=now)


def first(played: Played, member: str) -> Received:
    return next(each for each in played.received if each.member == member)


def instead(played: Played, old: Received, **values: Any) -> Played:
    received = tuple(
        replace(each, **values) if each is old else each for each in played.received
    )
    return replace(played, received=received)


def page(story: Story, width: int, *, encoding: str = "utf-8") -> str:
    buffer = io.BytesIO()
    file = io.TextIOWrapper(buffer, encoding=encoding)
    show(story, Console(file=file, width=width, highlight=False), None)
    file.flush()
    return buffer.getvalue().decode(encoding)


# ------------------------------------------------------------------ it ends well


def test_everything_is_as_it_should_be_within_thirty_seconds(story: Story) -> None:
    assert [check for check in story.checks if not check.ok] == []
    assert len(story.checks) == 13
    assert story.seconds < 30


def test_three_issuers_reach_five_members_in_three_audiences(story: Story) -> None:
    assert {each.verified.issuer for each in story.played.published} == {
        "cert-aq", "platform-lumen", "monitor-veritas",
    }  # fmt: skip
    assert len({each.member for each in story.played.received}) == 5
    assert len({member.audience for member in story.world.members}) == 3


def test_one_record_is_not_for_every_member(story: Story) -> None:
    refused = {
        each.member.org: each.refused for each in story.sights if each.redacted is None
    }
    assert refused == dict.fromkeys(
        ("platform-lumen", "platform-orbit", "monitor-veritas"), "tlp-clearance"
    )


def test_a_correction_and_a_retraction_replace_what_they_name(story: Story) -> None:
    by_kind = {
        each.sample.kind: each.verified.claims.sup for each in story.played.published
    }
    tokens = {each.verified.token_id for each in story.played.published}
    assert by_kind["correction"] in tokens
    assert by_kind["retraction"] in tokens


def test_every_record_says_that_it_is_an_exercise(story: Story) -> None:
    assert all(each.verified.claims.exercise for each in story.played.published)


def test_the_altered_record_differs_in_one_character_from_a_real_one(
    story: Story,
) -> None:
    _, altered = story.played.attacks
    real = [
        each.token
        for each in story.played.published
        if len(each.token) == len(altered.token)
        and sum(a != b for a, b in zip(each.token, altered.token, strict=True)) == 1
    ]
    assert len(real) == 1


def test_the_forged_record_states_the_key_of_the_one_it_imitates(story: Story) -> None:
    forged, _ = story.played.attacks
    real = next(
        each for each in story.played.published if each.verified.issuer == "cert-aq"
    )
    assert forged.token.split(b".")[0] == real.token.split(b".")[0]


# ------------------------------------------------------------------ checks can fail


def lost(story: Story) -> Played:
    return replace(story.played, received=story.played.received[1:])


def given_too_much(story: Story) -> Played:
    """Give the record for peers to the monitor, too."""
    peers = next(each for each in story.sights if each.published.sample.only)
    assert peers.received is not None
    number = len([r for r in story.played.received if r.member == "monitor-veritas"])
    extra = replace(peers.received, member="monitor-veritas", number=number + 1)
    return replace(story.played, received=(*story.played.received, extra))


def one_bit_of_the_payload(story: Story) -> Played:
    old = first(story.played, "cert-borea")
    at = old.evidence.index(b".") + 9
    changed = bytes([old.evidence[at] ^ 1])
    return instead(
        story.played,
        old,
        evidence=old.evidence[:at] + changed + old.evidence[at + 1 :],
    )


def one_part_too_few(story: Story) -> Played:
    old = first(story.played, "cert-borea")
    parts = old.evidence.split(b"~")
    cut = b"~".join([*parts[:-2], b""])
    return instead(story.played, old, evidence=cut)


def another_numbering(story: Story) -> Played:
    return instead(story.played, first(story.played, "cert-borea"), number=99)


def somebody_elses_receipt(story: Story) -> Played:
    sight = next(each for each in story.sights if each.redacted is not None)
    assert sight.received is not None
    assert sight.redacted is not None
    other = Signer("hub", Ed25519PrivateKey.generate())
    forged = receipt(sight.redacted, seen_of(story, sight), other, now=0)
    return instead(story.played, sight.received, receipt=forged)


def seen_of(story: Story, sight: Sight) -> Seen:
    place = story.played.archived.index(sight.published.verified.token_id)
    stamp = story.played.stamps[place]
    return Seen(verify_stamp(stamp, story.world.directory, now=2**40))


def a_receipt_with_another_place_in_the_chain(story: Story) -> Played:
    sight = next(each for each in story.sights if each.redacted is not None)
    assert sight.received is not None
    assert sight.redacted is not None
    right = seen_of(story, sight)
    wrong = Seen(replace(right.stamp, pos=right.stamp.pos + 1))
    again = receipt(sight.redacted, wrong, story.world.hub, now=0)
    return instead(story.played, sight.received, receipt=again)


def a_gap_in_the_chain(story: Story) -> Played:
    one, _, *rest = story.played.stamps
    return replace(story.played, stamps=(one, *rest))


def two_places_exchanged(story: Story) -> Played:
    one, two, *rest = story.played.stamps
    return replace(story.played, stamps=(two, one, *rest))


def another_receipt_of_the_hub(story: Story) -> Played:
    one, two, *_ = story.played.received
    return instead(story.played, one, receipt=two.receipt)


def a_projection_with_a_name(story: Story) -> Played:
    old = first(story.played, "monitor-veritas")
    bundle = json.loads(old.projection)
    bundle["objects"].append({"type": "x-note", "text": "told by BERRICK OSGATHE"})
    return instead(story.played, old, projection=json.dumps(bundle).encode())


def the_whole_token(story: Story) -> Played:
    old = first(story.played, "monitor-veritas")
    token = story.played.published[0].token
    return instead(story.played, old, evidence=token)


def peers_know_nothing(story: Story) -> Played:
    received = tuple(r for r in story.played.received if r.member != "cert-borea")
    return replace(story.played, received=received)


def no_retraction(story: Story) -> Played:
    last = story.played.published[-1].verified.token_id
    lost = next(
        each
        for each in story.played.received
        if each.member == "platform-orbit" and each.token_id == last
    )
    received = tuple(each for each in story.played.received if each is not lost)
    return replace(story.played, received=received)


def an_unsigned_post(story: Story) -> Played:
    one, *rest = story.played.posts
    return replace(story.played, posts=(replace(one, right=False), *rest))


def a_signature_that_fits_anything(story: Story) -> Played:
    one, *rest = story.played.posts
    return replace(story.played, posts=(replace(one, refuses_altered=False), *rest))


def a_post_of_something_else(story: Story) -> Played:
    one, *rest = story.played.posts
    body = json.loads(one.body)
    body["data"]["projection"]["objects"].pop()
    changed = replace(one, body=json.dumps(body).encode())
    return replace(story.played, posts=(changed, *rest))


def the_forged_one_let_through(story: Story) -> Played:
    return replace(
        story.played,
        dead=story.played.dead[1:],
        told=story.played.told[1:],
        archived=(*story.played.archived, "x"),
    )


def an_issuer_not_told(story: Story) -> Played:
    return replace(story.played, told=story.played.told[:1])


def another_reason(story: Story) -> Played:
    one, two = story.played.dead
    changed = replace(two, headers={**two.headers, "tocsin-reason": "quota"})
    return replace(story.played, dead=(one, changed))


def the_altered_one_delivered(story: Story) -> Played:
    old = first(story.played, "cert-borea")
    return instead(story.played, old, evidence=story.played.attacks[1].token)


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        (lost, {ARRIVED, NUMBERS}),
        (given_too_much, {ARRIVED, ONLY_CUT, RECEIPTS, NO_LEAK}),
        (one_bit_of_the_payload, {STRICT, ONLY_CUT, RECEIPTS}),
        (one_part_too_few, {ONLY_CUT, RECEIPTS}),
        (another_numbering, {NUMBERS}),
        (somebody_elses_receipt, {RECEIPTS}),
        (another_receipt_of_the_hub, {RECEIPTS}),
        (a_receipt_with_another_place_in_the_chain, {RECEIPTS}),
        (a_gap_in_the_chain, {CHAIN, RECEIPTS}),
        (two_places_exchanged, {CHAIN, RECEIPTS}),
        (a_projection_with_a_name, {RECEIPTS, NO_LEAK}),
        (the_whole_token, {ONLY_CUT, RECEIPTS, NO_LEAK}),
        (peers_know_nothing, {ARRIVED, CAN_FIND}),
        (no_retraction, {ARRIVED, VERSIONS, WEBHOOK}),
        (an_unsigned_post, {NUMBERS, WEBHOOK}),
        (a_signature_that_fits_anything, {WEBHOOK}),
        (a_post_of_something_else, {WEBHOOK}),
        (the_forged_one_let_through, {ARRIVED, FORGED, NO_ATTACK, CHAIN}),
        (an_issuer_not_told, {ALTERED}),
        (another_reason, {ALTERED}),
        (the_altered_one_delivered, {STRICT, ONLY_CUT, RECEIPTS, NO_ATTACK}),
    ],
)
def test_a_check_fails_when_it_must(
    story: Story, change: Change, failing: set[str]
) -> None:
    # Evidence that was changed may also lose what another check looks for.
    found = failures(story, change(story))
    assert failing <= found
    assert found - failing <= {CAN_FIND, VERSIONS}


def test_a_failed_check_says_what_was_expected(story: Story) -> None:
    played = another_numbering(story)
    checks = examined(story, played)
    shown = page(replace(story, played=played, checks=tuple(checks)), 100)
    assert "✗  No delivery number is missing" in shown
    assert "expected: all of them, from 1" in shown
    assert "1 of 13 checks failed" in shown


def test_the_exit_code_is_1_when_a_check_fails(
    story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = replace(story, checks=(replace(story.checks[0], ok=False),))

    async def perform(*_: object) -> Story:
        return failed

    monkeypatch.setattr(demo, "perform", perform)
    assert demo.demo(json=True) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.what)
def test_every_canary_is_hidden_by_base64_and_found_when_decoded(
    story: Story, canary: Any
) -> None:
    tokens = [each.token for each in story.played.published]
    assert all(canary.value.encode() not in token for token in tokens)
    assert any(searchable(canary.value) in readable(token) for token in tokens)


# ------------------------------------------------------------------ how it looks


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal(story: Story, width: int) -> None:
    lines = page(story, width).splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_a_terminal_without_unicode_is_served_in_ascii(story: Story) -> None:
    assert "ok  No delivery number is missing" in page(story, 80, encoding="ascii")


def test_what_the_peer_sees_and_others_do_not_stands_side_by_side(
    story: Story,
) -> None:
    rows = {row.label: row for row in story.rows}
    attacked = rows["Who was attacked"]
    assert attacked.published == attacked.cells[0].value
    assert attacked.cells[1].value != attacked.published
    assert attacked.cells[1].why
    told = rows["Who told us"]
    assert told.cells[0].value not in {None, told.published}
    assert told.cells[1].value is None
    note = rows["TLP:AMBER note"]
    assert [cell.value is None for cell in note.cells] == [False, True, True]


def test_every_copy_carries_the_issuers_signature_and_discloses_less(
    story: Story,
) -> None:
    assert {proof.issuer for proof in story.proofs} == {"cert-aq"}
    parts = [proof.parts for proof in story.proofs]
    assert parts == sorted(parts, reverse=True)
    assert parts[0] > parts[-1] > 0


def test_json_tells_the_same_facts(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = json.loads(json.dumps(document(story)))
    assert facts["ok"] is True
    assert len(facts["published"]) == 8
    assert len(facts["deliveries"]) == 8 * 5
    assert sum(each["given"] for each in facts["deliveries"]) == 37
    assert {each["refused"] for each in facts["attacks"]} == {
        "signature", "unreferenced-disclosure",
    }  # fmt: skip
    assert [check["name"] for check in facts["checks"]] == [
        check.name for check in story.checks
    ]


# ------------------------------------------------------------------ the command


def test_the_command_ends_with_0_and_keeps_what_can_be_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "new" / "kept"
    assert demo.demo(keep=kept) == 0
    shown = capsys.readouterr()
    assert "All 13 checks passed" in shown.out
    assert shown.err == ""
    [line] = [each for each in shown.out.splitlines() if "tocsin verify" in each]
    _, *arguments = line.split()
    assert run(arguments) == 0
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700


def test_a_folder_with_something_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(ConfigError, match="is not empty"):
        demo.demo(keep=tmp_path)
    assert os.listdir(tmp_path) == ["mine"]


def test_private_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    set_stage(tmp_path, now=1_800_000_000.0)
    for path in (tmp_path / "keys").iterdir():
        if path.suffix != ".jwk":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"management": "http://127.0.0.1:1"}, ConfigError),
        ({"amqp": "http://a:hush@127.0.0.1:1"}, ConfigError),
        ({"amqp": "amqp://a:hush@127.0.0.1:port/"}, ConfigError),
        ({"amqp": "amqp://a:hush@"}, ConfigError),
        (
            {"amqp": "amqp://a:hush@127.0.0.1:1/", "management": "ftp://127.0.0.1"},
            ConfigError,
        ),
        (
            {"amqp": "amqp://a:hush@127.0.0.1/", "management": "http://127.0.0.1:1"},
            BusUnavailableError,
        ),
    ],
)
def test_an_address_that_does_not_work_is_refused_without_its_password(
    options: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        demo.demo(**options)  # type: ignore[arg-type]
    assert "hush" not in str(caught.value)


# ------------------------------------------------------------------ over RabbitMQ


def names(server: RabbitMQ, what: str) -> set[str]:
    found: Any = server.request("GET", f"/api/{what}")
    return {each["name"] for each in found}


def test_the_same_is_shown_over_rabbitmq_and_nothing_is_left(
    rabbitmq: RabbitMQ, capsys: pytest.CaptureFixture[str]
) -> None:
    before = names(rabbitmq, "vhosts"), names(rabbitmq, "users")
    assert demo.demo(amqp=rabbitmq.amqp_url, management=rabbitmq.http_url) == 0
    assert "All 13 checks passed" in capsys.readouterr().out
    assert (names(rabbitmq, "vhosts"), names(rabbitmq, "users")) == before


async def test_an_interrupted_demo_leaves_nothing_on_the_broker(
    rabbitmq: RabbitMQ, tmp_path: Path
) -> None:
    before = names(rabbitmq, "vhosts"), names(rabbitmq, "users")
    started = asyncio.Event()

    def note(text: str) -> None:
        if text.startswith("publishing 2"):
            started.set()

    with demo.quiet():
        playing = asyncio.create_task(
            demo.perform(tmp_path, rabbitmq.amqp_url, rabbitmq.http_url, note)
        )
        await asyncio.wait_for(started.wait(), 30)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
    assert (names(rabbitmq, "vhosts"), names(rabbitmq, "users")) == before


def test_users_that_exist_already_are_not_touched(rabbitmq: RabbitMQ) -> None:
    rabbitmq.create_user("cert-borea", "theirs")
    before = names(rabbitmq, "vhosts"), names(rabbitmq, "users")
    try:
        with pytest.raises(ConfigError, match="has users called cert-borea already"):
            demo.demo(amqp=rabbitmq.amqp_url, management=rabbitmq.http_url)
        assert (names(rabbitmq, "vhosts"), names(rabbitmq, "users")) == before
    finally:
        rabbitmq.delete_user("cert-borea")
