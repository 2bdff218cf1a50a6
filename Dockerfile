# Attune in a container, run as a user without rights.
#
# Every package is checked against a hash of requirements.lock or requirements-torch.lock. What varies:
#
# PYTHON_IMAGE: the base, by name or by digest (docs/operate.md says how to find it).
# TORCH_INDEX: a package index to take PyTorch from. Unset, pip's usual index gives the build with CUDA libraries
# (some GB larger). For a machine without an NVIDIA GPU, pass PyTorch's own index of CPU builds; TORCH_SHA256 is the
# hash that its wheel must have then:
#     docker compose build --build-arg TORCH_INDEX=... --build-arg TORCH_SHA256=...     or both in .env
# VARIANT: build, or build-ray for the image of a Ray cluster (docs/growing.md).
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG VARIANT=build

FROM ${PYTHON_IMAGE} AS build
ARG TORCH_INDEX
ARG TORCH_SHA256
# Wheels only: to build a package would fetch what builds it, without a hash.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_ONLY_BINARY=:all:
RUN python -m venv /opt/attune
ENV PATH=/opt/attune/bin:$PATH
WORKDIR /src
# The dependencies first: these layers stay until the versions change.
COPY constraints.txt requirements.lock requirements-torch.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements.lock
RUN if [ -n "$TORCH_INDEX" ]; then \
         echo "$(grep '^torch==' constraints.txt)${TORCH_SHA256:+ --hash=sha256:$TORCH_SHA256}" > torch.txt \
         && pip install --no-deps --index-url "$TORCH_INDEX" --requirement torch.txt; \
       else \
         pip install --require-hashes --no-deps --requirement requirements-torch.lock; \
       fi
COPY pyproject.toml README.md LICENSE ./
COPY bots bots
COPY core core
RUN pip install --no-deps --no-build-isolation --no-index . && pip check

FROM build AS build-ray
COPY requirements-ray.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements-ray.lock && pip check

FROM ${VARIANT} AS chosen

FROM ${PYTHON_IMAGE}
# Git repositories are documents, too.
RUN apt-get update && apt-get install --yes --no-install-recommends git openssh-client ca-certificates \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home attune \
    && install --directory --owner=attune --group=attune --mode=700 /var/lib/attune
COPY --from=chosen /opt/attune /opt/attune
ENV PATH=/opt/attune/bin:$PATH ATTUNE_HOME=/var/lib/attune PYTHONUNBUFFERED=1
USER attune
WORKDIR /home/attune
COPY deploy deploy
VOLUME /var/lib/attune
# Python and the package load, and the data folder can be written. The stores have checks of their own.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s \
    CMD ["python", "-c", "import os, core.engine; os.access(os.environ['ATTUNE_HOME'], os.W_OK) or exit(1)"]
ENTRYPOINT ["attune"]
CMD ["chat"]
