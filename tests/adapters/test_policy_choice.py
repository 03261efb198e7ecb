"""By which policy an adapter decides, and how that follows what the groups sign."""

import msgspec
import pytest

from adapters.policy_choice import choose
from broker.errors import ConfigError
from tests.support.issuing import directory
from tests.support.policy_files import SHIPPED, head, row, written

DEFAULT = SHIPPED.read_bytes()
STRICT = written(row(), start=head("strict"))
LAX = written(row(platform="keep"), start=head("strict", 4))
OTHER = written(row(), start=head("other"))


def known(*, signed: bool = True, **policies: bytes):
    return msgspec.structs.replace(directory(), policies=policies, is_signed=signed)


def chosen(of, *, name: str = "", file: bytes | None = None):
    given = None if file is None else (file, "own.toml")
    return choose(of, name=name, file=given, shipped=(DEFAULT, "default.toml"))


def refusal(of, **asked) -> str:
    with pytest.raises(ConfigError) as caught:
        chosen(of, **asked)
    return str(caught.value)


# ------------------------------------------------------------- a signed directory


def test_the_only_policy_of_the_directory_needs_no_name():
    found = chosen(known(strict=STRICT))
    assert (found.policy.data, found.follows) == (STRICT, "strict")


def test_of_several_one_must_be_named():
    both = known(strict=STRICT, other=OTHER)
    assert "several policies: other, strict; say which by policy_id" in refusal(both)
    assert chosen(both, name="other").policy.id == "other"


def test_a_name_that_the_directory_does_not_have_is_refused():
    told = refusal(known(strict=STRICT), name="lax")
    assert told == "the directory has no policies/lax.toml; it has strict"


def test_without_any_policy_nothing_is_decided_by_one_that_nobody_signed():
    told = refusal(known())
    assert "tocsin directory propose --policy shipped" in told
    assert "it has none" in refusal(known(), name="strict")


def test_a_file_of_the_operators_own_is_refused_and_told_how_to_propose_it():
    told = refusal(known(strict=STRICT), file=LAX)
    assert (
        "own.toml is none of the policies that the groups have signed (strict)" in told
    )
    assert "tocsin directory propose --policy own.toml" in told
    assert "(none)" in refusal(known(), file=LAX)


def test_a_file_that_is_one_of_theirs_byte_by_byte_is_followed_from_there_on():
    found = chosen(known(strict=STRICT, other=OTHER), file=STRICT)
    assert (found.policy.data, found.follows) == (STRICT, "strict")
    assert found.of(known(strict=LAX, other=OTHER)).data == LAX


def test_a_policy_under_the_name_of_another_is_refused():
    assert refusal(known(other=STRICT)) == "policies/other.toml holds the policy strict"


def test_what_is_no_policy_is_refused():
    assert "policies/strict.toml" in refusal(known(strict=b"version = 1"))


# ---------------------------------------------------------------- a plain folder


def test_in_a_plain_folder_an_own_file_is_as_good():
    found = chosen(known(signed=False, strict=STRICT), file=LAX)
    assert (found.policy.data, found.follows) == (LAX, "")
    assert found.of(known(signed=False, strict=STRICT)) is found.policy


def test_a_plain_folder_without_policies_means_the_shipped_one():
    found = chosen(known(signed=False))
    assert (found.policy.data, found.follows) == (DEFAULT, "")


def test_a_plain_folder_with_one_means_that_one():
    assert chosen(known(signed=False, strict=STRICT)).policy.data == STRICT
    told = refusal(known(signed=False), name="strict")
    assert told == "the directory has no policies/strict.toml; it has none"


# ------------------------------------------------------------------ what changes


def test_another_version_is_compiled_once_and_an_old_one_not_again():
    found = chosen(known(strict=STRICT))
    assert found.of(known(strict=STRICT)) is found.policy
    newer = found.of(known(strict=LAX))
    assert (newer.version, found.of(known(strict=LAX))) == (4, newer)


def test_what_was_prepared_is_there_at_once():
    found = chosen(known(strict=STRICT))
    found.prepare(known(strict=LAX))
    assert found._last.data == LAX
    assert found.of(known(strict=LAX)) is found._last


@pytest.mark.parametrize("data", [b"version = 1", OTHER, None])
def test_what_cannot_be_loaded_any_more_is_told_to_whoever_asks_for_it(data):
    found = chosen(known(strict=STRICT))
    after = known() if data is None else known(strict=data)
    found.prepare(after)
    with pytest.raises(ConfigError, match=r"policies/strict\.toml"):
        found.of(after)
    assert found.of(known(strict=STRICT)) is found.policy
