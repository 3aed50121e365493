"""What may be sent as an image: good ones are answered, bad ones refused, memory is bounded."""

import pytest
from mlopsproj_core.errors import ImageError
from mlopsproj_core.image import prepare_image
from PIL import Image
from serving.load import Ask, ask_once
from serving.memory import MemoryWatch
from serving.pictures import bad_pictures, good_pictures, jpeg, mutations, plain, saved
from small_bundle import SPEC

# Pillow warns of what it meets in them, also in this process.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

MUTATED = 2000
# Above what a few usual images take; one bomb alone would be 400 MB.
MORE_BYTES = 120 * 2**20


def is_image(data: bytes) -> bool:
    """What the one implementation of decoding says, in this process."""
    try:
        prepare_image(data, SPEC)
    except ImageError:
        return False
    return True


def refused_with_a_reason(answer) -> bool:
    problem = answer.json
    return (
        400 <= answer.status < 500
        and answer.headers["content-type"] == "application/problem+json"
        and problem["status"] == answer.status
        and len(problem["detail"]) > 10
    )


def send(api, picture):
    # Browsers and curl name many types; the bytes alone decide.
    return ask_once(api.port, Ask(picture.data, {"Content-Type": "application/octet-stream"}))


def test_every_good_kind_is_answered(shared_api):
    wrong = [
        (picture.kind, answer.status, answer.body)
        for picture in good_pictures()
        if (answer := send(shared_api, picture)).status != 200
    ]
    assert not wrong


def test_every_bad_kind_is_refused_with_a_reason_and_bounded_memory(shared_api):
    for _ in range(20):
        assert shared_api.predict(jpeg(1000, 750)).status_code == 200
    with MemoryWatch(shared_api) as memory:
        wrong = [
            (picture.kind, answer.status, answer.error, answer.body)
            for picture in bad_pictures()
            if not refused_with_a_reason(answer := send(shared_api, picture))
        ]
    assert not wrong
    assert memory.grown_bytes < MORE_BYTES
    assert shared_api.predict(plain(255), "image/png").json()["predictions"][0]["class"] == "bright"


def test_an_image_as_large_as_may_be_costs_its_pixels_and_no_more(shared_api):
    largest = saved(Image.new("L", (7071, 7071)), "PNG")
    assert len(largest) < 100_000
    assert shared_api.predict(largest, "image/png").status_code == 200
    with MemoryWatch(shared_api) as memory:
        assert shared_api.predict(largest, "image/png").status_code == 200
    assert memory.grown_bytes < 3 * 7071 * 7071


@pytest.mark.parametrize(
    ("count", "seed"), [(150, 1), pytest.param(MUTATED, 2, marks=pytest.mark.slow)]
)
def test_spoilt_images_are_answered_or_refused_as_their_decoder_says(shared_api, count, seed):
    for _ in range(20):
        assert shared_api.predict(jpeg(1000, 750)).status_code == 200
    pictures = list(mutations(count, seed))
    expected = [is_image(picture.data) for picture in pictures]
    assert 0.2 < sum(expected) / count < 0.8, "the mutations should spoil some and leave some"
    wrong = []
    with MemoryWatch(shared_api) as memory:
        for picture, good in zip(pictures, expected, strict=True):
            answer = send(shared_api, picture)
            if not (answer.status == 200 if good else refused_with_a_reason(answer)):
                wrong.append((picture.kind, answer.status, answer.error, answer.body))
    assert not wrong
    assert memory.grown_bytes < MORE_BYTES
    assert shared_api.get_status("/readyz") == 200
