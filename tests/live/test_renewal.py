"""Certificates that are unfit are noticed, signed anew and served at once."""

import shutil
import socket
import ssl
import struct
from collections.abc import Callable
from datetime import timedelta

import pytest

from strongroom.cluster.certificates import Authority, KeyPair
from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.system_user import SystemUser
from tests.live.local_stack import LocalStack, put_right

pytestmark = pytest.mark.live


def _served(stack: LocalStack) -> bytes:
    """The certificate the running server shows to a client."""
    with socket.create_connection((LOOPBACK, stack.cluster.port)) as plain:
        plain.sendall(struct.pack("!II", 8, 80877103))
        assert plain.recv(1) == b"S"
        context = ssl.create_default_context(cafile=str(stack.paths.authority.certificate))
        with context.wrap_socket(plain, server_hostname=LOOPBACK) as encrypted:
            return encrypted.getpeercert(binary_form=True) or b""


def _nearly_expired(stack: LocalStack, pair: KeyPair) -> None:
    me = SystemUser.owning(pair.key)
    stack.paths.authority.issue_client(pair, me, "provisioner", timedelta(days=3))


def _of_another_authority(stack: LocalStack, pair: KeyPair) -> None:
    other = Authority(stack.folder / "other-ca")
    other.create(SystemUser.current(), "other")
    other.issue_client(pair, SystemUser.owning(pair.key), "provisioner", timedelta(days=90))


def _without_its_key(stack: LocalStack, pair: KeyPair) -> None:
    pair.key.unlink()


def _with_a_spoilt_key(stack: LocalStack, pair: KeyPair) -> None:
    pair.key.write_text("spoilt")


def _with_anothers_key(stack: LocalStack, pair: KeyPair) -> None:
    shutil.copy(stack.pair("somebody").key, pair.key)


def _deleted(stack: LocalStack, pair: KeyPair) -> None:
    pair.certificate.unlink()


SPOILT = [
    _nearly_expired,
    _of_another_authority,
    _without_its_key,
    _with_a_spoilt_key,
    _with_anothers_key,
    _deleted,
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_certificates_that_are_unfit_are_renewed_and_served_at_once(
    sound: LocalStack, spoil: Callable[[LocalStack, KeyPair], None]
) -> None:
    process = sound.cluster.process()
    before = _served(sound)
    spoil(sound, sound.cluster.server_pair)
    spoil(sound, sound.paths.provisioner)
    drift = sound.primary.refresh()
    assert "the server's certificate has to be renewed" in drift
    assert "the provisioner's certificate has to be renewed" in drift
    put_right(sound)
    assert _served(sound) != before
    assert sound.cluster.process() == process


@pytest.mark.parametrize("damage", ["deleted", "spoilt"])
def test_a_lost_authority_is_made_anew_and_everything_signed_again(
    sound: LocalStack, damage: str
) -> None:
    if damage == "deleted":
        shutil.rmtree(sound.paths.authority.folder)
    else:
        sound.paths.authority.certificate.write_text("spoilt")
    assert "the server's certificate has to be renewed" in sound.primary.refresh()
    put_right(sound)
    assert _served(sound)
