"""Is a password an IAM token that RDS would take? Checked as AWS does, by signing it once more.

A token is a presigned request for https://HOST:PORT/?Action=connect&DBUser=USER without its
scheme (AWS documentation, "Signature Version 4", service ``rds-db``).
"""

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_SERVICE = "rds-db"
_STAMP = "%Y%m%dT%H%M%SZ"
_SIGNATURE = "&X-Amz-Signature="

#: Seconds a token opens a session, and how far clocks may be apart.
LIFETIME = timedelta(seconds=900)
_CLOCKS = timedelta(minutes=5)


@dataclass(frozen=True)
class Key:
    """What AWS knows of an access key.

    Attributes:
        secret: the secret access key.
        session_token: of temporary credentials; empty for others.
        users: the roles its policy allows ``rds-db:connect`` as; None for all.
    """

    secret: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    users: Collection[str] | None = None


@dataclass(frozen=True)
class Door:
    """Where tokens are for.

    Attributes:
        host: the instance's endpoint, as tokens must have it.
        port: its port, as tokens must have it.
        region: the instance's region.
        keys: by access key id.
    """

    host: str
    port: int
    region: str
    keys: Mapping[str, Key]

    def refusal(self, token: str, user: str, now: datetime | None = None) -> str:
        """Why a token does not let `user` in; empty when it does.

        Args:
            token: what was given as a password.
            user: the role that is asked for.
            now: the time to judge by; None for this moment.
        """
        parts = urlsplit(f"https://{token}")
        told = dict(parse_qsl(parts.query, keep_blank_values=True))
        key_id, _, scope = told.get("X-Amz-Credential", "").partition("/")
        key = self.keys.get(key_id)
        if key is None:
            return "it was signed by no key that is known"
        unsigned, _, signature = parts.query.rpartition(_SIGNATURE)
        if not hmac.compare_digest(signature, _signature(parts.netloc, unsigned, told, key)):
            return "its signature is wrong"
        wrong = [
            reason
            for reason, right in (
                (f"it is for {parts.netloc}", parts.netloc == f"{self.host}:{self.port}"),
                ("it is for another user", told.get("DBUser") == user),
                ("it is no request to connect", told.get("Action") == "connect"),
                (
                    "it is for another region or service",
                    scope.split("/")[1:] == [self.region, _SERVICE, "aws4_request"],
                ),
                (
                    "it is of another session",
                    told.get("X-Amz-Security-Token", "") == key.session_token,
                ),
                (f"its key may not connect as {user}", key.users is None or user in key.users),
                ("it is too old, or not valid yet", _in_time(told, now or datetime.now(UTC))),
            )
            if not right
        ]
        return "; ".join(wrong)


def _signature(place: str, query: str, told: Mapping[str, str], key: Key) -> str:
    request = AWSRequest("GET", f"https://{place}/?{query}")
    request.context["timestamp"] = told.get("X-Amz-Date", "")
    region = told.get("X-Amz-Credential", "").split("/")[2:3]
    signer = SigV4QueryAuth(Credentials("", key.secret), _SERVICE, "".join(region))
    canonical = signer.canonical_request(request)
    scoped = request.context["timestamp"][:8]
    to_sign = signer.string_to_sign(request, canonical)
    return str(signer.signature(to_sign, request)) if scoped else ""


def _in_time(told: Mapping[str, str], now: datetime) -> bool:
    try:
        made = datetime.strptime(told.get("X-Amz-Date", ""), _STAMP).replace(tzinfo=UTC)
        lives = min(timedelta(seconds=int(told.get("X-Amz-Expires", ""))), LIFETIME)
    except ValueError:
        return False
    return made - _CLOCKS <= now < made + lives
