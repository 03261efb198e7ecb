"""tocsin redact --explain, tocsin compare: what is cut and why, for people and programs."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.cli import main as command
from adapters.cli.demo.secrets import CANARIES
from broker import sdjwt
from broker.directory import Member
from tests.support.html_text import read
from tests.support.policy_files import row, written

SAMPLES = Path(command.__file__).parent / "samples"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: object) -> tuple[int, str, str]:
        code = command.run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def keys(tmp_path: Path, run: Run) -> Path:
    assert run("keygen", "--org", "cert-aq", "--out", tmp_path)[0] == 0
    return tmp_path


def signed(run: Run, keys: Path, sample: str, *options: str) -> Path:
    path = keys / f"{sample}.token"
    done = run(
        "sign", SAMPLES / f"{sample}.json", "--key", keys / "cert-aq.key",
        "--issuer", "cert-aq", "-o", path, *options,
    )  # fmt: skip
    assert done == (0, "", "")
    return path


@pytest.fixture
def token(keys: Path, run: Run) -> Path:
    return signed(run, keys, "election-leak")


@pytest.fixture
def redact(token: Path, keys: Path, run: Run) -> Run:
    def call(*options: object) -> tuple[int, str, str]:
        return run("redact", token, "--jwk", keys / "cert-aq.jwk", *options)

    return call


@pytest.fixture
def compare(token: Path, keys: Path, run: Run) -> Run:
    def call(*options: object) -> tuple[int, str, str]:
        return run("compare", token, "--jwk", keys / "cert-aq.jwk", *options)

    return call


def facts_of(done: tuple[int, str, str]) -> Any:
    code, out, err = done
    assert (code, err) == (0, "")
    return json.loads(out)


# ------------------------------------------------------------------ redact --explain


def test_every_cut_is_told_to_a_program(redact: Run) -> None:
    facts = facts_of(redact("--audience", "civil-society", "--explain", "--json"))
    assert len(facts["cuts"]) == sum(facts["withheld"].values())
    assert len(facts["policy_sha256"]) == 64
    (count,) = (
        c
        for c in facts["cuts"]
        if c["property"] == "extensions.incident-core.impacted_entity_counts"
        and c["type"] == "incident"
    )
    assert count["object"].startswith("incident--")
    assert count["path"].startswith("$.objects[")
    assert count["path"].endswith(
        ".extensions['extension-definition--ef765651-680c-498d-9894-99799f2fa126']"
        ".impacted_entity_counts"
    )
    assert count["reason"] == "policy-generalise"
    assert count["row"]["title"] == "How many were hit"
    assert count["row"]["line"] > count["row"]["number"]
    assert count["instead"] == "a coarser value"
    assert count["why"].startswith("The order of magnitude")
    assert (count["limit"], count["gate"], count["element"]) == (None, None, None)


def test_a_sentence_that_was_cut_is_named_by_its_number(redact: Run) -> None:
    options = ("--audience", "peer-cert", "--explain")
    cuts = facts_of(redact(*options, "--json"))["cuts"]
    (cut,) = (c for c in cuts if c["unit"] == "sentence")
    assert cut["element"] == 0
    _, out, _ = redact(*options)
    assert ".description, sentence 1" in out


def test_what_people_read_is_grouped_fits_80_columns_and_tells_the_rule(
    redact: Run,
) -> None:
    code, out, _ = redact("--audience", "civil-society", "--explain")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    lines = out.splitlines()
    heads = [each for each in lines if each.endswith("]") and "  $.objects[" in each]
    assert len(heads) == len(set(heads)) > 20
    assert "policy default, version 2, SHA-256" in out
    assert "of the policy: Descriptions" in out
    assert "Free text is where names slip through" in out


def test_no_withheld_value_is_told(redact: Run) -> None:
    for options in (("--explain",), ("--explain", "--json", "--receipt")):
        _, out, _ = redact("--audience", "civil-society", *options)
        assert not [c.what for c in CANARIES if c.value in out]


def test_what_waits_says_for_how_many_and_what_stands_there_meanwhile(
    redact: Run, keys: Path
) -> None:
    policy = keys / "policy.toml"
    policy.write_bytes(
        written(
            row("incident", "name"),
            row("identity", "name", "hold", meanwhile="generalise", approvals=2),
        )
    )
    code, out, _ = redact("--audience", "peer-cert", "--explain", "--policy", policy)
    assert code == 0
    assert "waits for two persons;" in out
    assert "meanwhile a coarser value" in out


def test_a_receipt_is_shown_unsigned(redact: Run) -> None:
    facts = facts_of(redact("--audience", "platform", "--receipt", "--json"))
    said = facts["receipt"]
    assert said["signed"] is False
    assert said["claims"]["policy"]["sha256"] == facts["policy_sha256"]
    assert said["claims"]["audience"] == "platform"
    # A receipt counts what marks withhold under one word.
    by_mark = {"granular-tlp", "tlp-clearance"}
    assert by_mark <= set(facts["withheld"])
    told = set(facts["withheld"]) - by_mark | {"marked"}
    assert set(said["claims"]["withheld"]) == told
    _, out, _ = redact("--audience", "platform", "--receipt")
    assert "It is not signed" in out
    assert '"received"' in out


def test_what_is_not_given_says_why(redact: Run, keys: Path) -> None:
    options = ("--audience", "platform", "--clearance", "clear")
    code, out, err = redact(*options, "--explain")
    assert code == 1
    assert "TLP:GREEN" in out
    assert "refused: tlp-clearance" in err
    code, out, _ = redact(*options, "--explain", "--json")
    facts = json.loads(out)
    assert (code, facts["ok"], facts["reason"]) == (1, False, "tlp-clearance")
    assert "TLP:GREEN" in facts["why"]
    assert json.loads(redact(*options, "--json")[1]) == {
        "ok": False, "reason": "tlp-clearance",
    }  # fmt: skip
    assert redact(*options)[1] == ""


def test_what_took_the_primary_object_is_told(redact: Run, keys: Path) -> None:
    policy = keys / "policy.toml"
    policy.write_bytes(written(row("incident", "name", peer="drop")))
    code, out, _ = redact("--audience", "peer-cert", "--explain", "--policy", policy)
    assert code == 1
    assert "(the whole object)" in out
    assert "A row of a test" in out


def test_a_member_is_taken_from_the_directory(
    token: Path, keys: Path, run: Run
) -> None:
    folder = directory(keys)
    options = ("--directory", folder, "--json")
    facts = facts_of(run("redact", token, "--member", "monitor-veritas", *options))
    assert facts["audience"] == "civil-society"
    code, _, err = run("redact", token, "--member", "monitor-verita", *options)
    assert code == 2
    assert "did you mean monitor-veritas?" in err


def directory(keys: Path) -> Path:
    """The issuer and one other member."""
    folder = keys / "directory"
    (folder / "members").mkdir(parents=True)
    jwk = json.loads((keys / "cert-aq.jwk").read_text())
    key = {
        "jwk": jwk,
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2100-01-01T00:00:00Z",
    }
    for org, audience, kinds, entries in (
        ("cert-aq", "peer-cert", ["incident"], [key]),
        ("monitor-veritas", "civil-society", [], []),
    ):
        member = {
            "org": org, "name": org, "country": "XA", "audience": audience,
            "kinds": kinds, "keys": entries,
        }  # fmt: skip
        data = json.dumps(member).encode()
        msgspec.json.decode(data, type=Member)
        (folder / "members" / f"{org}.json").write_bytes(data)
    return folder


# --------------------------------------------------------------------------- compare


def test_two_audiences_stand_side_by_side(compare: Run) -> None:
    code, out, err = compare()
    assert (code, err) == (0, "")
    assert out.startswith("For those who may see the whole record.")
    assert "peer-cert" in out
    assert "civil-society" in out
    tables = out[out.index("1 incident") :]
    assert max(map(len, tables.splitlines())) <= 90
    assert "individual: 10000 [" in tables
    assert "the whole object" in tables
    assert "Free text is where names slip through" in tables


def test_a_program_gets_every_cell(compare: Run) -> None:
    facts = facts_of(compare("--json"))
    assert facts["ok"] is True
    assert [c["name"] for c in facts["columns"]] == ["peer-cert", "civil-society"]
    assert facts["policy_sha256"]
    states = {
        cell["state"]
        for card in facts["cards"]
        for line in card["rows"]
        for cell in line["cells"]
    }
    assert states == {"full", "part", "made", "withheld"}
    assert all(len(r["cells"]) == 2 for c in facts["cards"] for r in c["rows"])


def test_an_audience_that_gets_nothing_is_told_why(compare: Run) -> None:
    code, out, _ = compare("--audience", "peer-cert", "--audience", "public")
    assert code == 0
    assert "gets nothing: It is marked TLP:GREEN" in " ".join(out.split())
    code, out, _ = compare("--audience", "public")
    assert code == 0
    assert "gets nothing" in out


def test_members_stand_beside_audiences(token: Path, keys: Path, run: Run) -> None:
    done = run(
        "compare", token, "--directory", directory(keys), "--member",
        "monitor-veritas", "--audience", "platform", "--json",
    )  # fmt: skip
    columns = facts_of(done)["columns"]
    assert [(c["name"], c["audience"]) for c in columns] == [
        ("platform", "platform"), ("monitor-veritas", "civil-society"),
    ]  # fmt: skip


def test_a_clearance_holds_for_all_or_for_each(compare: Run) -> None:
    two = ("--audience", "peer-cert", "--audience", "platform", "--json")
    for given, expected in (
        ((), ["AMBER", "GREEN"]),
        (("--clearance", "amber"), ["AMBER", "AMBER"]),
        (("--clearance", "green", "--clearance", "amber"), ["GREEN", "AMBER"]),
    ):
        columns = facts_of(compare(*two, *given))["columns"]
        assert [c["clearance"] for c in columns] == expected


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--audience", "platform"] * 2, "once"),
        (["--clearance", "green"] * 3, "--clearance"),
        (["--member", "cert-borea"], "--directory"),
    ],
)
def test_what_cannot_stand_side_by_side_is_wrong_usage(
    compare: Run, options: list[str], word: str
) -> None:
    code, out, err = compare(*options)
    assert (code, out) == (2, "")
    assert word in err


def test_more_than_five_are_too_many(token: Path, keys: Path, run: Run) -> None:
    every = ("peer-cert", "platform", "civil-society", "research", "public")
    options = [o for who in every for o in ("--audience", who)]
    folder = ("--directory", directory(keys))
    assert run("compare", token, *folder, *options, "--json")[0] == 0
    code, _, err = run(
        "compare", token, *folder, *options, "--member", "monitor-veritas"
    )
    assert code == 2
    assert "no more than 5" in err


def test_a_token_that_does_not_verify_is_refused(
    token: Path, keys: Path, run: Run
) -> None:
    token.write_bytes(token.read_bytes().replace(b"~", b"~AAAA~", 1))
    code, out, err = run("compare", token, "--jwk", keys / "cert-aq.jwk")
    assert (code, out) == (1, "")
    assert "refused" in err


def test_evidence_can_be_compared_and_says_that_it_was_cut(
    redact: Run, keys: Path, run: Run
) -> None:
    evidence = keys / "evidence"
    assert redact("--audience", "platform", "--evidence", evidence)[0] == 0
    assert sdjwt.split(evidence.read_bytes())
    code, out, _ = run("compare", evidence, "--jwk", keys / "cert-aq.jwk")
    assert code == 0
    assert "withheld before it came here" in out


# ------------------------------------------------------------------- compare --html


def test_a_page_is_for_its_owner_alone_whatever_was_there(
    compare: Run, keys: Path
) -> None:
    page = keys / "page.html"
    page.write_text("open to all")
    page.chmod(0o644)
    reader = page.open()  # somebody has it open already
    before = os.umask(0)
    try:
        code, out, _ = compare("--html", page)
    finally:
        os.umask(before)
    assert code == 0
    assert "for those who may see the whole record" in out
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert reader.read() == "open to all"
    reader.close()
    assert [each.name for each in keys.iterdir() if each.name.startswith(".")] == []
    assert read(page.read_text("utf-8")).all("table", cls="totals")


def test_a_page_is_written_for_programs_too(compare: Run, keys: Path) -> None:
    page = keys / "page.html"
    assert facts_of(compare("--html", page, "--json"))["ok"] is True
    assert page.exists()


@pytest.mark.parametrize("where", [".", "missing/page.html"])
def test_a_page_that_cannot_be_written_is_configuration(
    compare: Run, keys: Path, where: str
) -> None:
    code, _, err = compare("--html", keys / where)
    assert code == 2
    assert "cannot write" in err


def test_what_a_terminal_would_obey_is_spelled_out(keys: Path, run: Run) -> None:
    bundle = json.loads((SAMPLES / "election-leak.json").read_text())
    for each in bundle["objects"]:
        if each["type"] == "malware":
            each["name"] = "Night\u202e[bold]\x1b[31mCrate"
    path = keys / "input.json"
    path.write_text(json.dumps(bundle))
    assert run(
        "sign", path, "--key", keys / "cert-aq.key", "--issuer", "cert-aq",
        "-o", keys / "t",
    )[0] == 0  # fmt: skip
    code, out, _ = run("compare", keys / "t", "--jwk", keys / "cert-aq.jwk")
    assert code == 0
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[bold]" in out
