"""The pages say what is so: names exist, links lead somewhere, the walk is a real one."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#]+)")
DOTTED = re.compile(r"\bbackstay(?:\.[a-zA-Z_]+)+")

SOURCES = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
LOGGERS = set(re.findall(r'getLogger\("([\w.]+)"\)', SOURCES))


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
class TestPage:
    def test_python_blocks_are_python(self, page: Path) -> None:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            ast.parse(block)

    def test_imported_names_exist(self, page: Path) -> None:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("backstay"):
                    module = import_module(node.module or "")
                    assert [n.name for n in node.names if not hasattr(module, n.name)] == []

    def test_dotted_names_exist(self, page: Path) -> None:
        text = page.read_text(encoding="utf-8")
        missing = {name for name in DOTTED.findall(text) if not resolves(name)}
        # Ids of checks, loggers and a file are named the same way.
        missing = {n for n in missing if not re.fullmatch(r"backstay\.([EW]\d*(nn)?|json)", n)}
        assert missing - LOGGERS == set()

    def test_links_lead_somewhere(self, page: Path) -> None:
        links = LINK.findall(page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == []


def resolves(dotted: str) -> bool:
    """Whether *dotted* names a module, or something in one."""
    *parents, last = dotted.split(".")
    try:
        import_module(dotted)
    except ModuleNotFoundError:
        try:
            return hasattr(import_module(".".join(parents)), last)
        except ModuleNotFoundError:
            return False
    return True


def test_every_check_is_listed() -> None:
    """And nothing is listed that no check says."""
    listed = (ROOT / "docs/reference/checks.md").read_text(encoding="utf-8")
    said = re.findall(r'id="(backstay\.[EW]\d{3})"', SOURCES)
    assert sorted(said) == sorted(re.findall(r"^\| `(backstay\.[EW]\d{3})`", listed, re.MULTILINE))
