"""Costs of candidates, who dominates whom, and the section that shows it."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from measured import (
    MACHINE,
    MIB,
    gate,
    joules,
    keep,
    kept,
    lane,
    offline,
    probe,
    race,
    series,
    single,
    stages,
    subject,
    texts,
)
from rendered import HOSTILE, STEERING, assert_rectangular, cells, rows
from synthetic import TRAINING, cell, leave

from harness import plan
from harness.comparing import costs, findings, tradeoffs
from harness.comparing.costs import (
    DOUBT,
    ENERGY,
    MEMORY,
    MONEY,
    P50,
    P95,
    TIME,
    Cost,
)
from harness.comparing.tradeoffs import Lead, Lineup
from harness.measurement import Energy, Stage
from harness.report import tradeoffs as shown
from harness.statistics.stats import Estimate
from harness.statistics.timings import Ratio

PLAN = plan.default()
RATIO = PLAN.cost_ratio
TRAINED = costs.TRAINING


# --- costs --------------------------------------------------------------------------------------


def arm_of(*seconds, precision="float32"):
    """Runs that took so many CPU seconds to train."""
    logs = [replace(TRAINING, cpu_seconds=one) for one in seconds]
    runs = tuple(
        SimpleNamespace(record=SimpleNamespace(training_seconds=log.cpu_seconds)) for log in logs
    )
    first = SimpleNamespace(model=SimpleNamespace(precision=precision))
    return SimpleNamespace(runs=runs, first=first, untrained=False)


def measured(**changes):
    base = SimpleNamespace(
        series=[*single(), offline(8, 400.0), offline(32, 800.0), offline(128, 700.0)],
        memory={"0": stages()},
        energy=[],
        not_measured={"energy": "no counter"},
        settings={"device": "cpu"},
        flags=[],
    )
    return SimpleNamespace(**{**vars(base), **changes})


def costs_of(price=None, **changes):
    return costs.costs(arm_of(10.0, 11.0, 12.0), measured(**changes), price)


def test_every_cost_of_a_measured_model():
    found = costs_of(price=3.6)
    taken = np.sort([1000 * s for s in single()[1].wall_seconds])
    assert found[P95].value == pytest.approx(taken[189])  # rank .95 x 200
    assert found[P50].value == pytest.approx(taken[99])
    assert taken[178] <= found[P95].low < found[P95].value < found[P95].high <= taken[199]
    assert found[MEMORY] == Cost(*[330 * MIB / 1e6] * 3)
    assert found[TIME].value == pytest.approx(1000 / 800, rel=0.05)  # the best of three sizes
    assert found[TIME].low < found[TIME].value < found[TIME].high
    assert found[MONEY].value == pytest.approx(found[TIME].value)  # 1,000 times 1,000 / 1,000 s
    assert found[MONEY].high == pytest.approx(found[TIME].high)
    assert found[ENERGY].value is None
    assert "no counter" in found[ENERGY].why
    assert MONEY not in costs_of()


def test_training_is_a_mean_with_a_t_interval_on_the_log_scale():
    found = costs_of()[TRAINED]
    reach = 4.302653 * (1.0 / math.sqrt(3)) / 11.0  # t of 2 degrees of freedom, SD 1, mean 11
    assert found.value == 11.0
    assert found.low == pytest.approx(11.0 * math.exp(-reach))
    assert found.high == pytest.approx(11.0 * math.exp(reach))
    alone = costs.costs(arm_of(10.0), None, None)[TRAINED]
    assert (alone.value, alone.low, alone.high) == (10.0, None, None)
    assert "one seed" in alone.why
    assert costs.costs(SimpleNamespace(runs=(), untrained=False), None, None)[TRAINED].value is None


def test_what_was_not_measured_says_so_and_what_to_run():
    found = costs.costs(arm_of(10.0, 11.0), None, 1.0)
    for kind in (P50, P95, MEMORY, TIME, ENERGY, MONEY):
        assert (found[kind].value, found[kind].why) == (None, "not measured")
        assert found[kind].remedy == "probe=quick"
    few = costs_of(series=single(count=20))
    assert few[P95].value is None
    assert few[P95].why == "20 of the 200 requests that a p95 needs"
    assert few[P95].remedy == "probe=thorough"
    assert few[P50].value > 0
    assert few[TIME].value is None


def test_a_figure_without_an_interval_is_right_within_a_factor():
    found = costs_of(series=[offline(32, 800.0, batches=3)])[TIME]
    assert (found.low, found.high) == (None, None)
    assert found.why == "no interval: 3 batches of 32"
    assert (found.floor, found.ceiling) == (found.value / DOUBT, found.value * DOUBT)
    size = int(found.remedy.rpartition("=")[2])
    assert size > 10 * 32  # enough for ten batches and some to spare
    assert math.isnan(Cost().floor)
    assert math.isnan(Cost().ceiling)


def test_written_texts_are_timed_whole_and_at_natural_length():
    work = {"examples": [1] * 200}
    found = costs_of(
        series=[
            series("single stream/end to end", [0.5] * 200, work=work),
            *texts("natural", [10] * 200, 0.01, 0.01),
            *texts(32, [32] * 200, 0.1, 0.1),
        ]
    )
    assert found[P95].value == pytest.approx(100.0)  # 10 tokens of 10 ms


def test_memory_of_a_device_and_what_could_not_be_read():
    here = [Stage("forward", 1.0, 1, 900, device={"allocated_peak": 5_000_000})]
    assert costs_of(memory={"0": here})[MEMORY].value == 5.0
    unread = [Stage("forward", 1.0, None, None, why="no permission")]
    assert costs_of(memory={"0": unread})[MEMORY].why == "not measured: no permission"
    assert costs_of(memory={})[MEMORY].value is None


def test_energy_is_gross_and_known_within_its_counter():
    found = costs_of(energy=[joules(200)])[ENERGY]
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 2.85, 3.15))
    nothing = costs_of(energy=[Energy("offline", 1.0, 1.0, 1.0, {})], not_measured={})
    assert nothing[ENERGY].value is None


def test_foreign_load_is_timed_on_the_clock_of_the_process():
    slow = measured(series=single(load=1.5))
    assert costs.clock(slow) == "process"
    cpu = [1000 * s for s in single(load=1.5)[1].cpu_seconds]
    assert costs.costs(arm_of(1.0), slow, None)[P50].value == pytest.approx(np.sort(cpu)[99])


def test_doubts_are_those_of_the_figures_that_are_used():
    flags = ["single stream/model: not steady", "offline: hot", "foreign load 1.3"]
    settings = {"device": "cpu", "precision": "bfloat16"}
    said = list(costs.doubts(arm_of(1.0), measured(flags=flags, settings=settings)))
    assert said[:2] == ["offline: hot", "foreign load 1.3"]
    assert "bfloat16" in said[2]
    assert not list(costs.doubts(arm_of(1.0), measured(settings={"precision": "float32"})))


# --- who dominates whom -------------------------------------------------------------------------


def cost(value, by=0.01):
    return Cost(value, value * (1 - by), value * (1 + by))


def candidate(**changed):
    base = {P50: cost(1.0), P95: cost(2.0), MEMORY: cost(100.0), TIME: cost(1.0)}
    base |= {ENERGY: Cost(why="not measured"), TRAINED: cost(10.0)}
    named = {"p95": P95, "memory": MEMORY, "time": TIME, "energy": ENERGY, "training": TRAINED}
    base |= {named[name]: value for name, value in changed.items()}
    return SimpleNamespace(costs=base)


def lined(*candidates, ahead=0.0, reach=0.005, margin=0.02, races=()):
    """Two or more candidates; the first is so far ahead of every other."""
    leads = {}
    for other in range(1, len(candidates)):
        for sign, place in ((1, (0, other)), (-1, (other, 0))):
            mean = sign * ahead
            leads[place] = Lead(Estimate(mean, 5, 100, 0.1, mean - reach, mean + reach))
    return Lineup(None, candidates, {}, False, margin, "E1", {}, leads, dict(races))


def first_dominates(*candidates, **words):
    return tradeoffs.dominates(lined(*candidates, **words), 0, 1, RATIO)


def test_better_quality_at_the_same_cost_dominates():
    assert first_dominates(candidate(), candidate(), ahead=0.05)
    assert not first_dominates(candidate(), candidate(), ahead=0.02)  # not surely above the margin
    assert not first_dominates(candidate(), candidate())  # alike in everything
    assert not first_dominates(candidate(), candidate(), ahead=0.05, margin=None)


def test_what_took_no_training_is_cheaper_than_anything():
    asked, tuned = candidate(training=Cost(0.0, 0.0, 0.0)), candidate()
    assert first_dominates(asked, tuned)  # alike in all else
    assert not first_dominates(tuned, asked, ahead=0.05)
    found = lined(asked, tuned, asked)
    assert not tradeoffs.unproven(found, 0, 1) + tradeoffs.unproven(found, 1, 0)
    assert found.ratio(0, 2, TRAINED) == (0.0, 0.0, 0.0)


def test_a_lower_cost_at_the_same_quality_dominates():
    for name, low, high in (("memory", 50, 100), ("training", 5, 10), ("time", 0.5, 1)):
        better, worse = candidate(**{name: cost(low)}), candidate(**{name: cost(high)})
        assert first_dominates(better, worse)
        assert not first_dominates(worse, better)
        assert not first_dominates(better, worse, ahead=-0.05)
    unsure = candidate(memory=cost(88.0, by=0.05))  # below the ratio, but not for sure
    assert not first_dominates(unsure, candidate())
    near = candidate(memory=cost(95.0))
    assert not first_dominates(near, candidate(), ahead=-0.01)  # within the cost ratio: not better


def test_one_cost_that_may_be_above_the_ratio_stands_in_the_way():
    dearer = candidate(memory=cost(105.0, by=0.001))
    assert first_dominates(dearer, candidate(), ahead=0.05)  # 5 % more is alike
    assert not first_dominates(candidate(memory=cost(112.0)), candidate(), ahead=0.05)
    assert not first_dominates(candidate(memory=cost(100.0, by=0.2)), candidate(), ahead=0.05)


def test_quality_that_may_be_lower_by_the_margin_stands_in_the_way():
    better, worse = candidate(memory=cost(50.0)), candidate()
    assert first_dominates(better, worse, ahead=-0.01, reach=0.005)
    assert not first_dominates(better, worse, ahead=-0.01, reach=0.015)
    unknown = replace(lined(better, worse), leads={(0, 1): Lead(None, "no seed in common")})
    assert not tradeoffs.dominates(unknown, 0, 1, RATIO)


def test_a_cost_of_one_alone_proves_nothing_and_of_none_is_left_out():
    assert first_dominates(candidate(), candidate(), ahead=0.05)  # energy of neither
    half = candidate(energy=cost(1.0)), candidate()
    for pair in (half, half[::-1]):
        assert not first_dominates(*pair, ahead=0.05)
        found = lined(*pair, ahead=0.05)
        assert tradeoffs.unproven(found, 0, 1) == [ENERGY]
        assert tradeoffs.dominates(found, 0, 1, RATIO, ignored=[ENERGY])


def test_costs_without_an_interval_count_within_the_factor():
    vague = {"training": Cost(10.0, why="one seed")}
    assert not first_dominates(candidate(**vague), candidate(**vague), ahead=0.05)
    assert first_dominates(candidate(), candidate(training=Cost(70.0)), ahead=0.05)
    assert not first_dominates(candidate(), candidate(training=Cost(15.0)), ahead=0.05)


def test_a_race_decides_speed_and_nothing_else():
    def raced(log, name):
        there = Ratio(log, log - 0.01, log + 0.01, 10, "wall")
        back = Ratio(-log, -log - 0.01, -log + 0.01, 10, "wall")
        return {(0, 1, name): there, (1, 0, name): back}

    slow, fast = candidate(p95=cost(3.0), time=cost(2.0)), candidate()
    single, offline = raced(0.0, costs.END_TO_END), raced(0.0, costs.OFFLINE)
    assert not first_dominates(slow, fast, ahead=0.05)
    assert not first_dominates(slow, fast, ahead=0.05, races=single)
    assert first_dominates(slow, fast, ahead=0.05, races=single | offline)
    found = lined(slow, fast, races=raced(0.3, costs.END_TO_END))
    assert found.ratio(0, 1, P95).log == 0.3
    assert found.ratio(1, 0, P50).log == -0.3
    assert found.ratio(0, 1, TIME).log == pytest.approx(math.log(2))
    assert found.ratio(0, 1, MEMORY).high == pytest.approx(math.log(1.01 / 0.99))


def test_the_percentile_that_somebody_has():
    without = candidate(p95=Cost(why="20 of 200"))
    assert lined(without, without).latency == P50
    assert lined(without, candidate()).latency == P95


def test_the_front():
    found = lined(candidate(), candidate(), candidate(memory=cost(50.0)), ahead=0.05)
    assert tradeoffs.dominators(found_with_all_leads(found), RATIO) == [[], [0], []]


def found_with_all_leads(found):
    """The second and the third are alike."""
    alike = Lead(Estimate(0.0, 5, 100, 0.1, -0.03, 0.03))
    return replace(found, leads=found.leads | {(1, 2): alike, (2, 1): alike})


# --- from records -------------------------------------------------------------------------------


def results(root, seeds=range(5), task="classification", shares=(0.6, 0.9), **words):
    """Both halves of a pair with several seeds; the first run of each is measured."""
    first = []
    for family, share in zip(("gpt", "bert"), shares, strict=True):
        for seed in seeds:
            of = cell(family=family, task=task, seed=seed, **words)
            made = kept(root, of, share=known(task, share))
            first += [made] if seed == seeds[0] else []
    return first


def known(task, share):
    """The same in all slices but the one that nobody can know."""
    return share if task == "generation" else {"lex": share, "con": share, "none": 0.5}


def lined_up(root, **words):
    found = findings.find([root], PLAN)
    names = shown.names_of(found.comparison)
    return tradeoffs.lineup(found, found.comparison.groups[0], names, **words)


def test_candidates_are_pretrained_and_joined_by_checkpoint(tmp_path):
    gpt, bert = results(tmp_path)
    leave(tmp_path, cell(task="classification", weights="scratch"))
    keep(tmp_path, probe(subject(bert)))
    found = lined_up(tmp_path)
    assert [one.arm.key.family for one in found.candidates] == ["gpt", "bert"]
    assert not found.untrained
    assert found.candidates[0].costs[P95].why == "not measured"
    assert found.candidates[1].costs[P95].value > 0
    assert (found.machine, found.machines) == ("E1", {"E1": 1})
    assert found.margin == 0.02
    assert gpt.checkpoint_digest != bert.checkpoint_digest


def test_untrained_bodies_where_there_is_nothing_else(tmp_path):
    leave(tmp_path, cell(task="classification", weights="scratch"))
    found = lined_up(tmp_path)
    assert found.untrained
    assert len(found.candidates) == 1


def test_leads_are_paired_on_the_seeds_that_both_have(tmp_path):
    for family, share, seeds in (("gpt", 0.6, (0, 1, 2)), ("bert", 0.9, (1, 2, 3, 4))):
        for seed in seeds:
            of = cell(family=family, task="classification", seed=seed)
            leave(tmp_path, of, share=known(of.task, share))
    found = lined_up(tmp_path)
    gpt, bert = (one.arm for one in found.candidates)
    lead = found.leads[1, 0].estimate
    assert lead.seeds == 2
    assert lead.mean == pytest.approx(bert.values[:2].mean() - gpt.values[1:].mean())
    assert lead.mean == -found.leads[0, 1].estimate.mean
    assert lead.low < lead.mean < lead.high


def test_a_metric_where_less_is_better_turns_round(tmp_path):
    results(tmp_path, range(3), "generation", (0.95, 0.5))
    found = lined_up(tmp_path)
    assert found.candidates[0].arm.headline.lower_is_better
    assert found.leads[0, 1].estimate.mean > 0.2


def test_what_cannot_be_compared_says_why(tmp_path):
    leave(tmp_path, cell(task="classification", seed=0))
    leave(tmp_path, cell(family="bert", task="classification", seed=1))
    assert lined_up(tmp_path).leads[0, 1] == Lead(None, tradeoffs.SAME_SEEDS)
    other = tmp_path / "other"
    leave(other, cell(task="classification"), tuning={"trials": 8})
    leave(other, cell(family="bert", task="classification"), tuning={"trials": 16})
    found = lined_up(other)
    assert "tuning.trials" in found.leads[0, 1].why
    assert "tuning.trials" in found.leads[1, 0].why
    bare = replace(found.candidates[0].arm, values=None)
    assert tradeoffs.lead(bare, found.candidates[1].arm).why == tradeoffs.NO_VALUES


def test_what_nothing_may_be_chosen_by_is_barred(tmp_path):
    for seed in range(3):
        share = dict.fromkeys(("U", "L", "R", "N", "G"), 0.9)  # R without its context
        leave(tmp_path, cell(seed=seed), share=share)
        leave(tmp_path, cell(family="bert", seed=seed), sweep="smoke")
    found = lined_up(tmp_path)
    assert not found.candidates
    assert sorted(why.split()[0] for why in found.barred.values()) == ["smoke", "void:"]


def elsewhere(found):
    """The same measurement on another machine."""
    there = {**found.environment, "machine": {**MACHINE, "cpu": "Xeon"}}
    slower = [replace(one, wall_seconds=[2 * s for s in one.wall_seconds]) for one in found.series]
    slower = [replace(one, cpu_seconds=one.wall_seconds) for one in slower]
    return replace(found, environment=there, series=slower, identity=found.identity[::-1])


def test_figures_are_those_of_one_machine(tmp_path):
    gpt, bert = results(tmp_path)
    here = [probe(subject(gpt)), probe(subject(bert))]
    keep(tmp_path, *here, elsewhere(here[0]))
    names = {"E1": 1, "E2": 1}
    default, other = lined_up(tmp_path), lined_up(tmp_path, machine="E2")
    assert set(default.machines) == set(names)
    busy = max(default.machines, key=default.machines.get)
    assert default.machine == busy
    values = [lined_up(tmp_path, machine=name).candidates[0].costs[P50].value for name in names]
    assert max(values) == pytest.approx(2 * min(values))
    lonely = lined_up(tmp_path, machine=next(name for name in names if name != busy))
    assert lonely.candidates[1].costs[P50].why == "not measured"
    assert other.machine == "E2"


def test_the_measurement_with_most_samples_counts(tmp_path):
    gpt, _ = results(tmp_path)
    few = probe(subject(gpt), series=single(0.05, count=50), settings={"name": "few"})
    many = probe(subject(gpt), series=single(0.002, count=400), settings={"name": "many"})
    keep(tmp_path, few, many)
    assert lined_up(tmp_path).candidates[0].costs[P50].value == pytest.approx(3.0, rel=0.05)


def test_races_are_trusted_where_a_model_tied_with_its_copy(tmp_path):
    gpt, bert = results(tmp_path)
    name = costs.END_TO_END
    pair = [subject(gpt), subject(bert)]
    keep(tmp_path, probe(pair[0]), race(*pair, [*lane(name, (0.004, 0.002)), *gate(name)]))
    found = lined_up(tmp_path)
    assert found.races[0, 1, name].log == pytest.approx(math.log(2), abs=0.02)
    there, back = found.races[0, 1, name], found.races[1, 0, name]
    assert (back.low, back.log, back.high) == (-there.high, -there.log, -there.low)
    far = tmp_path / "far"
    gpt, bert = results(far)
    away = race(subject(gpt), subject(bert), [*lane(name, (0.004, 0.002)), *gate(name)])
    keep(far, probe(subject(gpt)), elsewhere(away))
    both = [lined_up(far, machine=name).races for name in ("E1", "E2")]
    assert sorted(map(bool, both)) == [False, True]
    noisy = tmp_path / "noisy"
    gpt, bert = results(noisy)
    pair = [subject(gpt), subject(bert)]
    keep(noisy, probe(pair[0]), race(*pair, [*lane(name, (0.004, 0.002)), *gate(name, 1.5)]))
    assert not lined_up(noisy).races


def test_models_of_another_pair_can_be_left_out(tmp_path):
    for name in ("mini", "twin"):
        results(tmp_path, seeds=range(2), pair=name)
    assert len(lined_up(tmp_path).candidates) == 4
    assert {one.arm.key.pair for one in lined_up(tmp_path, pair="twin").candidates} == {"twin"}


def test_short_names_tell_apart(tmp_path):
    for mode in ("unilm", "mask_predict"):
        for seed in range(2):
            leave(tmp_path, cell(family="bert", task="generation", mode=mode, seed=seed))
    leave(tmp_path, cell(task="generation"))
    arms = [one.arm for one in lined_up(tmp_path).candidates]
    assert sorted(tradeoffs.short(arms)) == ["bert (mask_predict)", "bert (unilm)", "gpt2"]


# --- the section --------------------------------------------------------------------------------


def fast(of, factor=1.0, **changes):
    """A probe of so many times the usual speed, with an interval for each figure."""
    times = [replace(one, wall_seconds=[s / factor for s in one.wall_seconds]) for one in single()]
    times = [replace(one, cpu_seconds=one.wall_seconds) for one in times]
    return probe(of, series=[*times, offline(32, 800.0 * factor)], **changes)


def test_the_section_says_who_is_on_the_front(tmp_path):
    gpt, bert = results(tmp_path, shares=(0.5, 0.9))
    keep(tmp_path, fast(subject(gpt)), fast(subject(bert), 2.0))
    found = findings.find([tmp_path], PLAN)
    text = shown.tradeoffs(found)
    assert_rectangular(text)
    (better,) = rows(text, "bert,")
    (worse,) = rows(text, "gpt2,")
    assert cells(better)[-1] == "on the front"
    assert cells(worse)[-1] == "dominated by bert"
    assert "No energy per example: no counter." in text
    assert "not the ranking of released models" in text
    quick = lined_up(tmp_path).candidates[1].costs[P95].ceiling
    limit = f"max_latency_ms={shown.rounded_up(quick, 2)} max_memory_mb=400"
    assert f"python -m harness.choose task=classification {limit}" in text


def test_the_section_without_measurements(tmp_path):
    results(tmp_path)
    text = shown.tradeoffs(findings.find([tmp_path], PLAN))
    assert "No p95 latency: not measured." in text
    assert "training, s" in text


def test_a_cost_that_proves_nothing_leaves_it_open(tmp_path):
    gpt, bert = results(tmp_path, shares=(0.5, 0.9))
    keep(tmp_path, fast(subject(gpt)), fast(subject(bert), 2.0, energy=[joules(100)]))
    text = shown.tradeoffs(findings.find([tmp_path], PLAN))
    (worse,) = rows(text, "gpt2,")
    told = "open: bert would dominate it, but energy per example has no interval"
    assert cells(worse)[-1] == told


def test_one_seed_is_told(tmp_path):
    long = replace(TRAINING, cpu_seconds=200.0)
    for family, share, log in (("gpt", 0.5, long), ("bert", 0.9, TRAINING)):
        of = cell(family=family, task="classification")
        leave(tmp_path, of, share=known(of.task, share), training=log)
    text = shown.tradeoffs(findings.find([tmp_path], PLAN))
    (worse,) = rows(text, "gpt2,")
    assert cells(worse)[-1] == "dominated by bert (one seed)"
    assert "200.0 (no interval: one seed)" in cells(worse)


def test_a_plan_without_a_margin_shows_no_front(tmp_path):
    results(tmp_path)
    found = findings.find([tmp_path], replace(PLAN, embedded={}))
    assert "no margin for accuracy" in shown.tradeoffs(found)


def test_text_that_means_harm_is_shown_as_text(tmp_path):
    gpt, _ = results(tmp_path, data="world")
    bad = probe(subject(gpt), not_measured={"energy": HOSTILE}, series=single(count=50))
    keep(tmp_path, bad)
    hostile = tmp_path / "hostile"
    of = cell(task="classification", pair=HOSTILE, model="x`y", level=HOSTILE)
    leave(hostile, of)
    for root in (tmp_path, hostile):
        text = shown.tradeoffs(findings.find([root], PLAN))
        assert_rectangular(text)
        assert "<script>" not in text
        assert not set(STEERING) & set(text)


def test_limits_of_commands_are_rounded_up():
    assert [shown.rounded_up(v, 2) for v in (1.782, 18.67, 0.0123)] == ["1.8", "19", "0.013"]
    assert [shown.rounded_up(v, 1) for v in (433.2, 400.0, 9.5)] == ["500", "400", "10"]
