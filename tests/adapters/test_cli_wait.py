"""`tocsin publish --wait`: until members have it, or the gate says why not."""

import json
import time

import pytest

from adapters.cli import feedback, waiting
from broker.delivery_reports import Named, Reached, minute
from tests.adapters.test_cli_publish import LEAK, PHISHING
from tests.support.desks import Desks

AT = minute(time.time())


@pytest.fixture
def desks(tmp_path, capfd, monkeypatch) -> Desks:
    monkeypatch.setattr(waiting, "_LOOK_S", 0.1)
    return Desks(tmp_path, capfd, monkeypatch)


def published(desks, *files) -> list[str]:
    """Publish files; their token ids."""
    code, out, _ = desks.say("cert-aq", "publish", *files or (LEAK,), "--json")
    assert code == 0
    return [json.loads(line)["token"] for line in out.splitlines()]


def waited(desks, *more) -> tuple[int, list[dict], str]:
    code, out, err = desks.say("cert-aq", "publish", *more, "--json")
    found = [json.loads(line) for line in out.splitlines()]
    return code, [each for each in found if "wanted" in each], err


def test_it_ends_as_soon_as_enough_members_have_it(desks) -> None:
    [token] = published(desks)
    desks.report(Reached(token, 3, AT, (Named("cert-bv", AT),)))
    code, [found], _ = waited(desks, LEAK, "--wait", 3)
    assert code == 0
    assert found == {
        "ok": True, "file": LEAK.name, "token": token, "members": 3, "wanted": 3,
        "named": ["cert-bv"], "reason": "",
    }  # fmt: skip


def test_it_says_so_to_people(desks) -> None:
    [token] = published(desks)
    desks.report(Reached(token, 2, AT, (Named("cert-bv", AT),)))
    _, out, _ = desks.say("cert-aq", "publish", LEAK, "--wait", 2)
    assert out.splitlines()[-1] == (
        f"delivered {LEAK.name}: 2 members have it: cert-bv"
    )
    code, out, _ = desks.say("cert-aq", "publish", LEAK, "--wait", 3, "--wait-s", 0.3)
    assert code == 1
    assert "2 members have it, of 3 waited for" in out


def test_without_enough_it_ends_when_the_time_is_over_and_says_what_came(desks) -> None:
    first, second = published(desks, LEAK, PHISHING)
    desks.report(Reached(first, 1, AT))
    code, found, _ = waited(desks, LEAK, PHISHING, "--wait", 1, "--wait-s", 0.5)
    assert code == 1
    assert {each["token"]: each["members"] for each in found} == {first: 1, second: 0}
    assert [each["ok"] for each in found] == [True, False]


def test_a_refusal_of_the_gate_ends_it_at_once_with_the_reason(desks) -> None:
    [token] = published(desks)
    desks.refuse(token, "kind-not-allowed")
    code, [found], _ = waited(desks, LEAK, "--wait", 1, "--wait-s", 60)
    assert code == 1
    assert (found["ok"], found["reason"]) == (False, "kind-not-allowed")
    code, _, err = desks.say("cert-aq", "publish", LEAK, "--wait", 1)
    assert code == 1
    assert f"refused by the gate: {LEAK.name}: kind-not-allowed: " in err


def test_nothing_that_it_read_is_lost_to_who_reads_feedback(desks) -> None:
    path = desks.received()
    desks.answer(path, "--action", "removed", "--count", 7)
    desks.refuse("Z" * 43, "incomplete")
    waited(desks, PHISHING, "--wait", 1, "--wait-s", 0.5)
    told = desks.feedback()
    assert [each["kind"] for each in told] == ["action", "refusal"]
    assert desks.feedback() == []
    directory = desks.folder / "directory"
    _, out, _ = desks.say(
        "cert-aq", "feedback", "--directory", directory, "--json", "--all"
    )
    assert [json.loads(line) for line in out.splitlines()] == told


def test_numbers_of_several_adapters_add_up_and_those_of_one_do_not(desks) -> None:
    [token] = published(desks)
    for members in (1, 2):
        desks.report(Reached(token, members, AT))
    code, [found], _ = waited(desks, LEAK, "--wait", 3, "--wait-s", 0.3)
    assert (code, found["members"]) == (1, 2)


def test_who_is_no_adapter_of_the_hub_reports_nothing(desks) -> None:
    [token] = published(desks)
    (desks.folder / "directory" / "services" / "hub.json").unlink()
    desks.report(Reached(token, 3, AT))
    code, [found], _ = waited(desks, LEAK, "--wait", 1, "--wait-s", 0.3)
    assert (code, found["members"]) == (1, 0)
    assert desks.feedback() == [
        {"ok": False, "kind": "not-valid", "reason": "report-invalid"}
    ]


def test_corrections_and_retractions_can_be_waited_for(desks) -> None:
    published(desks)
    code, out, _ = desks.say(
        "cert-aq", "retract", LEAK, "--why", "Wrong.", "--wait", 1, "--wait-s", 0.3
    )
    assert code == 1
    assert out.splitlines()[-1].endswith("0 members have it, of 1 waited for")
    code, out, _ = desks.say("cert-aq", "correct", LEAK, "--wait", 1, "--wait-s", 0.3)
    assert code == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--wait", "-1"),
        ("--wait", "1", "--wait-s", "0"),
        ("--wait", "1", "--wait-s", "100000"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_signed(
    desks, options
) -> None:
    assert desks.say("cert-aq", "publish", LEAK, *options)[0] == 2
    assert desks.tokens("cert-aq") == []


def test_it_needs_files_and_a_directory(desks) -> None:
    assert desks.say("cert-aq", "publish", "--wait", 1)[0] == 2
    config = desks.folder / "cert-aq.toml"
    config.write_text(config.read_text().replace('directory = "directory"\n', ""))
    code, _, err = desks.say("cert-aq", "publish", LEAK, "--wait", 1)
    assert code == 2
    assert "--wait needs the directory" in err
    directory = desks.folder / "directory"
    more = ("--directory", directory, "--wait", 1, "--wait-s", 0.3)
    assert desks.say("cert-aq", "publish", LEAK, *more)[0] == 1


def test_how_far_it_is_is_said_in_words(desks) -> None:
    [token] = published(desks)
    desks.report(Reached(token, 2, AT))
    wait = waiting.Wait(3, 1, feedback.load_directory(desks.folder / "directory", None))
    waited(desks, LEAK, "--wait", 1)
    with waiting.open_feedback(
        desks.folder / "cert-aq.sqlite.feedback", now=AT
    ) as file:
        one = waiting._Watch(file, "cert-aq", [token], wait)
        assert not one.is_over()
        assert one.words() == "2 of 3 members have it"
        two = waiting._Watch(file, "cert-aq", [token, "Z" * 43], wait)
        assert not two.is_over()
        assert two.words() == "0 of 2 records have reached enough members"
