"""Runs `tocsin` by a clock that is wrong by as many seconds as a file says.

    python -m tests.faults.clocked FILE gate run --config gate.toml

Every clock of the product is `time.time`, given as an argument by the commands, so it
is put into its place before they are imported. Monotonic time goes on as it does.
"""

import sys
import time
from pathlib import Path

_LOOK_S = 0.05


class Clock:
    """`time.time`, and what the file says; read again every 50 ms at most."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._true = time.time
        self._wrong_s = 0.0
        self._read_at = 0.0

    def __call__(self) -> float:
        if time.monotonic() - self._read_at > _LOOK_S:
            self._read_at = time.monotonic()
            self._wrong_s = float(self._path.read_text() or 0)
        return self._true() + self._wrong_s


if __name__ == "__main__":
    time.time = Clock(Path(sys.argv[1]))
    from adapters.cli.main import main  # after the clock was set

    sys.argv = ["tocsin", *sys.argv[2:]]
    main()
