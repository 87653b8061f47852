# The portal as an image: web by default, `worker` as a command. The guide: docs/operations.md.
FROM python:3.12-slim-bookworm

RUN useradd --system --uid 10001 --home-dir /var/lib/portal --create-home portal \
 && mkdir -p /keyring && chown portal:portal /keyring && chmod 0700 /var/lib/portal /keyring
WORKDIR /opt/portal
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY config.py wsgi.py ./
COPY portal portal
COPY migrations migrations

USER portal
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PORTAL_ENV=production PORTAL_DATA_DIR=/var/lib/portal PORTAL_KEYRING=/keyring/keyring.json \
    HOST=0.0.0.0 PORT=8000 PORTAL_PROXIES=1
VOLUME ["/var/lib/portal", "/keyring"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
ENTRYPOINT ["flask", "--app", "wsgi"]
CMD ["web"]
