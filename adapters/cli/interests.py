"""interests show, set, simulate: a member's own filter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from cyclopts import App

from adapters import interests_file
from adapters.cli import show, simulating
from adapters.cli.load import load_directory, need_known, served_member
from adapters.config import AdapterConfig, load
from adapters.config_parts import MemberConfig
from adapters.interests import EVERYTHING, Interests, describe, describe_telling
from adapters.interests_toml import KEYS, with_words, wrong
from broker.errors import ConfigError

interests = App(
    name="interests", help="What a member wants of what it may have: its own filter."
)

# Option -> key of the file.
_KEY_OF: Final = {
    "issuer": "issuers",
    "kind": "kinds",
    "country": "countries",
    "sector": "sectors",
    "language": "languages",
    "least-severity": "least_severity",
    "tell-issuers": "tell_issuers",
}
ClearOption = Literal[
    "issuer", "kind", "country", "sector", "language", "least-severity", "tell-issuers"
]


@interests.command(name="show")
def show_interests(
    file: Path | None = None,
    /,
    *,
    config: Path | None = None,
    member: str | None = None,
    json: bool = False,
) -> None:
    """Say in plain words what a member gets.

    Args:
        file: File of interests; or give --config and --member.
        config: Adapter configuration (TOML).
        member: Member that the adapter serves.
        json: Print JSON.
    """
    if (file is None) == (member is None) or (member is None) != (config is None):
        raise ConfigError("give either a file of interests, or --config and --member")
    if config is not None and member is not None:
        served = served_member(load(config, AdapterConfig), member, config)
        file = served.interests if isinstance(served.interests, Path) else None
    held = EVERYTHING if file is None else interests_file.read(file)
    if json:
        show.json_line({"ok": True, **_facts(file, held, member)})
        return
    show.line(describe(held))
    show.line(describe_telling(held))
    if file is None:
        show.line(f"{config} names no file of interests for {member}.")


@interests.command(name="set")
def set_interests(
    *,
    config: Path,
    member: str,
    issuer: tuple[str, ...] = (),
    kind: tuple[str, ...] = (),
    country: tuple[str, ...] = (),
    sector: tuple[str, ...] = (),
    language: tuple[str, ...] = (),
    least_severity: str | None = None,
    tell_issuers: str | None = None,
    clear: tuple[ClearOption, ...] = (),
    json: bool = False,
) -> None:
    """Change what a member wants; says what is different, and what it gets now.

    What is given replaces what was there under the same name; the rest stays. The
    file is written anew, so comments in it are lost. No approval is needed: a filter
    only takes away. A running adapter reads it within seconds.

    Args:
        config: Adapter configuration (TOML).
        member: Member that the adapter serves.
        issuer: Organisation; may be given several times, as all these.
        kind: incident, campaign or advisory; all others always come.
        country: ISO 3166-1 alpha-2, such as TH.
        sector: Word of STIX's industry-sector-ov, or civil-society,
            election-administration, media.
        language: Such as th; without script or region.
        least_severity: none, low, moderate, high or extreme.
        tell_issuers: What issuers are told once you have got their record: name,
            count (that it is one member more; if not given), or nothing.
        clear: Ask for nothing under this name any more.
        json: Print JSON.
    """
    settings = load(config, AdapterConfig)
    path = _file_of(served_member(settings, member, config), config)
    given = {
        "issuer": issuer,
        "kind": kind,
        "country": tuple(c.upper() if len(c) == 2 else c for c in country),
        "sector": sector,
        "language": language,
        "least-severity": () if least_severity is None else (least_severity,),
        "tell-issuers": () if tell_issuers is None else (tell_issuers,),
    }
    wanted = {name: words for name, words in given.items() if words}
    _need_right(wanted, clear)
    if issuer:
        known = load_directory(settings.directory, None).members
        for org in issuer:
            need_known(org, known, f"no member {org} in the directory")
    is_new = not path.exists()
    held = EVERYTHING if is_new else interests_file.read(path)
    has_comments = not is_new and b"#" in path.read_bytes()
    changed = held
    for name, words in (*wanted.items(), *dict.fromkeys(clear, ()).items()):
        changed = with_words(changed, _KEY_OF[name], words)
    if is_new or changed != held:
        interests_file.write(path, changed)
    changes = {
        key: {"before": before, "after": after}
        for key in KEYS
        if (before := _words(held, key)) != (after := _words(changed, key))
    }
    if json:
        facts = _facts(path, changed, member)
        show.json_line({"ok": True, **facts, "changed": changes})
        return
    for key, change in changes.items():
        none = "count" if key == "tell_issuers" else "any"
        old, new = (", ".join(change[k]) or none for k in ("before", "after"))
        show.line(f"{key.replace('_', ' ')}: {new} (before: {old})")
    if not changes:
        show.line("Nothing is different.")
    elif has_comments:
        show.line("The comments that were in the file are gone.")
    show.line(describe(changed))
    show.line(describe_telling(changed))


def _need_right(wanted: dict[str, tuple[str, ...]], clear: Sequence[str]) -> None:
    if not wanted and not clear:
        raise ConfigError(
            "say what to change: "
            + ", ".join(f"--{name}" for name in _KEY_OF)
            + ", or --clear with one of these names"
        )
    for name in clear:
        if name in wanted:
            raise ConfigError(f"give either --{name} or --clear {name}")
    for name, words in wanted.items():
        for word in words:
            if (fault := wrong(_KEY_OF[name], word)) is not None:
                raise ConfigError(f"--{name}: {fault}")


def _file_of(served: MemberConfig, config: Path) -> Path:
    if isinstance(served.interests, Path):
        return served.interests
    raise ConfigError(
        f"{config} names no file of interests for {served.org}; write "
        f'interests = "interests/{served.org}.toml" below org = "{served.org}" in it, '
        "and type this again"
    )


def _words(held: Interests, key: str) -> list[str]:
    value = getattr(held, key)
    if isinstance(value, str):
        return [] if value == getattr(EVERYTHING, key) else [value]
    return list(value)


def _facts(file: Path | None, held: Interests, member: str | None) -> dict[str, Any]:
    return {
        "member": member,
        "file": None if file is None else show.file_name(file),
        "interests": {key: _words(held, key) for key in KEYS},
        "says": describe(held),
        "issuers_are_told": describe_telling(held),
    }


interests.command(simulating.simulate)
