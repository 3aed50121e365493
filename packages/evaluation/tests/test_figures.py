import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core import LabelledImages
from mlopsproj_evaluation import Scores, evaluate, figures, write_figures
from PIL import Image

NAMES = ["confusion_matrix.png", "reliability_diagram.png", "worst_mistakes.png"]


@pytest.fixture
def draw(tmp_path, make_scores):
    """Draws the figures of a model with some mistakes."""

    def draw_figures(count, wrong, *, classes=2, channels=1, names=None):
        scores = make_scores(count, wrong, classes=classes)
        images = LabelledImages(
            scores.ids,
            np.random.default_rng(0).integers(0, 256, (count, 12, 16, channels), dtype=np.uint8),
            scores.labels,
            names or tuple(f"class {label}" for label in range(classes)),
        )
        report = evaluate(scores, images.classes, resamples=20)
        return write_figures(report, scores, images, tmp_path / "some" / "figures")

    return draw_figures


def assert_pictures(paths):
    assert [path.name for path in paths] == NAMES
    for path in paths:
        with Image.open(path) as picture:
            picture.verify()
            assert picture.format == "PNG"
        pixels = matplotlib.image.imread(path)
        assert pixels[..., :3].std() > 0.01, f"{path.name} shows nothing"
        assert max(pixels.shape[:2]) <= 2500
    assert plt.get_fignums() == []  # nothing is left to matplotlib's global state


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("count", "wrong", "channels"),
    [(40, [], 3), (40, [3], 1), (60, range(60), 3), (1, [0], 1)],
    ids=["none wrong", "one", "all", "one image"],
)
def test_every_figure_is_a_picture(draw, count, wrong, channels):
    assert_pictures(draw(count, wrong, channels=channels))


@pytest.mark.filterwarnings("error")
def test_many_classes_fit(draw):
    assert_pictures(draw(260, range(2), classes=130))


@pytest.mark.filterwarnings("error")
def test_names_are_text_and_no_formula(draw):
    names = (
        r"$\frac{1}{",
        "a|b",
        "$ and $",
        r"$\nonsense$",
        "_hidden",
        "two\nlines",
        "\\$",
        "%s {} ^_",
        "x" * 300,
    )
    assert_pictures(draw(80, range(len(names)), classes=len(names), names=names))


def report_and_scores(make_scores, count, wrong, classes):
    scores = make_scores(count, wrong, classes=classes)
    names = tuple(f"class {label}" for label in range(classes))
    return evaluate(scores, names, resamples=5), scores


def test_confusion_matrix_names_every_class_and_numbers_every_cell(make_scores):
    report, _ = report_and_scores(make_scores, 100, range(10), 4)
    axes = figures._confusion_matrix(report).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "class 0",
        "class 1",
        "class 2",
        "class 3",
    ]
    shown = {
        tuple(map(int, text.get_position()))[::-1]: int(text.get_text()) for text in axes.texts
    }
    assert shown == {place: count for place, count in np.ndenumerate(report.confusion) if count}
    shares = axes.images[0].get_array()
    assert np.asarray(shares).sum(axis=1) == pytest.approx(np.ones(4))


@pytest.mark.parametrize(("classes", "named"), [(25, 25), (60, 60), (61, 31), (1000, 59)])
def test_names_are_thinned_out_where_they_would_overlap(make_scores, classes, named):
    report, _ = report_and_scores(make_scores, 50, [1], classes)
    axes = figures._confusion_matrix(report).axes[0]
    ticks = axes.get_xticks()
    assert len(ticks) == named
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert labels == [f"class {tick}" for tick in ticks]
    assert bool(axes.texts) == (classes <= 25)


def test_reliability_diagram_shows_each_bin_and_the_error(make_scores):
    report, _ = report_and_scores(make_scores, 100, range(20), 2)
    axes, counts = figures._reliability_diagram(report).axes
    model = axes.lines[1]
    assert model.get_xdata() == pytest.approx([0.9])
    assert model.get_ydata() == pytest.approx([0.8])
    assert "0.1000" in axes.get_title()
    assert [bar.get_height() for bar in counts.patches] == [100]


def test_the_most_confident_mistakes_stand_first(make_scores):
    count = 50
    scores = make_scores(count, wrong=range(30))
    confidence = np.linspace(0.55, 0.95, count, dtype=np.float32)
    probabilities = np.where(
        scores.probabilities > 0.5, confidence[:, None], 1 - confidence[:, None]
    )
    scores = Scores(scores.ids, scores.labels, probabilities)
    pixels = np.broadcast_to(np.arange(count)[:, None, None, None], (count, 8, 8, 1))
    images = LabelledImages(scores.ids, pixels.astype(np.uint8), scores.labels, ("a", "b"))
    figure = figures._worst_mistakes(scores, images)
    shown = [int(axes.images[0].get_array()[0, 0]) for axes in figure.axes]
    assert shown == list(range(29, 5, -1))
    assert figure.axes[0].get_title() == f"a {confidence[29]:.2f}\nis b"
    assert figure.get_suptitle() == "24 most confident of 30 mistakes on 50 images"


def test_without_mistakes_it_says_so(make_scores):
    scores = make_scores(50)
    images = LabelledImages(
        scores.ids, np.zeros((50, 8, 8, 1), np.uint8), scores.labels, ("a", "b")
    )
    figure = figures._worst_mistakes(scores, images)
    assert figure.get_suptitle() == "No mistake on 50 images"
    assert not figure.axes


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_a_name_becomes_one_short_line_that_keeps_its_ends(name):
    short = figures._short(name).replace(r"\$", "$")
    assert len(short) <= 18
    assert len(short.splitlines()) <= 1
    plain = " ".join(name.split())
    assert short == plain or (short[:9] == plain[:9] and short[-8:] == plain[-8:])
