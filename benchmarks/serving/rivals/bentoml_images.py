"""What BentoML hands over as an image, to pixels: it has opened the file and decoded nothing."""

from mlopsproj_core.image import Pixels
from PIL.Image import Image
from PIL.ImageFile import ImageFile

from serving.rivals.model import Decoder, Model


def pixels(model: Model, image: Image, decoder: Decoder) -> Pixels:
    """`(height, width, channels)` uint8.

    Our decoder takes the bytes of the file that lies open behind the image: asking BentoML for a
    `pathlib.Path` would write each one to the disk first.
    """
    if decoder == "pillow":
        return model.pixels(image)
    assert isinstance(image, ImageFile) and image.fp is not None  # noqa: S101, PT018 (lazily opened)
    image.fp.seek(0)
    return model.decode(image.fp.read())
