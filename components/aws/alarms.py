"""What an alarm of CloudWatch is made of, and how a table of them is declared."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_aws as aws

from strongroom.aws_names import Names

MINUTE, HOUR = 60, 3600


class Beyond(StrEnum):
    """On which side of its threshold a measure is alarming."""

    ABOVE = "GreaterThanThreshold"
    BELOW = "LessThanThreshold"


class Silence(StrEnum):
    """What it means when nothing is measured."""

    #: What is counted did not happen.
    FINE = "notBreaching"
    #: What should be measured all the time is not there.
    ALARMING = "breaching"
    #: Nothing can be said, such as of an instance that is stopped on purpose.
    UNKNOWN = "missing"


@dataclass(frozen=True)
class Measure:
    """A metric, and how the values of one period are put together.

    Attributes:
        namespace: whose metric it is.
        metric: its name there.
        statistic: Sum, Average, Minimum or Maximum.
        dimensions: what of, as pairs of name and value.
    """

    namespace: str
    metric: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Alarm:
    """When somebody is called, and what they do then.

    Attributes:
        name: tells it from the stack's others; lower case and hyphens, 20 characters at most.
        means: what it says, and what to do, in a few sentences.
        measure: what is looked at.
        threshold: beyond it is alarming.
        beyond: on which side.
        silence: what no value means.
        period: seconds that one value is for: 60 or a multiple.
        periods: how many of them, one after another, have to be beyond it.
        less: subtracted from `measure` value by value, where none is 0.
        unless: with a value of this in the same period it is not alarming.
        worst_below: a value below this is the worst there is, such as -1 for "not replicating".
        ends: whether its end is told as well; what has happened has no end.
    """

    name: str
    means: str
    measure: Measure
    threshold: float
    beyond: Beyond
    silence: Silence
    period: int = MINUTE
    periods: int = 1
    less: Measure | None = None
    unless: Measure | None = None
    worst_below: float | None = None
    ends: bool = True


def declare_alarms(
    name: str,
    alarms: Sequence[Alarm],
    names: Names,
    topic: pulumi.Input[str],
    parent: pulumi.Resource,
) -> None:
    """Declare every alarm of a table; each tells the topic.

    Args:
        name: what the resources' names begin with.
        alarms: the table.
        names: of the stack.
        topic: the ARN of the topic.
        parent: the component they belong to.
    """
    for alarm in alarms:
        expression = _expression(alarm)
        plain = alarm.measure if expression is None else None
        aws.cloudwatch.MetricAlarm(
            f"{name}-{alarm.name}",
            name=names.of(alarm.name),
            alarm_description=alarm.means,
            alarm_actions=[topic],
            ok_actions=[topic] if alarm.ends else None,
            comparison_operator=alarm.beyond.value,
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.periods,
            treat_missing_data=alarm.silence.value,
            namespace=plain.namespace if plain else None,
            metric_name=plain.metric if plain else None,
            statistic=plain.statistic if plain else None,
            dimensions=dict(plain.dimensions) if plain else None,
            period=alarm.period if plain else None,
            metric_queries=_computed(alarm, expression) if expression else None,
            # Its name is fixed, so two of it cannot be there at the same time.
            opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
        )


def _computed(alarm: Alarm, expression: str) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    """What is alarming, and what it is computed of."""
    other = alarm.less or alarm.unless
    queries = [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=key,
            metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=each.namespace,
                metric_name=each.metric,
                stat=each.statistic,
                dimensions=dict(each.dimensions) or None,
                period=alarm.period,
            ),
        )
        for key, each in (("m1", alarm.measure), ("m2", other))
        if each
    ]
    result = aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id="e1", expression=expression, label=alarm.name, return_data=True
    )
    return [result, *queries]


def _expression(alarm: Alarm) -> str | None:
    if alarm.less:
        return "FILL(m1, 0) - FILL(m2, 0)"
    if alarm.unless:
        return "IF(FILL(m2, 0) > 0, 0, FILL(m1, 0))"
    if alarm.worst_below is not None:
        return f"IF(m1 < {alarm.worst_below:g}, {alarm.threshold + 1:g}, m1)"
    return None
