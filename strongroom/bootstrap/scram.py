"""The verifier PostgreSQL stores for a password, computed here so that no server sees the password.

Source: RFC 5802 (SCRAM) and RFC 7677 (SCRAM-SHA-256); PostgreSQL's text form of the verifier is
documented with pg_authid.rolpassword.
"""

import base64
import hashlib
import hmac
import secrets
import string

# PostgreSQL's default for scram_iterations.
_ITERATIONS = 4096
_SALT_BYTES = 16

_ALPHABET = string.ascii_letters + string.digits


def random_password(length: int = 48) -> str:
    """A password of letters and digits; 48 of them carry 285 bits, 40 is the least allowed."""
    if length < 40:
        raise ValueError(f"a password of {length} characters is too short; 40 is the least")
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for `password`.

    Args:
        password: ASCII, so that SASLprep leaves it as it is.
        salt: 16 random bytes by default.
    """
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    coded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{coded[0]}${coded[1]}:{coded[2]}"
