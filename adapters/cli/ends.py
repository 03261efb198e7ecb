"""What commands that sign say of their own key: that it ends, or counts no more."""

import time
from pathlib import Path

from adapters.cli import show
from adapters.cli.load import load_directory
from broker.errors import TrustError
from broker.key_dates import said, status_of
from broker.signers import Signer


def warn_of_key(
    signer: Signer, directory: Path | None, *, exercise: bool = True
) -> None:
    """Warn on standard error, unless the key is valid for a while.

    Args:
        exercise: Whether what is to be signed says that it is an exercise.

    Raises:
        ConfigError: The directory is unusable.
        TrustError: `exercise-only`: its owner is in exercise, and this is none.
    """
    if directory is None:
        return
    known = load_directory(directory, None)
    member = known.members.get(signer.org)
    if member is not None and member.exercise and not exercise:
        # Found out here it costs no place in the feed.
        raise TrustError("exercise-only")
    status = status_of(known, signer.kid, time.time())
    if status is None:
        show.complaint(
            f"warning: key {signer.kid} is not in the directory; who relies on it "
            "refuses what it signs"
        )
    elif status.state != "valid":
        show.complaint(f"warning: {said(status)}")
