import io
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from mlopsproj_core.errors import ImageError
from mlopsproj_core.image import (
    MAX_SOURCE_SIDE,
    ImageSpec,
    PreparedImage,
    prepare_image,
    prepare_images,
)
from PIL import Image, ImageOps

GREY = ImageSpec(height=28, width=28, channels=1)
COLOUR = ImageSpec(height=20, width=30, channels=3)
FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"]
ORIENTATION = 0x0112

specs = st.builds(
    ImageSpec, height=st.integers(8, 40), width=st.integers(8, 40), channels=st.sampled_from([1, 3])
)
sides = st.integers(1, 60)
shapes = st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, st.sampled_from([1, 3])))
arrays = shapes.flatmap(lambda shape: st_numpy.arrays(np.uint8, shape))


def encode(image: Image.Image, format_: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def noise(height: int, width: int, channels: int | None = None, seed: int = 0):
    shape = (height, width) if channels is None else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def slopes(height: int, width: int):
    """Smooth and without symmetry, so that lossy formats keep it and no turn goes unseen."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return (np.stack([200 * x + 20, 150 * y + 60, 90 * x * y + 100], axis=2)).astype(np.uint8)


def resize_and_crop(pixels, spec: ImageSpec):
    """What the contract says, from the definition: triangle filter, one axis after the other.

    Args:
        pixels: `(height, width, channels)`.
        spec: that is wanted.
    """
    height, width = pixels.shape[:2]
    scale = max(spec.height / height, spec.width / width)

    def weights(source: int, target: int):
        offset = (source - target / scale) / 2
        centres = offset + (np.arange(target) + 0.5) / scale
        reach = max(1.0, 1 / scale)
        distances = np.abs(np.arange(source) + 0.5 - centres[:, None]) / reach
        triangle = np.maximum(0, 1 - distances)
        return triangle / triangle.sum(axis=1, keepdims=True)

    rows, columns = weights(height, spec.height), weights(width, spec.width)
    return np.einsum("ih,hwc,jw->ijc", rows, pixels.astype(float), columns)


# --- decoding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("spec", [GREY, COLOUR], ids=["grey", "colour"])
def test_reads_every_format(format_, spec):
    pixels = slopes(48, 64)
    found = prepare_image(encode(Image.fromarray(pixels), format_), spec)
    expected = prepare_image(pixels, spec)
    assert found.pixels.dtype == np.uint8
    assert found.pixels.shape == spec.shape
    off = np.abs(found.pixels.astype(int) - expected.pixels)
    # A GIF has 256 colours; JPEG and WebP lose a little; the others lose nothing.
    assert off.max() <= {"GIF": 40, "JPEG": 12, "WEBP": 12}.get(format_, 0)
    assert (found.statistics.width, found.statistics.height) == (64, 48)
    assert (found.format, expected.format) == (format_, None)


def test_a_jpeg_of_several_pictures_is_a_jpeg():
    frames = [Image.new("RGB", (28, 28), value) for value in ("red", "blue")]
    data = encode(frames[0], "MPO", save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "MPO"
    assert prepare_image(data, COLOUR).format == "JPEG"


def test_takes_the_first_frame_of_a_gif_and_the_first_page_of_a_tiff():
    frames = [Image.new("L", (28, 28), value) for value in (10, 200)]
    for format_ in ("GIF", "TIFF"):
        data = encode(frames[0], format_, save_all=True, append_images=frames[1:])
        with Image.open(io.BytesIO(data)) as image:
            assert image.n_frames == 2
        assert (prepare_image(data, GREY).pixels == 10).all()


@pytest.mark.parametrize("spec", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 90, (90, 90, 90)),
        ("LA", (100, 255), (100, 100, 100)),
        ("LA", (100, 0), (255, 255, 255)),
        ("LA", (0, 102), (153, 153, 153)),
        ("RGB", (200, 100, 50), (200, 100, 50)),
        ("RGBA", (200, 100, 50, 255), (200, 100, 50)),
        ("RGBA", (200, 100, 50, 0), (255, 255, 255)),
        ("RGBA", (0, 255, 0, 51), (204, 255, 204)),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("CMYK", (0, 0, 0, 0), (255, 255, 255)),
        ("I;16", 257 * 80, (80, 80, 80)),
        ("I;16", 65535, (255, 255, 255)),
        ("I", 257 * 80, (80, 80, 80)),
        ("I", -5, (0, 0, 0)),
        ("I", 70000, (255, 255, 255)),
        ("F", 80.4, (80, 80, 80)),
        ("F", -1e9, (0, 0, 0)),
        ("F", float("inf"), (255, 255, 255)),
        ("F", float("nan"), (0, 0, 0)),
    ],
)
def test_every_mode_becomes_grey_or_colour_of_eight_bits(mode, colour, expected, spec):
    data = encode(Image.new(mode, (40, 40), colour), "TIFF")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = prepare_image(data, spec)
    assert found.statistics.mode == mode
    if spec.channels == 1:
        red, green, blue = expected
        expected = (round(0.299 * red + 0.587 * green + 0.114 * blue),)
    assert np.abs(found.pixels.astype(int) - expected).max() <= 1


def test_sixteen_bit_grey_keeps_its_order_and_rounds_to_the_nearest():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    for format_ in ("PNG", "TIFF"):
        data = encode(Image.fromarray(values), format_)
        found = prepare_image(data, ImageSpec(256, 256, 1))
        assert found.statistics.mode == "I;16"
        assert np.array_equal(found.pixels[..., 0], np.round(values / 65535 * 255))


def test_a_palette_is_looked_up_and_its_transparent_colour_is_white():
    image = Image.new("P", (28, 28), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    spec = ImageSpec(28, 28, 3)
    for format_ in ("PNG", "GIF"):
        assert (prepare_image(encode(image, format_), spec).pixels == (200, 100, 50)).all()
        clear = encode(image, format_, transparency=1)
        assert (prepare_image(clear, spec).pixels == 255).all()
    half = encode(image, "PNG", transparency=bytes([255, 51]))
    assert np.abs(prepare_image(half, spec).pixels.astype(int) - (244, 224, 214)).max() <= 1


def test_a_palette_with_alpha_is_laid_over_white():
    image = Image.new("PA", (28, 28), (0, 0))
    assert (prepare_image(encode(image, "TIFF"), GREY).pixels == 255).all()


@pytest.mark.parametrize(("mode", "colour"), [("RGB", (9, 8, 7)), ("L", 9)])
def test_one_colour_may_be_transparent(mode, colour):
    data = encode(Image.new(mode, (28, 28), colour), "PNG", transparency=colour)
    assert (prepare_image(data, GREY).pixels == 255).all()


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_is_turned_upright(orientation, format_):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = slopes(20, 32)
    options = {"quality": 98} if format_ in {"JPEG", "WEBP"} else {}
    data = encode(Image.fromarray(stored), format_, exif=exif, **options)
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: stored.transpose(1, 0, 2)[:, ::-1],
        7: stored.transpose(1, 0, 2)[::-1, ::-1],
        8: stored.transpose(1, 0, 2)[::-1],
    }[orientation]
    height, width = upright.shape[:2]
    found = prepare_image(data, ImageSpec(height, width, 3))
    assert (found.statistics.height, found.statistics.width) == (height, width)
    assert np.abs(found.pixels.astype(int) - upright).max() <= 8
    with Image.open(io.BytesIO(data)) as image:
        theirs = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(found.pixels, theirs)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "exif", [b"garbage!garbage!", b"MM\0*\0\0\0\x08\xff", b"II*\0\xff\xff\xff\xff"]
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_does_not_spoil_the_pixels(format_, exif):
    image = Image.fromarray(slopes(28, 28))
    found = prepare_image(encode(image, format_, exif=b"Exif\0\0" + exif), GREY)
    assert np.array_equal(found.pixels, prepare_image(encode(image, format_), GREY).pixels)


# --- resizing -----------------------------------------------------------------------------------


@settings(max_examples=60)
@given(height=st.integers(1, 150), width=st.integers(1, 150), spec=specs, seed=st.integers(0, 99))
@example(height=172, width=98, spec=ImageSpec(23, 9, 1), seed=0)
@example(height=1, width=3000, spec=ImageSpec(28, 28, 3), seed=0)
@example(height=3000, width=1, spec=ImageSpec(28, 40, 3), seed=0)
def test_resizes_and_crops_as_the_definition_says(height, width, spec, seed):
    source = noise(height, width, spec.channels, seed)
    found = prepare_image(source, spec).pixels
    # Pillow rounds to 8 bits after each axis.
    assert np.abs(found - resize_and_crop(source, spec)).max() <= 1.5


@settings(max_examples=400)
@given(height=st.integers(1, 3000), width=st.integers(1, 3000), spec=specs)
def test_every_size_can_be_cropped(height, width, spec):
    source = np.full((height, width), 77, dtype=np.uint8)
    assert (prepare_image(source, spec).pixels == 77).all()


def test_crops_the_centre():
    wide = np.zeros((28, 84), dtype=np.uint8)
    wide[:, 28:56] = noise(28, 28)
    assert np.array_equal(prepare_image(wide, GREY).pixels[..., 0], wide[:, 28:56])
    assert np.array_equal(prepare_image(wide.T, GREY).pixels[..., 0], wide[:, 28:56].T)


def test_an_image_of_the_right_size_stays_as_it_is():
    source = noise(20, 30, 3)
    assert np.array_equal(prepare_image(source, COLOUR).pixels, source)


@pytest.mark.parametrize("shape", [(1, 1), (1, MAX_SOURCE_SIDE), (MAX_SOURCE_SIDE, 1)])
def test_the_narrowest_and_longest_images_are_taken(shape):
    source = np.full(shape, 50, dtype=np.uint8)
    middle = shape[0] // 2, shape[1] // 2
    source[middle] = 200
    pixels = prepare_image(source, GREY).pixels
    assert np.abs(pixels - resize_and_crop(source[..., None], GREY)).max() <= 1.5
    assert pixels.max() >= 195


def test_grey_is_the_luma_of_the_resized_colours():
    source = noise(50, 70, 3)
    colour = prepare_image(source, ImageSpec(28, 28, 3)).pixels
    grey = prepare_image(source, GREY).pixels[..., 0]
    assert np.abs(grey - colour @ np.array([0.299, 0.587, 0.114])).max() <= 0.51


def test_grey_becomes_colour_by_repetition():
    pixels = prepare_image(noise(40, 40), COLOUR).pixels
    assert (pixels == pixels[..., :1]).all()


# --- arrays -------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(source=arrays, spec=specs)
def test_an_array_and_its_png_are_one_image(source, spec):
    image = Image.fromarray(source[..., 0] if source.shape[2:] == (1,) else source)
    from_array, from_file = prepare_image(source, spec), prepare_image(encode(image), spec)
    assert np.array_equal(from_array.pixels, from_file.pixels)
    assert from_array.statistics == from_file.statistics


def test_an_array_need_not_be_contiguous_and_is_not_changed():
    source = noise(60, 90, 3)
    before = source.copy()
    view = source[::-2, ::3]
    found = prepare_image(view, COLOUR)
    assert np.array_equal(found.pixels, prepare_image(view.copy(), COLOUR).pixels)
    assert np.array_equal(source, before)


def test_pixels_are_no_view_of_the_array():
    source = noise(28, 28)
    pixels = prepare_image(source, GREY).pixels
    before = pixels.copy()
    source[:] = 0
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize(
    "source",
    [
        np.zeros((28, 28)),
        np.zeros((28, 28), dtype=np.int8),
        np.zeros((28, 28), dtype=bool),
        np.zeros(28, dtype=np.uint8),
        np.zeros((), dtype=np.uint8),
        np.zeros((28, 28, 2), dtype=np.uint8),
        np.zeros((28, 28, 4), dtype=np.uint8),
        np.zeros((3, 28, 28), dtype=np.uint8),
        np.zeros((1, 28, 28, 3), dtype=np.uint8),
        np.zeros((0, 28), dtype=np.uint8),
        np.zeros((28, 0, 3), dtype=np.uint8),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_refuses_other_arrays(source):
    with pytest.raises(ImageError, match=r"An array of .* is no image: give uint8"):
        prepare_image(source, GREY)


@pytest.mark.parametrize("source", ["photo.jpg", None, 3, [[1, 2]], bytearray(b"x"), np.uint8(3)])
def test_refuses_what_is_neither_bytes_nor_an_array(source):
    with pytest.raises(ImageError, match=f"A {type(source).__name__} is no image: give the bytes"):
        prepare_image(source, GREY)


# --- hostile input ------------------------------------------------------------------------------


def test_refuses_empty_bytes():
    with pytest.raises(ImageError, match=r"empty \(0 bytes\)"):
        prepare_image(b"", GREY)


@pytest.mark.parametrize(
    "data",
    [
        b"hello, I am text",
        b"\0" * 5000,
        b"\x89PNG\r\n\x1a\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        # Pillow would give it to Ghostscript.
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\nshowpage\n",
        encode(Image.new("L", (28, 28)), "PPM"),
    ],
    ids=["text", "zeros", "signature", "svg", "postscript", "ppm"],
)
def test_refuses_what_is_no_image_of_a_known_format(data):
    with pytest.raises(ImageError, match="send JPEG, PNG, WebP, BMP, TIFF or GIF"):
        prepare_image(data, GREY)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow grumbles before it raises
def test_refuses_a_truncated_file(format_):
    data = encode(Image.fromarray(noise(64, 64, 3)), format_)
    for kept in (len(data) // 2, len(data) // 4):
        with pytest.raises(ImageError, match=r"cannot be decoded|no image that can be read"):
            prepare_image(data[:kept], GREY)


def test_refuses_an_image_of_too_many_pixels_before_it_is_decoded(monkeypatch):
    bomb = encode(Image.new("1", (8000, 8000)))
    assert len(bomb) < 100_000
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("was decoded"))
    with pytest.raises(ImageError, match=r"8000 x 8000 pixels, more than the 50,000,000 in all"):
        prepare_image(bomb, GREY)


def test_refuses_what_pillow_takes_for_a_decompression_bomb(monkeypatch):
    data = encode(Image.new("1", (100, 100)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ImageError, match="has far more than the 50,000,000 pixels"):
        prepare_image(data, GREY)


def test_the_limit_is_the_caller_s_and_holds_for_arrays():
    exact = noise(30, 40)
    assert prepare_image(exact, GREY, max_pixels=1200)
    for source in (exact, encode(Image.fromarray(exact))):
        with pytest.raises(ImageError, match="40 x 30 pixels, more than the 1,199 in all"):
            prepare_image(source, GREY, max_pixels=1199)


@pytest.mark.parametrize("shape", [(1, MAX_SOURCE_SIDE + 1), (MAX_SOURCE_SIDE + 1, 1)])
def test_refuses_a_side_that_is_too_long(shape):
    source = np.zeros(shape, dtype=np.uint8)
    for data in (source, encode(Image.fromarray(source))):
        with pytest.raises(ImageError, match="65,535 on a side"):
            prepare_image(data, GREY)


def assert_valid(prepared: PreparedImage, spec: ImageSpec) -> None:
    assert prepared.pixels.dtype == np.uint8
    assert prepared.pixels.shape == spec.shape
    assert_in_range(prepared)


def assert_in_range(prepared: PreparedImage) -> None:
    statistics = prepared.statistics
    assert 0 <= statistics.brightness <= 1
    assert 0 <= statistics.contrast <= 0.5
    assert 0 <= statistics.sharpness <= 1
    assert 0 <= statistics.saturation <= 1
    assert statistics.width >= 1
    assert statistics.height >= 1


def valid_or_refused(data: bytes, spec: ImageSpec) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            prepared = prepare_image(data, spec, max_pixels=1_000_000)
        except ImageError:
            return False
    assert_valid(prepared, spec)
    return True


@settings(max_examples=150)
@given(data=st.binary(max_size=300), spec=specs)
def test_any_bytes_give_an_image_or_an_image_error(data, spec):
    valid_or_refused(data, spec)


SIGNATURES = [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\0\1\0\0WEBPVP8 ", b"BM", b"GIF89a"]


@settings(max_examples=150)
@given(signature=st.sampled_from([*SIGNATURES, b"II*\0", b"MM\0*"]), data=st.binary(max_size=300))
def test_any_bytes_behind_a_signature_give_an_image_or_an_image_error(signature, data):
    valid_or_refused(signature + data, GREY)


EXIF = Image.Exif()
EXIF[ORIENTATION] = 6
FILES = {
    f"{format_}-{mode}": encode(
        Image.fromarray(slopes(24, 32)).convert(mode),
        format_,
        **({"exif": EXIF} if format_ not in {"BMP", "GIF"} else {}),
    )
    for format_, mode in [
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "I;16"),
        ("WEBP", "RGB"),
        ("BMP", "RGB"),
        ("TIFF", "RGB"),
        ("TIFF", "LA"),
        ("TIFF", "F"),
        ("GIF", "P"),
    ]
}


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4))))
def test_a_damaged_file_gives_an_image_or_an_image_error(name, changes):
    data = FILES[name]
    assert valid_or_refused(data, GREY)
    damaged = bytearray(data)
    for where, new in changes:
        start = int(where * len(damaged))
        damaged[start : start + len(new)] = new
    valid_or_refused(bytes(damaged), GREY)


# --- statistics ---------------------------------------------------------------------------------


@settings(max_examples=80)
@given(source=arrays, spec=specs)
@example(source=np.full((28, 28, 3), 255, dtype=np.uint8), spec=GREY)
@example(source=np.eye(28, dtype=np.uint8) * 255, spec=GREY)
def test_statistics_stay_in_their_ranges(source, spec):
    assert_in_range(prepare_image(source, spec))


@pytest.mark.parametrize("value", range(256))
def test_a_flat_image_has_brightness_and_nothing_else(value):
    statistics = prepare_image(np.full((9, 11, 3), value, dtype=np.uint8), COLOUR).statistics
    assert statistics.brightness == pytest.approx(value / 255, abs=1e-6)
    assert statistics.brightness <= 1
    assert statistics.contrast == pytest.approx(0, abs=1e-6)
    assert statistics.sharpness == 0
    assert statistics.saturation == 0


def test_stripes_are_as_sharp_and_halves_as_contrasty_as_can_be():
    board = (np.indices((28, 28)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert prepare_image(board, GREY).statistics.sharpness == pytest.approx(1)
    assert prepare_image(board, GREY).statistics.contrast == pytest.approx(0.5)


@settings(max_examples=40)
@given(source=st_numpy.arrays(np.uint8, (12, 17, 3)))
def test_statistics_are_those_of_the_definitions(source):
    statistics = prepare_image(source, ImageSpec(12, 17, 1)).statistics
    values = source.astype(np.float64) / 255
    luma = np.asarray(Image.fromarray(source).convert("L")) / 255
    exact = 0.299 * values[..., 0] + 0.587 * values[..., 1] + 0.114 * values[..., 2]
    assert np.abs(luma - exact).max() <= 0.51 / 255
    high, low = values.max(axis=2), values.min(axis=2)
    saturation = np.divide(high - low, high, out=np.zeros_like(high), where=high > 0)
    down, right = np.abs(luma[1:] - luma[:-1]).mean(), np.abs(luma[:, 1:] - luma[:, :-1]).mean()
    assert statistics.as_dict() == {
        "width": 17,
        "height": 12,
        "mode": "RGB",
        "brightness": pytest.approx(luma.mean(), abs=1e-5),
        "contrast": pytest.approx(luma.std(), abs=1e-5),
        "sharpness": pytest.approx((down + right) / 2, abs=1e-5),
        "saturation": pytest.approx(saturation.mean(), abs=1e-5),
    }


def test_statistics_of_a_colour_image_do_not_depend_on_the_channels_of_the_spec():
    source = noise(50, 60, 3)
    grey = prepare_image(source, ImageSpec(28, 28, 1)).statistics
    colour = prepare_image(source, ImageSpec(28, 28, 3))
    assert grey == colour.statistics
    assert np.array_equal(colour.luma, prepare_image(source, GREY).pixels[..., 0])
    assert grey.saturation > 0.3


# --- several at once ----------------------------------------------------------------------------


@settings(max_examples=40)
@given(sources=st.lists(st.one_of(arrays, st.binary(max_size=20)), max_size=6), spec=specs)
@example(sources=[noise(30, 40, 3), noise(30, 40), noise(9, 9, 3), b"none"], spec=COLOUR)
@example(sources=[noise(30, 40, 3), noise(30, 40), noise(9, 9, 3), b""], spec=GREY)
def test_several_images_are_prepared_as_each_alone(sources, spec):
    found = prepare_images(iter(sources), spec)
    assert len(found) == len(sources)
    for source, image in zip(sources, found, strict=True):
        if isinstance(image, ImageError):
            with pytest.raises(ImageError) as caught:
                prepare_image(source, spec)
            assert str(image) == str(caught.value)
        else:
            alone = prepare_image(source, spec)
            assert np.array_equal(image.pixels, alone.pixels)
            assert np.array_equal(image.luma, alone.luma)
            assert (image.statistics, image.format) == (alone.statistics, alone.format)


# --- the spec -----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [-1, 0, 7, 1025])
def test_refuses_sides_that_no_network_takes(side):
    with pytest.raises(ImageError, match=f"Image height {side} is not usable: give 8 to 1024"):
        ImageSpec(side, 28, 1)
    with pytest.raises(ImageError, match=f"Image width {side} is not usable: give 8 to 1024"):
        ImageSpec(28, side, 1)


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_refuses_channels_that_no_network_takes(channels):
    with pytest.raises(ImageError, match=f"{channels} image channels are not usable: give 1 or 3"):
        ImageSpec(28, 28, channels)
