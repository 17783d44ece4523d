"""C13: whether GPT gains less than BERT from pretraining on much text, over corpora of three sizes.

A gain is the score of a pretrained body less that of its untrained twin, both tuned alike. The
claim is about much text: the largest corpus decides, and the smaller ones show what led there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.claims.family import Asked, Question
from harness.claims.finding import Number
from harness.claims.gains import question
from harness.claims.pairing import about, barred_arms, lacking, leading, named, secondary
from harness.comparing import adaptation, pairs
from harness.comparing.arms import plain
from harness.comparing.comparison import Arm, Contrast, Control, Group
from harness.comparing.findings import Findings
from harness.comparing.verdicts import BERT, GPT, Verdict
from harness.statistics import stats
from harness.statistics.stats import Estimate, Matrix

SIZE = "pretraining.corpus.size"
FEWEST = 3


@dataclass(frozen=True)
class Corpus:
    """Both models pretrained on one corpus, each with its untrained twin where there is one."""

    size: int  # sentences; 0 where that is not on record
    contrast: Contrast
    gpt: Control | None
    bert: Control | None

    @property
    def arms(self) -> tuple[Arm, ...]:
        """All that were tuned: the two models, then their twins."""
        twins = [one.scratch for one in (self.gpt, self.bert) if one is not None]
        return (self.contrast.gpt, self.contrast.bert, *twins)

    @property
    def refused(self) -> str:
        """Why gains cannot be taken here; empty where they can."""
        if self.contrast.refused:
            return "refused: the two sides differ in " + ", ".join(self.contrast.refused)
        for side, found in ((GPT, self.gpt), (BERT, self.bert)):
            if found is None:
                return f"no untrained twin of {side}"
            if found.refused:
                told = ", ".join(found.refused)
                return f"refused: {side} and its untrained twin differ in {told}"
        return ""

    @property
    def on(self) -> str:
        """The corpus in words."""
        return f"on {self.size:,} sentences" if self.size else "on one corpus"


def ask(findings: Findings) -> Iterator[Asked]:
    """One finding for each leading pair whose gains are on record for at least one corpus."""
    for family, verdicts in leading(findings, lambda one: any(_ladders([one]))).items():
        questions, numbers = list[Question](), list[Number]()
        ladders = list(_ladders(verdicts))
        for one, ladder in ladders:
            name, seeds = named(one, [other for other, _ in ladders]), shared(ladder)
            if len(ladder) >= FEWEST:
                questions.append(_question(findings, one, ladder, seeds, name))
            numbers += _beside(one, ladder, seeds, name)
        if questions or numbers:
            place = secondary(family)
            yield Asked("C13", about(verdicts), place, tuple(questions), tuple(numbers))


def _ladders(verdicts: Sequence[Verdict]) -> Iterator[tuple[Verdict, list[Corpus]]]:
    """Each main question with its corpora, smallest first; once where several share them."""
    seen = set[int]()
    for one in verdicts:
        found = [step for step in corpora(one.group, one.contrast) if step.gpt or step.bert]
        if found and id(found[-1].contrast) not in seen:
            seen.add(id(found[-1].contrast))
            yield one, found


def corpora(group: Group, contrast: Contrast) -> list[Corpus]:
    """What differs from a contrast in the size of the corpus alone, for both models, by size.

    Of several of one size, the one on the most seeds.
    """
    found: dict[int, Contrast] = {}
    for other in sorted(group.contrasts, key=lambda one: len(one.seeds)):
        if _alike(contrast, other):
            found[_size(other.gpt)] = other
    return [
        Corpus(size, one, _control(group, one.gpt), _control(group, one.bert))
        for size, one in sorted(found.items())
    ]


def _alike(one: Contrast, other: Contrast) -> bool:
    sides = ((one.gpt, other.gpt), (one.bert, other.bert))
    same = all(
        ours.key == theirs.key and not pairs.otherwise(ours, theirs, SIZE, trained=False)
        for ours, theirs in sides
    )
    return same and _size(other.gpt) == _size(other.bert)


def _size(arm: Arm) -> int:
    told = plain(arm.first).get(SIZE, "")
    return int(told) if told.isdecimal() else 0


def _control(group: Group, arm: Arm) -> Control | None:
    return next((one for one in group.controls if one.arm is arm), None)


def shared(ladder: Sequence[Corpus]) -> tuple[int, ...]:
    """Seeds that both models, and their twins, finished on every corpus."""
    usable = [set(arm.seeds) for step in ladder for arm in step.arms]
    return tuple(sorted(set.intersection(*usable)))


def gain(found: Control, seeds: Sequence[int]) -> Matrix | None:
    """Seeds x examples, whose mean is what pretraining brought; None without values."""
    after, before = (adaptation.scores(arm, seeds) for arm in (found.arm, found.scratch))
    return None if after is None or before is None or not seeds else after - before


def _gains(step: Corpus, seeds: Sequence[int]) -> tuple[Matrix, Matrix] | None:
    """Of GPT and of BERT; None where they cannot be taken."""
    if step.refused or step.gpt is None or step.bert is None:
        return None
    gpt, bert = gain(step.gpt, seeds), gain(step.bert, seeds)
    return None if gpt is None or bert is None else (gpt, bert)


def _apart(step: Corpus, seeds: Sequence[int]) -> Estimate | None:
    """The gain of BERT less that of GPT."""
    found = _gains(step, seeds)
    return None if found is None else stats.mean_interval(found[1] - found[0])


def _question(
    findings: Findings, one: Verdict, ladder: Sequence[Corpus], seeds: Sequence[int], name: str
) -> Question:
    """Whether BERT gains more from the largest corpus."""
    largest, arms = ladder[-1], [arm for step in ladder for arm in step.arms]
    why = next((step.refused for step in reversed(ladder) if step.refused), "")
    why = why or barred_arms(*largest.arms) or lacking(arms, findings.comparison.failures)
    label = f"{name}, gain of BERT - gain of GPT {largest.on}"
    return question(findings, one, label, _apart(largest, seeds), why)


def _beside(
    one: Verdict, ladder: Sequence[Corpus], seeds: Sequence[int], name: str
) -> Iterator[Number]:
    """The difference on the corpora that do not decide; of a whole ladder, each model's gains."""
    digits, enough = one.meter.digits, len(ladder) >= FEWEST
    usable = [step for step in ladder if not barred_arms(*step.arms)]
    for step in usable:
        found = _apart(step, seeds)
        if found is not None and not (enough and step is ladder[-1]):
            label = f"{name}, gain of BERT - gain of GPT {step.on}, not deciding"
            yield Number(label, found, digits)
    for side in (0, 1) if enough else ():
        for step in usable:
            if gains := _gains(step, seeds):
                label = f"{name}, gain of {(GPT, BERT)[side]} {step.on}, not deciding"
                yield Number(label, stats.mean_interval(gains[side]), digits)
