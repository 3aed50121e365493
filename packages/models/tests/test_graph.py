import numpy as np
import pytest
import torch
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_models.calibration import fit_ood_score
from mlopsproj_models.directions import directions
from mlopsproj_models.graph import calibrate, run_batches


def test_probabilities_are_those_of_the_network_at_its_temperature(network, train, held_out):
    graph = calibrate(network, train, held_out)
    images = torch.tensor(held_out.images)
    with torch.no_grad():
        probabilities, embedding, ood_score = graph(images)
        logits = network(network.normalise(images))
    assert torch.allclose(probabilities, (logits / graph.temperature).softmax(dim=1), atol=1e-6)
    assert torch.allclose(embedding, network.embed_images(images), atol=1e-5)
    assert ood_score.shape == (len(held_out),)


def test_the_score_is_the_distance_to_the_nearest_class(network, train, held_out):
    graph = calibrate(network, train, held_out)
    ood = fit_ood_score(
        run_batches(network.embed_images, train), torch.tensor(train.labels), len(train.classes)
    )
    images = torch.tensor(held_out.images)
    with torch.no_grad():
        score = graph(images)[2]
    white = (directions(network.embed_images(images)) - ood.centre) @ ood.whitening
    expected = (white[:, None] - ood.means).square().sum(dim=2).amin(dim=1).sqrt()
    assert torch.allclose(score, expected, rtol=1e-4, atol=1e-4)


def test_noise_is_farther_from_the_training_data_than_held_out_images(network, train, held_out):
    graph = calibrate(network, train, held_out)
    noise = torch.randint(0, 256, held_out.images.shape, dtype=torch.uint8)
    with torch.no_grad():
        seen = graph(torch.tensor(held_out.images))[2]
        strange = graph(noise)[2]
    assert strange.median() > seen.quantile(0.95)


def test_an_image_is_judged_the_same_alone_and_in_a_batch(network, train, held_out):
    graph = calibrate(network, train, held_out)
    images = torch.tensor(held_out.images[:8])
    with torch.no_grad():
        together = graph(images)[0]
        alone = torch.cat([graph(image[None])[0] for image in images])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("count", "side", "sizes"),
    [(1100, 28, [512, 512, 76]), (50, 224, [20, 20, 10]), (2, 1024, [1, 1]), (1, 8, [1])],
)
def test_larger_images_come_in_smaller_pieces(count, side, sizes):
    pixels = np.broadcast_to(np.uint8(3), (count, side, side, 1))
    images = LabelledImages(("",) * count, pixels, np.zeros(count, np.int64), ("a", "b"))
    seen = []

    def note(piece):
        seen.append(len(piece))
        return piece[:, 0, 0]

    assert len(run_batches(note, images)) == count
    assert seen == sizes
