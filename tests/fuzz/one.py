"""One target under libFuzzer: `python -m tests.fuzz.one TARGET [libFuzzer's arguments]`.

Needs atheris. `tests.fuzz.run` gives the arguments that bound it.
"""

import sys

import atheris


def main(name: str, *arguments: str) -> None:
    """Fuzz one target; ends the process."""
    with atheris.instrument_imports(include=["adapters", "broker", "schemas", "tuf"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415  instrumented so

    # `-merge=1` starts itself again, by this text in a shell.
    itself = f"'{sys.executable}' -m tests.fuzz.one {name}"
    atheris.Setup([itself, *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
