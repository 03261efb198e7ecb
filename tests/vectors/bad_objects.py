"""Bad vectors: objects against the profile, in both directions, and nowhere finer."""

from typing import Any

from tests.vectors.cast import (
    BARE,
    CORE,
    DISINFORMATION,
    MADE_TO,
    MARK,
    MODIFIED,
    address,
    an_id,
    identity_of,
    main,
    other,
    request,
)
from tests.vectors.good_objects import ALWAYS
from tests.vectors.spelling import GONE, Cut, Decoy, Part, Raw
from tests.vectors.vector import Shelf, Vector

COMMON: dict[str, Any] = {
    "type": "incident",
    "id": an_id("incident"),
    "spec_version": "2.1",
    "object_marking_refs": [MARK["GREEN"]],
    "created": MODIFIED,
    "modified": MODIFIED,
    "granular_markings": [{"selectors": ["name"], "marking_ref": MARK["AMBER"]}],
    "revoked": True,
    "confidence": 10,
    "lang": "fr",
    "defanged": True,
    "extensions": {CORE: {"determination": "suspected"}},
}
MARKING = {"selectors": ["name"], "marking_ref": MARK["AMBER"]}
TYPED = {"extension_type": "property-extension"}
BEHAVIOURS = [{"framework": "disarm", "id": "T0087.001"}]


def vectors() -> list[Vector]:
    shelf = Shelf("record")
    _hidden(shelf)
    _shown(shelf)
    _arrays(shelf)
    _finer(shelf)
    _segments(shelf)
    _objects(shelf)
    _coarse(shelf)
    return shelf.made


def _hidden(shelf: Shelf) -> None:
    code = "visible-as-disclosure"
    for name, value in COMMON.items():
        why = f"{name} can be withheld; without it the object says something else."
        made = main(**{name: Part(value)})
        title = name.replace("_", "-")
        shelf.sign(f"object-hidden-{title}", code, why, made)
    for kind, shown in ALWAYS.items():
        for name in shown:
            why = f"{name} of {kind} can be withheld."
            made = other(kind, 2, **shown | {name: Part(shown[name])})
            title = f"{kind}-hidden-{name.replace('_', '-')}"
            shelf.sign(title, code, why, BARE, made)
    why = (
        "The issuer's own identity is no secret, and its place must not look like one."
    )
    own = Part(identity_of("cert-aq"))
    shelf.sign("creator-own-hidden", code, why, main(created_by_ref=own))
    for name, extension in (
        ("type", {"extension_type": Part("property-extension")}),
        ("determination", {"determination": Part("suspected")}),
        ("status", {"investigation_status": Part("open")}),
    ):
        why = "A word of an extension that is always visible can be withheld."
        made = main(extensions={CORE: extension})
        shelf.sign(f"extension-hidden-{name}", code, why, made)
    why = "A known extension is withheld property by property."
    made = main(extensions={CORE: Part(TYPED)})
    shelf.sign("extension-hidden", code, why, made)
    made = main(extensions={DISINFORMATION: Part(TYPED)})
    shelf.sign("disinformation-hidden", code, why, made)


def _shown(shelf: Shelf) -> None:
    code = "not-withholdable"
    for name, value in (
        ("name", "A voter register was copied"),
        ("description", "It is not confirmed."),
        ("labels", ["election"]),
        ("external_references", [{"source_name": "a"}]),
        ("x_new", 1),
        ("created_by_ref", an_id("identity", 9)),
    ):
        why = f"{name} stands in the clear and could never be withheld."
        if name == "created_by_ref":
            why = "Another creator than the issuer may be a confidential source."
        made = main(**{name: value})
        shelf.sign(f"object-shows-{name.replace('_', '-')}", code, why, made)
    for name in ("created", "modified"):
        why = f"{name} of another object than the primary one stands in the clear."
        made = other("campaign", **{name: MODIFIED})
        shelf.sign(f"other-object-shows-{name}", code, why, BARE, made)
    for name, value in (
        ("source_ref", an_id("malware")),
        ("target_ref", an_id("tool")),
    ):
        why = "A reference stands in the clear; it says who is meant."
        shown = {"relationship_type": "uses", name: value}
        made = other("relationship", **shown)
        title = f"relationship-shows-{name.replace('_', '-')}"
        shelf.sign(title, code, why, BARE, made)
    for name, extensions in (
        ("unknown", {"x-example-ext": {"a": 1}}),
        ("unknown-word", {"x-example-ext": "a"}),
        ("property", {CORE: TYPED | {"criticality": 60}}),
        ("no-object", {CORE: "text"}),
        ("behaviour", {DISINFORMATION: TYPED | {"behaviours": BEHAVIOURS}}),
    ):
        why = "Something in an extension stands in the clear."
        made = main(extensions=extensions)
        shelf.sign(f"extension-shows-{name}", code, why, made)
    why = "A word that is always visible holds a text instead, about anybody."
    told = {"determination": "Somebody of Saltmere has confirmed it"}
    made = main(extensions={CORE: told})
    shelf.sign("extension-shows-a-text", "bad-property", why, made)
    why = "A word of more than 40 characters."
    made = main(extensions={"availability-ext": {"extension_type": "x" * 41}})
    shelf.sign("extension-shows-a-long-word", "bad-property", why, made)
    for kind, name, text in (
        ("incident", "lang", "Somebody of Saltmere"),
        ("identity", "identity_class", "Somebody of Saltmere"),
        ("indicator", "pattern_type", "x" * 41),
        ("indicator", "pattern_version", "2.1 of Saltmere"),
        ("relationship", "relationship_type", "met Somebody"),
        ("event", "status", ""),
        ("opinion", "opinion", ["agree"]),
    ):
        why = f"{name} is always visible, so it must be a term and no text."
        made = other(kind, **{name: text}) if kind != "incident" else main(lang=text)
        objects = [made] if kind == "incident" else [BARE, made]
        shelf.sign(f"text-as-{name}".replace("_", "-"), "bad-property", why, *objects)
    why = "An object stands in the clear."
    bundle = {"type": "bundle", "objects": [BARE, address()]}
    shelf.sign("object-in-the-clear", code, why, with_claims={"stix": bundle})
    for name, value in (("string", "a"), ("number", 1), ("null", None), ("list", [])):
        why = "No object, and no disclosure either."
        bundle = {"type": "bundle", "objects": [value]}
        shelf.sign(f"object-is-a-{name}", code, why, with_claims={"stix": bundle})
    why = "The primary object stands in the clear."
    bundle = {"type": "bundle", "objects": [main()]}
    shelf.sign("primary-in-the-clear", code, why, with_claims={"stix": bundle})


def _arrays(shelf: Shelf) -> None:
    code = "not-withholdable"
    two = [an_id("url"), an_id("url", 2)]
    for name, why, value in (
        ("of-two-plain", "Two elements stand in one disclosure.", Part(["a", "b"])),
        ("mixed", "One is a disclosure, one is not.", Part([Part("a"), "b"])),
        ("mixed-withheld", "One is withheld, one can not be.", Part([Cut("a"), "b"])),
        ("mixed-with-a-decoy", "A decoy stands next to a plain one.", Part(["a", Decoy()])),
    ):  # fmt: skip
        shelf.sign(f"labels-{name}", code, why, other("campaign", labels=value))
    why = "Two references stand in one disclosure."
    made = main("grouping", context="unspecified", object_refs=Part(two))
    shelf.sign(
        "references-of-two-plain", code, why, made, with_claims={"kind": "advisory"}
    )
    why = "Two events of the extension stand in one disclosure."
    events = Part([{"a": 1}, {"b": 2}])
    made = main(extensions={CORE: TYPED | {"events": events}})
    shelf.sign("events-of-two-plain", code, why, made)


# Where a disclosure is finer than the profile cuts: name, property, value with a part.
FINER: list[tuple[str, str, Any]] = [
    ("in-a-list", "name", lambda part: Part([part("a")])),
    ("in-an-object", "x_new", lambda part: Part({"a": part(1)})),
    ("in-an-object-in-a-list", "x_new", lambda part: Part([{"a": part(1)}])),
    ("in-an-element", "labels", lambda part: Part([Part("a"), Part({"b": part(1)})])),
    ("in-the-markings", "object_marking_refs", lambda part: [MARK["GREEN"], part(MARK["AMBER"])]),
    ("in-the-granular-markings", "granular_markings", lambda part: [MARKING, part(MARKING)]),
    ("in-a-selector", "granular_markings", lambda part: [MARKING | {"selectors": ["name", part("id")]}]),
    ("in-a-list-of-an-extension", "extensions", lambda part: {CORE: {"scores": Part([part(1)])}}),
    ("in-the-behaviours", "extensions", lambda part: {DISINFORMATION: {"behaviours": Part([part(BEHAVIOURS[0])])}}),
    ("in-a-word-of-an-extension", "extensions", lambda part: {CORE: {"determination": [part(1)]}}),
    ("in-an-unknown-extension", "extensions", lambda part: {"x-example-ext": Part({"a": part(1)})}),
]  # fmt: skip


def _finer(shelf: Shelf) -> None:
    for name, of, value in FINER:
        why = "A disclosure stands where the profile does not cut."
        word = "word" in name  # refused as no word, too
        code = "bad-property" if word else "visible-as-disclosure"
        also = ("visible-as-disclosure",) if word else ()
        made = other("incident", **{of: value(Part)})
        shelf.sign(f"finer-{name}", code, why, made, also=also)
        why = "The same, withheld: the rest would say something else."
        code = "bad-property" if word else "sd-shape"
        also = ("sd-shape",) if word else ()
        made = other("incident", **{of: value(Cut)})
        shelf.sign(f"finer-{name}-withheld", code, why, made, also=also)


def _segments(shelf: Shelf) -> None:
    def text(*segments: Any) -> dict[str, Any]:
        return other(
            "campaign",
            description=Part(
                [s if isinstance(s, (Part, Decoy)) else Part(s) for s in segments]
            ),
        )

    two = [0, 2, "One. "], [1, 2, "Two."]
    for name, why, made in (
        ("one", "A text of one segment is no array.", text([0, 1, "One."])),
        ("none", "An array without segments, and none withheld.", text()),
        ("reversed", "They stand in the wrong order.", text(*reversed(two))),
        ("place-twice", "Two have one place.", text([0, 2, "One. "], [0, 2, "Two."])),
        ("place-beyond", "A place is beyond their number.", text([0, 2, "One. "], [2, 2, "Two."])),
        ("place-negative", "A place is negative.", text([-1, 2, "One. "], [1, 2, "Two."])),
        ("count-too-large", "One never was: the reader would look for it.", text([0, 3, "One. "], [1, 3, "Two."])),
        ("count-too-small", "More than they say.", text([0, 2, "One. "], [1, 2, "Two."], Cut([1, 2, "Three."]))),
        ("counts-differ", "Two numbers of segments.", text([0, 2, "One. "], [1, 3, "Two."])),
        ("decoy", "A decoy would look like something withheld.", text(*two, Decoy())),
        ("decoy-for-a-decoy", "One segment, and a decoy of a text that is not there.", text([0, 1, "One."], Decoy())),
        ("withheld-wrongly", "One is withheld, but their number says none.", text([0, 1, "One."], Cut([0, 1, "Two."]))),
        ("plain-string", "A segment is a string alone.", text("One. ", "Two.")),
        ("place-with-a-point", "0.0 is no integer, whatever its value.", text([Raw(b"0.0"), 2, "One. "], [1, 2, "Two."])),
        ("place-a-boolean", "false is no place.", text([False, 2, "One. "], [1, 2, "Two."])),
        ("place-a-string", "A place is a string.", text(["0", 2, "One. "], [1, 2, "Two."])),
        ("text-a-number", "Its text is a number.", text([0, 2, 1], [1, 2, "Two."])),
        ("text-null", "Its text is null.", text([0, 2, None], [1, 2, "Two."])),
        ("of-four", "A fourth part.", text([0, 2, "One. ", 1], [1, 2, "Two."])),
        ("of-two", "A part is missing.", text([0, "One. "], [1, "Two."])),
        ("object", "A segment is an object.", text({"0": 0}, [1, 2, "Two."])),
    ):  # fmt: skip
        shelf.sign(f"segments-{name}", "segments", why, made)
    code = "not-withholdable"
    for name, value in (
        ("not-parted", ["One. ", "Two."]),
        ("one-not-parted", ["One."]),
        ("mixed", [Part([0, 2, "One. "]), [1, 2, "Two."]]),
    ):
        why = "Segments that can not be withheld one by one."
        made = other("campaign", description=Part(value))
        shelf.sign(f"segments-{name}", code, why, made, also=("segments",))
    why = "The text of a segment is a disclosure of its own."
    made = text([0, 2, Part("One. ")], [1, 2, "Two."])
    code, also = "visible-as-disclosure", ("segments",)
    shelf.sign("segments-finer", code, why, made, also=also)
    why = "The same, withheld."
    made = text([0, 2, Cut("One. ")], [1, 2, "Two."])
    shelf.sign("segments-finer-withheld", "segments", why, made, also=("sd-shape",))


def _objects(shelf: Shelf) -> None:
    code, why = "not-stix", "What stands among the objects is no object of STIX."
    for name, value in (
        ("number", 1),
        ("null", None),
        ("list", [address()]),
        ("without-type", address(type=GONE)),
        ("type-a-number", address(type=7)),
        ("bundle", address(type="bundle", id=an_id("bundle"))),
    ):
        # Without a known type all its other properties are in order.
        shelf.sign(f"object-{name}", code, why, BARE, Part(value))
    why = "Two objects have one id: readers would take the one or the other."
    twice = address(1), address(1, value=Part("203.0.113.8"))
    shelf.sign("duplicate-id", "duplicate-id", why, main(), *twice)
    why = "The primary object twice, the second one not revoked."
    kind = {"kind": "retraction"}
    twice = main(revoked=True), main(revoked=False)
    shelf.sign("duplicate-primary", "duplicate-id", why, *twice, with_claims=kind)
    red = MARK["RED"]
    code, why = "needs-sealing", "RED must travel sealed."
    for name, made in (
        ("object", address(object_marking_refs=[red])),
        ("among-others", address(object_marking_refs=[MARK["GREEN"], red])),
        (
            "of-tlp-1",
            address(
                object_marking_refs=[
                    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
                ]
            ),
        ),
        (
            "part",
            address(granular_markings=[{"selectors": ["value"], "marking_ref": red}]),
        ),
    ):
        shelf.sign(f"red-{name}", code, why, BARE, made)
    kind = {"kind": "campaign"}
    code, why = "no-behaviour", "Conduct is judged, not speech: a behaviour is named."
    for other_kind in ("narrative", "channel", "media-content"):
        parts = main("campaign"), other(other_kind)
        shelf.sign(f"{other_kind}-alone", code, why, *parts, with_claims=kind)
    _requests(shelf)
    why = "A selector of a granular marking is no path: redaction could not obey it."
    made = main(granular_markings=[MARKING | {"selectors": ["..."]}])
    shelf.sign("selector-of-dots", "bad-selector", why, made)
    made = main(granular_markings=[MARKING | {"selectors": ["name", "labels[0]"]}])
    shelf.sign("selector-without-a-dot", "bad-selector", why, made)


def _requests(shelf: Shelf) -> None:
    code = "no-legal-basis"
    for name in ("requesting_body", "legal_basis", "necessity"):
        why = f"A request to take something down does not give its {name}."
        title = f"takedown-without-{name.replace('_', '-')}"
        made = request(**{name: GONE})
        shelf.sign(title, code, why, made, with_claims=MADE_TO)
    why = "It gives an empty one."
    made = request(legal_basis=Part(""))
    shelf.sign("takedown-of-an-empty-basis", code, why, made, with_claims=MADE_TO)
    code, why = "not-addressed", "A request is made to somebody."
    kind = {"kind": "takedown-request"}
    shelf.sign("takedown-to-nobody", code, why, request(), with_claims=kind)
    nobody = MADE_TO | {"to": Part([])}
    shelf.sign("takedown-to-an-empty-list", code, why, request(), with_claims=nobody)
    back = kind | {"kind": "retraction"}
    why = "It is taken back, and nobody is told."
    made = request(revoked=True)
    shelf.sign("takedown-taken-back-to-nobody", code, why, made, with_claims=back)
    code, why = "kind-mismatch", "A request hides in a record that all may get."
    made = request(created=GONE, modified=GONE)
    shelf.sign("takedown-in-an-incident", code, why, BARE, made)
    name = "takedown-as-advisory"
    why = "Who may only publish advisories could else ask for takedowns."
    wrong = MADE_TO | {"kind": "advisory"}
    shelf.sign(name, code, why, request(), with_claims=wrong)


def _coarse(shelf: Shelf) -> None:
    code, name = "coarse", "x_tocsin_coarse_value"
    day = "x_tocsin_coarse_first_seen"
    moment = Part("2026-11-02T10:20:30.000Z")
    six = {"type": "ipv6-addr", "id": an_id("ipv6-addr"), "value": GONE}
    for title, why, made in (
        ("of-another-address", "The exact address is in another network.", address(**{name: Part("198.51.100.0/24")})),
        ("of-another-size", "The network is a /16.", address(value=GONE, **{name: Part("203.0.0.0/16")})),
        ("no-network", "A text.", address(value=GONE, **{name: Part("somewhere")})),
        ("an-address", "An exact address.", address(value=GONE, **{name: Part("203.0.113.7")})),
        ("host-bits", "The address shines through.", address(value=GONE, **{name: Part("203.0.113.7/24")})),
        ("of-a-wider-network", "The exact value is a wider network.", address(value=Part("203.0.0.0/16"), **{name: Part("203.0.113.0/24")})),
        ("a-number", "A number.", address(value=GONE, **{name: Part(203)})),
        ("ipv6-spelled-otherwise", "Another spelling of the network.", address(**six, **{name: Part("2001:DB8:1::/48")})),
        ("ipv4-in-ipv6", "An IPv4 network of an IPv6 address.", address(**six, **{name: Part("203.0.113.0/24")})),
        ("of-another-day", "The exact time is of another day.", other("campaign", first_seen=moment, **{day: Part("2026-11-03")})),
        ("a-time", "A time, not a day.", other("campaign", **{day: Part("2026-11-02T10:00:00Z")})),
        ("no-such-day", "A day that does not exist.", other("campaign", **{day: Part("2026-02-30")})),
        ("of-a-name", "A name has no coarse value.", other("campaign", x_tocsin_coarse_name=Part("A"))),
        ("of-nothing", "It names no property.", other("campaign", x_tocsin_coarse_=Part("2026-11-02"))),
    ):  # fmt: skip
        whole = f"A coarse value is a network or a day, and right. {why}"
        shelf.sign(f"coarse-{title}", code, whole, BARE, made)
    why = "A coarse value stands in the clear."
    made = address(**{name: "203.0.113.0/24"})
    shelf.sign("coarse-in-the-clear", "not-withholdable", why, BARE, made)
