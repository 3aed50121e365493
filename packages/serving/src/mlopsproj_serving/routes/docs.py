"""`GET /docs`: every route for people to read, as one page of our own."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Show what the OpenAPI document says."""
    from mlopsproj_serving.http.reference_page import (  # noqa: PLC0415 (when it is asked for)
        CONTENT_SECURITY_POLICY,
        reference_page,
    )

    app = request.app
    if not hasattr(app.state, "reference_page"):  # made once: it takes milliseconds of the loop
        app.state.reference_page = reference_page(app.openapi())
    return HTMLResponse(
        app.state.reference_page, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    )
