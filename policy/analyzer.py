"""The pack as the engine calls it: a small gRPC service, asked before each step and at the end.

pulumi-policy serves the same calls, and is not used here: it unwraps secrets before a rule sees
them, so that a secret password and a plain one look alike; it does not tell in which stack a
rule judges, so that no rule could be mandatory in one and advisory in another; and it is held to
a protobuf older than the engine's own SDK wants.
"""

from collections.abc import Iterable
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from policy import PACK
from policy.levels import Level
from policy.resource import Resource, from_struct
from policy.rule import Objection, Resources, Rule
from policy.rules import RULES
from policy.stack import Stack
from strongroom import __version__
from strongroom.provider.server import listen, told

_LEVELS = {Level.MANDATORY: analyzer_pb2.MANDATORY, Level.ADVISORY: analyzer_pb2.ADVISORY}


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers the engine for one stack; until it says for which, for a production stack."""

    def __init__(self, rules: tuple[Rule, ...] = RULES) -> None:
        self._rules = rules
        self._stack = Stack()

    def Handshake(self, request: Any, context: Any) -> Any:
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=__version__)

    @told
    def ConfigureStack(self, request: Any, context: Any) -> Any:
        self._stack = Stack.of(request.stack, dict(request.config))
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Configure(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:
        return analyzer_pb2.AnalyzerInfo(
            name=PACK,
            displayName="Strongroom",
            version=__version__,
            # No file from outside makes a rule weaker: policy/levels.yaml is reviewed like code.
            supportsConfig=False,
            policies=[self._info(rule) for rule in self._rules],
        )

    @told
    def Analyze(self, request: Any, context: Any) -> Any:
        resource = _resource(request)
        asked = [rule for rule in self._rules if rule.judge]
        about = [rule for rule in asked if rule.is_about(resource)]
        found = [each for rule in about for each in rule.objections(resource, self._stack)]
        return self._answer(found, [rule for rule in asked if rule not in about])

    @told
    def AnalyzeStack(self, request: Any, context: Any) -> Any:
        resources = Resources(tuple(map(_resource, request.resources)))
        asked = [rule for rule in self._rules if rule.judge_whole]
        about = [rule for rule in asked if any(map(rule.is_about, resources.all))]
        found = [each for rule in about for each in rule.objections_to_all(resources, self._stack)]
        return self._answer(found, [rule for rule in asked if rule not in about])

    def Remediate(self, request: Any, context: Any) -> Any:
        # Nothing is put right behind a program's back.
        return analyzer_pb2.RemediateResponse(
            not_applicable=[_beside(rule, "it only judges") for rule in self._rules]
        )

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def _info(self, rule: Rule) -> analyzer_pb2.PolicyInfo:
        whole = rule.judge_whole is not None
        return analyzer_pb2.PolicyInfo(
            name=rule.name,
            displayName=rule.title,
            description=rule.title,
            enforcementLevel=_LEVELS[self._stack.level],
            policy_type=(
                analyzer_pb2.POLICY_TYPE_STACK if whole else analyzer_pb2.POLICY_TYPE_RESOURCE
            ),
            remediation_steps=rule.remedy,
            tags=rule.controls,
        )

    def _answer(self, found: Iterable[Objection], beside: Iterable[Rule]) -> Any:
        return analyzer_pb2.AnalyzeResponse(
            diagnostics=[
                analyzer_pb2.AnalyzeDiagnostic(
                    policyName=each.rule.name,
                    policyPackName=PACK,
                    policyPackVersion=__version__,
                    description=each.rule.title,
                    message=each.message,
                    enforcementLevel=_LEVELS[self._stack.level],
                    urn=each.urn,
                )
                for each in found
            ],
            not_applicable=[_beside(rule, "it is about other types") for rule in beside],
        )


def _beside(rule: Rule, reason: str) -> analyzer_pb2.PolicyNotApplicable:
    return analyzer_pb2.PolicyNotApplicable(policy_name=rule.name, reason=reason)


def _resource(request: Any) -> Resource:
    """A resource as the engine sends it, for itself or among all."""
    # Where a value comes from is told only of the whole stack.
    after = getattr(request, "propertyDependencies", {})
    return Resource(
        type=request.type,
        name=request.name,
        properties=from_struct(request.properties),
        protect=request.options.protect,
        urn=request.urn,
        after={key: frozenset(value.urns) for key, value in after.items()},
        provider=from_struct(request.provider.properties),
    )


def serve() -> None:
    """Answer the engine until it ends the process."""
    listen(lambda server: analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Analyzer(), server))
