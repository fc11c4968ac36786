# The images of TradeOps. `tradeops` holds all but the training: the jobs, their worker, the guard, the dashboard, the
# sandbox and Prefect's server; `trainer` holds the training service and its heavy libraries.
#   docker build --target tradeops -t tradeops .
#   docker build --target trainer -t tradeops-trainer .
# Nothing here needs BuildKit: Prefect's build step speaks to the classic builder.
# To pin the base for good: --build-arg PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:…, the digest being what
# `docker buildx imagetools inspect python:3.11.14-slim-bookworm` says.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm


# Python, its library compiled (the official image strips the byte code), and the user that everything runs as
FROM ${PYTHON_IMAGE} AS python
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
      "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && groupadd --gid 10001 desk \
 && useradd --uid 10001 --gid desk --no-log-init --no-create-home --home-dir /var/lib/tradeops --shell /usr/sbin/nologin desk


# What the lock names, and the product as prefect.yaml expects it: the flows beside it, in one copy
FROM python AS tradeops-built
WORKDIR /opt/tradeops
RUN python -m venv --without-pip /opt/venv
COPY requirements.lock ./
RUN pip --disable-pip-version-check --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps \
      --require-hashes -r requirements.lock
COPY LICENSE README.md pyproject.toml prefect.yaml automations.yaml ./
COPY docker/ docker/
COPY tradeops/ tradeops/
COPY flows/ flows/
COPY sandbox/ sandbox/
COPY trainer/ trainer/
RUN pip --disable-pip-version-check --python /opt/venv/bin/python wheel --no-cache-dir --no-deps --no-build-isolation \
      --wheel-dir /opt/wheels . \
 && pip --disable-pip-version-check --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps \
      --no-build-isolation --editable . \
 && pip --disable-pip-version-check --python /opt/venv/bin/python uninstall --yes editables hatchling trove-classifiers \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv /opt/tradeops


FROM python AS trainer-built
WORKDIR /opt/tradeops
RUN python -m venv --without-pip /opt/venv
COPY requirements-trainer.lock ./
RUN pip --disable-pip-version-check --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps \
      --require-hashes -r requirements-trainer.lock
COPY --from=tradeops-built /opt/wheels/ /opt/wheels/
COPY docker/ docker/
RUN pip --disable-pip-version-check --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps \
      --no-index /opt/wheels/*.whl \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv /opt/tradeops


# What both images run in: no pip, nobody but `desk`, and one folder to write to
FROM python AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="TradeOps" \
      org.opencontainers.image.description="The night desk of a crypto trading bot, as a Prefect 3 deployment" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN python -m pip uninstall --yes --quiet --root-user-action ignore setuptools wheel pip \
 && mkdir --mode 0700 /var/lib/tradeops /var/lib/sandbox \
 && chown desk:desk /var/lib/tradeops /var/lib/sandbox
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/var/lib/tradeops \
    TRADEOPS_HOME=/var/lib/tradeops \
    DO_NOT_TRACK=1
WORKDIR /opt/tradeops
USER 10001:10001
VOLUME /var/lib/tradeops
ENTRYPOINT ["/opt/tradeops/docker/entrypoint"]


FROM runtime AS trainer
COPY --from=trainer-built /opt/venv/ /opt/venv/
COPY --from=trainer-built /opt/tradeops/docker/ docker/
ENV TRADEOPS_TRAINER_HOME=/var/lib/tradeops/trainer
EXPOSE 8001
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "docker/answers.py", "http://127.0.0.1:8001/health"]
CMD ["python", "-m", "trainer", "--host", "0.0.0.0", "--port", "8001"]


# The last one, so that a build without a target makes it. Without a command it is a worker.
FROM runtime AS tradeops
COPY --from=tradeops-built /opt/venv/ /opt/venv/
COPY --from=tradeops-built /opt/tradeops/ ./
ENV PREFECT_HOME=/var/lib/tradeops/prefect \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_WORKER_QUERY_SECONDS=1 \
    PREFECT_CLIENT_RETRY_EXTRA_CODES=500 \
    PREFECT_WORKER_WEBSERVER_HOST=127.0.0.1 \
    MPLCONFIGDIR=/var/lib/tradeops/matplotlib \
    NUMBA_CACHE_DIR=/var/lib/tradeops/numba
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "docker/answers.py", "http://127.0.0.1:8080/health"]
CMD ["prefect", "worker", "start", "--pool", "tradeops", "--type", "process", "--with-healthcheck"]
