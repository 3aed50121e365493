"""Small files that would keep a decoder busy for hours, or fill the memory, and honest ones."""

import io
import struct
import zlib

import pytest
from mlopsproj_core.decoding_cost import MAX_SCANS, check_scans, tile_pixels
from mlopsproj_core.errors import ImageError
from mlopsproj_core.image import ImageSpec, prepare_image
from PIL import Image

SPEC = ImageSpec(height=28, width=28, channels=1)
WIDTH, LENGTH = 322, 323
SHORT, LONG, LONG8 = 3, 4, 16
OFTEN = b"\xff\xda" * 20_000
END = b"\xff\xd9"


def jpeg(**settings):
    file = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(file, "JPEG", **settings)
    return file.getvalue()


def scans_of(data):
    """Each scan of a JPEG without other segments behind the first: from its marker to the next."""
    return [b"\xff\xda" + scan for scan in data.removesuffix(END).split(b"\xff\xda")[1:]]


def refined(scans):
    """A progressive JPEG with so many scans, the last of which are all the same."""
    data = jpeg(progressive=True)
    more = scans - len(scans_of(data))
    return data.removesuffix(END) + scans_of(data)[-1] * more + END


def with_segment(data, content, marker=0xE1):
    """A JPEG with another segment in front: what Exif and colour profiles stand in."""
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + data[2:]


@pytest.fixture
def _never_decoded(monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("was decoded"))


# --- scans of a JPEG ----------------------------------------------------------------------------


def test_scans_up_to_the_most_are_read():
    assert prepare_image(refined(MAX_SCANS), SPEC).format == "JPEG"


@pytest.mark.usefixtures("_never_decoded")
@pytest.mark.parametrize("scans", [MAX_SCANS + 1, 100_000])
def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded(scans):
    with pytest.raises(ImageError, match="more than 32 scans"):
        prepare_image(refined(scans), SPEC)


@pytest.mark.parametrize(
    "hidden",
    [
        lambda data: with_segment(data, END),
        lambda data: data.replace(b"\xff\xda", b"\xff\xff\xff\xda"),
        lambda data: data.replace(b"\xff\xda", b"\xff\xd0\xff\xda"),
        lambda data: data.replace(b"\xff\xda", b"between\xff\xda"),
    ],
    ids=["an end in a segment", "filled up", "restarts", "rubbish"],
)
def test_scans_cannot_be_hidden(hidden):
    with pytest.raises(ImageError, match="more than 32 scans"):
        check_scans(hidden(refined(MAX_SCANS + 1)))


@pytest.mark.parametrize("settings", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_what_looks_like_scans_and_is_none_does_no_harm(settings):
    data = jpeg(**settings)
    film = data + OFTEN  # as phones append one
    for honest in (film, with_segment(film, OFTEN[:60_000]), with_segment(film, OFTEN[:9], 0xFE)):
        assert prepare_image(honest, SPEC).format == "JPEG"


# --- tiles of a TIFF ----------------------------------------------------------------------------


def tiff(sides, *, order="<", big=False, side=64):
    """A grey image of few pixels in one deflated tile of these sides, each (tag, kind, value)."""
    pixels = zlib.compress(bytes(side * side))
    head = 16 if big else 8
    tags = [
        *((tag, LONG, side) for tag in (256, 257)),
        *((258, SHORT, 8), (259, SHORT, 8), (262, SHORT, 1), (277, SHORT, 1)),
        *sides,
        *((324, LONG, head), (325, LONG, len(pixels))),
    ]
    entry, room = ("HHQ", 8) if big else ("HHI", 4)
    packed = b"".join(
        struct.pack(order + entry, tag, kind, 1)
        + struct.pack(order + {SHORT: "H", LONG: "I", LONG8: "Q"}.get(kind, "I"), value).ljust(
            room, b"\0"
        )
        for tag, kind, value in tags
    )
    mark = b"II" if order == "<" else b"MM"
    where = head + len(pixels)
    if big:
        begin = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, where)
        return begin + pixels + struct.pack(f"{order}Q", len(tags)) + packed + bytes(8)
    begin = mark + struct.pack(f"{order}HI", 42, where)
    return begin + pixels + struct.pack(f"{order}H", len(tags)) + packed + bytes(4)


def of(width, length=None, kind=LONG):
    return [(WIDTH, kind, width), (LENGTH, kind, length or width)]


FORMS = [{"order": "<"}, {"order": ">"}, {"order": "<", "big": True}]


@pytest.mark.parametrize("form", FORMS)
def test_tiles_are_told(form):
    assert tile_pixels(tiff(of(64, 128), **form)) == 64 * 128
    assert tile_pixels(tiff(of(64, 128, SHORT), **form)) == 64 * 128
    assert tile_pixels(tiff([], **form)) == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_usual_tile_is_read(form):
    assert prepare_image(tiff(of(64), **form), SPEC).format == "TIFF"


@pytest.mark.usefixtures("_never_decoded")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "sides",
    [
        of(30_000),
        of(16, 4_000_000_000),
        [*of(30_000), *of(64)],  # decoders take the first, or the last
        [*of(64), *of(30_000)],
    ],
)
def test_a_tile_that_would_fill_the_memory_is_refused_before_it_is_decoded(form, sides):
    with pytest.raises(ImageError, match=r"The TIFF has tiles of [\d,]+ pixels, more than 50,000"):
        prepare_image(tiff(sides, **form), SPEC)


@pytest.mark.usefixtures("_never_decoded")
@pytest.mark.parametrize("kind", [1, 2, 5, 9, 11, 13])
def test_sides_that_are_no_whole_numbers_are_refused(kind):
    with pytest.raises(ImageError, match="no whole number"):
        tile_pixels(tiff(of(64, kind=kind)))


@pytest.mark.usefixtures("_never_decoded")
def test_what_decoders_read_differently_is_refused():
    with pytest.raises(ImageError, match="BigTIFF of a kind that is not read"):
        tile_pixels(tiff(of(64), order=">", big=True))
    with pytest.raises(struct.error):
        tile_pixels(tiff(of(64))[:-20])
