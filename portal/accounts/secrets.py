"""Secrets: tokens with a prefix and a checksum, and the short codes that are said aloud in a session.

Only a SHA-256 is stored: the secrets hold 256 random bits, so a fast hash is enough.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, which has no letter that looks like a digit."""
CODE_LENGTH = 8
CHECKSUM_LENGTH = 7


def generate_secret(kind: str) -> tuple[str, str]:
    """A new secret and the hash that is stored. `kind` is part of the secret, so that a scanner recognizes a leak."""
    body = f"portal_{kind}_{secrets.token_urlsafe(32)}"
    secret = f"{body}{_checksum(body)}"
    return secret, hash_secret(secret)


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def is_well_formed(secret: str, kind: str) -> bool:
    """Whether `secret` has our format, this kind and a right checksum; a mistyped one needs no query."""
    return (
        secret.startswith(f"portal_{kind}_")
        and secret.isascii()
        and secret[-CHECKSUM_LENGTH:] == _checksum(secret[:-CHECKSUM_LENGTH])
    )


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    return "".join(ALPHABET[(number >> (5 * i)) & 31] for i in range(CHECKSUM_LENGTH))


def generate_code() -> str:
    """A code of 40 random bits in two groups of four, easy to say and to type."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return f"{code[:4]}-{code[4:]}"


def normalize_code(typed: str) -> str:
    """The code without dashes and spaces, in upper case, with O read as 0 and I and L as 1."""
    letters = typed.upper().replace("-", "").replace(" ", "")
    return letters.translate(str.maketrans("OIL", "011"))
