"""What is written into a cluster's configuration files."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.cluster.configuration import FIXED, HBA, render
from strongroom.reading import server_settings

# The quoted string of PostgreSQL's guc-file.l: no newline, quotes doubled, backslashes escape.
_LINE = re.compile(r"([A-Za-z_][A-Za-z_0-9.]*) = '((?:[^'\\\n]|\\.|'')*)'")

NAMES = st.from_regex(r"[a-z_]{1,10}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=20)


def _read(text: str) -> dict[str, str]:
    """Read a configuration file as PostgreSQL does."""
    found = {}
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            match = _LINE.fullmatch(line)
            assert match, line
            unescaped = re.sub(r"''|\\(.)", lambda m: m.group(1) or "'", match.group(2))
            found[match.group(1)] = unescaped
    return found


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_every_value_reaches_the_server_to_the_letter(settings: dict[str, str]) -> None:
    assert _read(render(settings)) == settings


def test_settings_are_written_in_one_order_whatever_order_they_came_in() -> None:
    assert render({"b": "1", "a": "2"}) == render({"a": "2", "b": "1"})


def test_the_file_says_who_wrote_it() -> None:
    assert render({}).startswith("# Written by Strongroom")


@pytest.mark.parametrize("name", sorted(FIXED))
def test_no_stack_can_choose_a_setting_that_every_cluster_has_fixed(name: str) -> None:
    assert server_settings.refused(name)


@pytest.mark.parametrize(
    "name",
    [
        "cluster_name", "port", "data_directory", "hba_file", "ident_file", "config_file",
        "unix_socket_directories", "log_directory", "ssl_cert_file", "ssl_key_file",
        "ssl_ca_file", "primary_conninfo", "primary_slot_name", "recovery_min_apply_delay",
        "archive_command", "restore_command", "session_preload_libraries", "strongroom.confirm",
        "session_replication_role", "include", "x.y\nfsync",
    ],
)  # fmt: skip
def test_no_stack_can_choose_what_strongroom_itself_writes(name: str) -> None:
    assert server_settings.refused(name)


def _rules() -> list[list[str]]:
    return [line.split() for line in HBA.splitlines() if not line.startswith("#")]


def _first(kind: str, database: str, role: str) -> str:
    """The method of the first rule that matches, as PostgreSQL chooses it."""
    for rule_kind, databases, roles, *rest in _rules():
        kinds = {"host": {"hostssl", "hostnossl"}}.get(rule_kind, {rule_kind})
        named = databases == database or (databases == "all" and database != "replication")
        if kind in kinds and named and roles in ("all", role):
            return rest[-1]
    return "reject"


@pytest.mark.parametrize("database", ["app", "postgres", "replication"])
@pytest.mark.parametrize("kind", ["hostssl", "hostnossl"])
def test_root_is_rejected_over_tcp_before_any_other_rule(kind: str, database: str) -> None:
    assert _first(kind, database, "root") == "reject"


def test_over_tcp_only_certificates_open_and_only_encrypted() -> None:
    assert _first("hostssl", "app", "ada") == "cert"
    assert _first("hostnossl", "app", "ada") == "reject"
    assert _first("hostssl", "replication", "replicator") == "cert"
    assert _first("hostssl", "replication", "ada") == "reject"
    methods = {rule[-1] for rule in _rules() if rule[0] != "local"}
    assert methods == {"cert", "reject"}


def test_through_the_socket_only_root_comes_in_and_only_by_password() -> None:
    assert _first("local", "app", "root") == "scram-sha-256"
    assert _first("local", "app", "ada") == "reject"
    assert _first("local", "replication", "root") == "reject"
