"""The WSGI callables of the floors and the idiomatic stack for granian, with one connection per thread."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from bench import idiomatic as stack
from bench.databases import settle_memory
from bench.floor import Floor, Store, flask_floor, postgresql_store, sqlite_store
from portal.core.crypto import Keyring

if TYPE_CHECKING:
    from bench.rounds import App

_url = os.environ["BENCH_DATABASE"]


class _FloorOfThreads(Floor):
    """A floor with a store per thread."""

    def __init__(self) -> None:
        self._of_thread = threading.local()
        self.wrapping = Keyring.load(Path(os.environ["BENCH_KEYRING"])).wrapping
        self.ciphers = {}

    @property
    def store(self) -> Store:  # type: ignore[override]  # -- one per thread, where a floor in process has one
        store: Store | None = getattr(self._of_thread, "store", None)
        if store is None:
            sqlite = _url.startswith("sqlite")
            store = sqlite_store(_url.removeprefix("sqlite:///")) if sqlite else postgresql_store(_url)
            self._of_thread.store = store
        return store


floor = _FloorOfThreads()
flask = flask_floor(floor)
idiomatic: App = stack.create_app(_url)
settle_memory()
