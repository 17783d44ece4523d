"""How a family is made to do a task, one way a file.

A mode says which mask is used and what is asked in training; a mode that writes also says how an
answer is written. Modes know masks and tokens, no family and no data.
"""

from __future__ import annotations

from typing import Protocol

from harness.backbones.family import Backbone


class Mode(Protocol):
    """Implemented by the files beside this one; `native` stands for one of the others."""

    @property
    def name(self) -> str:
        """The mode in configuration and reports."""

    @property
    def writes(self) -> bool:
        """True where the answer is a text."""

    @property
    def chain_rule(self) -> bool:
        """True where a text is written from left to right, so that it has a likelihood."""

    @property
    def left_only(self) -> tuple[bool, bool]:
        """Whether the input, and a written text, are read from left to right alone.

        A claim about hidden states: every run tries it on its own tuned model.
        """

    @property
    def updates_factor(self) -> int:
        """Times an epoch goes through the examples: some objectives need more updates."""


class Choice(Protocol):
    """What a configuration names: a mode, or a rule that picks one."""

    def bind(self, backbone: Backbone, writes: bool) -> Mode:
        """The mode for this model; `writes` is True where the task asks for texts.

        Raises InputError where the model or the task does not go with it.
        """
