"""The model card of a kept folder: README.md, made from the record that lies beside the folder.

Reads what a run recorded and export.json, decides nothing. Foreign text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from harness import metrics, record, searched
from harness.kept import exported
from harness.kept.exported import Exported
from harness.metrics import Meter
from harness.record import CountTable, Record
from harness.report.markdown import (
    bullets,
    count,
    escape,
    estimated,
    score,
    section,
    shorten,
    table,
)
from harness.statistics import stats
from harness.statistics.stats import Estimate

FILE = "README.md"
SPLITS = ("train", "dev", "test")
LABELS = 40  # shown; a data set may have hundreds


def write(place: Path, found: Record, counts: CountTable) -> None:
    """Write the card of a finished run into its kept folder."""
    record.write_text(place / FILE, text(found, counts, exported.read(place)))


def text(found: Record, counts: CountTable, form: Exported | None) -> str:
    """The card. `form` is what the folder is to `transformers`, where that is known."""
    assert found.model is not None
    title = f"{found.cell.model} tuned for {found.cell.task} on {found.cell.data}"
    parts = [
        section(1, escape(title), _opening(found)),
        section(2, "How to use it", *_usage(found, form)),
        section(2, "Scores", *_scores(found, counts)),
        section(2, "Data", bullets(list(_data(found)))),
        section(2, "How it was tuned", bullets(list(_tuned(found)))),
        section(2, "What it cost", bullets(list(_cost(found)))),
        section(2, "Limits", bullets(list(_limits(found, form)))),
    ]
    return _header(found, form) + "\n" + "\n\n".join(parts) + "\n"


def _header(found: Record, form: Exported | None) -> str:
    """YAML as model hubs read it. The licence is not known, so there is none."""
    of, standard = found.cell, form is not None and form.pipeline is not None
    fields: dict[str, Any] = {
        **({"library_name": "transformers"} if standard else {}),
        **({"pipeline_tag": form.pipeline} if form and standard else {}),
        "tags": list(dict.fromkeys(("gpt-or-bert", of.model, of.family, of.task))),
        "datasets": [found.cell.data],
        "metrics": list(found.metrics),
    }
    told = yaml.safe_dump(fields, sort_keys=False, width=1000)  # all in ASCII
    return f"---\n{told}---\n"


def _opening(found: Record) -> str:
    model, cell = found.model, found.cell
    assert model is not None
    family = {"gpt": "a decoder (GPT)", "bert": "an encoder (BERT)"}.get(cell.family, cell.family)
    tuned = bullets(
        [
            f"model: {escape(model.description)}; {escape(family)}, pair {escape(cell.pair)}",
            f"task: {escape(cell.task)}, mode {escape(cell.mode)}, strategy "
            f"{escape(cell.strategy)}, seed {cell.seed}",
            f"run: {escape(found.identity)}, finished {escape(found.finished_at)}",
        ]
    )
    return f"One tuned model, kept by a run of gpt-or-bert.\n\n{tuned}"


# --- use ----------------------------------------------------------------------------------------


def _usage(found: Record, form: Exported | None) -> Iterator[str]:
    if form is None or form.pipeline is None:
        reason = escape(form.why_not) if form and form.why_not else "it was not exported"
        yield f"No class of transformers can express this model: {reason}. It answers by"
    else:
        yield f"As {escape(form.architecture)}, from within this folder:"
        yield f"```python\n{_code(found, form)}\n```"
        yield _compared(form)
        yield "Or, with words and texts handled as in training, by"
    second = ' second="The other text."' if form and form.pairs else ""
    file = "texts.jsonl" if second else "texts.txt"
    command = "python -m harness.predict run=PATH/OF/THIS/RUN"
    yield f'```\n{command} text="Your text."{second}\n{command} file={file}\n```'


def _code(found: Record, form: Exported) -> str:
    start = "from transformers import pipeline\n\n"
    if form.pipeline == "text-generation":
        return (
            f'{start}write = pipeline("text-generation", model=".")\n'
            'print(write("your input", return_full_text=False))'
        )
    if form.pipeline == "text-classification":
        asked = '{"text": "one text", "text_pair": "the other"}' if form.pairs else '"your text"'
        return (
            f'{start}classify = pipeline("text-classification", model=".")\n'
            f"print(classify({asked}, truncation=True))"
        )
    if found.model is not None and found.model.label_piece == "last":
        return (
            f'{start}tag = pipeline("token-classification", model=".", ignore_labels=[])\n'
            'text = "your text"\n'
            "# The label of a word is that of its last piece: the one before a blank or the end.\n"
            'print([row for row in tag(text) if not text[row["end"] : row["end"] + 1].strip()])'
        )
    return (
        f"{start}tag = pipeline(\n"
        '    "token-classification", model=".", aggregation_strategy="first"\n'
        ")  # the label of a word is that of its first piece\n"
        'print(tag("your text"))'
    )


def _compared(form: Exported) -> str:
    agreed = form.agreement
    if agreed is None:
        return ""
    near = "" if agreed.difference is None else f", logits within {agreed.difference:.0e} of them"
    near = ", the very same logits" if agreed.difference == 0 else near
    words = f"{agreed.same_answers} of {agreed.same_tokens} training texts the same answers{near}"
    other = agreed.texts - agreed.same_tokens
    rest = f" ({other} more become other tokens as running text)" if other else ""
    return f"Compared with the tuned model when it was written: {words}{rest}, in 32-bit floats."


# --- scores -------------------------------------------------------------------------------------


def _scores(found: Record, counts: CountTable) -> Iterator[str]:
    size = found.data.sizes[found.evaluated or "test"] if found.data else 0
    yield (
        f"On {count(size)} {escape(found.evaluated)} examples. This is **one training seed**: the "
        "intervals (95 %) cover the examples only, not what another seed would give."
    )
    rows = []
    totals = metrics.totals(found.metrics, counts.columns)
    for meter in map(metrics.meter, found.metrics):
        estimate = _estimate(meter, counts.columns, totals)
        rows.append((escape(meter.caption), estimated(estimate), _majority(found, meter)))
    yield table(("metric", "score", "majority rule"), rows, "lrr")
    yield "The majority rule ignores the input and gives what training had most often."


def _estimate(
    meter: Meter, columns: Mapping[str, Sequence[int]], totals: Mapping[str, float]
) -> Estimate:
    """One run's score with its interval over examples, as a report of this run has it."""
    if meter.ratio is not None:
        num, den = meter.ratio(columns)
        psi = stats.linearise(np.asarray([num]), np.asarray([den]))
    elif meter.values is not None:
        values = stats.pseudo_values(meter.values, {n: columns[n] for n in meter.columns})
        psi = values[None]
    else:
        size = len(next(iter(columns.values())))
        return Estimate(meter.value(totals), 1, size, note=meter.no_interval)
    return stats.mean_interval(psi, bounds=meter.limits)


def _majority(found: Record, meter: Meter) -> str:
    if not found.majority:
        return "-"
    try:
        return score(meter.value({name: float(n) for name, n in found.majority.items()}))
    except KeyError:  # not scored by this metric
        return "-"


# --- facts --------------------------------------------------------------------------------------


def _data(found: Record) -> Iterator[str]:
    data = found.data
    if data is None:
        return
    yield f"{escape(data.name)} ({escape(data.source)})"
    for split in (name for name in SPLITS if name in data.sizes):
        size = data.sizes[split]
        digest = escape(str(data.digests.get(split, "-"))[:16])
        words = count(data.words.get(split))
        yield f"{escape(split)}: {count(size)} examples, {words} words, SHA-256 {digest}..."
    if data.classes:
        shown = [escape(shorten(name, 60)) for name in data.classes[:LABELS]]
        more = len(data.classes) - len(shown)
        rest = f" and {more} more" if more else ""
        yield f"{len(data.classes)} labels: {', '.join(shown)}{rest}"
    if found.unseen_classes:
        names = ", ".join(escape(name) for name in found.unseen_classes)
        yield f"labels that training never had: {names}"


def _chosen(tuning: Mapping[str, Any]) -> str:
    names = [escape(key.removeprefix("train.")) for key in sorted(searched.keys(tuning))]
    if names == ["lr"]:
        return "the rate is"
    return f"{', '.join(names)} {'are' if len(names) > 1 else 'is'}"


def _tuned(found: Record) -> Iterator[str]:
    knobs, log, tuning = found.config.get("train", {}), found.training, found.tuning
    named = ("lr", "epochs", "batch_size", "warmup_share", "weight_decay", "dropout", "max_length")
    yield ", ".join(f"{name} {escape(knobs[name])}" for name in named if name in knobs)
    yield (
        f"{_chosen(tuning)} the best of {count(searched.trials(tuning))} trials, scored on dev"
        if tuning
        else "the rate was not searched for this setting"
    )
    if log is not None:
        early = ", stopped early" if log.stopped_early else ""
        best = f"the best on dev, update {count(log.best_step)}"
        yield f"{count(log.steps)} updates{early}; kept: {best}"
    if found.model is not None and found.model.pretraining:
        yield f"pretraining: {_pretraining(found.model.pretraining)}"


def _pretraining(told: Mapping[str, Any]) -> str:
    names = ("objective", "updates", "tokens", "loss_tokens")
    given = {name: told[name] for name in names if name in told}
    return ", ".join(
        f"{name} {count(value) if isinstance(value, int) else escape(value)}"
        for name, value in given.items()
    )


def _cost(found: Record) -> Iterator[str]:
    log, model, here = found.training, found.model, found.environment
    if log is not None and model is not None:
        flops = model.training_flops(log.tokens)
        yield f"training: {log.cpu_seconds:,.1f} CPU s, {log.wall_seconds:,.1f} s on the clock"
        yield f"{count(log.tokens)} tokens, about {flops:.2e} floating-point operations"
    machine = [str(here[name]) for name in ("gpu", "cpu", "system") if here.get(name)]
    yield f"machine: {escape(', '.join(machine) or 'not recorded')}"
    versions = here.get("versions") or {}
    told = {"Python": here.get("python"), **versions}
    listed = ", ".join(f"{name} {number}" for name, number in sorted(told.items()) if number)
    yield f"versions: {escape(listed or 'not recorded')}"


def _limits(found: Record, form: Exported | None) -> Iterator[str]:
    longest = found.config.get("train", {}).get("max_length")
    cut = found.truncation or {}
    windowed = cut.get("windowed_examples")
    fate = (
        f"are read in windows by the run ({count(windowed)} of those it was scored on were) and by "
        "harness.predict, and cut by other programs"
        if windowed
        else f"are cut ({count(cut.get('cut_examples', 0))} of those it was scored on were)"
    )
    yield f"it reads at most {count(longest)} tokens at once; longer texts {fate}"
    if found.cell.weights == "embedded":
        yield (
            "its language is the generated one of the embedded world: it knows no other words, "
            "and its scores show mechanism, not the ranking of released models"
        )
    elif found.cell.weights == "scratch":
        yield "its body started from random numbers: it is a control, no released model"
    yield "its answers on other data than the above were not measured"
    if form is not None and form.pipeline == "token-classification":
        yield (
            "transformers cuts a long text at a token, this harness at a word; punctuation inside "
            "a word is a word of its own to transformers, while training had its words as given"
        )
    if form is not None and form.pipeline == "text-generation":
        yield from _searches(found)
    elif form is not None and form.pipeline is not None:
        yield "16-bit floats round more than the class's answer layers allow; use 32-bit ones"


def _searches(found: Record) -> Iterator[str]:
    search = found.config.get("decoding", {}).get("search")
    if search == "beam":
        yield "transformers ends a search by beams by a rule of its own: texts may differ"
    if search == "top_p":
        yield "texts are drawn by lot: each call gives others"
