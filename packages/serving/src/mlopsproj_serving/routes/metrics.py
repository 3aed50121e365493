"""`GET /metrics`: what was counted, as Prometheus reads it."""

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

if TYPE_CHECKING:
    from mlopsproj_serving.telemetry.metrics import Metrics

router = APIRouter(tags=["operation"])

_PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Every metric, in the text format of Prometheus.",
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": 'mlopsproj_api_images_total{model="fashion-mnist",version="3",'
                'class="Bag"} 1024.0\n',
            }
        },
    }
}


@router.get("/metrics", response_class=Response, responses=_PAGE)
async def metrics(request: Request) -> Response:
    """Tell what was counted, by all processes of the service."""
    from mlopsproj_serving.telemetry.exposition import CONTENT_TYPE  # noqa: PLC0415 (when it is asked for)

    counted: Metrics = request.app.state.metrics
    page = await asyncio.to_thread(counted.render)
    return Response(page, headers={"Content-Type": CONTENT_TYPE})
