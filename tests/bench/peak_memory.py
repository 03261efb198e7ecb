"""Say how much memory one job took at most; run in a process of its own.

python -P -m tests.bench.peak_memory (nothing|round-trip|import|record) BUNDLE
"""

import resource
import sys
from importlib import import_module
from pathlib import Path

import msgspec


def peak_bytes() -> int:
    """Give the most that this process has held in memory."""
    status = Path("/proc/self/status")
    if status.is_file():
        # getrusage counts what the parent held before it became this program.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _round_trip(data: bytes) -> None:
    msgspec.json.encode(msgspec.json.decode(data))


def _record(data: bytes) -> None:
    from tests.bench.material import Case  # noqa: PLC0415  not for the other jobs

    case = Case(data, wrap=True)
    case.token  # noqa: B018  makes it
    for view in case.views().values():
        case.redact(view)


def main(job: str, file: str) -> None:
    data = Path(file).read_bytes()
    if job == "round-trip":
        _round_trip(data)
    elif job == "import":
        import_module("tests.bench.material")
    elif job == "record":
        _record(data)
    print(peak_bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
