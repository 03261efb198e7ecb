"""The wheel: what somebody gets who installs Tocsin without its checkout."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("schemas", "broker", "adapters")

IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    package = importlib.import_module(name)
    assert package.__file__.startswith(sys.argv[1]), package.__file__
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty directory with nothing but the contents of the wheel."""
    built = tmp_path_factory.mktemp("built")
    subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    [wheel] = built.glob("*.whl")
    target = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def test_every_module_imports_from_an_empty_directory(installed: Path):
    subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-I", "-c", IMPORT_ALL, str(installed), *PACKAGES],
        cwd=installed,
        check=True,
        timeout=120,
    )


def test_the_wheel_holds_the_files_of_the_packages_and_no_others(installed: Path):
    def files(top: Path) -> set[str]:
        found = (path for name in PACKAGES for path in (top / name).rglob("*"))
        return {
            path.relative_to(top).as_posix()
            for path in found
            if path.is_file() and "__pycache__" not in path.parts
        }

    assert files(installed) == files(ROOT)
    tops = {path.name for path in installed.iterdir()}
    assert {name for name in tops if not name.endswith(".dist-info")} == set(PACKAGES)


def test_shipped_code_imports_nothing_that_is_not_a_declared_dependency():
    declared = {
        _normal(re.split(r"[\[<>=!~; ]", line)[0])
        for line in (
            *PROJECT["dependencies"],
            *(
                line
                for extra in PROJECT.get("optional-dependencies", {}).values()
                for line in extra
            ),
        )
    }
    distributions = packages_distributions()
    foreign = {
        name
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in _imported(path)
        if name not in sys.stdlib_module_names and name not in PACKAGES
    }
    undeclared = {
        name
        for name in foreign
        if declared.isdisjoint(map(_normal, distributions.get(name, [])))
    }
    assert undeclared == set()


def _normal(name: str) -> str:
    """Spell a distribution's name in one way (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
