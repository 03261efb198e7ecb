"""Good vectors, about what stands in objects: texts, arrays, extensions, coarse values."""

from typing import Any

from tests.vectors.cast import (
    CORE,
    DISINFORMATION,
    MADE_TO,
    MARK,
    PROTECT,
    address,
    an_id,
    each,
    identity_of,
    main,
    other,
    request,
    said,
)
from tests.vectors.spelling import Cut, Part
from tests.vectors.vector import Shelf

SENTENCES = (
    "A register was copied. ",
    "It is not confirmed. ",
    "Votes were counted. ",
    "Ask for a second factor.",
)
# Of each type, what is always visible besides the common properties.
ALWAYS = {
    "event": {"status": "occurred"},
    "grouping": {"context": "suspicious-activity"},
    "identity": {"identity_class": "organization"},
    "impact": {"impact_category": "monetary"},
    "indicator": {
        "valid_until": "2027-01-01T00:00:00Z",
        "pattern_type": "stix",
        "pattern_version": "2.1",
    },
    "malware": {"is_family": False},
    "marking-definition": {"definition_type": "statement"},
    "opinion": {"opinion": "disagree"},
    "relationship": {"relationship_type": "uses"},
    "task": {"outcome": "successful"},
}


def objects(shelf: Shelf) -> None:
    _texts(shelf)
    _arrays(shelf)
    _extensions(shelf)
    _disinformation(shelf)
    _visible(shelf)
    _coarse(shelf)
    _languages(shelf)
    _conduct(shelf)
    _requests(shelf)
    _protections(shelf)


def _texts(shelf: Shelf) -> None:
    def without(*gaps: int) -> Part:
        count = len(SENTENCES)
        shown = [[i, count, t] for i, t in enumerate(SENTENCES)]
        return Part([Cut(s) if i in gaps else Part(s) for i, s in enumerate(shown)])

    for name, gaps, why in (
        ("whole", (), "All segments of a text."),
        ("gap-at-the-beginning", (0,), "The first segment is withheld."),
        (
            "gap-in-the-middle",
            (1,),
            "A segment is withheld, and the reader sees where.",
        ),
        ("wide-gap", (1, 2), "Two in a row are one [withheld]."),
        ("two-gaps", (0, 2), "Two apart are two."),
        ("gap-at-the-end", (3,), "The last segment is withheld."),
        ("all-withheld", (0, 1, 2, 3), "Of a text only its place is left."),
    ):
        shelf.sign(f"text-{name}", "", why, main(description=without(*gaps)))
    shelf.sign(
        "text-of-one-segment",
        "",
        "A text of one segment is a plain string in the property's disclosure.",
        main(description=Part("It is not confirmed that votes were touched.")),
    )
    shelf.sign(
        "text-name-of-a-boolean",
        "",
        "`summary` of a sighting is a boolean and no text.",
        main(),
        other("sighting", summary=Part(True), sighting_of_ref=Part(an_id("indicator"))),
    )


def _arrays(shelf: Shelf) -> None:
    sources = [{"source_name": "a", "url": "https://a.example/"}, {"source_name": "b"}]
    for name, why, value in (
        ("of-one", "An array of one element is not parted.", Part(["election"])),
        ("of-one-parted", "An issuer may part it all the same.", each("election")),
        ("parted", "Each element is a disclosure.", each("election", "register")),
        ("parted-with-decoys", "Decoys hide how many there are.", each("a", "b", decoys=2)),
        ("partly-withheld", "One of two elements is withheld.", Part([Cut("a"), Part("b")])),
        ("withheld", "All elements are withheld: the property is not there.", Part([Cut("a"), Cut("b")])),
    ):  # fmt: skip
        shelf.sign(f"array-{name}", "", why, main(labels=value))
    shelf.sign(
        "arrays-of-each-name",
        "",
        "All arrays that are parted, and two that are not.",
        main("campaign", aliases=each("Night Kite", "NK"), external_references=each(*sources)),
        other("report", 2, object_refs=each(an_id("campaign"), an_id("malware", 2)), report_types=Part(["threat-report"])),
        other("malware", 2, is_family=True, name=Part("NightCrate"), malware_types=Part(["dropper", "trojan"])),
        with_claims={"kind": "campaign"},
    )  # fmt: skip


def _extensions(shelf: Shelf) -> None:
    core: dict[str, Any] = {
        "extension_type": "property-extension",
        "determination": "suspected",
        "investigation_status": "open",
    }
    events = [{"event_ref": an_id("event", 2)}, {"event_ref": an_id("event", 3)}]
    for name, why, extensions in (
        ("core", "The incident core extension, property by property.",
         {CORE: core | {"criticality": Part(60), "events": each(*events)}}),
        ("core-withheld", "Of it, only what is always visible is left.",
         {CORE: core | {"criticality": Cut(60), "events": Cut([])}}),
        ("core-events-withheld", "An array in an extension of which only gaps are left is left out.",
         {CORE: core | {"events": Part([Cut(e) for e in events])}}),
        ("core-one-event", "One event, not parted.", {CORE: core | {"events": Part(events[:1])}}),
        ("of-a-text", "A list called description is no text in an extension.", {CORE: core | {"description": Part(["One.", "Two."])}}),
        ("no-object", "A known extension that is no object is one property.", {CORE: Part("text")}),
        ("unknown", "An unknown extension is one property.", {"x-example-ext": Part({"a": [1, {"b": None}]})}),
        ("unknown-withheld", "The same, withheld.", {"x-example-ext": Cut({})}),
        ("empty", "Containers may be empty.", {CORE: {}}),
    ):  # fmt: skip
        severity = "high" if name == "core" else "unknown"
        made = main(extensions=extensions)
        shelf.sign(
            f"extension-{name}", "", why, made, with_claims={"severity": severity}
        )


def _disinformation(shelf: Shelf) -> None:
    kind = {"kind": "campaign"}
    behaviours = [{"framework": "disarm", "id": "T0087.001"}]
    said = {
        "behaviours": behaviours,
        "languages": ["en", "id"],
        "targeted_election": {"country": "XA", "date": "2027-03-14"},
        "ai_generated": "ai-generated",
        "degree": {"channels": 12, "reach": 310_000},
        "effect": ["election-integrity"],
    }
    typed = {"extension_type": "property-extension"}
    for name, why, seen in (
        ("", "What a campaign of disinformation is, property by property.", Part),
        ("-withheld", "Of it, only the word that is always visible is left.", Cut),
    ):
        parts = {each: seen(value) for each, value in said.items()}
        made = main("campaign", extensions={DISINFORMATION: typed | parts})
        shelf.sign(f"disinformation{name}", "", why, made, with_claims=kind)
    shelf.sign(
        "disinformation-of-new-types",
        "",
        "The same extension makes types valid STIX that STIX does not define.",
        main("campaign"),
        other("narrative", name=Part("A story"), extensions=_of_type("new-sdo")),
        other("channel", name=Part("A channel"), extensions=_of_type("new-sdo")),
        other("media-content", ai_generated=Part("uncertain"), extensions=_of_type("new-sco")),
        other("attack-pattern", name=Part("T0087.001")),
        with_claims=kind,
    )  # fmt: skip


def _of_type(word: str) -> dict[str, Any]:
    return {DISINFORMATION: {"extension_type": word}}


def _visible(shelf: Shelf) -> None:
    shelf.sign(
        "all-that-is-always-visible",
        "",
        "Common properties that would change the meaning if they were missing.",
        main(
            revoked=False,
            confidence=15,
            lang="en",
            defanged=True,
            granular_markings=[{"selectors": ["name"], "marking_ref": MARK["AMBER"]}],
            extensions={},
        ),
    )
    shelf.sign(
        "always-visible-by-type",
        "",
        "Of each type, what would change its meaning.",
        main(),
        *(other(kind, 2, **shown) for kind, shown in ALWAYS.items()),
    )
    own, source = identity_of("cert-aq"), an_id("identity", 9)
    for name, why, value in (
        ("own", "The issuer's own identity is always visible.", own),
        ("foreign", "Another creator may be a confidential source.", Part(source)),
        ("foreign-withheld", "The same, withheld.", Cut(source)),
    ):
        shelf.sign(f"creator-{name}", "", why, main(created_by_ref=value))
    shelf.sign(
        "objects-of-unknown-type",
        "",
        "Types and properties that STIX does not know are carried along.",
        main(x_new=Part({"any": ["thing", None, 1.5, True]})),
        other("x-example-thing", name=Part("A thing"), x_null=Part(None)),
    )


def _coarse(shelf: Shelf) -> None:
    v4, v6, day = "203.0.113.0/24", "2001:db8:1::/48", "2026-11-02"
    moment, six = "2026-11-02T10:20:30.000Z", "2001:db8:1:2::7"
    for name, why, seen in (
        ("both", "Coarse values next to the exact ones.", Part),
        (
            "alone",
            "The exact values are withheld; the coarse ones are signed too.",
            Cut,
        ),
    ):
        shelf.sign(
            f"coarse-{name}",
            "",
            why,
            main(),
            address(1, x_tocsin_coarse_value=Part(v4), value=seen("203.0.113.7")),
            address(2, type="ipv6-addr", id=an_id("ipv6-addr"), value=seen(six), x_tocsin_coarse_value=Part(v6)),
            other("campaign", first_seen=seen(moment), x_tocsin_coarse_first_seen=Part(day)),
        )  # fmt: skip

    short = {"value": Cut("fd0:1::7"), "x_tocsin_coarse_value": Part("fd0:1::/48")}
    why = "A network of as many characters as a day, its exact address withheld."
    host = address(1, type="ipv6-addr", id=an_id("ipv6-addr"), **short)
    shelf.sign("coarse-of-ten-characters", "", why, main(), host)
    narrow = {"value": Part("203.0.113.16/28"), "x_tocsin_coarse_value": Part(v4)}
    why = "The exact value may be a network, if it is no wider."
    shelf.sign("coarse-of-a-network", "", why, main(), address(**narrow))


def _languages(shelf: Shelf) -> None:
    shelf.sign(
        "texts-of-all-languages",
        "",
        "Text goes through as it is: no normalisation, no escapes, no other order.",
        main(
            name=Part("\u0414\u0437\u0432\u0456\u043d \U0001f514 e\u0301 \u00e9 \u200f\u0645\u0631\u062d\u0628\u0627"),
            description=said("\u65e5\u672c\u8a9e\u3002", "\u0e44\u0e17\u0e22\u2028\u00a0\u0001"),
            labels=each("\u00e9lection", "\u0442\u0435\u0441\u0442"),
            x_prénom=Part({"cl\u00e9 \U0001f511": "\u0000\u007f\u0080"}),
        ),
    )  # fmt: skip


def _conduct(shelf: Shelf) -> None:
    kind = {"kind": "campaign"}
    parts = (
        main("campaign"),
        other("narrative", name=Part("A story")),
        other("attack-pattern", name=Part("Create Inauthentic Accounts")),
    )
    why = "A record of narratives names a behaviour."
    shelf.sign("narrative-and-behaviour", "", why, *parts, with_claims=kind)
    why = "In a cut copy the behaviour may be what was cut, so it is taken."
    gone = Cut(parts[2])
    shelf.sign("narrative-in-a-cut-copy", "", why, *parts[:2], gone, with_claims=kind)


def _requests(shelf: Shelf) -> None:
    why = "A request to take something down: who asks, on what basis, and why."
    shelf.sign("takedown", "", why, request(), with_claims=MADE_TO)
    why = "It is corrected, and addressed as it was."
    shelf.sign(
        "takedown-corrected",
        "",
        why,
        request(),
        with_claims=MADE_TO | {"kind": "correction"},
    )
    why = "In a cut copy the legal basis and whom it is made to may be what was cut."
    shelf.sign(
        "takedown-in-a-cut-copy",
        "",
        why,
        request(legal_basis=Cut("Election Act")),
        with_claims=MADE_TO | {"to": Cut(MADE_TO["to"].value)},
    )


def _protections(shelf: Shelf) -> None:
    school = {"identity_class": "organization", "name": Part("A school")}
    marks = [MARK["GREEN"], PROTECT["minors"]]
    parts = [{"selectors": ["name"], "marking_ref": PROTECT["survivors"]}]
    shelf.sign(
        "whom-it-may-harm",
        "",
        "Marks of whom an alert may harm need no definition, and forbid no verifier.",
        main(labels=Part(["protect:defenders"])),
        other("identity", 2, object_marking_refs=marks, **school),
        other("identity", 3, granular_markings=parts, **school),
    )
