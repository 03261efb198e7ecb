"""Suspensions for tests: those that the vectors state, and any at hand."""

from collections.abc import Iterable, Iterator
from typing import Any

from broker.directory import Directory, under
from broker.suspending import Span


def suspended(
    directory: Directory, subject: str, since: float, until: float = float("inf")
) -> Directory:
    """*directory*, with one organisation or key suspended."""
    return under(
        directory, [Span(subject, "hub", since, until)], expires=directory.expires
    )


def spans_of(keys: Iterable[dict[str, Any]]) -> Iterator[Span]:
    """What `keys` of the vectors say."""
    for key in keys:
        for name, subject in (("suspended", key["org"]), ("key_suspended", key["kid"])):
            for since, until in key.get(name, []):
                yield Span(subject, "", since, float("inf") if until is None else until)
