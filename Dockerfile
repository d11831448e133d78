# What runs is a virtual environment made from uv.lock: every package by its hash, none compiled here.

FROM docker.io/library/python:3.13-slim-trixie AS build
ARG UV_VERSION=0.13.8
RUN pip install --no-cache-dir --only-binary :all: "uv==${UV_VERSION}"
# Certificates: trust what the base trusts, as pip does.
ENV UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/envoy-mqtt \
    UV_PYTHON=/usr/local/bin/python3 \
    UV_PYTHON_DOWNLOADS=never \
    UV_SYSTEM_CERTS=1
WORKDIR /build
COPY pyproject.toml uv.lock ./
# EXTRA=simulator for an image that can also play `demo` and `simulate`.
ARG EXTRA=""
RUN uv sync --locked --no-dev --no-install-project --no-build ${EXTRA:+--extra "$EXTRA"} && \
    UV_PROJECT_ENVIRONMENT=/build/tools uv sync --locked --only-group build --no-build
COPY README.md LICENSE ./
COPY LICENSES LICENSES
COPY envoy_mqtt envoy_mqtt
# Our own package lies apart from the others, so that an update is a small layer.
RUN tools/bin/hatchling build --target wheel && \
    uv pip install --offline --no-deps --python /opt/envoy-mqtt/bin/python --prefix /package dist/*.whl


FROM docker.io/library/python:3.13-slim-trixie
ENV PATH="/opt/envoy-mqtt/bin:${PATH}" \
    TMPDIR=/data
COPY --from=build /opt/envoy-mqtt /opt/envoy-mqtt
COPY --from=build /package /opt/envoy-mqtt
COPY docker/image.toml /etc/envoy-mqtt/image.toml
# The base ships its library without bytecode, and whoever runs this later may write none: every start would take
# three times as long (docs/docker.md). What is imported here is compiled here.
RUN python -m envoy_mqtt --help >/dev/null && \
    python -c 'import envoy_mqtt.app, envoy_mqtt.web.server, envoy_mqtt.healthcheck, envoy_mqtt.doctor' && \
    install -d -o 1000 -g 1000 -m 700 /data
USER 1000:1000
# A folder of one's own even where nothing is mounted: the root may be read-only.
VOLUME /data
EXPOSE 8099
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s --retries=3 CMD ["envoy-mqtt", "healthcheck"]
ENTRYPOINT ["envoy-mqtt"]
CMD ["run"]
ARG REVISION=""
LABEL org.opencontainers.image.title="envoy-mqtt" \
      org.opencontainers.image.description="Streams an Enphase IQ Gateway's meters to MQTT, once a second" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"
