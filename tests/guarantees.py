"""
What the software promises, and the tests that prove it.

Each id is a pytest marker. ``python -m tests.guarantees`` writes
``docs/guarantees.md`` from the markers found in the tests; with ``--check`` it
fails instead when the page is out of step, or when the changelog names an id,
as ``(A1)``, that no test carries.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "guarantees.md"
CHANGELOG = ROOT / "CHANGELOG.md"

GROUPS = {
    "A": "Authentication",
    "P": "Permission and tenancy",
    "T": "Throttling",
    "C": "Response cache",
    "L": "Reading lists",
    "E": "Input and errors",
    "V": "Versions",
    "O": "Orders, idempotency, jobs",
    "F": "Faults",
    "M": "Watching",
}

GUARANTEES = {
    "A1": "No, garbled or expired credentials are 401 with a challenge, never 403.",
    "A2": "Only an access token authenticates; forged, confused or absurd tokens are 401.",
    "A3": "A valid access token costs no query, and stops within a stated bound.",
    "A4": "Refresh rotates atomically; reuse of an old token ends its family alone.",
    "A5": "Nobody learns which accounts exist; one account per address; passwords are bounded.",
    "A6": "Guessing is bounded per address and per account, in parallel too.",
    "A7": "Browser cookies are bound and protected against cross-site requests.",
    "A8": "Keys rotate without logging anyone out; a weak key refuses to start.",
    "P1": "One rule scopes lists, objects and targets; foreign is exactly like missing.",
    "P2": "Read-only and unknown fields change nothing; answers hold only allowed fields.",
    "P3": "Plan gates, roles, ownership and the delete window hold to the second.",
    "T1": "The accepted count equals the limit exactly, over threads and processes.",
    "T2": "A refused call renews nothing; a retry after Retry-After succeeds.",
    "T3": "All rules take one round trip, and every answer tells the budget.",
    "T4": "The client's address comes through trusted proxies only.",
    "T5": "Scopes by caller, view and plan; counters are not evicted; bad rates refuse to start.",
    "C1": "A cached answer goes only to those who would have got the same bytes.",
    "C2": "After a write commits, the next read is fresh, on every process.",
    "C3": "Concurrent misses run the view once; entries are bytes, never code.",
    "C4": "Validators are strong: 304 without serializing, 412 under the write's lock.",
    "L1": "A list's query count does not depend on its rows.",
    "L2": "Cursor pages give every surviving row exactly once, flat at any depth.",
    "L3": "Unknown filters, orderings and parameters are 400; pages are bounded.",
    "E1": "No input gives a 5xx.",
    "E2": "One problem shape for every 4xx and 5xx, also outside views.",
    "E3": "Server-side prices win; naive times are refused; PATCH changes what it names.",
    "V1": "Path, header and namespace agree; within a version changes only add.",
    "O1": "Stock is never negative, and is neither lost nor made.",
    "O2": "An Idempotency-Key makes one order of any number of twins.",
    "O3": "Jobs leave through a transactional outbox: committed is delivered.",
    "F1": "A Redis that fails in any way causes no 5xx.",
    "F2": "A database that is down is 503 and recovers by itself; SIGTERM loses no answer.",
    "M1": "Every request has one metric and one log line, and no secret is in either.",
    "M2": "Only listed origins are answered, on errors too.",
    "M3": "The OpenAPI document is true, and dangerous settings are named.",
}


@dataclass(frozen=True, order=True, slots=True)
class Proof:
    """One marked test, class or module."""

    path: str
    name: str


def proofs(root: Path = ROOT / "tests") -> dict[str, list[Proof]]:
    """The tests that carry each id; a class or module stands for all of its tests."""
    found: dict[str, list[Proof]] = {name: [] for name in GUARANTEES}
    for path in sorted(root.rglob("test_*.py")):
        for name, marker in _marks(ast.parse(path.read_text())):
            if marker in found:
                found[marker].append(Proof(path.relative_to(root.parent).as_posix(), name))
    return {marker: sorted(set(places)) for marker, places in found.items()}


def _marks(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                name = f"{prefix}{child.name}"
                for decorator in child.decorator_list:
                    yield from ((name, marker) for marker in _markers_in(decorator))
                yield from _marks(child, f"{name}.")
            case ast.Assign(targets=[ast.Name(id="pytestmark")]):
                yield from ((prefix.rstrip("."), marker) for marker in _markers_in(child.value))


def _markers_in(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        match part:
            case ast.Attribute(attr=marker, value=ast.Attribute(attr="mark")):
                yield marker


def page(found: dict[str, list[Proof]]) -> str:
    lines = [
        "# What the software promises",
        "",
        "Each promise holds on SQLite and in-process parts, and on PostgreSQL and Redis.",
        "The tests that prove it stand below it. This page is written by",
        "`python -m tests.guarantees` from the markers of the tests.",
    ]
    for letter, group in GROUPS.items():
        lines += ["", f"## {group}"]
        for marker, promise in GUARANTEES.items():
            if marker.startswith(letter):
                lines += ["", f"### {marker}", "", promise, ""]
                lines += [_line(proof) for proof in found[marker]] or ["Not yet."]
    return "\n".join(lines) + "\n"


def _line(proof: Proof) -> str:
    return f"- [`{proof.path}`](../{proof.path})" + (f" `{proof.name}`" if proof.name else "")


def faults(found: dict[str, list[Proof]], written: str, changelog: str) -> list[str]:
    """What ``--check`` complains about, one line each."""
    complaints = [
        f"CHANGELOG.md calls {marker} done, and no test carries that marker."
        for marker in sorted(set(re.findall(r"\(([A-Z][0-9])\)", changelog)))
        if not found.get(marker)
    ]
    if written != page(found):
        complaints.append("docs/guarantees.md is out of step: run `python -m tests.guarantees`.")
    return complaints


def main(arguments: list[str]) -> int:
    found = proofs()
    if arguments == ["--check"]:
        complaints = faults(
            found,
            PAGE.read_text() if PAGE.exists() else "",
            CHANGELOG.read_text() if CHANGELOG.exists() else "",
        )
        sys.stderr.writelines(f"{complaint}\n" for complaint in complaints)
        return 1 if complaints else 0
    PAGE.write_text(page(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
