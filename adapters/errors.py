"""Errors of the adapters folder: what a member's own system did, and our database."""


class SinkError(Exception):
    """The member's system refuses for good; the delivery has failed.

    Attributes:
        reason: Stable code (`sink-refused`, `sink-redirect`, ...).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SinkUnavailableError(SinkError):
    """The member's system cannot take it now; the delivery is postponed.

    Whether it took effect may be unknown (a timeout): the next attempt
    carries the same idempotency key.

    Attributes:
        retry_after_s: Seconds the system asked us to wait, or None.
    """

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class OutboxUnavailableError(Exception):
    """The database cannot be used now: disk full, locked for seconds, not there.

    Nothing of this call took effect, unless it failed while committing: then
    it may have, and repeating it is safe.
    """
