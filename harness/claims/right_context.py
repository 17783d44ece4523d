"""C3b: whether BERT stays better at named entities when GPT may see the words to the right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from harness.claims.family import Asked
from harness.claims.finding import Number
from harness.claims.gains import question
from harness.claims.pairing import about, barred, secondary
from harness.comparing.comparison import FULL, SliceScore
from harness.comparing.findings import Findings
from harness.comparing.verdicts import Verdict, advantage_of, dev_score
from harness.statistics.stats import Estimate

RIGHT = "R"
"""The slice of the embedded world where a word to the right decides."""

ADAPTED = ("unmask", "unmask_top", "echo")
"""Modes of labelling in which a decoder's answer depends on what stands to its right."""


def ask(findings: Findings) -> Iterator[Asked]:
    """One finding for each pair whose decoder was tuned in such a mode.

    GPT stands in the one with the best dev score, so that no choice rests on what is scored.
    """
    by_pair: dict[tuple[object, ...], list[Verdict]] = defaultdict(list)
    for one in findings.verdicts:
        if _fits(one):
            by_pair[one.group.key, one.family.pair].append(one)
    for several in by_pair.values():
        best = max(several, key=_on_dev)
        found = advantage(best)
        label = f"BERT's advantage over GPT in mode {best.contrast.gpt.key.mode}"
        asked = question(findings, best, label, found, barred(best.contrast))
        yield Asked("C3b", about([best]), secondary(best.family), (asked,), _beside(several, best))


def _fits(one: Verdict) -> bool:
    gpt, bert = one.contrast.gpt, one.contrast.bert
    usual = bert.native and gpt.key.strategy == bert.key.strategy == FULL
    return (
        one.group.key.task == "ner"
        and usual
        and gpt.key.mode in ADAPTED
        and not one.contrast.scratch
    )


def _on_dev(one: Verdict) -> tuple[bool, float, int]:
    """What may be compared comes first, then how well the decoder does on dev."""
    score, improves = dev_score(one.contrast.gpt), one.meter.improves
    well = float("-inf") if score is None else improves(score)
    return not one.contrast.refused, well, len(one.contrast.seeds)


def advantage(one: Verdict) -> Estimate | None:
    """BERT's, on the headline metric; None where the two may not be compared."""
    difference = one.contrast.difference
    return None if difference is None else advantage_of(one.meter, difference)


def _beside(several: Sequence[Verdict], best: Verdict) -> tuple[Number, ...]:
    """The other modes, and what both score on slices where the decoder's mask decides."""
    numbers = list[Number]()
    for one in several:
        gpt, found = one.contrast.gpt, advantage(one)
        if one is not best:
            value = barred(one.contrast) if found is None else found
            numbers.append(Number(f"in mode {gpt.key.mode}, not deciding", value))
        for part in gpt.slices:
            if part.name == RIGHT:
                label = f"GPT in mode {gpt.key.mode} on slice {RIGHT}{_caps(one, part)}"
                numbers.append(Number(label, part.estimate, signed=False))
    return tuple(numbers)


def _caps(one: Verdict, part: SliceScore) -> str:
    """What the best reader scores there, and whether the mode is beyond the best causal one."""
    told = [] if part.cap is None else [f"cap {part.cap:.3f}"]
    for cap in sorted(set(_causal(one))):
        low = part.estimate.low
        beyond = "beyond" if low is not None and low > cap else "not beyond"
        told.append(f"{beyond} the {cap:.3f} of a causal reader")
    return f" ({'; '.join(told)})" if told else ""


def _causal(one: Verdict) -> Iterator[float]:
    """The cap of the same decoder under its own mask, where it was run so."""
    model = one.contrast.gpt.key.model
    for arm in one.group.arms:
        if arm.key.model == model and arm.native and arm.key.strategy == FULL:
            yield from (p.cap for p in arm.slices if p.name == RIGHT and p.cap is not None)
