"""Secrets that would lie in the state and in previews for everybody to read."""

import re
from collections.abc import Iterator
from typing import Any

import pulumi

from policy.resource import Resource, walk
from policy.rule import rule
from policy.stack import Stack

#: The last words of a name that holds a secret: masterUserPassword, secret_string, API-KEY.
_ENDINGS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "credentials"),
    *("private key", "secret key", "access key", "api key", "secret string", "secret binary"),
    *("password wo", "secret string wo", "auth key", "signing key"),
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
#: Values that are secret whatever they are called.
_SHAPES = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----"),
    "an access key of AWS": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@"),
    "a password in a connection string": re.compile(
        r"(?=.*\b(?:host|user|dbname)=).*\bpassword=[^\s;&]", re.IGNORECASE
    ),
}


@rule(
    "no-plain-secret",
    "No secret is an ordinary property",
    remedy="Make it with pulumi.Output.secret(), pulumi config set --secret, or better nowhere: "
    "root's password is made by machines and people have none",
)
def no_plain_secret(resource: Resource, _: Stack) -> Iterator[str]:
    """No text under a name that promises a secret, and nothing that looks like one.

    What it found is not repeated: the message goes into logs and comments.
    """
    for path, value in walk(resource.properties):
        text = _text(value)
        if text and _promises(path) and not text.startswith("arn:"):
            yield f"{path} is in the clear"
        for kind, shape in _SHAPES.items():
            if text and shape.search(text):
                yield f"{path} holds {kind}, in the clear"


def _text(value: Any) -> str:
    """What can be read of a value as it lies in the state."""
    if isinstance(value, pulumi.StringAsset):
        return value.text
    return value if isinstance(value, str) else ""


def _promises(path: str) -> bool:
    """Whether the last name in a path is one of a secret."""
    name = re.sub(r"\[\d+\]", "", path).rsplit(".", 1)[-1]
    words = " ".join(_WORDS.findall(name)).lower()
    return any(words == ending or words.endswith(f" {ending}") for ending in _ENDINGS)
