"""`tocsin demo --serve`: the demo goes on, and can be tried until somebody ends it."""

import json
import os
import re
import select
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.hub import ROOT, TOCSIN, wait_until

pytestmark = pytest.mark.slow
WAIT_S = 60


def lines_of(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stdout
    until = time.monotonic() + WAIT_S
    while True:
        ready, _, _ = select.select([process.stdout], [], [], until - time.monotonic())
        assert ready, "the demo says nothing"
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        yield line


@pytest.fixture
def served() -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(  # noqa: S603  our own command
        [*TOCSIN, "demo", "--serve", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        story, told = (
            json.loads(line) for _, line in zip("ab", lines_of(process), strict=False)
        )
        assert story["ok"]
        yield told["serving"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=WAIT_S) == 0
        assert not os.path.exists(told["serving"]["folders"])
    finally:
        process.kill()
        process.wait()


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
