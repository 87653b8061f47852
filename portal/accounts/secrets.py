"""Secrets people carry: tokens with a prefix and a checksum, and the short code said aloud in a session.

Only a SHA-256 is stored: the secrets hold 256 random bits, so a fast hash is enough.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that reads like a digit."""
CODE_LENGTH = 8
CHECKSUM = 7


def mint(kind: str) -> tuple[str, str]:
    """A new secret and what is stored of it. `kind` shows in the secret, so that a scanner can recognise a leak."""
    body = f"portal_{kind}_{secrets.token_urlsafe(32)}"
    secret = f"{body}{_checksum(body)}"
    return secret, hashed(secret)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def is_whole(secret: str, kind: str) -> bool:
    """Whether `secret` has the form and the checksum of one of ours; a mistyped one needs no look-up."""
    return (
        secret.startswith(f"portal_{kind}_")
        and secret.isascii()
        and secret[-CHECKSUM:] == _checksum(secret[:-CHECKSUM])
    )


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    return "".join(ALPHABET[(number >> (5 * i)) & 31] for i in range(CHECKSUM))


def mint_code() -> str:
    """A code of 40 random bits in two groups of four, easy to say and to type."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return f"{drawn[:4]}-{drawn[4:]}"


def normal_code(typed: str) -> str:
    """What was meant by what was typed: case, blanks and dashes do not matter, O is 0, I and L are 1."""
    letters = typed.upper().replace("-", "").replace(" ", "")
    return letters.translate(str.maketrans("OIL", "011"))
