"""Bad vectors: claims, issuer, kinds and times for which a record is not believed."""

from typing import Any

from tests.vectors.cast import (
    ALL,
    BRIEF,
    BRIEF_FROM,
    BRIEF_UNTIL,
    CERT,
    HELD_KEY,
    LAPSED_AT,
    MARK,
    NOW,
    REVOKED,
    REVOKED_AT,
    SUSPENDED,
    SUSPENDED_AT,
    TRIAL,
    WATCH,
    an_id,
    main,
)
from tests.vectors.good import FEED, ORG
from tests.vectors.spelling import GONE, Cut, Decoy, Part, Raw
from tests.vectors.vector import Shelf, Vector

DIGEST = "d" * 42 + "A"
# Every claim that is always visible, with a value that is right.
VISIBLE: dict[str, Any] = {
    "iss": ORG + CERT.org,
    "iat": NOW,
    "exp": NOW + 86_400,
    "sub": an_id("incident"),
    "ver": "2026-12-01T10:00:00.000Z",
    "aud": [ALL],
    "vct": "urn:tocsin:record:1",
    "kind": "incident",
    "tlp": "GREEN",
    "severity": "unknown",
    "countries": [],
    "sectors": [],
    "languages": [],
    "exercise": False,
    "full": DIGEST,
}


def vectors() -> list[Vector]:
    shelf = Shelf("record")
    _missing(shelf)
    _hidden(shelf)
    _malformed(shelf)
    _bundles(shelf)
    _withholdable(shelf)
    _kinds(shelf)
    _times(shelf)
    return shelf.made


def _missing(shelf: Shelf) -> None:
    for name in (*VISIBLE, "stix"):
        also = ("vct",) if name == "vct" else ()
        why = f"The claim {name} is missing."
        gone = {name: GONE}
        shelf.sign(f"without-{name}", "claims", why, with_claims=gone, also=also)


def _hidden(shelf: Shelf) -> None:
    code = "visible-as-disclosure"
    for name, value in (VISIBLE | {"sup": DIGEST, "sealed": [DIGEST]}).items():
        why = f"The claim {name} can be withheld; it must always be seen."
        shelf.sign(f"hidden-{name}", code, why, with_claims={name: Part(value)})
    bundle = {"type": "bundle", "objects": [Part(main())]}
    for name, value in (
        ("bundle", Part(bundle)),
        ("bundle-type", bundle | {"type": Part("bundle")}),
        ("objects", bundle | {"objects": Part([Part(main())])}),
    ):
        why = "Nothing around the objects can be withheld."
        shelf.sign(f"hidden-{name}", code, why, with_claims={"stix": value})
    _elements(shelf, code)


def _elements(shelf: Shelf, code: str) -> None:
    for name, value in (
        ("aud", ALL + "-2"),
        ("countries", "XB"),
    ):
        first = [ALL] if name == "aud" else []
        why = f"An element of {name} can be withheld."
        made = {name: [*first, Part(value)]}
        shelf.sign(f"hidden-element-of-{name}", code, why, with_claims=made)
        made = {name: [*first, Cut(value)]}
        why = f"An element of {name} is withheld, as if it had never been there."
        shelf.sign(f"withheld-element-of-{name}", "sd-shape", why, with_claims=made)
    for name in ("to", "concerns"):
        orgs = ORG + "cert-bv", ORG + "cert-cw"
        why = f"{name} is withheld as a whole or not at all."
        made = {name: Part([orgs[0], Part(orgs[1])])}
        shelf.sign(f"hidden-element-of-{name}", code, why, with_claims=made)
        made = {name: Part([orgs[0], Cut(orgs[1])])}
        shelf.sign(f"withheld-element-of-{name}", "sd-shape", why, with_claims=made)
    why = "A decoy in the bundle, next to its objects."
    bundle = {"type": "bundle", "objects": [Part(main())], "x": Decoy()}
    shelf.sign("decoy-in-the-bundle", "sd-shape", why, with_claims={"stix": bundle})


# Claim, what is wrong with it, value.
MALFORMED: list[tuple[str, str, Any]] = [
    ("iss", "no-urn", "cert-aq"),
    ("iss", "line-feed", ORG + "cert-aq\n"),
    ("iat", "string", str(NOW)),
    ("iat", "fraction", NOW + 0.5),
    ("iat", "with-a-point", Raw(b"1796126400.0")),
    ("exp", "with-an-exponent", Raw(b"1796212800e0")),
    ("iat", "null", None),
    ("iat", "true", True),
    ("exp", "string", str(NOW + 86_400)),
    ("exp", "beyond-2-to-the-40", 2**40 + 1),
    ("sub", "no-id", "a case"),
    ("sub", "too-long", an_id("x" * 113)),
    ("sub", "in-capitals", an_id("incident").upper()),
    ("ver", "no-time", "yesterday"),
    ("ver", "no-such-day", "2026-02-30T00:00:00Z"),
    ("aud", "empty", []),
    ("aud", "string", ALL),
    ("aud", "no-urn", ["https://community.example/"]),
    ("aud", "51", [f"{ALL}-{i}" for i in range(51)]),
    ("kind", "unknown", "rumour"),
    ("tlp", "unknown", "PURPLE"),
    ("tlp", "with-prefix", "TLP:GREEN"),
    ("tlp", "in-lower-case", "green"),
    ("severity", "unknown", "severe"),
    ("countries", "in-lower-case", ["xa"]),
    ("countries", "null", None),
    ("countries", "301", ["XA"] * 301),
    ("sectors", "text", ["a text about somebody"]),
    ("languages", "text", ["a text about somebody"]),
    ("exercise", "number", 0),
    ("full", "padded", DIGEST + "="),
    ("sup", "empty", ""),
    ("sup", "null", None),
    ("sealed", "empty", []),
    ("sealed", "string", DIGEST),
    ("sealed", "no-digest", [DIGEST[:-1]]),
    ("sealed", "65", [DIGEST] * 65),
    ("to", "no-urn", Part(["cert-bv"])),
    ("to", "null", Part(None)),
    ("feed", "too-long", Part("f" * 201)),
    ("seq", "zero", Part(0)),
    ("seq", "string", Part("7")),
    ("prev", "short", Part(DIGEST[:-1])),
    ("need", "unknown", {"threshold": 2}),
    ("nbf", "unknown", NOW),
    ("x-note", "unknown", Part("a text")),
]


def _malformed(shelf: Shelf) -> None:
    for claim, fault, value in MALFORMED:
        why = f"The claim {claim} is not of its form: {fault.replace('-', ' ')}."
        if fault == "unknown" and claim not in VISIBLE:
            why = f"A claim that the profile does not know: {claim}."
        also = ("visible-as-disclosure",) if claim == "x-note" else ()
        name = f"claim-{claim}-{fault}"
        shelf.sign(name, "claims", why, with_claims={claim: value}, also=also)
    for name, vct in (
        ("of-tomorrow", "urn:tocsin:record:2"),
        ("with-a-space", "urn:tocsin:record:1 "),
        ("empty", ""),
    ):
        why = "A profile that is not known here says nothing of what may be withheld."
        shelf.sign(f"vct-{name}", "vct", why, with_claims={"vct": vct})


def _bundles(shelf: Shelf) -> None:
    objects = [Part(main())]
    for name, bundle in (
        ("list", objects),
        ("without-type", {"objects": objects}),
        ("without-objects", {"type": "bundle"}),
        ("of-another-type", {"type": "report", "objects": objects}),
        ("with-an-id", {"type": "bundle", "id": an_id("bundle"), "objects": objects}),
        ("objects-an-object", {"type": "bundle", "objects": {"a": 1}}),
    ):
        why = "stix is a bundle of type and objects, and nothing else."
        shelf.sign(f"bundle-{name}", "claims", why, with_claims={"stix": bundle})


def _withholdable(shelf: Shelf) -> None:
    clear = {name: part.value for name, part in FEED.items()}
    clear |= {"to": [ORG + "cert-bv"], "concerns": [ORG + "platform-lumen"]}
    for name, value in clear.items():
        why = f"The claim {name} is for some eyes only and can not be withheld."
        code = "not-withholdable"
        shelf.sign(f"visible-{name}", code, why, with_claims={name: value})


def _kinds(shelf: Shelf) -> None:
    code = "kind-mismatch"
    why = "Who may only give feedback could else publish incidents."
    for kind in ("campaign", "advisory", "feedback"):
        shelf.sign(f"incident-as-{kind}", code, why, with_claims={"kind": kind})
    made = main("indicator", pattern_type="stix")
    why = "An indicator is no primary object."
    shelf.sign(
        "indicator-as-primary", code, why, made, with_claims={"kind": "correction"}
    )
    why = "Its type is `incident--x`, which only begins like a primary one."
    made = main("incident--x", id=an_id("incident--x"))
    shelf.sign("type-that-begins-like-incident", code, why, made)
    code = "kind-not-allowed"
    why = "The directory does not list this kind for the issuer."
    watch = {"iss": ORG + WATCH.org}
    shelf.sign("kind-not-listed", code, why, with_claims=watch, key=WATCH)
    why = "Who may not publish incidents may not {} them either."
    for kind, verb in (("correction", "correct"), ("retraction", "take back")):
        made = main(revoked=True)
        name = f"{kind}-of-what-is-not-listed"
        also_kind = watch | {"kind": kind}
        shelf.sign(name, code, why.format(verb), made, with_claims=also_kind, key=WATCH)
    why = "Its issuer is here to practise, and does not say that this is an exercise."
    trial = {"iss": ORG + TRIAL.org}
    shelf.sign("exercise-not-said", "exercise-only", why, with_claims=trial, key=TRIAL)
    retraction = {"kind": "retraction"}
    why = "A retraction says revoked: true, so that no reader can miss it."
    shelf.sign(
        "retraction-without-revoked", "not-revoked", why, main(), with_claims=retraction
    )
    made = main(revoked=False)
    name = "retraction-revoked-false"
    shelf.sign(name, "not-revoked", why, made, with_claims=retraction)


def _times(shelf: Shelf) -> None:
    def sign(name: str, code: str, why: str, made: Any = None, **more: Any) -> None:
        shelf.sign(name, code, why, made or main(), **more)

    future = {"iat": NOW + 121, "exp": NOW + 999}
    why = "Issued 121 s ahead of the clock."
    sign("issued-in-future", "issued-in-future", why, with_claims=future)
    why = "Its handling horizon ended a second ago."
    sign("expired", "expired", why, with_claims={"iat": NOW - 60, "exp": NOW - 1})
    sign("expired-later", "expired", "The same a year later.", now=NOW + 31_536_000)
    ver = "2026-12-01T12:02:00.001Z"
    why = "Its version is more than 120 s ahead: no later one could replace it."
    made = main(modified=ver)
    sign("version-in-future", "version-in-future", why, made, with_claims={"ver": ver})
    brief = {"iss": ORG + BRIEF.org}
    for name, iat in (("before", BRIEF_FROM - 1), ("after", BRIEF_UNTIL + 1)):
        why = f"Issued a second {name} the validity of its key."
        more = brief | {"iat": iat}
        sign(f"key-{name}-its-time", "key-not-valid", why, with_claims=more, key=BRIEF)
    old = {"iss": ORG + REVOKED.org, "iat": REVOKED_AT - 60}
    for name, why, seen in (
        ("backdated", "Its key is revoked; a thief writes any `iat`.", None),
        (
            "seen-at-revocation",
            "First seen in the very second of the revocation.",
            REVOKED_AT,
        ),
        ("seen-after-revocation", "First seen a second later.", REVOKED_AT + 1),
    ):
        sign(
            f"key-revoked-{name}",
            "key-revoked",
            why,
            with_claims=old,
            key=REVOKED,
            first_seen=seen,
        )
    _suspended(shelf)
    _agreement(shelf)


def _suspended(shelf: Shelf) -> None:
    for name, why, seen in (
        ("now", "Its organisation is suspended now.", None),
        ("from-then-on", "First seen in the second it was suspended.", SUSPENDED_AT),
        ("before-it-lapsed", "First seen in a week that is over.", LAPSED_AT + 60),
    ):
        shelf.sign(
            f"member-suspended-{name}",
            "member-suspended",
            why,
            with_claims={"iss": ORG + SUSPENDED.org, "iat": LAPSED_AT - 60},
            key=SUSPENDED,
            first_seen=seen,
        )
    for name, why, seen in (
        ("now", "Its key is suspended now.", None),
        ("then", "First seen in the second its key was suspended.", SUSPENDED_AT),
    ):
        shelf.sign(
            f"key-suspended-{name}",
            "key-suspended",
            why,
            with_claims={"iss": ORG + HELD_KEY.org, "iat": SUSPENDED_AT - 60},
            key=HELD_KEY,
            first_seen=seen,
        )


def _agreement(shelf: Shelf) -> None:
    code = "version-mismatch"
    for name, ver in (
        ("older", "2026-12-01T09:00:00.000Z"),
        ("spelled-otherwise", "2026-12-01T10:00:00Z"),
    ):
        why = "`ver` is the primary object's `modified`, letter by letter."
        shelf.sign(f"version-{name}", code, why, main(), with_claims={"ver": ver})
    why = "The primary object has no `modified`."
    shelf.sign("version-missing", code, why, main(modified=GONE))
    code = "tlp-mismatch"
    for tlp in ("CLEAR", "AMBER", "AMBER+STRICT", "RED"):
        why = f"The claim says {tlp}, the primary object GREEN."
        name = f"tlp-{tlp.lower().replace('+', '-')}-over-green"
        shelf.sign(name, code, why, main(), with_claims={"tlp": tlp})
    for name, refs in (
        ("unmarked", GONE),
        ("marked-otherwise", [an_id("marking-definition")]),
        ("marked-stricter-too", [MARK["GREEN"], MARK["AMBER"]]),
    ):
        why = "What the primary object is marked is not what the claim says."
        shelf.sign(f"tlp-{name}", code, why, main(object_marking_refs=refs))
