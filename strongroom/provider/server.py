"""A Pulumi provider plugin: the engine's calls, answered by resource handlers.

Pulumi's own `pulumi.provider.experimental` server keeps back the old inputs in a diff, the
request to read a resource before every update, and turns an error into a traceback; the engine
speaks one small gRPC service, so it is served here directly.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, wraps
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

from strongroom.errors import StrongroomError
from strongroom.provider.answers import diff_response, failures, partial, planned, validated
from strongroom.provider.resource import Context, Diff, Properties, Refusal, Resource
from strongroom.provider.schema import package_schema
from strongroom.provider.values import from_struct, has_unknown, to_struct

M = TypeVar("M", bound=Callable[..., Any])


class Plugin:
    """A package and the resource types it serves.

    Attributes:
        config: the model of the provider's own settings, when it has any.
        resources: the handlers by the token of their type.
    """

    config: type[Properties] | None = None

    def __init__(
        self,
        name: str,
        version: str,
        description: str,
        resources: Callable[[], Iterable[Resource[Any]]],
    ) -> None:
        """Nothing is served yet.

        Args:
            name: the package's.
            version: the package's.
            description: of the package, for its schema.
            resources: gives the handlers, when the first is asked for. In every preview the engine
                starts a plugin once more only to have its settings checked.
        """
        self.name = name
        self.version = version
        self.description = description
        self._load = resources

    @cached_property
    def resources(self) -> Mapping[str, Resource[Any]]:
        return {resource.token: resource for resource in self._load()}

    def check_config(self, values: dict[str, Any]) -> list[tuple[str, str]]:
        """Judge the provider's settings: pairs of property and reason for what is refused."""
        return []

    def configure(self, values: dict[str, Any]) -> None:
        """Take the provider's settings; called once, before any resource."""

    def schema(self) -> str:
        """The package schema as JSON."""
        resources = self.resources.values()
        return package_schema(self.name, self.version, self.description, resources, self.config)

    def resource(self, urn: str) -> Resource[Any]:
        """The handler of the resource type in `urn`."""
        token = urn.split("::")[2].rsplit("$", 1)[-1]
        if token not in self.resources:
            served = ", ".join(sorted(self.resources))
            raise StrongroomError(
                f"{token} is not served by this {self.name} plugin ({self.version}), so it can be "
                f"neither previewed nor made. It serves {served}. Remove the resource, or use the "
                "official plugin if there is one."
            )
        return self.resources[token]


def told(method: M) -> M:
    """Answer an error with its one paragraph instead of a traceback."""

    @wraps(method)
    def wrapper(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except StrongroomError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the engine gets a sentence
            if os.environ.get("STRONGROOM_DEBUG"):
                traceback.print_exc()
            text = " ".join(str(error).split())
            context.abort(
                grpc.StatusCode.INTERNAL,
                f"{type(error).__name__}: {text} (unexpected; set STRONGROOM_DEBUG=1 and run "
                "again to see where in the plugin it comes from)",
            )

    return wrapper  # type: ignore[return-value]


class _Servicer(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, plugin: Plugin, engine: str) -> None:
        self._plugin = plugin
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine))

    def _context(
        self, urn: str, seed: bytes = b"", inputs: Mapping[str, Any] | None = None
    ) -> Context:
        def say(message: str, keep: bool = False) -> None:
            # A line that cannot be shown must not fail the work it speaks of.
            try:
                self._engine.Log(
                    engine_pb2.LogRequest(
                        severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=not keep
                    ),
                    timeout=5,
                )
            except grpc.RpcError:
                print(message, file=sys.stderr)

        return Context(urn=urn, seed=seed, say=say, inputs=inputs or {})

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self._plugin.version)

    @told
    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=self._plugin.schema())

    @told
    def CheckConfig(self, request: Any, context: Any) -> Any:
        refused = self._plugin.check_config(from_struct(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures(refused))

    @told
    def DiffConfig(self, request: Any, context: Any) -> Any:
        old, new = from_struct(request.olds), from_struct(request.news)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        return diff_response(Diff(updates=tuple(changed)), old, new)

    @told
    def Configure(self, request: Any, context: Any) -> Any:
        self._plugin.configure(from_struct(request.args))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    @told
    def Check(self, request: Any, context: Any) -> Any:
        resource = self._plugin.resource(request.urn)
        news, old = from_struct(request.news), from_struct(request.olds)
        try:
            inputs, unknown = validated(resource, news)
            if inputs is None:
                return provider_pb2.CheckResponse(inputs=to_struct(unknown))
            checked = resource.check(self._context(request.urn, request.randomSeed), inputs, old)
        except Refusal as refusal:
            return provider_pb2.CheckResponse(failures=failures(refusal.failures))
        return provider_pb2.CheckResponse(inputs=to_struct(checked.dump()))

    @told
    def Diff(self, request: Any, context: Any) -> Any:
        resource = self._plugin.resource(request.urn)
        state, news = from_struct(request.olds), from_struct(request.news)
        for name in request.ignoreChanges:
            if name in state:
                news[name] = state[name]
        if has_unknown(news):
            return diff_response(partial(resource, state, news), state, news)
        # On a refresh these are what was declared last time, maybe to an earlier version.
        inputs = resource.Inputs.within(news)
        diff = resource.diff(self._context(request.urn), state, inputs)
        return diff_response(diff, state, news, resource.delete_before_replace)

    @told
    def Create(self, request: Any, context: Any) -> Any:
        resource = self._plugin.resource(request.urn)
        news = from_struct(request.properties)
        here = self._context(request.urn)
        if request.preview:
            outputs = planned(resource, here, news)
            return provider_pb2.CreateResponse(properties=to_struct(outputs))
        found = resource.create(here, resource.Inputs.model_validate(news))
        return provider_pb2.CreateResponse(
            id=found.id,
            properties=to_struct(found.outputs),
            refresh_before_update=resource.reads_first,
        )

    @told
    def Read(self, request: Any, context: Any) -> Any:
        resource = self._plugin.resource(request.urn)
        state, said = from_struct(request.properties), from_struct(request.inputs)
        found = resource.read(self._context(request.urn, inputs=said), request.id, state)
        if found is None:
            return provider_pb2.ReadResponse()
        inputs = said if found.inputs is None else found.inputs
        return provider_pb2.ReadResponse(
            id=found.id,
            properties=to_struct(found.outputs),
            inputs=to_struct(inputs),
            refresh_before_update=resource.reads_first,
        )

    @told
    def Update(self, request: Any, context: Any) -> Any:
        resource = self._plugin.resource(request.urn)
        state, news = from_struct(request.olds), from_struct(request.news)
        here = self._context(request.urn)
        if request.preview:
            outputs = {**state, **planned(resource, here, news, of=state)}
            return provider_pb2.UpdateResponse(properties=to_struct(outputs))
        inputs = resource.Inputs.model_validate(news)
        found = resource.update(here, request.id, state, inputs)
        return provider_pb2.UpdateResponse(
            properties=to_struct(found.outputs), refresh_before_update=resource.reads_first
        )

    @told
    def Delete(self, request: Any, context: Any) -> Any:
        resource = self._plugin.resource(request.urn)
        state = from_struct(request.properties)
        resource.delete(self._context(request.urn), request.id, state)
        return empty_pb2.Empty()


def serve(plugin: Plugin, arguments: list[str]) -> None:
    """Serve `plugin` until the engine ends the process.

    Args:
        plugin: what to serve.
        arguments: the command line as the engine gives it: its own address, then flags.
    """
    addresses = [argument for argument in arguments if not argument.startswith("-")]
    servicer = _Servicer(plugin, addresses[0] if addresses else "127.0.0.1:0")
    listen(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    )


def listen(add: Callable[[grpc.Server], None]) -> None:
    """Listen on the loopback address, tell the engine where, and answer until it ends the process.

    Args:
        add: adds what answers to a server.
    """
    server = grpc.server(ThreadPoolExecutor(max_workers=16), options=_GRPC_CHANNEL_OPTIONS)
    add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    engine = os.getppid()
    server.start()
    # How the engine ends a plugin; to take the interpreter apart would be a tenth of a second more.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    print(port, flush=True)
    # An engine that was killed says nothing; without it nobody waits for an answer.
    while os.getppid() == engine and server.wait_for_termination(timeout=1):
        pass
    server.stop(grace=None)
    os._exit(0)
