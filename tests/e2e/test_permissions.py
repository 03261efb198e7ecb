"""The permission matrix: on a real RabbitMQ over TLS nobody can do what it must not.

Every login against every other; docs/permissions.md has the answers in RabbitMQ's words.
"""

import asyncio

import msgspec
import pytest

from broker.certificates import make_request
from broker.directory import decode_member
from broker.errors import ConfigError
from tests.support.issuing import member
from tests.support.permission_matrix import LOGINS, of_directory
from tests.support.permission_page import PAGE, Found, find, part_of, written
from tests.support.rabbitmq_node import OwnNode

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]


@pytest.fixture(scope="module")
def found(own_node: OwnNode) -> Found:
    """All that was tried, once for the file."""
    return asyncio.run(find(own_node))


def test_every_login_may_do_what_it_is_for(found: Found) -> None:
    assert [each for each in found.allowed if each.answer] == []
    assert {each.who for each in found.allowed} == set(LOGINS)


def test_every_login_tried_to_act_as_every_other_and_was_refused(found: Found) -> None:
    pairs = {(each.who, each.against) for each in found.attempts if each.against}
    assert pairs == {(a, b) for a in LOGINS for b in LOGINS if a != b}
    assert [each for each in found.attempts if not each.answer] == []
    assert {each.answer.partition(" ")[0] for each in found.attempts} == {
        "ACCESS_REFUSED",
        "PRECONDITION_FAILED",
    }


def test_nobody_connects_without_a_good_certificate_of_a_login(found: Found) -> None:
    assert [each for each in found.connected if not each.answer] == []


@pytest.mark.parametrize("name", ["a.b", "cert-.*", "^cert-aq$", "cert-aq|gate"])
def test_a_name_that_tries_to_be_a_pattern_gets_neither_rights_nor_certificate(
    name: str,
) -> None:
    with pytest.raises(ConfigError, match="name"):
        of_directory("cert-aq", name)
    with pytest.raises(ConfigError, match="login"):
        make_request(name)
    entry = msgspec.json.encode(member(name))
    with pytest.raises(ConfigError, match="member entry"):
        decode_member(entry, "x.json")


def test_what_rabbitmq_lets_through_the_gate_refuses(found: Found) -> None:
    assert [each for each in found.slipped if not each.answer] == []


def test_the_page_has_the_answers_as_they_are(found: Found) -> None:
    said = part_of(PAGE.read_text(), found.version)
    if not said:
        pytest.skip(f"docs/permissions.md does not tell of RabbitMQ {found.version}")
    assert said == written(found), "type: make permissions"
