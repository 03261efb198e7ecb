"""broker.directory_roles: one key for each group, and nobody counts twice."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tuf.api.metadata import Targets

from broker.directory_roles import (
    Keyring,
    check,
    delegations_of,
    keyring_of,
    party_of,
    root_of,
    tuf_key,
)
from broker.errors import TrustError
from broker.signers import Signer
from tests.support.directories import NOW, keyring, signer

GROUPS = keyring().groups
SUSPENDING = keyring().suspending
KEY = {name: signer(name).jwk for name in ("government", "industry", "stranger")}


def metadata(of: Keyring):
    return root_of(of, 1, NOW), Targets(
        1, expires=NOW, delegations=delegations_of(of.suspending)
    )


def test_who_signs_reads_as_it_was_written():
    assert keyring_of(*metadata(keyring())) == keyring()


def test_a_directory_in_which_nobody_suspends_is_one():
    of = keyring(suspending={})
    assert keyring_of(*metadata(of)) == of
    assert (
        keyring_of(
            root_of(of, 1, NOW), Targets(1, expires=NOW, delegations=delegations_of({}))
        )
        == of
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 1},
        {"threshold": 4},
        {"groups": {**GROUPS, "another": KEY["industry"]}},  # one key, two votes
        {"groups": {**GROUPS, "hub": KEY["stranger"]}},
        {"groups": {**GROUPS, "online": KEY["stranger"]}},
        {"online": KEY["industry"]},
        {"online": SUSPENDING["hub"]},
        {"suspending": {"stranger": KEY["stranger"]}},
        {"suspending": {"government": KEY["industry"]}},  # one stands in for another
        {"suspending": {"hub": KEY["industry"]}},
        {"suspending": {"hub": KEY["stranger"], "industry": KEY["stranger"]}},
    ],
)
def test_who_would_count_twice_or_stand_in_for_another_is_refused(changes):
    with pytest.raises(TrustError, match="directory-roles"):
        check(keyring(**changes))


def test_a_group_may_suspend_by_another_key_than_it_decides_by():
    check(keyring(suspending={**SUSPENDING, "industry": KEY["stranger"]}))


@pytest.mark.parametrize("bad", ["curve", "point"])
def test_keys_are_ed25519(bad):
    jwk = (
        Signer("x", ec.derive_private_key(7, ec.SECP256R1())).jwk
        if bad == "curve"
        else msgspec.structs.replace(KEY["stranger"], x="AA")
    )
    with pytest.raises(TrustError, match="bad-key"):
        check(keyring(online=jwk))


def test_a_key_that_does_not_say_whose_it_is_is_nobodys():
    key = tuf_key(KEY["industry"], "industry")
    assert party_of(key) == "industry"
    key.unrecognized_fields = {"x-tocsin-party": 3}
    assert party_of(key) == ""


def same_party_twice(root, targets):
    root.add_key(tuf_key(KEY["stranger"], "industry"), "root")


def a_name_of_no_key(root, targets):
    root.keys[root.roles["root"].keyids[0]].keyval["public"] = "00" * 32


def a_key_under_another_id(root, targets):
    key = tuf_key(KEY["industry"], "another")
    key.keyid = "0" * 64
    for role in ("root", "targets"):
        root.add_key(key, role)


def another_kind_of_key(root, targets):
    root.keys[root.roles["root"].keyids[0]].keytype = "rsa"


def no_online_key(root, targets):
    root.revoke_key(root.roles["timestamp"].keyids[0], "timestamp")


def two_online_keys(root, targets):
    root.add_key(tuf_key(KEY["stranger"], "spare"), "snapshot")


def members_by_fewer(root, targets):
    root.roles["targets"].threshold = 1


def a_threshold_of_one(root, targets):
    root.roles["root"].threshold = root.roles["targets"].threshold = 1


def a_wider_delegation(root, targets):
    targets.delegations.roles["suspensions-hub"].paths = ["*/*.json"]


def a_strange_delegation(root, targets):
    role = targets.delegations.roles.pop("suspensions-hub")
    targets.delegations.roles["hub"] = role


def no_delegations(root, targets):
    targets.delegations = None


@pytest.mark.parametrize(
    "bend",
    [
        same_party_twice, a_name_of_no_key, a_key_under_another_id, another_kind_of_key,
        no_online_key, two_online_keys, members_by_fewer, a_threshold_of_one,
        a_wider_delegation, a_strange_delegation, no_delegations,
    ],
)  # fmt: skip
def test_metadata_of_another_form_is_refused_even_if_signed(bend):
    root, targets = metadata(keyring())
    bend(root, targets)
    with pytest.raises(TrustError, match=r"directory-roles|bad-key"):
        keyring_of(root, targets)
