"""catalogue import and show: techniques from a published bundle to a small file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.cli.main import DONE, REFUSED, USAGE, run
from tests.support.real_data import DATA, needs_real_data

PAGE = "https://disarmframework.example/techniques/"


def item(number: str, name: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "attack-pattern",
        "id": f"attack-pattern--{number}",
        "name": name,
        "kill_chain_phases": [
            {"kill_chain_name": "mitre-attack", "phase_name": "develop-content"}
        ],
        "external_references": [
            {
                "source_name": "mitre-attack",
                "url": f"{PAGE}{number}",
                "external_id": number,
            }
        ],
        **properties,
    }


OBJECTS = [
    {
        "type": "x-mitre-tactic",
        "name": "Develop Content",
        "x_mitre_shortname": "develop-content",
        "external_references": [{"external_id": "TA06"}],
    },
    {"type": "marking-definition", "definition": {"statement": "CC-BY Nobody"}},
    item("T0100", "Ring the Bell"),
    item("T0100.001", "Ring it Twice"),
    item("T0300", "Mute the Bell", revoked=True),
]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps({"type": "bundle", "objects": OBJECTS}))
    return path


@pytest.fixture
def made(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    out = tmp_path / "disarm.json"
    assert run(["catalogue", "import", str(bundle), "--out", str(out)]) == DONE
    capsys.readouterr()
    return out


def test_import_says_what_it_found(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "disarm.json"
    assert run(["catalogue", "import", str(bundle), "--out", str(out)]) == DONE
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: disarm, as of no date",
        "3 techniques (1 of them refine another, 1 given up) in 1 tactics",
        "licence, as its authors state it: CC-BY Nobody",
    ]


def test_import_says_it_to_programs(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "disarm.json"
    arguments = ["catalogue", "import", str(bundle), "--out", str(out), "--json"]
    assert run([*arguments, "--framework", "disarm"]) == DONE
    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "catalogue": str(out),
        "framework": "disarm",
        "version": "",
        "modified": "",
        "techniques": 3,
        "refinements": 1,
        "deprecated": 1,
        "tactics": 1,
        "statements": ["CC-BY Nobody"],
    }


def test_the_source_s_name_does_not_make_it_attack(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "x.json"
    arguments = ["catalogue", "import", str(bundle), "--out", str(out)]
    assert run([*arguments, "--framework", "attack"]) == USAGE
    assert "those of disarm, not of mitre-attack" in capsys.readouterr().err
    assert not out.exists()


def test_a_framework_that_is_not_recognised_must_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    plain = item("B7", "Own", kill_chain_phases=[])
    plain["external_references"] = [{"source_name": "own", "external_id": "B7"}]
    path, out = tmp_path / "bundle.json", tmp_path / "own.json"
    path.write_text(json.dumps({"type": "bundle", "objects": [plain]}))
    arguments = ["catalogue", "import", str(path), "--out", str(out)]
    assert run(arguments) == USAGE
    assert "give --framework" in capsys.readouterr().err
    assert run([*arguments, "--framework", "two words"]) == USAGE
    assert "lower case letters" in capsys.readouterr().err
    assert run([*arguments, "--framework", "own"]) == DONE
    assert run(["catalogue", "show", str(out), "B7"]) == DONE


def test_show_tells_what_a_catalogue_holds(
    made: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["catalogue", "show", str(made)]) == DONE
    assert capsys.readouterr().out.splitlines() == [
        "framework: disarm",
        "techniques: 3",
        "refinements: 1",
        "deprecated: 1",
        "tactics: TA06 Develop Content",
        "statements: CC-BY Nobody",
    ]


def test_show_tells_of_one_technique(made: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["catalogue", "show", str(made), "T0100"]) == DONE
    assert capsys.readouterr().out.splitlines() == [
        "framework: disarm",
        "id: T0100",
        "name: Ring the Bell",
        "tactics: TA06 Develop Content",
        "refined by: T0100.001 Ring it Twice",
    ]
    assert run(["catalogue", "show", str(made), "T0100.001", "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert told["refines"] == "T0100 Ring the Bell"
    assert run(["catalogue", "show", str(made), "T0300"]) == DONE
    assert "deprecated: yes" in capsys.readouterr().out


def test_show_tells_of_one_tactic(made: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["catalogue", "show", str(made), "TA06", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["techniques"] == [
        "T0100 Ring the Bell",
        "T0100.001 Ring it Twice",
        "T0300 Mute the Bell",
    ]


def test_an_id_that_is_not_there_is_a_mistake_in_the_command(
    made: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["catalogue", "show", str(made), "T9"]) == USAGE
    assert "disarm has no such id" in capsys.readouterr().err


def test_a_file_that_is_none_is_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["catalogue", "show", str(bundle)]) == REFUSED
    assert "not-catalogue" in capsys.readouterr().err
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"type": "bundle", "objects": []}')
    arguments = ["catalogue", "import", str(wrong), "--out", str(tmp_path / "x.json")]
    assert run([*arguments, "--framework", "own"]) == REFUSED
    assert "no-techniques" in capsys.readouterr().err


def test_standard_input_will_do(bundle: Path, tmp_path: Path):
    out = tmp_path / "disarm.json"
    command = "from adapters.cli.main import main; main()"
    arguments = ["catalogue", "import", "--out", str(out), "--", "-"]
    subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", command, *arguments],
        input=bundle.read_bytes(),
        check=True,
        timeout=60,
    )
    assert "T0100.001" in out.read_text()


@needs_real_data
def test_disarm_s_own_bundle_is_recognised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    bundle, out = DATA / "disarm" / "DISARM.json", tmp_path / "disarm.json"
    arguments = ["catalogue", "import", str(bundle), "--out", str(out), "--json"]
    assert run(arguments) == DONE
    told = json.loads(capsys.readouterr().out)
    counts = {name: told[name] for name in ("techniques", "refinements", "tactics")}
    assert counts == {"techniques": 391, "refinements": 288, "tactics": 16}


def test_checking_warns_of_a_technique_that_the_catalogue_lacks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "rumours.csv"
    sheet.write_text(
        "Claim,Link,Technique\nThe ballot is forged,https://talk.example/1,T0399\n"
    )
    bundle = {
        "type": "bundle",
        "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d",
        "objects": [
            {
                "type": "attack-pattern",
                "id": "attack-pattern--5d0092c5-5f74-4287-9642-33f4c354e56d",
                "name": "Flood a hashtag",
                "external_references": [
                    {"source_name": "DISARM", "external_id": "T0049"}
                ],
            }
        ],
    }
    (tmp_path / "b.json").write_text(json.dumps(bundle))
    held = tmp_path / "held.json"
    made = ("catalogue", "import", tmp_path / "b.json", "--framework", "disarm")
    assert run([str(a) for a in (*made, "--out", held)]) == 0
    capfd.readouterr()
    checked = ("check", sheet, "--tlp", "green", "--json")
    found = {}
    for more in ((), ("--catalogue", held)):
        assert run([str(a) for a in (*checked, *more)]) == 0
        facts = json.loads(capfd.readouterr().out)
        found[len(more)] = {(e["rule"], e["where"]) for e in facts["findings"]}
    assert found[2] - found[0] == {("unknown-technique", "row 2")}
