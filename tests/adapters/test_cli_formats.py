"""Whoever has a file publishes it with one command, and corrects it with another."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.test_cli_next import Desks
from tests.support.misp_events import EVENT, ORG, attribute

STIX20 = {
    "type": "bundle",
    "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d",
    "spec_version": "2.0",
    "objects": [
        {
            "type": "campaign",
            "id": "campaign--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "created": "2026-04-06T20:03:48.000Z",
            "modified": "2026-04-06T20:03:48.000Z",
            "name": "False invoices",
        }
    ],
}
MISP = {
    "Event": {
        "uuid": EVENT,
        "info": "Phishing against shops",
        "date": "2026-11-01",
        "timestamp": "1793520000",
        "published": True,
        "Orgc": ORG,
        "Tag": [{"name": "tlp:green"}],
        "Attribute": [attribute("domain", "shop-login.example", to_ids=True)],
    }
}
CSAF = {
    "document": {
        "category": "csaf_security_advisory",
        "csaf_version": "2.0",
        "distribution": {"tlp": {"label": "GREEN"}},
        "publisher": {
            "category": "vendor",
            "name": "Saltmere Pumps",
            "namespace": "https://pumps.example",
        },
        "title": "Pump controller takes any password",
        "tracking": {
            "id": "SP-2026-7",
            "current_release_date": "2026-11-01T08:00:00Z",
            "initial_release_date": "2026-11-01T08:00:00Z",
            "revision_history": [
                {"date": "2026-11-01T08:00:00Z", "number": "1", "summary": "First"}
            ],
            "status": "final",
            "version": "1",
        },
    },
    "vulnerabilities": [{"cve": "CVE-2026-10001"}],
}
SHADOWSERVER = (
    "timestamp,ip,port,protocol,asn,geo,tag,severity\n"
    "2026-11-02 00:10:00,192.0.2.7,443,tcp,64496,XA,ssl,medium\n"
)
LIST = "indicator,comment\nshop-login[.]example,sells nothing\n192.0.2[.]9,\n"
SHEET = (
    "Campaign,Claim,Link,Account,Platform,Technique,Language,Date\n"
    "Harvest rumours,The ballot is poisoned,hxxps://talk.example/1,@aq,Talk,T0049,en,"
    "2026-11-02\n"
)
# File, what it holds, what its owner must add.
FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "event.json": (json.dumps(MISP), ()),
    "advisory.json": (json.dumps(CSAF), ()),
    "2026-11-02-scan_ssl-shop.csv": (SHADOWSERVER, ("--tlp", "amber")),
    "shops.csv": (LIST, ("--tlp", "green")),
    "rumours.csv": (SHEET, ("--tlp", "green")),
    "old.json": (json.dumps(STIX20), ("--tlp", "green")),
}


@pytest.fixture
def desks(tmp_path, capfd, monkeypatch) -> Desks:
    made = Desks(tmp_path, capfd, monkeypatch)
    member = tmp_path / "directory" / "members" / "cert-aq.json"
    entry = json.loads(member.read_text())
    entry["kinds"] += ["campaign", "advisory"]
    member.write_text(json.dumps(entry))
    return made


def written(desks: Desks, name: str) -> tuple[Path, tuple[str, ...]]:
    text, options = FILES[name]
    path = desks.folder / name
    path.write_text(text)
    return path, options


@pytest.mark.parametrize("name", FILES)
def test_one_command_publishes_it(desks: Desks, name: str) -> None:
    path, options = written(desks, name)
    code, out, _ = desks("check", path, *options, "--json")
    facts: dict[str, Any] = json.loads(out)
    assert (code, facts["ok"]) == (0, True)
    code, out, _ = desks.say("cert-aq", "publish", path, *options)
    assert code == 0
    assert out.startswith(f"confirmed {name}: ")
    [token] = desks.tokens("cert-aq")
    verified = desks.verified(token)
    assert verified["objects"] == facts["objects"]
    assert verified["kind"] == facts["kind"]
    assert verified["tlp"] == facts["tlp"]


@pytest.mark.parametrize("name", FILES)
def test_the_same_file_again_is_the_same_record(desks: Desks, name: str) -> None:
    path, options = written(desks, name)
    desks.say("cert-aq", "publish", path, *options)
    code, out, _ = desks.say("cert-aq", "publish", path, *options)
    assert code == 0
    assert "(was published before)" in out
    assert len(desks.tokens("cert-aq")) == 1


@pytest.mark.parametrize("name", FILES)
def test_a_format_that_is_named_must_be_that(desks: Desks, name: str) -> None:
    path, options = written(desks, name)
    wrong = "csaf" if name != "advisory.json" else "misp"
    code, _, err = desks("check", path, *options, "--from", wrong)
    assert code == 1
    code, _, err = desks("check", path, *options, "--from", "morse")
    assert code == 2
    assert "misp" in err


def correction(desks: Desks, name: str, *more: object) -> tuple[int, str, str]:
    """Publish a table of an hour ago, change it, and correct it."""
    path, options = written(desks, name)
    os.utime(path, (path.stat().st_mtime - 3600,) * 2)
    told = json.loads(desks.say("cert-aq", "publish", path, *options, "--json")[1])
    path.write_text(
        path.read_text().replace("shop-login", "shop-signin").replace("poison", "forg")
    )
    named = [told["record"] if each == "RECORD" else each for each in more]
    return desks.say("cert-aq", "correct", path, *options, *named)


def test_a_sheet_that_is_corrected_is_the_same_campaign(desks: Desks) -> None:
    code, _, err = correction(desks, "rumours.csv")
    assert (code, err) == (0, "")
    old, new = map(desks.verified, desks.tokens("cert-aq"))
    assert old["record"] == new["record"]
    assert new["kind"] == "correction"


def test_a_list_whose_rows_changed_is_corrected_by_the_id_of_its_record(
    desks: Desks,
) -> None:
    code, _, err = correction(desks, "shops.csv", "--of", "RECORD")
    assert (code, err) == (0, "")
    old, new = map(desks.verified, desks.tokens("cert-aq"))
    assert old["record"] == new["record"]


def test_a_list_whose_rows_changed_is_else_another_one(desks: Desks) -> None:
    code, _, err = correction(desks, "shops.csv")
    assert code == 1
    assert "no-earlier-version" in err
    assert "--of" in err


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (f"report--{EVENT}", "no-earlier-version"),
        ("nonsense", "no-earlier-version"),
    ],
)
def test_an_id_that_nobody_published_is_refused(desks: Desks, of, reason) -> None:
    code, _, err = correction(desks, "shops.csv", "--of", of)
    assert code == 1
    assert reason in err


def test_a_record_of_another_kind_is_not_corrected(desks: Desks) -> None:
    path, options = written(desks, "rumours.csv")
    told = desks.say("cert-aq", "publish", path, *options, "--json")[1]
    code, _, err = correction(desks, "shops.csv", "--of", json.loads(told)["record"])
    assert code == 1
    assert "kind-mismatch" in err


def test_one_id_does_not_go_with_two_files(desks: Desks) -> None:
    path, _ = written(desks, "shops.csv")
    other, _ = written(desks, "rumours.csv")
    for name in ("correct", "retract"):
        assert desks.say("cert-aq", name, path, other, "--of", "x")[0] == 2


def test_without_a_mark_the_message_says_what_to_type(desks: Desks) -> None:
    path, _ = written(desks, "shops.csv")
    code, _, err = desks.say("cert-aq", "publish", path)
    assert code == 1
    assert "unmarked" in err
    assert "--tlp" in err


def test_a_sheet_without_techniques_says_which_column_is_missing(desks: Desks) -> None:
    path, options = written(desks, "rumours.csv")
    path.write_text(path.read_text().replace("T0049", ""))
    code, out, _ = desks("check", path, *options)
    assert code == 1
    assert "no-behaviour" in out
    assert "technique" in out
