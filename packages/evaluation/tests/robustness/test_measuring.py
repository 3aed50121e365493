from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_core import LabelledImages
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_evaluation import Robustness, corrupt, measure_robustness, write_robustness
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS, SUITE
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_evaluation.robustness.measuring import MOST_IMAGES, choose_images
from mlopsproj_evaluation.robustness.outcomes import CLEAN


def rows_of(images, rows):
    return replace(
        images,
        ids=tuple(images.ids[row] for row in rows),
        images=images.images[rows],
        labels=images.labels[rows],
    )


@pytest.fixture(scope="module")
def images(make_images):
    return make_images(300)


@pytest.fixture(scope="module")
def measured(graph, images):
    return measure_robustness(graph.run, images)


def test_every_image_meets_every_corruption_once(measured, images):
    assert sorted(measured.ids) == sorted(images.ids)
    assert measured.corruptions == tuple(CORRUPTIONS)
    assert measured.correct.shape == (300, len(CORRUPTIONS))
    assert (measured.suite, measured.seed) == (SUITE, 0)


def test_severities_are_met_equally_often(measured):
    """By each image, and over all images by each corruption as far as chance allows."""
    each = len(CORRUPTIONS) // len(SEVERITIES)
    for row in measured.severities:
        assert np.bincount(row).tolist() == [0, *[each] * len(SEVERITIES)]
    for column in measured.severities.T:
        assert np.bincount(column)[1:].min() > 30


def test_an_outcome_is_what_the_graph_says_of_the_image_spoilt_so(measured, graph, images):
    """Also across batches: 300 images are more than one."""
    for row in (0, 7, 255, 256, 299):
        pixels, image_id = images.images[row : row + 1], images.ids[row]
        label, place = images.labels[row], measured.ids.index(image_id)
        predicted = graph.run(pixels).probabilities.argmax()
        assert measured.clean[place] == (predicted == label)
        for column, name in enumerate(measured.corruptions):
            spoilt = corrupt(pixels, [image_id], name, measured.severities[place, column])
            predicted = graph.run(spoilt).probabilities.argmax()
            assert measured.correct[place, column] == (predicted == label), name


def test_accuracy_falls(measured):
    assert measured.clean_accuracy.value > 0.95
    assert measured.accuracy.high < measured.clean_accuracy.low
    assert measured.by_severity[5].high < measured.by_severity[1].low


def test_the_order_of_the_images_is_of_no_account(measured, graph, images):
    order = np.random.default_rng(1).permutation(300)
    again = measure_robustness(graph.run, rows_of(images, order))
    places = [again.ids.index(name) for name in measured.ids]
    assert (again.correct[places] == measured.correct).all()
    assert (again.severities[places] == measured.severities).all()


def test_another_seed_spoils_otherwise(measured, graph, images):
    few = rows_of(images, np.arange(40))
    reseeded = measure_robustness(graph.run, few, seed=1)
    place = [measured.ids.index(name) for name in reseeded.ids]
    assert reseeded.seed == 1
    assert (reseeded.severities != measured.severities[place]).any()


def test_the_choice_hangs_on_the_ids_alone(images):
    chosen = {images.ids[row] for row in choose_images(images, most_images=50)}
    order = np.random.default_rng(2).permutation(300)
    shuffled = rows_of(images, order)
    assert {shuffled.ids[row] for row in choose_images(shuffled, most_images=50)} == chosen
    more = {images.ids[row] for row in choose_images(images, most_images=80)}
    assert chosen < more
    # Of the half of the test set, those of them that are left are taken, and others beside them.
    half = rows_of(images, np.arange(150))
    assert chosen & set(half.ids) <= {half.ids[row] for row in choose_images(half, most_images=50)}


@pytest.mark.parametrize(
    ("side", "count", "taken"),
    [(28, 2000, MOST_IMAGES), (28, 200, 200), (224, 400, 159), (1024, 60, 30)],
)
def test_large_images_are_fewer(side, count, taken):
    pixels = np.broadcast_to(np.zeros((1, 1, 1, 1), np.uint8), (count, side, side, 3))
    ids = tuple(f"{number:064x}" for number in range(count))
    images = LabelledImages(ids, pixels, np.zeros(count, np.int64), ("a", "b"))
    rows = choose_images(images)
    assert len(rows) == taken
    assert (np.diff(rows) > 0).all()


def test_progress_ends_where_it_said(graph, images):
    told = []
    measure_robustness(
        graph.run, images, most_images=5, progress=lambda *counts: told.append(counts)
    )
    done, totals = zip(*told, strict=True)
    assert set(totals) == {5 * (1 + len(CORRUPTIONS))}
    assert list(done) == sorted(done)
    assert done[-1] == totals[0]


def test_an_observer_sees_every_image_once_under_each_corruption(graph, images):
    seen = []

    def observe(corruption, severity, places, pixels, outputs):
        assert (severity == 0) == (corruption == CLEAN)
        assert len(places) == len(pixels) == len(outputs)
        seen.extend((corruption, place) for place in places.tolist())

    measure_robustness(graph.run, images, most_images=12, observe=observe)
    wanted = [(name, place) for name in (CLEAN, *CORRUPTIONS) for place in range(12)]
    assert sorted(seen) == sorted(wanted)


def test_what_is_written_is_what_was_measured(graph, images, measured, tmp_path):
    written = write_robustness(tmp_path / "robustness.parquet", graph.run, images)
    read = Robustness.read(tmp_path / "robustness.parquet")
    for each in (written, read):
        assert each.ids == measured.ids
        assert (each.correct == measured.correct).all()


def test_no_image_is_told(graph, images):
    with pytest.raises(DataError, match="no image to corrupt"):
        measure_robustness(graph.run, rows_of(images, np.arange(0)))
    with pytest.raises(ConfigError, match="most_images=0"):
        measure_robustness(graph.run, images, most_images=0)
