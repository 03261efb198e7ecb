"""`tocsin heads` and `tocsin receipt`: what a member can find out without the hub.

The chain is that of a real archive; receipts are as the adapter makes them; the
clock stands a day after the records were seen.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters import receipts as making
from adapters.cli.main import run
from adapters.receipts import receipt as make_receipt
from broker import seen
from broker.archive import Archived, open_archive
from broker.gate_stamps import Stamps
from broker.seen import Seen
from broker.signers import Signer
from tests.support.chains import token_id
from tests.support.issuing import HUB
from tests.support.records import CERT, NOW
from tests.support.records import token as a_token
from tests.support.views import CIVIL, POLICY, cut, sample

START = NOW  # when the records were signed, and seen
REDACTED = cut(sample("election-leak"), CIVIL)
TOKEN = REDACTED.verified.token_id
SHIPPED = "shipped"


def day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(of: Signer, **more: str) -> dict[str, Any]:
    """An entry of one key that is valid for a long time."""
    jwk = msgspec.to_builtins(of.jwk)
    return {"jwk": jwk, "not_before": day(0), "not_after": day(START * 2), **more}


class Place:
    """A folder with a directory, an archive and a delivery."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known = folder / "directory"
        self.archive = folder / "archive.sqlite"
        self.delivery = folder / "out" / "00000001-incident-abc"
        self.list_service()
        self.list_member()
        self.archived = self._archive()

    def list_service(self, **more: str) -> None:
        entry = {"org": "hub", "name": "Hub", "services": ["gate", "adapter"]}
        self._write("services", entry | {"keys": [listed(HUB, **more)]})

    def list_member(self, **more: str) -> None:
        entry = {
            "org": "cert-aq", "name": "CERT", "country": "XA", "audience": "peer-cert",
            "kinds": ["incident", "campaign", "advisory"],
        }  # fmt: skip
        self._write("members", entry | {"keys": [listed(CERT, **more)]})

    def _write(self, kind: str, entry: dict[str, Any]) -> None:
        (self.known / kind).mkdir(parents=True, exist_ok=True)
        path = self.known / kind / f"{entry['org']}.json"
        path.write_bytes(msgspec.json.encode(entry))

    def _archive(self) -> dict[str, Archived]:
        """Five records; the second is that of the delivery, a head after the third."""
        names = ["one", TOKEN, "three", "four", "five"]
        ids = [TOKEN if n == TOKEN else token_id(n) for n in names]
        with open_archive(self.archive) as opened:
            for number, each in enumerate(ids):
                stamps = Stamps(HUB, None)  # type: ignore[arg-type]
                opened.append([item(each, START + number)], stamps.make_stamp)
                if number in (2, 4):
                    opened.sign_head(stamps.make_head, now=START + 60 * number)
            return {each.token_id: each for each in opened.since()}

    def head(self, number: int) -> Path:
        with open_archive(self.archive) as opened:
            text = opened.heads()[number].head
        path = self.folder / f"head{number}"
        path.write_text(text)
        return path

    def deliver(self, head: int | None = None) -> Path:
        text = "" if head is None else self.head(head).read_text()
        stamp = seen.stamp_of(
            seen.link_of(self.archived[TOKEN].stamp),
            self.archived[TOKEN].stamp.rpartition(".")[0].encode(),
        )
        self.delivery.mkdir(parents=True, exist_ok=True)
        signed = make_receipt(REDACTED, Seen(stamp, text), HUB, now=START + 10)
        (self.delivery / "receipt.jwt").write_bytes(signed)
        (self.delivery / "evidence.sdjwt").write_bytes(REDACTED.evidence)
        (self.delivery / "projection.json").write_bytes(REDACTED.projection)
        return self.delivery


def item(name: str, at: int) -> Archived:
    return Archived(
        token_id=name, issuer="cert-aq", sub="incident--1", ver="1", kind="incident",
        tlp="GREEN", first_seen=at, token=b"token",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock for the commands; give it seconds after START."""

    def at(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: START + seconds)

    at(86_400)
    return at


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def tocsin(capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    def call(*arguments: object) -> tuple[int, str]:
        capfd.readouterr()
        code = run([str(each) for each in arguments])
        said = capfd.readouterr()
        return code, said.out + said.err

    return call


# --------------------------------------------------------------------- receipts


def test_a_delivery_is_verified_as_a_folder(place: Place, tocsin: Any) -> None:
    verify = ("receipt", "verify", place.deliver(), "--directory", place.known)
    code, said = tocsin(*verify)
    assert code == 0
    assert "held against: evidence, projection" in said
    code, said = tocsin(*verify, "--json")
    facts = json.loads(said)
    assert (facts["ok"], facts["token"], facts["place"]) == (True, TOKEN, 2)
    assert facts["withheld"] == making.withheld(REDACTED.reasons)
    code, said = tocsin(*verify, "--policy", SHIPPED)
    assert (code, "policy" in said.partition("held against:")[2]) == (
        0 if POLICY.id == "default" else 1,
        True,
    )


@pytest.mark.parametrize("name", ["evidence.sdjwt", "projection.json"])
def test_what_was_changed_is_told_from_what_was_given(
    place: Place, tocsin: Any, name: str
) -> None:
    path = place.deliver() / name
    path.write_bytes(path.read_bytes() + b"~")
    verify = ("receipt", "verify", place.delivery, "--directory", place.known)
    code, said = tocsin(*verify)
    assert (code, "receipt-mismatch" in said) == (1, True)


def test_a_receipt_under_another_policy_is_told(
    place: Place, tocsin: Any, tmp_path: Path
) -> None:
    (tmp_path / "p.toml").write_text("other")
    verify = ("receipt", "verify", place.deliver(), "--directory", place.known)
    code, said = tocsin(*verify, "--policy", tmp_path / "p.toml")
    assert (code, "receipt-mismatch" in said) == (1, True)


def test_a_changed_receipt_is_refused(place: Place, tocsin: Any) -> None:
    path = place.deliver() / "receipt.jwt"
    path.write_bytes(path.read_bytes()[:-4] + b"AAAA")
    code, said = tocsin("receipt", "verify", path, "--directory", place.known)
    assert (code, "signature" in said) == (1, True)


# ----------------------------------------------------------------- keep, compare


def save(tocsin: Any, place: Place, *files: Path, kept: str = "mine") -> Any:
    heads = place.folder / kept
    return tocsin("heads", "save", *files, "--heads", heads, "--directory", place.known)


def test_heads_of_receipts_are_kept_once(place: Place, tocsin: Any) -> None:
    place.deliver(head=0)
    for new in (1, 0):
        code, said = save(tocsin, place, place.folder / "out")
        assert (code, f"{new} new, 1 heads" in said) == (0, True)
    assert save(tocsin, place, place.head(1))[0] == 0
    code, said = save(tocsin, place, place.archive)
    assert (code, "refused" in said) == (1, True)


def forked(place: Place, at: int) -> Path:
    """A head by the gate's key of a chain that the archive does not have."""
    link = token_id("another history")
    text = seen.make_head(HUB, now=START + 60 * at, pos=at, link=link)
    path = place.folder / "other-head"
    path.write_text(text)
    return path


def test_a_fork_is_kept_as_a_proof_that_anybody_checks(
    place: Place, tocsin: Any
) -> None:
    save(tocsin, place, place.head(0))
    code, said = save(tocsin, place, forked(place, 3))
    assert (code, "chain-forked" in said) == (1, True)
    proof = place.folder / "mine.fork-3.json"
    check = ("heads", "check", proof, "--directory", place.known)
    code, said = tocsin(*check)
    assert (code, "cannot both be true" in said) == (0, True)
    facts = json.loads(tocsin(*check, "--json")[1])
    assert [each["pos"] for each in facts["statements"]] == [3, 3]
    proof.write_text("{}")
    code, said = tocsin(*check)
    assert (code, "fork-invalid" in said) == (1, True)


def test_two_parties_compare_what_they_keep(place: Place, tocsin: Any) -> None:
    save(tocsin, place, place.head(0))
    save(tocsin, place, place.head(0), place.head(1), kept="theirs")
    save(tocsin, place, forked(place, 3), kept="forked")
    save(tocsin, place, place.head(1), kept="later")
    mine = place.folder / "mine"
    compare = ("heads", "compare", mine)
    known = ("--directory", place.known)
    code, said = tocsin(*compare, place.folder / "theirs", *known)
    assert (code, "1 common places" in said) == (0, True)
    code, said = tocsin(*compare, place.folder / "later", *known)
    assert (code, "nothing to compare" in said) == (0, True)
    code, said = tocsin(*compare, place.folder / "forked", *known)
    assert (code, "chain-forked" in said) == (1, True)
    assert tocsin(*compare, place.folder / "none", *known)[0] == 2
    path = prove(tocsin, place, TOKEN, 1)
    code, said = tocsin(*compare, place.folder / "later", *known, "--path", path)
    assert (code, "one chain" in said) == (0, True)
    forked_mine = ("heads", "compare", place.folder / "forked", place.folder / "later")
    code, said = tocsin(*forked_mine, *known, "--path", path)
    assert (code, "chain-forked" in said) == (1, True)
    facts = json.loads(tocsin(*compare, place.folder / "theirs", *known, "--json")[1])
    assert facts == {"ok": True, "common": 1}


# ------------------------------------------------------------------------ prove


def prove(tocsin: Any, place: Place, token: str, head: int) -> Path:
    path = place.folder / f"path{head}"
    code, said = tocsin(
        "heads", "prove", token, "--archive", place.archive, "--head",
        place.head(head), "--directory", place.known, "-o", path,
    )  # fmt: skip
    assert code == 0, said
    return path


def test_a_path_leads_from_a_record_to_a_head(place: Place, tocsin: Any) -> None:
    assert len(prove(tocsin, place, TOKEN, 0).read_bytes().split()) == 2
    assert len(prove(tocsin, place, TOKEN, 1).read_bytes().split()) == 4


def test_there_is_no_path_from_what_came_later(place: Place, tocsin: Any) -> None:
    words = ("--archive", place.archive, "--directory", place.known)
    out = ("-o", place.folder / "path")
    for token in (token_id("five"), token_id("unknown")):
        prove = ("heads", "prove", token, "--head", place.head(0))
        code, said = tocsin(*prove, *words, *out)
        assert (code, "not-under-head" in said) == (1, True)
    receipt = place.deliver() / "receipt.jwt"  # which carries no head
    assert tocsin("heads", "prove", TOKEN, "--head", receipt, *words, *out)[0] == 2


# ------------------------------------------- after a compromise: whose word counts


def verify(place: Place, *more: object) -> list[object]:
    evidence = place.delivery / "evidence.sdjwt"
    return ["verify", evidence, "--directory", place.known, *more]


def test_what_was_there_before_its_key_was_given_up_still_verifies(
    place: Place, tocsin: Any
) -> None:
    receipt = ("--receipt", place.deliver() / "receipt.jwt")
    gone = {"revoked_at": day(START + 3600)}
    for reason in ("superseded", "retired"):
        place.list_member(**gone, revocation_reason=reason)
        assert tocsin(*verify(place))[0] == 1
        assert tocsin(*verify(place, *receipt))[0] == 0
    # The receipt is of START + 10, but says that the gate saw it at START + 1.
    place.list_member(revoked_at=day(START + 2), revocation_reason="retired")
    assert tocsin(*verify(place, *receipt))[0] == 0
    place.list_member(revoked_at=day(START + 1), revocation_reason="retired")
    code, said = tocsin(*verify(place, *receipt))
    assert (code, "key-revoked" in said) == (1, True)


def test_after_a_compromise_only_a_head_that_one_held_counts(
    place: Place, tocsin: Any, clock: Callable[[float], None]
) -> None:
    receipt = ("--receipt", place.deliver(head=0) / "receipt.jwt")
    clock(600)
    save(tocsin, place, place.delivery)
    clock(86_400)
    save(tocsin, place, place.head(1), kept="too-late")
    place.list_member(revoked_at=day(START + 3600))  # no reason: compromised
    for words, reason in (
        ((), "key-revoked"),
        (receipt, "not-under-head"),
        ((*receipt, "--heads", place.folder / "mine"), "not-under-head"),
    ):
        code, said = tocsin(*verify(place, *words))
        assert (code, reason in said) == (1, True)
    for number, kept, code in ((0, "mine", 0), (1, "mine", 0), (1, "too-late", 1)):
        path = prove(tocsin, place, TOKEN, number)
        words = ("--heads", place.folder / kept, "--path", path)
        found, said = tocsin(*verify(place, *words))
        assert (found, "key-revoked" in said) == (code, code == 1)


def test_it_counts_also_where_the_hubs_own_key_was_stolen(
    place: Place, tocsin: Any, clock: Callable[[float], None]
) -> None:
    receipt = ("--receipt", place.deliver(head=0) / "receipt.jwt")
    clock(600)
    save(tocsin, place, place.delivery)
    clock(86_400)
    path = prove(tocsin, place, TOKEN, 0)
    stolen = day(START + 3600)
    place.list_member(revoked_at=stolen)
    place.list_service(revoked_at=stolen)
    code, said = tocsin(*verify(place, *receipt))
    assert (code, "key-revoked" in said) == (1, True)
    words = ("--heads", place.folder / "mine", "--path", path)
    assert tocsin(*verify(place, *words))[0] == 0
    # What the thief signs now is refused, whatever moment it states.
    code, said = save(tocsin, place, forked(place, 5))
    assert (code, "seen-invalid" in said) == (1, True)


def test_a_head_at_the_very_place_needs_no_path(place: Place, tocsin: Any) -> None:
    link = seen.link_of(place.archived[TOKEN].stamp)
    head = place.folder / "own-head"
    head.write_text(seen.make_head(HUB, now=START + 5, pos=2, link=link))
    save(tocsin, place, head)
    verify = ("receipt", "verify", place.deliver(), "--directory", place.known)
    code, said = tocsin(*verify, "--heads", place.folder / "mine")
    assert (code, "that you hold since" in said) == (0, True)
    code, said = tocsin(*verify, "--path", head)
    assert (code, "give --heads" in said) == (2, True)


def test_evidence_of_another_token_shows_nothing(
    place: Place, tocsin: Any, tmp_path: Path
) -> None:
    receipt = place.deliver() / "receipt.jwt"
    other = tmp_path / "other"
    other.write_bytes(a_token())
    verify = ("verify", other, "--directory", place.known)
    code, said = tocsin(*verify, "--receipt", receipt)
    assert (code, "receipt-mismatch" in said) == (1, True)
    assert tocsin(*verify, "--heads", tmp_path / "none")[0] == 2
    assert tocsin(*verify, "--path", tmp_path / "none")[0] == 2
