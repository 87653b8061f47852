"""A folder of collected forms comes in as its index says, goes out as it came, and loses no answer.

The folder is named by PORTAL_FORMS; without it these are skipped.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.bar
