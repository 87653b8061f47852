"""The wheel holds every file of the product, and installed by itself it migrates a database and answers requests."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from portal import __version__
from tests.server import ROOT, Server, loopback

PRODUCT = ("config.py", "wsgi.py", "portal", "migrations", "docs/api.md")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "dist")]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert built.returncode == 0, built.stderr
    return tmp_path / "dist" / f"portal-{__version__}-py3-none-any.whl"


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Iterator[Server]:
    """An install that has the wheel and the libraries this test runs with, and no checkout in sight."""
    home, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    venv.create(home)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    server = Server(tmp_path, code=empty, python=str(home / "bin" / "python"))
    yield server
    server.kill()


def test_the_wheel_holds_every_file_of_the_product_and_the_licenses(wheel: Path) -> None:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PRODUCT]
    known = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    present = {name for name in known if (ROOT / name).exists()}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        licenses = {name.split("/licenses/")[1] for name in archive.namelist() if "/licenses/" in name}
    assert packed == present
    assert {Path(name).suffix for name in packed} >= {".py", ".html", ".txt", ".md", ".yaml", ".ini", ".mako"}
    assert licenses == {"LICENSE", "portal/library/starter/LICENSE"}


@pytest.mark.bar
@loopback
def test_an_installed_wheel_migrates_a_database_and_answers_requests(installed: Server) -> None:
    assert installed.flask("version").stdout == f"{__version__}\n"
    installed.migrate()
    installed.start()
    ready = httpx.get(f"{installed.base_url}/health/ready", trust_env=False).json()
    assert (ready["database"], ready["migrations"]) == ("ok", "ok")
    assert httpx.get(f"{installed.base_url}/setup", trust_env=False).status_code == 200
    assert httpx.get(f"{installed.base_url}/api/v1/openapi.json", trust_env=False).status_code == 200
    assert installed.stop() == 0
