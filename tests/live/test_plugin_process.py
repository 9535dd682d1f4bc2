"""The plugin as the engine runs it: a process of its own, spoken to over gRPC."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from strongroom.provider.values import from_struct, to_struct
from tests.live.local_stack import SMALL, LocalStack

pytestmark = pytest.mark.live

CHECKOUT = Path(__file__).parents[2]

#: What a shell may hold that is set up for another server, a guarded one for example.
HOSTILE = {
    "PGHOSTADDR": "192.0.2.1",
    "PGHOST": "production.example",
    "PGPORT": "1",
    "PGUSER": "somebody",
    "PGDATABASE": "nowhere",
    "PGSERVICE": "production",
    "PGOPTIONS": "-c default_transaction_read_only=on",
    "PGSSLMODE": "disable",
    "PGSSLCERT": "/none",
    "PGCONNECT_TIMEOUT": "2",
    "LC_ALL": "de_DE.UTF-8",
}


@dataclass
class Engine(engine_pb2_grpc.EngineServicer):
    """The part of the engine a plugin talks to."""

    told: list[tuple[str, str, bool]] = field(default_factory=list)

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - as gRPC has it
        self.told.append((request.urn, request.message, request.ephemeral))
        return empty_pb2.Empty()


@dataclass
class Running:
    engine: Engine
    provider: Any
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def plugin(strongroom_home: Path) -> Iterator[Running]:
    engine = Engine()
    server = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    process = subprocess.Popen(
        [sys.executable, "-m", "strongroom.provider", address],
        cwd=CHECKOUT,
        env={**os.environ, **HOSTILE},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Running(engine, provider_pb2_grpc.ResourceProviderStub(channel), process)
    process.kill()
    process.wait()
    process.stdout.close()
    server.stop(None).wait()


def _urn(kind: str, name: str) -> str:
    return f"urn:pulumi:test::strongroom::strongroom:components:X$strongroom:{kind}::{name}"


def test_a_primary_is_made_changed_and_protected_over_grpc_whatever_the_shell_is_set_up_for(
    plugin: Running, empty_stack: LocalStack
) -> None:
    urn, serve = _urn("local:Primary", "primary"), plugin.provider
    declared = {"directory": str(empty_stack.folder / "primary"), "database": "app",
                "settings": SMALL, "guardedSchemas": ["app"]}  # fmt: skip
    checked = serve.Check(provider_pb2.CheckRequest(urn=urn, news=to_struct(declared)))
    assert not checked.failures
    planned = serve.Create(
        provider_pb2.CreateRequest(urn=urn, properties=checked.inputs, preview=True)
    )
    assert not (empty_stack.folder / "primary").exists()

    made = serve.Create(provider_pb2.CreateRequest(urn=urn, properties=checked.inputs))
    assert made.properties == planned.properties
    assert made.refresh_before_update
    assert (urn, "making the cluster (initdb with checksums)", True) in plugin.engine.told

    read = serve.Read(
        provider_pb2.ReadRequest(
            id=made.id, urn=urn, properties=made.properties, inputs=checked.inputs
        )
    )
    assert (read.properties, read.inputs, read.id) == (made.properties, checked.inputs, made.id)

    wanted = to_struct({**from_struct(checked.inputs), "guardedSchemas": ["app", "more"]})
    diff = serve.Diff(
        provider_pb2.DiffRequest(id=made.id, urn=urn, olds=made.properties, news=wanted)
    )
    assert list(diff.detailedDiff) == ["guardedSchemas"]
    updated = serve.Update(
        provider_pb2.UpdateRequest(id=made.id, urn=urn, olds=made.properties, news=wanted)
    )
    assert from_struct(updated.properties)["guardedSchemas"] == ["app", "more"]

    with pytest.raises(grpc.RpcError) as refused:
        serve.Delete(provider_pb2.DeleteRequest(id=made.id, urn=urn, properties=updated.properties))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "primary is not deleted: deletion protection is on" in str(refused.value.details())
    assert "\n" not in str(refused.value.details())


def test_the_schema_is_complete_json(plugin: Running) -> None:
    schema = json.loads(plugin.provider.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    assert set(schema["resources"]) == {
        "strongroom:local:Primary",
        "strongroom:local:Replica",
        "strongroom:local:RootSecret",
        "strongroom:local:SnapshotPolicy",
        "strongroom:local:Agent",
        "strongroom:local:People",
        "strongroom:aws:Lasting",
        "strongroom:aws:People",
        "strongroom:access:Logging",
        "strongroom:access:Memberships",
        "strongroom:access:Matrix",
    }


def test_an_unexpected_error_is_one_paragraph_that_says_how_to_find_its_cause(
    plugin: Running,
) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        plugin.provider.Read(provider_pb2.ReadRequest(id="x", urn=_urn("local:Primary", "x")))
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert "STRONGROOM_DEBUG=1" in str(failed.value.details())
    assert "\n" not in str(failed.value.details())


def test_the_plugin_ends_when_its_engine_is_killed() -> None:
    program = (
        "import subprocess, sys, time\n"
        "plugin = subprocess.Popen([sys.executable, '-m', 'strongroom.provider', '127.0.0.1:9'],"
        " stdout=subprocess.PIPE)\n"
        "plugin.stdout.readline()\n"
        "print(plugin.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    engine = subprocess.Popen(
        [sys.executable, "-c", program], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert engine.stdout is not None
    orphan = psutil.Process(int(engine.stdout.readline()))
    engine.kill()
    engine.wait()
    engine.stdout.close()
    deadline = time.monotonic() + 10
    while orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.1)
