"""What a server proves itself with, seen without signing in.

PostgreSQL's SSLRequest, then a TLS handshake; no credential is sent and no session starts. A
tunnel on this machine shows the certificate of the server at its other end.
"""

import socket
import ssl
import struct
from collections.abc import Sequence
from contextlib import closing

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from strongroom.guard.declared import Guarded
from strongroom.guard.findings import How, Match
from strongroom.guard.hosts import address_of, normal

#: Seconds for one server.
LIMIT = 2.0
# The code of SSLRequest (PostgreSQL documentation, "Message Formats").
_SSL_REQUEST = struct.pack("!II", 8, 80877103)


def shown_by(server: tuple[str, int]) -> tuple[x509.Certificate, ...]:
    """The certificates a server shows, its own first; none when it shows none.

    Args:
        server: host (or the folder of a Unix socket) and port.
    """
    host, port = server
    try:
        with closing(_connected(host, port)) as plain:
            plain.sendall(_SSL_REQUEST)
            if plain.recv(1) != b"S":
                return ()
            return _handshake(plain, host)
    except (OSError, ValueError):  # nobody there, no TLS, or a certificate that is none
        return ()


def _connected(host: str, port: int) -> socket.socket:
    if not host.startswith(("/", "@")):
        return socket.create_connection((host, port), timeout=LIMIT)
    opened = socket.socket(socket.AF_UNIX)
    try:
        opened.settimeout(LIMIT)
        opened.connect(f"{host}/.s.PGSQL.{port}".replace("@", "\0", 1 if host[0] == "@" else 0))
    except OSError:
        opened.close()
        raise
    return opened


def _handshake(plain: socket.socket, host: str) -> tuple[x509.Certificate, ...]:
    # Whoever it is may be guarded, so every certificate is looked at and none believed.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    name = host if address_of(host) is None and not host.startswith(("/", "@")) else None
    with context.wrap_socket(plain, server_hostname=name) as encrypted:
        own = encrypted.getpeercert(binary_form=True)
        # From Python 3.13 on.
        chain = getattr(encrypted, "get_unverified_chain", lambda: [own])()
        return tuple(x509.load_der_x509_certificate(der) for der in chain if der)


def recognised(
    shown: Sequence[x509.Certificate], guarded: Sequence[Guarded], host: str
) -> Match | None:
    """Which guarded environment the certificates that `host` shows belong to.

    They are known by a name, a fingerprint or who signed them.
    """
    for one in guarded:
        if shown and (name := _named(shown[0], one, host)):
            return Match(one.environment, name, How.CERTIFICATE)
        for certificate in shown:
            digest = certificate.fingerprint(hashes.SHA256()).hex()
            if digest in one.fingerprints:
                return Match(one.environment, f"sha256:{digest[:16]}…", How.CERTIFICATE)
            if any(_issued_by(certificate, authority) for authority in one.authorities):
                return Match(one.environment, "its certificate authority", How.CERTIFICATE)
    return None


def _named(certificate: x509.Certificate, one: Guarded, host: str) -> str | None:
    """The guarded host that a certificate is made out to."""
    names = _names(certificate)
    for place in one.places:
        for name in names:
            if place.name and (place.covers_name(name) or _stands_for(name, place.name, host)):
                return place.text
    return None


def _stands_for(name: str, guarded: str, host: str) -> bool:
    """Whether a certificate for ``*.example.com`` is the guarded host's rather than `host`'s own.

    A server that was asked for by a name below the wildcard is likely another one.
    """
    below = name[1:].lower()
    wild = name.startswith("*.") and guarded.partition(".")[2] == below[1:]
    return wild and not normal(host).endswith(below)


def _names(certificate: x509.Certificate) -> list[str]:
    names = [
        str(attribute.value)
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return names
    return names + found.value.get_values_for_type(x509.DNSName)


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    if certificate == authority:
        return True
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
