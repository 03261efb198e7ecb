"""The `tocsin` command: groups its parts and maps errors to exit codes (DESIGN.md 9)."""

import io
import logging
import os
import sys
from importlib import metadata

import cyclopts

from adapters.cli import (
    acknowledging,
    answering,
    backing,
    brokering,
    catalogue,
    check,
    comparing,
    cosigning,
    dead_letters,
    deliveries,
    directory,
    erasing,
    feedback,
    gaps,
    heads,
    heartbeats,
    interests,
    joining,
    keys,
    policy,
    polling,
    processes,
    proofs,
    publishing,
    receipt,
    receiving,
    records,
    replaying,
    reviewing,
    sealing,
    show,
    welcoming,
)
from adapters.cli.demo import command as demo
from adapters.cli.doctor import command as doctor
from adapters.outbox import OutboxUnavailableError
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

app.command(demo.demo)
app.command(keys.keygen)
app.command(keys.keys, name="keys")
app.command(check.check)
app.command(records.sign)
app.command(records.verify)
app.command(cosigning.cosign)
app.command(records.redact)
app.command(sealing.open)
app.command(sealing.reseal)
app.command(comparing.compare)
app.command(publishing.publish)
app.command(publishing.correct)
app.command(publishing.retract)
app.command(answering.answer)
app.command(feedback.feedback)
app.command(acknowledging.acknowledgements, name="acknowledgements")
app.command(backing.backup)
app.command(brokering.broker, name="broker")
app.command(catalogue.catalogue, name="catalogue")
app.command(dead_letters.dead_letters, name="dead-letters")
app.command(deliveries.deliveries, name="deliveries")
app.command(directory.directory, name="directory")
app.command(erasing.erase)
app.command(gaps.gaps, name="gaps")
app.command(heartbeats.heartbeat, name="heartbeat")
app.command(heads.heads, name="heads")
app.command(receipt.receipt, name="receipt")
app.command(receiving.receive)
app.command(interests.interests, name="interests")
app.command(policy.policy, name="policy")
app.command(polling.poll_collection, name="poll")
app.command(proofs.proofs, name="proofs")
app.command(replaying.replay)
app.command(reviewing.review, name="review")
app.command(joining.join)
app.command(joining.start)
app.command(welcoming.welcome)
app.command(doctor.doctor)
app.command(processes.gate, name="gate")
app.command(processes.adapter, name="adapter")


def run(arguments: list[str]) -> int:  # noqa: PLR0911  one return an exit code
    """Run one command line; the exit code."""
    for library in ("aiormq", "aio_pika"):
        # They log what they also raise, with addresses, beside our own one line.
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
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
