"""The simulator, for tests of what Strongroom adds to moto."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from rehearsal.instances import Instances
from rehearsal.scene import KEY
from rehearsal.simulator.server import Simulator
from rehearsal.tokens import Key

REGION, OTHER = "eu-central-1", "eu-west-1"

Client = Callable[..., Any]


@pytest.fixture(scope="module")
def instances(
    strongroom_home: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instances]:
    """The servers behind instances; one is made when a test asks RDS for it."""
    folder = strongroom_home / "rds"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    with Instances(folder, {KEY: Key(KEY)}) as made:
        yield made


@pytest.fixture(scope="module")
def simulator(instances: Instances) -> Iterator[Simulator]:
    """AWS on this machine."""
    with Simulator(servers=instances) as running:
        running.functions.surroundings["ALL_PROXY"] = instances.socks.url
        yield running


@pytest.fixture
def aws(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Gives boto3's client of a service, in a region."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in simulator.environment(REGION).items():
        monkeypatch.setenv(name, value)

    def client(service: str, region: str = REGION) -> Any:
        return boto3.client(service, region_name=region)

    return client
