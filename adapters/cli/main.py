"""The `tocsin` command: groups its parts and maps errors to exit codes (DESIGN.md 9)."""

import io
import logging
import os
import sys
from importlib import metadata
from typing import Final

import cyclopts

from adapters.cli import show
from adapters.errors import OutboxUnavailableError
from broker.errors import (
    BusError,
    BusRefusedError,
    ConfigError,
    DirectoryUnavailableError,
)
from schemas.errors import RefusedError

DONE, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 3

app = cyclopts.App(
    name="tocsin",
    help="Signed incident records that stay verifiable after redaction.",
    help_format="plaintext",
    help_epilogue="Exit codes: 0 done; 1 input refused; 2 usage or configuration; "
    "3 broker or member system not reachable.",
    version=lambda: metadata.version("tocsin"),
    version_flags=["--version"],
    default_parameter=cyclopts.Parameter(negative=()),
    suppress_keyboard_interrupt=False,
)

# A command's module is imported when the command is typed: all of them take a second.
_COMMANDS: Final = {
    "demo": "adapters.cli.demo.command:demo",
    "keygen": "adapters.cli.keys:keygen",
    "keys": "adapters.cli.keys:keys",
    "check": "adapters.cli.check:check",
    "sign": "adapters.cli.records:sign",
    "verify": "adapters.cli.records:verify",
    "cosign": "adapters.cli.cosigning:cosign",
    "redact": "adapters.cli.records:redact",
    "open": "adapters.cli.sealing:open",
    "reseal": "adapters.cli.sealing:reseal",
    "compare": "adapters.cli.comparing:compare",
    "publish": "adapters.cli.publishing:publish",
    "correct": "adapters.cli.publishing:correct",
    "retract": "adapters.cli.publishing:retract",
    "answer": "adapters.cli.answering:answer",
    "feedback": "adapters.cli.feedback:feedback",
    "acknowledgements": "adapters.cli.acknowledging:acknowledgements",
    "backup": "adapters.cli.backing:backup",
    "broker": "adapters.cli.brokering:broker",
    "catalogue": "adapters.cli.catalogue:catalogue",
    "dead-letters": "adapters.cli.dead_letters:dead_letters",
    "deliveries": "adapters.cli.deliveries:deliveries",
    "directory": "adapters.cli.directory:directory",
    "erase": "adapters.cli.erasing:erase",
    "gaps": "adapters.cli.gaps:gaps",
    "heartbeat": "adapters.cli.heartbeats:heartbeat",
    "heads": "adapters.cli.heads:heads",
    "receipt": "adapters.cli.receipt:receipt",
    "receive": "adapters.cli.receiving:receive",
    "interests": "adapters.cli.interests:interests",
    "policy": "adapters.cli.policy:policy",
    "poll": "adapters.cli.polling:poll_collection",
    "proofs": "adapters.cli.proofs:proofs",
    "replay": "adapters.cli.replaying:replay",
    "review": "adapters.cli.reviewing:review",
    "join": "adapters.cli.joining:join",
    "start": "adapters.cli.joining:start",
    "welcome": "adapters.cli.welcoming:welcome",
    "doctor": "adapters.cli.doctor.command:doctor",
    "gate": "adapters.cli.processes:gate",
    "adapter": "adapters.cli.processes:adapter",
}
for _name, _place in _COMMANDS.items():
    app.command(_place, name=_name)


def run(arguments: list[str]) -> int:  # noqa: PLR0911  one return an exit code
    """Run one command line; the exit code."""
    for library in ("aiormq", "aio_pika"):
        # They log what they also raise, with addresses, beside our own one line.
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    if not arguments or arguments[0] in app.help_flags:
        app.resolved_commands()  # to list what each is for
    try:
        result = app(
            # cyclopts takes a lone hyphen for an option; as a path it is the same.
            ["./-" if each == "-" else each for each in arguments],
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except cyclopts.CycloptsError as error:
        return _fail(USAGE, f"usage: {' '.join(str(error).split())}; see tocsin --help")
    except RefusedError as error:
        show.refusal(error)
        return REFUSED
    except ConfigError as error:
        return _fail(USAGE, f"configuration: {error}")
    except BusError as error:
        return _fail(_code_of(error), f"broker: {error}")
    except DirectoryUnavailableError as error:
        return _fail(UNREACHABLE, f"directory: {error}")
    except BaseExceptionGroup as group:
        return _group(group)
    except KeyboardInterrupt:
        return _fail(130, "stopped")
    return result if isinstance(result, int) else DONE


def _group(group: BaseExceptionGroup[BaseException]) -> int:
    """Report the first expected error of a task group; a bug stays a bug."""
    found: list[BaseException] = []

    def collect(error: BaseException) -> None:
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                collect(inner)
        else:
            found.append(error)

    collect(group)
    for error in found:
        if isinstance(error, OutboxUnavailableError):
            return _fail(USAGE, f"outbox: {error}")
        if isinstance(error, ConfigError):
            return _fail(USAGE, f"configuration: {error}")
        if isinstance(error, BusError):
            return _fail(_code_of(error), f"broker: {error}")
    raise group


def _code_of(error: BusError) -> int:
    # A wrong password, a missing queue or right: waiting will not mend it.
    return USAGE if isinstance(error, BusRefusedError) else UNREACHABLE


def _fail(code: int, text: str) -> int:
    show.complaint(text)
    return code


def main() -> None:
    """Run the console script."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may lack a character
        sys.stdout.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:
        # It was said already; the interpreter would try again and complain itself.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
