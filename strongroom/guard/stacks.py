"""What a Strongroom checkout itself knows of its guarded environments."""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.stack import StackFolder
from strongroom.errors import StrongroomError
from strongroom.guard.declared import Guarded
from strongroom.guard.hosts import Place
from strongroom.home import Home
from strongroom.reading.documents import shown_path
from strongroom.reading.stack_files import STACKS, environments
from strongroom.settings import Settings


def known_stacks(here: Path) -> tuple[Guarded, ...]:
    """The guarded stacks of the checkout that `here` lies in; none where there is no checkout.

    Raises:
        SettingsError: a stack file holds mistakes.
    """
    try:
        home = Home.find(here)
    except StrongroomError:
        return ()
    stacks = (Settings.load(home.checkout, name) for name in environments(home.checkout))
    return tuple(_guarded(home, settings) for settings in stacks if settings.guarded)


def _guarded(home: Home, settings: Settings) -> Guarded:
    name = settings.environment
    places = [Place.parse(host) for host in settings.guarded_hosts]
    source = shown_path(home.checkout / STACKS / f"Pulumi.{name}.yaml")
    authorities: list[x509.Certificate] = []
    if settings.platform == "local":
        folder = StackFolder(home.stack(name))
        places += [Place.parse(f"{LOOPBACK}:{port}") for port in _ports(folder)]
        authorities += _authority(folder)
    return Guarded(name, tuple(places), authorities=tuple(authorities), source=source)


def _ports(folder: StackFolder) -> Iterator[int]:
    for cluster in folder.clusters():
        yield cluster.port


def _authority(folder: StackFolder) -> Iterator[x509.Certificate]:
    path = folder.authority.certificate
    if not path.exists():
        return  # nothing was made yet
    try:
        yield x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StrongroomError(
            f"{path} cannot be read as a certificate, so a tunnel to this stack would not be "
            "known by it. Run `make up`, which mends it."
        ) from error
