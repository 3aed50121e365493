import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_models import calibration
from mlopsproj_models.calibration import fit_ood_score, fit_temperature
from mlopsproj_models.directions import directions
from torch.nn import functional


@settings(max_examples=15)
@given(true_temperature=st.floats(0.3, 4), seed=st.integers(0, 1000))
def test_finds_the_temperature_that_labels_were_drawn_with(true_temperature, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(6000, 5, generator=generator) * 3
    probabilities = (logits / true_temperature).softmax(dim=1)
    labels = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
    assert fit_temperature(logits, labels) == pytest.approx(true_temperature, rel=0.12)


def test_never_raises_the_likelihood_loss():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(500, 4, generator=generator) * 8
    labels = torch.randint(0, 4, (500,), generator=generator)
    temperature = fit_temperature(logits, labels)
    assert functional.cross_entropy(logits / temperature, labels) < functional.cross_entropy(
        logits, labels
    )


def test_stays_finite_for_a_network_without_mistakes():
    labels = torch.arange(3).repeat(10)
    logits = functional.one_hot(labels, 3).float() * 20
    assert 0.05 <= fit_temperature(logits, labels) <= 20


def score(ood, embeddings):
    white = (directions(embeddings) - ood.centre) @ ood.whitening
    return (white[:, None] - ood.means).square().sum(dim=2).amin(dim=1).sqrt()


def clusters(count: int, seed: int, shift: float = 0.0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.eye(3, 6) * 10
    spread = torch.tensor([1.0, 0.1, 3.0, 1.0, 1.0, 0.5])
    noise = torch.randn(count, 6, generator=generator) * spread
    return centres[labels] + noise + shift, labels


def test_training_data_lies_near_one_and_strange_data_farther():
    embeddings, labels = clusters(3000, seed=1)
    ood = fit_ood_score(embeddings, labels, 3)
    seen, _ = clusters(500, seed=2)
    strange, _ = clusters(500, seed=3, shift=5.0)
    assert score(ood, seen).mean() == pytest.approx(1, abs=0.2)
    assert score(ood, strange).median() > score(ood, seen).quantile(0.99)


def test_is_the_mahalanobis_distance_to_the_nearest_class():
    embeddings, labels = clusters(3000, seed=1)
    ood = fit_ood_score(embeddings, labels, 3)
    judged = embeddings[:50]
    embeddings = functional.normalize(embeddings)
    means = torch.stack([embeddings[labels == label].mean(dim=0) for label in range(3)]).double()
    within = embeddings.double() - means[labels]
    covariance = within.T @ within / len(within)
    covariance = 0.95 * covariance + 0.05 * covariance.diagonal().mean() * torch.eye(6)
    offsets = embeddings[:50, None].double() - means
    squares = torch.einsum("nkd,de,nke->nk", offsets, torch.linalg.inv(covariance), offsets)
    expected = (squares.amin(dim=1) / 6).sqrt()
    assert torch.allclose(score(ood, judged).double(), expected, rtol=1e-3)


def test_a_dead_feature_and_an_absent_class_do_no_harm():
    embeddings, labels = clusters(300, seed=1)
    embeddings[:, 4] = 0
    ood = fit_ood_score(embeddings, labels, classes=5)
    assert ood.means.shape == (3, 6)
    assert torch.isfinite(score(ood, embeddings)).all()


def test_brighter_or_fainter_is_no_farther():
    embeddings, labels = clusters(300, seed=1)
    ood = fit_ood_score(embeddings, labels, 3)
    assert torch.allclose(score(ood, embeddings), score(ood, embeddings * 7), atol=1e-4)
    assert torch.isfinite(score(ood, torch.zeros(1, 6))).all()


def wide(count: int, seed: int, shift: float = 0.0):
    """300 features, of which the last 50 hardly move."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    spread = torch.cat([torch.ones(250), torch.full((50,), 1e-3)])
    noise = torch.randn(count, 300, generator=generator) * spread
    noise[:, :3] += torch.eye(3)[labels] * 10
    return noise + shift * spread, labels


def test_of_many_features_the_leading_components_are_judged():
    embeddings, labels = wide(5000, seed=1)
    ood = fit_ood_score(embeddings, labels, 3)
    assert ood.centre.shape == (300,)
    assert ood.whitening.shape == (300, 256)
    assert ood.means.shape == (3, 256)
    seen, _ = wide(500, seed=2)
    strange, _ = wide(500, seed=3, shift=2.0)
    assert score(ood, seen).mean() == pytest.approx(1, abs=0.1)
    assert score(ood, strange).median() > score(ood, seen).quantile(0.99)


def test_a_few_components_judge_as_all_do_where_the_rest_is_still(monkeypatch):
    embeddings, labels = clusters(3000, seed=1)
    still = torch.cat([embeddings, torch.zeros(3000, 4)], dim=1)
    monkeypatch.setattr(calibration, "_MOST_COMPONENTS", 6)
    monkeypatch.setattr(calibration, "_PIECE", 700)
    few = score(fit_ood_score(still, labels, 3), still[:50])
    every = score(fit_ood_score(embeddings, labels, 3), embeddings[:50])
    assert torch.allclose(few, every, rtol=1e-4)


def test_fewer_images_than_features_are_enough():
    embeddings, labels = wide(60, seed=1)
    ood = fit_ood_score(embeddings, labels, 3)
    assert torch.isfinite(score(ood, embeddings)).all()


@pytest.mark.parametrize(
    ("embeddings", "labels"),
    [
        (torch.rand(5, 8), torch.arange(5)),
        (torch.rand(5, 300), torch.arange(5)),
        (torch.rand(1, 8), torch.zeros(1, dtype=torch.int64)),
        (torch.ones(20, 8), torch.arange(20) % 2),
        (torch.zeros(20, 8), torch.arange(20) % 2),
    ],
    ids=["one of each", "one of each, many features", "one", "all alike", "all zeros"],
)
def test_where_no_spread_is_known_every_score_is_a_number(embeddings, labels):
    size = embeddings.shape[1]
    ood = fit_ood_score(embeddings, labels, 5)
    assert score(ood, embeddings).max() < 1
    strange = torch.cat([torch.randn(3, size), torch.zeros(1, size), torch.full((1, size), 1e18)])
    assert torch.isfinite(score(ood, strange)).all()


@pytest.mark.parametrize("spread", [0.1, 0.001])
def test_two_bytes_a_number_hold_the_whitening(spread):
    """What `halve_stored_floats` does to it, also where directions hardly differ."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(3000) % 3
    embeddings = 1 + torch.eye(3, 64)[labels] + spread * torch.rand(3000, 64, generator=generator)
    whitening = fit_ood_score(embeddings, labels, 3).whitening
    assert torch.equal(whitening.half().float(), whitening)
    assert score(fit_ood_score(embeddings, labels, 3), embeddings).mean() == pytest.approx(
        1, abs=0.2
    )
