"""Vectors of the gate: what a verifier believes, and the hub still does not pass on."""

from typing import Any

from tests.vectors.cast import (
    CORE,
    MADE_TO,
    MARK,
    PROTECT,
    address,
    main,
    other,
    request,
)
from tests.vectors.good import FEED
from tests.vectors.spelling import Cut, Part
from tests.vectors.vector import Shelf, Vector

GREEN = [MARK["GREEN"]]
CRITICAL = {CORE: {"criticality": Part(60)}}


def vectors() -> list[Vector]:
    shelf = Shelf("gate")
    severe: dict[str, Any] = {"severity": "high", "countries": ["XA"]}
    there = other("location", object_marking_refs=GREEN, country=Part("XA"))

    def sign(name: str, reason: str, why: str, *parts: Any, **changes: Any) -> None:
        parts = parts or (main(extensions=CRITICAL), there)
        more = FEED | severe | changes
        shelf.sign(f"gate-{name}", reason, why, *parts, with_claims=more)

    sign("whole", "", "Whole, in its place of the feed, its facts true.")
    made = main(extensions=CRITICAL), there, address(value=Cut("203.0.113.7"))
    sign(
        "cut-on-the-way",
        "incomplete",
        "A disclosure was cut: a member would miss it.",
        *made,
    )
    sign(
        "full-of-another",
        "incomplete",
        "`full` is the digest of other disclosures.",
        full="f" * 42 + "A",
    )
    withheld = Cut(FEED["seq"].value)
    sign("seq-withheld", "incomplete", "The counter was cut.", seq=withheld)
    for name in FEED:
        shown = {n: part for n, part in FEED.items() if n != name}
        why = f"It has no {name}: nobody would notice what is missing before it."
        shelf.sign(f"gate-without-{name}", "no-feed", why, main(), with_claims=shown)
    for name, feed in (
        ("of-another-issuer", "cert-bv/main/k3J9"),
        ("of-two-parts", "cert-aq/main"),
        ("with-a-space", "cert-aq/main/k 3"),
    ):
        sign(
            f"feed-{name}", "no-feed", "This is no feed of its issuer.", feed=Part(feed)
        )
    amber = there | {"object_marking_refs": [MARK["AMBER"]]}
    for name, why, changes in (
        (
            "severity",
            "A false severity would choose the urgent queue.",
            {"severity": "extreme"},
        ),
        ("country", "A country that no object names.", {"countries": ["XA", "XB"]}),
        (
            "country-missing",
            "A country is left out: who asks for it would not get it.",
            {"countries": []},
        ),
        ("sector", "A sector that no object names.", {"sectors": ["energy"]}),
        ("language", "A language that no object has.", {"languages": ["fr"]}),
    ):
        sign(f"facts-{name}", "facts-mismatch", why, **changes)
    why = "The country stands in an AMBER object and shows in a GREEN claim."
    sign(
        "facts-of-a-stricter-part",
        "facts-mismatch",
        why,
        main(extensions=CRITICAL),
        amber,
    )
    why = "The country stands in an object that may harm a child, and shows in a claim."
    child = there | {"object_marking_refs": [*GREEN, PROTECT["minors"]]}
    sign(
        "facts-of-a-protected-part",
        "facts-mismatch",
        why,
        main(extensions=CRITICAL),
        child,
    )
    why = "PAP:AMBER forbids what the adversary would see; a takedown is seen."
    asked = request(labels=Part(["PAP:AMBER"]))
    shelf.sign(
        "gate-takedown-under-pap-amber",
        "pap-forbids",
        why,
        asked,
        with_claims=FEED | MADE_TO,
    )
    why = "A request in order is passed on."
    shelf.sign("gate-takedown", "", why, request(), with_claims=FEED | MADE_TO)
    why = "A heartbeat is not supported yet."
    sign("heartbeat", "kind-not-supported", why, kind="heartbeat")
    why = "Its primary object is not there, and never was."
    sign("without-primary", "no-primary", why, there, severity="unknown")
    return shelf.made
