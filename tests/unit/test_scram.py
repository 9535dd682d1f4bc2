"""The verifier, held against the example of RFC 7677, and the passwords behind it."""

import base64
import hashlib
import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.bootstrap.scram import random_password, verifier

# RFC 7677, section 3: user "user", password "pencil".
_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
_CLIENT_FIRST_BARE = "n=user,r=rOprNGfwEbeRWgbNEkqO"
_SERVER_FIRST = (
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
_CLIENT_FINAL = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
_PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
_SERVER_SIGNATURE = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def _keys(text: str) -> tuple[bytes, bytes]:
    stored, server = text.split("$")[2].split(":")
    return base64.b64decode(stored), base64.b64decode(server)


def test_the_example_of_the_standard_verifies() -> None:
    stored, server = _keys(verifier("pencil", _SALT))
    message = ",".join((_CLIENT_FIRST_BARE, _SERVER_FIRST, _CLIENT_FINAL)).encode()
    signature = hmac.digest(server, message, "sha256")
    assert base64.b64encode(signature).decode() == _SERVER_SIGNATURE
    client_signature = hmac.digest(stored, message, "sha256")
    client_key = bytes(a ^ b for a, b in zip(_PROOF, client_signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored


def test_the_text_is_postgresqls() -> None:
    kind, parameters, keys = verifier("x" * 48).split("$")
    iterations, salt = parameters.split(":")
    assert (kind, iterations) == ("SCRAM-SHA-256", "4096")
    assert len(base64.b64decode(salt)) == 16
    assert [len(base64.b64decode(key)) for key in keys.split(":")] == [32, 32]


def test_the_same_password_never_gives_the_same_verifier_twice() -> None:
    assert verifier("x" * 48) != verifier("x" * 48)


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=40, max_size=60))
def test_a_verifier_never_holds_the_password(password: str) -> None:
    assert password not in verifier(password)


def test_a_password_outside_ascii_is_no_password_of_ours() -> None:
    with pytest.raises(UnicodeEncodeError):
        verifier("pässword")


def test_passwords_are_long_of_letters_and_digits_and_never_the_same() -> None:
    passwords = {random_password() for _ in range(200)}
    assert len(passwords) == 200
    assert {len(password) for password in passwords} == {48}
    assert set("".join(passwords)) == set(string.ascii_letters + string.digits)


def test_a_short_password_is_refused() -> None:
    with pytest.raises(ValueError, match="39 characters is too short; 40 is the least"):
        random_password(39)
