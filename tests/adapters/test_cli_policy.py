"""tocsin policy: check, show, diff and simulate, for people and as JSON."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from adapters.cli import main as command
from adapters.cli import show
from tests.support.policy_files import SHIPPED, shipped
from tests.support.views import POLICY

SAMPLES = Path(command.__file__).parent / "samples"
AUDIENCES = list(POLICY.audiences)
SECRETS = ("Temcott", "Saltmere", "nightly-archive", "203.0.113.77", "of-the-old-faith")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = command.run(["policy", *(str(a) for a in arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def told(run: Run) -> Callable[..., dict[str, Any]]:
    """Run with --json; the object."""

    def call(*arguments: object) -> dict[str, Any]:
        code, out, err = run(*arguments, "--json")
        facts: dict[str, Any] = json.loads(out)
        assert (err, facts["ok"]) == ("", code == 0)
        return facts

    return call


@pytest.fixture
def less(tmp_path: Path) -> Path:
    """Civil society gets no labels any more."""
    path = tmp_path / "less.toml"
    path.write_bytes(shipped("Labels", civil_society="drop"))
    return path


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """Civil society gets all labels."""
    path = tmp_path / "more.toml"
    path.write_bytes(
        shipped(
            "Labels", platform="keep", civil_society="keep", only=None,
            without=["harmless-labels"],
        )
    )  # fmt: skip
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.toml"
    text = shipped("Labels", civil_society="keep").decode()
    path.write_text(text.replace('types = ["text"]', 'types = ["txet"]'), "utf-8")
    return path


# --------------------------------------------------------------------------- check


def test_the_shipped_policy_has_no_problem(run: Run):
    code, out, err = run("check")
    assert (code, err) == (0, "")
    assert POLICY.name in out
    assert "5 audiences: national CERTs, online platforms" in out
    assert f"{len(POLICY.file.row)} rows" in out
    assert "1 rule on how old" in out


def test_a_program_is_told_what_a_policy_holds(told: Any):
    facts = told("check", SHIPPED)
    assert facts["policy"] == POLICY.name
    assert facts["audiences"] == AUDIENCES
    assert facts["rows"] == len(POLICY.file.row)
    assert facts["lists"]["public-patterns"] == 2


def test_every_problem_has_a_line_of_its_own(run: Run, broken: Path):
    code, out, err = run("check", broken)
    assert (code, err) == (2, "")
    first, second, last = out.splitlines()
    text = broken.read_text("utf-8").splitlines()
    for line, header in ((first, '"Labels"'), (second, '"Text that was found"')):
        place, _, _ = line.removeprefix(f"{broken}:").partition(":")
        assert text[int(place)] == f"title = {header}"
    assert "gets more (keep) than the audience before it" in first
    assert second.endswith("no type 'txet' is known; did you mean text?")
    assert last.startswith("2 problems")


def test_a_program_is_told_every_problem(run: Run, broken: Path):
    code, out, _ = run("check", broken, "--json")
    facts = json.loads(out)
    assert (code, facts["ok"], len(facts["problems"])) == (2, False, 2)
    assert all(each["line"] > 0 for each in facts["problems"])


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('civil-society = "drop"', 'civil-society = "dorp"', True, "Invalid enum"),
        ("review-days = 7", "review-days = 7 7", True, "not a policy"),
        ("review-days = 7", "review-days = 7000", False, "not a policy"),
    ],
)
def test_what_is_no_policy_has_one_problem(
    run: Run, tmp_path: Path, old: str, new: str, line: bool, said: str
):
    path = tmp_path / "x.toml"
    path.write_text(SHIPPED.read_text("utf-8").replace(old, new, 1), "utf-8")
    code, out, _ = run("check", path, "--json")
    (problem,) = json.loads(out)["problems"]
    assert (code, bool(problem["line"])) == (2, line)
    assert said in problem["text"]
    assert str(path) not in problem["text"]
    assert run("check", path)[1].startswith(f"{path}:")


def test_a_file_that_is_not_there_is_a_configuration_error(run: Run, tmp_path: Path):
    code, out, err = run("check", tmp_path / "none.toml")
    assert (code, out) == (2, "")
    assert "cannot read" in err


def test_other_commands_say_the_first_problem_and_where_to_see_the_rest(
    run: Run, broken: Path
):
    code, out, err = run("show", "--policy", broken)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert f"(and 1 more; type: tocsin policy check {broken})" in err
    one = broken.with_name("one.toml")
    one.write_bytes(shipped("Labels", civil_society="keep"))
    assert "more;" not in run("show", "--policy", one)[2]


# ---------------------------------------------------------------------------- show


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_policy_is_told_in_sentences(run: Run, audience: str):
    code, out, err = run("show", audience)
    assert (code, err) == (0, "")
    headings = [line for line in out.splitlines() if line and line[0] != "-"]
    assert "What comes at all, by its marking" in headings
    assert headings.index("In full, as the issuer wrote it") < headings.index(
        "Not at all"
    )
    assert headings[-1] == "The lists"
    assert "- Advice: in full. Advice is the useful part" in out
    assert "extensions." not in out


def test_a_program_is_told_the_same(told: Any):
    facts = told("show", "civil-society")
    assert facts["audience"] == "civil-society"
    (labels,) = (
        line
        for part in facts["parts"]
        for line in part["lines"]
        if line["title"] == "Labels"
    )
    assert labels["action"] == "listed"
    assert SHIPPED.read_text("utf-8").splitlines()[labels["line"]] == 'title = "Labels"'


def test_without_an_audience_there_is_a_table(run: Run, told: Any):
    code, out, _ = run("show")
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == " ".join(AUDIENCES)
    assert "TLP:GREEN all all all all -" in lines
    assert "Labels in full listed listed listed listed" in lines
    facts = told("show")
    assert len(facts["rows"]) == len(POLICY.file.row)
    assert facts["gates"][0]["words"]["public"] == "cleared"


def test_an_engineer_sees_types_properties_and_lines(run: Run, told: Any, less: Path):
    code, out, _ = run("show", "civil-society", "--type", "channel", "--policy", less)
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert any(line.startswith("labels operated, ordinary drop 5 ") for line in lines)
    assert any(line.startswith("name operated, concerned ") for line in lines)
    facts = told("show", "civil-society", "--type", "channel")
    assert {tuple(each["actions"]) for each in facts["properties"]} == {
        ("civil-society",)
    }
    assert facts["limits_of_laws"] == []
    note = told("show", "--type", "note")
    assert [each["at-most"] for each in note["limits_of_laws"]] == ["mask", "mask"]
    assert "limit 3: at most mask of" in run("show", "--type", "note")[1]


def test_what_there_is_not_is_a_configuration_error(run: Run, tmp_path: Path):
    code, _, err = run("show", "--type", "chanel")
    assert code == 2
    assert "did you mean channel?" in err
    small = tmp_path / "small.toml"
    text = SHIPPED.read_text("utf-8")
    start = text.index('[[audience]]\nname = "public"')
    small.write_text(text[:start] + text[text.index("# ----", start) :], "utf-8")
    code, _, err = run("show", "public", "--policy", small)
    assert code == 2
    assert "no audience public; it has peer-cert" in err
    code, _, err = run("simulate", SAMPLES, "--policy", small, "--against", small, "--audience", "public")  # fmt: skip
    assert code == 2
    assert "neither policy has an audience public" in err


# ---------------------------------------------------------------------------- diff


def test_a_policy_does_not_differ_from_itself(run: Run, told: Any):
    assert run("diff", "shipped", SHIPPED, "--exit-code")[0] == 0
    assert "no difference in meaning" in run("diff", SHIPPED, "shipped")[1]
    facts = told("diff", "shipped", "shipped")
    assert facts["rows"] == facts["others"] == []


def test_one_changed_line_is_seen_in_both_directions(run: Run, less: Path, more: Path):
    code, out, err = run("diff", "shipped", less)
    assert (code, err) == (0, "")
    assert "shows more: 0, shows less: 1, other: 0" in out
    assert "SHOWS LESS\n- Labels: listed: harmless-labels -> drop" in out
    assert "for civil-society, public, research" in out
    code, out, _ = run("diff", less, "shipped")
    assert "SHOWS MORE\n+ Labels: drop -> listed: harmless-labels" in out
    out = run("diff", "shipped", more)[1]
    assert "SHOWS MORE\n+ Labels: listed: harmless-labels -> keep" in out
    assert "for civil-society, platform, public, research" in out


def test_the_exit_code_tells_a_difference_only_if_asked(run: Run, less: Path):
    assert run("diff", "shipped", less)[0] == 0
    assert run("diff", "shipped", less, "--exit-code")[0] == 1


def test_what_shows_more_comes_first(run: Run, told: Any, tmp_path: Path):
    mixed = tmp_path / "mixed.toml"
    text = shipped("Labels", civil_society="drop").decode()
    for old, new in (
        ("days = 1825", "days = 2000"),
        ("after-days = 30", "after-days = 60"),
        ("review-days = 7", "review-days = 9"),
        ('"nvd"', '"oval"'),
        ('platform = "affected"', 'platform = "cleared"'),
        ('title = "The kind of channel"\ntypes = ["channel"]', 'title = "The kind of channel"\ntypes = ["channel"]\nrole = "operated"'),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new, 1)
    mixed.write_text(text, "utf-8")
    out = run("diff", "shipped", mixed)[1]
    assert out.index("SHOWS MORE") < out.index("SHOWS LESS") < out.index("OTHER")
    assert "+ gate TLP:AMBER: affected -> cleared\n    for platform" in out
    assert "+ oldest record: 1825 days -> 2000 days, in AT BE" in out
    assert "- audience, after-days: 30 -> 60\n    for research" in out
    assert "~ list public-catalogues: with oval without nvd\n    for all" in out
    assert "~ persons have 9 days to agree, not 7" in out
    assert "The kind of channel -> (no row): keep -> drop  (channel_types of channel (ordinary))" in out  # fmt: skip
    facts = told("diff", "shipped", mixed)
    assert facts["counts"]["other"] == 2
    assert {each["subject"] for each in facts["others"]} == {"audience", "gate", "list", "retention", "review"}  # fmt: skip
    back = run("diff", mixed, "shipped")[1]
    assert "- oldest record: 2000 days -> 1825 days" in back
    gone = tmp_path / "gone.toml"
    start = text.index("[[retention]]")
    gone.write_text(text[:start] + text[text.index("# ----", start) :], "utf-8")
    assert "+ oldest record: 2000 days -> any age" in run("diff", mixed, gone)[1]


def test_where_it_matters_and_under_which_law_is_said(run: Run, tmp_path: Path):
    title = "The name of a channel run by the campaign, for the platform concerned"
    one = tmp_path / "one.toml"
    one.write_bytes(shipped(title, platform="mask"))
    assert (
        "(name where concerned of channel (operated))" in run("diff", "shipped", one)[1]
    )
    law = tmp_path / "law.toml"
    text = SHIPPED.read_text("utf-8")
    law.write_text(
        text.replace('jurisdictions = ["ID", "MY"', 'jurisdictions = ["MY"', 1)
    )
    out = run("diff", "shipped", law)[1]
    assert "mask -> keep, under the law of ID" in out
    base = tmp_path / "base.toml"
    base.write_bytes(shipped("The name of a channel run by the campaign", platform="drop", civil_society="drop"))  # fmt: skip
    assert "name where not concerned of" in run("diff", "shipped", base)[1]


# ------------------------------------------------------------------------ simulate


@pytest.fixture
def folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """Signed samples: a token, a compressed one, one in a folder, and a plain file."""
    keys, out = tmp_path / "keys", tmp_path / "records"
    (out / "older").mkdir(parents=True)
    (out / ".hidden").mkdir()
    (out / ".hidden" / "x.json").write_text("{}")
    (out / "notes.txt").write_text("eggs, milk")
    command.run(["keygen", "--org", "cert-aq", "--out", str(keys)])
    for name, place in (
        ("election-leak", "leak.sdjwt"),
        ("bank-phishing", "older/phishing.token"),
        ("bank-phishing-correction", "correction.sdjwt.zst"),
    ):
        path = out / place
        kind = ["--kind", "correction"] if "correction" in name else []
        code = command.run(
            ["sign", str(SAMPLES / f"{name}.json"), "--key", str(keys / "cert-aq.key"),
             "--issuer", "cert-aq", "-o", str(path), *kind]
        )  # fmt: skip
        assert code == 0
    packed = out / "correction.sdjwt.zst"
    packed.write_bytes(zstandard.ZstdCompressor().compress(packed.read_bytes()))
    plain = json.loads((SAMPLES / "election-leak.json").read_text("utf-8"))
    for one in plain["objects"]:
        if one["type"] == "incident":
            one["labels"] = [*one.get("labels", []), "of-the-old-faith"]
    (out / "plain.json").write_text(json.dumps(plain), "utf-8")
    capfd.readouterr()
    return out


@pytest.fixture
def jwk(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "cert-aq.jwk"


def test_one_changed_line_is_seen_in_last_weeks_records(
    told: Any, folder: Path, jwk: Path, less: Path, more: Path
):
    hidden = told("simulate", folder, "--policy", less, "--jwk", jwk)
    assert (hidden["records"], hidden["refused"]) == (4, [])
    assert {each["title"] for each in hidden["titles"]} == {"Labels"}
    assert {each["audience"] for each in hidden["titles"]} == {"civil-society", "research", "public"}  # fmt: skip
    assert hidden["audiences"]["civil-society"] == {
        "shown": 0, "hidden": 4, "changed": 0, "records": 4,
    }  # fmt: skip
    assert hidden["audiences"]["platform"]["records"] == 0
    assert {each["file"] for each in hidden["by_record"]} == {
        "leak.sdjwt", "older/phishing.token", "correction.sdjwt.zst", "plain.json",
    }  # fmt: skip
    shown = told("simulate", folder, "--policy", more, "--jwk", jwk)
    assert [each["file"] for each in shown["by_record"]] == ["plain.json"] * 3
    assert shown["audiences"]["civil-society"]["shown"] == 1
    (place,) = (each for each in shown["places"] if each["audience"] == "platform")
    assert (place["change"], place["property"], place["is_part"]) == (
        "shown",
        "labels",
        True,
    )
    plain = json.loads((folder / "plain.json").read_text("utf-8"))["objects"]
    assert place["object_id"] in {one["id"] for one in plain}  # as its file has it


def test_people_read_what_would_be_shown_first_and_no_value(
    run: Run, folder: Path, jwk: Path, more: Path, less: Path
):
    code, out, err = run("simulate", folder, "--policy", more, "--against", less, "--jwk", jwk, "--places", 2)  # fmt: skip
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0].endswith(": 4 records")
    assert "civil-society 4 0 0 4" in lines
    assert "Labels (civil-society) 4 0 0 4" in lines
    assert any(
        x.startswith("and ") and x.endswith(" more lines of records") for x in lines
    )
    assert any(
        x.startswith("+ incident--") and "labels: nothing -> signed" in x for x in lines
    )
    assert any(x.startswith("and ") and x.endswith(" more places shown") for x in lines)
    assert not [secret for secret in SECRETS if secret in out]
    out = run("simulate", folder, "--policy", more, "--jwk", jwk)[1]
    assert "labels: in part; platform; plain.json; Labels" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "plain.json 1 0 0 civil-society" in lines
    assert "more places" not in out


def test_nothing_would_change(run: Run, folder: Path, jwk: Path):
    code, out, _ = run("simulate", folder, "--policy", SHIPPED, "--jwk", jwk)
    assert code == 0
    assert out.splitlines()[-1] == "nothing would change for any audience"


def test_records_given_or_refused_as_a_whole(run: Run, told: Any, tmp_path: Path):
    closed = tmp_path / "closed.toml"
    old = 'mark = "TLP:GREEN"\npeer-cert = "cleared"\nplatform = "cleared"\ncivil-society = "cleared"'  # fmt: skip
    text = SHIPPED.read_text("utf-8")
    assert old in text
    text = text.replace(old, old.replace('society = "cleared"', 'society = "nobody"'))
    amber = text.index('mark = "TLP:GREEN"')
    closed.write_text(text[:amber] + text[amber:].replace("PAP", "PAP"), "utf-8")
    facts = told("simulate", SAMPLES, "--policy", closed, "--audience", "civil-society")
    files = {each["file"] for each in facts["withdrawn"]}
    assert "election-leak.json" in files
    assert {each["reason"] for each in facts["withdrawn"]} == {"tlp-audience"}
    assert (facts["given"], facts["places"]) == ([], [])
    assert list(facts["audiences"]) == ["civil-society"]
    _, out, _ = run("simulate", SAMPLES, "--policy", "shipped", "--against", closed)
    assert (
        "+ given as a whole to civil-society: election-leak.json (tlp-audience:" in out
    )
    _, out, _ = run("simulate", SAMPLES, "--policy", closed)
    assert "- refused as a whole to research: election-leak.json" in out


def test_what_is_refused_is_named_and_the_rest_is_tried(
    run: Run, folder: Path, jwk: Path, less: Path
):
    bent = folder / "leak.sdjwt"
    bent.write_bytes(bent.read_bytes()[:-40])
    (folder / "odd.json").write_text('{"type": "bundle", "objects": []}')
    code, out, err = run("simulate", folder, "--policy", less, "--jwk", jwk)
    assert code == 1
    assert "3 records" in out
    assert [line.split(": ")[2] for line in err.splitlines()] == [
        "leak.sdjwt",
        "odd.json",
    ]
    code, out, _ = run("simulate", folder, "--policy", less, "--jwk", jwk, "--json")
    facts = json.loads(out)
    assert (code, facts["ok"], facts["records"]) == (1, False, 3)
    assert [each["file"] for each in facts["refused"]] == ["leak.sdjwt", "odd.json"]


def test_tokens_need_keys_and_plain_files_do_not(run: Run, folder: Path, less: Path):
    code, _, err = run("simulate", folder, "--policy", less)
    assert code == 2
    assert "give either --directory or --jwk" in err
    for path in [*folder.glob("*.sdjwt*"), *folder.glob("older/*")]:
        path.unlink()
    assert run("simulate", folder, "--policy", less)[0] == 0


def test_an_unmarked_table_is_tried_with_the_marking_that_is_given(
    run: Run, tmp_path: Path, less: Path
):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "tips.csv").write_text("type,value\ndomain-name,bad.example\n")
    code, _, err = run("simulate", folder, "--policy", less)
    assert (code, "tips.csv" in err) == (1, True)
    assert run("simulate", folder, "--policy", less, "--tlp", "clear")[0] == 0


def test_a_folder_without_records_is_a_configuration_error(
    run: Run, tmp_path: Path, less: Path
):
    code, _, err = run("simulate", tmp_path / "none", "--policy", less)
    assert (code, "no folder" in err) == (2, True)
    (tmp_path / "empty").mkdir()
    shutil.copy(SHIPPED, tmp_path / "empty")
    code, _, err = run("simulate", tmp_path / "empty", "--policy", less)
    assert (code, "no token and no record" in err) == (2, True)


def test_the_view_may_be_of_those_concerned_and_under_a_law(
    told: Any, less: Path, tmp_path: Path
):
    title = "An account run by the campaign, for the platform concerned"
    path = tmp_path / "one.toml"
    path.write_bytes(shipped(title, platform="drop", civil_society="drop"))
    options = ("--policy", path, "--audience", "platform")
    assert told("simulate", SAMPLES, *options)["titles"] == []
    found = told("simulate", SAMPLES, *options, "--concerned", "--addressed", "--jurisdiction", "DE")  # fmt: skip
    assert title in {each["title"] for each in found["titles"]}


def test_a_bar_moves_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with show.progress("trying", 5) as step:
        step(1)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with show.progress("trying", 5) as step:
        step(1)
    out, err = capsys.readouterr()
    assert (out, "trying" in err) == ("", True)
