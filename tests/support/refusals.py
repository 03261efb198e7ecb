"""What a function refused, as a value, for properties that allow either outcome."""

from collections.abc import Callable
from typing import Any

from schemas.errors import SchemaError


def refusal_of(
    call: Callable[..., Any], *args: Any, **options: Any
) -> SchemaError | None:
    """Call it; give the refusal, or None. Any other error is a failure of the test."""
    try:
        call(*args, **options)
    except SchemaError as error:
        return error
    return None
