"""The watch on AWS: what happens between two runs of `up`, and who is told."""

from dataclasses import dataclass
from typing import Self

import pulumi

from components.aws.alarm_table import instance_alarms, primary_alarms, topic_alarms
from components.aws.alarms import declare_alarms
from components.aws.event_table import data_rules, watch_rules
from components.aws.events import declare_rules
from components.aws.log_alarms import log_alarms
from components.aws.log_patterns import on_the_primary
from components.aws.primary import Primary
from components.aws.watch import count_in_log
from strongroom.declaration import Declaration
from strongroom.settings import Settings


@dataclass(frozen=True)
class AgentArgs:
    """What the watch is told.

    Attributes:
        primary: the instance it looks after.
        settings: those of the stack.
    """

    primary: Primary
    settings: Settings

    @classmethod
    def of(cls, stack: Declaration, primary: Primary) -> Self:
        """As a stack declares it."""
        return cls(primary=primary, settings=stack.settings)


class Agent(pulumi.ComponentResource):
    """Declares who is told of what: PostgreSQL's log, RDS's measures, CloudTrail's events.

    What RDS says by itself is told from the first minute of the primary, which declares that.

    Services of AWS do what the background process of a local stack does: pg_cron keeps the
    heartbeat, AWS Backup takes snapshots and tests them, Secrets Manager rotates. A scheduled `up`
    ends what is lent until a time.

    It refuses to judge what it sees: each alarm says what to do, a person decides. It gives and
    takes no right.

    It has no outputs.
    """

    def __init__(
        self, name: str, args: AgentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Agent", name, {}, opts)
        primary, settings = args.primary, args.settings.aws
        names, topic = primary.names, primary.alerts
        # Log groups and instances have to be there; names are fixed.
        after = pulumi.ResourceOptions(
            parent=self, depends_on=[primary], delete_before_replace=True
        )
        patterns = on_the_primary(settings.existing.master)
        count_in_log(name, patterns, "primary", names.primary, names, after)
        alarms = (
            *instance_alarms(
                "primary", names.primary, settings.instance_class, settings.storage_gb
            ),
            *primary_alarms(names.primary, settings.storage_gb),
            *log_alarms(names),
            *topic_alarms(names),
        )
        declare_alarms(name, alarms, names, topic, self)
        rules = (
            *data_rules(names, settings.pipeline_roles, primary.network.database_group.id),
            *watch_rules(names, settings.pipeline_roles),
        )
        declare_rules(name, rules, names, topic, self)
        self.register_outputs({})
