"""The pack as it is started: by the engine, by the official language host, and ended by either."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policy.rules import RULES

CHECKOUT = Path(__file__).parents[3]
ADDRESS = "127.0.0.1:1"
#: How the engine starts an executable, and how the official language host starts a folder.
STARTS = {
    "run": ["policy/run", ADDRESS],
    "folder": [sys.executable, "-u", "-m", "pulumi.policy", ADDRESS, str(CHECKOUT / "policy")],
}


@contextmanager
def started(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], grpc.Channel]]:
    process = subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stderr
    with process, process.stdout, process.stderr:
        try:
            with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
                yield process, channel
        finally:
            process.kill()


@pytest.mark.parametrize("way", STARTS)
def test_it_tells_its_port_and_its_rules_and_ends_without_a_word(way: str) -> None:
    with started(STARTS[way]) as (process, channel):
        stub = analyzer_pb2_grpc.AnalyzerStub(channel)
        stub.Handshake(analyzer_pb2.AnalyzerHandshakeRequest(engine_address=ADDRESS), timeout=10)
        stub.ConfigureStack(
            analyzer_pb2.AnalyzerStackConfigureRequest(stack="development"), timeout=10
        )
        info = stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=10)
        assert len(info.policies) == len(RULES)
        assert {each.enforcementLevel for each in info.policies} == {analyzer_pb2.ADVISORY}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == -signal.SIGINT
        assert process.stderr
        assert process.stderr.read() == ""
