"""What a stack on AWS declares of root's password: no value of it, and nobody who could read it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
from moto.events.models import EventPattern
from pulumi.runtime import mocks

from components.aws.primary import Primary, PrimaryArgs
from components.aws.root_secret import RootSecret, RootSecretArgs
from strongroom.aws_settings import AwsSettings
from strongroom.bootstrap.steps import Foundation
from strongroom.declaration import Declaration
from strongroom.packing import Packed, Packing
from strongroom.roster import Roster
from strongroom.settings import Settings
from tests.unit.aws_stack import AwsAnswers, NothingThere
from tests.unit.recording_engine import Recording, run

GLASS = "arn:aws:iam::123456789012:role/break-glass"
DEPLOY = "arn:aws:iam::123456789012:role/deploy"
ROLE = "arn:aws:iam::123456789012:role/strongroom-production-root"
ADA = "arn:aws:iam::123456789012:role/ada"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:strongroom/production/root"
AWS = AwsSettings(region="eu-central-1", break_glass_roles=(GLASS,), pipeline_roles=(DEPLOY,))
CODE = Packed("build/function-0123456789ab.zip", "0123456789ab")
RULE = "aws:cloudwatch/eventRule:EventRule"
FOUNDATION = Foundation("app", ("app",), "production", replicator=False)


def declare(
    aws: AwsSettings = AWS,
    answers: mocks.Mocks | None = None,
    preview: bool = False,
    **changes: Any,
) -> Recording:
    def program() -> None:
        primary = Primary("primary", PrimaryArgs("production", "app", aws, Path("rds.pem")))
        RootSecret("root", replace(RootSecretArgs(primary, CODE, FOUNDATION, aws), **changes))

    return run(program, "production", answers or AwsAnswers(), preview)


@pytest.fixture(scope="module")
def stack() -> Recording:
    return declare()


def policy(stack: Recording, name: str, key: str = "policy") -> dict[str, Any]:
    """The statements of a policy, by their names."""
    document = json.loads(stack.named(name).inputs[key])
    return {each.get("Sid", ""): each for each in document["Statement"]}


def test_no_value_of_the_secret_is_declared_by_anything(stack: Recording) -> None:
    assert not stack.of_type("aws:secretsmanager/secretVersion:SecretVersion")
    secret = stack.named("root-secret").inputs
    assert not {"secretString", "secretBinary"} & secret.keys()
    mine = [each for each in stack.registered if each.name.startswith("root")]
    assert len(mine) > 20
    for each in mine:
        assert not [key for key in each.inputs if "password" in key.lower()], each.urn
        # How the engine marks a secret on the wire.
        assert "1b47061264138c4ac30d75fd1eb44270" not in str(each.request.object), each.urn


def test_the_function_has_one_role_of_its_own_and_that_role_nothing_it_does_not_use(
    stack: Recording,
) -> None:
    allowed = policy(stack, "root-function-access")
    network = allowed.pop("Network")
    assert network["Resource"] == "*"
    assert allowed.pop("NetworkIsLambdas")["Action"] == network["Action"]
    for statement in allowed.values():
        assert "*" not in statement["Resource"].removesuffix(":*"), statement
        assert not [action for action in statement["Action"] if "*" in action]
    assert allowed["Secret"]["Resource"] == SECRET
    assert allowed["Instance"]["Resource"].endswith(":db:strongroom-production-primary")
    function = stack.named("root-function-code")
    assert function.inputs["role"] == ROLE
    # Lambda refuses a function whose role cannot put it into its network yet.
    assert stack.named("root-function-access").urn in function.request.dependencies


def test_the_secret_denies_everybody_but_the_function_and_who_may_break_the_glass(
    stack: Recording,
) -> None:
    denied = policy(stack, "root-policy")
    assert {each["Effect"] for each in denied.values()} == {"Deny"}
    assert {each["Principal"] for each in denied.values()} == {"*"}
    spared = {
        name: each["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] for name, each in denied.items()
    }
    assert spared == {
        "OpenedByNobodyElse": [ROLE, GLASS],
        "ValuesAreTheFunctions": [ROLE],
        "ChangedByDeclaration": [DEPLOY, "arn:aws:iam::123456789012:root"],
    }
    assert denied["OpenedByNobodyElse"]["Action"] == ["secretsmanager:GetSecretValue"]
    assert stack.named("root-policy").inputs["blockPublicPolicy"] is True


def test_without_roles_in_the_settings_nobody_opens_it_and_no_declarer_is_shut_out() -> None:
    found = declare(AwsSettings(region="eu-central-1"))
    denied = policy(found, "root-policy")
    assert set(denied) == {"OpenedByNobodyElse", "ValuesAreTheFunctions"}
    assert "BreakGlass" not in policy(found, "root-key")
    assert not found.of_type("aws:sqs/queue:Queue")


def test_the_key_decrypts_for_the_two_only_and_through_secrets_manager_only(
    stack: Recording,
) -> None:
    statements = policy(stack, "root-key")
    using = {
        name: each
        for name, each in statements.items()
        if any("crypt" in action or "DataKey" in action for action in each["Action"])
    }
    assert set(using) == {"TryForDeclaring", "Rotate", "BreakGlass"}
    for each in using.values():
        service = each["Condition"]["StringEquals"]["kms:ViaService"]
        assert service == "secretsmanager.eu-central-1.amazonaws.com"
    tried = using["TryForDeclaring"]["Condition"]["StringEquals"]
    assert tried["kms:EncryptionContext:SecretVersionId"] == "RequestToValidateKeyAccess"
    assert using["Rotate"]["Condition"]["ArnEquals"] == {"aws:PrincipalArn": [ROLE]}
    assert using["BreakGlass"]["Condition"]["ArnEquals"] == {"aws:PrincipalArn": [GLASS]}
    assert not [each for each in statements.values() if "kms:*" in each["Action"]]
    assert stack.named("root-key").inputs["enableKeyRotation"] is True


@pytest.mark.parametrize("name", ["root-secret", "root-key"])
def test_secret_and_key_are_protected_and_outlive_the_stack(stack: Recording, name: str) -> None:
    for found, protected in ((stack, True), (declare(deletion_protection=False), False)):
        assert found.named(name).request.protect is protected
        assert found.named(name).request.retainOnDelete
    assert stack.named("root-secret").inputs["recoveryWindowInDays"] == 30


def test_the_first_password_is_made_before_the_schedule_and_after_the_seal(
    stack: Recording,
) -> None:
    first = stack.named("root-function-bootstrap")
    assert json.loads(first.inputs["input"]) == {"Action": "bootstrap"}
    assert stack.named("root-policy").urn in first.request.dependencies
    assert stack.named("primary-instance").urn in first.request.dependencies
    rotation = stack.named("root-rotation")
    assert rotation.inputs["rotateImmediately"] is False
    assert rotation.inputs["rotationRules"] == {"automaticallyAfterDays": 30}
    assert first.urn in rotation.request.dependencies
    assert stack.outputs[stack.named("root").urn] == {"rotated_at": "2026-01-01T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("changes", "called"),
    [
        ({"code": Packed("build/function-other.zip", "other")}, True),
        ({"foundation": replace(FOUNDATION, guarded=("app", "billing"))}, True),
        ({"foundation": replace(FOUNDATION, mass_change_rows=1000)}, True),
        ({"max_age_days": 7}, False),
    ],
)
def test_it_is_called_again_when_its_code_or_what_it_lays_has_changed(
    stack: Recording, changes: dict[str, Any], called: bool
) -> None:
    before = stack.named("root-function-bootstrap").inputs["triggers"]
    after = declare(**changes).named("root-function-bootstrap").inputs["triggers"]
    assert (before != after) is called


def test_another_text_in_the_settings_rotates_once_there_is_a_schedule(stack: Recording) -> None:
    assert "root-function-rotate" not in {each.name for each in stack.registered}
    asked = declare(rotation="2026-11-24, after the drill")
    call = asked.named("root-function-rotate")
    assert json.loads(call.inputs["input"]) == {"Action": "rotate"}
    assert call.inputs["triggers"] == {"asked": "2026-11-24, after the drill"}
    assert asked.named("root-rotation").urn in call.request.dependencies


def test_only_secrets_manager_may_call_it_and_only_for_this_secret(stack: Recording) -> None:
    (permission,) = stack.of_type("aws:lambda/permission:Permission")
    assert permission.inputs["principal"] == "secretsmanager.amazonaws.com"
    assert permission.inputs["sourceArn"] == SECRET


def event(call: str, who: str | None, secret: str = SECRET + "-AbCdEf", **more: Any) -> Any:
    """As CloudTrail tells of a call; `who` is a role, None a user without one."""
    session = {"sessionContext": {"sessionIssuer": {"arn": who}}} if who else {}
    return {
        "source": "aws.secretsmanager",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {
            "eventSource": "secretsmanager.amazonaws.com",
            "eventName": call,
            "userIdentity": {"arn": "arn:aws:iam::123456789012:user/eve", **session},
            "requestParameters": {"secretId": secret},
            **more,
        },
    }


REFUSED = {"errorCode": "AccessDenied"}


@pytest.mark.parametrize(
    ("rule", "told", "matches"),
    [
        ("seen", event("GetSecretValue", ADA), True),
        ("seen", event("GetSecretValue", ADA, **REFUSED), True),
        ("seen", event("GetSecretValue", None), True),
        ("seen", event("GetSecretValue", GLASS), True),
        ("seen", event("GetSecretValue", ADA, "strongroom/production/root"), True),
        ("seen", event("GetSecretValue", ADA, SECRET), True),
        ("seen", event("BatchGetSecretValue", ADA), True),
        ("seen", event("GetSecretValue", ROLE), False),
        ("seen", event("GetSecretValue", ADA, "strongroom/staging/root"), False),
        ("seen", event("DescribeSecret", ADA), False),
        ("changed", event("PutSecretValue", ADA), True),
        ("changed", event("PutResourcePolicy", None), True),
        ("changed", event("PutResourcePolicy", DEPLOY), False),
        ("changed", event("PutSecretValue", ROLE), False),
        ("opened", event("GetSecretValue", GLASS), True),
        ("opened", event("GetSecretValue", GLASS, **REFUSED), False),
        ("opened", event("GetSecretValue", ROLE), False),
        ("opened", event("GetSecretValue", ADA), False),
    ],
)
def test_a_rule_matches_what_it_is_for(
    stack: Recording, rule: str, told: Any, matches: bool
) -> None:
    rules = {each.name: each.inputs["eventPattern"] for each in stack.of_type(RULE)}
    text = rules[f"root-openings-root-{rule}"]
    assert EventPattern(text, json.loads(text)).matches_event(told) is matches


def test_reading_is_told_to_the_rules_and_every_alarm_goes_to_the_topic(stack: Recording) -> None:
    rules = stack.of_type(RULE)
    assert {each.inputs["state"] for each in rules} == {
        "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    }
    topic = "arn:aws:sns:eu-central-1:123456789012:strongroom-production-alerts"
    targets = {
        each.name: each.inputs["arn"]
        for each in stack.of_type("aws:cloudwatch/eventTarget:EventTarget")
    }
    assert targets["root-openings-root-seen"] == topic
    assert targets["root-openings-root-changed"] == topic
    assert stack.named("root-function-failed").inputs["alarmActions"] == [topic]


def test_what_was_opened_is_worth_nothing_a_quarter_of_an_hour_later(stack: Recording) -> None:
    queue = stack.named("root-openings-queue").inputs
    assert queue["delaySeconds"] == 900
    assert (
        queue["visibilityTimeoutSeconds"] >= 6 * stack.named("root-function-code").inputs["timeout"]
    )
    assert "aws:SourceArn" in queue["policy"]
    mapping = stack.named("root-function-opened").inputs
    assert mapping["eventSourceArn"].endswith(":strongroom-production-root-opened")


def test_a_preview_of_an_empty_account_shows_all_of_it(stack: Recording) -> None:
    shown = declare(answers=NothingThere(), preview=True)
    assert {each.urn for each in shown.registered} == {each.urn for each in stack.registered}


def test_every_name_keeps_to_the_limits_of_its_service() -> None:
    long = "an-environment-with-a-name-as-long-as-pulumi-allows-" + "x" * 48

    def program() -> None:
        primary = Primary("primary", PrimaryArgs(long, "app", AWS, Path("rds.pem")))
        RootSecret("root", RootSecretArgs(primary, CODE, FOUNDATION, AWS))

    found = run(program, long, AwsAnswers())
    limits = {"function:Function": 64, "eventRule:EventRule": 64, "queue:Queue": 80}
    for kind, most in limits.items():
        names = [each.inputs["name"] for each in found.registered if each.type.endswith(kind)]
        assert names
        assert max(map(len, names)) <= most


def test_a_function_that_was_not_packed_stops_the_program_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: dict[str, object] = {"platform": "aws", "aws:region": "eu-central-1"}
    stack = Declaration(
        Settings.parse("production", values, "test"),
        Roster("test", ("production",), ("app",), (), ()),
        (),
        tmp_path,
    )
    monkeypatch.setattr("strongroom.home.Home.find", lambda: _Home(tmp_path))
    with pytest.raises(pulumi.RunError, match=r"curl --fail --output stacks/rds-authorities\.pem"):
        RootSecretArgs.of(stack, None)  # type: ignore[arg-type]
    monkeypatch.setattr(Packing, "at_hand", lambda _: CODE)
    found = RootSecretArgs.of(stack, None)  # type: ignore[arg-type]
    assert (found.code, found.foundation) == (CODE, FOUNDATION)


class _Home:
    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
