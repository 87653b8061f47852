"""Restore the keyring from a recovery file: `python -m portal.recover recovery.json`.

This is no `flask` command, because without its keyring the portal refuses to start.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from config import from_environment
from portal.core.crypto import Undecipherable, import_keyring


def main(recovery_file: str) -> None:
    """Write the keyring to PORTAL_KEYRING; an existing one is never overwritten."""
    target = from_environment().keyring
    if target.exists():
        sys.exit(f"{target} exists. Move it away first: it may be the only key to the sealed data.")
    passphrase = os.environ.get("PORTAL_PASSPHRASE") or getpass.getpass("Passphrase: ")
    try:
        import_keyring(Path(recovery_file).read_text(), passphrase, target)
    except Undecipherable:
        sys.exit("The passphrase is wrong, or the file is damaged.")
    print(f"Written to {target}.")  # noqa: T201 -- a command's answer


if __name__ == "__main__":
    main(*sys.argv[1:2] or sys.exit("Which recovery file? python -m portal.recover recovery.json"))
