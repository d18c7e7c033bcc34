"""Data flows one way: a module imports only from floors below its own, or from the side rooms named here."""

import ast
import sys
from pathlib import Path

import sklearn_hardmax

ROOT = Path(sklearn_hardmax.__file__).parent
FLOORS = [
    ["files", "converters", "interop", "layouts", "containers", "sequences", "parsing", "tasks", "datasets"],
    ["layers", "transformer", "encoding"],
    ["segments", "ties", "pairwise", "softmax", "third_order"],
    ["forward"],
    ["constructions"],
    ["estimators"],
    ["plotting", "export"],
]
# inside a floor, each module may import those before it
ROOMS = {
    "datasets": ["draws", "profiles", "digits", "families", "resolution", "planted", "__init__"],
    "constructions": [
        "construction",
        "temperatures",
        "plateaus",
        "leader_flow",
        "sentiment",
        "ridge",
        "gadgets",
        "measures",
        "codes",
        "folds",
        "heads",
        "series_taps",
        "series_heads",
        "series_drawing",
        "set_heads",
        "readout",
        "spikes",
        "plans",
        "cells",
        "code_choice",
        "line_classifier",
        "classification",
        "riders",
        "token_code",
        "selectors",
        "peeling",
        "interpolation",
        "training",
        "scoring_network",
        "scoring",
        "explanation",
        "matching",
        "residues",
        "sparse_averaging",
        "__init__",
    ],
    "estimators": [
        "__init__",
        "session",
        "validation",
        "progress",
        "constructed",
        "words",
        "word_leaders",
        "preprocessing",
        "pooling",
        "classifier",
        "interpolator",
        "flow",
        "clustering",
        "text",
    ],
    "plotting": [
        "canvas",
        "code_line",
        "leader_marks",
        "leaders",
        "flow_ways",
        "token_flow",
        "leader_bars",
        "__init__",
    ],
    "export": [
        "checks",
        "torch_sums",
        "torch_steps",
        "torch_module",
        "onnx_sums",
        "onnx_steps",
        "onnx_graph",
        "__init__",
    ],
}
OPTIONAL = {"awkward", "matplotlib", "onnx", "pandas", "polars", "pyarrow", "torch"}
ALLOWED = {"numpy", "scipy", "sklearn", "joblib", "threadpoolctl", "sklearn_hardmax"} | set(sys.stdlib_module_names)
MODULES = sorted(ROOT.rglob("*.py"))


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports_of(path, top_only):
    """Dotted names that a module imports, at its top or anywhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def rank_of(name):
    """(floor, room, place in the room) of a module of the package, by dotted name without the package."""
    first, *rest = name.split(".")
    for floor, rooms in enumerate(FLOORS):
        if first in rooms:
            inside = ROOMS.get(first)
            return floor, rooms.index(first), inside.index(rest[0]) if inside and rest else -1
    raise AssertionError(f"{name} stands on no floor: give it one in test_floors.py")


def imports_from_above(path):
    """What a module of the package imports from its own floor or from above."""
    mine = rank_of(name_of(path))
    for imported in imports_of(path, top_only=False):
        if not imported.startswith("sklearn_hardmax."):
            continue
        parts = imported.split(".")[1:]
        if not (ROOT / parts[0]).is_dir() and not (ROOT / f"{parts[0]}.py").exists():
            continue  # a name of the package itself, like its version
        if (ROOT / parts[0]).is_dir() and len(parts) > 1 and not (ROOT / parts[0] / f"{parts[1]}.py").exists():
            parts = [parts[0], "__init__"]
        if rank_of(".".join(parts[:2] if (ROOT / parts[0]).is_dir() else parts[:1])) >= mine:
            yield imported


def offenders(top_only, allowed):
    """Modules that import another library than those allowed, and which."""
    found = {name_of(path): {i.split(".")[0] for i in imports_of(path, top_only)} - allowed for path in MODULES}
    return {name: libraries for name, libraries in found.items() if libraries}


def test_a_module_imports_only_from_below():
    found = {name_of(path): [*imports_from_above(path)] for path in MODULES if path != ROOT / "__init__.py"}
    assert {name: imports for name, imports in found.items() if imports} == {}


def test_only_run_time_dependencies_are_imported_at_the_top():
    assert offenders(top_only=True, allowed=ALLOWED) == {}


def test_optional_libraries_are_imported_where_they_are_used():
    assert offenders(top_only=False, allowed=ALLOWED | OPTIONAL) == {}


def test_every_public_name_is_there_and_documented():
    for name in sklearn_hardmax.__all__:
        assert getattr(sklearn_hardmax, name).__doc__
