"""Trees of claims, as `tests.vectors.cast` signs them: of good tokens, bent, or drawn.

Nothing here is made by the code under test.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from tests.vectors import cast
from tests.vectors.spelling import Cut, Decoy, Digest, Part, parted, sha, unb64

SIGNERS = {
    key.kid: key
    for key in (
        cast.CERT,
        cast.PLATFORM,
        cast.MONITOR,
        cast.P256,
        cast.REVOKED,
        cast.BRIEF,
        cast.TRIAL,
        cast.SUSPENDED,
        cast.HELD_KEY,
    )
}


def opened(token: bytes) -> tuple[dict[str, Any], Any]:
    """The tree of a good token, in the form that `cast.issue` signs; and its key."""
    jwt, texts = parted(token)
    header, payload, _ = jwt.split(b".")
    pool = {sha(text): json.loads(unb64(text)) for text in texts}

    def part(parts: list[Any]) -> Part:
        return Part(walk(parts[-1]), salt=parts[0])

    def walk(value: Any) -> Any:
        match value:
            case dict():
                digests = value.get("_sd", [])
                out = {n: walk(v) for n, v in value.items() if n != "_sd"}
                out |= {pool[d][1]: part(pool[d]) for d in digests if d in pool}
                gaps = [digest for digest in digests if digest not in pool]
                return out | ({"_sd": gaps} if gaps else {})
            case list():
                return [element(each) for each in value]
            case _:
                return value

    def element(value: Any) -> Any:
        if isinstance(value, dict) and "..." in value:
            digest = value["..."]
            return part(pool[digest]) if digest in pool else Digest(digest)
        return walk(value)

    tree = walk(json.loads(unb64(payload)))
    del tree["full"]
    return tree, SIGNERS[json.loads(unb64(header))["kid"]]


VALUES: list[Any] = [
    None, True, 0, -1, 1.0, -0.0, 1e300, 2**53, "", "x", "\0", "\U0001f600", [], {}, [[]],
    {"_sd": []}, {"_sd": {}}, {"_sd": ["x"]}, {"...": "x"}, {"_sd_alg": "sha-256"}, [Decoy()],
    [Part("x")], {"x": Part("y")}, {"x": Decoy()}, [Decoy(), "x"], [Digest(0)], ["x", "y"],
    {"x": "y"}, [0, 2, "x"], [[0, 1, "x"]], "2026-12-01", "2026-12-01T10:00:00Z", "203.0.113.0/24",
]  # fmt: skip
NAMES = [
    "_sd", "...", "_sd_alg", "x", "created_by_ref", "created", "extensions", "labels",
    "object_refs", "description", "confidence", "revoked", "granular_markings",
    "x_tocsin_coarse_value", "x_tocsin_coarse_first_seen", "type", "id", "",
]  # fmt: skip


def bends(value: Any, put: Callable[[Any], Any] = lambda tree: tree) -> Iterator[Any]:
    """Every tree that differs from *value* at one place; *put* gives the whole."""
    yield from map(put, VALUES)
    if isinstance(value, Part):
        yield from (put(value.value), put(Cut(value.value)), put(Part(value)))
        yield from bends(value.value, lambda inner: put(Part(inner, salt=value.salt)))
        return
    yield from (put(Part(value)), put(Cut(value)), put([value]), put({"x": value}))
    match value:
        case dict():
            for name, inner in value.items():
                rest = {n: v for n, v in value.items() if n != name}
                yield put(rest)
                yield from (put(rest | {other: inner}) for other in NAMES)
                yield from bends(inner, lambda v, n=name: put(value | {n: v}))
            yield from (put({n: Part("x")} | value) for n in NAMES)
            yield put(value | {"x": Decoy()})
        case list():
            for i, inner in enumerate(value):
                before, behind = value[:i], value[i + 1 :]
                yield put(before + behind)
                yield put([*before, inner, *value[i:]])
                yield put([*behind, inner, *before])
                yield from bends(inner, lambda v, b=before, a=behind: put([*b, v, *a]))
            yield from (put([*value, more]) for more in (Decoy(), "x", Part("x")))


# -- records of any shape

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
numbers = st.integers(1 - 2**53, 2**53 - 1) | st.floats(
    allow_nan=False, allow_infinity=False
)
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


def hidden(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values.map(Part) | values.map(Cut)


@st.composite
def texts_in_segments(draw: st.DrawFn) -> Any:
    said = draw(st.lists(texts, min_size=1, max_size=4))
    if len(said) == 1:
        return draw(hidden(st.just(said[0])))
    kinds = draw(st.lists(st.sampled_from([Part, Cut]), min_size=4, max_size=4))
    numbered = [[i, len(said), text] for i, text in enumerate(said)]
    return Part([k(each) for k, each in zip(kinds, numbered, strict=False)])


def split(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    parted = st.lists(hidden(values) | st.builds(Decoy), max_size=4)
    return hidden(parted | values.map(lambda value: [value]))


ids = st.sampled_from(["identity", "x-thing", "ipv4-addr"]).map(cast.an_id)
sources = st.fixed_dictionaries({"source_name": texts.filter(bool)})
core = st.fixed_dictionaries(
    {},
    optional={
        "determination": st.just("suspected"),
        "criticality": hidden(st.integers(0, 100)),
        "x_refs": split(texts),
        "x_other": hidden(plain),
    },
)
times = st.sampled_from(["2026-11-02T03:04:05Z", "2026-11-03T00:00:00.5Z"])
days = st.sampled_from(["2026-11-02", "2026-11-03"])
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "description": texts_in_segments(),
    "labels": split(texts.filter(bool)),
    "x_refs": split(plain),
    "external_references": split(sources),
    "extensions": st.fixed_dictionaries(
        {}, optional={cast.CORE: core, "x-ext": hidden(plain)}
    ),
    "created_by_ref": hidden(ids) | st.just(cast.identity_of("cert-aq")),
    "revoked": st.booleans(),
    "confidence": st.integers(0, 100),
    "first_seen": hidden(times),
    "x_tocsin_coarse_first_seen": hidden(days),
    "x_any": hidden(plain),
    "name": hidden(texts),
}
members = st.fixed_dictionaries({}, optional=MEMBERS)
sightings = st.builds(lambda m, k, n: cast.other(k, n, **m), members, st.sampled_from(["x-thing", "tool", "identity"]), st.integers(2, 4))  # fmt: skip
networks = st.sampled_from(["203.0.113.0/24", "203.0.112.0/24"])
addresses = st.builds(
    lambda number, coarse: cast.address(number, x_tocsin_coarse_value=coarse),
    st.integers(1, 3),
    hidden(networks),
)
CLAIMED = {
    "feed": hidden(texts),
    "seq": hidden(st.integers(1, 9)),
    "concerns": hidden(st.just(["urn:tocsin:org:bank-cw"])),
    "countries": st.just(["XA"]),
}


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """Trees that are mostly right."""
    main = cast.main(**draw(members))
    others = draw(
        st.lists(hidden(sightings | addresses) | st.builds(Decoy), max_size=2)
    )
    return cast.claims(
        main, *others, **draw(st.fixed_dictionaries({}, optional=CLAIMED))
    )


@st.composite
def bent_records(draw: st.DrawFn) -> dict[str, Any]:
    """Trees with one or two things in the wrong place."""
    tree = draw(records())
    for _ in range(draw(st.integers(0, 2))):
        count = sum(1 for _ in bends(tree))
        nth = draw(st.integers(0, count - 1))
        tree = next(itertools.islice(bends(tree), nth, None))
    return tree
