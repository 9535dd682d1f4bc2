"""The stack's own authority: what it signs, for how long, and when that is renewed."""

import ipaddress
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from strongroom.cluster.certificates import (
    AUTHORITY_LIFETIME,
    MACHINE_LIFETIME,
    PERSON_LIFETIME,
    RENEW_BEFORE,
    Authority,
    KeyPair,
)
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError

ME = SystemUser.current()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "ca")
    made.create(ME, "local")
    return made


@pytest.fixture
def pair(tmp_path: Path) -> KeyPair:
    return KeyPair(tmp_path / "some.crt", tmp_path / "some.key")


def _loaded(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _lifetime(certificate: x509.Certificate) -> timedelta:
    return certificate.not_valid_after_utc - datetime.now(UTC)


def _near(one: timedelta, other: timedelta) -> bool:
    return abs(one - other) < timedelta(minutes=1)


def _verifies_as_server(authority: Authority, certificate: x509.Certificate, host: str) -> bool:
    store = Store([_loaded(authority.certificate)])
    try:
        subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        subject = x509.DNSName(host)
    assert isinstance(subject, x509.IPAddress | x509.DNSName)
    verifier = PolicyBuilder().store(store).build_server_verifier(subject)
    try:
        return len(verifier.verify(certificate, [])) == 2
    except VerificationError:
        return False


def test_a_servers_certificate_verifies_for_its_hosts_and_for_no_other(
    authority: Authority, pair: KeyPair
) -> None:
    authority.issue_server(pair, ME, ["127.0.0.1", "localhost"])
    certificate = _loaded(pair.certificate)
    assert _verifies_as_server(authority, certificate, "127.0.0.1")
    assert _verifies_as_server(authority, certificate, "localhost")
    assert not _verifies_as_server(authority, certificate, "127.0.0.2")
    assert not _verifies_as_server(authority, certificate, "example.org")


def test_another_authority_of_the_same_name_verifies_nothing(
    authority: Authority, pair: KeyPair, tmp_path: Path
) -> None:
    authority.issue_server(pair, ME, ["127.0.0.1"])
    other = Authority(tmp_path / "other")
    other.create(ME, "local")
    assert _loaded(other.certificate).subject == _loaded(authority.certificate).subject
    assert not _verifies_as_server(other, _loaded(pair.certificate), "127.0.0.1")


def test_a_persons_certificate_names_the_role_and_cannot_serve(
    authority: Authority, pair: KeyPair
) -> None:
    authority.issue_client(pair, ME, "ada.o-k_1", PERSON_LIFETIME)
    certificate = _loaded(pair.certificate)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [name.value for name in names] == ["ada.o-k_1"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate.verify_directly_issued_by(_loaded(authority.certificate))
    assert not _verifies_as_server(authority, certificate, "localhost")


def test_no_issued_certificate_can_sign_another(authority: Authority, pair: KeyPair) -> None:
    issues: list[Callable[[], None]] = [
        lambda: authority.issue_server(pair, ME, ["localhost"]),
        lambda: authority.issue_client(pair, ME, "ada", PERSON_LIFETIME),
    ]
    for issue in issues:
        issue()
        extensions = _loaded(pair.certificate).extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints)
        assert constraints.critical
        assert not constraints.value.ca
        assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    authority_itself = _loaded(authority.certificate).extensions
    value = authority_itself.get_extension_for_class(x509.BasicConstraints).value
    assert (value.ca, value.path_length) == (True, 0)


def test_people_get_hours_machines_months_and_the_authority_years(
    authority: Authority, pair: KeyPair
) -> None:
    assert _near(_lifetime(_loaded(authority.certificate)), AUTHORITY_LIFETIME)
    authority.issue_server(pair, ME, ["localhost"])
    assert _near(_lifetime(_loaded(pair.certificate)), MACHINE_LIFETIME)
    authority.issue_client(pair, ME, "ada", PERSON_LIFETIME)
    assert _near(_lifetime(_loaded(pair.certificate)), PERSON_LIFETIME)
    assert timedelta(hours=12) == PERSON_LIFETIME


def test_a_clock_a_little_behind_finds_a_fresh_certificate_valid(
    authority: Authority, pair: KeyPair
) -> None:
    authority.issue_client(pair, ME, "ada", PERSON_LIFETIME)
    behind = datetime.now(UTC) - timedelta(minutes=4)
    assert _loaded(pair.certificate).not_valid_before_utc < behind


def test_every_certificate_has_a_key_and_a_serial_number_of_its_own(
    authority: Authority, tmp_path: Path
) -> None:
    pairs = [KeyPair(tmp_path / f"{n}.crt", tmp_path / f"{n}.key") for n in range(3)]
    for pair in pairs:
        authority.issue_client(pair, ME, "ada", PERSON_LIFETIME)
    assert len({_loaded(pair.certificate).serial_number for pair in pairs}) == 3
    assert len({pair.key.read_bytes() for pair in pairs}) == 3


def test_keys_are_on_the_curve_p_256_and_open_to_their_owner_only(
    authority: Authority, pair: KeyPair
) -> None:
    authority.issue_client(pair, ME, "ada", PERSON_LIFETIME)
    key = serialization.load_pem_private_key(pair.key.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600
    assert stat.S_IMODE((authority.folder / "ca.key").stat().st_mode) == 0o600
    # Others pass through the folder to the certificate, and list nothing.
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o711


def test_an_authority_that_is_there_is_kept(authority: Authority) -> None:
    before = authority.certificate.read_bytes()
    authority.create(ME, "local")
    assert authority.certificate.read_bytes() == before


@pytest.mark.parametrize("name", ["ca.crt", "ca.key"])
@pytest.mark.parametrize("content", [None, b"spoilt"])
def test_an_authority_that_is_spoilt_is_made_anew(
    authority: Authority, name: str, content: bytes | None
) -> None:
    before = authority.certificate.read_bytes()
    path = authority.folder / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    authority.create(ME, "local")
    assert authority.certificate.read_bytes() not in (before, content)


def test_a_long_stack_name_still_makes_an_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    authority.create(ME, "x" * 100)
    (name,) = _loaded(authority.certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert len(name.value) == 64  # the upper bound of RFC 5280, appendix A


def test_a_machines_certificate_is_renewed_before_its_end_and_not_sooner(
    authority: Authority, pair: KeyPair
) -> None:
    authority.issue_client(pair, ME, "provisioner", MACHINE_LIFETIME)
    end = _loaded(pair.certificate).not_valid_after_utc
    assert not authority.must_renew(pair)
    assert not authority.must_renew(pair, end - RENEW_BEFORE - timedelta(seconds=1))
    assert authority.must_renew(pair, end - RENEW_BEFORE + timedelta(seconds=1))
    assert authority.must_renew(pair, end + timedelta(days=1))


def test_a_pair_that_does_not_belong_together_is_renewed(
    authority: Authority, pair: KeyPair, tmp_path: Path
) -> None:
    assert authority.must_renew(pair)  # nothing is there
    authority.issue_client(pair, ME, "provisioner", MACHINE_LIFETIME)
    other = KeyPair(tmp_path / "other.crt", tmp_path / "other.key")
    authority.issue_client(other, ME, "provisioner", MACHINE_LIFETIME)
    assert not authority.must_renew(pair)
    assert authority.must_renew(KeyPair(pair.certificate, other.key))
    pair.key.write_text("spoilt")
    assert authority.must_renew(pair)


def test_a_certificate_of_another_authority_is_renewed(
    authority: Authority, pair: KeyPair, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    other.create(ME, "local")
    other.issue_client(pair, ME, "provisioner", MACHINE_LIFETIME)
    assert authority.must_renew(pair)
    assert not other.must_renew(pair)


@pytest.mark.parametrize("content", [None, b"spoilt"])
def test_without_its_key_the_authority_signs_nothing_and_says_who_can(
    authority: Authority, pair: KeyPair, content: bytes | None
) -> None:
    key = authority.folder / "ca.key"
    key.unlink()
    if content is not None:
        key.write_bytes(content)
    with pytest.raises(StrongroomError) as refused:
        authority.issue_client(pair, ME, "ada", PERSON_LIFETIME)
    assert "certificate authority" in str(refused.value)
    assert "Only the user who ran `make up` can" in str(refused.value)
    assert not pair.certificate.exists()
