"""Findings as SARIF 2.1.0, which editors and CI systems show beside the line."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any, Final

from schemas.findings import Finding
from schemas.rules import rule

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def log(
    checked: Mapping[str, Sequence[Finding]], lines: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """Make one SARIF log of the findings of all files.

    Args:
        checked: Findings by the URI of their file.
        lines: Line of each place, by file.
    """
    used = sorted({finding.rule for each in checked.values() for finding in each})
    driver = {
        "name": "tocsin",
        "version": metadata.version("tocsin"),
        "rules": [
            {
                "id": code,
                "shortDescription": {"text": rule(code).sentence},
                "defaultConfiguration": {"level": rule(code).level},
            }
            for code in used
        ],
    }
    results = [
        _result(finding, used, file, lines.get(file, {}))
        for file, findings in checked.items()
        for finding in findings
    ]
    run = {"tool": {"driver": driver}, "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(
    finding: Finding, used: list[str], file: str, lines: Mapping[str, int]
) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": file}}
    place: dict[str, Any] = {"physicalLocation": physical}
    if finding.where in lines:
        physical["region"] = {"startLine": lines[finding.where]}
    if finding.where:
        place["logicalLocations"] = [{"fullyQualifiedName": finding.where}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": used.index(finding.rule),
        "level": rule(finding.rule).level,
        "message": {"text": sentence(finding)},
        "locations": [place],
    }


def sentence(finding: Finding) -> str:
    """Say what is wrong, what is expected, and how often it is so."""
    parts = [rule(finding.rule).sentence]
    if finding.expected:
        parts.append(f"Expected: {finding.expected}.")
    if finding.count > 1:
        parts.append(f"{finding.count:,} such places; this is the first.")
    return " ".join(parts)
