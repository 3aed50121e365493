from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_core import LabelledImages
from mlopsproj_core.errors import DataError
from mlopsproj_core.outputs import Outputs
from mlopsproj_evaluation import PerturbedRecorder, corrupt, measure_robustness
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_evaluation.robustness.outcomes import CLEAN
from mlopsproj_evaluation.robustness.recorder import MAX_ROWS


def record(run, images):
    recorder = PerturbedRecorder(images)
    measured = measure_robustness(run, images, observe=recorder.observe)
    return recorder.answers(), measured


def many(count):
    """So many images, of which the pixels are of no account, and a graph that looks at none."""
    ids = tuple(f"{number:064x}" for number in range(count))
    pixels = np.zeros((count, 8, 8, 1), np.uint8)
    images = LabelledImages(ids, pixels, np.arange(count) % 2, ("a", "b"))
    answer = np.array([[0.75, 0.25]], np.float32)

    def run(batch):
        rows = len(batch)
        return Outputs(
            np.repeat(answer, rows, axis=0), np.zeros((rows, 1)), np.zeros(rows, np.float32)
        )

    return run, images


def test_few_images_are_kept_under_every_corruption_and_as_the_graph_saw_them(graph, make_images):
    images = make_images(300)
    answers, measured = record(graph.run, images)
    kept = MAX_ROWS // 300 - 1
    assert len(answers) == 300 * (1 + kept) <= MAX_ROWS
    outcomes = {
        (image_id, name): (measured.severities[row, column], measured.correct[row, column])
        for row, image_id in enumerate(measured.ids)
        for column, name in enumerate(measured.corruptions)
    } | {(image_id, CLEAN): (0, measured.clean[row]) for row, image_id in enumerate(measured.ids)}
    for row in range(len(answers)):
        severity, correct = outcomes[answers.ids[row], answers.corruptions[row]]
        assert answers.severities[row] == severity
        assert answers.correct[row] == correct
        name = answers.corruptions[row]
        family = CLEAN if name == CLEAN else CORRUPTIONS[name].family.value
        assert answers.families[row] == family
    for row in (0, 7, 1000, len(answers) - 1):
        image_id, name = answers.ids[row], answers.corruptions[row]
        place = images.ids.index(image_id)
        pixels = images.images[place : place + 1]
        if name != CLEAN:
            pixels = corrupt(pixels, [image_id], name, answers.severities[row])
        said = graph.run(pixels)
        assert answers.labels[row] == images.labels[place]
        np.testing.assert_allclose(answers.probabilities[row], said.probabilities[0], atol=1e-6)
        np.testing.assert_allclose(answers.ood_score[row], said.ood_score[0], atol=1e-6)


def test_the_most_images_leave_room_for_some_corruptions_each():
    answers, _ = record(*many(1200))
    assert len(answers) == MAX_ROWS
    assert Counter(answers.corruptions)[CLEAN] == 1000
    assert set(Counter(answers.ids).values()) == {MAX_ROWS // 1000}
    spoilt = Counter(answers.corruptions)
    assert min(spoilt[name] for name in CORRUPTIONS) > 200
    cells = Counter(zip(answers.corruptions, answers.severities.tolist(), strict=True))
    assert min(cells[name, severity] for name in CORRUPTIONS for severity in SEVERITIES) > 25


def test_fewer_images_than_fill_it_are_all_kept(graph, make_images):
    answers, _ = record(graph.run, make_images(40))
    assert len(answers) == 40 * (1 + len(CORRUPTIONS))


def test_what_is_kept_hangs_on_the_ids_alone():
    run, images = many(700)
    order = np.random.default_rng(0).permutation(700)
    shuffled = replace(
        images,
        ids=tuple(images.ids[row] for row in order),
        images=images.images[order],
        labels=images.labels[order],
    )
    one, other = (record(run, each)[0] for each in (images, shuffled))
    rows = [
        sorted(zip(each.ids, each.corruptions, each.severities.tolist(), strict=True))
        for each in (one, other)
    ]
    assert rows[0] == rows[1]


def test_a_recorder_that_saw_nothing_says_so():
    recorder = PerturbedRecorder(many(5)[1])
    with pytest.raises(DataError, match="Nothing was observed"):
        recorder.answers()


def test_an_answer_that_is_no_number_is_left_out():
    run, images = many(30)

    def broken(batch):
        outputs = run(batch)
        if batch.any():  # spoilt: all were black before
            outputs.probabilities[:1] = np.nan
        return outputs

    answers, _ = record(broken, images)
    assert 30 < len(answers) < 30 * (1 + len(CORRUPTIONS))
    assert Counter(answers.corruptions)[CLEAN] == 30
