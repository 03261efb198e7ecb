"""`tocsin demo --serve`: the demo goes on, and can be tried until somebody ends it."""

import json
import os
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.hub import ROOT, TOCSIN, wait_until

pytestmark = pytest.mark.slow
WAIT_S = 60


@pytest.fixture
def served() -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(  # noqa: S603  our own command
        [*TOCSIN, "demo", "--serve", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    # A line that never comes ends it.
    end = threading.Timer(WAIT_S, process.kill)
    end.start()
    try:
        story = json.loads(process.stdout.readline())
        assert story["ok"]
        told = json.loads(process.stdout.readline())
        end.cancel()
        yield told["serving"]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=WAIT_S)
        assert (process.returncode, said) == (0, "")
        assert not os.path.exists(told["serving"]["folders"])
    finally:
        end.cancel()
        process.kill()
        process.communicate()


def asked(url: str, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(url, method=method)  # noqa: S310  ours
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def backlog(served: dict[str, Any]) -> float:
    _, text = asked(f"{served['status']}/metrics")
    found = re.search(r'^tocsin_backlog\{.*sink="webhook"\} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def posts(served: dict[str, Any]) -> int:
    found = re.search(r"(\d+) posts", asked(served["control"])[1])
    assert found
    return int(found[1])


def test_one_more_record_arrives_and_a_member_that_hangs_holds_up_itself_alone(
    served: dict[str, Any],
) -> None:
    assert asked(f"{served['status']}/readyz") == (200, "ready\n")
    for each in (served["control"], served["status"], served["webhook"]):
        assert each.startswith("http://127.0.0.1:")
    control, before = served["control"], posts(served)

    assert asked(f"{control}publish", "POST")[0] == 200
    wait_until(lambda: posts(served) == before + 1, timeout_s=WAIT_S, what="one more")
    assert asked(f"{control}hanging", "POST")[0] == 200
    assert asked(f"{control}publish", "POST")[0] == 200
    wait_until(lambda: backlog(served) == 1, timeout_s=WAIT_S, what="who hangs")
    files = f"{served['folders']}/platform-orbit"
    wait_until(
        lambda: len(os.listdir(files)) == before + 2, timeout_s=WAIT_S, what="its files"
    )
    assert posts(served) == before + 1
    assert asked(f"{control}well", "POST")[0] == 200
    wait_until(lambda: posts(served) == before + 2, timeout_s=WAIT_S, what="the second")
    wait_until(lambda: backlog(served) == 0, timeout_s=WAIT_S, what="its answer")

    # What changes something is neither read by a GET nor found by a guess.
    assert asked(f"{control}publish")[0] == 405
    assert asked(f"{control}sulking", "POST")[0] == 404
    guessed = re.sub(r"/[^/]+/$", "/guessed/", control)
    assert asked(f"{guessed}publish", "POST")[0] == 404
