"""What is guarded is declared in files; a mistake there stops everything, and so does nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from strongroom.errors import SettingsError
from strongroom.guard.declared import FILE, NothingGuardedError, declared, read
from strongroom.guard.everything import everything_guarded, portable
from tests.unit.guard.surroundings import Laptop

DIGEST = ":".join(f"{number:02X}" for number in range(160, 192))


def authority() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


def test_hosts_and_certificates_are_read(tmp_path: Path) -> None:
    file = tmp_path / "guarded.yaml"
    file.write_text(
        "production:\n  hosts: [db.example.com, '10.0.3.0/24', '[2001:db8::1]:5432']\n"
        f"  certificates: ['sha256:{DIGEST}']\nstaging: {{hosts: ['*.st.example.com:6432']}}\n"
    )
    production, staging = read(file)
    assert (production.environment, staging.environment) == ("production", "staging")
    assert [place.port for place in production.places] == [None, None, 5432]
    assert production.fingerprints == {DIGEST.replace(":", "").lower()}
    assert staging.places[0].port == 6432


def test_what_list_prints_as_yaml_is_read_back_the_same(tmp_path: Path) -> None:
    file = tmp_path / "guarded.yaml"
    pem = authority().public_bytes(Encoding.PEM).decode().replace("\n", "\n    ")
    file.write_text(
        f"production:\n  hosts: [db.example.com, '*.x']\n  certificates:\n  - {DIGEST}\n"
        f"  - |\n    {pem}\n"
    )
    first = read(file)
    assert len(first[0].authorities) == 1
    file.write_text(portable(first))
    assert read(file) == first


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("production: {host: [a]}", 1, "Did you mean 'hosts'"),
        ("production:\n  hosts: db.example.com", 2, "should be a list"),
        ("production:\n  hosts:\n  - 127.0.0.1", 3, "Add the port"),
        ("production:\n  hosts:\n  - localhost", 3, "Add the port"),
        ("production:\n  hosts:\n  - 10.0.3.7/24", 3, "bits set"),
        ("production:\n  hosts:\n  - a b", 3, "neither a host name"),
        ("production:\n  hosts:\n  - db.example.com:99999", 3, "port"),
        ("production:\n  hosts:\n  - 5", 3, "should be text"),
        ("production:\n  certificates:\n  - 'sha256:12'", 3, "neither sha256"),
        ("production: {}", 1, "neither hosts nor certificates"),
        ("production: {hosts: []}", 1, "neither hosts nor certificates"),
        ("a b: {hosts: [x]}", 1, "the environment 'a b'"),
        ("- production", 1, "should be a mapping"),
        ("production:\n\thosts: [x]", 2, "not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    (tmp_path / "guarded.yaml").write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        read(tmp_path / "guarded.yaml")
    assert caught.value.exit_code == 2
    assert f"guarded.yaml:{line}:" in str(caught.value)


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "guarded.yaml").write_text("a: {hosts: [127.0.0.1, a b]}\nb: {}\n")
    with pytest.raises(SettingsError) as caught:
        read(tmp_path / "guarded.yaml")
    assert len(caught.value.problems) == 3


def test_every_source_counts(laptop: Laptop) -> None:
    names = ["named.yaml", "variable.yaml", FILE, "config/strongroom/guarded.yaml"]
    laptop.write({name: f"e{n}: {{hosts: [h{n}]}}" for n, name in enumerate(names)})
    (laptop.here.parent / FILE).write_text("parent: {hosts: [h]}")
    variables = {
        "STRONGROOM_GUARDED": str(laptop.here / "variable.yaml"),
        "XDG_CONFIG_HOME": str(laptop.here / "config"),
    }
    found = declared(laptop.here / "named.yaml", variables, laptop.here)
    assert [one.environment for one in found] == ["e0", "e1", "e2", "parent", "e3"]


def test_the_users_own_file_lies_below_home_unless_told_otherwise(laptop: Laptop) -> None:
    file = laptop.home / ".config" / "strongroom" / "guarded.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("mine: {hosts: [h]}")
    (found,) = declared(None, {"HOME": str(laptop.home)}, laptop.here)
    assert found.environment == "mine"


def test_a_file_that_is_named_and_missing_is_a_mistake(laptop: Laptop) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        declared(laptop.here / "gone.yaml", {"HOME": str(laptop.home)}, laptop.here)


def test_a_file_that_leads_nowhere_is_a_mistake_and_not_passed_over(laptop: Laptop) -> None:
    (laptop.here / FILE).symlink_to("gone")
    with pytest.raises(SettingsError, match="No such file"):
        declared(None, {"HOME": str(laptop.home)}, laptop.here)


@pytest.mark.parametrize("text", [None, "", "# nothing\n"])
def test_nothing_declared_is_refused_and_says_how_to_declare(
    laptop: Laptop, text: str | None
) -> None:
    if text is not None:
        laptop.write({FILE: text})
    with pytest.raises(NothingGuardedError, match="guard list --yaml") as caught:
        everything_guarded(None, {"HOME": str(laptop.home)}, laptop.here)
    assert caught.value.exit_code == 2


def test_a_checkouts_own_stacks_are_guarded_where_their_settings_say_so(laptop: Laptop) -> None:
    project = (Path(__file__).parents[3] / "Pulumi.yaml").read_text(encoding="utf-8")
    laptop.write(
        {
            "Pulumi.yaml": project,
            "strongroom/x": "",
            "stacks/Pulumi.live.yaml": "config: {strongroom:guardedHosts: [db.example.com]}",
            "stacks/Pulumi.play.yaml": "config: {strongroom:guarded: false, "
            "strongroom:guardedHosts: [play.example.com]}",
        }
    )
    (found,) = everything_guarded(None, {"HOME": str(laptop.home)}, laptop.here)
    assert found.environment == "live"
    assert [place.text for place in found.places] == ["db.example.com"]
    assert found.source.endswith("stacks/Pulumi.live.yaml")
