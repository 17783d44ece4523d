"""Masks: who may look where, position by position."""

import torch

from harness.backbones import masks

REAL = torch.tensor([[False, True, True, True, True]])
SOURCE = torch.tensor([[True, True, True, False, False]])


def seen(allowed):
    """Which real position sees which."""
    return {(i, j) for i in range(1, 5) for j in range(5) if allowed[0, i, j]}


def test_causal_looks_back():
    assert seen(masks.causal(REAL)) == {(i, j) for i in range(1, 5) for j in range(1, i + 1)}


def test_both_ways_looks_everywhere_but_at_padding():
    assert seen(masks.both_ways(REAL)) == {(i, j) for i in range(1, 5) for j in range(1, 5)}


def test_a_prefix_is_read_both_ways_and_the_rest_in_order():
    assert seen(masks.prefix(REAL, SOURCE)) == {
        (1, 1), (1, 2), (2, 1), (2, 2),
        (3, 1), (3, 2), (3, 3),
        (4, 1), (4, 2), (4, 3), (4, 4),
    }  # fmt: skip


def test_a_blind_source_never_sees_the_target():
    assert seen(masks.blind_source(REAL, SOURCE)) == {
        (1, 1), (1, 2), (2, 1), (2, 2),
        *((i, j) for i in (3, 4) for j in (1, 2, 3, 4)),
    }  # fmt: skip
