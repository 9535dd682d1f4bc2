"""Taking over a server with the real engine: hand over, import, up, and nothing is left to do."""

import subprocess

import pytest

from tests.stack.project import Project

pytestmark = pytest.mark.stack

_MESS = """
CREATE ROLE team; CREATE ROLE "alice.jones" LOGIN VALID UNTIL '2040-01-01';
CREATE ROLE "bob.smith" LOGIN CREATEDB; CREATE ROLE web_api LOGIN CONNECTION LIMIT 20;
GRANT team TO "alice.jones", "bob.smith"; CREATE SCHEMA shop AUTHORIZATION web_api;
GRANT USAGE ON SCHEMA shop TO team; SET ROLE web_api;
CREATE TABLE shop.orders (id serial PRIMARY KEY);
GRANT SELECT, INSERT ON shop.orders TO team; GRANT TRIGGER ON shop.orders TO "alice.jones";
RESET ROLE;
"""


def test_a_server_is_taken_over_as_the_report_says(fresh: Project) -> None:
    fresh.up("--target", "**::primary*", "--target", "**::provisioner")
    with fresh.root() as root:
        root.autocommit = True
        root.execute(_MESS.encode())
    command = ["strongroom", "adopt", "--stack=local", "--output=adopted"]
    found = subprocess.run(
        command,
        check=False,
        cwd=fresh.checkout,
        env=fresh.environment,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 3, found.stderr  # the group has no place
    folder = fresh.checkout / "adopted"
    (folder / "engineers.yaml").replace(fresh.checkout / "stacks" / "engineers.yaml")
    with fresh.root() as root:
        root.autocommit = True
        root.execute((folder / "handover.sql").read_bytes())
        root.execute("SET strongroom.confirm = 'drop owned'; DROP OWNED BY team; DROP ROLE team")
    imported = fresh.pulumi("import", "--file", "adopted/import.json", "--yes",
                            "--protect=false", "--generate-code=false")  # fmt: skip
    assert "= 5 imported" in imported.changes, imported.output
    shown = fresh.preview().output
    for name in ("alice.jones", "bob.smith", "web_api"):
        assert f"~ postgresql:index/role:Role: (update)\n        [id={name}]" in shown
    assert "+ postgresql:index/schema:Schema" not in shown
    fresh.up()
    assert fresh.is_quiet("--refresh")
    with fresh.connect("alice.jones") as connection:
        connection.execute("INSERT INTO shop.orders DEFAULT VALUES")
