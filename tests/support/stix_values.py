"""Hypothesis strategies for JSON values and for STIX objects of every type."""

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from schemas.codec import MAX_SAFE_INT
from schemas.stix import RESERVED_NAMES, TYPES
from schemas.stix.core import EXTRA
from schemas.stix.values import ID_PATTERN, TIMESTAMP_PATTERN

safe_ints = st.integers(-MAX_SAFE_INT, MAX_SAFE_INT)
floats = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(max_size=8).filter(lambda name: name not in RESERVED_NAMES)
json_values = st.recursive(
    st.none() | st.booleans() | safe_ints | floats | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)
    ),
    max_leaves=12,
)
json_objects = st.dictionaries(names, json_values, max_size=4)

uuids = st.uuids(version=4).map(str) | st.uuids(version=5).map(str)


def ids(kind: str) -> st.SearchStrategy[str]:
    return uuids.map(lambda uuid: f"{kind}--{uuid}")


timestamps = st.builds(
    lambda moment, fraction: f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z",
    # Not before 1000: glibc's %Y does not pad.
    st.datetimes(min_value=msgspec.convert("1000-01-01T00:00:00", type=_dt))
    if (_dt := __import__("datetime").datetime)
    else None,
    st.from_regex(r"\A(\.[0-9]{1,9})?\Z"),
)
