"""What a module may import, and where its tests are. Two tables of rooms name the rooms that each may import from.

A room is a module or a folder beside others. Every table is ordered: a room names only rooms that stand before it, so that no
import runs up and there is no circle. The folders of tests are those of the package.
"""

import ast
import inspect
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import sklearn_hardmax

PACKAGE = {
    "_typing": set(),
    "_version": set(),
    "_extras": set(),
    "_files": set(),
    "_old_files": set(),
    "_container": {"_typing", "_files", "_old_files"},
    "sequences": {"_typing", "_extras", "_container"},
    "layers": {"_typing"},
    "transformer": {"_container", "layers"},
    "encoding": {"_typing"},
    "tasks": {"_typing", "sequences"},
    "datasets": {"_typing", "sequences", "tasks"},
    "forward": {"_typing", "sequences", "layers", "transformer"},
    "constructions": {"_typing", "sequences", "layers", "transformer", "encoding", "tasks", "forward"},
    "estimators": {"_typing", "_version", "transformer", "sequences", "encoding", "forward", "constructions"},
    "plotting": {
        "_typing",
        "_extras",
        "sequences",
        "transformer",
        "encoding",
        "forward",
        "constructions",
        "estimators",
    },
    "export": {"_extras", "sequences", "layers", "transformer"},
}
CONSTRUCTIONS = {
    "common": set(),
    "codes": {"common"},
    "heads": {"common"},
    "classification": {"common", "codes"},
    "interpolation": {"common", "codes"},
    "scoring": {"common", "codes", "heads"},
    "leaders": {"common"},
    "tasks": {"common"},
}
RUN_TIME = {"numpy", "scipy", "sklearn", "joblib", "threadpoolctl"} | set(sys.stdlib_module_names)
OPTIONAL = {"awkward", "matplotlib", "onnx", "pandas", "polars", "pyarrow", "torch"}
ROOT = Path(sklearn_hardmax.__file__).parent
MODULES = {path.relative_to(ROOT).with_suffix("").parts: path for path in ROOT.rglob("*.py")}


@cache
def imports(path, top_only=False):
    """Dotted names that a module imports, at its top or anywhere."""
    return tuple(_imports(path, top_only))


def _imports(path, top_only):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules_imported_by(path):
    """The modules of the package that a module imports, as tuples of names."""
    for name in imports(path):
        library, *parts = name.split(".")
        if library == "sklearn_hardmax":
            options = tuple(parts), tuple(parts[:-1]), (*parts, "__init__"), (*parts[:-1], "__init__")
            yield next(option for option in options if option in MODULES)


def imports_between_rooms(folder):
    """Pairs of rooms, one of which imports the other, in this folder of the package (a tuple of names)."""
    depth = len(folder)
    for module, path in MODULES.items():
        if module[:depth] == folder and module != (*folder, "__init__"):
            for imported in modules_imported_by(path):
                if imported[:depth] == folder and imported[depth] != module[depth]:
                    yield module[depth], imported[depth]


def not_allowed(table, folder):
    return sorted({(room, other) for room, other in imports_between_rooms(folder) if other not in table[room]})


def libraries(top_only, allowed):
    """Modules that import another library than those allowed, and which."""
    allowed = allowed | {"sklearn_hardmax"}
    found = {module: {name.split(".")[0] for name in imports(path, top_only)} for module, path in MODULES.items()}
    return {module: names - allowed for module, names in found.items() if names - allowed}


def test_rooms_of_the_package_import_only_what_the_table_allows():
    assert not_allowed(PACKAGE, ()) == []


def test_rooms_of_constructions_import_only_what_the_table_allows():
    assert not_allowed(CONSTRUCTIONS, ("constructions",)) == []


def test_tables_name_every_room_and_only_rooms_before_it():
    for table, folder in ((PACKAGE, ()), (CONSTRUCTIONS, ("constructions",))):
        beside = {module[len(folder)] for module in MODULES if module[: len(folder)] == folder}
        assert set(table) == beside - {"__init__"}
        rooms = list(table)
        assert all(allowed <= set(rooms[: rooms.index(room)]) for room, allowed in table.items())


def test_every_arrow_of_the_tables_is_used():
    for table, folder in ((PACKAGE, ()), (CONSTRUCTIONS, ("constructions",))):
        drawn = set(imports_between_rooms(folder))
        assert [arrow for arrow in ((a, b) for a in table for b in table[a]) if arrow not in drawn] == []


def test_modules_import_in_no_circle():
    for _ in TopologicalSorter(
        {module: set(modules_imported_by(path)) for module, path in MODULES.items()}
    ).static_order():
        pass  # raises CycleError


def test_only_run_time_dependencies_are_imported_at_the_top():
    assert libraries(top_only=True, allowed=RUN_TIME) == {}


def test_optional_libraries_are_imported_where_they_are_used():
    assert libraries(top_only=False, allowed=RUN_TIME | OPTIONAL) == {}


def test_every_public_name_is_there_and_documented():
    rooms = [sklearn_hardmax, *(sys.modules[f"sklearn_hardmax.{room}"] for room in ("sequences", "forward"))]
    things = [getattr(room, name) for room in rooms for name in room.__all__]
    things = [thing for thing in things if inspect.isclass(thing) or inspect.isfunction(thing)]  # no aliases of types
    assert [thing for thing in things if not thing.__doc__] == []


def test_every_module_has_a_test_file_of_its_name_in_the_folder_of_its_room():
    """Tests of `export` need extras, and are where those are."""
    tests, missing = Path(__file__).parent, []
    for *folders, name in MODULES:
        test = Path(*["extras" if folder == "export" else folder for folder in folders], f"test_{name.lstrip('_')}.py")
        if name not in ("__init__", "_typing", "_version", "_bases") and not (tests / test).exists():
            missing.append(str(test))
    assert missing == []
