"""The command that chooses: its arguments, its answer in words, its exit codes."""

import math
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml
from measured import (
    MACHINE,
    gate,
    joules,
    keep,
    lane,
    offline,
    probe,
    race,
    single,
    stages,
    subject,
)
from rendered import STEERING
from synthetic import cell, leave
from test_tradeoffs import fast, known, results

from harness import choose, plan
from harness.comparing import costs, findings
from harness.comparing.costs import MONEY, P50, P95, TIME
from harness.contracts import InputError
from harness.report.choice import WIDTH, case, caveats
from harness.report.choice.flips import flips

PLAN = plan.default()
NAME = costs.END_TO_END


def asked(root, *arguments, capsys):
    """Exit code, and what was printed."""
    code = choose.main(["task=classification", f"results={root}", *arguments])
    told = capsys.readouterr()
    return code, told.out + told.err


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """BERT is the better and GPT twice as fast; both were measured."""
    root = tmp_path_factory.mktemp("records")
    gpt, bert = results(root, shares=(0.6, 0.9))
    keep(root, fast(subject(gpt), 2.0), fast(subject(bert)))
    leave(root, cell(task="classification", weights="scratch"))
    return root


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch):
    monkeypatch.setattr(caveats, "DRAWS", 200)


@pytest.fixture
def ask(records, capsys):
    return lambda *arguments: asked(records, *arguments, capsys=capsys)


def costs_of(root, place):
    found = findings.find([root])
    return choose.lined_up(found, choose.parsed(["task=classification"])).candidates[place].costs


# --- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("max_latency=3", "max_latency: there is no such argument (did you mean max_latency_ms=?)"),
        ("--max-memory-mb=3", "(did you mean max_memory_mb=?)"),
        ("zzz=3", "zzz: there is no such argument; see --help"),
        ("data", "data: expected data=something"),
        ("data=", "data: expected data=something"),
        ("task=ner", "task: given twice (classification and ner)"),
        ("max_latency_ms=abc", "max_latency_ms=abc: expected a number above 0"),
        ("max_latency_ms=0", "max_latency_ms=0: expected a number above 0"),
        ("max_memory_mb=inf", "expected a number above 0"),
        ("max_memory_mb=nan", "expected a number above 0"),
        ("price_per_hour=-1", "price_per_hour=-1: expected a number above 0"),
        ("latency=p99", "latency=p99: expected p95 or p50"),
        ("max_money=1", "max_money: needs price_per_hour="),
        ("data=conll2003", "task=classification data=conll2003: no finished run; on record: task"),
        ("pair=twin", "pair=twin: no such pair for this task; there are mini"),
        ("machine=E9", "machine=E9: nothing was measured on it; there are E1"),
        ("variant=AMD", "variant=AMD: in none of: one variant only"),
        ("plan=nothing.yaml", "nothing.yaml: cannot be read as a plan"),
    ],
)
def test_mistakes_are_explained(ask, argument, said):
    code, text = ask(argument)
    assert code == 2
    assert text.startswith("error: ")
    assert said in text
    assert text.count("\n") == 1


def test_without_a_task_or_records(records, tmp_path, capsys):
    assert choose.main([f"results={records}"]) == 2
    assert "on record: task=classification data=world" in capsys.readouterr().err
    assert asked(tmp_path / "none", capsys=capsys)[0] == 2
    assert choose.main([f"results={records}", "task=nex"]) == 2
    assert "task=nex: no finished run; on record: task=classification" in capsys.readouterr().err


def test_help(capsys):
    assert choose.main(["--help"]) == 0
    text = capsys.readouterr().out
    keys = [*choose.LIMITS, choose.PRICE, *choose.WORDS]
    assert all(f"{key}=" in text for key in keys)


def test_limits_keep_their_order_and_units():
    words = ["max_memory_mb=5", "min_examples_per_second=500", "max_latency_ms=2", "latency=p50"]
    found = choose.parsed(["task=ner", *words])
    assert [one.kind for one in found.limits] == [costs.MEMORY, TIME, P50]
    assert [one.most for one in found.limits] == [5.0, 2.0, 2.0]
    assert choose.parsed(["max_latency_ms=2"]).limits[0].kind == P95


# --- the answer ---------------------------------------------------------------------------------


def test_by_quality_alone(ask):
    code, text = ask()
    assert code == 0
    assert text.startswith("classification on world: choose bert, mini, 0.66 M parameters")
    assert "Asked: no limit" in text
    assert "> bert" in text
    assert text.count("on the front") == 2
    assert "Why: best quality of the 2: bert ahead of gpt2 by ." in text
    told = r"the same choice in (9\d(\.\d)?|100) % of 200 bootstrap replicates"
    assert re.search(told, " ".join(text.split()))
    assert "Left out: 1 untrained body (controls)" in text
    assert "not the ranking of released" in " ".join(text.split())
    assert "Preliminary" not in text


def test_the_same_question_gets_the_same_answer(ask):
    assert ask("max_latency_ms=2.9") == ask("max_latency_ms=2.9")


def test_a_limit_decides_and_says_what_would_change_it(records, ask):
    gpt, bert = (costs_of(records, place)[P95] for place in (0, 1))
    assert gpt.ceiling < bert.floor
    middle = (gpt.ceiling + bert.floor) / 2
    code, text = ask(f"max_latency_ms={middle}")
    assert code == 0
    assert "choose gpt2" in text
    assert "misses max_latency_ms by" in text
    assert "Why: it is the only one that fits. Higher in quality, but not within" in text
    flat = " ".join(text.split())
    told = f"bert from {case.bound(bert.ceiling, up=True)}"
    assert told in flat
    assert f"gpt2 at the edge below {case.bound(gpt.ceiling, up=True)}" in flat
    assert f"no model below {case.bound(gpt.floor, up=True)}" in flat


def test_a_flip_point_that_is_shown_flips(records, ask):
    _, text = ask("max_latency_ms=2")
    flat = " ".join(text.split())
    limit = flat.partition("bert from ")[2].partition(" ")[0].rstrip(";")
    assert "choose bert" in ask(f"max_latency_ms={limit}")[1]
    below = f"{float(limit) * 0.999:.6f}"
    assert "choose gpt2" in ask(f"max_latency_ms={below}")[1]


def test_rates_are_limits_from_below(records, ask):
    rates = [1000 / costs_of(records, place)[TIME].ceiling for place in (0, 1)]
    code, text = ask(f"min_examples_per_second={(rates[0] + rates[1]) / 2:.1f}")
    assert code == 0
    assert "choose gpt2" in text or "at the edge" in text
    _, text = ask("min_examples_per_second=1")
    flat = " ".join(text.split())
    assert f"gpt2 above {case.bound(rates[1], up=False)}" in flat
    assert "examples / s" in text
    (low, high) = re.search(r"bert .* \[([\d.,]+), ([\d.,]+)\]   fits", text).groups()
    assert float(low.replace(",", "")) < float(high.replace(",", ""))
    assert "the same with a lower one or none" in flat
    shown = flat.partition("gpt2 above ")[2].split(";")[0].replace(",", "")
    assert "choose bert" in ask(f"min_examples_per_second={shown}")[1]


def test_nothing_fits_says_what_binds_and_by_how_much(records, ask):
    low = costs_of(records, 0)[P95].floor
    code, text = ask(f"max_latency_ms={low / 4}", "max_memory_mb=10000")
    assert code == 1
    assert text.startswith("classification on world: no model fits")
    flat = " ".join(text.split())
    assert "binds: the nearest, gpt2, needs" in flat
    assert "misses it by a factor of 4.0" in flat
    assert "max_memory_mb=10000 binds" not in flat
    assert f"gpt2 from {case.bound(costs_of(records, 0)[P95].ceiling, up=True)}" in flat


def test_two_limits_that_both_bind(ask):
    code, text = ask("max_latency_ms=0.1", "max_memory_mb=10")
    assert code == 1
    assert "max_latency_ms=0.1 (p95) binds" in text
    assert "max_memory_mb=10 binds" in text


def test_the_nearest_is_one_that_keeps_the_other_limits(tmp_path, capsys):
    gpt, bert = results(tmp_path, seeds=range(2))
    large = {"0": [replace(one, peak_bytes=900_000_000) for one in stages()]}
    keep(tmp_path, fast(subject(gpt), 2.0, memory=large), fast(subject(bert)))
    _, text = asked(tmp_path, "max_latency_ms=1", "max_memory_mb=400", capsys=capsys)
    assert "the nearest, bert, needs" in " ".join(text.split())
    assert "max_memory_mb=400 binds" not in text
    assert not re.search(r"^\s+%", text, re.MULTILINE)


def test_what_misses_one_limit_need_not_be_known_better_in_another(tmp_path, capsys):
    gpt, bert = results(tmp_path, seeds=range(2))
    few = [offline(32, 800.0, batches=3)]
    keep(tmp_path, *(probe(subject(one), series=[*single(), *few]) for one in (gpt, bert)))
    limits = ["min_examples_per_second=800", "max_memory_mb=1"]
    assert "To be surer" in asked(tmp_path, limits[0], capsys=capsys)[1]
    assert "To be surer" not in asked(tmp_path, *limits, capsys=capsys)[1]


def test_at_the_edge_is_said(records, ask):
    cost = costs_of(records, 0)[P95]
    code, text = ask(f"max_latency_ms={(cost.floor + cost.ceiling) / 2}")
    assert code == 0
    assert "choose gpt2" in text
    assert "though it is at the edge" in text
    assert "at the edge of max_latency_ms" in text
    flat = " ".join(text.split())
    assert "To be surer: gpt2: the interval of p95 latency holds the limit; try: python -m" in flat


def test_unknown_costs_are_no_reason_to_choose(ask):
    code, text = ask("max_energy_joules=1")
    assert code == 1
    assert "no model is known to fit" in text
    assert "energy per example, not measured: no counter" in text
    assert "How sure" not in text


def test_money_needs_a_price(ask):
    code, text = ask("max_money=1", "price_per_hour=0.4")
    assert code == 0
    assert "money per 1,000,000 answers" in text
    assert "training, s" in ask()[1]
    assert "money" not in ask()[1]
    assert "money" in ask("price_per_hour=0.4")[1]


@pytest.mark.parametrize("limits", [[], ["max_latency_ms=2", "max_memory_mb=500"]], ids=str)
def test_it_fits_a_screen(ask, limits):
    lines = ask(*limits)[1].splitlines()
    assert len(lines) <= 25
    words = [
        line for line in lines if line.startswith(("Why", "How", "What", "Left", "Scope", "  max"))
    ]
    assert all(len(line) <= WIDTH for line in words)
    at = next(i for i, line in enumerate(lines) if line.startswith("  model"))
    heads = lines[at].index("accuracy") + len("accuracy")
    ends = [line[: heads + 1] for line in lines[at + 1 : at + 3]]
    assert all(end.rstrip().endswith("]") for end in ends)


def test_limited_costs_decide_before_latency(records):
    found = findings.find([records], PLAN)
    question = choose.parsed(["task=classification", "max_memory_mb=5", "max_training_seconds=5"])
    terms = choose.terms(found, choose.lined_up(found, question), question)
    assert list(terms.order) == [costs.MEMORY, costs.TRAINING, P95]
    assert (terms.margin, terms.cost_ratio) == (0.02, 1.1)


def test_alike_in_quality_the_cheaper_by_a_race(tmp_path, capsys):
    gpt, bert = results(tmp_path, shares=(0.7, 0.7), seeds=range(3))
    pair = [subject(gpt), subject(bert)]
    keep(tmp_path, *map(probe, pair), race(*pair, [*lane(NAME, (0.004, 0.002)), *gate(NAME)]))
    code, text = asked(tmp_path, capsys=capsys)
    flat = " ".join(text.split())
    assert code == 0
    assert "choose bert" in text
    assert "not surely further apart in quality than the margin of .020" in flat
    assert "so the cheaper is taken, by p95 latency (gpt2 takes 2.0" in flat
    assert "times as much, in a race)" in flat
    assert "Preliminary: 3 seeds where 5 are wanted" in flat


def test_a_margin_that_would_change_it(records, capsys):
    found = findings.find([records], PLAN)
    question = choose.parsed(["task=classification"])
    among = choose.lined_up(found, question)
    terms = choose.terms(found, among, question)
    decided = case.answered(among, terms, PLAN)
    line = flips(decided)[-1]
    assert line.startswith("margin of quality, now .020: gpt2 from .")
    margin = float(line.rpartition(" ")[2])
    wider = case.answered(among, replace(terms, margin=margin), PLAN)
    assert wider.pick.place == 0
    assert case.answered(among, replace(terms, margin=margin - 0.002), PLAN).pick.place == 1


def test_one_seed_is_said_to_be(tmp_path, capsys):
    results(tmp_path, seeds=(0,))
    code, text = asked(tmp_path, capsys=capsys)
    flat = " ".join(text.split())
    assert code == 0
    assert "One seed: this is about these trained runs" in flat
    assert "]*" in text
    assert "An asterisk marks an interval over examples only" in flat


def test_no_interval_is_said_to_be(tmp_path, capsys):
    gpt, bert = results(tmp_path, seeds=range(3))
    few = [offline(32, rate, batches=3) for rate in (800.0, 400.0)]
    keep(
        tmp_path,
        *(probe(subject(one), series=[b]) for one, b in zip((gpt, bert), few, strict=True)),
    )
    code, text = asked(tmp_path, "min_examples_per_second=300", capsys=capsys)
    flat = " ".join(text.split())
    assert code == 0
    assert "choose gpt2" in text  # 800 / 2 is above 300, 400 / 2 is not
    assert "(no interval)" in text
    assert "taken to be right within a factor of 2" in flat
    assert "try: python -m harness.run model=bert task=classification probe=quick" in flat
    assert asked(tmp_path, "min_examples_per_second=900", capsys=capsys)[0] == 0
    assert asked(tmp_path, "min_examples_per_second=1700", capsys=capsys)[0] == 1


def test_too_few_requests_for_a_p95(tmp_path, capsys):
    gpt, bert = results(tmp_path, seeds=range(3))
    keep(tmp_path, *(probe(subject(one), series=single(count=50)) for one in (gpt, bert)))
    code, text = asked(tmp_path, "max_latency_ms=20", capsys=capsys)
    flat = " ".join(text.split())
    assert code == 1
    assert "gpt2, bert: p95 latency, 50 of the 200 requests that a p95 needs; latency=p50" in flat
    assert "probe=thorough" in flat
    assert asked(tmp_path, "max_latency_ms=20", "latency=p50", capsys=capsys)[0] == 0
    assert "p50 latency, ms" in asked(tmp_path, capsys=capsys)[1]


# --- where it comes from ------------------------------------------------------------------------


def elsewhere(found):
    """Four times as slow, on another machine."""
    there = {**found.environment, "machine": {**MACHINE, "cpu": "Xeon"}}
    slow = [replace(one, wall_seconds=[4 * s for s in one.wall_seconds]) for one in found.series]
    slow = [replace(one, cpu_seconds=one.wall_seconds) for one in slow]
    return replace(found, environment=there, series=slow, identity=found.identity[::-1])


def test_one_machine_is_used_and_named(tmp_path, capsys):
    gpt, bert = results(tmp_path, seeds=range(3))
    here = [probe(subject(gpt)), probe(subject(bert))]
    keep(tmp_path, *here, elsewhere(here[0]))
    _, text = asked(tmp_path, capsys=capsys)
    flat = " ".join(text.split())
    used = flat.partition("as measured on ")[2][:2]
    other = {"E1": "E2", "E2": "E1"}[used]
    assert f"Measurements were taken elsewhere too: machine={other} (1)." in flat
    code, text = asked(tmp_path, f"machine={other}", "max_latency_ms=1000", capsys=capsys)
    assert code == 0
    assert f"as measured on {other}" in " ".join(text.split())
    assert "bert: p95 latency, not measured" in text


def test_runs_of_another_processor_are_another_variant(tmp_path, capsys):
    for cpu, seeds in (("AMD EPYC", range(3)), ("Intel Xeon", range(2))):
        for family, share in (("gpt", 0.6), ("bert", 0.9)):
            for seed in seeds:
                of = cell(family=family, task="classification", seed=seed)
                where = {"python": "3.12", "cpu": cpu}
                leave(tmp_path / cpu, of, share=known(of.task, share), environment=where)
    _, text = asked(tmp_path, capsys=capsys)
    assert "those with hardware AMD EPYC (see variant=)" in " ".join(text.split())
    _, text = asked(tmp_path, "variant=Xeon", capsys=capsys)
    assert "those with hardware Intel Xeon" in " ".join(text.split())


def test_several_folders(tmp_path, capsys):
    results(tmp_path / "a", seeds=range(2))
    results(tmp_path / "b", seeds=range(2, 4))
    code, text = asked(f"{tmp_path / 'a'},{tmp_path / 'b'}", capsys=capsys)
    assert code == 0
    assert "Preliminary: 4 seeds" in text


def test_a_plan_of_ones_own(records, tmp_path, ask):
    words = yaml.safe_load(plan.DEFAULT.read_text())
    words["name"], words["embedded"]["accuracy"] = "wide", 0.5
    place = tmp_path / "wide.yaml"
    place.write_text(yaml.safe_dump(words))
    _, text = ask(f"plan={place}")
    assert "choose gpt2" in text  # alike under so wide a margin, and twice as fast
    assert "Margins of plan wide (named to this report" in " ".join(text.split())
    del words["embedded"]["accuracy"]
    place.write_text(yaml.safe_dump(words))
    code, text = ask(f"plan={place}")
    assert code == 2
    assert "plan wide: embedded.accuracy is missing" in text


def test_nothing_to_choose_from(tmp_path, capsys):
    for family in ("gpt", "bert"):
        leave(tmp_path, cell(family=family, task="classification"), sweep="smoke")
    code, text = asked(tmp_path, capsys=capsys)
    assert code == 2
    assert "no model to choose from" in text
    assert "smoke run" in text


def test_who_cannot_be_compared_is_named(tmp_path, capsys):
    for family, share, seed in (("gpt", 0.6, 0), ("bert", 0.9, 1)):
        of = cell(family=family, task="classification", seed=seed)
        leave(tmp_path, of, share=known(of.task, share))
    _, text = asked(tmp_path, capsys=capsys)
    assert "gpt2 cannot be compared with it: no seed in common." in " ".join(text.split())


def test_text_that_means_harm_stays_one_printable_line(tmp_path, capsys):
    bad = "x\x1b[2J\n\u202efdp.exe; rm -rf ~"
    gpt, _ = results(tmp_path, seeds=range(2), pair="mini")
    keep(tmp_path, probe(subject(gpt), series=[], not_measured={"single stream/end to end": bad}))
    found = asked(tmp_path, "max_latency_ms=2", capsys=capsys)[1]
    leave(tmp_path / "hostile", cell(task="classification", model=bad, level=bad))
    found += asked(tmp_path / "hostile", "max_latency_ms=2", capsys=capsys)[1]
    found += asked(tmp_path, f"machine={bad}", capsys=capsys)[1]
    assert "\x1b" not in found
    assert not set(STEERING) & set(found)
    assert "model=x;" not in found
    assert "'model=x" in found  # quoted for the shell


def test_numbers_are_rounded_to_where_they_hold():
    assert case.bound(1.7821, up=True) == "1.783"
    assert case.bound(1.7821, up=False) == "1.782"
    assert case.bound(433.0, up=True) == "433.0"
    assert float(case.bound(0.00123456, up=True)) >= 0.00123456
    assert float(case.bound(0.00123456, up=False)) <= 0.00123456
    assert case.number(math.inf) == "no limit"
    assert case.number(0.000412) == "0.000412"


def test_energy_can_be_limited(tmp_path, capsys):
    gpt, bert = results(tmp_path, seeds=range(3))
    windows = {"gpt": joules(200), "bert": joules(100)}
    found = [
        probe(subject(o), energy=[windows[o.cell.family]], not_measured={}) for o in (gpt, bert)
    ]
    keep(tmp_path, *found)
    code, text = asked(tmp_path, "max_energy_joules=4", capsys=capsys)
    assert code == 0
    assert "choose gpt2" in text
    assert "3.000 [2.850, 3.150]" in text


def test_a_real_process_ends_with_its_code_and_no_torch(records):
    code = (
        "import sys; from harness import choose; "
        f"done = choose.main(['task=classification', 'results={records}', 'max_memory_mb=1']); "
        "assert not {'torch', 'transformers'} & set(sys.modules); sys.exit(done)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "no model fits" in done.stdout


def test_the_price_is_that_of_the_seconds(records):
    found = findings.find([records])
    priced = choose.lined_up(found, choose.parsed(["task=classification", "price_per_hour=3.6"]))
    for one in priced.candidates:
        assert one.costs[MONEY].value == pytest.approx(one.costs[TIME].value)


def test_a_question_that_is_none():
    with pytest.raises(InputError):
        choose.parsed(["=3"])
