"""The house has one way through it, and the reporting half never meets torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = [
    ["kinds"],
    ["contracts", "record", "quoting", "searched", "expected"],
    ["data", "invocation", "metrics", "measurement", "plan", "mentions", "reliability", "windows"],
    ["wording"],
    ["measure"],
    ["environment", "released"],
    ["backbones", "assets", "configuration"],
    ["setup", "encoding", "modes", "corpus", "space"],
    ["reserved", "journal"],
    ["batching", "blocks", "checkpoints"],
    ["heads", "stretches"],
    ["scoring"],
    ["decoding", "features", "strategies", "train"],
    ["pretrain"],
    ["view", "surprisal", "lessons", "pretrained", "groundwork"],
    ["pretraining"],
    ["rolling"],
    ["probes", "prompting", "work"],
    ["labelling", "writing", "facts"],
    ["asking"],
    ["foundation"],
    ["isolate"],
    ["pool"],
    ["serving"],
    ["exported"],
    ["exporting"],
    ["scenarios"],
    ["probing"],
    ["racing"],
    ["ledger"],
    ["measuring"],
    ["stats"],
    ["timings", "decisions", "diagnosis", "crosschecks", "ratios"],
    ["alarms", "lanes"],
    ["comparison"],
    ["shelf", "mismatch", "costs"],
    ["arms"],
    ["pairs"],
    ["aggregate", "verdicts", "adaptation", "steadiness"],
    ["findings", "efforts", "label_curves"],
    ["tradeoffs", "changes", "claims", "plots"],
    ["choosing"],
    ["resampling"],
    ["report"],
    ["card"],
    ["experiment"],
    ["predict_lines", "predict_words"],
    ["predict_model"],
    ["choose"],
    ["hints", "inspection"],
    ["doubts", "expansion"],
    ["check"],
    ["forecast"],
    ["sweep", "search_settings"],
    ["chosen"],
    ["search"],
    ["pretrain_settings", "pretrain_told"],
    ["search_command"],
    ["run", "tune", "calibration", "likelihood", "race", "pretrain_pair", "predict"],
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


def test_harness_never_imports_tasks():
    for _, path in modules():
        assert not [n for n in imported(path) if n.split(".")[0] == "tasks"], path


@pytest.mark.parametrize(
    "module",
    [
        "harness.report",
        "harness.tune",
        "harness.run",
        "harness.pool",
        "harness.check",
        "harness.pretrain_pair",
        "harness.choose",
        "harness.predict",
        "harness.card",
    ],
)
def test_who_reads_and_plans_needs_no_torch(module):
    code = (
        f"import sys, {module}; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reporting_reads_records_alone():
    reporting = {"stats", "alarms", "comparison", "shelf", "arms", "pairs", "aggregate", "report"}
    reporting |= {"measurement", "timings", "decisions", "diagnosis", "crosschecks", "lanes"}
    reporting |= {"mismatch", "costs", "verdicts", "findings", "tradeoffs", "changes", "claims"}
    reporting |= {"plots", "choosing", "resampling", "choose", "plan", "invocation"}
    reporting |= {"searched", "expected", "efforts", "label_curves", "ratios", "adaptation"}
    reporting |= {"steadiness"}
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
