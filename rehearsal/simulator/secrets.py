"""Secrets Manager: a rotation as AWS does it.

moto names the secret to the function by its name, where AWS gives the ARN; it makes the new
version the current one whatever the function did; it breaks on a secret without a value, and goes
on giving out the old one after AWSCURRENT was moved. Here the function alone moves the stages, and
a rotation whose function fails stays pending, as on AWS.
"""

import json
import time
import uuid
from functools import cache
from typing import Any

from moto.awslambda.utils import get_backend
from moto.secretsmanager.exceptions import ResourceNotFoundException, SecretNotFoundException
from moto.secretsmanager.models import SecretsManagerBackend

_DAY = 86_400
_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@cache
def install() -> None:
    """Have moto rotate by this, once in a process."""
    move = SecretsManagerBackend.update_secret_version_stage

    def moved(
        self: Any,
        secret_id: str,
        version_stage: str,
        remove_from_version_id: str,
        move_to_version_id: str,
    ) -> tuple[str, str]:
        asked = (secret_id, version_stage, remove_from_version_id, move_to_version_id)
        if version_stage != "AWSCURRENT" or secret_id not in self.secrets:
            return move(self, *asked)
        secret = self.secrets[secret_id]
        if remove_from_version_id or _current(secret):
            answer = move(self, *asked)
        else:
            secret.versions[move_to_version_id]["version_stages"].append(version_stage)
            answer = secret.arn, secret.name
        if move_to_version_id:
            secret.set_default_version_id(move_to_version_id)
        return answer

    for name, function in (("rotate_secret", _rotate), ("update_secret_version_stage", moved)):
        setattr(SecretsManagerBackend, name, function)


def _current(secret: Any) -> bool:
    return any("AWSCURRENT" in each["version_stages"] for each in secret.versions.values())


def _rotate(
    self: SecretsManagerBackend,
    secret_id: str,
    client_request_token: str | None = None,
    rotation_lambda_arn: str | None = None,
    rotation_rules: dict[str, Any] | None = None,
    rotate_immediately: bool = True,
) -> str:
    if not self._is_valid_identifier(secret_id):
        raise SecretNotFoundException()
    secret: Any = self.secrets[secret_id]
    function = rotation_lambda_arn or secret.rotation_lambda_arn
    lambdas = get_backend(self.account_id, self.region_name)
    try:
        lambdas.get_function(function)
    except Exception as error:
        raise ResourceNotFoundException(f"Resource not found for ARN '{function}'.") from error
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = function
    if rotation_rules:
        secret.auto_rotate_after_days = rotation_rules.get("AutomaticallyAfterDays", 0)
        secret.rotation_rules = rotation_rules
    secret.next_rotation_date = int(time.time()) + secret.auto_rotate_after_days * _DAY
    token = client_request_token or str(uuid.uuid4())
    _stage(secret, token)
    if rotate_immediately:
        done = all(_step(lambdas, secret, step, token) for step in _STEPS)
        secret.last_rotation_date = int(time.time()) if done else secret.last_rotation_date
    else:
        # "The test creates an AWSPENDING version of the secret and then removes it" (RotateSecret).
        secret.versions[token] |= _values(secret)
        _step(lambdas, secret, "testSecret", token)
        del secret.versions[token]
    return str(secret.to_short_dict(version_id=token))


def _step(lambdas: Any, secret: Any, step: str, token: str) -> bool:
    """Have the function do one step; whether it did."""
    event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": token}
    answered: dict[str, str] = {}
    lambdas.invoke(secret.rotation_lambda_arn, None, json.dumps(event), {}, answered)
    return "x-amz-function-error" not in answered


def _values(secret: Any) -> dict[str, Any]:
    """The current value."""
    versions = secret.versions.values()
    current: dict[str, Any] = next(
        (each for each in versions if "AWSCURRENT" in each["version_stages"]), {}
    )
    return {name: current[name] for name in ("secret_string", "secret_binary") if name in current}


def _stage(secret: Any, token: str) -> None:
    """The version that is to come, still without a value."""
    secret.remove_version_stages_from_old_versions(["AWSPENDING"])
    secret.versions[token] = {
        "createdate": int(time.time()),
        "version_id": token,
        "version_stages": ["AWSPENDING"],
    }
