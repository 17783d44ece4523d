"""C8: whether GPT is the larger model, counted: of released architectures, and on record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.claims.finding import Decided, Finding, Number, status_of, together
from harness.claims.ledger import BY_ID
from harness.comparing.comparison import Arm
from harness.comparing.findings import Findings
from harness.comparing.verdicts import main
from harness.statistics.decisions import Decision, outcome

RELEASED = "GPT-2 small and BERT-base (uncased) as released"
WHY = (
    "layer for layer the two are equal: what differs is vocabulary, positions and pooler, so size "
    "is no property of either architecture"
)
SEGMENTS = 2


class Published(NamedTuple):
    """Sizes of a released model, from its published configuration."""

    vocabulary: int
    positions: int
    width: int
    layers: int

    def embeddings(self) -> int:
        """Weights of words and positions."""
        return (self.vocabulary + self.positions) * self.width

    def blocks(self) -> int:
        """Weights and biases of all layers, the same for both families.

        Of each, width d: attention 4 d^2 + 4 d, feed-forward through 4 d units 8 d^2 + 5 d, two
        norms 4 d.
        """
        d = self.width
        return self.layers * (12 * d * d + 13 * d)


GPT2_SMALL = Published(vocabulary=50257, positions=1024, width=768, layers=12)
"""Radford et al. 2019 and the released configuration."""
BERT_BASE = Published(vocabulary=30522, positions=512, width=768, layers=12)
"""Devlin et al. 2019 and the released configuration, uncased."""


def gpt2_layers(model: Published = GPT2_SMALL) -> int:
    """The stack of layers, with the norm behind it."""
    return model.blocks() + 2 * model.width


def gpt2_total(model: Published = GPT2_SMALL) -> int:
    """All parameters; the head shares its weights with the word embeddings."""
    return model.embeddings() + gpt2_layers(model)


def bert_layers(model: Published = BERT_BASE) -> int:
    """The stack of layers."""
    return model.blocks()


def bert_total(model: Published = BERT_BASE) -> int:
    """All parameters: words, positions, segments, their norm, the layers and the pooler."""
    d = model.width
    return model.embeddings() + SEGMENTS * d + 2 * d + bert_layers(model) + d * d + d


def ask(findings: Findings) -> Iterator[Finding]:
    """The released architectures, then the models on record."""
    margin = findings.plan.log_cost
    whole = counted("all parameters", gpt2_total(), bert_total(), margin)
    layers = counted("12 layers", gpt2_layers(), bert_layers(), margin)
    yield exact([whole], RELEASED, "all parameters", "of these checkpoints only")
    yield exact([layers], RELEASED, "the layers alone", WHY)
    yield from _recorded(findings, margin)


def exact(numbers: Sequence[Number], scope: str, part: str, detail: str = "") -> Finding:
    """A finding on amounts that were counted or read, without an interval."""
    statuses = [one.value.status for one in numbers if isinstance(one.value, Decided)]
    return Finding(BY_ID["C8"], together(statuses), scope, tuple(numbers), detail=detail, part=part)


def counted(label: str, gpt: float, bert: float, margin: float) -> Number:
    """A ratio of two exact amounts."""
    return between(f"{label} ({gpt / 1e6:,.3f} M and {bert / 1e6:,.3f} M)", [gpt], [bert], margin)


def between(label: str, gpt: Sequence[float], bert: Sequence[float], margin: float) -> Number:
    """GPT / BERT against the margin; of several readings from the least to the largest ratio."""
    low, high = math.log(min(gpt) / max(bert)), math.log(max(gpt) / min(bert))
    mean = math.log((sum(gpt) / len(gpt)) / (sum(bert) / len(bert)))
    decision = Decision(outcome(low, high, margin), margin, 1.0, low, high)
    return Number(label, Decided(mean, decision, status_of(decision)), ratio=True)


def _recorded(findings: Findings, margin: float) -> Iterator[Finding]:
    """Parameters of each pair's bodies, once: the answer layer is the task's."""
    pairs: dict[str, tuple[Arm, Arm]] = {}
    for one in main(findings.verdicts):
        pairs.setdefault(one.family.pair.pair, (one.contrast.gpt, one.contrast.bert))
    for name, arms in pairs.items():
        gpt, bert = (dict(arm.first.model.parameters) if arm.first.model else {} for arm in arms)
        numbers = [
            counted(what, _body(gpt, key), _body(bert, key), margin)
            for key, what in (("total", "all parameters"), ("non_embedding", "non-embedding"))
            if gpt.get(key) and bert.get(key)
        ]
        if numbers:
            yield exact(numbers, f"pair {name}, as on record", "parameters on record")


def _body(parameters: Mapping[str, int], key: str) -> int:
    return parameters[key] - (parameters.get("head", 0) if key == "total" else 0)
