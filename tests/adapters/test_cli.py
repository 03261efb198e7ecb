"""The `tocsin` command: right exit codes, one clear line, never a value of the input."""

import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from adapters.cli import main as command
from broker import sdjwt
from schemas.reasons import REASONS

SAMPLES = Path(command.__file__).parent / "samples"
SECRET_WORD = "Xylophone-Quartz"  # stands in the input; must not stand in an error

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = command.run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def keys(tmp_path: Path, run: Run) -> Path:
    assert run("keygen", "--org", "cert-aq", "--out", tmp_path)[0] == 0
    return tmp_path


@pytest.fixture
def token(keys: Path, run: Run) -> Path:
    path = keys / "leak.token"
    done = run(
        "sign", SAMPLES / "election-leak.json", "--key", keys / "cert-aq.key",
        "--issuer", "cert-aq", "-o", path,
    )  # fmt: skip
    assert done == (0, "", "")
    return path


def sign(run: Run, keys: Path, content: bytes | str, *options: str) -> tuple[int, str]:
    path = keys / "input.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, out, err = run(
        "sign", path, "--key", keys / "cert-aq.key", "--issuer", "cert-aq", *options
    )
    assert code == 0 or out == ""
    return code, err


def refused(
    done: tuple[int, str], reason: str, where: str = "", *, lines: int = 1
) -> None:
    code, err = done
    assert code == 1
    assert err.startswith(f"tocsin: refused: {reason}")
    assert where in err
    assert len(err.splitlines()) == lines
    assert SECRET_WORD not in err
    assert reason in REASONS


def test_a_key_is_private_and_its_public_half_has_a_kid(keys: Path) -> None:
    assert stat.S_IMODE((keys / "cert-aq.key").stat().st_mode) == 0o600
    jwk = json.loads((keys / "cert-aq.jwk").read_text())
    assert jwk["kid"].startswith("cert-aq/")
    assert set(jwk) == {"kty", "crv", "x", "kid"}


def test_a_program_is_told_where_its_new_key_is(tmp_path: Path, run: Run) -> None:
    code, out, _ = run("keygen", "--org", "cert-aq", "--out", tmp_path, "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts == {
        "ok": True,
        "kid": json.loads((tmp_path / "cert-aq.jwk").read_text())["kid"],
        "private": str(tmp_path / "cert-aq.key"),
        "public": str(tmp_path / "cert-aq.jwk"),
    }


def test_a_key_is_never_overwritten(keys: Path, run: Run) -> None:
    before = (keys / "cert-aq.key").read_bytes()
    code, _, err = run("keygen", "--org", "cert-aq", "--out", keys)
    assert code == 2
    assert "exists already" in err
    assert (keys / "cert-aq.key").read_bytes() == before


def test_an_organisation_name_with_capitals_is_a_usage_error(
    tmp_path: Path, run: Run
) -> None:
    assert run("keygen", "--org", "CERT", "--out", tmp_path)[0] == 2


def test_what_was_signed_verifies(token: Path, keys: Path, run: Run) -> None:
    code, out, _ = run("verify", token, "--jwk", keys / "cert-aq.jwk", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["ok"] is True
    assert facts["issuer"] == "cert-aq"
    assert facts["kind"] == "incident"
    assert facts["complete"] is True
    assert facts["withheld_at_most"] == 0


def test_coarse_values_are_signed_where_the_issuer_asks(keys: Path, run: Run) -> None:
    sign = (
        "sign", SAMPLES / "bank-phishing.json", "--key", keys / "cert-aq.key",
        "--issuer", "cert-aq", "-o", keys / "t",
    )  # fmt: skip
    redact = (
        "redact", keys / "t", "--jwk", keys / "cert-aq.jwk",
        "--audience", "civil-society", "--projection", keys / "p.json",
    )  # fmt: skip
    found = []
    for more in ((), ("--coarse", "address", "--coarse", "time")):
        assert run(*sign, *more)[0] == 0
        assert run(*redact)[0] == 0
        found.append('"coarse":' in (keys / "p.json").read_text())
    assert found == [False, True]


def test_a_token_from_standard_output_verifies_from_a_file(
    keys: Path, run: Run
) -> None:
    code, out, _ = run(
        "sign", SAMPLES / "bank-phishing.json", "--key", keys / "cert-aq.key",
        "--issuer", "cert-aq",
    )  # fmt: skip
    assert code == 0
    (keys / "t").write_text(out)
    code, out, _ = run("verify", keys / "t", "--jwk", keys / "cert-aq.jwk")
    assert code == 0
    assert "valid" in out


def test_one_flipped_bit_is_refused(token: Path, keys: Path, run: Run) -> None:
    body = bytearray(token.read_bytes())
    body[len(body) // 2] ^= 1
    token.write_bytes(body)
    code, _, err = run("verify", token, "--jwk", keys / "cert-aq.jwk")
    assert code == 1
    assert err.startswith("tocsin: refused: ")
    assert len(err.splitlines()) == 1


def test_a_flipped_bit_in_the_signed_part_is_a_signature_error(
    token: Path, keys: Path, run: Run
) -> None:
    head, dot, rest = token.read_bytes().partition(b".")
    flipped = bytes([rest[10] ^ 1])
    token.write_bytes(head + dot + rest[:10] + flipped + rest[11:])
    code, out, err = run("verify", token, "--jwk", keys / "cert-aq.jwk", "--json")
    refused((code, err), "signature")
    assert json.loads(out) == {"ok": False, "reason": "signature", "where": ""}


def test_an_unknown_key_is_refused(token: Path, tmp_path: Path, run: Run) -> None:
    run("keygen", "--org", "cert-aq", "--out", tmp_path / "other")
    code, _, err = run("verify", token, "--jwk", tmp_path / "other/cert-aq.jwk")
    refused((code, err), "unknown-key")


def test_a_forged_issuer_is_refused(keys: Path, run: Run) -> None:
    run("keygen", "--org", "platform-lumen", "--out", keys)
    path = keys / "forged.token"
    code, _, _ = run(
        "sign", SAMPLES / "election-leak.json", "--key", keys / "platform-lumen.key",
        "--issuer", "cert-aq", "-o", path,
    )  # fmt: skip
    assert code == 0  # anybody can claim to be anybody; nobody believes it
    code, _, err = run("verify", path, "--jwk", keys / "platform-lumen.jwk")
    refused((code, err), "unknown-key")


def test_a_key_that_others_may_read_is_not_used(keys: Path, run: Run) -> None:
    (keys / "cert-aq.key").chmod(0o644)
    code, err = sign(run, keys, "{}")
    assert code == 2
    assert "chmod 600" in err


@pytest.mark.parametrize(
    ("content", "reason", "where"),
    [
        ("not json " + SECRET_WORD, "unknown-format", ""),
        ('{"type": "' + SECRET_WORD, "not-json", ""),
        (b"{\xff\xfe", "not-utf8", ""),
        ('"text"', "unknown-format", ""),
        (f'{{"type": "letter", "body": "{SECRET_WORD}"}}', "unknown-format", ""),
        (f'{{"type": "letter", "id": "letter--{SECRET_WORD}"}}', "bad-id", "$"),
        ('{"type":"bundle","objects":[' + "[" * 60 + "]" * 60 + "]}", "too-deep", ""),
        (
            '{"objects":[{"x":' + "[" * 40 + "]" * 40 + "}]}",
            "too-deep",
            "$.objects[0][...][0]",
        ),
        ('{"a":1,"a":2}', "duplicate-key", ""),
        ('{"a":1e999}', "number-range", ""),
        ('{"a":9007199254740993}', "number-range", ""),
    ],
)
def test_bad_input_is_one_line_with_its_reason(
    keys: Path, run: Run, content: bytes | str, reason: str, where: str
) -> None:
    refused(sign(run, keys, content), reason, where)


def test_100_000_brackets_are_too_deep_and_no_crash(keys: Path, run: Run) -> None:
    refused(sign(run, keys, "[" * 100_000), "too-deep")


def test_a_file_above_16_mib_is_too_large(keys: Path, run: Run) -> None:
    refused(sign(run, keys, b'"' + b"a" * (17 << 20) + b'"'), "too-large")


def indicator(**changes: object) -> str:
    value = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--8a6a1bcb-0b56-481e-a467-63d389825935",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "pattern": f"[file:name = '{SECRET_WORD}']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    return json.dumps({"type": "bundle", "objects": [{**value, **changes}]})


def test_a_bundle_without_a_primary_object_is_refused(keys: Path, run: Run) -> None:
    refused(sign(run, keys, indicator(), "--tlp", "green"), "no-primary")


def test_a_primary_object_that_is_not_there_has_a_reason_of_its_own(
    keys: Path, run: Run
) -> None:
    options = ("--tlp", "green", "--primary", SECRET_WORD)
    refused(sign(run, keys, indicator(), *options), "primary-not-found")


def test_a_report_makes_loose_objects_a_record(keys: Path, run: Run) -> None:
    done = sign(run, keys, indicator(), "--tlp", "green", "--report", "One indicator")
    assert done == (0, "")


def test_an_unmarked_record_is_refused_without_tlp(keys: Path, run: Run) -> None:
    refused(sign(run, keys, indicator(), "--report", "x"), "unmarked", "$.report")


def test_a_bad_property_is_named_by_its_path_only(keys: Path, run: Run) -> None:
    bad = indicator(confidence=SECRET_WORD)
    refused(sign(run, keys, bad), "bad-property", "$.objects[0].confidence")


def test_red_needs_sealing(keys: Path, run: Run) -> None:
    done = sign(run, keys, indicator(), "--tlp", "red", "--report", "x")
    refused(done, "needs-sealing", lines=2)  # the report, and what it wraps


def test_a_missing_file_is_a_configuration_error(keys: Path, run: Run) -> None:
    code, _, err = run("verify", keys / "none", "--jwk", keys / "cert-aq.jwk")
    assert code == 2
    assert "No such file" in err


@pytest.mark.parametrize(
    "arguments",
    [("verify",), ("nonsense",), ("sign", "x"), ("redact", "x", "--audience", "king")],
)
def test_wrong_usage_is_exit_code_2_and_one_line(
    run: Run, arguments: tuple[str, ...]
) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert err.startswith("tocsin: usage: ")
    assert len(err.splitlines()) == 1


def test_each_audience_gets_less_and_its_evidence_verifies(
    token: Path, keys: Path, run: Run
) -> None:
    sizes = []
    for audience in ("peer-cert", "platform", "civil-society"):
        evidence = keys / f"{audience}.sdjwt"
        code, out, _ = run(
            "redact", token, "--audience", audience, "--jwk", keys / "cert-aq.jwk",
            "--evidence", evidence, "--projection", keys / "p.json", "--json",
            "--explain",
        )  # fmt: skip
        facts = json.loads(out)
        assert code == 0
        assert len(facts["cuts"]) == sum(facts["withheld"].values())
        assert run("verify", evidence, "--jwk", keys / "cert-aq.jwk")[0] == 0
        assert json.loads((keys / "p.json").read_text())["type"] == "bundle"
        sizes.append(len(sdjwt.split(evidence.read_bytes())[1]))
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_explain_names_a_row_and_its_reason(token: Path, keys: Path, run: Run) -> None:
    code, out, _ = run(
        "redact", token, "--audience", "civil-society", "--jwk",
        keys / "cert-aq.jwk", "--explain",
    )  # fmt: skip
    assert code == 0
    assert "policy-drop" in out


def test_a_view_outside_the_communities_gets_nothing(
    token: Path, keys: Path, run: Run
) -> None:
    code, _, err = run(
        "redact", token, "--audience", "platform", "--jwk", keys / "cert-aq.jwk",
        "--community", "urn:tocsin:community:other",
    )  # fmt: skip
    refused((code, err), "community")


def test_a_clearance_below_the_record_gets_nothing(
    token: Path, keys: Path, run: Run
) -> None:
    code, _, err = run(
        "redact", token, "--audience", "platform", "--jwk", keys / "cert-aq.jwk",
        "--clearance", "clear",
    )  # fmt: skip
    refused((code, err), "tlp-clearance")


def test_a_broker_that_is_not_there_is_exit_code_3(keys: Path, run: Run) -> None:
    (keys / "pw").write_text("secret-word-of-the-login")
    (keys / "pw").chmod(0o600)
    (keys / "p.toml").write_text(
        'org = "cert-aq"\nkey = "cert-aq.key"\nstate = "s.sqlite"\n[broker]\n'
        'url = "amqp://127.0.0.1:1/"\nuser = "cert-aq"\npassword_file = "pw"\n'
    )
    code, _, err = run(
        "publish", SAMPLES / "election-leak.json", "--config", keys / "p.toml"
    )
    assert code == 3
    assert "127.0.0.1:1" in err
    assert "secret-word-of-the-login" not in err
    assert len(err.splitlines()) == 1


def test_an_unknown_key_in_a_configuration_is_refused(keys: Path, run: Run) -> None:
    (keys / "p.toml").write_text('org = "cert-aq"\ncolour = "red"\n')
    code, _, err = run("publish", "--config", keys / "p.toml")
    assert code == 2
    assert "p.toml" in err


def configured(keys: Path, url: str, password: bytes) -> Path:
    (keys / "pw").write_bytes(password)
    (keys / "pw").chmod(0o600)
    path = keys / "p.toml"
    path.write_text(
        'org = "cert-aq"\nkey = "cert-aq.key"\nstate = "s.sqlite"\n[broker]\n'
        f'url = "{url}"\nuser = "cert-aq"\npassword_file = "pw"\n'
    )
    return path


@pytest.mark.parametrize(
    ("url", "password", "told"),
    [
        ("amqp://[::1", b"x", "broker.url must be"),
        ("amqp://127.0.0.1:99999/", b"x", "broker.url must be"),
        ("amqp://127.0.0.1:port/", b"x", "broker.url must be"),
        ("http://127.0.0.1/", b"x", "broker.url must be"),
        ("amqp://127.0.0.1:1/", b"\xff\xfe", "pw is not UTF-8"),
    ],
)
def test_a_broker_that_cannot_be_meant_is_configuration(
    keys: Path, run: Run, url: str, password: bytes, told: str
) -> None:
    code, _, err = run("publish", "--config", configured(keys, url, password))
    assert code == 2
    assert told in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("x", ["AAAA", "***", "é", "A" * 43, "other"])
def test_a_public_key_that_is_none_is_configuration(
    token: Path, keys: Path, run: Run, x: str
) -> None:
    path = keys / "cert-aq.jwk"
    if x == "other":  # somebody's, under our kid
        run("keygen", "--org", "cert-bv", "--out", keys)
        x = json.loads((keys / "cert-bv.jwk").read_text())["x"]
    path.write_text(json.dumps({**json.loads(path.read_text()), "x": x}))
    code, out, err = run("verify", token, "--jwk", path)
    assert (code, out) == (2, "")
    assert err.startswith("tocsin: configuration: ")
    assert len(err.splitlines()) == 1


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version") == (0, metadata.version("tocsin") + "\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
@pytest.mark.parametrize(
    "how", [("redact", "--audience", "platform"), ("verify", "--json")]
)
def test_a_standard_output_that_is_full_is_one_line(
    token: Path, keys: Path, how: tuple[str, ...]
) -> None:
    # One of bytes and one of text: each is a process, which takes seconds.
    arguments = (*how, token, "--jwk", keys / "cert-aq.jwk")
    start = "from adapters.cli.main import main; main()"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(  # noqa: S603  ourselves
            [sys.executable, "-P", "-c", start, *map(str, arguments)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "tocsin: configuration: cannot write standard output: No space left on device"
    ]


# -- help


def commands(app: Any, *words: str) -> Iterator[tuple[str, ...]]:
    for name, inner in app.resolved_commands().items():
        if not name.startswith("-"):
            yield (*words, name)
            yield from commands(inner, *words, name)


def test_no_help_takes_the_directory_for_a_plain_folder_alone(run: Run) -> None:
    # It may as well be a file that says where the signed one is.
    every = [*commands(command.app)]
    assert ("policy", "show") in every
    for words in every:
        code, out, _ = run(*words, "--help")
        assert (code, words, "members/*.json" in out) == (0, words, False)


def test_the_help_of_a_retry_says_that_it_is_decided_anew(run: Run) -> None:
    _, out, _ = run("deliveries", "retry", "--help")
    assert "policy, interests, keys and standing are asked again" in " ".join(
        out.split()
    )


# -- requests to take something down


@pytest.fixture
def request_text() -> str:
    page = SAMPLES.parents[2] / "docs" / "takedown.md"
    [example] = re.findall(r"```json\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    return example


ASK = "--to", "platform-lumen", "--concerns", "platform-lumen"


def test_a_request_is_signed_for_the_platform_that_it_names(
    keys: Path, run: Run, request_text: str
) -> None:
    token = keys / "t"
    done = sign(
        run, keys, request_text, "--kind", "takedown-request", *ASK, "-o", str(token)
    )
    assert done[0] == 0
    code, out, _ = run("verify", token, "--jwk", keys / "cert-aq.jwk", "--json")
    assert (code, json.loads(out)["kind"]) == (0, "takedown-request")
    platform = (
        "redact", token, "--jwk", keys / "cert-aq.jwk", "--audience", "platform",
        "--projection", keys / "p.json", "--json",
    )  # fmt: skip
    code, out, _ = run(*platform)
    assert (code, json.loads(out)) == (1, {"ok": False, "reason": "kind"})
    assert run(*platform, "--addressed", "--concerned")[0] == 0
    shown = (keys / "p.json").read_text()
    assert "Election Act of Aquenia, section 86" in shown
    assert "https://electoral-roll.example/check" in shown
    civil = *platform[:4], "--audience", "civil-society", "--addressed", "--json"
    code, out, _ = run(*civil)
    assert (code, json.loads(out)) == (1, {"ok": False, "reason": "kind"})


def test_checking_says_who_would_get_a_request(
    keys: Path, run: Run, request_text: str
) -> None:
    path = keys / "request.json"
    path.write_text(request_text)
    code, out, _ = run("check", path, *ASK, "--json")
    facts = json.loads(out)
    assert (code, facts["kind"], facts["findings"]) == (0, "takedown-request", [])
    code, out, _ = run("check", path, "--json")
    told = [each["rule"] for each in json.loads(out)["findings"]]
    assert (code, told) == (1, ["not-addressed"])


def test_a_request_to_nobody_is_not_signed(
    keys: Path, run: Run, request_text: str
) -> None:
    refused(sign(run, keys, request_text), "not-addressed", "$.to")


@pytest.mark.parametrize("name", ["requesting_body", "legal_basis", "necessity"])
def test_a_request_without_its_legal_basis_is_not_signed(
    keys: Path, run: Run, request_text: str, name: str
) -> None:
    bundle = json.loads(request_text)
    del bundle["objects"][0][name]
    done = sign(run, keys, json.dumps(bundle), *ASK)
    refused(done, "no-legal-basis", f"$.objects[0].{name}")


def test_a_request_under_pap_amber_is_not_signed(
    keys: Path, run: Run, request_text: str
) -> None:
    bundle = json.loads(request_text)
    bundle["objects"][2]["labels"] = ["PAP:AMBER"]
    done = sign(run, keys, json.dumps(bundle), *ASK)
    refused(done, "pap-forbids", "$.objects[2]")
