"""Mutation testing by hand: `python tests/mutants.py FILE --checks claims,certificate [--every N] [--first K]`.

Makes mutants of a file of cgcore, with one change each (an operator, a comparison, a number, a condition), in a copy of
the tree, and runs checks of `python -m validation --quick` on each. Prints the mutants that pass, the survivors.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 400
"""Time limit for one mutant [s]; a mutant that hangs does not pass."""

SWAPS: dict[type, type] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult},
    **{ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{ast.And: ast.Or, ast.Or: ast.And, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.BitAnd: ast.BitOr},
    **{ast.BitOr: ast.BitAnd, ast.UAdd: ast.USub, ast.USub: ast.UAdd},
}


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, description and changed source of each possible change."""
    tree = ast.parse(source)
    places = [node for node in ast.walk(tree) if _changes(node)]
    for number, node in enumerate(places):
        if _inside_annotation(tree, node):
            continue
        changed = copy.deepcopy(tree)
        twin = [other for other in ast.walk(changed) if _changes(other)][number]
        before = ast.unparse(twin)
        _change(twin)
        yield getattr(node, "lineno", 0), f"{before}  ->  {ast.unparse(twin)}", ast.unparse(changed)


def _changes(node: ast.AST) -> bool:
    match node:
        case ast.BinOp() | ast.UnaryOp() | ast.BoolOp():
            return type(node.op) in SWAPS
        case ast.Compare():
            return type(node.ops[0]) in SWAPS
        case ast.Constant():
            return isinstance(node.value, int | float)
        case ast.IfExp():
            return True
    return False


def _change(node: ast.AST) -> None:
    match node:
        case ast.BinOp() | ast.UnaryOp() | ast.BoolOp():
            node.op = SWAPS[type(node.op)]()
        case ast.Compare():
            node.ops[0] = SWAPS[type(node.ops[0])]()
        case ast.Constant():
            assert isinstance(node.value, int | float)
            node.value = not node.value if isinstance(node.value, bool) else node.value + 1
        case ast.IfExp():
            node.body, node.orelse = node.orelse, node.body


def _inside_annotation(tree: ast.AST, node: ast.AST) -> bool:
    """Whether the node is in a type annotation: `int | None` is not arithmetic."""
    for other in ast.walk(tree):
        parts = [getattr(other, "annotation", None), getattr(other, "returns", None)]
        if any(part is not None and any(inner is node for inner in ast.walk(part)) for part in parts):
            return True
    return False


def green(tree: Path, checks: list[str]) -> bool:
    """Whether every check passes on the copy of the package in `tree`."""
    for check in checks:
        command = [sys.executable, "-m", "validation", "--quick", "--only", check]
        try:
            done = subprocess.run(
                command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, timeout=LONGEST,
                check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        if done.returncode != 0:
            return False
    return True


def main() -> None:
    """Run the mutants selected on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="below the root of the repository")
    parser.add_argument("--checks", required=True, help="names, with commas between them; the fastest first")
    parser.add_argument("--every", type=int, default=1, help="take every so-manieth mutant")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    said = parser.parse_args()
    source, checks = (ROOT / said.file).read_text(encoding="utf-8"), said.checks.split(",")
    every = list(mutants(source))[said.first :: said.every]
    survivors = 0
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for part in ("cgcore", "validation"):
            shutil.copytree(ROOT / part, tree / part)
        for number, (line, change, changed) in enumerate(every, start=1):
            (tree / said.file).write_text(changed, encoding="utf-8")
            if green(tree, checks):
                survivors += 1
                print(f"survives  {said.file}:{line}  {change}", flush=True)
            else:
                print(f"killed {number - survivors} of {number}  {said.file}:{line}  {change}", flush=True)
    print(f"{said.file}: {len(every) - survivors} of {len(every)} mutants killed by {', '.join(checks)}")


if __name__ == "__main__":
    main()
