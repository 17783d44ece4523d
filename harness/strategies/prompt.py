"""Nothing is tuned: answers come from the pretrained model and its own head, asked in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from harness.contracts import InputError
from harness.models.heads import Predictor, Writer
from harness.quoting import shown
from harness.strategies import Passes

SCORES = ("sum", "mean", "pmi")


@dataclass(frozen=True)
class Prompt:
    """`shots` solved examples, then the question: how it is asked, and how labels are scored.

    `template` and `words` are as `harness.examples.wording` reads them. `score` is made of a
    label's log-probability, the sum over its tokens: "sum" itself; "mean", over the number of its
    tokens; or "pmi", less the same label's after an empty text (PMI_DC of Holtzman et al. 2021,
    "Surface form competition"). The last is the default: labels differ in how frequent their words
    are and into how many tokens each family's tokenizer cuts them, which says nothing about the
    text, and what they score without a text is just that. Raises InputError for values that are
    none.
    """

    shots: int = 0
    template: str | None = None
    words: Mapping[str, Any] | None = None
    score: str = "pmi"

    name = "prompt"

    def __post_init__(self) -> None:
        if isinstance(self.shots, bool) or not isinstance(self.shots, int) or self.shots < 0:
            raise InputError(f"strategy.shots={shown(self.shots)}: expected a whole number from 0")
        if self.score not in SCORES:
            raise InputError(
                f"strategy.score={shown(self.score)}: expected one of {', '.join(SCORES)}"
            )

    @property
    def passes(self) -> Passes:
        """Nothing is trained; answering reads about as much as one pass does."""
        return Passes(each=0.0, once=1.0)

    def check(self, body: nn.Module, writes: bool) -> None:
        """Any body will do; what else has to fit is looked at by `prompting.check`."""

    def adapt(self, model: Predictor | Writer, seed: int) -> None:
        """Nothing is trained."""
        model.requires_grad_(False)

    def settle(self, model: Predictor | Writer) -> None:
        """Nothing was added."""
