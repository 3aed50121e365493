import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_models.compression.quantisation import quantisable_layers
from mlopsproj_models.compression.sensitivity import divergence, most_sensitive, rank_layers
from mlopsproj_models.config import Calibration


def test_every_layer_is_ranked_by_what_it_alone_moves(folded, ranges, spec):
    seen = []
    # Of noise nothing is sure: there, the least change shows.
    noise = np.random.default_rng(0).integers(0, 256, (40, *spec.shape), dtype=np.uint8)
    ranked = rank_layers(
        folded,
        ranges,
        noise,
        spec,
        3,
        method=Calibration.minmax,
        progress=lambda done, total: seen.append((done, total)),
    )
    layers = quantisable_layers(folded)
    assert sorted(name for name, _ in ranked) == sorted(layers)
    moved = [value for _, value in ranked]
    assert moved == sorted(moved, reverse=True)
    assert moved[0] > 0
    assert seen == [(number, len(layers)) for number in range(1, len(layers) + 1)]


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=40))
def test_at_most_a_fifth_is_kept_and_no_more_than_explains_half(values):
    ranked = sorted(((f"l{i}", value) for i, value in enumerate(values)), key=lambda p: -p[1])
    kept = most_sensitive(ranked)
    assert kept == [name for name, _ in ranked[: len(kept)]]
    assert 1 <= len(kept) <= max(1, len(values) // 5)
    assert sum(dict(ranked)[name] for name in kept[:-1]) < sum(values) / 2


def test_divergence_is_zero_for_the_same_and_grows():
    same = np.array([[0.7, 0.3], [0.1, 0.9]], np.float32)
    assert divergence(same, same) == pytest.approx(0)
    near = np.array([[0.8, 0.2], [0.2, 0.8]], np.float32)
    assert 0 < divergence(same, near) < divergence(same, same[:, ::-1])
    assert np.isfinite(divergence(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)[::-1]))
