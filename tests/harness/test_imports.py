"""The house has one way through it, and the reporting half never meets torch."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = [
    ["kinds"],
    ["contracts", "record", "quoting", "searched"],
    ["measurement", "metrics", "plan", "invocation"],
    ["examples", "measure", "statistics"],
    ["weights"],
    ["backbones"],
    ["planning"],
    ["modes"],
    ["models"],
    ["decoding", "strategies", "train"],
    ["pretrain"],
    ["cells"],
    ["corpora", "serving"],
    ["scenarios"],
    ["probing"],
    ["racing"],
    ["ledger"],
    ["measuring"],
    ["alarms", "diagnosis"],
    ["comparing"],
    ["changes", "claims", "plots"],
    ["report"],
    ["kept"],
    ["exporting"],
    ["experiment"],
    ["sweeps"],
    ["search"],
    ["run", "tune", "check", "choose", "predict", "calibration", "likelihood", "race"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}


def modules():
    for path in sorted((ROOT / "harness").rglob("*.py")):
        name = path.relative_to(ROOT / "harness").parts[0].removesuffix(".py")
        if name != "__init__":
            yield name, path


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(names):
    return {parts[1] for name in names if (parts := name.split("."))[0] == "harness" and parts[1:]}


def test_every_module_has_its_place():
    assert {name for name, _ in modules()} == set(RANK)


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda v: str(v).split("/")[-1])
def test_imports_run_one_way(name, path):
    for other in own(imported(path)) & set(RANK):
        assert other == name or RANK[other] < RANK[name], f"{path.name} imports {other}"


def test_no_modules_import_each_other_in_a_circle():
    paths = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for _, p in modules()}
    paths = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    graph = {name: paths.keys() & {*imported(path)} - {name} for name, path in paths.items()}
    for name, others in graph.items():  # a part may take from the package that it is a part of
        others -= {other for other in others if name.startswith(f"{other}.")}
    assert "harness.statistics.stats" in graph["harness.comparing.verdicts"]
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_harness_never_imports_tasks():
    for _, path in modules():
        assert not [n for n in imported(path) if n.split(".")[0] == "tasks"], path


@pytest.mark.parametrize(
    "module",
    [
        "harness.report",
        "harness.tune",
        "harness.run",
        "harness.cells.pool",
        "harness.check",
        "harness.corpora.pretrain_pair",
        "harness.choose",
        "harness.predict",
        "harness.kept.card",
    ],
)
def test_who_reads_and_plans_needs_no_torch(module):
    code = (
        f"import sys, {module}; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reporting_reads_records_alone():
    reporting = {"comparing", "statistics", "alarms", "diagnosis", "changes", "claims", "plots"}
    reporting |= {"report", "choose", "measurement", "plan", "searched", "invocation"}
    for name, path in modules():
        if name in reporting:
            assert own(imported(path)) <= reporting | {"contracts", "record", "metrics", "kinds"}, (
                path
            )


def test_one_clock():
    for name, path in modules():
        if name != "measure":
            assert not {"time", "timeit"} & set(imported(path)), path


def test_nothing_is_named_for_leftovers():
    forbidden = {"utils.py", "helpers.py", "common.py", "misc.py"}
    found = [p for f in ("harness", "tasks") for p in (ROOT / f).rglob("*.py")]
    assert not [p for p in found if p.name in forbidden]
