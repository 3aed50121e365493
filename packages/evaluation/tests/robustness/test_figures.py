import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
from mlopsproj_core import LabelledImages
from mlopsproj_evaluation import measure_robustness
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.robustness import figures
from PIL import Image


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 40])
def test_both_are_pictures(graph, make_images, tmp_path, count):
    images = make_images(count)
    robustness = measure_robustness(graph.run, images)
    paths = figures.write_robustness_figures(robustness, images, tmp_path / "some" / "folder")
    assert [path.name for path in paths] == ["accuracy_by_severity.png", "corruptions.png"]
    for path in paths:
        with Image.open(path) as picture:
            picture.verify()
        assert matplotlib.image.imread(path)[..., :3].std() > 0.01
    assert plt.get_fignums() == []


def test_each_corruption_has_its_curve_in_the_panel_of_its_family(graph, make_images):
    robustness = measure_robustness(graph.run, make_images(60))
    panels = figures._accuracy_by_severity(robustness).axes
    shown = {
        axes.get_title(): [text.get_text() for text in axes.get_legend().get_texts()]
        for axes in panels
    }
    for name, corruption in CORRUPTIONS.items():
        assert name.replace("_", " ") in shown[corruption.family.value]
    (fog,) = [
        curve[0] for axes in panels for curve in axes.containers if curve.get_label() == "fog"
    ]
    assert fog.get_ydata() == pytest.approx(
        [robustness.at("fog", severity).value for severity in range(1, 6)]
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (20, 40), (300, 200)])
def test_the_sheet_shows_every_corruption_at_any_size(channels, height, width):
    rng = np.random.default_rng(0)
    images = LabelledImages(
        tuple(f"{number:064x}" for number in range(7)),
        rng.integers(0, 256, (7, height, width, channels), dtype=np.uint8),
        np.zeros(7, np.int64),
        ("a", "b"),
    )
    (axes,) = figures._contact_sheet(images, 0).axes
    rows = [text.get_text() for text in axes.get_yticklabels()]
    assert rows == [name.replace("_", " ") for name in CORRUPTIONS]
    sheet = np.asarray(axes.images[0].get_array())
    assert sheet.shape[0] % len(CORRUPTIONS) == 0
    assert sheet.shape[1] % 6 == 0
    assert max(sheet.shape[0] / len(CORRUPTIONS), sheet.shape[1] / 6) < 2 * 96 + 10


def test_the_first_column_is_the_image_as_it_was(make_images):
    images = make_images(1)
    (axes,) = figures._contact_sheet(images, 0).axes
    sheet = np.asarray(axes.images[0].get_array())
    assert (sheet[1:29, 1:29] == images.images[0, ..., 0]).all()
