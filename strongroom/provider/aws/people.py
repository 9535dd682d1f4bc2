"""strongroom:aws:People."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from strongroom.bootstrap.asking import LOOK
from strongroom.errors import StrongroomError
from strongroom.provider.people import (
    USUAL,
    Leaving,
    PeopleInputs,
    UnreachableError,
    retire_each,
    settled,
)
from strongroom.provider.resource import Context, Found, replacing

# Seconds: as long as Lambda lets it run, and a little more.
_PATIENCE = 930


class AwsPeopleInputs(PeopleInputs):
    """Who signs in to an instance."""

    function: str = replacing(description="The name of the function that acts as its root.")
    region: str = Field(description="Where the function is.")


class People(Leaving[AwsPeopleInputs]):
    """Those of an instance on AWS, where only a function acts as root: it is asked."""

    token = "strongroom:aws:People"  # noqa: S105 - a type token
    Inputs = AwsPeopleInputs

    def create(self, context: Context, inputs: AwsPeopleInputs) -> Found:
        return Found(inputs.function, settled(inputs))

    def outlooks(
        self, context: Context, inputs: AwsPeopleInputs, roles: Sequence[str]
    ) -> Mapping[str, str]:
        event = {"Action": "outlook", "Roles": list(roles)}
        try:
            found = _asked(inputs, f"{inputs.function}:{LOOK}", event)
        except StrongroomError as error:
            # A preview is to be read, also by who may not ask or while the database is away.
            context.say(f"what leavers would leave behind was not looked at: {error}", keep=True)
            return dict.fromkeys(roles, f"{USUAL} (it was not looked at)")
        left: Mapping[str, str] = found.get("left", {})
        return {role: left.get(role, "the role is gone already") for role in roles}

    def retire(self, context: Context, inputs: AwsPeopleInputs, roles: Sequence[str]) -> None:
        def retire(role: str) -> None:
            _asked(inputs, inputs.function, {"Action": "retire", "Roles": [role]})

        retire_each(context, roles, retire)


def _asked(inputs: AwsPeopleInputs, function: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the function answers.

    Raises:
        StrongroomError: it says that it cannot; UnreachableError: it was not asked at all.
    """
    # Half a second, which only who has leavers pays.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    # Called twice it would do nothing more, but the second answer would tell of nothing.
    config = Config(
        read_timeout=_PATIENCE,
        connect_timeout=10,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,  # nothing is said for minutes
    )
    try:
        client = boto3.client("lambda", region_name=inputs.region, config=config)
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        said = json.loads(answer["Payload"].read() or b"{}")
    except (BotoCoreError, ClientError, ValueError) as error:
        raise UnreachableError(
            f"The function {function} in {inputs.region}, which acts as root of the database, "
            f"could not be asked to {event['Action']}: {' '.join(str(error).split())}. Nothing "
            "was changed. Mend the cause, such as a role that may not invoke it, and try again."
        ) from error
    if "FunctionError" in answer:
        raise StrongroomError(_reason(function, said))
    found: Mapping[str, Any] = said
    return found


def _reason(function: str, said: Any) -> str:
    """Our own errors are paragraphs for people already; others need a place to look."""
    told = said if isinstance(said, dict) else {}
    message = " ".join(str(told.get("errorMessage") or said).split())
    if told.get("errorType") in ("StrongroomError", "SettingsError"):
        return message
    return (
        f"The function {function} failed: {message}. What was begun goes on where it was when it "
        f"is asked again. Its log, /aws/lambda/{function.partition(':')[0]}, says more."
    )
