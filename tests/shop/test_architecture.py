"""The service uses public names of the library only, as everybody else has to."""

import ast

import pytest

from shop.environment import ROOT

pytestmark = pytest.mark.once

MODULES = sorted((ROOT / "shop").rglob("*.py"))


def private_names(source: str) -> list[str]:
    """What *source* imports of ``backstay`` below a name that begins with an underscore."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                found += [f"{module}.{alias.name}" for alias in aliases]
            case ast.Import(names=aliases):
                found += [alias.name for alias in aliases]
    return [
        name
        for name in found
        if name.split(".")[0] == "backstay" and any(p.startswith("_") for p in name.split("."))
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_no_private_name(path):
    assert private_names(path.read_text()) == []


def test_a_private_name_would_be_seen():
    assert private_names("from backstay.auth import _secret\nimport backstay._core") == [
        "backstay.auth._secret",
        "backstay._core",
    ]
