"""What schemathesis cannot make up, and what it would try for hours.

A cursor is sealed for one viewer and one list, so a valid request is sent without one; pages are walked in
tests/http/test_paging.py. A document is tried as any object: each of its 21 block types with each of their members is
a case of its own in tests/forms, where any form the model can express is generated.
"""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    components = raw_schema["components"]["schemas"]
    for name in ("Document", "Block"):
        example = components[name]["examples"]
        components[name] = {"type": "object", "additionalProperties": True, "examples": example}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    meta = case.meta
    if meta is not None and meta.generation.mode is schemathesis.GenerationMode.POSITIVE and "cursor" in case.query:
        del case.query["cursor"]
