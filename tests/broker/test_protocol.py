"""docs/protocol.md: what its tables and its example say is what the code does.

Its made parts are those of `tests/vectors/protocol_examples.py`; if a test here says
that the page differs, look at the difference first: the format may have changed.
"""

import re
from typing import Any

import msgspec
import pytest

from broker import disclosures, sdjwt, seen, segments, trust, unfolding, wire
from broker.concealing import filled
from schemas import codec, profile, reasons, record
from schemas.stix.values import MAX_TEXT_CHARS
from tests.support import records
from tests.vectors import protocol_examples as examples

PAGE = examples.PAGE.read_text("utf-8")
CLAIMS: dict[str, Any] = msgspec.json.schema(record.Claims)["$defs"]["Claims"][
    "properties"
]
CODE = re.compile(r"`([a-z]+(?:-[a-z0-9]+)*)`")
# Section 4 and 5 tell where a token is refused; these reasons are no part of them.
NOT_IN_THE_PLAN = {
    "gate",
    "way",
    "directory",
    "input",
    "issuer",
    "answer",
    "order",
    "heartbeat",
    "proof",
    "delivery",
    "undelivered",
    "receipt",
    "review",
    "governance",
    "sealed",
    "view",
    "interests",
    "admission",
}


def section(title: str) -> str:
    """The text from a heading to the next of its rank or a higher one."""
    rank = title.index(" ")
    found = re.search(
        rf"^{re.escape(title)}.*?(?=^#{{1,{rank}}} |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows, without heads and rulers."""
    lines = re.findall(r"^\| ?(.*?) ?\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def limits() -> dict[str, int]:
    found = rows(section("### Limits"))
    return {
        cells[0]: int(cells[1].replace(",", ""))
        for cells in found
        if re.fullmatch("[0-9,]+", cells[1])
    }


def levels() -> dict[str, set[str]]:
    table = rows(section("## 6. Reason codes and levels"))[2:]
    return {cells[0]: set(CODE.findall(cells[2])) for cells in table}


# ----------------------------------------------------------------- what is made


def test_what_is_made_is_as_the_script_makes_it() -> None:
    assert examples.rewritten(PAGE) == PAGE


def test_the_page_has_a_place_for_all_that_is_made() -> None:
    assert sorted(examples.names_in(PAGE)) == sorted(examples.made())


def test_the_example_is_cut_as_the_page_says() -> None:
    whole = examples.verified(examples.token())
    cut = examples.verified(examples.redacted())
    assert whole.complete
    assert not cut.complete
    assert cut.token_id == whole.token_id
    [shown] = cut.plain
    assert "name" not in shown
    assert shown["description"].count(profile.WITHHELD_TEXT) == 1
    gaps = dict(cut.opened.withheld)
    here = ("stix", "objects")
    assert gaps == {(): 8, here: 7, (*here, 0): 1, (*here, 0, "description"): 1}


def test_the_stamp_of_the_example_holds() -> None:
    found = seen.verify_stamp(
        examples.stamp(), examples.directory(), now=records.NOW + 10
    )
    assert found.seen_of(examples.verified(examples.token()).token_id) == found.seen


# --------------------------------------------------------------------- reasons


def test_every_reason_stands_in_the_table_of_reasons() -> None:
    assert set().union(*levels().values()) == reasons.REASONS.keys()


def test_the_plan_of_verification_refuses_with_the_reasons_of_a_token() -> None:
    of_json = re.search(
        r"\*\*Strict JSON\*\*.*?\n\n", section("## 1. Terms"), re.DOTALL
    )
    assert of_json is not None
    refusals = [of_json[0]]
    # The table of limits names reasons of the plan once more.
    plan = section("## 4. Verification").replace(section("### Limits"), "")
    for part in (plan, section("## 5. The profile")):
        refusals += [cells[-1] for cells in rows(part) if len(cells) > 1]
    prose = re.sub(r"^\|.*", "", section("## 5. The profile"), flags=re.MULTILINE)
    refusals += re.findall(r"\(`[a-z-]+`\)", prose)
    told = set(CODE.findall(" ".join(refusals))) & reasons.REASONS.keys()
    of_limits = set().union(*(levels()[level] for level in NOT_IN_THE_PLAN))
    of_a_token = set().union(
        *(codes for level, codes in levels().items() if level not in NOT_IN_THE_PLAN)
    )
    assert told - of_limits == of_a_token - of_limits


@pytest.mark.parametrize("code", sorted(reasons.REASONS))
def test_no_reason_has_two_levels_of_a_token(code: str) -> None:
    found = [level for level in ("format", "record", "stix") if code in levels()[level]]
    assert len(found) <= 1


# ---------------------------------------------------------------------- limits


def test_the_limits_are_those_of_the_code() -> None:
    fillable = {
        name: value for name, value in limits().items() if not name.startswith("`")
    }
    assert fillable == {
        "token, decompressed": sdjwt.MAX_TOKEN_BYTES,
        "disclosures": sdjwt.MAX_DISCLOSURES,
        "commas, `[` and `{`": disclosures.MAX_VALUES,
        "header": sdjwt.MAX_HEADER_BYTES,
        "depth": unfolding.MAX_DEPTH,
        "integer, either sign": codec.MAX_SAFE_INT,
        "salt, at least": disclosures.MIN_SALT_CHARS,
        "digest": len(filled((), 1, records.entropy())[0]),
        "string in an object": MAX_TEXT_CHARS,
        "clock skew": trust.MAX_CLOCK_SKEW_S,
        "word in an extension": max(n for n in range(100) if profile.is_word("a" * n)),
        "zstd window": wire.MAX_WINDOW_BYTES,
        "stamp or head": seen.MAX_CHARS,
        "objects (issuer)": record.MAX_OBJECTS,
        "segments of a text (issuer)": segments.MAX_SEGMENTS,
    }


def test_the_limits_of_claims_are_those_of_the_code() -> None:
    said = {
        name: value
        for names, value in limits().items()
        for name in re.findall("`([a-z]+)`", names)
    }
    known = {
        name: rule[limit]
        for name, rule in CLAIMS.items()
        for limit in ("maximum", "maxLength", "maxItems")
        if limit in rule
    }
    assert said == known


# ---------------------------------------------------------------------- claims


def test_the_claims_are_those_of_the_code() -> None:
    names = [
        name
        for cells in rows(section("## 3. Claims"))
        for name in re.findall("`([a-z_]+)`", cells[0])
    ]
    of_the_format = {"_sd_alg", "_sd", "stix"}
    kinds = {"incident", "campaign", "advisory", "feedback", "correction", "retraction"}
    assert set(names) - of_the_format - kinds == CLAIMS.keys()


@pytest.mark.parametrize(
    ("claim", "pattern"),
    [
        ("iss", CLAIMS["iss"]["pattern"]),
        ("aud", CLAIMS["aud"]["items"]["pattern"]),
        ("countries", CLAIMS["countries"]["items"]["pattern"]),
        ("sectors", CLAIMS["sectors"]["items"]["pattern"]),
        ("languages", CLAIMS["languages"]["items"]["pattern"]),
    ],
)
def test_the_form_of_a_claim_is_that_of_the_code(claim: str, pattern: str) -> None:
    bare = pattern.removeprefix("^").removesuffix(r"\Z")
    [cells] = [c for c in rows(section("## 3. Claims")) if c[0] == f"`{claim}`"]
    assert f"`{bare}`" in cells[1]


def test_what_may_be_withheld_of_the_claims_is_what_the_code_says() -> None:
    told = {
        name
        for cells in rows(section("## 3. Claims"))
        if "*withholdable" in cells[0]
        for name in re.findall("`([a-z]+)`", cells[0])
    }
    assert told == set(trust._WITHHOLDABLE_CLAIMS)
