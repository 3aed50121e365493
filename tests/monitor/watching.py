"""What tests ask of a monitor that runs."""


def checks(monitor, **query):
    """Of the history, the newest first."""
    return monitor.client.get("/v1/drift/history", params=query).json()["checks"]


def wait_for_check(monitor, *, images=None, verdict=None, seconds=180):
    """The newest check, once it is of so many images, and of this verdict."""
    found = []

    def is_there():
        found[:] = checks(monitor, limit=1) if monitor.get_status("/v1/drift") == 200 else []
        return (
            found
            and images in (None, found[0]["images"])
            and verdict in (None, found[0]["verdict"])
        )

    monitor.wait_until(is_there, f"made no check of {images} images: {verdict}", seconds)
    return found[0]
