"""What schemathesis cannot make up: a cursor is sealed for one viewer and one list.

So a valid request is sent without one; pages are walked in tests/http/test_paging.py. Spoilt ones stay as they are.
"""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    meta = case.meta
    if meta is not None and meta.generation.mode is schemathesis.GenerationMode.POSITIVE and "cursor" in case.query:
        del case.query["cursor"]
