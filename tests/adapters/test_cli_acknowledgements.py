"""`tocsin acknowledgements`: who has it, who has signed, who is late, and the proofs."""

import json
import time

import pytest

from broker import jws
from broker.answers import TYP
from broker.delivery_reports import Named, Reached, minute
from tests.adapters.test_cli_publish import LEAK
from tests.support.desks import Desks

NOW = minute(time.time())
DAY_S = 86_400


@pytest.fixture
def desks(tmp_path, capfd, monkeypatch) -> Desks:
    return Desks(tmp_path, capfd, monkeypatch)


def listed(desks, *more) -> list[dict]:
    code, out, _ = desks.say("cert-aq", "acknowledgements", "--json", *more)
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


def taken_back(desks) -> str:
    """Publish a record and take it back; the token id of the retraction."""
    assert desks.say("cert-aq", "publish", LEAK)[0] == 0
    code, out, _ = desks.say("cert-aq", "retract", LEAK, "--why", "Wrong.", "--json")
    assert code == 0
    return str(json.loads(out)["token"])


def acknowledge(desks, *words) -> None:
    path = desks.folder / "received.sdjwt"
    path.write_bytes(desks.tokens("cert-aq")[-1])
    assert desks.answer(path, "--action", *words or ("acknowledged",))[0] == 0


def test_a_retraction_that_was_acknowledged_is_listed_with_who_and_when(desks) -> None:
    token = taken_back(desks)
    acknowledge(desks)
    desks.report(Reached(token, 1, NOW, (Named("cert-bv", NOW),)))
    [found] = listed(desks)
    assert (found["token"], found["kind"], found["members"]) == (token, "retraction", 1)
    assert [each["org"] for each in found["acknowledged"]] == ["cert-bv"]
    assert [*found["named"]] == ["cert-bv"]
    assert (found["ok"], found["overdue"], found["overdue_unnamed"]) == (True, [], 0)
    [every] = [each for each in listed(desks, "--all") if each["kind"] == "incident"]
    assert every["acknowledged"] == []


def test_who_is_late_is_named_or_counted_and_can_be_the_exit_code(desks) -> None:
    token = taken_back(desks)
    at = NOW - 2 * DAY_S
    desks.report(Reached(token, 3, at, (Named("cert-bv", at),)))
    [found] = listed(desks)
    assert (found["ok"], found["overdue"], found["overdue_unnamed"]) == (
        False, ["cert-bv"], 2,
    )  # fmt: skip
    assert listed(desks, "--overdue-after", "3d")[0]["ok"]
    code, out, _ = desks.say("cert-aq", "acknowledgements", "--exit-code")
    assert code == 1
    assert "cert-bv, 2 unnamed" in " ".join(out.split())
    assert desks.say("cert-aq", "acknowledgements")[0] == 0


def test_what_it_read_is_still_shown_by_feedback(desks) -> None:
    taken_back(desks)
    acknowledge(desks, "removed", "--count", 2)
    assert listed(desks)[0]["acknowledged"][0]["action"] == "removed"
    assert [each["action"] for each in desks.feedback()] == ["removed"]
    assert listed(desks)[0]["acknowledged"][0]["action"] == "removed"


def test_the_proofs_are_what_was_signed(desks) -> None:
    token = taken_back(desks)
    acknowledge(desks)
    desks.report(Reached(token, 1, NOW))
    listed(desks)
    folder = desks.folder / "proofs"
    arguments = ("acknowledgements", "show", token[:12], "--proofs", folder)
    code, out, _ = desks.say("cert-aq", *arguments)
    assert code == 0
    assert "cert-bv signed acknowledged at " in out
    names = sorted(each.name for each in folder.iterdir())
    assert names == ["0001.cert-bv.acknowledged.jwt", "report.0001.jwt"]
    proof = jws.opened(
        (folder / names[0]).read_bytes(), TYP, max_bytes=4096, reason="x"
    )
    assert json.loads(proof.payload)["token"] == token
    assert desks.say("cert-aq", *arguments)[0] == 2  # nothing is overwritten
    code, out, _ = desks.say("cert-aq", "acknowledgements", "show", token, "--json")
    assert [each["org"] for each in json.loads(out)["signed"]] == ["cert-bv"]


def test_a_record_that_nobody_acknowledged_says_so(desks) -> None:
    token = taken_back(desks)
    desks.report(Reached(token, 1, NOW, (Named("cert-bv", NOW),)))
    listed(desks)
    _, out, _ = desks.say("cert-aq", "acknowledgements", "show", token)
    assert "1 members have it" in out
    assert "  cert-bv since " in out
    assert "nobody has acknowledged it" in out


@pytest.mark.parametrize("name", ["short", "Z" * 43])
def test_what_names_no_record_is_refused(desks, name) -> None:
    taken_back(desks)
    code, _, err = desks.say("cert-aq", "acknowledgements", "show", name)
    assert code == 2
    assert "names none of your records" in err


@pytest.mark.parametrize("text", ["24", "0h", "1w", "h", "-1h"])
def test_a_time_that_is_none_is_refused(desks, text) -> None:
    code, _, err = desks.say("cert-aq", "acknowledgements", f"--overdue-after={text}")
    assert code == 2
    assert "such as 90m, 24h or 3d" in err


def test_without_corrections_or_a_directory_it_says_so(desks) -> None:
    assert desks.say("cert-aq", "acknowledgements")[0] == 2  # no state yet
    desks.say("cert-aq", "publish", LEAK)
    _, out, _ = desks.say("cert-aq", "acknowledgements")
    assert out == "nothing was corrected or taken back from here\n"
    config = desks.folder / "cert-aq.toml"
    config.write_text(config.read_text().replace('directory = "directory"\n', ""))
    code, _, err = desks.say("cert-aq", "acknowledgements")
    assert code == 2
    assert "give --directory" in err
