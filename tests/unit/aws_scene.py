"""Components of a stack on AWS beside a primary that is only what they look at."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pulumi

from components.aws.primary import Primary
from strongroom.aws_names import Names
from strongroom.aws_settings import AwsSettings
from strongroom.settings import Settings
from tests.unit.aws_events import INSTANCE, NAMES, PIPELINE
from tests.unit.aws_stack import ACCOUNT, REGION, AwsAnswers
from tests.unit.recording_engine import Recording, run

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAMES.topic}"
GROUP = "sg-0123456789abcdef0"
SUBNETS = "strongroom-production-subnets"
COPY_REGION = "eu-west-1"
AWS = AwsSettings(region=REGION, copy_region=COPY_REGION, pipeline_roles=(PIPELINE,))
SETTINGS = Settings("production", platform="aws", replica_delay_seconds=14_400, aws=AWS)


def primary(names: Names = NAMES) -> Primary:
    """As much of one as backups and the watch look at."""
    known = pulumi.Output.from_input
    found = pulumi.ComponentResource("test:Primary", "primary")
    log("primary", found)
    group = SimpleNamespace(id=known(GROUP))
    vars(found).update(
        names=names,
        arn=known(INSTANCE),
        alerts=known(TOPIC),
        subnet_group=known(SUBNETS),
        network=SimpleNamespace(database_group=group),
    )
    return cast("Primary", found)


def log(where: str, parent: pulumi.Resource) -> pulumi.Resource:
    """Stands for the log group of an instance."""
    options = pulumi.ResourceOptions(parent=parent)
    return pulumi.CustomResource("test:index:Log", f"{where}-log", {}, options)


def declared(program: Callable[[], None]) -> Recording:
    """What a program registers, with what AWS would answer."""
    return run(program, "production", AwsAnswers())
