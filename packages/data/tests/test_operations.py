import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data import colour
from mlopsproj_data.geometry import rotations
from mlopsproj_data.operations import OPERATIONS, Drawn, draw_operations

SHAPE = (300, 40, 20, 3)


def drawn(seed):
    return torch.Generator().manual_seed(seed)


def images(count=14, side=12):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, side, side, 3), generator=generator, dtype=torch.uint8)


def of(name, found):
    return found.names[:, 0] == OPERATIONS.index(name)


def test_each_operation_is_drawn_equally_often_and_in_both_directions():
    found = draw_operations((14_000, 8, 8, 3), 2, 0.5, drawn(0))
    counts = torch.bincount(found.names.flatten(), minlength=14)
    assert len(OPERATIONS) == len(set(OPERATIONS)) == 14
    assert 1850 < int(counts.min()) <= int(counts.max()) < 2150
    assert set(found.signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(float(found.signs.mean())) < 0.03


def test_only_operations_that_move_pixels_do():
    found = draw_operations(SHAPE, 1, 0.8, drawn(1))
    moving = torch.zeros(300, dtype=torch.bool)
    for name in ("shear_x", "shear_y", "translate_x", "translate_y", "rotate"):
        moving |= of(name, found)
    moved = (found.turns != torch.eye(3)).flatten(1).any(1)
    assert torch.equal(moved, moving)


def test_strengths_of_operations_that_move_pixels():
    found = draw_operations(SHAPE, 1, 0.5, drawn(2))
    signs = found.signs[:, 0]
    for name, place, amount in (
        ("shear_x", (0, 1), 0.15),
        ("shear_y", (1, 0), 0.15),
        ("translate_x", (0, 2), 0.5 * 150 / 331 * 20),
        ("translate_y", (1, 2), 0.5 * 150 / 331 * 40),
    ):
        chosen = of(name, found)
        assert chosen.any()
        expected = torch.eye(3).repeat(int(chosen.sum()), 1, 1)
        expected[:, place[0], place[1]] = amount * signs[chosen]
        assert torch.allclose(found.turns[chosen], expected)
    turned = of("rotate", found)
    assert torch.allclose(found.turns[turned], rotations(15 * signs[turned]))


def test_several_operations_are_joined():
    found = draw_operations(SHAPE, 2, 0.5, drawn(3))
    both = (found.names == OPERATIONS.index("rotate")).all(1)
    assert both.any()
    expected = rotations(15 * found.signs[both].sum(1))
    assert torch.allclose(found.turns[both], expected, atol=1e-6)


def test_each_image_undergoes_its_own_operation():
    names = torch.arange(14)[:, None]
    found = Drawn(names, torch.tensor([[1.0], [-1.0]] * 7), 0.5, torch.eye(3).repeat(14, 1, 1))
    before = images()
    result = found.recolour(before)
    assert torch.equal(before, images())
    expected = {
        "brightness": lambda x, f: colour.adjust(x, brightness=f),
        "contrast": lambda x, f: colour.adjust(x, contrast=f),
        "saturation": lambda x, f: colour.adjust(x, saturation=f),
        "sharpness": colour.sharpen,
        "posterise": lambda x, _: colour.posterise(x, 6),
        "solarise": lambda x, _: colour.solarise(x, 128),
        "stretch_contrast": lambda x, _: colour.stretch_contrast(x),
        "equalise": lambda x, _: colour.equalise(x),
    }
    for place, name in enumerate(OPERATIONS):
        image = before[place : place + 1]
        factor = 1 + 0.9 * 0.5 * found.signs[place]
        changed = expected[name](image, factor) if name in expected else image
        assert torch.equal(result[place : place + 1], changed), name


@pytest.mark.parametrize("order", [("posterise", "equalise"), ("equalise", "posterise")])
def test_operations_are_done_in_the_order_in_which_they_were_drawn(order):
    names = torch.tensor([[OPERATIONS.index(name) for name in order]])
    found = Drawn(names, torch.ones(1, 2), 1.0, torch.eye(3)[None])
    image = images(1)
    for name in order:
        image = colour.equalise(image) if name == "equalise" else colour.posterise(image, 4)
    assert torch.equal(found.recolour(images(1)), image)


@given(seed=st.integers(0, 1000), steps=st.integers(1, 4))
def test_at_magnitude_0_only_what_has_no_strength_changes_anything(seed, steps):
    before = images(8)
    found = draw_operations(before.shape, steps, 0.0, drawn(seed))
    assert torch.equal(found.turns, torch.eye(3).repeat(8, 1, 1))
    without = ("equalise", "stretch_contrast")
    changing = torch.zeros(8, dtype=torch.bool)
    for name in without:
        changing |= (found.names == OPERATIONS.index(name)).any(1)
    result = found.recolour(before)
    assert torch.equal(result[~changing], before[~changing])
