import io

import numpy as np
import pytest
from mlopsproj_core.errors import BundleCorruptError, ProbeError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.outputs import Outputs
from mlopsproj_core.probe import (
    EXPECTED,
    PIXEL_TOLERANCE,
    PROBABILITY_TOLERANCE,
    SCORE_TOLERANCE,
    check_probe,
    write_probe,
)
from PIL import Image

SPEC = ImageSpec(height=24, width=32, channels=3)


def run(images) -> Outputs:
    """A graph in numpy: how bright the top is against the bottom."""
    values = images.astype(np.float64) / 255
    top, bottom = values[:, :12].mean(axis=(1, 2, 3)), values[:, 12:].mean(axis=(1, 2, 3))
    first = 1 / (1 + np.exp(-8 * (top - bottom)))
    return Outputs(
        np.stack([first, 1 - first], axis=1).astype(np.float32),
        np.stack([top, bottom, top * bottom], axis=1).astype(np.float32),
        (50 * np.abs(top - 0.5)).astype(np.float32),
    )


@pytest.fixture
def folder(tmp_path):
    write_probe(tmp_path / "probe", SPEC, run)
    return tmp_path / "probe"


def expected(folder):
    with np.load(folder / EXPECTED) as file:
        return dict(file)


def change(folder, **changes) -> None:
    np.savez_compressed(folder / EXPECTED, **{**expected(folder), **changes})


def changed_run(**changes):
    def changed(images):
        outputs = run(images)
        values = {name: getattr(outputs, name).copy() for name in vars(outputs)}
        for name, function in changes.items():
            values[name] = function(values[name])
        return Outputs(**values)

    return changed


# --- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec", [SPEC, ImageSpec(8, 8, 1), ImageSpec(64, 9, 1), ImageSpec(9, 64, 3)], ids=str
)
def test_agrees_where_it_was_written(tmp_path, spec):
    def brightness(images):
        mean = images.reshape(len(images), -1).mean(axis=1, dtype=np.float32)[:, None] / 255
        return Outputs(np.concatenate([mean, 1 - mean], axis=1), mean, mean[:, 0])

    write_probe(tmp_path, spec, brightness)
    check_probe(tmp_path, spec, brightness)
    assert expected(tmp_path)["pixels"].shape == (6, *spec.shape)


def test_is_the_same_wherever_it_is_written(folder, tmp_path):
    write_probe(tmp_path / "again", SPEC, run)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_its_images_touch_every_step_of_the_way_to_pixels(folder):
    seen = set()
    for path in sorted(folder.glob("*.*g")):
        with Image.open(path) as image:
            seen |= {image.format, image.mode}
            if image.getexif().get(0x0112, 1) != 1:
                seen.add("turned")
            if image.size == (SPEC.width, SPEC.height):
                seen.add("kept")
            elif image.width < SPEC.width:
                seen.add("enlarged")
            else:
                seen.add("cropped")
    assert seen == {"JPEG", "PNG", "RGB", "L", "turned", "kept", "enlarged", "cropped"}


def test_its_images_are_told_apart_by_their_pixels(folder):
    pixels = expected(folder)["pixels"]
    assert pixels.std(axis=(1, 2, 3)).min() > 20
    for first in range(len(pixels)):
        for second in range(first):
            assert np.abs(pixels[first].astype(int) - pixels[second]).mean() > 10


# --- a machine that decodes or computes otherwise -----------------------------------------------


@pytest.mark.parametrize("off", [-PIXEL_TOLERANCE, -1, 1, PIXEL_TOLERANCE])
def test_decoders_may_round_otherwise(folder, off):
    pixels = (expected(folder)["pixels"].astype(int) + off).clip(0, 255).astype(np.uint8)
    outputs = run(pixels)
    change(folder, pixels=pixels, probabilities=outputs.probabilities, ood_score=outputs.ood_score)
    check_probe(folder, SPEC, run)


def test_one_pixel_that_is_decoded_otherwise_is_seen_and_its_file_named(folder):
    pixels = expected(folder)["pixels"].copy()
    number = expected(folder)["names"].tolist().index("colour-rotated.jpg")
    value = int(pixels[number, 3, 4, 1])
    wrong = value + 3 if value < 128 else value - 3
    pixels[number, 3, 4, 1] = wrong
    change(folder, pixels=pixels)
    with pytest.raises(ProbeError, match=r"decodes colour-rotated\.jpg otherwise .* by 3 of 255"):
        check_probe(folder, SPEC, run)


def test_a_difference_of_128_and_more_does_not_wrap_around(folder):
    pixels = expected(folder)["pixels"]
    change(folder, pixels=pixels + np.uint8(128))
    with pytest.raises(ProbeError, match="by 128 of 255"):
        check_probe(folder, SPEC, run)


def test_an_image_that_is_not_turned_upright_is_seen(folder):
    with Image.open(folder / "colour-rotated.jpg") as image:
        image.save(folder / "colour-rotated.jpg", quality=92)
    with pytest.raises(ProbeError, match=r"decodes colour-rotated\.jpg otherwise"):
        check_probe(folder, SPEC, run)


@pytest.mark.parametrize(
    ("output", "what", "tolerance"),
    [
        ("probabilities", "probability", PROBABILITY_TOLERANCE),
        ("ood_score", "score", SCORE_TOLERANCE),
    ],
)
def test_outputs_may_differ_by_their_tolerance_and_no_more(folder, output, what, tolerance):
    def raise_first(by):
        def add(values):
            scale = max(1, abs(values.flat[0])) if output == "ood_score" else 1
            values.flat[0] += by * scale
            return values

        return add

    check_probe(folder, SPEC, changed_run(**{output: raise_first(tolerance * 0.9)}))
    check_probe(folder, SPEC, changed_run(**{output: raise_first(-tolerance * 0.9)}))
    for by in (tolerance * 1.2, -tolerance * 1.2, 1e30):
        with pytest.raises(ProbeError, match=rf"computes otherwise .*\(a {what} differs"):
            check_probe(folder, SPEC, changed_run(**{output: raise_first(by)}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("output", ["probabilities", "ood_score"])
def test_an_output_that_is_no_number_is_refused(folder, output, value):
    def spoil(values):
        values.flat[-1] = value
        return values

    with pytest.raises(ProbeError, match="computes otherwise"):
        check_probe(folder, SPEC, changed_run(**{output: spoil}))


@pytest.mark.parametrize("output", ["probabilities", "ood_score"])
def test_a_bundle_that_expects_no_number_is_refused(folder, output):
    wrong = expected(folder)[output].copy()
    wrong.flat[0] = np.nan
    change(folder, **{output: wrong})
    with pytest.raises(ProbeError, match="differs by nan"):
        check_probe(folder, SPEC, run)


# --- a probe that cannot be read ----------------------------------------------------------------


def test_a_truncated_probe_is_refused(folder):
    path = folder / EXPECTED
    data = path.read_bytes()
    for kept in (0, 1, 4, 100, len(data) // 2, len(data) - 50, len(data) - 1):
        path.write_bytes(data[:kept])
        with pytest.raises(BundleCorruptError, match=r"expected\.npz cannot be read"):
            check_probe(folder, SPEC, run)


def npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data", [b"hello", b"PK\x03\x04" + b"\0" * 200, npy(np.zeros(3))], ids=["text", "zip", "npy"]
)
def test_another_file_in_the_place_of_the_probe_is_refused(folder, data):
    (folder / EXPECTED).write_bytes(data)
    with pytest.raises(BundleCorruptError, match=r"expected\.npz cannot be read"):
        check_probe(folder, SPEC, run)


def test_damaged_compressed_data_is_refused(folder):
    path = folder / EXPECTED
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 64] = b"\0" * 64
    path.write_bytes(data)
    with pytest.raises(BundleCorruptError, match=r"expected\.npz cannot be read"):
        check_probe(folder, SPEC, run)


class Trap:
    def __reduce__(self):
        return pytest.fail, ("the probe was unpickled",)


def test_a_pickle_is_never_read(folder):
    change(folder, names=np.array([Trap()], dtype=object))
    with pytest.raises(BundleCorruptError, match="allow_pickle=False"):
        check_probe(folder, SPEC, run)


@pytest.mark.parametrize("key", ["names", "pixels", "probabilities", "ood_score"])
def test_a_probe_without_one_of_its_arrays_is_refused(folder, key):
    arrays = expected(folder)
    del arrays[key]
    np.savez_compressed(folder / EXPECTED, **arrays)
    with pytest.raises(BundleCorruptError, match=f"cannot be read .*{key}"):
        check_probe(folder, SPEC, run)


@pytest.mark.parametrize(
    "changes",
    [
        {"names": np.array(["a.png"])},
        {"names": np.array(3)},
        {"pixels": np.zeros((6, 24, 32, 1), dtype=np.uint8)},
        {"pixels": np.zeros((6, 24, 32, 3), dtype=np.float32)},
        {"pixels": np.zeros((0, 24, 32, 3), dtype=np.uint8)},
        {"probabilities": np.zeros((6, 3), dtype=np.float32)},
        {"probabilities": np.zeros((6, 1), dtype=np.float32)},
        {"probabilities": np.array(["a"] * 6)},
        {"ood_score": np.zeros((6, 1), dtype=np.float32)},
        {"ood_score": np.zeros(6, dtype=complex)},
    ],
    ids=lambda changes: "-".join(f"{k}{v.dtype}{v.shape}" for k, v in changes.items()),
)
def test_a_probe_of_another_model_is_refused(folder, changes):
    change(folder, **changes)
    with pytest.raises(BundleCorruptError, match=r"expects o.*: make the bundle again"):
        check_probe(folder, SPEC, run)


def test_a_probe_of_another_size_is_refused(folder):
    with pytest.raises(BundleCorruptError, match="or another size"):
        check_probe(folder, ImageSpec(32, 32, 3), run)


def test_an_image_more_or_less_is_refused(folder):
    (folder / "colour-exact.png").rename(folder.parent / "aside.png")
    with pytest.raises(BundleCorruptError, match="expects other images"):
        check_probe(folder, SPEC, run)


def test_a_probe_without_images_is_refused(folder):
    for path in folder.glob("*.*g"):
        path.unlink()
    with pytest.raises(BundleCorruptError, match="holds no image"):
        check_probe(folder, SPEC, run)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0 no more"])
def test_an_image_that_cannot_be_decoded_is_named(folder, data):
    (folder / "colour-large.jpg").write_bytes(data)
    with pytest.raises(BundleCorruptError, match=r"colour-large\.jpg cannot be used"):
        check_probe(folder, SPEC, run)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(BundleCorruptError, match=r"expected\.npz cannot be read .*No such file"):
        check_probe(tmp_path / "nowhere", SPEC, run)
