"""Bad vectors: JSON that parsers read in two ways, and SD-JWT (RFC 9901) bent.

Each fault stands in the payload or in a disclosure, whose signature and digest hold.
"""

from collections.abc import Callable
from typing import Any

from tests.vectors.cast import BARE, address, an_id, claims, each, issue, main, named, other
from tests.vectors.folding import folded
from tests.vectors.spelling import (
    Cut,
    Decoy,
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

TLP = b'"tlp":"GREEN"'
DIGEST = "d" * 42 + "A"
SALT = "c2FsdHNhbHRzYWx0c2FsdA"


def vectors() -> list[Vector]:
    shelf = Shelf("format")
    _base64(shelf)
    _payload_json(shelf)
    _disclosed_json(shelf)
    _depth(shelf)
    _algorithm_and_places(shelf)
    _digests(shelf)
    _unreferenced(shelf)
    _shapes(shelf)
    _names(shelf)
    _sizes(shelf)
    return shelf.made


def _base64(shelf: Shelf) -> None:
    def sign(name: str, why: str, length: int, bend: Callable[[bytes], bytes]) -> None:
        """Make a disclosure of that length modulo 4, and bend it."""
        salt = next(
            "s" * n
            for n in range(22, 25)
            if len(b64(spell(["s" * n, "name", "A ??? case"]))) % 4 == length
        )
        part = Part("A ??? case", salt=salt, bend=bend)
        shelf.sign(f"disclosure-{name}", "bad-base64", why, address(name=part))

    def alphabet(text: bytes) -> bytes:
        assert b"_" in text
        return text.replace(b"_", b"/").replace(b"-", b"+")

    why = "Its digest covers the text as it is, in a spelling that lax decoders take."
    sign("padding", why, 3, lambda t: t + b"=")
    sign("spare-bits", why, 3, lambda t: t[:-1] + bytes([t[-1] + 1]))
    sign("spare-bits-of-two", why, 2, lambda t: t[:-1] + bytes([t[-1] + 1]))
    sign("alphabet", why, 0, alphabet)
    sign("alphabet-aligned", why, 3, alphabet)
    sign("line-feed", why, 3, lambda t: t[:8] + b"\n" + t[8:])
    sign("space", why, 3, lambda t: t + b" ")
    sign("zero-byte", why, 0, lambda t: t + b"\0")
    sign("one-character-more", "Its length is 1 modulo 4.", 0, lambda t: t + b"A")


def _payload_json(shelf: Shelf) -> None:
    def swapped(old: bytes, new: bytes) -> dict[str, Any]:
        return {"payload": swap(old, new)}

    for name, code, why, how in (
        ("cut-off", "not-json", "The payload's JSON is cut off.", {"payload": lambda t: t[:-1]}),
        ("two-values", "not-json", "Something stands behind the payload's object.", {"payload": lambda t: t + b"{}"}),
        ("byte-order-mark", "not-json", "A byte order mark stands first.", {"payload": lambda t: b"\xef\xbb\xbf" + t}),
        ("comment", "not-json", "JSON has no comments.", {"payload": lambda t: t + b"/**/"}),
        ("trailing-comma", "not-json", "A comma stands behind the last member.", {"payload": lambda t: t[:-1] + b",}"}),
        ("nan", "not-json", "NaN is no JSON.", swapped(b'"exercise":false', b'"exercise":NaN')),
        ("not-utf8", "not-utf8", "A byte that is no UTF-8.", swapped(TLP, b'"tlp":"GREEN\xff"')),
        ("array", "payload", "The payload is an array.", {"payload": lambda t: b"[" + t + b"]"}),
        ("string", "payload", "The payload is a string.", {"payload": lambda _: b'"text"'}),
        ("null", "payload", "The payload is null.", {"payload": lambda _: b"null"}),
        ("member-twice", "duplicate-key", "Two markings: one parser sees GREEN, another CLEAR.", swapped(TLP, TLP + b',"tlp":"CLEAR"')),
        ("member-twice-alike", "duplicate-key", "Twice the same is refused too.", swapped(TLP, TLP + b"," + TLP)),
        ("member-twice-escaped", "duplicate-key", "The second is spelled with an escape.", swapped(TLP, TLP + b',"t\\u006cp":"CLEAR"')),
        ("member-twice-inside", "duplicate-key", "Two lists of objects in the bundle.", swapped(b'"type":"bundle"', b'"type":"bundle","type":"bundle"')),
        ("digests-twice", "duplicate-key", "Two members _sd.", swapped(TLP, TLP + b',"_sd":[],"_sd":[]')),
    ):  # fmt: skip
        shelf.sign(f"payload-{name}", code, why, **how)
    also = ("claims",)
    for name, number in (
        ("2-to-the-53", b"9007199254740992"),
        ("2-to-the-64", b"18446744073709551616"),
        ("500-digits", b"9" * 500),
        ("infinite", b"1e999"),
    ):
        why = "A number that not every language can hold: exp, where sizes matter."
        how = swapped(b'"exp":1796212800', b'"exp":' + number)
        shelf.sign(f"payload-number-{name}", "number-range", why, also=also, **how)
    why = "Half a character, which languages turn into different texts."
    how = swapped(b'"sectors":[]', b'"sectors":["\\ud800"]')
    shelf.sign("payload-surrogate", "surrogate", why, also=also, **how)


# Of a disclosure `["<salt>","x_new",VALUE]`: name, code, why, VALUE.
VALUES: list[tuple[str, str, str, bytes]] = [
    ("member-twice", "duplicate-key", "An object in it repeats a name.", b'{"a":1,"a":2}'),
    ("member-twice-escaped", "duplicate-key", "The second is spelled with an escape.", b'{"a":1,"\\u0061":2}'),
    ("member-twice-deep", "duplicate-key", "The same inside an array.", b'[0,{"b":[{"a":1,"a":1}]}]'),
    ("digests-twice", "duplicate-key", "Two members _sd.", b'{"_sd":[],"_sd":[]}'),
    ("2-to-the-53", "number-range", "2^53 is not exact everywhere.", b"9007199254740992"),
    ("2-to-the-64", "number-range", "An integer beyond 64 bits.", b'{"a":18446744073709551616}'),
    ("500-digits", "number-range", "An integer of 500 digits.", b"9" * 500),
    ("infinite", "number-range", "Beyond what a double holds.", b"1e999"),
    ("minus-infinite", "number-range", "The same below zero.", b'{"a":[-1e400]}'),
    ("nan", "not-json", "NaN is no JSON.", b"NaN"),
    ("leading-zero", "not-json", "Numbers have no leading zeros.", b"01"),
    ("plus-sign", "not-json", "Numbers have no plus sign.", b"+1"),
    ("single-quotes", "not-json", "Strings stand in double quotes.", b"'a'"),
    ("trailing-comma", "not-json", "A comma stands behind the last element.", b"[1,]"),
    ("control-character", "not-json", "Control characters are escaped.", b'"a\nb"'),
    ("unknown-escape", "not-json", "There is no such escape.", b'"\\x41"'),
    ("comment", "not-json", "JSON has no comments.", b"1/**/"),
    ("no-break-space", "not-json", "Nor is a no-break space.", b"\xc2\xa01"),
    ("two-values", "not-json", "Something stands behind the array.", b"1],[1"),
    ("high-surrogate", "surrogate", "Half a character.", b'"\\ud800"'),
    ("low-surrogate", "surrogate", "The other half.", b'"\\uDFFF"'),
    ("reversed-surrogates", "surrogate", "Both, the wrong way round.", b'"\\udd14\\ud83d"'),
    ("surrogate-in-a-name", "surrogate", "Half a character as a name.", b'{"\\ud83d":1}'),
    ("not-utf8", "not-utf8", "A byte that is no UTF-8.", b'"\xff"'),
    ("overlong", "not-utf8", "A solidus in two bytes.", b'"\xc0\xaf"'),
    ("surrogate-in-utf8", "not-utf8", "A surrogate in three bytes (CESU-8).", b'"\xed\xa0\x80"'),
]  # fmt: skip


def _disclosed_json(shelf: Shelf) -> None:
    also = {"surrogate": ("not-json",), "not-utf8": ("not-json",)}
    for name, code, why, text in VALUES:
        made = address(x_new=Part(Raw(text)))
        more = also.get(code, ()) if name != "surrogate-in-utf8" else ("not-json", "surrogate")
        shelf.sign(f"disclosed-{name}", code, why, made, also=more)
    marked = Part("a", shape=lambda parts: Raw(b"\xef\xbb\xbf" + spell(parts)))
    why = "A byte order mark stands before a disclosure."
    shelf.sign("disclosed-byte-order-mark", "not-json", why, address(name=marked))
    why = "A disclosure is cut off."
    short = Part("a", shape=lambda parts: Raw(spell(parts)[:-1]))
    shelf.sign("disclosed-cut-off", "not-json", why, address(name=short))
    why = "An object repeats a name: GREEN for one parser, CLEAR for another."
    part = main()
    text = Raw(b'["%s"],"confidence":90,"confidence":10' % part["object_marking_refs"][0].encode())
    shelf.sign("disclosed-object-member-twice", "duplicate-key", why, part | {"object_marking_refs": text})


def _depth(shelf: Shelf) -> None:
    def nested(depth: int) -> Raw:
        return Raw(b"[" * depth + b"1" + b"]" * depth)

    why = "The 33rd container: recursion would be open to attack."
    shelf.sign("depth-in-a-disclosure", "too-deep", why, address(x_deep=Part(nested(29))))
    objects = Raw(b'{"a":' * 29 + b"1" + b"}" * 29)
    shelf.sign("depth-of-objects", "too-deep", why, address(x_deep=Part(objects)))
    chain: Any = Part(1)
    for _ in range(29):
        chain = Part({"a": chain})
    why = "The 33rd container, each level a disclosure of its own."
    also = ("visible-as-disclosure",)
    shelf.sign("depth-across-disclosures", "too-deep", why, address(x_deep=chain), also=also)
    why = "The 33rd container, in the payload."
    deep = {"sectors": nested(32)}
    shelf.sign("depth-in-the-payload", "too-deep", why, with_claims=deep, also=("claims",))
    why = "Two thousand containers: a parser without a limit falls into it."
    also = ("not-json",)
    shelf.sign("depth-abyss", "too-deep", why, address(x_deep=Part(nested(2000))), also=also)


def _algorithm_and_places(shelf: Shelf) -> None:
    for name, value in (
        ("sha-512", "sha-512"),
        ("in-capitals", "SHA-256"),
        ("null", None),
        ("list", ["sha-256"]),
    ):
        why = "Digests are sha-256, spelled so."
        shelf.sign(f"sd-alg-{name}", "sd-alg", why, with_claims={"_sd_alg": value})
    for name, value in (("null", None), ("string", DIGEST), ("object", {}), ("number", 0)):
        why = "_sd is a list of digests."
        shelf.sign(f"sd-{name}", "sd-shape", why, with_claims={"_sd": value})
    why = "The same in an object of the record."
    shelf.sign("sd-string-in-an-object", "sd-shape", why, main(_sd=DIGEST))
    company = Raw(b'[{"...":"%s","a":1}]' % DIGEST.encode())
    why = "A digest in an array stands alone in its object."
    shelf.sign("sd-in-company", "sd-shape", why, main(x_list=Part(company)))


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
        again = {"_sd": [p for p in parts if isinstance(p, str)]} if len(objects) < len(parts) else {}
        shelf.sign(f"digest-twice-{title}", code, why, *objects, also=more, with_claims=again)
    why = "One disclosure stands twice."
    twice: Any = lambda texts: [*texts, texts[-1]]  # noqa: E731
    shelf.sign("disclosure-twice", "duplicate-disclosure", why, named(), order=twice)


def _unreferenced(shelf: Shelf) -> None:
    code, stray = "unreferenced-disclosure", b64(spell([SALT, "name", "Another name"]))
    digest = sha(stray)
    quoted = '{"_sd":["%s"]}' % digest
    why = "A disclosure that no digest refers to: it was never signed."
    shelf.sign("stray-disclosure", code, why, more=(stray,))
    for name, why, made in (
        ("in-a-text", "Its digest stands only in a text that the issuer copied.", main(name=Part(quoted))),
        ("as-a-text", "Its digest is an element, not an object with `...`.", main(x_list=Part([digest]))),
        ("as-a-name", "Its digest is the name of a property.", main(x_map=Part({digest: 1}))),
        ("as-a-salt", "Its digest is a salt.", main(name=Part("a", salt=digest))),
        ("in-a-visible-text", "Its digest stands in a visible string.", main(lang=digest)),
    ):
        shelf.sign(f"digest-{name}", code, why, made, more=(stray,))

    def other_spelling(token: bytes) -> bytes:
        jwt, texts = parted(token)
        return joined(jwt, [*texts[:-1], b64(unb64(texts[-1]).replace(b",", b", "))])

    def other_text(token: bytes) -> bytes:
        jwt, texts = parted(token)
        return joined(jwt, [*texts[:-1], b64(unb64(texts[-1]).replace(b"copied", b"burned"))])

    def orphan(token: bytes) -> bytes:
        jwt, texts = parted(token)
        return joined(jwt, texts[1:])

    foreign = parted(issue("foreign-disclosures", claims(named(), address())))[1]
    for name, why, change in (
        ("of-another-record", "Those of another record.", lambda t: joined(parted(t)[0], foreign)),
        ("spelled-anew", "Encoded again with spaces: the digest covers the text.", other_spelling),
        ("changed", "A word in it was changed.", other_text),
        ("without-its-parent", "The object was cut, its name left.", orphan),
    ):
        shelf.sign(f"disclosures-{name}", code, why, named(), change=change)


def _shapes(shelf: Shelf) -> None:
    code = "disclosure-shape"
    for name, why, shape in (
        ("empty", "No salt.", lambda _: []),
        ("salt-alone", "A salt alone.", lambda p: p[:1]),
        ("without-a-name", "An element in the place of a property.", lambda p: [p[0], p[2]]),
        ("of-four", "A fourth part.", lambda p: [*p, 1]),
        ("name-a-number", "Its name is a number.", lambda p: [p[0], 7, p[2]]),
        ("object", "An object.", lambda p: {"0": p[0], "1": "name", "2": p[2]}),
        ("string", "A string.", lambda p: p[2]),
        ("null", "null.", lambda _: None),
    ):
        why = f"A disclosure is salt, name and value. {why}"
        shelf.sign(f"disclosure-{name}", code, why, address(name=Part("A case", shape=shape)))
    for name, why, shape in (
        ("with-a-name", "A property in the place of an element.", lambda p: [p[0], "labels", p[1]]),
        ("salt-alone", "A salt alone.", lambda p: p[:1]),
    ):
        why = f"A disclosure of an element is salt and value. {why}"
        made = address(labels=Part([Part("a", shape=shape), Part("b")]))
        shelf.sign(f"disclosure-of-an-element-{name}", code, why, made)
    for name, salt in (("21", "s" * 21), ("empty", ""), ("number", 7)):
        also = ("disclosure-shape",) if not isinstance(salt, str) else ()
        why = "A salt has at least 22 characters: shorter ones let values be guessed."
        shape = lambda p, salt=salt: [salt, *p[1:]]  # noqa: E731
        shelf.sign(f"salt-{name}", "short-salt", why, address(name=Part("a", shape=shape)), also=also)
        if name == "21":
            made = address(labels=Part([Part("a", shape=shape), Part("b")]))
            shelf.sign("salt-21-of-an-element", "short-salt", why, made)


def _names(shelf: Shelf) -> None:
    code = "shadowed-name"
    why = "Visible is AMBER, disclosed CLEAR: readers would see either."
    amber = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
    visible = {"tlp": "AMBER", "_sd": [sha(_named("tlp", "CLEAR"))]}
    made = main(object_marking_refs=[amber])
    shelf.sign("shadowed-tlp", code, why, made, with_claims=visible, more=(_named("tlp", "CLEAR"),))
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
        shelf.sign(f"claim-disclosed-as-{title}", code, why, with_claims=again, more=(text,))
    for name, why, made in (
        ("sd-alg-in-a-property", "_sd_alg stands in the payload alone.", main(x_new=Part({"_sd_alg": "sha-256"}))),
        ("sd-alg-in-an-object", "The same, visible in an object.", main(_sd_alg="sha-256")),
        ("dots-in-an-object", "`...` stands in elements of arrays alone.", main(**{"...": DIGEST})),
        ("dots-in-a-property", "The same in a disclosed value.", main(x_new=Part({"...": DIGEST}))),
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
    shelf.made.append(Vector(name="too-large", level="format", why=why, recipe=recipe, reason="too-large"))
    text = _named("x_new", 1).decode()
    parts = [
        {"of": "tokens/minimal.sdjwt"},
        {"text": text + "~", "times": 65_537},
    ]
    why = "More than 65,536 disclosures, refused before they are hashed."
    also = ("duplicate-disclosure", "unreferenced-disclosure")
    shelf.made.append(
        Vector(name="too-many-disclosures", level="format", why=why, recipe={"parts": parts}, reason="too-many-disclosures", also=also)
    )
