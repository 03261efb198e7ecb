"""Errors of the broker folder, by fault."""

from schemas.errors import RefusedError


class TrustError(RefusedError):
    """A token is refused: framing, signature, key, issuer or claims."""


class ConfigError(Exception):
    """The operator's configuration or files are unusable; refuse to start."""


class DirectoryUnavailableError(Exception):
    """The directory cannot be fetched, and nothing that is still good was kept."""


class BusError(Exception):
    """The message bus did not do what was asked."""


class BusUnavailableError(BusError):
    """No connection to the broker. Nothing was sent."""


class BlockedError(BusUnavailableError):
    """The broker takes nothing just now: its alarm of memory or disk."""


class NotConfirmedError(BusError):
    """No confirm in time, or a nack.

    The message may be queued, so publishing again can duplicate it: publish
    again with the same message id.
    """


class BlockedUnsureError(NotConfirmedError):
    """No confirm in time: the broker has an alarm of memory or disk since."""


class NotTakenError(NotConfirmedError):
    """A nack: one of its queues is full, or has no leader just now.

    Another queue behind the same exchange may have it.
    """


class UnroutableError(BusError):
    """The broker returned the message: no queue wants it. It is not queued."""


class BusRefusedError(BusError):
    """The broker refuses (403 to 406).

    A forged user id, no permission, no such exchange or queue, too large.
    """
