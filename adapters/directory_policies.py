"""What a changed policy in the directory reveals or withholds, in sentences. Pure."""

from collections.abc import Iterator
from typing import Final

from adapters import policy_change_words
from adapters.directory_sentences import Sentence
from adapters.policy import Policy
from adapters.policy_changes import Mark
from adapters.policy_compare import compare
from broker.errors import ConfigError

_VERBS: Final[dict[Mark, str]] = {
    "more": "reveals more to",
    "less": "withholds more from",
    "other": "changes for",
}


def load(path: str, data: bytes) -> Policy:
    """Compile a policy as adapters do.

    Raises:
        ConfigError: It is none, or its name is that of another.
    """
    policy = Policy(data, path)
    if path != f"policies/{policy.file.id}.toml":
        raise ConfigError(f"{path} holds the policy {policy.file.id}")
    return policy


def policy_sentences(
    path: str, old: bytes | None, new: bytes | None
) -> Iterator[Sentence]:
    """Say what becomes of one policy.

    Raises:
        ConfigError: As `load`.
    """
    one, other = (None if data is None else load(path, data) for data in (old, new))
    if other is None:
        assert one is not None  # noqa: S101  one of them is there
        yield Sentence(f"removes policy {one.file.id}")
    elif one is None:
        yield Sentence(
            f"adds policy {other.name}: read it with tocsin policy show", "more"
        )
    else:
        yield from _compared(one, other)


def _compared(old: Policy, new: Policy) -> Iterator[Sentence]:
    found = compare(old, new)
    said: dict[tuple[Mark, str], list[str]] = {}
    for row in found.rows:
        key = (row.mark, policy_change_words.of_row(row))
        said.setdefault(key, []).append(row.audience)
    for each in found.others:
        key = (each.mark, policy_change_words.of_other(each))
        said.setdefault(key, []).append(each.audience or "all")
    name = new.file.id
    if not found:
        yield Sentence(
            f"policy {name}: version {old.file.version} -> {new.file.version}, which "
            "means the same"
        )
    for (mark, text), audiences in said.items():
        whom = ", ".join(dict.fromkeys(audiences))
        yield Sentence(f"policy {name} {_VERBS[mark]} {whom}: {text}", mark)
