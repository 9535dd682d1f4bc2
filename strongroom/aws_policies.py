"""Policies of AWS: documents of statements, and the ones that several components need."""

import json
from typing import Any


def document(*statements: Any) -> dict[str, Any]:
    """A policy; its statements may hold outputs."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def assumed_by(service: str) -> str:
    """The trust policy of a role for one service, such as lambda.amazonaws.com."""
    trusting = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps(document(trusting))
