"""catalogue import, catalogue show: the techniques that records name."""

from pathlib import Path
from typing import Any

import msgspec
from cyclopts import App

from adapters.cli import show
from adapters.cli.load import read_file, write_file
from broker.errors import ConfigError
from schemas.catalogue import (
    MAX_BUNDLE_BYTES,
    Catalogue,
    Framework,
    catalogue_of,
    decode_catalogue,
    encode_catalogue,
    read_bundle,
)
from schemas.techniques import ATTACK, DISARM, framework_named, framework_of

catalogue = App(
    name="catalogue",
    help="Catalogues of techniques (DISARM, MITRE ATT&CK), for checking records.",
)


@catalogue.command(name="import")
def import_bundle(
    bundle: Path, /, *, out: Path, framework: str | None = None, json: bool = False
) -> None:
    """Make a catalogue from the STIX bundle that a framework's authors publish.

    The framework is recognised by addresses and tactics, not by the name of the
    source: DISARM's bundle calls its techniques "mitre-attack".

    Args:
        bundle: STIX 2.0 or 2.1 bundle of techniques; - reads standard input.
        out: Where the catalogue goes.
        framework: disarm, attack, or another name; needed where it is not recognised.
        json: Print JSON.
    """
    items = read_bundle(read_file(bundle, MAX_BUNDLE_BYTES))
    made = catalogue_of(items, _framework(framework, framework_of(items)))
    write_file(out, encode_catalogue(made))
    facts = _summary(made)
    if json:
        show.json_line({"ok": True, "catalogue": str(out), **facts})
        return
    show.line(f"{out}: {made.title}, as of {made.modified or 'no date'}")
    show.line(
        f"{facts['techniques']} techniques ({facts['refinements']} of them refine "
        f"another, {facts['deprecated']} given up) in {facts['tactics']} tactics"
    )
    for statement in made.statements:
        show.line(f"licence, as its authors state it: {statement}")


@catalogue.command(name="show")
def show_catalogue(
    file: Path, number: str | None = None, /, *, json: bool = False
) -> None:
    """Show what a catalogue holds, or one technique or tactic of it.

    Args:
        file: What catalogue import wrote; - reads standard input.
        number: Id of a technique or tactic.
        json: Print JSON.
    """
    held = decode_catalogue(read_file(file))
    facts = _summary(held) if number is None else _one(held, number)
    if json:
        show.json_line({"ok": True, **facts})
        return
    if number is None:
        tactics = {n: f"{n} {name}" for n, name in held.tactics.items()}
        facts = {**facts, "tactics": list(tactics.values())}
    for name, value in facts.items():
        if value is True:
            show.line(f"{name}: yes")
        elif value not in ("", [], False):
            text = "; ".join(value) if isinstance(value, list) else value
            show.line(f"{name.replace('_', ' ')}: {text}")


def _framework(given: str | None, recognised: str | None) -> str:
    if given is None:
        if recognised is None:
            raise ConfigError(
                "neither addresses nor tactics tell whose techniques these are; give "
                "--framework"
            )
        return recognised
    name = framework_named(given)
    if {name, recognised} == {DISARM, ATTACK}:
        raise ConfigError(
            f"its addresses and tactics are those of {recognised}, not of {name}"
        )
    try:
        return msgspec.convert(name, Framework)
    except msgspec.ValidationError:
        raise ConfigError(
            "the name of a framework is 1 to 60 lower case letters, digits and hyphens"
        ) from None


def _summary(held: Catalogue) -> dict[str, Any]:
    techniques = held.techniques.values()
    return {
        "framework": held.framework,
        "version": held.version,
        "modified": held.modified,
        "techniques": len(techniques),
        "refinements": sum(1 for each in techniques if each.parent),
        "deprecated": sum(1 for each in techniques if each.deprecated),
        "tactics": len(held.tactics),
        "statements": list(held.statements),
    }


def _one(held: Catalogue, number: str) -> dict[str, Any]:
    def named(of: str) -> str:
        technique = held.techniques.get(of)
        name = held.tactics.get(of, "") if technique is None else technique.name
        return f"{of} {name}".rstrip()

    technique = held.techniques.get(number)
    if technique is not None:
        return {
            "framework": held.framework,
            "id": number,
            "name": technique.name,
            "tactics": [named(each) for each in technique.tactics],
            "refines": named(technique.parent) if technique.parent else "",
            "refined_by": [named(each) for each in held.refined(number)],
            "deprecated": technique.deprecated,
        }
    if number in held.tactics:
        return {
            "framework": held.framework,
            "id": number,
            "name": held.tactics[number],
            "techniques": [named(each) for each in held.of_tactic(number)],
        }
    raise ConfigError(f"the catalogue of {held.title} has no such id")
