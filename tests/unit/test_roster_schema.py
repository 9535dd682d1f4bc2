"""The schema that editors check a roster by agrees with the model that reads it."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from strongroom.errors import SettingsError
from strongroom.reading.roster_form import ENGINEER_KEYS, ROSTER_KEYS, SERVICE_KEYS
from strongroom.reading.roster_schema import roster_schema, text
from strongroom.roster import Roster

STACKS = Path(__file__).parents[2] / "stacks"
TOP = "environments: [local, production]\nschemas: [app]\n"
ADA = f"{TOP}engineers:\n  ada: {{name: Ada, tier: senior}}\n"

TIMES = "from: '2026-11-30T18:00Z', until: '2026-12-01T18:00:00+01:00'"
WHY = "reason: 'move the orders', ticket: INC-1, approver: bea"
LENT = f"{{who: mia, tier: mid, environments: [local], {TIMES}, {WHY}}}"
MIA = f"{ADA}  bea: {{name: B, tier: senior}}\n  mia: {{name: M, tier: junior}}\nelevations:\n"
ELEVATED = f"{MIA}  - {LENT}\n"

GOOD = [
    (STACKS / "engineers.yaml").read_text(encoding="utf-8"),
    ADA,
    f"{ADA}services: {{}}\n",
    f"{ADA}services:\n  web: {{}}\n",
    f"{ADA}services:\n  web: {{ddl: true, rights: {{app: [USAGE, MAINTAIN]}}}}\n",
    f"{ADA}  grace: {{name: Grace, tier: mid, environments: {{production: none}}}}\n",
    f"{ADA}  g.h-1_x: {{name: 'Ünï', tier: junior, rights: {{app: [EXECUTE]}}}}\n",
    f"{ADA}  {'a' * 63}: {{name: A, tier: junior, rights: {{app: []}}}}\n",
    f"{ADA}  m: {{name: M, tier: mid, github: Octo-Mia_corp}}\n",
    ELEVATED,
    f"{MIA}  []\n",
    ELEVATED.replace("from: '2026-11-30T18:00Z', ", ""),
    ELEVATED.replace("move the orders", "0123456789"),
]

BAD = [
    "[]\n",
    "engineers: {}\n",
    TOP,
    f"{TOP}engineers: {{}}\n",
    f"{TOP}engineers:\n",
    f"{TOP}engineers: []\n",
    f"{ADA}owners: {{}}\n",
    f"{ADA}services:\n",
    f"{ADA}services: []\n",
    f"{ADA}services:\n  web:\n",
    f"{ADA}services:\n  web: {{ddl: 'yes'}}\n",
    f"{ADA}services:\n  web: {{tier: mid}}\n",
    f"{ADA}services:\n  web: {{rights: {{app: [TRIGGER]}}}}\n",
    f"{ADA}services:\n  web: {{rights: {{app: [SELECT, SELECT]}}}}\n",
    f"{ADA}services:\n  provisioner: {{ddl: true}}\n",
    f"{ADA}  mia: {{name: M}}\n",
    f"{ADA}  mia: {{tier: mid}}\n",
    f"{ADA}  mia: {{name: '', tier: mid}}\n",
    f"{ADA}  mia: {{name: 1, tier: mid}}\n",
    f"{ADA}  mia: {{name: M, tier: mid, github: '@mia'}}\n",
    f"{ADA}  mia: {{name: M, tier: mid, github: 'dependabot[bot]'}}\n",
    f"{ADA}  mia: {{name: M, tier: mid, github: ''}}\n",
    f"{ADA}  mia: {{name: M, tier: lead}}\n",
    f"{ADA}  mia: {{name: M, tier: none}}\n",
    f"{ADA}  mia: {{name: M, tier: mid, tear: mid}}\n",
    f"{ADA}  mia: {{name: M, tier: mid, environments: {{production: never}}}}\n",
    f"{ADA}  mia: {{name: M, tier: mid, environments: [production]}}\n",
    f"{ADA}  mia: {{name: M, tier: senior, rights: {{app: [USAGE]}}}}\n",
    f"{ADA}  mia: {{name: M, tier: senior, rights: {{app: DELETE}}}}\n",
    f"{ADA}  mia: {{name: M, tier: senior, rights: [app]}}\n",
    f"{ADA}  mia: [M, senior]\n",
    f"{ADA}  Mia: {{name: M, tier: mid}}\n",
    f"{ADA}  pg_mia: {{name: M, tier: mid}}\n",
    f"{ADA}  rdsmia: {{name: M, tier: mid}}\n",
    f"{ADA}  none: {{name: M, tier: mid}}\n",
    f"{ADA}  root: {{name: M, tier: mid}}\n",
    f"{ADA}  {'a' * 64}: {{name: A, tier: junior}}\n",
    f"{MIA}  mia: {LENT}\n",
    ELEVATED.replace("tier: mid", "tier: lead"),
    ELEVATED.replace("{who: mia, tier: mid", "{who: mia, tier: junior"),
    ELEVATED.replace("[local]", "[]"),
    ELEVATED.replace("[local]", "[local, local]"),
    ELEVATED.replace("[local]", "local"),
    ELEVATED.replace("+01:00", ""),
    ELEVATED.replace("T18:00:00+01:00", ""),
    ELEVATED.replace("who: mia", "whom: mia"),
    ELEVATED.replace("move the orders", "too short"),
    ELEVATED.replace("move the orders", "   short    "),
    ELEVATED.replace("ticket: INC-1", "ticket: ''"),
    *(ELEVATED.replace(f"{part}, ", "") for part in ("who: mia", "tier: mid", "ticket: INC-1")),
    ELEVATED.replace(", approver: bea", ""),
    ADA.replace("[local, production]", "[]"),
    ADA.replace("[local, production]", "[local, local]"),
    ADA.replace("[local, production]", "[local, 'a b']"),
    ADA.replace("[local, production]", "local"),
    ADA.replace("[app]", "[public]"),
    ADA.replace("[app]", "[pg_app]"),
    ADA.replace("[app]", "[App]"),
    ADA.replace("[app]", f"[{'a' * 64}]"),
]

#: What a schema cannot say, because it compares parts of the file or concerns how it is written.
ONLY_THE_MODEL = {
    "an engineer who is also a service": f"{ADA}services:\n  ada: {{}}\n",
    "an unknown environment": f"{ADA}  m: {{name: M, tier: mid, environments: {{prod: mid}}}}\n",
    "an unknown schema": f"{ADA}  m: {{name: M, tier: mid, rights: {{ap: [SELECT]}}}}\n",
    "a service's unknown schema": f"{ADA}services:\n  web: {{rights: {{ap: [SELECT]}}}}\n",
    "a senior's right for a junior": f"{ADA}  m: {{name: M, tier: junior, "
    "rights: {app: [DELETE]}}\n",
    "a right above the tier of one environment": f"{ADA}  m: {{name: M, tier: senior, "
    "environments: {production: mid}, rights: {app: [TRUNCATE]}}\n",
    "a key written twice": f"{ADA}  ada: {{name: Ada, tier: junior}}\n",
    "an alias": f"{ADA}  m: &m {{name: M, tier: mid}}\n  n: *m\n",
    "one login for two people": f"{ADA}  m: {{name: M, tier: mid, github: octo}}\n"
    "  n: {name: N, tier: mid, github: OCTO}\n",
    "an elevation of nobody": ELEVATED.replace("who: mia", "who: nobody"),
    "an elevation to the person's own tier": ELEVATED.replace("tier: junior", "tier: mid"),
    "an elevation in an unknown environment": ELEVATED.replace("[local]", "[prod]"),
    "an elevation somebody approved for themselves": ELEVATED.replace("r: bea", "r: mia"),
    "an elevation that ends before it begins": ELEVATED.replace("2026-12-01", "2026-11-01"),
    "an elevation on the 31st of November": ELEVATED.replace("2026-12-01", "2026-11-31"),
    "two elevations at once": f"{ELEVATED}  - {LENT}\n",
    "a hidden character": f'{ADA}  m: {{name: "a\\u202eb", tier: mid}}\n',
}


def schema_takes(roster: str) -> bool:
    """Whether an editor would find nothing wrong."""
    validator = jsonschema.Draft202012Validator(roster_schema())
    return bool(validator.is_valid(yaml.safe_load(roster)))


def model_takes(roster: str) -> bool:
    """Whether the roster can be used."""
    try:
        Roster.parse(roster, "engineers.yaml")
    except SettingsError:
        return False
    return True


def test_the_file_beside_the_roster_is_the_schema_of_this_version() -> None:
    kept = (STACKS / "engineers.schema.json").read_text(encoding="utf-8")
    assert kept == text(), (
        "python -m strongroom.reading.roster_schema > stacks/engineers.schema.json"
    )


def test_the_roster_names_its_schema_for_editors() -> None:
    first = (STACKS / "engineers.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=engineers.schema.json"


def test_the_schema_is_valid_and_describes_every_key() -> None:
    schema = roster_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    engineer = schema["properties"]["engineers"]["additionalProperties"]
    service = schema["properties"]["services"]["additionalProperties"]
    assert tuple(schema["properties"]) == ROSTER_KEYS
    assert tuple(engineer["properties"]) == ENGINEER_KEYS
    assert tuple(service["properties"]) == SERVICE_KEYS
    for part in (schema, engineer, service):
        assert all(each["description"] for each in part["properties"].values())


@pytest.mark.parametrize("roster", GOOD)
def test_a_good_roster_passes_both(roster: str) -> None:
    assert model_takes(roster)
    assert schema_takes(roster)


@pytest.mark.parametrize("roster", BAD)
def test_a_bad_roster_passes_neither(roster: str) -> None:
    assert not model_takes(roster)
    assert not schema_takes(roster)


@pytest.mark.parametrize("roster", ONLY_THE_MODEL.values(), ids=ONLY_THE_MODEL.keys())
def test_what_compares_parts_of_the_file_is_seen_by_the_model_only(roster: str) -> None:
    assert not model_takes(roster)
    assert schema_takes(roster)
