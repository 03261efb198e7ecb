"""Bad vectors: objects whose properties do not have the form that STIX 2.1 gives them."""

from typing import Any

from tests.vectors.cast import BARE, address, an_id, claims, each, issue, main, other
from tests.vectors.folding import folded
from tests.vectors.spelling import GONE, Part, Raw
from tests.vectors.vector import Shelf, Vector

# Name, reason, what is wrong, property of the primary object, value.
PROPERTIES: list[tuple[str, str, str, str, Any]] = [
    ("version-2-0", "stix-version", "An object of STIX 2.0.", "spec_version", "2.0"),
    ("name-a-number", "bad-property", "A name is a string.", "name", Part(7)),
    ("name-null", "bad-property", "null is no name.", "name", Part(None)),
    ("description-null", "bad-property", "null is no text.", "description", Part(None)),
    ("labels-a-string", "bad-property", "Labels are a list.", "labels", Part("election")),
    ("labels-empty", "bad-property", "Lists are never empty.", "labels", Part([])),
    ("label-a-number", "bad-property", "A label is a string.", "labels", each("a", 7)),
    ("revoked-a-string", "bad-property", "true is no string.", "revoked", "true"),
    ("revoked-null", "bad-property", "null is neither.", "revoked", None),
    ("confidence-101", "bad-property", "Confidence ends at 100.", "confidence", 101),
    ("confidence-a-string", "bad-property", "Confidence is a number.", "confidence", "90"),
    ("confidence-with-a-point", "bad-property", "It is written as an integer.", "confidence", Raw(b"50.0")),
    ("created-without-z", "bad-property", "Times are in UTC.", "created", Part("2026-12-01T10:00:00")),
    ("created-no-such-day", "bad-property", "There is no 30 February.", "created", Part("2026-02-30T10:00:00Z")),
    ("created-of-ten-digits", "bad-property", "Nine digits are the most.", "created", Part("2026-12-01T10:00:00.0123456789Z")),
    ("markings-empty", "bad-property", "Lists are never empty.", "granular_markings", []),
    ("marking-with-a-word", "bad-property", "Something unknown in a marking may mean: stricter.", "granular_markings", [{"selectors": ["name"], "lang": "en", "x_only": "you"}]),
    ("extensions-a-list", "bad-property", "Extensions are an object.", "extensions", []),
    ("reference-without-source", "bad-property", "A source has a name.", "external_references", Part([{"url": "https://a.example/"}])),
    ("creator-no-id", "bad-id", "A reference is an id.", "created_by_ref", Part("somebody")),
]  # fmt: skip


def vectors() -> list[Vector]:
    shelf = Shelf("stix")
    for name, code, why, of, value in PROPERTIES:
        shelf.sign(f"stix-{name}", code, why, other("incident", **{of: value}))
    _ids(shelf)
    _large(shelf)
    return shelf.made


def _ids(shelf: Shelf) -> None:
    for name, why, made in (
        ("of-another-type", "Its id says another type.", address(id=an_id("url"))),
        ("no-uuid", "Its id holds no UUID.", address(id="ipv4-addr--1")),
        ("in-capitals", "STIX compares ids as text.", address(id="ipv4-addr--ABCDEF00-0000-4000-8000-000000000001")),
        ("a-number", "An id is a string.", address(id=7)),
        ("line-feed", "A line feed stands behind it.", address(id=an_id("ipv4-addr") + "\n")),
        ("of-a-reference", "A reference is no id.", other("report", object_refs=each(an_id("url"), "url--1"))),
        ("of-a-reference-null", "A reference is null.", other("sighting", sighting_of_ref=Part(None))),
    ):  # fmt: skip
        shelf.sign(f"stix-id-{name}", "bad-id", why, BARE, made)
    why = "An object without an id: nobody could refer to it, or take it back."
    made = address(id=GONE)
    code, also = "missing-property", ("bad-id",)
    shelf.sign("stix-without-id", code, why, BARE, made, also=also)
    why = "A marking's id must be that of a marking definition."
    made = main(object_marking_refs=[an_id("url")])
    also = ("tlp-mismatch",)
    shelf.sign("stix-id-of-a-marking", "bad-id", why, made, also=also)


def _large(shelf: Shelf) -> None:
    one, half = "A" * (2**20 + 1), "A" * (2**19 + 1)
    segments = [Part([0, 2, half]), Part([1, 2, half])]
    for name, why, made in (
        ("stix-string-too-large", "A string", main(x_large=Part(one))),
        ("stix-text-too-large", "A joined text", main(description=Part(segments))),
    ):
        shelf.made.append(
            Vector(
                name=name,
                level="stix",
                why=f"{why} of more than 2^20 characters.",
                recipe={"parts": folded(issue(name, claims(made)))},
                reason="too-large",
            )
        )
