"""What only written texts have: how they look, how probable the references are, samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from harness import metrics
from harness.comparing.comparison import SCRATCH, Arm, Group, Sample
from harness.report.markdown import NONE, bullets, escape, score, section, shorten, table

LOOKS = (
    "What the texts look like; it explains scores and ranks no model. Repetition is the share of "
    "4-grams that occur earlier in the same text; distinct-1 and distinct-2 are different n-grams "
    "of all, over all texts together; cut off are texts that reached the longest length before "
    "their end. Means over seeds. The distinct shares have no interval: what a text adds depends "
    "on the texts before it."
)
LIKELIHOOD = (
    "Bits per byte of the references: their negative log-likelihood, end included, by the chain "
    "rule, over their UTF-8 bytes; lower is better, whatever the tokenizer. It is a probability of "
    "whole texts and never comparable with a pseudo-perplexity, which hides one token at a time "
    "and sees the others."
)
NO_CHAIN_RULE = "written in parallel: no chain rule, so no probability of a text"
PARALLEL = "mask_predict"

LONGEST = 300
"""Characters of an input or a text that are shown."""


def looks(group: Group) -> str:
    """The section on texts as such; empty where none were written."""
    arms = [arm for arm in group.arms if arm.writes and arm.scores]
    if not arms:
        return ""
    return section(3, "Texts", LOOKS, _described(arms), LIKELIHOOD, _likelihoods(arms))


def _described(arms: list[Arm]) -> str:
    names = [one.meter for one in arms[0].scores if one.meter.descriptive]
    rows = [
        [
            escape(arm.description),
            *(score(one.estimate.mean) for one in arm.scores if one.meter.descriptive),
        ]
        for arm in arms
    ]
    header = ["model", *(escape(meter.title) for meter in names)]
    return table(header, rows, "l" + "r" * len(names))


def _likelihoods(arms: list[Arm]) -> str:
    rows = [[escape(arm.description), *_likelihood(arm)] for arm in arms]
    return table(["model", "bits per byte", "per seed, or why not"], rows, "lrl")


def _likelihood(arm: Arm) -> list[str]:
    found = [run.record.likelihood for run in arm.runs]
    values = [one.bits / one.bytes for one in found if one is not None and one.bytes]
    if not values or len(values) < len(found):
        return [NONE, NO_CHAIN_RULE if arm.key.mode == PARALLEL else "not on record"]
    return [score(sum(values) / len(values)), " ".join(map(score, values))]


def signatures(group: Group) -> str:
    """How each metric was counted, with the models where they do not all say the same."""
    told: dict[tuple[str, str], list[Arm]] = defaultdict(list)
    for arm in group.arms:
        for name, text in arm.first.signatures.items():
            told[name, text].append(arm)
    lines = []
    for (name, text), arms in told.items():
        who = "" if len(arms) == len(group.arms) else ", ".join(a.description for a in arms)
        lines.append(
            f"{escape(_title(name))}: {escape(text)}" + (f" ({escape(who)})" if who else "")
        )
    return "How texts were counted:\n\n" + bullets(lines) if lines else ""


def _title(name: str) -> str:
    try:
        return metrics.meter(name).title
    except metrics.UnknownMetric:
        return name


# --- samples ------------------------------------------------------------------------------------


def samples(group: Group) -> str:
    """A few inputs, with what every model wrote; empty where no texts are on record."""
    wrote = [arm for arm in group.arms if arm.samples]
    arms = [arm for arm in wrote if arm.key.weights != SCRATCH] or wrote
    if not arms:
        return ""
    text = "The first inputs of the split, one reference, and what the first run of each model "
    text += "wrote" + (" (untrained bodies left out)" if len(arms) < len(wrote) else "")
    text += ". For an impression: nothing is counted here."
    inputs = {one.id: one for arm in arms for one in arm.samples}
    return section(3, "Samples", text, *(_sample(one, arms) for one in inputs.values()))


def _sample(one: Sample, arms: list[Arm]) -> str:
    slices = f" ({escape(', '.join(one.slices))})" if one.slices else ""
    head = f"**{escape(one.id)}**{slices}: {_brief(one.source)}"
    number = "the reference" if one.references == 1 else f"first of {one.references} references"
    return head + "\n\n" + bullets([f"{number}: {_brief(one.reference)}", *_written(one.id, arms)])


def _written(name: str, arms: list[Arm]) -> Iterator[str]:
    for arm in arms:
        for one in arm.samples:
            if one.id == name:
                cut = " (cut off)" if one.cut_off else ""
                text = _brief(one.text) if one.text.strip() else "(empty)"
                yield f"{escape(arm.description)}: {text}{cut}"


def _brief(text: str) -> str:
    return escape(shorten(text, LONGEST))
