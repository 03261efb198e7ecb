"""The systemd units of deploy/: they start what there is, and may do little else."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from adapters.cli.main import USAGE, run

UNITS = Path(__file__).parents[2] / "deploy/systemd"
SERVICES = sorted(UNITS.glob("*.service"))
PROGRAM = "/opt/tocsin/bin/tocsin"
MOST_EXPOSED = 1.5  # of 10, as systemd-analyze counts; 9.6 without hardening.conf

has_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="this machine has no systemd"
)


def test_there_is_a_unit_for_each_process_that_runs_on_and_for_the_daily_signature():
    assert [each.name for each in SERVICES] == [
        "tocsin-adapter@.service",
        "tocsin-broker.service",
        "tocsin-directory.service",
        "tocsin-gate.service",
        "tocsin-heartbeat@.service",
    ]
    assert (UNITS / "tocsin-directory.timer").is_file()


@pytest.mark.parametrize("unit", SERVICES, ids=lambda each: each.name)
def test_what_a_unit_starts_is_a_command_of_ours(unit, capsys):
    [line] = re.findall(r"(?m)^ExecStart=(.*)$", unit.read_text())
    program, *words = shlex.split(line.replace("%i", "main"))
    assert program == PROGRAM
    # Its options are understood; the files that they name are not here.
    assert run(words) == USAGE
    said = capsys.readouterr().err
    assert "usage" not in said
    assert "/etc/tocsin/" in said or "/srv/tocsin/" in said


@pytest.fixture
def installed(tmp_path):
    """The units in a folder of their own, starting a program that exists."""
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    for each in tmp_path.glob("*.service"):
        each.write_text(each.read_text().replace(PROGRAM, "/bin/true"))
    return tmp_path


def analyzed(folder, *words):
    return subprocess.run(  # noqa: S603  our own words
        ["systemd-analyze", "--no-pager", *words],  # noqa: S607  found by has_systemd
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def names():
    units = [*SERVICES, UNITS / "tocsin-directory.timer"]
    return [each.name.replace("@.", "@main.") for each in units]


@has_systemd
def test_systemd_understands_every_line(installed):
    found = analyzed(installed, "verify", "--man=no", *names())
    assert "tocsin" not in found.stdout + found.stderr
    broken = installed / "tocsin-gate.service"
    broken.write_text(broken.read_text().replace("RestartSec", "RestartSecs"))
    found = analyzed(installed, "verify", "--man=no", "tocsin-gate.service")
    assert "RestartSecs" in found.stderr


@has_systemd
@pytest.mark.parametrize("unit", [each for each in names() if "timer" not in each])
def test_every_service_may_do_little(installed, unit):
    path = installed / unit.replace("@main.", "@.")
    if path.name != unit:
        shutil.copy(path, installed / unit)
    found = analyzed(
        installed, "security", "--offline=true", str(installed / unit)
    ).stdout
    [exposure] = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", found)
    assert float(exposure) < MOST_EXPOSED
