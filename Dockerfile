# One image for every service; docker-compose.yml says what each of them runs.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
RUN pip install --no-cache-dir uv==0.13.9 && uv venv /opt/meetingz
WORKDIR /source
# The lock also holds what only developers need. As a constraint it pins each version and hash, and pyproject.toml says
# which of them production wants. Wheels only: nothing is compiled here. A layer of its own, for it seldom changes.
COPY pyproject.toml requirements.lock ./
RUN uv pip install --no-cache --python /opt/meetingz --compile-bytecode --only-binary :all: \
    --require-hashes --constraint requirements.lock --requirements pyproject.toml --extra postgres --extra web
COPY . .
RUN uv build --no-cache --wheel --require-hashes --build-constraints requirements.lock --out-dir /dist \
    && uv pip install --no-cache --python /opt/meetingz --compile-bytecode --no-deps /dist/*.whl

FROM python:3.13-slim
RUN groupadd --gid 10001 meetingz \
    && useradd --uid 10001 --gid meetingz --home-dir /var/lib/meetingz --shell /usr/sbin/nologin meetingz \
    && install --directory --owner meetingz --group meetingz --mode 0750 /var/lib/meetingz
COPY --from=build /opt/meetingz /opt/meetingz
ENV PATH=/opt/meetingz/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MEETINGZ_DATA_DIR=/var/lib/meetingz
WORKDIR /var/lib/meetingz
USER 10001:10001
CMD ["meetingz", "up"]
