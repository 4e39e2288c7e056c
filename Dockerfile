# One image for both services: what it runs is told by the command.
#   docker run IMAGE services.achievements --help

FROM python:3.11.14-slim-bookworm AS build
COPY requirements.lock /build/
# Locked versions, checked by their hashes, as built by their makers: nothing is compiled here.
RUN python -m venv --without-pip /opt/venv \
 && python -m pip --python /opt/venv/bin/python install \
    --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    -r /build/requirements.lock
COPY schemas /app/schemas
COPY projections /app/projections
COPY services /app/services
# The user below can't write, so what Python would keep from its first start is made now.
RUN python -m compileall -q /app

FROM python:3.11.14-slim-bookworm
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /app
EXPOSE 8001 8002
# The same image serves, consumes, projects …: each is healthy in its own way (docker-compose.yml).
HEALTHCHECK NONE
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m"]
CMD ["services.achievements", "--help"]
