"""The import rules of the layers, checked in the source of every file."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Rule:
    """Files under `where` (except under one of `but`) import nothing that starts with one of `never`.

    With `only`, a module that starts with one of `never` is allowed if it starts with one of `only`. `top_level` checks
    only imports outside functions, and not those for type checkers.
    """

    where: str
    never: tuple[str, ...]
    but: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    top_level: bool = False

    def covers(self, file: str) -> bool:
        return within(file, (self.where,), "/") and not within(file, self.but, "/")

    def broken_by(self, module: str) -> bool:
        return within(module, self.never, ".") and not within(module, self.only, ".")


OUTSIDE = ("validation", "benchmarks", "tests", "scipy.optimize", "pickle", "cloudpickle", "dill")
RULES = {
    "cgcore stands alone and unpickles nothing": Rule("cgcore", OUTSIDE, only=("scipy.optimize.nnls",)),
    "only the projection calls a solver of SciPy's": Rule(
        "cgcore", ("scipy.optimize",), but=("cgcore/fitting/projection.py",)
    ),
    "only networks know jax-md": Rule("cgcore", ("jax_md",), but=("cgcore/pipeline/networks",)),
    "the core never imports the pipeline": Rule(
        "cgcore", ("cgcore.pipeline",), but=("cgcore/pipeline", "cgcore/cli", "cgcore/compat")
    ),
    "nobody knows the names of existing scripts": Rule("cgcore", ("cgcore.compat",), but=("cgcore/compat",)),
    "the command line imports the pipeline late": Rule("cgcore/cli", ("cgcore.pipeline",), top_level=True),
    "the pipeline neither reports nor plots": Rule("cgcore/pipeline", ("cgcore.report", "cgcore.cli")),
    "matplotlib is never needed to import cgcore": Rule("cgcore", ("matplotlib",), top_level=True),
    "only reports plot": Rule("cgcore", ("matplotlib",), but=("cgcore/report",)),
    "physics knows no solver, fit or data": Rule(
        "cgcore/physics", ("cgcore.solver", "cgcore.fitting", "cgcore.factor", "cgcore.data")
    ),
    "the solver knows no physics": Rule(
        "cgcore/solver", ("cgcore",), only=("cgcore.solver", "cgcore.errors", "cgcore.x64", "cgcore.compiling")
    ),
    "processes know nothing of what they do": Rule("cgcore/processes.py", ("cgcore",), only=("cgcore.errors",)),
    "the fit reports late": Rule("cgcore/fitting", ("cgcore.report",), top_level=True),
    "simulations know no fit, solver, report or pipeline": Rule(
        "cgcore/simulation", ("cgcore.fitting", "cgcore.solver", "cgcore.report", "cgcore.pipeline", "cgcore.cli")
    ),
    "only simulate, the report and the command line know simulations": Rule(
        "cgcore", ("cgcore.simulation",), but=("cgcore/simulation", "cgcore/report", "cgcore/cli", "cgcore/__init__.py")
    ),
    "openmm is never needed to import cgcore": Rule("cgcore", ("openmm",), top_level=True),
    "data needs no JAX, physics or solver": Rule("cgcore/data", ("jax", "jaxlib", "cgcore.physics", "cgcore.solver")),
    "maps need no JAX, physics or solver": Rule(
        "cgcore/mapping", ("jax", "jaxlib", "cgcore.physics", "cgcore.solver", "cgcore.cli")
    ),
    "making data needs no JAX, physics or solver": Rule(
        "cgcore/generate", ("jax", "jaxlib", "cgcore.physics", "cgcore.solver", "cgcore.cli", "cgcore.mapping")
    ),
    "data do not know maps": Rule("cgcore/data", ("cgcore.mapping", "MDAnalysis")),
    "only formats read HDF5": Rule("cgcore", ("h5py",), but=("cgcore/data/formats",)),
    "only the cluster knows Dask": Rule("cgcore", ("dask", "distributed"), but=("cgcore/cluster",)),
    "Dask is never needed to import cgcore": Rule("cgcore", ("dask", "distributed"), top_level=True),
    "the factor knows neither clusters nor files": Rule(
        "cgcore/factor", ("cgcore.cluster", "cgcore.files", "cgcore.archive", "cgcore.factor_file")
    ),
    "h5py and MDAnalysis are never needed to import cgcore": Rule("cgcore", ("h5py", "MDAnalysis"), top_level=True),
}
UNSAFE_YAML = {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"}


def within(name: str, prefixes: tuple[str, ...], separator: str) -> bool:
    return any(name == prefix or name.startswith(prefix + separator) for prefix in prefixes)


@cache  # each file once, for all rules
def imports(source: str, file: str) -> list[tuple[str, bool]]:
    """Full dotted names of all imports, and whether each is outside all functions."""
    package = Path(file).parent.parts

    def visit(node: ast.AST, top_level: bool) -> Iterator[tuple[str, bool]]:
        match node:
            case ast.Import():
                yield from ((alias.name, top_level) for alias in node.names)
            case ast.ImportFrom():
                base = package[: len(package) - node.level + 1] if node.level else ()
                start = [*base, *([node.module] if node.module else [])]
                yield from ((".".join([*start, alias.name]), top_level) for alias in node.names)
            case ast.Call(
                func=ast.Name(id="__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name, top_level
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                top_level = False
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                top_level = False
        for child in ast.iter_child_nodes(node):
            yield from visit(child, top_level)

    return list(visit(ast.parse(source), True))


def broken(rule: Rule, source: str, file: str) -> list[str]:
    if not rule.covers(file):
        return []
    found = imports(source, file)
    return [name for name, top in found if (top or not rule.top_level) and rule.broken_by(name)]


def unsafe_calls(source: str) -> list[int]:
    """Lines that could unpickle: allow_pickle other than False, or a YAML loader other than the safe one."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=False)):
                pass
            case ast.keyword(arg="allow_pickle"):
                lines.append(node.value.lineno)
            case ast.Attribute(value=ast.Name(id="yaml"), attr=name) if name in UNSAFE_YAML:
                lines.append(node.lineno)
    return lines


def sources(*folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")


def modules_imported(file: str, source: str, modules: set[str], late: bool) -> set[str]:
    """The modules of the package that a file imports; `late` includes imports in functions and for type checkers."""
    found = set()
    for name, top_level in imports(source, file):
        if top_level or late:
            # An import names a module, or a name in a module.
            found |= {name} & modules or {name.rpartition(".")[0]} & modules
    return found


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Nodes on cycles: those that remain when nodes without arrows to or from the others are removed repeatedly."""
    left = dict(graph)
    while True:
        targets = {target for node in left for target in left[node]}
        ends = {node for node in left if not left[node] & set(left) or node not in targets}
        if not ends:
            return sorted(left)
        left = {node: left[node] for node in left if node not in ends}


@pytest.mark.parametrize(
    ("rooms", "late"), [(("cgcore",), False), (("cgcore/config",), True), (("cgcore/pipeline",), True)]
)
def test_no_modules_import_each_other_in_a_circle(rooms: tuple[str, ...], late: bool) -> None:
    # Late imports let `result.report()` reach a package that depends on results; within a package they are unnecessary.
    files = {
        file.removesuffix(".py").removesuffix("/__init__").replace("/", "."): (file, source)
        for file, source in sources(*rooms)
    }
    graph = {
        module: modules_imported(file, source, set(files), late) - {module} for module, (file, source) in files.items()
    }
    # An __init__ that loads its public names late imports them for type checkers.
    graph |= {room.replace("/", "."): set() for room in rooms}
    assert circles(graph) == []


def test_the_search_sees_a_circle() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c"]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    assert modules_imported("p/a.py", "def f():\n    from p.b import x", {"p", "p.b"}, late=True) == {"p.b"}
    assert not modules_imported("p/a.py", "def f():\n    from p.b import x", {"p", "p.b"}, late=False)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_import_direction(rule: Rule) -> None:
    covered = [(file, source) for file, source in sources("cgcore") if rule.covers(file)]
    assert covered, f"no file under {rule.where}"
    assert {file: names for file, source in covered if (names := broken(rule, source, file))} == {}


def test_nothing_is_unpickled() -> None:
    found = {
        file: lines for file, source in sources("cgcore", "validation", "benchmarks") if (lines := unsafe_calls(source))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("rule", "file", "source"),
    [
        ("only networks know jax-md", "cgcore/pipeline/a.py", "def f():\n    import jax_md.space"),
        ("the core never imports the pipeline", "cgcore/report/a.py", "def f():\n    import cgcore.pipeline.model"),
        ("the core never imports the pipeline", "cgcore/config/loading.py", "from cgcore import pipeline"),
        ("the command line imports the pipeline late", "cgcore/cli/train.py", "from cgcore.pipeline import Trainer"),
        ("the pipeline neither reports nor plots", "cgcore/pipeline/a.py", "from cgcore.report import style"),
        ("cgcore stands alone and unpickles nothing", "cgcore/a.py", "from scipy import optimize as o"),
        (
            "cgcore stands alone and unpickles nothing",
            "cgcore/a.py",
            "import importlib as i; i.import_module('pickle')",
        ),
        (
            "matplotlib is never needed to import cgcore",
            "cgcore/report/plot.py",
            "import matplotlib.pyplot as plt",
        ),
        ("matplotlib is never needed to import cgcore", "cgcore/a.py", "class A:\n    import matplotlib"),
        ("only reports plot", "cgcore/a.py", "def f():\n    from matplotlib import pyplot"),
        ("physics knows no solver, fit or data", "cgcore/physics/a.py", "from cgcore import solver"),
        (
            "physics knows no solver, fit or data",
            "cgcore/physics/a.py",
            "from ..solver.lbfgs import minimize",
        ),
        ("physics knows no solver, fit or data", "cgcore/physics/a.py", "if True:\n    import cgcore.data"),
        (
            "simulations know no fit, solver, report or pipeline",
            "cgcore/simulation/a.py",
            "def f():\n    from cgcore.report import style",
        ),
        (
            "only simulate, the report and the command line know simulations",
            "cgcore/fitting/a.py",
            "import cgcore.simulation",
        ),
        ("openmm is never needed to import cgcore", "cgcore/simulation/a.py", "import openmm"),
        ("the solver knows no physics", "cgcore/solver/a.py", "from cgcore.physics import energy"),
        ("the solver knows no physics", "cgcore/solver/a.py", "from ..config import Config"),
        ("the solver knows no physics", "cgcore/solver/a.py", "import cgcore"),
        ("the fit reports late", "cgcore/fitting/a.py", "from cgcore.report.text import report"),
        ("data needs no JAX, physics or solver", "cgcore/data/a.py", "from jax import numpy as jnp"),
        ("maps need no JAX, physics or solver", "cgcore/mapping/a.py", "import jax"),
        ("data do not know maps", "cgcore/data/a.py", "def f():\n    import MDAnalysis"),
        ("only formats read HDF5", "cgcore/mapping/a.py", "def f():\n    import h5py"),
        ("h5py and MDAnalysis are never needed to import cgcore", "cgcore/mapping/a.py", "import MDAnalysis"),
    ],
)
def test_the_checker_sees_a_violation(rule: str, file: str, source: str) -> None:
    assert broken(RULES[rule], source, file)


@pytest.mark.parametrize(
    ("rule", "file", "source"),
    [
        (
            "matplotlib is never needed to import cgcore",
            "cgcore/report/a.py",
            "def f():\n    import matplotlib",
        ),
        ("only reports plot", "cgcore/report/a.py", "def f():\n    import matplotlib"),
        ("only networks know jax-md", "cgcore/pipeline/networks/a.py", "def f():\n    import jax_md.space"),
        ("the command line imports the pipeline late", "cgcore/cli/a.py", "def f():\n    import cgcore.pipeline"),
        (
            "the command line imports the pipeline late",
            "cgcore/cli/a.py",
            "if TYPE_CHECKING:\n    from cgcore.pipeline import Trainer",
        ),
        ("openmm is never needed to import cgcore", "cgcore/simulation/a.py", "def f():\n    import openmm"),
        ("the solver knows no physics", "cgcore/solver/a.py", "from .status import Status\nimport optax"),
        ("the solver knows no physics", "cgcore/solver/a.py", "from cgcore.errors import InputError"),
        ("data needs no JAX, physics or solver", "cgcore/data/a.py", "from jaxtyping import Float"),
        ("the solver knows no physics", "cgcore/config/loading.py", "import cgcore.physics.prior"),
    ],
)
def test_the_checker_lets_the_rest_pass(rule: str, file: str, source: str) -> None:
    assert not broken(RULES[rule], source, file)


@pytest.mark.parametrize(
    "source",
    [
        "np.load(f, allow_pickle=True)",
        "np.load(f, allow_pickle=flag)",
        "yaml.load(t, L)",
        "yaml.unsafe_load(t)",
    ],
)
def test_the_checker_sees_an_unsafe_call(source: str) -> None:
    assert unsafe_calls(source) == [1]
    assert unsafe_calls("np.load(f, allow_pickle=False); yaml.safe_load(t)") == []


def test_the_command_line_imports_jax_late() -> None:
    # cgcore --help must respond at once, and importing jax alone takes longer.
    heavy = {"jax", "jaxlib", "optax", "matplotlib", "h5py", "MDAnalysis", "cgcore.pipeline"}
    code = f"import sys, cgcore.cli.commands; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
