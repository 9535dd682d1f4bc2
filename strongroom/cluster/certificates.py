"""The stack's own certificate authority and what it signs.

Nobody on the local platform has a password: servers, machines and people prove themselves by
certificates of this authority. A person's certificate is short-lived, so losing a laptop loses
access for hours, not for good.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError

AUTHORITY_LIFETIME = timedelta(days=3650)
MACHINE_LIFETIME = timedelta(days=90)
#: A machine's certificate is renewed when less than this is left.
RENEW_BEFORE = timedelta(days=30)
PERSON_LIFETIME = timedelta(hours=12)

# Clocks of client and server may differ a little (RFC 5280, 4.1.2.5 gives no tolerance itself).
_BACKDATED = timedelta(minutes=5)


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, both PEM files."""

    certificate: Path
    key: Path

    def loaded(self) -> x509.Certificate | None:
        """The certificate; None when it or its key is missing or spoilt, or they do not match."""
        try:
            loaded = x509.load_pem_x509_certificate(self.certificate.read_bytes())
            key = serialization.load_pem_private_key(self.key.read_bytes(), password=None)
        except (OSError, ValueError, TypeError):
            return None
        return loaded if key.public_key() == loaded.public_key() else None


@dataclass(frozen=True)
class Authority:
    """A certificate authority kept in a folder that only its owner can enter."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """What clients and servers trust."""
        return self.folder / "ca.crt"

    @property
    def _pair(self) -> KeyPair:
        return KeyPair(self.certificate, self.folder / "ca.key")

    def create(self, owner: SystemUser, name: str) -> None:
        """Make the authority unless it is there and sound; `name` appears in its certificate."""
        if self._pair.loaded() is not None:
            return
        owner.folder(self.folder)
        # Certificates are read by the server's user, who must pass through this folder.
        self.folder.chmod(0o711)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"Strongroom CA {name}"[:64])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = (
            _builder(subject, subject, key.public_key(), key.public_key(), AUTHORITY_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        owner.write(self._pair.key, _pem(key))
        owner.write(self.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def issue_server(self, pair: KeyPair, owner: SystemUser, hosts: list[str]) -> None:
        """Sign a server certificate for host names and addresses, readable by `owner`."""
        names: list[x509.GeneralName] = [_general_name(host) for host in hosts]
        extension = x509.SubjectAlternativeName(names)
        # A common name has 64 characters at most (RFC 5280, A.1); clients go by the extension.
        name = hosts[0][:64]
        self._issue(pair, owner, name, MACHINE_LIFETIME, ExtendedKeyUsageOID.SERVER_AUTH, extension)

    def issue_client(
        self, pair: KeyPair, owner: SystemUser, role: str, lifetime: timedelta
    ) -> None:
        """Sign a certificate that lets `owner`'s processes sign in as `role` for `lifetime`."""
        self._issue(pair, owner, role, lifetime, ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def must_renew(self, pair: KeyPair, now: datetime | None = None) -> bool:
        """Whether a machine's certificate has to be signed anew.

        It has to when it is missing, spoilt, of another authority or within `RENEW_BEFORE` of
        its end.
        """
        authority, signed = self._pair.loaded(), pair.loaded()
        if authority is None or signed is None:
            return True
        try:
            signed.verify_directly_issued_by(authority)
        except (ValueError, InvalidSignature):
            return True
        return signed.not_valid_after_utc - (now or datetime.now(UTC)) < RENEW_BEFORE

    def _issue(
        self,
        pair: KeyPair,
        owner: SystemUser,
        common_name: str,
        lifetime: timedelta,
        usage: x509.ObjectIdentifier,
        alternative: x509.SubjectAlternativeName | None,
    ) -> None:
        try:
            authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
            signer = serialization.load_pem_private_key(self._pair.key.read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise StrongroomError(
                f"The stack's certificate authority at {self.folder} cannot be read ({error}), so "
                "no certificate can be signed. Only the user who ran `make up` can; run this as "
                "that user, or run `make up` if there is no stack yet."
            ) from error
        assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - create() made it
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, own = signer.public_key(), key.public_key()
        signs = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        builder = (
            _builder(_name(common_name), authority.subject, own, issuer, lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(signs, critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if alternative is not None:
            builder = builder.add_extension(alternative, critical=False)
        certificate = builder.sign(signer, hashes.SHA256())
        owner.write(pair.key, _pem(key))
        owner.write(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + lifetime)
        # Both are a MUST of RFC 5280 (4.2.1.1, 4.2.1.2) that strict clients insist on.
        .add_extension(authority, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
