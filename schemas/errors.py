"""Refusals of input: a stable reason code and a place, never a value."""


class RefusedError(ValueError):
    """Something a peer sent is refused.

    Attributes:
        reason: Stable code from `schemas.reasons.REASONS`.
        where: JSON path of the place (`$.objects[3].name`), or "".
    """

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason} at {where}" if where else reason)
        self.reason = reason
        self.where = where


class SchemaError(RefusedError):
    """The bytes are not a record as `schemas` defines it."""
