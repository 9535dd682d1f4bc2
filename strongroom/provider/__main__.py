"""The strongroom plugin; the engine starts it through plugin/pulumi-resource-strongroom."""

import sys
from collections.abc import Sequence
from typing import Any

from strongroom.provider.bare import without_sdk

if __name__ == "__main__":
    without_sdk()

from strongroom import __version__
from strongroom.cluster.system_user import forget_libpq_settings
from strongroom.provider.resource import Resource
from strongroom.provider.server import Plugin, serve


def plugin() -> Plugin:
    """The plugin with every resource type it serves."""
    return Plugin(
        name="strongroom",
        version=__version__,
        description="Keeps a production PostgreSQL database out of reach of accidents.",
        resources=_resources,
    )


def _resources() -> Sequence[Resource[Any]]:
    from strongroom.provider.access.logging import Logging
    from strongroom.provider.access.matrix import Matrix
    from strongroom.provider.access.memberships import Memberships
    from strongroom.provider.aws import people as aws
    from strongroom.provider.aws.lasting import Lasting
    from strongroom.provider.local.agent import Agent
    from strongroom.provider.local.people import People
    from strongroom.provider.local.primary import Primary
    from strongroom.provider.local.replica import Replica
    from strongroom.provider.local.root_secret import RootSecret
    from strongroom.provider.local.snapshot_policy import SnapshotPolicy

    return (
        *(Primary(), Replica(), RootSecret(), SnapshotPolicy(), Agent()),
        *(People(), Logging(), Memberships(), Matrix()),
        *(Lasting(), aws.People()),
    )


if __name__ == "__main__":
    forget_libpq_settings()
    serve(plugin(), sys.argv[1:])
