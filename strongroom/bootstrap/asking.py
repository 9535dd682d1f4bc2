"""Who asks the function on AWS for what, before anything is done."""

from collections.abc import Mapping
from typing import Any

from strongroom.errors import StrongroomError

#: The alias by which a preview asks: whoever may call that one only, looks only.
LOOK = "look"


def asked(event: Mapping[str, Any], context: object) -> Mapping[str, Any]:
    """What is asked for, in the words of the function.

    Args:
        event: what Lambda hands over: an action, a step of a rotation, or messages of the queue
            that tells that somebody opened the secret.
        context: Lambda's own, which knows by which alias it was called.

    Raises:
        StrongroomError: by that alias nothing of the kind is done.
    """
    alias = str(getattr(context, "invoked_function_arn", "")).rpartition(":")[2]
    action = event.get("Action")
    if alias == LOOK and action != "outlook":
        raise StrongroomError(
            f"By its alias {LOOK} this function looks at what leavers would leave behind (the "
            f"action 'outlook') and was asked for {action or event.get('Step')!r}, so nothing was "
            "changed. Whoever may change something calls it by its name."
        )
    # What was seen is worth nothing from now on, however often it was seen.
    return {"Action": "rotate"} if "Records" in event else event
