"""review list, show, approve, reject: what waits until persons agree."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import cyclopts
from cyclopts import Parameter
from rich.markup import escape

from adapters.cli import show
from adapters.cli.asking import PassphraseOption, signer_of
from adapters.cli.load import load_directory
from adapters.config import AdapterConfig, load
from adapters.config_use import reviewers_of
from adapters.review import Held, Reviews, open_reviews
from adapters.reviewing import Decision, sign
from broker.bus import Message
from broker.errors import ConfigError
from broker.signers import Signer
from broker.trust import verify
from broker.wire import unpack
from schemas import codec, profile, timestamps
from schemas.markings import Tlp

review = cyclopts.App(
    name="review", help="Agree, or not, to show a part of a record that waits."
)
_SHORT: Final = 12  # characters of a number that people type
_DAY_S: Final = 86_400
ConfigOption = Annotated[Path, Parameter(help="Adapter configuration (TOML).")]
KeyOption = Annotated[
    str, Parameter(help="Your private key, as keygen made it, or pkcs11:...")
]
NameOption = Annotated[str, Parameter(name="--as", help="Your name as a reviewer.")]


@contextmanager
def _opened(config: Path) -> Iterator[Reviews]:
    settings = load(config, AdapterConfig)
    if not isinstance(settings.reviews, Path):
        raise ConfigError(
            f'{config} names no file of reviews; add reviews = "reviews.sqlite" and '
            "[[reviewers]], or what the policy holds is dropped"
        )
    with open_reviews(settings.reviews, reviewers_of(settings)) as reviews:
        yield reviews


@review.command(name="list")
def list_(*, config: ConfigOption, every: bool = False, json: bool = False) -> int:
    """List what waits, the next due first; never what it says.

    Args:
        config: Adapter configuration (TOML).
        every: Also what is settled.
        json: Print JSON.
    """
    now = time.time()
    with _opened(config) as reviews:
        found = reviews.held(now=now, every=every)
    if json:
        show.json_line({"reviews": [_facts(each) for each in found]})
        return 0
    if not found:
        show.line("nothing waits")
        return 0
    for each in found:
        show.line(_told(each, now))
    return 0


def _told(held: Held, now: float) -> str:
    """Tell of one review in two lines."""
    of = held.waiting
    record = f"{of.issuer} {of.sub.rpartition('--')[2][:8]}"
    if held.state == "waiting":
        left = (
            f"{held.missing} more must agree, {(of.due - now) / _DAY_S:.1f} days left"
        )
    else:
        left = held.state
    return f"{of.review[:_SHORT]}  {of.title}\n    for {of.view.audience}, {record}: {left}"


def _facts(held: Held) -> dict[str, Any]:
    of = held.waiting
    object_id, place = of.part
    return {
        "review": of.review,
        "state": held.state,
        "title": of.title,
        "token": of.token_id,
        "issuer": of.issuer,
        "record": of.sub,
        "version": of.ver,
        "object": object_id,
        "property": place,
        "audience": of.view.audience,
        "clearance": Tlp(of.view.clearance).label,
        "jurisdiction": of.view.jurisdiction,
        "addressed": of.view.addressed,
        "concerned": of.view.concerned,
        "policy": of.policy,
        "needed": of.needed,
        "missing": held.missing,
        "due": timestamps.from_epoch(of.due),
        "said": [
            {"by": s.iss, "decision": s.decision, "at": timestamps.from_epoch(s.iat)}
            for s in held.said
        ],
    }


@review.command(name="show")
def show_(number: str, /, *, config: ConfigOption, json: bool = False) -> int:
    """Show one review, and the very words that wait. For reviewers' eyes.

    Args:
        number: As `review list` gives it; its beginning is enough.
        config: Adapter configuration (TOML).
        json: Print JSON.
    """
    with _opened(config) as reviews:
        held = reviews.find(number, now=time.time())
        message = reviews.message(held.waiting.token_id)
    value = None if message is None else _value(message, held, config)
    facts = _facts(held) | {"value": value}
    if json:
        show.json_line(facts)
        return 0
    show.rows(
        ("", ""),
        [
            (name, escape(text if isinstance(text, str) else _json(text)))
            for name, text in facts.items()
        ],
    )
    return 0


def _value(message: Message, held: Held, config: Path) -> Any:
    """Find what waits, in the token as its issuer signed it."""
    directory = load_directory(load(config, AdapterConfig).directory, None)
    verified = verify(unpack(message), directory, now=time.time())
    object_id, place = held.waiting.part
    [found] = [each for each in verified.plain if each["id"] == object_id]
    value: Any = found
    for name in profile.place_of(place) if place else ():
        value = value[name]
    return value


def _json(value: Any) -> str:
    return codec.encode_json(value).decode()


@review.command
def approve(
    number: str,
    /,
    *,
    config: ConfigOption,
    key: KeyOption,
    name: NameOption,
    passphrase_file: PassphraseOption = None,
    json: bool = False,
) -> int:
    """Agree that the part is shown. It is sent once enough persons agree."""
    signer = signer_of(name, key, passphrase_file)
    return _say(number, "approve", config, signer, as_json=json)


@review.command
def reject(
    number: str,
    /,
    *,
    config: ConfigOption,
    key: KeyOption,
    name: NameOption,
    passphrase_file: PassphraseOption = None,
    json: bool = False,
) -> int:
    """Say that the part stays withheld. One person is enough."""
    signer = signer_of(name, key, passphrase_file)
    return _say(number, "reject", config, signer, as_json=json)


def _say(
    number: str,
    decision: Decision,
    config: Path,
    signer: Signer,
    *,
    as_json: bool,
) -> int:
    now = time.time()
    with _opened(config) as reviews:
        found = reviews.find(number, now=now)
        statement = sign(found.waiting.review, decision, signer, now=int(now))
        held = reviews.say(statement, now=now)
    if as_json:
        show.json_line(_facts(held))
        return 0
    show.line(f"{held.waiting.title}: {_OUTCOMES[held.state](held)}")
    return 0


_OUTCOMES: Final[dict[str, Callable[[Held], str]]] = {
    "approved": lambda _: "agreed; the adapter sends it within seconds",
    "rejected": lambda _: "stays withheld",
    "waiting": lambda held: f"noted; {held.missing} more must agree",
}
