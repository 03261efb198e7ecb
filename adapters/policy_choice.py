"""By which policy an adapter decides: one that the groups signed. Pure.

Of a directory that nobody signed its operator decides alone, so a file of the
operator's own is as good, and the shipped policy where there is neither.
"""

from contextlib import suppress

from adapters.policy import Policy
from broker.directory import Directory
from broker.errors import ConfigError

Written = tuple[bytes, str]  # a policy as it was written, and what to call it


class Rulebook:
    """The policy by which an adapter decides, as its directory changes.

    Attributes:
        policy: The one to begin with.
        follows: Id of the directory's policy of which the newest version counts; "":
            the same one always.
    """

    def __init__(self, policy: Policy, follows: str = "") -> None:
        self.policy, self.follows = policy, follows
        self._last = policy

    def of(self, directory: Directory) -> Policy:
        """Give the version that *directory* has; compiled once, if that is new.

        Raises:
            ConfigError: It has none, or one that is no policy.
        """
        if not self.follows:
            return self.policy
        path = f"policies/{self.follows}.toml"
        data = directory.policies.get(self.follows)
        if data is None:
            raise ConfigError(f"the directory has no {path} any more")
        if data != self._last.data:
            self._last = _named(Policy(data, path), self.follows)
        return self._last

    def prepare(self, directory: Directory) -> None:
        """Compile what *directory* has, in a thread: `of` then has it at once."""
        with suppress(ConfigError):  # told by whoever asks for it
            self.of(directory)


def choose(
    directory: Directory, *, name: str, file: Written | None, shipped: Written
) -> Rulebook:
    """Choose the policy to begin with, and say whether it follows the directory.

    Args:
        name: Of one of the directory's; "" if none is named.
        file: One of the operator's own.
        shipped: Where nothing else is said, and nobody signs anything.

    Raises:
        ConfigError: It is not clear which, the directory does not have it, or it is
            no policy.
    """
    if file is not None and not directory.is_signed:
        return Rulebook(Policy(*file))
    if not (name or file or directory.policies or directory.is_signed):
        return Rulebook(Policy(*shipped))
    chosen = _named_like(directory, file) if file else name or _only(directory)
    data = directory.policies.get(chosen)
    if data is None:
        raise ConfigError(
            f"the directory has no policies/{chosen}.toml; it has {_all(directory)}"
        )
    policy = _named(Policy(data, f"policies/{chosen}.toml"), chosen)
    return Rulebook(policy, chosen)


def only_policy(directory: Directory) -> Policy:
    """Give the policy of a directory that has one, for a trial.

    Raises:
        ConfigError: It has several, or what it has is no policy.
    """
    if len(directory.policies) > 1:
        raise ConfigError(
            f"the directory has several policies: {_all(directory)}; write them to a "
            "folder (tocsin directory show --unpack), and give one by --policy"
        )
    [(name, data)] = directory.policies.items()
    return _named(Policy(data, f"policies/{name}.toml"), name)


def _only(directory: Directory) -> str:
    if not directory.policies:
        raise ConfigError(
            "the groups that sign the directory have agreed to no policy, so nothing "
            f"says what to withhold; {_PROPOSE} shipped"
        )
    if len(directory.policies) > 1:
        raise ConfigError(
            f"the directory has several policies: {_all(directory)}; say which by "
            "policy_id"
        )
    return next(iter(directory.policies))


def _named_like(directory: Directory, file: Written) -> str:
    data, where = file
    for name, each in directory.policies.items():
        if each == data:
            return name
    raise ConfigError(
        f"{where} is none of the policies that the groups have signed "
        f"({_all(directory)}); {_PROPOSE} {where}; or name one of theirs by policy_id"
    )


_PROPOSE = "propose it: tocsin directory propose --policy"


def _all(directory: Directory) -> str:
    return ", ".join(sorted(directory.policies)) or "none"


def _named(policy: Policy, name: str) -> Policy:
    if policy.id != name:
        raise ConfigError(f"policies/{name}.toml holds the policy {policy.id}")
    return policy
