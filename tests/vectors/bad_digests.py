"""Bad vectors: digests and disclosures (RFC 9901) bent, the signature always right."""

from typing import Any

from tests.vectors.cast import (
    BARE,
    address,
    claims,
    issue,
    main,
    named,
    other,
)
from tests.vectors.folding import LISTS, folded
from tests.vectors.spelling import (
    Digest,
    Part,
    Raw,
    b64,
    joined,
    parted,
    sha,
    spell,
    swap,
    unb64,
)
from tests.vectors.vector import Shelf, Vector

DIGEST = "d" * 42 + "A"
SALT = "c2FsdHNhbHRzYWx0c2FsdA"


def vectors() -> list[Vector]:
    shelf = Shelf("format")
    _algorithm_and_places(shelf)
    _digests(shelf)
    _unreferenced(shelf)
    _shapes(shelf)
    _names(shelf)
    _sizes(shelf)
    return shelf.made


def _algorithm_and_places(shelf: Shelf) -> None:
    for name, value in (
        ("sha-512", "sha-512"),
        ("in-capitals", "SHA-256"),
        ("null", None),
        ("list", ["sha-256"]),
    ):
        why = "Digests are sha-256, spelled so."
        shelf.sign(f"sd-alg-{name}", "sd-alg", why, with_claims={"_sd_alg": value})
    for name, value in (
        ("null", None),
        ("string", DIGEST),
        ("object", {}),
        ("number", 0),
    ):
        why = "_sd is a list of digests."
        shelf.sign(f"sd-{name}", "sd-shape", why, with_claims={"_sd": value})
    why = "The same in an object of the record."
    shelf.sign("sd-string-in-an-object", "sd-shape", why, main(_sd=DIGEST))
    company = Raw(b'{"...":"%s","a":1}' % DIGEST.encode())
    why = "A digest in an array stands alone in its object."
    shelf.sign("sd-in-company", "sd-shape", why, BARE, company)


def _digests(shelf: Shelf) -> None:
    for name, value in (
        ("short", DIGEST[:-1]),
        ("long", DIGEST + "A"),
        ("padded", DIGEST[:-1] + "="),
        ("spare-bits", DIGEST[:-1] + "B"),
        ("alphabet", "+" + DIGEST[1:]),
        ("line-feed", DIGEST + "\n"),
        ("non-ascii", "\u00e9" + DIGEST[1:]),
        ("number", 7),
        ("null", None),
        ("list", [DIGEST]),
    ):
        why = "A digest is 43 characters of base64url; here stands something else."
        code = "digest-shape"
        shelf.sign(f"digest-{name}", code, why, address(_sd=[value]))
        if name in ("short", "null"):
            shelf.sign(f"digest-of-an-element-{name}", code, why, BARE, Digest(value))
    _digests_twice(shelf)


def _digests_twice(shelf: Shelf) -> None:
    code, said = "duplicate-digest", Part("election", salt=SALT)
    digest = sha(b64(spell([SALT, "election"])))
    name = Part("A case", salt=SALT)
    digest_of_name = sha(b64(spell([SALT, "name", "A case"])))
    also = ("shadowed-name", "unreferenced-disclosure")
    for title, why, parts, more in (
        ("in-one-sd", "A digest stands twice in one _sd, its disclosure is there.", [main(name=name, _sd=[digest_of_name])], also),
        ("in-two-objects", "In two objects, its disclosure is there.", [main(name=name), other("campaign", _sd=[digest_of_name])], also),
        ("in-payload-and-object", "In the payload and in an object.", [main(name=name), digest_of_name], also),
        ("in-one-array", "Twice in one array, its disclosure is there.", [main(labels=Part([said, Digest(digest)]))], also),
        ("in-two-arrays", "In two arrays.", [main(labels=Part([said, Part("b")]), aliases=Part([Digest(digest), Part("c")]))], also),
        ("in-array-and-sd", "In an array and in an _sd.", [main(labels=Part([said, Part("b")]), _sd=[digest])], (*also, "disclosure-shape")),
        ("in-one-sd-withheld", "Twice in one _sd, without a disclosure.", [main(_sd=[DIGEST, DIGEST])], ()),
        ("in-two-objects-withheld", "In two objects, without a disclosure.", [main(_sd=[DIGEST]), other("campaign", _sd=[DIGEST])], ()),
        ("in-one-array-withheld", "Twice in one array, without a disclosure.", [BARE, Digest(DIGEST), Digest(DIGEST)], ()),
        ("in-array-and-sd-withheld", "In an array and in an _sd, without a disclosure.", [main(_sd=[DIGEST]), Digest(DIGEST)], ()),
    ):  # fmt: skip
        objects = [p for p in parts if not isinstance(p, str)]
        again = (
            {"_sd": [p for p in parts if isinstance(p, str)]}
            if len(objects) < len(parts)
            else {}
        )
        shelf.sign(
            f"digest-twice-{title}", code, why, *objects, also=more, with_claims=again
        )
    why = "One disclosure stands twice."
    shelf.sign(
        "disclosure-twice",
        "duplicate-disclosure",
        why,
        named(),
        order=lambda t: [*t, t[-1]],
    )


def _unreferenced(shelf: Shelf) -> None:
    code, stray = "unreferenced-disclosure", b64(spell([SALT, "name", "Another name"]))
    digest = sha(stray)
    quoted = f'{{"_sd":["{digest}"]}}'
    why = "A disclosure that no digest refers to: it was never signed."
    shelf.sign("stray-disclosure", code, why, more=(stray,))
    for name, why, made in (
        (
            "in-a-text",
            "Its digest stands only in a text that the issuer copied.",
            main(name=Part(quoted)),
        ),
        (
            "as-a-text",
            "Its digest is an element, not an object with `...`.",
            main(x_list=Part([digest])),
        ),
        (
            "as-a-name",
            "Its digest is the name of a property.",
            main(x_map=Part({digest: 1})),
        ),
        ("as-a-salt", "Its digest is a salt.", main(name=Part("a", salt=digest))),
        (
            "in-a-visible-text",
            "Its digest stands in a visible string.",
            main(lang=digest),
        ),
    ):
        shelf.sign(f"digest-{name}", code, why, made, more=(stray,))

    def other_spelling(token: bytes) -> bytes:
        jwt, texts = parted(token)
        return joined(jwt, [*texts[:-1], b64(unb64(texts[-1]).replace(b",", b", "))])

    def other_text(token: bytes) -> bytes:
        jwt, texts = parted(token)
        return joined(
            jwt, [*texts[:-1], b64(unb64(texts[-1]).replace(b"copied", b"burned"))]
        )

    def orphan(token: bytes) -> bytes:
        jwt, texts = parted(token)
        return joined(jwt, texts[1:])

    foreign = parted(issue("foreign-disclosures", claims(named(), address())))[1]
    for name, why, change in (
        (
            "of-another-record",
            "Those of another record.",
            lambda t: joined(parted(t)[0], foreign),
        ),
        (
            "spelled-anew",
            "Encoded again with spaces: the digest covers the text.",
            other_spelling,
        ),
        ("changed", "A word in it was changed.", other_text),
        ("without-its-parent", "The object was cut, its name left.", orphan),
    ):
        shelf.sign(f"disclosures-{name}", code, why, named(), change=change)


def _shapes(shelf: Shelf) -> None:
    code = "disclosure-shape"
    for name, why, shape in (
        ("empty", "No salt.", lambda _: []),
        ("salt-alone", "A salt alone.", lambda p: p[:1]),
        (
            "without-a-name",
            "An element in the place of a property.",
            lambda p: [p[0], p[2]],
        ),
        ("of-four", "A fourth part.", lambda p: [*p, 1]),
        ("name-a-number", "Its name is a number.", lambda p: [p[0], 7, p[2]]),
        ("object", "An object.", lambda p: {"0": p[0], "1": "name", "2": p[2]}),
        ("string", "A string.", lambda p: p[2]),
        ("null", "null.", lambda _: None),
    ):
        whole = f"A disclosure is salt, name and value. {why}"
        shelf.sign(
            f"disclosure-{name}", code, whole, address(name=Part("A case", shape=shape))
        )
    for name, why, shape in (
        (
            "with-a-name",
            "A property in the place of an element.",
            lambda p: [p[0], "labels", p[1]],
        ),
        ("salt-alone", "A salt alone.", lambda p: p[:1]),
    ):
        whole = f"A disclosure of an element is salt and value. {why}"
        made = address(labels=Part([Part("a", shape=shape), Part("b")]))
        shelf.sign(f"disclosure-of-an-element-{name}", code, whole, made)
    for name, salt in (("21", "s" * 21), ("empty", ""), ("number", 7)):
        also = ("disclosure-shape",) if not isinstance(salt, str) else ()
        why = "A salt has at least 22 characters: shorter ones let values be guessed."
        shelf.sign(
            f"salt-{name}",
            "short-salt",
            why,
            address(name=Part("a", salt=salt)),
            also=also,
        )
        if name == "21":
            made = address(labels=Part([Part("a", salt=salt), Part("b")]))
            shelf.sign("salt-21-of-an-element", "short-salt", why, made)


def _names(shelf: Shelf) -> None:
    code = "shadowed-name"
    why = "Visible is AMBER, disclosed CLEAR: readers would see either."
    amber = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
    visible = {"tlp": "AMBER", "_sd": [sha(_named("tlp", "CLEAR"))]}
    made = main(object_marking_refs=[amber])
    shelf.sign(
        "shadowed-tlp",
        code,
        why,
        made,
        with_claims=visible,
        more=(_named("tlp", "CLEAR"),),
    )
    for name, why, value, more in (
        ("shadowed-property", "A visible property of an object is disclosed again.", main(confidence=90, _sd=[sha(_named("confidence", 10))]), (_named("confidence", 10),)),
        ("shadowed-disclosure", "Two disclosures of one name.", main(name=Part("A"), _sd=[sha(_named("name", "B"))]), (_named("name", "B"),)),
        ("shadowed-digests-alike", "Visible and disclosed alike is refused too.", main(confidence=10, _sd=[sha(_named("confidence", 10))]), (_named("confidence", 10),)),
    ):  # fmt: skip
        shelf.sign(name, code, why, value, more=more)
    code = "reserved-name"
    for name, title in (("_sd", "sd"), ("...", "dots"), ("_sd_alg", "sd-alg")):
        why = f"A disclosure is called {name}, which has a meaning of its own."
        value: Any = [DIGEST] if name == "_sd" else "sha-256"
        text = _named(name, value)
        made = main(_sd=[sha(text)])
        shelf.sign(f"disclosure-called-{title}", code, why, made, more=(text,))
        text = _named(name, value)
        again = {"_sd": [sha(text)]}
        shelf.sign(
            f"claim-disclosed-as-{title}", code, why, with_claims=again, more=(text,)
        )
    for name, title in (("__proto__", "proto"), ("", "nothing")):
        why = (
            f"A member is called {name or 'nothing at all'}: libraries in JavaScript "
            "lose it, so two verifiers would read one token differently."
        )
        value = {"revoked": True}
        for place, made in (
            ("visible", main(**{name: value})),
            ("disclosed", main(**{name: Part(value)})),
            ("nested", main(x_new=Part([{name: value}]))),
        ):
            shelf.sign(f"{place}-{title}", code, why, made)
    for name, why, made in (
        (
            "sd-alg-in-a-property",
            "_sd_alg stands in the payload alone.",
            main(x_new=Part({"_sd_alg": "sha-256"})),
        ),
        (
            "sd-alg-in-an-object",
            "The same, visible in an object.",
            main(_sd_alg="sha-256"),
        ),
        (
            "dots-in-an-object",
            "`...` stands in elements of arrays alone.",
            main(**{"...": DIGEST}),
        ),
        (
            "dots-in-a-property",
            "The same in a disclosed value.",
            main(x_new=Part({"...": DIGEST})),
        ),
    ):
        shelf.sign(name, code, why, made)
    why = "`...` stands in elements of arrays alone."
    shelf.sign("dots-in-the-payload", code, why, with_claims={"...": DIGEST})
    why = "_sd_alg stands at the top of the payload alone."
    how = swap(b'"type":"bundle"', b'"type":"bundle","_sd_alg":"sha-256"')
    shelf.sign("sd-alg-in-the-bundle", code, why, payload=how)


def _named(name: str, value: Any) -> bytes:
    return b64(spell([SALT, name, value]))


def _sizes(shelf: Shelf) -> None:
    """What is too large to store: the token stands as parts that repeat."""
    large = {f"x_{i}": Part("A" * 990_000) for i in range(13)}
    token = issue("too-large", claims(main(**large)))
    assert len(token) > 16 << 20
    recipe = {"parts": folded(token)}
    why = "More than 16 MiB, all of it signed, no string longer than 1 MiB."
    shelf.made.append(
        Vector(
            name="too-large", level="format", why=why, recipe=recipe, reason="too-large"
        )
    )
    token = issue("too-many-values", claims(main(x_new=Part([[]] * 500_000))))
    unit = next(each for each in LISTS if each * 1000 in token)
    why = "Half a million values in 2 MB, which zstd packs into some hundred bytes."
    shelf.made.append(
        Vector(
            name="too-many-values",
            level="format",
            why=why,
            recipe={"parts": folded(token, unit)},
            reason="too-many-values",
        )
    )
    text = _named("x_new", 1).decode()
    parts = [
        {"of": "tokens/minimal.sdjwt"},
        {"text": text + "~", "times": 65_537},
    ]
    why = "More than 65,536 disclosures, refused before they are hashed."
    also = ("duplicate-disclosure", "unreferenced-disclosure")
    shelf.made.append(
        Vector(
            name="too-many-disclosures",
            level="format",
            why=why,
            recipe={"parts": parts},
            reason="too-many-disclosures",
            also=also,
        )
    )
