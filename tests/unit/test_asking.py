"""By its alias the function looks, and whatever opens the secret has it rotate."""

from types import SimpleNamespace
from typing import Any

import pytest

from strongroom.bootstrap.asking import asked
from strongroom.errors import StrongroomError

FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:strongroom-production-root"
LOOK = SimpleNamespace(invoked_function_arn=f"{FUNCTION}:look")
ITSELF = SimpleNamespace(invoked_function_arn=FUNCTION)

OUTLOOK = {"Action": "outlook", "Roles": ["ada"]}
STEP = {"Step": "createSecret", "SecretId": "x", "ClientRequestToken": "y"}


@pytest.mark.parametrize(
    "event",
    [
        {"Action": "retire"},
        {"Action": "bootstrap"},
        {"Action": "rotate"},
        STEP,
        {"Records": []},
        {},
    ],
)
def test_by_the_alias_nothing_but_looking_is_done(event: dict[str, Any]) -> None:
    with pytest.raises(StrongroomError, match="so nothing was changed"):
        asked(event, LOOK)


def test_looking_is_done_by_either_name() -> None:
    assert asked(OUTLOOK, LOOK) == asked(OUTLOOK, ITSELF) == OUTLOOK


@pytest.mark.parametrize("context", [ITSELF, None])
def test_actions_and_steps_pass_as_they_are(context: object) -> None:
    assert asked(STEP, context) == STEP
    assert asked({"Action": "bootstrap"}, context) == {"Action": "bootstrap"}


def test_messages_of_the_queue_ask_for_one_rotation_however_many_they_are() -> None:
    told = {"Records": [{"body": "{}"}, {"body": "{}"}]}
    assert asked(told, ITSELF) == {"Action": "rotate"}
