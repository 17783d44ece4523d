"""A made checkpoint that is asked for labels, without the rest of a cell."""

import dataclasses
from pathlib import Path

import made_checkpoints as made
import torch
from cells import composed

from harness.backbones import body as bodies
from harness.cells import prompting, view
from harness.contracts import Example, Splits
from harness.models.scoring import Scorer
from harness.weights import assets

LABELS = ("warm", "slow and cold", "growing bicycle")
TEMPLATE = "Near {text} it was {label} , wise ."
TRAIN = tuple(
    Example(f"train{i}", tuple(made.TEXTS[i % 6].split()[: 3 + i]), i % 3) for i in range(9)
)
TEST = tuple(Example(f"test{i}", tuple(made.TEXTS[i].split()[i:][:7]), i % 3) for i in range(5))
COMPOSED = composed(
    "strategy=prompt", "model=checkpoint", "model.path=x", "data=files", "data.path=x"
)


class Asked:
    """A made checkpoint with prompts and a scorer, without the rest of a cell."""

    def __init__(self, folder, shots=(), template=TEMPLATE, labels=LABELS, room=1000):
        config = {
            **COMPOSED, "train": {**COMPOSED["train"], "max_length": room},
            "strategy": {**COMPOSED["strategy"], "template": template, "score": "sum"},
            "model": {**COMPOSED["model"], "path": str(folder), "weights": str(folder)},
        }  # fmt: skip
        self.parts = view.parts_of(config)
        asset = assets.Asset(str(folder), "", "", None)
        self.reader = view.reader_of(asset, self.parts, Path(folder))
        self.splits = Splits("d", "classification", "files", TRAIN, TEST[:1], TEST, labels)
        prompts = prompting.prompts_of(self.parts, self.reader, self.splits)
        self.prompts = dataclasses.replace(prompts, shots=shots)
        objective = self.parts.backbone.objective
        model = bodies.load_language_model(objective, Path(folder), 0.0, 0.0).eval()
        asked = prompting.asked(self.prompts, self.parts.strategy)
        self.scorer = Scorer(self.parts.mode, model, asked)

    def scores(self, examples=TEST, batch=None):
        rows, _ = self.prompts.of(examples)
        targets = [torch.tensor([e.target]).numpy() for e in examples]
        side = view.Side(examples, [rows], targets, "last", self.reader.specials.pad)
        every = torch.arange(len(examples)).split(batch or len(examples))
        with torch.inference_mode():
            return torch.cat([self.scorer(side.batch(chosen.numpy())) for chosen in every])
