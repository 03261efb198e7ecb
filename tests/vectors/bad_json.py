"""Bad vectors: disclosures and JSON that parsers read in two ways.

Each fault stands in the payload or in a disclosure, whose signature and digest hold.
"""

from collections.abc import Callable
from typing import Any

from tests.vectors.cast import (
    address,
    main,
)
from tests.vectors.spelling import (
    Part,
    Raw,
    b64,
    spell,
    swap,
)
from tests.vectors.vector import Shelf, Vector

TLP = b'"tlp":"GREEN"'


def vectors() -> list[Vector]:
    shelf = Shelf("format")
    _base64(shelf)
    _payload_json(shelf)
    _disclosed_json(shelf)
    _depth(shelf)
    _torn(shelf)
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


def _torn(shelf: Shelf) -> None:
    """Two disclosures whose texts make two lines of perfect JSON together only."""

    def aligned(before: bytes, after: bytes) -> bytes:
        size = next(n for n in range(22, 25) if (len(before + after) + n) % 3 == 2)
        return b64(before + b"s" * size + after)

    head = aligned(b'["', b'","one"]\n["%s","two' % (b"t" * 22))
    tail = aligned(b" ", b'"]')
    for name, first in (("spare-bits", head[:-1] + bytes([head[-1] + 1])), ("", head)):
        labels = [
            Part("one", bend=lambda _, text=first: text),
            Part("two", bend=lambda _: tail),
        ]
        shelf.sign(
            f"disclosures-torn-{name}".rstrip("-"),
            "bad-base64" if name else "not-json",
            "One value begins in the first disclosure and ends in the second: decoded "
            "in one piece, the two would look right.",
            address(labels=Part(labels)),
        )


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
        more = (
            also.get(code, ())
            if name != "surrogate-in-utf8"
            else ("not-json", "surrogate")
        )
        shelf.sign(f"disclosed-{name}", code, why, made, also=more)
    marked = Part("a", shape=lambda parts: Raw(b"\xef\xbb\xbf" + spell(parts)))
    why = "A byte order mark stands before a disclosure."
    shelf.sign("disclosed-byte-order-mark", "not-json", why, address(name=marked))
    why = "A disclosure is cut off."
    short = Part("a", shape=lambda parts: Raw(spell(parts)[:-1]))
    shelf.sign("disclosed-cut-off", "not-json", why, address(name=short))
    why = "An object repeats a name: GREEN for one parser, CLEAR for another."
    part = main()
    text = Raw(
        b'["%s"],"confidence":90,"confidence":10'
        % part["object_marking_refs"][0].encode()
    )
    shelf.sign(
        "disclosed-object-member-twice",
        "duplicate-key",
        why,
        part | {"object_marking_refs": text},
    )


def _depth(shelf: Shelf) -> None:
    def nested(depth: int) -> Raw:
        return Raw(b"[" * depth + b"1" + b"]" * depth)

    why = "The 33rd container: recursion would be open to attack."
    shelf.sign(
        "depth-in-a-disclosure", "too-deep", why, address(x_deep=Part(nested(29)))
    )
    objects = Raw(b'{"a":' * 29 + b"1" + b"}" * 29)
    shelf.sign("depth-of-objects", "too-deep", why, address(x_deep=Part(objects)))
    texts = Raw(b'{"a":' * 28 + b'["b"]' + b"}" * 28)
    shelf.sign("depth-of-a-list", "too-deep", why, address(x_deep=Part(texts)))
    empty = Raw(b"[" * 29 + b"]" * 29)
    shelf.sign("depth-of-nothing", "too-deep", why, address(x_deep=Part(empty)))
    chain: Any = Part(1)
    for _ in range(29):
        chain = Part({"a": chain})
    why = "The 33rd container, each level a disclosure of its own."
    also = ("visible-as-disclosure",)
    shelf.sign(
        "depth-across-disclosures", "too-deep", why, address(x_deep=chain), also=also
    )
    why = "The 33rd container, in the payload."
    deep = {"sectors": nested(32)}
    shelf.sign(
        "depth-in-the-payload", "too-deep", why, with_claims=deep, also=("claims",)
    )
    why = "Two thousand containers: a parser without a limit falls into it."
    also = ("not-json",)
    shelf.sign(
        "depth-abyss", "too-deep", why, address(x_deep=Part(nested(2000))), also=also
    )
