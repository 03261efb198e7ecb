"""Good vectors made by hand: all that a strict verifier still has to take."""

from typing import Any

from tests.vectors.cast import (
    ALL,
    BRIEF,
    BRIEF_FROM,
    BRIEF_UNTIL,
    CERT,
    CORE,
    HELD_KEY,
    LAPSED_AT,
    MARK,
    NOW,
    P256,
    P256_ORDER,
    PLATFORM,
    REVOKED,
    REVOKED_AT,
    SUSPENDED,
    SUSPENDED_AT,
    TRIAL,
    TYP,
    WEEK_S,
    address,
    an_id,
    each,
    header_of,
    main,
    named,
    said,
)
from tests.vectors.good_objects import objects
from tests.vectors.spelling import (
    GONE,
    Cut,
    Decoy,
    Part,
    Raw,
    b64,
    joined,
    parted,
    spell,
    unb64,
)
from tests.vectors.vector import Shelf, Vector

ORG = "urn:tocsin:org:"
FEED = {
    "feed": Part("cert-aq/main/k3J9"),
    "seq": Part(7),
    "prev": Part("p" * 42 + "A"),
}


def vectors() -> list[Vector]:
    shelf = Shelf("format")
    _spellings(shelf)
    _disclosures(shelf)
    records = Shelf("record")
    _algorithms(records)
    _claims(records)
    _suspended(records)
    _kinds(records)
    _times(records)
    objects(records)
    return [*shelf.made, *records.made]


def _spellings(shelf: Shelf) -> None:
    shelf.sign("minimal", "", "The least that a record has.", named())
    shelf.sign(
        "no-sd-alg",
        "",
        "Without _sd_alg the digests are sha-256 (RFC 9901, 4.1.1).",
        with_claims={"_sd_alg": GONE},
    )
    shelf.sign(
        "header-spelled-otherwise",
        "",
        "The order of the header's members and spaces between them mean nothing.",
        header=Raw(
            b' { "typ" : "%s",\n "kid":"%s" , "alg":"\\u0045dDSA" } '
            % (TYP.encode(), CERT.kid.encode())
        ),
    )
    shelf.sign(
        "header-longest",
        "",
        "As many characters of header as there may be, most of them spaces.",
        header=Raw(spell(header_of(CERT)).ljust(768)),
    )
    shelf.sign(
        "payload-spelled-otherwise",
        "",
        "The signature covers the text: spaces and escapes in it are free.",
        payload=lambda text: text.replace(b'","', b'",\r\n\t"').replace(
            b'"kind"', b'"k\\u0069nd"'
        ),
    )
    shelf.sign(
        "disclosures-spelled-otherwise",
        "",
        "Digests cover the transmitted text: spaces, escapes and 1E2 are free.",
        main(
            name=Part("A solidus / and a bell", shape=_spaced),
            x_number=Part(Raw(b"1E2")),
            x_other=Part(Raw(b'{ "a\\/b" : [ 1.50 , -0.0, 1e-7 ] }')),
            x_pair=Part(Raw(b'"\\uD83D\\uDD14"')),
        ),
    )
    most = 2**53 - 1
    shelf.sign(
        "largest-numbers",
        "",
        "Integers up to 2^53 - 1 are exact in every language.",
        main(x_most=Part(most), x_least=Part(-most), x_float=Part(1.7e308)),
    )
    shelf.sign(
        "deepest",
        "",
        "Containers stand 32 deep: payload, stix, objects, object, and 28 arrays.",
        main(x_deep=Part(Raw(b"[" * 28 + b"1" + b"]" * 28))),
    )
    shelf.sign(
        "deepest-of-objects",
        "",
        "The same with objects and with lists of strings.",
        main(
            x_deep=Part(Raw(b'{"a":' * 28 + b"1" + b"}" * 28)),
            x_list=Part(Raw(b'{"a":' * 27 + b'["b"]' + b"}" * 27)),
        ),
    )
    shelf.sign(
        "digest-in-text",
        "",
        "A text may look like a digest; nothing refers to anything by it.",
        main(name=Part('{"...":"%s"}' % ("A" * 43)), x_list=Part(["A" * 43])),
    )


def _spaced(parts: list[Any]) -> Raw:
    return Raw(
        b' [\n"%s" , "n\\u0061me" ,"A solidus \\/ and a bell"\t] ' % parts[0].encode()
    )


def _disclosures(shelf: Shelf) -> None:
    salts = [
        "s" * 22,
        "s" * 23,
        "s" * 24,
        "s" * 25,
        "s" * 200,
        "with spaces \u00fc\u4e16 \" and '~",
    ]
    shelf.sign(
        "salts-of-any-length",
        "",
        "A salt is any string of 22 characters or more.",
        main(**{f"x_{i}": Part(i, salt=salt) for i, salt in enumerate(salts)}),
    )
    shelf.sign(
        "decoys-everywhere",
        "",
        "Digests that belong to nothing may stand wherever parts are withheld.",
        main(
            x_decoy=Decoy(),
            labels=each("election", "register", decoys=2),
            extensions={
                CORE: {
                    "extension_type": "property-extension",
                    "determination": "suspected",
                    "x_decoy": Decoy(),
                    "criticality": Part(60),
                },
                "x-decoy": Decoy(),
            },
        ),
        Decoy(),
        Decoy(),
        with_claims={"decoy": Decoy(), "severity": "high"},
    )
    shelf.sign(
        "children-before-parents",
        "",
        "The order of the disclosures means nothing; another library reverses it.",
        main(labels=each("election", "register"), description=said("One. ", "Two.")),
        order=reversed,
    )
    shelf.sign(
        "many-disclosures",
        "",
        "A hundred and twenty labels, each a disclosure of its own.",
        main(labels=each(*map(str, range(120)))),
    )
    parts = named(labels=Part([Cut("a"), Part("b")])), address(value=Cut("203.0.113.7"))
    shelf.sign("cut", "", "Two disclosures were cut; `full` tells.", *parts)

    def bare(token: bytes) -> bytes:
        return joined(parted(token)[0], [])

    why = "All disclosures were cut."
    shelf.sign("bare", "", why, named(), address(), change=bare)
    shelf.sign("no-objects", "", "A bundle of decoys alone.", Decoy(), Decoy())


def _algorithms(shelf: Shelf) -> None:
    shelf.sign(
        "alg-ed25519",
        "",
        "RFC 9864 renames EdDSA to Ed25519; both mean this key's algorithm.",
        header={"alg": "Ed25519", "kid": CERT.kid, "typ": TYP},
    )
    bv = {"iss": ORG + P256.org}
    token = shelf.sign(
        "es256",
        "",
        "The directory gives this key ES256.",
        named(),
        with_claims=bv,
        key=P256,
    )
    jwt, texts = parted(token)
    signed, _, signature = jwt.rpartition(b".")
    raw = unb64(signature)
    other_s = P256_ORDER - int.from_bytes(raw[32:], "big")
    again = b64(raw[:32] + other_s.to_bytes(32, "big"))
    shelf.put(
        "es256-other-s",
        "",
        "Anybody can turn s into n - s: the same token id, so a duplicate of es256.",
        joined(signed + b"." + again, texts),
    )


def _claims(shelf: Shelf) -> None:
    def sign(name: str, why: str, **more: Any) -> None:
        shelf.sign(name, "", why, main(), with_claims=more)

    sign(
        "feed-position", "Feed, counter and previous token, shown to the gate.", **FEED
    )
    hidden = {name: Cut(part.value) for name, part in FEED.items()}
    sign("feed-position-withheld", "The same, withheld.", **hidden)
    sign(
        "first-of-a-feed",
        "prev is empty for the first.",
        **FEED | {"seq": Part(1), "prev": Part("")},
    )
    to, concerns = [ORG + "cert-bv", ORG + "cert-cw"], [ORG + "platform-lumen"]
    sign(
        "addressed",
        "Organisations addressed and concerned.",
        to=Part(to),
        concerns=Part(concerns),
    )
    sign(
        "addressed-withheld", "The same, withheld.", to=Cut(to), concerns=Cut(concerns)
    )
    sign("addressed-to-nobody", "An empty list of addressees is a list.", to=Part([]))
    sign(
        "routing-facts",
        "All that records are routed on.",
        severity="extreme",
        countries=["XA", "XB"],
        sectors=["energy", "financial-services"],
        languages=["fr", "pt-BR", "zh-Hans"],
        exercise=True,
        aud=[ALL, "urn:tocsin:community:elections-2026"],
        sup="s" * 42 + "A",
    )
    sign(
        "sealed-parts",
        "The names of two sealed compartments; what is in them looks like any gap.",
        sealed=["s" * 42 + "A", "t" * 42 + "A"],
    )
    sign(
        "fifty-communities",
        "As many as there may be.",
        aud=[f"{ALL}-{i}" for i in range(50)],
    )
    for tlp in ("CLEAR", "AMBER", "AMBER+STRICT"):
        marked = main(object_marking_refs=[MARK[tlp]])
        name = f"tlp-{tlp.lower().replace('+', '-')}"
        shelf.sign(
            name, "", f"A record marked {tlp}.", marked, with_claims={"tlp": tlp}
        )
    shelf.sign(
        "strictest-marking-counts",
        "",
        "Of several markings the strictest counts; unknown ones are passed over.",
        main(
            object_marking_refs=[
                MARK["CLEAR"],
                MARK["GREEN"],
                an_id("marking-definition"),
            ]
        ),
    )
    shelf.sign(
        "tlp-1-marking",
        "",
        "The id of TLP 1's GREEN means GREEN.",
        main(
            object_marking_refs=[
                "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
            ]
        ),
    )


def _suspended(shelf: Shelf) -> None:
    for name, why, key, seen in (
        ("before", "First seen a second before.", SUSPENDED, SUSPENDED_AT - 1),
        (
            "after",
            "First seen when a suspension had just lapsed.",
            SUSPENDED,
            LAPSED_AT + WEEK_S,
        ),
        (
            "key-before",
            "First seen a second before its key was.",
            HELD_KEY,
            SUSPENDED_AT - 1,
        ),
    ):
        shelf.sign(
            f"suspended-{name}",
            "",
            why,
            with_claims={"iss": ORG + key.org, "iat": LAPSED_AT - 60},
            key=key,
            first_seen=seen,
        )


def _kinds(shelf: Shelf) -> None:
    shelf.sign(
        "exercise-of-who-practises",
        "",
        "Its issuer is in exercise, and says that this is one.",
        with_claims={"iss": ORG + TRIAL.org, "exercise": True},
        key=TRIAL,
    )
    refs = {"object_refs": each(an_id("url"), an_id("url", 2))}
    for name, kind, made in (
        ("campaign", "campaign", main("campaign")),
        ("advisory-report", "advisory", main("report", published=Part("2026-12-01T10:00:00Z"), **refs)),
        ("advisory-grouping", "advisory", main("grouping", context="unspecified", **refs)),
        ("feedback-opinion", "feedback", main("opinion", opinion="strongly-disagree", **refs)),
        ("feedback-note", "feedback", main("note", content=said("Not so. ", "It was satire."), **refs)),
        ("correction", "correction", main()),
        ("retraction", "retraction", main(revoked=True)),
        ("heartbeat", "heartbeat", main()),
    ):  # fmt: skip
        why = f"A record of kind {kind}."
        if kind == "heartbeat":
            why = "A verifier reads a heartbeat; the gate does not support it yet."
        shelf.sign(f"kind-{name}", "", why, made, with_claims={"kind": kind})
    shelf.sign(
        "kind-by-a-platform",
        "",
        "A platform may publish what the directory lists for it.",
        main("campaign"),
        with_claims={"kind": "campaign", "iss": ORG + PLATFORM.org},
        key=PLATFORM,
    )


def _times(shelf: Shelf) -> None:
    def sign(name: str, why: str, made: Any = None, **more: Any) -> None:
        shelf.sign(name, "", why, made or main(), **more)

    sign("latest-iat", "Clocks may differ by 120 s.", with_claims={"iat": NOW + 120})
    sign("latest-exp", "Its handling horizon ends now.", with_claims={"exp": NOW})
    ver = "2026-12-01T12:02:00.000Z"
    made = main(modified=ver)
    sign(
        "latest-version", "Its version is 120 s ahead.", made, with_claims={"ver": ver}
    )
    fine = "2026-12-01T10:00:00.123456789Z"
    sign(
        "version-to-the-nanosecond",
        "Times have up to nine digits.",
        main(modified=fine),
        with_claims={"ver": fine},
    )
    for name, iat in (("first", BRIEF_FROM), ("last", BRIEF_UNTIL)):
        sign(
            f"{name}-second-of-a-key",
            "Issued at the edge of the validity of its key.",
            with_claims={"iat": iat, "iss": ORG + BRIEF.org},
            key=BRIEF,
        )
    sign(
        "seen-before-revocation",
        "The gate saw it before the key was revoked, so it still counts.",
        with_claims={"iat": REVOKED_AT - 60, "iss": ORG + REVOKED.org},
        key=REVOKED,
        first_seen=REVOKED_AT - 1,
    )
