"""What the outbox tells of rows that it has, to those that decide. Pure."""

import msgspec


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What one lane has had of a record, by delivery numbers.

    Attributes:
        token_ids: Of what was sent, or may have been.
        numbers: Of the same.
        not_sent: Numbers that never come.
        tlp: Of the newest version.
        scope: See `adapters.scopes`.
    """

    member: str
    sink: str
    token_ids: tuple[str, ...]
    numbers: tuple[int, ...]
    not_sent: tuple[int, ...]
    tlp: str
    scope: str
