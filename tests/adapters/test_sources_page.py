"""docs/sources.md: its examples are read as it says, its skeleton works."""

import json
import re
from pathlib import Path

import pytest

from adapters.sources import formats
from adapters.sources.source import Input
from schemas import stix

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)
WHEN = "2026-12-01T10:00:00.000Z"


def block(beginning: str) -> str:
    [found] = [text for _, text in BLOCKS if text.startswith(beginning)]
    return found


@pytest.mark.parametrize(
    ("beginning", "source", "kind", "types"),
    [
        ("Domain ,IP", "csv", "report", {"indicator"}),
        (
            "Campaign,Claim",
            "spreadsheet",
            "campaign",
            {"narrative", "media-content", "channel", "attack-pattern", "location",
             "note", "relationship"},
        ),
    ],
)  # fmt: skip
def test_an_example_of_the_page_is_read_without_a_finding(
    beginning, source, kind, types
):
    given = Input(block(beginning).encode(), name="example", when=WHEN)
    assert formats.recognise(given).name == source
    found = formats.read(given)
    assert not found.losses
    assert {each.type for each in found.objects} == {kind} | types


def test_the_skeleton_of_the_page_is_a_source():
    module: dict = {}
    exec(block('"""Birds'), module)  # noqa: S102  the page's own text
    source = module["SOURCE"]
    birds = {"day": "Monday", "birds": [{"species": "wren", "ringer": "Ann", "x": 1}]}
    given = Input(json.dumps(birds).encode(), when=WHEN)
    assert source.recognises(given)
    assert not source.recognises(Input(b"bird,day\n", when=WHEN))
    found = source.read(given)
    assert [(each.rule, each.where) for each in found.losses] == [
        ("person-left-out", "$.birds[0].ringer"),
        ("no-equivalent", "$.birds[0][...]"),
    ]
    report = stix.encode_object(found.objects[1])
    assert report["object_refs"] == [found.objects[0].id]
