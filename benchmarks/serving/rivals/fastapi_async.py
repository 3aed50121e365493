"""FastAPI with `async def`: everything on the event loop, the model loaded in its lifespan.

https://fastapi.tiangolo.com/advanced/events/ shows it with a model.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
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
async def predict(request: Request) -> JSONResponse:
    """Answer a raw image body."""
    model = models["classifier"]
    pixels = model.decode(await request.body())
    return JSONResponse(model.answers(pixels[None])[0])
