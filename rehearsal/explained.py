"""What checkov finds in the stacks and why it is no fault, by check and resource."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that checkov finds.

    Attributes:
        check: checkov's id of the rule.
        resource: a pattern of the resource's address.
        stack: the one stack it is meant in; empty for every stack.
    """

    check: str
    resource: str
    stack: str = ""


_DEVELOPMENT = "development"
_THROWN_AWAY = "what development holds is made up, and the whole stack may be thrown away"

#: Each with its reason.
EXPLAINED: Mapping[Finding, str] = {
    Finding("CKV2_AWS_5", "aws_security_group.primary-network-clients"): (
        "applications wear it, and those are declared elsewhere; the database lets it in"
    ),
    Finding("CKV_AWS_116", "aws_lambda_function.root-function-code"): (
        "whoever calls it waits for its answer and gets its error; a message about an opened "
        "secret goes back to its queue, and an alarm tells of every failure"
    ),
    Finding("CKV_AWS_157", "aws_db_instance.replica-instance"): (
        "a replica is itself the copy in another zone; only the primary has a standby of its own"
    ),
    Finding("CKV_AWS_157", "aws_db_instance.delayed-instance"): (
        "the delayed replica serves nobody, so it needs no standby"
    ),
    Finding("CKV_AWS_173", "aws_lambda_function.root-function-code"): (
        "its variables are host, port and names, no secret; Lambda encrypts them with its own key"
    ),
    Finding("CKV_AWS_272", "aws_lambda_function.root-function-code"): (
        "the archive is packed from this checkout and its digest reviewed; a signing profile would "
        "be the pipeline's as well and keep nobody out"
    ),
    Finding("CKV_AWS_290", "aws_iam_role_policy.root-function-access"): (
        "Lambda makes the function's network interfaces by this role, which AWS lets nobody limit "
        "to what is not there yet; a Deny keeps the code itself from doing so"
    ),
    Finding("CKV_AWS_157", "aws_db_instance.primary-instance", _DEVELOPMENT): _THROWN_AWAY,
    Finding("CKV_AWS_293", "aws_db_instance.*", _DEVELOPMENT): _THROWN_AWAY,
    Finding("CKV_AWS_338", "aws_cloudwatch_log_group.*", _DEVELOPMENT): _THROWN_AWAY,
}
