"""tocsin check: for people, programs, editors and CI; never a text of the input."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

from adapters.cli import main as command
from schemas.reasons import REASONS
from schemas.rules import RULES
from tests.support.real_data import real_files
from tests.support.records import address, an_id, incident, plain_object

SAMPLES = Path(command.__file__).parent / "samples"
LEAK = SAMPLES / "election-leak.json"
PAST = "2026-01-01T00:00:00Z"
CANARY = "Xylophone-Quartz"
AUDIENCES = {"peer-cert", "platform", "civil-society"}

Run = Callable[..., tuple[int, str, str]]

# What SARIF 2.1.0 requires of the parts that are written here (OASIS, 3.13 to 3.52).
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"$ref": "#/$defs/rule"},
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {"$ref": "#/$defs/result"},
                    },
                },
            },
        },
    },
    "$defs": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": {
            "type": "object",
            "required": ["text"],
            "properties": {"text": {"type": "string", "minLength": 1}},
        },
        "rule": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string"},
                "shortDescription": {"$ref": "#/$defs/message"},
                "defaultConfiguration": {
                    "type": "object",
                    "properties": {"level": {"$ref": "#/$defs/level"}},
                },
            },
        },
        "result": {
            "type": "object",
            "required": ["message", "ruleId", "level", "locations"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": {"$ref": "#/$defs/level"},
                "message": {"$ref": "#/$defs/message"},
                "locations": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "physicalLocation": {
                                "type": "object",
                                "required": ["artifactLocation"],
                                "properties": {
                                    "artifactLocation": {
                                        "type": "object",
                                        "required": ["uri"],
                                        "properties": {
                                            "uri": {
                                                "type": "string",
                                                "pattern": r"^[A-Za-z0-9/._~%:-]+$",
                                            }
                                        },
                                    },
                                    "region": {
                                        "type": "object",
                                        "required": ["startLine"],
                                        "properties": {
                                            "startLine": {
                                                "type": "integer",
                                                "minimum": 1,
                                            }
                                        },
                                    },
                                },
                            },
                            "logicalLocations": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["fullyQualifiedName"],
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = command.run(["check", *map(os.fspath, arguments)])  # type: ignore[arg-type]
        out, err = capfd.readouterr()
        return code, out, err

    return call


def bundle(*objects: Any) -> str:
    return json.dumps({"type": "bundle", "objects": objects}, indent=1)


BROKEN = bundle(
    incident(created="yesterday", confidence=101),
    address(value=5),
    plain_object("note", object_refs=["x"]),
)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.json"
    path.write_text(BROKEN)
    return path


def facts_of(out: str) -> dict[str, Any]:
    [line] = out.splitlines()
    facts: dict[str, Any] = json.loads(line)
    return facts


# ------------------------------------------------------------------ for people


def test_a_good_file_is_good_and_every_audience_is_told(run: Run) -> None:
    code, out, err = run(LEAK)
    assert (code, err) == (0, "")
    assert "incident with 30 objects around one incident, TLP:GREEN" in out
    assert re.search(r"good: 0 errors, \d+ warnings?, \d+ notes?\.", out)
    assert all(audience in out for audience in AUDIENCES)


def test_all_errors_are_told_with_line_and_what_is_expected(
    run: Run, broken: Path
) -> None:
    code, out, err = run(broken)
    assert (code, err) == (1, "")
    lines = BROKEN.split("\n")
    for place, marker, words in (
        ("$.objects[0].created", '"yesterday"', "Expected: a time in UTC"),
        ("$.objects[0].confidence", "101", "Expected: a whole number from 0 to 100."),
        ("$.objects[1].value", '"value": 5', "Expected: a text."),
    ):
        [row] = [n for n, line in enumerate(lines, 1) if marker in line]
        assert f"error bad-property  {place} (line {row})" in out
        assert words in " ".join(out.split())
    assert "error bad-id  $.objects[2].object_refs[0]" in out
    assert "error missing-property  $.objects[2].content" in out
    assert out.rstrip().endswith("refused: 5 errors, 0 warnings, 0 notes. Nothing of it "
                                 "would be signed.")  # fmt: skip


def test_one_is_not_called_several(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text("")
    assert "refused: 1 error, 0 warnings, 0 notes." in run(path)[1]


def test_findings_of_a_kind_are_one_entry_with_their_number(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    tools = [plain_object("tool", n, x_own=n) for n in range(5)]
    path.write_text(bundle(incident(), *tools))
    out = run(path)[1]
    assert out.count("custom-property") == 1
    assert "5 such places; this is the first." in out
    assert "--json lists every place" in out


def test_very_many_errors_are_counted(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"type": "bundle", "objects": [5] * 2000}))
    code, out, _ = run(path)
    assert code == 1
    assert out.count("error not-stix") == 50
    assert "950 more errors; --json lists all" in out


def test_no_line_is_wider_than_the_terminal_or_ends_in_blanks(
    run: Run, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (40, 80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = run(broken)[1].splitlines()[1:-1]
        said = [line for line in lines if line.startswith("    ")]
        assert said
        assert all(len(line) <= width for line in said)
        assert [line for line in lines if line != line.rstrip()] == []


# ----------------------------------------------------------------- for programs


def test_json_says_all_of_it(run: Run, broken: Path) -> None:
    code, out, err = run(broken, "--json")
    facts = facts_of(out)
    assert (code, err) == (1, "")
    assert (facts["ok"], facts["kind"], facts["tlp"], facts["objects"]) == (
        False, None, None, 0,
    )  # fmt: skip
    assert facts["file"] == str(broken)
    assert facts["format"].startswith("STIX 2.1")
    assert facts["audiences"] == []
    for each in facts["findings"]:
        assert each.keys() == {"level", "rule", "where", "line", "count", "message"}
        assert each["rule"] in REASONS.keys() | RULES.keys()
        assert each["line"] >= 1
        assert each["message"].endswith(".")
    assert [each["level"] for each in facts["findings"]].count("error") == 5


def test_json_of_a_good_file_says_who_would_see_what(run: Run) -> None:
    code, out, _ = run(LEAK, "--json")
    facts = facts_of(out)
    assert code == 0
    assert (facts["ok"], facts["kind"], facts["tlp"]) == (True, "incident", "GREEN")
    assert {each["audience"] for each in facts["audiences"]} == AUDIENCES
    for each in facts["audiences"]:
        assert each["refused"] is None
        assert each["objects"] == sum(each["types"].values()) > 0


def test_every_file_has_its_line(run: Run, broken: Path) -> None:
    code, out, _ = run(LEAK, broken, "--json")
    assert code == 1
    assert [json.loads(line)["ok"] for line in out.splitlines()] == [True, False]


def test_what_signing_refuses_is_an_error_here(run: Run) -> None:
    code, out, _ = run(LEAK, "--json", "--community", "nobody")
    facts = facts_of(out)
    assert (code, facts["ok"]) == (1, False)
    assert facts["findings"][0]["rule"] == "claims"


# ---------------------------------------------------------------- for editors


def test_sarif_is_sarif(run: Run, broken: Path, tmp_path: Path) -> None:
    odd = tmp_path / "é [x]: 100%.json"
    odd.write_text("{")
    code, out, _ = run(LEAK, broken, odd, "--sarif")
    log = facts_of(out)
    assert code == 1
    jsonschema.Draft202012Validator(SARIF).validate(log)
    [found] = log["runs"]
    rules = [each["id"] for each in found["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    places = set()
    for result in found["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        [place] = result["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        places.add(unquote(urlsplit(uri).path))
    assert places == {str(LEAK), str(broken), str(odd)}
    [result] = [r for r in found["results"] if r["ruleId"] == "not-json"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_sarif_of_nothing_found_is_sarif(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(bundle(incident(created=PAST, modified=PAST)))
    code, out, _ = run(path, "--sarif")
    log = facts_of(out)
    jsonschema.validate(log, SARIF)
    assert (code, log["runs"][0]["results"]) == (0, [])


def test_a_relative_path_is_a_relative_reference(
    run: Run, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(broken.parent)
    (broken.parent / "a: b.json").write_text("")
    log = facts_of(run("broken.json", "a: b.json", "--sarif")[1])
    uris = {
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for r in log["runs"][0]["results"]
    }
    assert uris == {"broken.json", "a%3A%20b.json"}


def test_what_has_no_line_claims_none(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("")
    log = facts_of(run(path, "--sarif")[1])
    [result] = log["runs"][0]["results"]
    [place] = result["locations"]
    assert "region" not in place["physicalLocation"]
    assert "logicalLocations" not in place


# ------------------------------------------------------------ files and usage


def test_an_unreadable_file_stops_no_other(
    run: Run, broken: Path, tmp_path: Path
) -> None:
    code, out, err = run(tmp_path / "nothing.json", tmp_path, broken, LEAK)
    assert code == 2
    assert [line.partition(" /")[0] for line in err.splitlines()] == [
        "tocsin: configuration: cannot read"
    ] * 2
    assert "refused: 5 errors" in out
    assert "good: 0 errors" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name at least one file"),
        ([LEAK, "--json", "--sarif"], "either --json or --sarif"),
        ([LEAK, "--from", "nothing"], "--from takes one of"),
        ([LEAK, "--policy", "/nowhere/x.toml"], "cannot read"),
    ],
)
def test_wrong_usage_is_said(run: Run, arguments: list[Any], words: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


NAMES = [b"esc\x1b[31m\x07red.json", "bidi\u202etxt.json".encode(), b"raw\xff.json",
         b":bomb: [bold]x.json", b"line\nbreak.json", "é….json".encode()]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("option", [None, "--json", "--sarif"])
@pytest.mark.parametrize("is_there", [True, False])
def test_the_name_of_a_file_cannot_steer_a_terminal(
    run: Run, tmp_path: Path, name: bytes, option: str | None, is_there: bool
) -> None:
    path = tmp_path / os.fsdecode(name)
    if is_there:
        path.write_text(BROKEN)
    code, out, err = run(path, *([option] if option else []))
    assert code == (1 if is_there else 2)
    shown = err if option else out + err
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert shown.count("break") <= 1
    assert not [line for line in shown.splitlines() if line.startswith("break")]
    if b"bomb" in name and not option:
        assert ":bomb: [bold]x.json" in shown
    if option and is_there:
        facts_of(out)


def check_piped(data: bytes, *options: str, **variables: str) -> Any:
    line = "from adapters.cli.main import main; main()"
    return subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-c", line, "check", *options],
        input=data,
        capture_output=True,
        timeout=60,
        env={**os.environ, **variables},
        check=False,
    )


def test_standard_input_is_read() -> None:
    done = check_piped(LEAK.read_bytes(), "-", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["file"] == "-"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_lacks_a_character_is_no_trouble(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "é….json"
    path.write_text(BROKEN)
    done = check_piped(b"", str(path), str(LEAK), PYTHONIOENCODING=encoding,
                       PYTHONUTF8="0")  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"Traceback" not in done.stdout


def test_a_file_of_the_future_is_of_now(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "domains.csv"
    path.write_text("domain,comment\na.example,x\nb.example,y\n")
    for moment in (2**36, -(2**33), 0):
        os.utime(path, (moment, moment))
        code, out, err = run(path, "--tlp", "green")
        assert (code, err) == (0, ""), out
        assert "time-future" not in out


# --------------------------------------------------------------------- secrets


def planted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k if k in KNOWN else k + CANARY: v if k in KEPT else planted(v)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [planted(each) for each in value]
    return value + CANARY if isinstance(value, str) else value


KEPT = {"type", "id", "spec_version", "created", "modified", "object_marking_refs",
        "pattern_type", "valid_from", "published", "extensions"}  # fmt: skip
KNOWN = KEPT | {"name", "description", "labels", "value", "pattern", "object_refs",
                "context", "lang", "source_ref", "target_ref", "relationship_type"}  # fmt: skip


@pytest.mark.parametrize("option", [None, "--json", "--sarif"])
@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.json")), ids=lambda p: p.stem)
def test_no_text_of_the_input_is_ever_printed(
    run: Run, tmp_path: Path, sample: Path, option: str | None
) -> None:
    plain = json.loads(sample.read_text())
    path = tmp_path / "planted.json"
    odd = {"type": f"x-{CANARY}", "id": CANARY, CANARY: CANARY}
    unknown = plain_object("x-own", x_a=CANARY, extensions={CANARY: {}})
    for objects in (
        planted(plain["objects"]),
        [*plain["objects"], odd],
        [*plain["objects"], unknown, incident(id=an_id("incident", 7), name=CANARY)],
        [planted(each) | {"id": CANARY} for each in plain["objects"]],
    ):
        path.write_text(bundle(*objects), encoding="utf-8")
        code, out, err = run(path, *([option] if option else []))
        assert code in (0, 1)
        assert CANARY.lower() not in (out + err).lower()


@pytest.mark.parametrize(
    "path",
    real_files("oasis_*/*.json", "amnesty_stix21/*", "fimi_viginum_stix21/*.json",
               "attack_flow/*.json", "json_hostile/*.json"),
)  # fmt: skip
def test_real_files_are_checked(run: Run, path: Path) -> None:
    code, out, err = run(path, "--json", "--tlp", "green", "--report", "A list")
    facts = facts_of(out)
    assert (code, err) == (0 if facts["ok"] else 1, "")
    text = path.read_bytes()
    for each in facts["findings"]:
        assert each["line"] is None or 1 <= each["line"] <= text.count(b"\n") + 1
        assert not re.search(r"[^\x20-\x7e]", each["where"] + each["message"])
