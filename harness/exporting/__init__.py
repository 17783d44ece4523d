"""A tuned model as a folder that `transformers` loads by itself, and gives the same answers.

`forms` picks a class of the library and `answer_layers` writes what was tuned into its layers,
`tokenizing` makes the tokenizer frame a text by itself, `agreement` compares what comes back from
the folder with the model that was tuned. A folder that does not agree is not left as one: it then
holds what this harness needs, and says why the library cannot have it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from harness import record
from harness.contracts import Example, Unsupported
from harness.exporting import agreement, forms, tokenizing
from harness.kept import exported
from harness.kept.exported import Exported
from harness.serving import Served

PIPELINES = {
    "label": "text-classification",
    "tags": "token-classification",
    "text": "text-generation",
}


def export(
    served: Served, classes: Sequence[str], texts: Sequence[Example], place: Path
) -> Exported:
    """Write a tuned model into a folder; returns what it is to `transformers`.

    `texts` are a few examples by which the folder is checked. The model that is passed is left as
    it is. Raises OSError or SafetensorError where the folder cannot be written.
    """
    shutil.rmtree(place, ignore_errors=True)  # of a run that was killed
    try:
        found = _standard(served, classes, texts, place)
    except Unsupported as reason:
        shutil.rmtree(place, ignore_errors=True)
        _own(served, place)
        found = Exported(None, None, str(reason), None)
    pairs = any(example.second for example in texts)
    found = replace(found, pairs=pairs, settings=exported.settings_digest(place))
    exported.write(place, found)
    return found


def _standard(
    served: Served, classes: Sequence[str], texts: Sequence[Example], place: Path
) -> Exported:
    """The state of a class of `transformers`. Raises Unsupported where that is not the model."""
    shape = served.parts.task.shape
    tokenizer = tokenizing.framed(served, own_padding=forms.needs_padding(shape))
    form = forms.written(served.model, served.parts, shape, classes, tokenizer)
    form.model.save_pretrained(place)
    tokenizer.save_pretrained(place)
    if form.rest:
        save_file(form.rest, place / record.HEAD)
    kind = type(form.model)
    del form  # a large model should not be in memory three times
    agreed = agreement.checked(served, place, kind, texts)
    return Exported(kind.__name__, PIPELINES[shape], None, agreed)


def _own(served: Served, place: Path) -> None:
    """What only this harness reads: the body (or the language model), and the answer layer."""
    model: Any = served.model
    writes = served.writes
    body: Any = model.model if writes else model.body
    body.save_pretrained(place)
    tokenizing.framed(served, own_padding=False).save_pretrained(place)
    head: Any = model.length if writes else model.head
    if head is not None:
        save_file(head.state_dict(), place / record.HEAD)
