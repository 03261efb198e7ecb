"""What commands that sign say of their own key: that it ends, or counts no more."""

import time
from pathlib import Path

from adapters.cli import show
from adapters.cli.load import load_directory
from broker.key_dates import said, status_of
from broker.signers import Signer


def warn_of_key(signer: Signer, directory: Path | None) -> None:
    """Warn on standard error, unless the key is valid for a while.

    Raises:
        ConfigError: The directory is unusable.
    """
    if directory is None:
        return
    status = status_of(load_directory(directory, None), signer.kid, time.time())
    if status is None:
        show.complaint(
            f"warning: key {signer.kid} is not in the directory; who relies on it "
            "refuses what it signs"
        )
    elif status.state != "valid":
        show.complaint(f"warning: {said(status)}")
