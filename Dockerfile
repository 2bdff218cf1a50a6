# Attune in a container, run as a user without rights.
#
# TORCH_INDEX: a package index to take PyTorch from. Unset, pip's usual index gives the build with CUDA libraries
# (some GB larger). For a machine without an NVIDIA GPU, pass PyTorch's own index of CPU builds:
#     docker compose build --build-arg TORCH_INDEX=...

FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/attune
ENV PATH=/opt/attune/bin:$PATH
WORKDIR /src
# The dependencies first: this layer stays until pyproject.toml or constraints.txt changes.
COPY pyproject.toml constraints.txt ./
RUN pip install --constraint constraints.txt --upgrade pip \
    && if [ -n "$TORCH_INDEX" ]; then \
         pip install --no-deps --index-url "$TORCH_INDEX" --constraint constraints.txt torch; \
       fi \
    && python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
         > requirements.txt \
    && pip install --constraint constraints.txt --requirement requirements.txt
COPY README.md LICENSE ./
COPY bots bots
COPY core core
RUN pip install --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home attune \
    && install --directory --owner=attune --group=attune --mode=700 /var/lib/attune
COPY --from=build /opt/attune /opt/attune
ENV PATH=/opt/attune/bin:$PATH ATTUNE_HOME=/var/lib/attune PYTHONUNBUFFERED=1
USER attune
WORKDIR /home/attune
VOLUME /var/lib/attune
# Python and the package load, and the data folder can be written. The stores have checks of their own.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s \
    CMD ["python", "-c", "import os, core.engine; os.access(os.environ['ATTUNE_HOME'], os.W_OK) or exit(1)"]
ENTRYPOINT ["attune"]
CMD ["chat"]
