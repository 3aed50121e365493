"""FastAPI with `def`: each request in a thread of its pool, the model loaded in its lifespan.

https://fastapi.tiangolo.com/async/ says to do so for what blocks.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Body, FastAPI
from fastapi.responses import JSONResponse

from serving.rivals.model import Model, RivalSettings

models: dict[str, Model] = {}


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Load the model before the first request."""
    models["classifier"] = Model.of(RivalSettings.from_environment())
    yield
    models.clear()


app = FastAPI(lifespan=lifespan)


@app.post("/predict")
def predict(image: Annotated[bytes, Body(media_type="image/jpeg")]) -> JSONResponse:
    """Answer a raw image body."""
    model = models["classifier"]
    pixels = model.decode(image)
    return JSONResponse(model.answers(pixels[None])[0])
