from dataclasses import replace

import numpy as np
import pytest
import torch
from mlopsproj_train.planning import new_module


def test_the_same_seed_gives_the_same_network_and_another_seed_another(tiny_config, tiny_dataset):
    def first_weights(seed):
        module = new_module(replace(tiny_config, seed=seed), tiny_dataset)
        return next(module.network.parameters()).detach().clone()

    assert torch.equal(first_weights(3), first_weights(3))
    assert not torch.equal(first_weights(3), first_weights(4))


def test_normalisation_follows_the_training_images(tiny_config, tiny_dataset):
    network = new_module(tiny_config, tiny_dataset).network
    pixels = torch.tensor(np.asarray(tiny_dataset.labelled("train").images))
    normalised = network.normalise(pixels).double()
    assert float(normalised.mean()) == pytest.approx(0, abs=1e-4)
    assert float(normalised.std(correction=0)) == pytest.approx(1, abs=1e-4)
