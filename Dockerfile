# Two stages on Debian 12: the first builds a virtual environment from the lock files, the second has it and Python, no compiler
# and no pip cache. Runs as a user without rights, on a read-only root; only /var/lib/tieline is written.
#
#   docker run --read-only -v tieline:/var/lib/tieline -v "$PWD/tieline.yaml":/etc/tieline/tieline.yaml:ro tieline

FROM debian:bookworm-slim AS build
# hadolint ignore=DL3008 # Debian removes superseded versions, so a pinned one cannot be built again; the release is the pin
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3.11 python3.11-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python3.11 -m venv /opt/tieline \
 && /opt/tieline/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock \
 && python3.11 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
COPY connectors connectors
COPY sinks sinks
COPY config config
RUN /opt/build/bin/hatchling build -t wheel -d /wheel \
 && /opt/tieline/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps /wheel/tieline-*.whl \
 && /opt/tieline/bin/python -m pip uninstall --yes --quiet pip setuptools

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Tieline" \
      org.opencontainers.image.description="Events of contact-centre platforms to Kafka, webhooks and Prometheus" \
      org.opencontainers.image.licenses="Apache-2.0"
# hadolint ignore=DL3008 # as above
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3.11 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /var/lib/tieline --shell /usr/sbin/nologin tieline \
 && install -d -o tieline -g tieline -m 0700 /var/lib/tieline \
 && install -d -m 0755 /etc/tieline
COPY --from=build /opt/tieline /opt/tieline
ENV PATH=/opt/tieline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TIELINE_GATEWAY__DATA_DIR=/var/lib/tieline
USER 10001:10001
WORKDIR /var/lib/tieline
VOLUME /var/lib/tieline
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
# Exec form: the gateway is process 1 and gets SIGTERM itself.
ENTRYPOINT ["tieline"]
CMD ["run", "--config", "/etc/tieline/tieline.yaml"]
