# The api's image with PyTorch inside, as a service has that infers with it: for benchmarks/containers.py.
ARG BASE
ARG UV
FROM ${UV} AS uv

FROM ${BASE} AS with-torch
USER 0:0
RUN --mount=type=cache,id=uv,target=/root/.cache/uv --mount=from=uv,source=/uv,target=/usr/local/bin/uv \
    UV_CACHE_DIR=/root/.cache/uv UV_LINK_MODE=copy UV_SYSTEM_CERTS=1 VIRTUAL_ENV=/opt/mlopsproj \
    uv pip install --quiet torch
USER 65532:65532
