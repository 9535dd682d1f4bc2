"""The pack as the engine calls it: what it is sent, and what it answers."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import analyzer_pb2

from policy import PACK
from policy.analyzer import Analyzer
from policy.resource import Secret, from_struct
from policy.rules import RULES
from policy.rules.types import DATABASE, INSTANCE, ROLE
from policy.table import PAGE, written
from strongroom import __version__
from strongroom.provider.values import UNKNOWN

CHECKOUT = Path(__file__).parents[3]
SECRET = {rpc._special_sig_key: rpc._special_secret_sig, "value": "hunter2"}


def struct(**values: Any) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def asked(analyzer: Analyzer, kind: str, **values: Any) -> dict[str, list[Any]]:
    """What it says of one resource: names of rules that object, and of those that do not apply."""
    request = analyzer_pb2.AnalyzeRequest(
        type=kind, name="x", urn="urn:x", properties=struct(**values)
    )
    answer = analyzer.Analyze(request, None)
    return {
        "objects": sorted({each.policyName for each in answer.diagnostics}),
        "levels": sorted({each.enforcementLevel for each in answer.diagnostics}),
        "beside": [each.policy_name for each in answer.not_applicable],
    }


def in_stack(environment: str, monkeypatch: pytest.MonkeyPatch, **values: str) -> Analyzer:
    monkeypatch.chdir(CHECKOUT)
    analyzer = Analyzer()
    config = {f"strongroom:{key}": value for key, value in values.items()}
    analyzer.ConfigureStack(
        analyzer_pb2.AnalyzerStackConfigureRequest(stack=environment, config=config), None
    )
    return analyzer


def test_what_is_sent_keeps_secrets_and_what_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    found = from_struct(struct(a=SECRET, b=[rpc.UNKNOWN, 3, None], c={"d": SECRET}, e=None, f=1.5))
    assert found == {
        "a": Secret("hunter2"),
        "b": [UNKNOWN, 3, None],
        "c": {"d": Secret("hunter2")},
        "f": 1.5,
    }
    production = in_stack("production", monkeypatch)
    assert "no-plain-secret" in asked(production, INSTANCE, password="hunter2")["objects"]
    assert "no-plain-secret" not in asked(production, INSTANCE, password=SECRET)["objects"]


def test_a_function_with_its_code_is_judged_like_everything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = {rpc._special_sig_key: rpc._special_archive_sig, "path": "function.zip"}
    production = in_stack("production", monkeypatch)
    kind = "aws:lambda/function:Function"
    assert asked(production, kind, code=code)["objects"] == []
    assert asked(production, kind, code=code, password="hunter2")["objects"] == ["no-plain-secret"]


@pytest.mark.parametrize(
    ("environment", "level"),
    [("production", analyzer_pb2.MANDATORY), ("development", analyzer_pb2.ADVISORY)],
)
def test_the_level_is_that_of_the_stack(
    environment: str, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyzer = in_stack(environment, monkeypatch)
    assert asked(analyzer, ROLE, superuser=True)["levels"] == [level]
    info = analyzer.GetAnalyzerInfo(None, None)
    assert {each.enforcementLevel for each in info.policies} == {level}


def test_who_is_senior_is_read_from_the_roster_of_the_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    local, production = (in_stack(name, monkeypatch) for name in ("local", "production"))
    # bram is a senior but in production.
    bram = {"name": "bram", "roles": ["tier_full"]}
    assert asked(local, ROLE, **bram)["objects"] == []
    assert asked(production, ROLE, **bram)["objects"] == ["role-below-senior"]


def test_settings_that_cannot_be_read_make_nobody_a_senior(monkeypatch: pytest.MonkeyPatch) -> None:
    analyzer = in_stack("local", monkeypatch, port="many")
    ada = {"name": "ada", "roles": ["tier_full"]}
    assert asked(analyzer, ROLE, **ada)["objects"] == ["role-below-senior"]


def test_the_guarded_database_is_known_by_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    analyzer = in_stack("local", monkeypatch, database="shop")
    assert asked(analyzer, DATABASE, name="app")["objects"] == []
    assert asked(analyzer, DATABASE, name="shop")["objects"] == ["database-not-declared"]
    unguarded = in_stack("local", monkeypatch, database="shop", guarded="false")
    assert asked(unguarded, DATABASE, name="shop")["objects"] == []


def test_before_it_knows_the_stack_everything_is_mandatory() -> None:
    assert asked(Analyzer(), ROLE, superuser=True)["levels"] == [analyzer_pb2.MANDATORY]


def test_rules_about_other_types_are_told_as_such() -> None:
    beside = asked(Analyzer(), ROLE, name="ada")["beside"]
    assert "rds-encrypted" in beside
    assert "role-without-powers" not in beside
    # Rules about the whole stack are asked with the whole stack.
    assert "backup-locked" not in beside


def test_the_whole_stack_is_judged_with_where_values_come_from() -> None:
    depends = {"backupVaultName": analyzer_pb2.AnalyzerPropertyDependencies(urns=["urn:vault"])}
    vault = analyzer_pb2.AnalyzerResource(type="aws:backup/vault:Vault", urn="urn:vault")
    lock = analyzer_pb2.AnalyzerResource(
        type="aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        urn="urn:lock",
        properties=struct(backupVaultName=rpc.UNKNOWN, minRetentionDays=35.0),
        propertyDependencies=depends,
    )

    def objecting(*resources: Any) -> list[tuple[str, str]]:
        answer = Analyzer().AnalyzeStack(
            analyzer_pb2.AnalyzeStackRequest(resources=resources), None
        )
        return [(each.policyName, each.urn) for each in answer.diagnostics]

    assert objecting(vault) == [("backup-locked", "urn:vault")]
    assert objecting(vault, lock) == []


def test_nothing_is_put_right_behind_a_program() -> None:
    answer = Analyzer().Remediate(analyzer_pb2.AnalyzeRequest(type=ROLE), None)
    assert not answer.remediations
    assert len(answer.not_applicable) == len(RULES)


def test_the_pack_tells_its_rules_and_takes_no_configuration() -> None:
    info = Analyzer().GetAnalyzerInfo(None, None)
    assert (info.name, info.version, info.supportsConfig) == (PACK, __version__, False)
    assert [each.name for each in info.policies] == [rule.name for rule in RULES]
    assert all(each.description and each.remediation_steps for each in info.policies)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_what_stands_beside_the_pack_says_the_same() -> None:
    project = yaml.safe_load((CHECKOUT / "policy" / "PulumiPolicy.yaml").read_text())
    assert project["version"] == __version__
    assert PAGE.read_text() == written(PAGE.read_text())


#: What Security Hub has for a PostgreSQL instance, and CIS AWS and AWS Backup beside it.
WANTED = {
    *(f"RDS.{number}" for number in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 17, 18, 20, 21, 22, 23)),
    *(f"RDS.{number}" for number in (25, 26, 30, 32, 33, 36, 38, 46)),
    *(f"CIS AWS 3.2.{number}" for number in (1, 2, 3, 4)),
    *(f"Backup.{number}" for number in (1, 2, 3, 4, 5)),
}


def test_every_control_that_applies_is_covered() -> None:
    covered = {control for rule in RULES for control in rule.controls}
    assert covered >= WANTED
