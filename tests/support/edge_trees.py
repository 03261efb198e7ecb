"""Trees of claims whose values stand at the bounds of what docs/protocol.md allows."""

# ruff: noqa: SIM905  quotes and commas would hide what differs

from collections.abc import Iterator
from itertools import product
from typing import Any

from tests.vectors import cast
from tests.vectors.spelling import Cut, Part, Raw

GREEN = cast.MARK["GREEN"]
IPV4_NETWORKS = """
203.0.113.0/24 203.0.113.1/24 203.0.113.0/25 203.0.113.0/024 203.0.113.0 203.000.113.0/24
203.0.113.0/255.255.255.0 203.0.113.0/24/24 203.0.113.0/٢٤
""".split()
IPV4 = """
203.0.113.7 203.0.113.7/32 203.0.113.0/24 203.0.113.0/23 203.0.113.7/255.255.255.255
203.0.113.7/0.0.0.0 203.0.113.007 203.0.113 3405803783 203.0.113.7/ 203.0.113.7/33 203.0.114.1
""".split()
IPV6_NETWORKS = """
2001:db8:1::/48 2001:DB8:1::/48 2001:db8:1:0::/48 2001:db8:1::1/48 2001:db8:1::/47 ::/48
2001:0:1::/48 2001::1:0:0:0:0:0/48 2001:db8:1::%eth0/48 2001:db8:1::/048 ::ffff:0:0/48
""".split()
IPV6 = """
2001:db8:1::5 2001:db8:1::5%eth0 2001:db8:1::/48 2001:db8::/32 2001:DB8:1::5 ::1 2001:0:1::5
::ffff:192.0.2.1 2001:db8:1::192.0.2.1
""".split()
DAYS = (
    "2026-11-02 2026-11-2 20261102 2026-W45-1 2026-02-30 0000-01-01 ٢٠٢٦-11-02".split()
)
MOMENTS = (
    "2026-11-02T03:04:05Z 2026-11-02T24:00:00Z 2026-11-03T00:00:00Z 2026-11-02".split()
)
VERSIONS = """
2026-12-01T12:02:00Z 2026-12-01T12:02:00.000000000Z 2026-12-01T12:02:00.001Z
2026-12-01T12:01:59.999999999Z 2026-12-01T12:02:00.Z 2026-12-01T12:00:00.0000000000Z
2026-12-01t12:00:00z 2026-12-01T12:00:00+00:00 0000-01-01T00:00:00Z 0001-01-01T00:00:00Z
1900-02-29T00:00:00Z 2000-02-29T00:00:00Z 2016-12-31T23:59:60Z 2016-12-31T24:00:00Z
٢٠٢٦-12-01T12:00:00Z 2026-12-01T1:000:00Z
""".split()
SELECTORS = [
    *"name name.[0] name.[123456789] name.[1234567890] a.b.c a..b a. A a.B a.[x] a.[0".split(),
    *["a[0]", "[0]", "", "a\n", "a.\n", "a.é", "a.[٣]", "a" * 250, "a" * 251],
    *["a." + "b" * 250, "a." + "b" * 251],
]
CLAIMS: dict[str, list[Any]] = {
    "iat": [float(cast.NOW), Raw(b"%dE0" % cast.NOW), cast.NOW + 120, cast.NOW + 121],
    "exp": [cast.NOW, cast.NOW - 1, 2**40, 2**40 + 1, Raw(b"-0"), True, None],
    "aud": [[], [cast.ALL] * 50, [cast.ALL] * 51, ["urn:a:b"], ["urn:ab:b\n"], ["urn:ab:é"]],
    "countries": [["XA"] * 300, ["XA"] * 301, ["xa"], ["ÄA"], ["XA\n"]],
    "languages": [["en"], ["e"], ["engl"], ["en-"], ["en-xx-abcdefgh"], ["en-abcdefghi"]],
    "exercise": [0, None, "true"],
    "full": ["x" * 43, "x" * 42, "é" * 43, "x" * 42 + "\n"],
    "sup": ["x" * 43, None, ""],
    "tlp": ["green", "RED", "AMBER", None],
    "vct": ["urn:tocsin:record:2", "", None],
    "to": [Part([]), Part(["urn:tocsin:org:a"]), Part([Part("urn:tocsin:org:ab")]), Part(None)],
    "feed": [Part("\U0001f600" * 200), Part("\U0001f600" * 201), Part(""), Part("\n")],
    "seq": [Part(0), Part(1.0), Part(2**53 - 1), Part(True), Part(Raw(b"-0"))],
    "_sd_alg": [None, "SHA-256", Raw(b'"sha\\u002d256"')],
}  # fmt: skip


def edges() -> Iterator[dict[str, Any]]:
    """Give whole records, one value of each at a bound."""
    for coarse, exact in product(IPV4_NETWORKS, IPV4):
        yield _observed("ipv4-addr", x_tocsin_coarse_value=coarse, value=exact)
    for coarse, exact in product(IPV6_NETWORKS, IPV6):
        yield _observed("ipv6-addr", x_tocsin_coarse_value=coarse, value=exact)
    for coarse, exact in product(DAYS, MOMENTS):
        yield _observed("x-thing", x_tocsin_coarse_first_seen=coarse, first_seen=exact)
    for coarse in (*IPV4_NETWORKS, *IPV6_NETWORKS, *DAYS, "", None, 5):
        yield _observed("ipv4-addr", x_tocsin_coarse_value=coarse)
        yield _observed("ipv6-addr", x_tocsin_coarse_value=coarse)
        yield _observed("x-thing", x_tocsin_coarse_valid_from=coarse)
        yield _observed("x-thing", x_tocsin_coarse_x=coarse)
    for version in VERSIONS:
        yield cast.claims(cast.main(modified=version), ver=version)
    for selector in SELECTORS:
        granular = [{"selectors": [selector], "marking_ref": GREEN}]
        yield cast.claims(cast.main(granular_markings=granular))
    for name, values in CLAIMS.items():
        for value in values:
            yield cast.claims(cast.main(), **{name: value})
            yield cast.claims(Cut(cast.main()), sub=cast.an_id("incident")) | {
                name: value
            }


def _observed(kind: str, **members: Any) -> dict[str, Any]:
    parts = {name: Part(value) for name, value in members.items()}
    seen = {"type": kind, "id": cast.an_id(kind, 2), "object_marking_refs": [GREEN]}
    return cast.claims(cast.main(), seen | parts)
