"""What was declared is found again in what an API tells, in the API's own words."""

import pytest

from rehearsal.comparison import agrees, compared
from rehearsal.engine import Resource
from rehearsal.result import Stored


def instance(**declared: object) -> Resource:
    urn = "urn:pulumi:production::strongroom::aws:rds/instance:Instance::primary-instance"
    return Resource(urn, "aws:rds/instance:Instance", "db-1", declared, declared)


def verdicts(found: Stored) -> dict[str, str]:
    return {each.name: each.verdict for each in found.properties}


def test_a_resource_is_compared_by_the_names_of_the_api() -> None:
    told = {
        "DBInstanceClass": "db.m7g.large",
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
        "Endpoint": {"Address": "a", "Port": 5432},
        "TagList": [{"Key": "project", "Value": "strongroom"}],
        "MultiAZ": False,
    }
    declared = instance(
        instanceClass="db.m7g.large",
        vpcSecurityGroupIds=["sg-1"],
        port=5432,
        tags={"project": "strongroom"},
        multiAz=True,
        applyImmediately=True,
        unheardOf=1,
        password={"4dabf18193072939515e22adb298388d": "sealed"},
    )
    found = compared(declared, told, {})
    assert verdicts(found) == {
        "instanceClass": "same",
        "vpcSecurityGroupIds": "same",
        "port": "same",
        "tags": "same",
        "multiAz": "different",
        "applyImmediately": "part of a request, kept nowhere",
        "unheardOf": "the API does not tell",
        "password": "sealed",
    }
    assert (found.name, found.kind) == ("primary-instance", "rds/Instance")
    assert [each.name for each in found.different] == ["multiAz"]


def test_what_the_api_does_not_have_is_not_found() -> None:
    assert compared(instance(port=5432), None, {}).found is False


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        ('{"a": [1], "b": "c"}', {"b": "c", "a": [1]}),
        (["x", "y"], ["y", "x", "z"]),
        ("true", True),
        (30, "30"),
        (5e9, 5000000000.0),
        ("strongroom-root", "arn:aws:lambda:eu-central-1:1:function:strongroom-root"),
        ({"deleteAfter": 35}, {"DeleteAfterDays": 35, "MoveToColdStorageAfterDays": -1}),
        ({"metricName": "M"}, {"Metric": {"MetricName": "M"}}),
        ({"DBInstanceIdentifier": "x"}, [{"Name": "DBInstanceIdentifier", "Value": "x"}]),
    ],
)
def test_the_same_is_recognised_however_it_is_written(declared: object, stored: object) -> None:
    assert agrees(declared, stored)


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        ("35", "7"),
        (["x", "y"], ["x"]),
        ({"deleteAfter": 35}, {"DeleteAfterDays": 7}),
        ({"deleteAfter": 35}, {}),
        ({"a": "b"}, [{"Key": "a", "Value": "c"}]),
        ('{"Effect": "Deny"}', '{"Effect": "Allow"}'),
        ("root", "arn:aws:iam::1:role/not-root"),
    ],
)
def test_another_value_is_another(declared: object, stored: object) -> None:
    assert not agrees(declared, stored)
