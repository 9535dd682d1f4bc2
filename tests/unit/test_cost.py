"""What a stack costs is summed up from its settings, each price with its date."""

import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from strongroom.aws_settings import AwsSettings
from strongroom.cli import app
from strongroom.cost.bill import ALARMS, METRICS, bill
from strongroom.cost.prices import PriceList
from strongroom.settings import Settings
from tests.unit.aws_graph import GRAPHS
from tests.unit.aws_stack import CHECKOUT, ENVIRONMENTS

PRICES = PriceList.load()
SMALL = Settings(
    "small",
    platform="aws",
    aws=AwsSettings(
        region="us-east-1",
        instance_class="db.t4g.medium",
        storage_gb=20,
        multi_az=False,
        vpc="vpc-0123456789",
    ),
)


def counts(settings: Settings) -> dict[str, float]:
    return {line.what.split(",")[0]: line.count for line in bill(settings, PRICES).lines}


def test_every_price_has_its_date_and_where_it_was_read() -> None:
    for what, price in PRICES.prices.items():
        assert re.fullmatch(r"20\d\d(-\d\d){0,2}|undated", price.date), what
        assert price.source, what
        assert price.per in ("hour", "month", "GB-month"), what
        assert price.price > 0, what


def test_the_sum_is_what_it_is_made_of() -> None:
    small = bill(SMALL, PRICES)
    # Two instances and their storage, four keys, a secret, alarms and metrics.
    known = 2 * 0.065 * 730 + 40 * 0.115 + 4 + 0.4 + ALARMS * 0.1 + METRICS * 0.3
    assert small.monthly == pytest.approx(known)
    assert small.unknown == ()


def test_a_second_zone_a_delayed_replica_and_a_second_region_are_paid_for() -> None:
    plain = counts(SMALL)
    assert plain["primary"] == plain["1 replica"] == 1
    large = replace(
        SMALL,
        replica_delay_seconds=3600,
        aws=replace(SMALL.aws, multi_az=True, copy_region="us-west-2", vpc=""),
    )
    found = counts(large)
    assert found["primary"] == found["2 replicas"] == 2
    assert found["storage of the primary"] == 40
    assert found["endpoints"] == 6
    assert found["copies of backups in us-west-2"] == 40
    assert found["keys"] == plain["keys"] + 1


def test_what_has_no_price_is_named_and_not_in_the_sum() -> None:
    other = replace(SMALL, aws=replace(SMALL.aws, instance_class="db.r7g.large"))
    found = bill(other, PRICES)
    assert [each.split(",")[0] for each in found.unknown] == ["primary", "1 replica"]
    assert found.monthly < bill(SMALL, PRICES).monthly


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_stack_is_billed_for_what_its_graph_declares(environment: str) -> None:
    graph = (GRAPHS / f"{environment}.yaml").read_text()

    def declared(kind: str) -> int:
        return len(re.findall(rf"\({kind}\):$", graph, re.MULTILINE))

    settings = Settings.load(CHECKOUT, environment)
    found = counts(settings)
    replicas = 2 if settings.replica_delay_seconds else 1
    assert found["keys"] == declared("Key")
    assert found["secret"] == declared("Secret")
    assert found["endpoints"] == declared("VpcEndpoint") * declared("Subnet")
    assert 1 + replicas == declared("Instance")
    assert declared("MetricAlarm") <= ALARMS
    assert declared("LogMetricFilter") <= METRICS


def test_the_command_says_for_every_stack_what_is_in_the_sum_and_what_is_not() -> None:
    told = CliRunner().invoke(app, ["cost"], env={"COLUMNS": "120"})
    assert told.exit_code == 0
    for environment in ENVIRONMENTS:
        assert f"{environment} (eu-central-1)" in told.output
    assert "Prices are those of us-east-1" in told.output
    assert "the price is that of MySQL in us-west-2" in " ".join(told.output.split())
    assert "Not in it:" in told.output
    one = CliRunner().invoke(app, ["cost", "--stack", "production", "--json"])
    (stack,) = json.loads(one.output)["stacks"]
    assert stack["environment"] == "production"
    assert stack["monthly"] > 500
