# An image of the portal: it runs the web server, or the worker with `worker` as its command. See docs/operations.md.
# Backups need PostgreSQL client programs no older than the server: bookworm has 15, DEBIAN=trixie has 17.
ARG DEBIAN=bookworm
FROM python:3.12-slim-${DEBIAN}

RUN apt-get update \
 && apt-get install --yes --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /var/lib/portal --create-home portal \
 && mkdir -p /keyring /backups && chown portal:portal /keyring /backups \
 && chmod 0700 /var/lib/portal /keyring /backups
WORKDIR /opt/portal
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY LICENSE config.py wsgi.py ./
COPY portal portal
COPY migrations migrations
COPY docs/api.md docs/api.md
RUN python -m compileall -q config.py wsgi.py portal migrations

USER portal
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PORTAL_ENV=production PORTAL_DATA_DIR=/var/lib/portal PORTAL_KEYRING=/keyring/keyring.json \
    HOST=0.0.0.0 PORT=8000 PORTAL_PROXIES=1
VOLUME ["/var/lib/portal", "/keyring", "/backups"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/live', timeout=4)"]
ENTRYPOINT ["flask", "--app", "wsgi"]
CMD ["web"]
