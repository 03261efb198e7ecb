"""Redaction under attack: nothing is found that must not be, and no new kind of leak."""

import re
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.redteam import on_hashes, run, scenes
from tests.redteam.leaks import KNOWN, MUST_FAIL
from tests.redteam.world import Case, Hit, withheld
from tests.support.real_data import DATA

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "threat-model.md"
SAMPLES = {"sample election-leak", "sample monitor-observation"}
SLOW = ("sample ", "versions ", "demo", "real ")


def is_quick(case: Case) -> bool:
    """Tell whether it is quick to attack and needs no file beside the checkout."""
    return case.name in SAMPLES or not case.name.startswith(SLOW)


@cache
def cases() -> tuple[Case, ...]:
    """Every kind of scene; `make redteam` has more generated and larger real ones."""
    return tuple(scenes.everything(3, real_objects=30))


@cache
def hits(*, quick: bool) -> tuple[Hit, ...]:
    chosen = [each for each in cases() if is_quick(each) is quick]
    return tuple(hit for case in chosen for hit in run.attack(case))


def test_nothing_is_found_that_must_not_be():
    assert [hit for hit in hits(quick=True) if hit.leak in MUST_FAIL] == []


def test_no_new_kind_of_leak_appears():
    assert {hit.leak for hit in hits(quick=True)} <= KNOWN.keys()


def test_members_are_given_enough_for_the_attacks_to_mean_something():
    for case in scenes.sequences():
        for version in case.versions:
            assert version.got
            assert any(withheld(version, got) for got in version.got)


def test_every_kind_of_leak_is_known_or_must_fail():
    code = "".join(path.read_text("utf-8") for path in FOLDER.glob("on_*.py"))
    named = {
        found
        for found in re.findall(r'"([a-z]+\.[a-z][a-z-]+)"', code)
        if found.split(".")[0] in {leak.split(".")[0] for leak in KNOWN | MUST_FAIL}
    }
    named |= {f"{leak}-of-object" for leak in ("twins.read", "twins.mention")}
    named |= {f"twins.{word}-of-object" for word in ("facts", "given", "receipt")}
    named.discard("twins.pseudonym-of-object")
    assert named == KNOWN.keys() | MUST_FAIL.keys()
    assert not KNOWN.keys() & MUST_FAIL.keys()


def test_the_page_names_every_kind_of_leak_and_every_attack_that_exists():
    page = PAGE.read_text("utf-8")
    named = set(re.findall(r"`([a-z]+\.[a-z][a-z-]+)`", page))
    assert KNOWN.keys() | MUST_FAIL.keys() <= named
    attacks = set(re.findall(r"`(on_[a-z]+\.[a-z_]+)`", page))
    assert attacks == set(run.ATTACKS)


def test_decoys_are_told_from_withheld_parts_by_trying_all_sets():
    # Not only possible: it takes a second. See `hashes.full` on the page.
    case = next(c for c in scenes.samples() if c.name == "sample bank-phishing")
    version = case.versions[0]
    peer = next(got for got in version.got if got.audience == "peer-cert")
    decoys = on_hashes.subset(peer)
    real = set(version.whole.opened.digests)
    assert decoys == on_hashes.unknown(peer) - real


def test_a_case_says_what_was_found_and_the_command_fails_for_a_bug(capsys):
    assert run.report([Hit("counts.objects", "a case", "x", 3)]) == 0
    assert "1 in 1, 3 / 3 / 3" in capsys.readouterr().out
    assert run.report([Hit("values.standing", "a case", "a.b in c.d")]) == 1
    assert "BUG values.standing" in capsys.readouterr().out


@pytest.mark.slow
def test_in_all_scenes_it_finds_all_known_leaks_and_nothing_new(capsys):
    status = run.report(hits(quick=True) + hits(quick=False))
    said = capsys.readouterr().out
    assert status == 0, said
    # One that was closed is struck off the list, and off the page.
    lost = {line.split()[0] for line in said.splitlines() if "not found" in line}
    real = {"values.in-vocabulary", "times.whole-days"}
    assert lost <= (set() if DATA.is_dir() else real)


def test_the_command_attacks_and_stops_when_its_time_is_over(capsys, monkeypatch):
    monkeypatch.setattr(scenes, "everything", lambda _: scenes.sequences())
    monkeypatch.setattr(sys, "argv", ["redteam", "--seconds", "600"])
    assert run.main() == 0
    assert "attacks on 7 cases\n" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["redteam", "--seconds", "-1"])
    assert run.main() == 0
    said = capsys.readouterr().out
    assert "stopped before 'two records about one victim'\n" in said
    assert "attacks on 0 cases\n" in said
