import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data.sampling import EpochSampler, InOrder


def test_over_epochs_no_image_is_left_out():
    sampler = EpochSampler(100, 64, seed=0)
    left_out = set(range(100))
    for epoch in range(30):
        sampler.set_epoch(epoch)
        left_out -= set(torch.cat(list(sampler)).tolist())
    assert not left_out


def order(seed, epoch, *, count=100, batch_size=10, balance=None):
    sampler = EpochSampler(count, batch_size, seed, balance=balance)
    sampler.set_epoch(epoch)
    return torch.cat(list(sampler)).tolist()


def test_the_order_follows_from_seed_and_epoch_alone():
    torch.manual_seed(1)
    first = order(3, 5)
    torch.manual_seed(2)
    assert order(3, 5) == first
    orders = [order(seed, epoch) for seed in range(4) for epoch in range(4)]
    assert len({tuple(found) for found in orders}) == 16
    assert first != sorted(first)


label_lists = st.lists(st.integers(0, 5), min_size=1, max_size=120)


@given(labels=label_lists, seed=st.integers(0, 2**31), epoch=st.integers(0, 1000))
def test_balanced_classes_and_their_images_are_drawn_equally_often(labels, seed, epoch):
    balance = torch.tensor(labels)
    drawn = torch.tensor(order(seed, epoch, count=len(labels), batch_size=1, balance=balance))
    assert len(drawn) == len(labels)
    of_class = torch.bincount(balance[drawn], minlength=6)[balance.unique()]
    assert int(of_class.max() - of_class.min()) <= 1
    of_image = torch.bincount(drawn, minlength=len(labels))
    for label in balance.unique():
        times = of_image[balance == label]
        assert int(times.max() - times.min()) <= 1


def test_balanced_draws_leave_no_image_out_over_the_epochs():
    balance = torch.tensor([0] * 90 + [1] * 7 + [3] * 3)
    epochs = [order(0, epoch, batch_size=32, balance=balance) for epoch in range(40)]
    assert {len(epoch) for epoch in epochs} == {96}
    counts = torch.bincount(torch.tensor(epochs).flatten(), minlength=100)
    assert int(counts.min()) > 0
    shares = torch.stack([counts[balance == label].sum() for label in (0, 1, 3)]) / (40 * 96)
    assert (shares - 1 / 3).abs().max() < 0.02


def test_the_balanced_order_follows_from_seed_and_epoch_alone():
    balance = torch.tensor([0] * 90 + [1] * 10)
    torch.manual_seed(1)
    first = order(3, 5, balance=balance)
    torch.manual_seed(2)
    assert order(3, 5, balance=balance) == first
    orders = [order(seed, epoch, balance=balance) for seed in range(4) for epoch in range(4)]
    assert len({tuple(found) for found in orders}) == 16
    halves = torch.tensor(first).split(50)  # shuffled: the classes do not stand one behind another
    assert all(10 < int((half >= 90).sum()) < 40 for half in halves)


@pytest.mark.parametrize(("count", "batch_size", "sizes"), [(7, 3, [3, 3, 1]), (4, 4, [4])])
def test_in_order_is_whole(count, batch_size, sizes):
    sampler = InOrder(count, batch_size)
    batches = list(sampler)
    assert [len(batch) for batch in batches] == sizes
    assert len(sampler) == len(sizes)
    assert torch.cat(batches).tolist() == list(range(count))
