"""What the watch on AWS declares: everything it sees has somebody who is told."""

import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.aws.agent import Agent, AgentArgs
from components.aws.watch import watch_replica
from strongroom.aws_names import Names
from strongroom.settings import Settings
from tests.unit.aws_events import NAMES, PIPELINE
from tests.unit.aws_scene import AWS, GROUP, SETTINGS, TOPIC, declared, log, primary
from tests.unit.recording_engine import Recording

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"


def declare(settings: Settings = SETTINGS, names: Names = NAMES) -> Recording:
    def program() -> None:
        server = primary(names)
        Agent("agent", AgentArgs(server, settings))
        # As the replicas of a stack do.
        for where, delay in (("replica", 0), ("delayed", 14_400)):
            parent = pulumi.ComponentResource("test:Replica", where)
            watch_replica(
                f"{where}-watch", where, names.of(where), names, settings.aws, server.alerts,
                parent, delay_seconds=delay, after=[log(where, parent)],
            )  # fmt: skip

    return declared(program)


@pytest.fixture(scope="module")
def stack() -> Recording:
    return declare()


def _inputs(stack: Recording, kind: str) -> dict[str, dict[str, Any]]:
    return {one.name: one.inputs for one in stack.of_type(kind)}


def test_everything_is_a_child_of_what_it_watches(stack: Recording) -> None:
    parents = {stack.named(name).urn: name for name in ("agent", "replica", "delayed")}
    for one in stack.registered:
        if one.type.startswith("aws:"):
            assert one.name.startswith(f"{parents[one.request.parent]}-")
            # Names are fixed.
            assert one.request.deleteBeforeReplace
    assert stack.outputs[stack.named("agent").urn] == {}


def test_every_alarm_tells_the_topic_and_says_what_silence_means(stack: Recording) -> None:
    alarms = _inputs(stack, ALARM)
    assert len(alarms) > 30
    for alarm in alarms.values():
        assert alarm["alarmActions"] == [TOPIC]
        assert alarm["treatMissingData"] in ("notBreaching", "breaching", "missing")
        assert alarm["alarmDescription"]
        assert alarm["datapointsToAlarm"] == alarm["evaluationPeriods"]
        assert ("metricQueries" in alarm) != ("metricName" in alarm)


def test_every_metric_that_is_looked_at_is_counted_in_a_log_or_measured_by_rds(
    stack: Recording,
) -> None:
    counted = {
        (each["metricTransformation"]["namespace"], each["metricTransformation"]["name"])
        for each in _inputs(stack, FILTER).values()
    }
    looked_at = set()
    for alarm in _inputs(stack, ALARM).values():
        plain = [alarm] if "metricName" in alarm else []
        metrics = [each["metric"] for each in alarm.get("metricQueries", []) if "metric" in each]
        for each in plain + metrics:
            if each["namespace"] == "AWS/RDS":
                identifier = each["dimensions"]["DBInstanceIdentifier"]
                assert identifier in (NAMES.primary, NAMES.replica, NAMES.delayed)
            elif each["namespace"] == "AWS/SNS":
                assert each["dimensions"] == {"TopicName": NAMES.topic}
            else:
                looked_at.add((each["namespace"], each["metricName"]))
    assert looked_at == counted


def test_what_is_computed_has_one_result(stack: Recording) -> None:
    computed = {
        name: alarm["metricQueries"]
        for name, alarm in _inputs(stack, ALARM).items()
        if "metricQueries" in alarm
    }
    assert set(computed) == {
        "agent-rights",
        "agent-root-statement",
        "replica-watch-replica-lag",
        "delayed-watch-delayed-lag",
    }
    for queries in computed.values():
        (result,) = [each for each in queries if each.get("returnData")]
        known = {each["id"] for each in queries if "metric" in each}
        assert {part for part in ("m1", "m2") if part in result["expression"]} == known
    lag = next(each for each in computed["delayed-watch-delayed-lag"] if each.get("returnData"))
    assert lag["expression"] == "IF(m1 < 0, 15001, m1)"


def test_logs_are_counted_once_their_group_is_there(stack: Recording) -> None:
    for one in stack.of_type(FILTER):
        where = one.name.partition("-")[0].replace("agent", "primary")
        assert stack.named(f"{where}-log").urn in one.request.dependencies
        assert one.inputs["logGroupName"] == f"/aws/rds/instance/{NAMES.of(where)}/postgresql"
        assert one.inputs["metricTransformation"]["defaultValue"] == "0"


def test_every_rule_tells_the_topic_in_a_sentence(stack: Recording) -> None:
    rules, targets = _inputs(stack, RULE), _inputs(stack, TARGET)
    assert set(rules) == set(targets)
    for name, target in targets.items():
        assert target["arn"] == TOPIC
        assert target["rule"] == rules[name]["name"]
        told = json.loads(target["inputTransformer"]["inputTemplate"])
        assert told.startswith("strongroom-production: ")
        assert told.endswith(rules[name]["description"])
        assert json.loads(rules[name]["eventPattern"])["detail-type"]
    assert GROUP in rules["agent-way-in"]["eventPattern"]
    assert PIPELINE in rules["agent-instance-changed"]["eventPattern"]


def test_credits_are_looked_at_only_where_a_class_has_them() -> None:
    for size, burstable in (("db.t4g.medium", True), ("db.m7g.large", False)):
        found = declare(replace(SETTINGS, aws=replace(AWS, replica_class=size)))
        names = [name for name in _inputs(found, ALARM) if name.endswith("-credits")]
        assert len(names) == (2 if burstable else 0)


@pytest.mark.parametrize("environment", ["p", "Production_of-Everything." * 4])
def test_names_are_unique_and_keep_to_awss_limits(environment: str) -> None:
    found = declare(names=Names(environment))
    for kind, limit in ((ALARM, 255), (FILTER, 512), (RULE, 64)):
        names = [one.inputs["name"] for one in found.of_type(kind)]
        assert len(set(names)) == len(names)
        assert max(map(len, names)) <= limit
