"""What everything of a stack is called on AWS: plain text, known before anything exists."""

import hashlib
import re
from dataclasses import dataclass

#: Characters of an environment that stand in a name. The tightest limits are a vault's 50 and an
#: instance's, a function's or a role's 63 or 64; the engine adds 8 where it names by itself.
SHORT = 30

_DIGEST = 8


@dataclass(frozen=True)
class Names:
    """The names of one environment's resources, each under its service's limit.

    An environment is called what Pulumi allows; RDS takes lower case, digits and single hyphens
    only, and the names of two environments must differ in every service. So one that does not fit
    is shortened, and ends with a digest of the whole.

    Attributes:
        environment: the stack's name, up to 100 characters.
        existing: the identifier of an instance that was taken over and keeps it; empty for none.
    """

    environment: str
    existing: str = ""

    @property
    def short(self) -> str:
        """The environment in a name: lower case, digits, single hyphens, up to `SHORT` of them."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.environment.lower()).strip("-")
        if plain == self.environment and len(plain) <= SHORT:
            return plain
        digest = hashlib.sha256(self.environment.encode()).hexdigest()[:_DIGEST]
        return f"{plain[: SHORT - _DIGEST - 1].strip('-')}-{digest}".lstrip("-")

    @property
    def stem(self) -> str:
        """What every name begins with, 41 characters at most; also the backup vault."""
        return f"strongroom-{self.short}"

    def of(self, what: str) -> str:
        """The name of something else of this stack.

        Args:
            what: lower case, digits and hyphens; 20 characters at most keep to every limit.
        """
        return f"{self.stem}-{what}"

    def path(self, what: str) -> str:
        """The same where names are paths, as secrets, parameters and key aliases have them."""
        return f"strongroom/{self.short}/{what}"

    @property
    def primary(self) -> str:
        """The primary's instance identifier."""
        return self.existing or self.of("primary")

    @property
    def replica(self) -> str:
        """The standby's instance identifier."""
        return self.of("replica")

    @property
    def delayed(self) -> str:
        """The delayed replica's instance identifier."""
        return self.of("delayed")

    @property
    def function(self) -> str:
        """The function that is root's only user."""
        return self.of("root")

    @property
    def secret(self) -> str:
        """Where root's password is kept."""
        return self.path("root")

    @property
    def vault(self) -> str:
        """The backup vault, in both regions."""
        return self.stem

    @property
    def topic(self) -> str:
        """Where every alarm goes."""
        return self.of("alerts")

    @property
    def metrics(self) -> str:
        """The namespace of metrics that are made from the logs."""
        return f"Strongroom/{self.short}"

    @staticmethod
    def log_group(identifier: str, export: str = "postgresql") -> str:
        """Where RDS puts a log of an instance; it makes one there if none is."""
        return f"/aws/rds/instance/{identifier}/{export}"


def fetching_authorities(region: str, path: str) -> str:
    """The command that fetches the certificates of RDS's authorities in a region.

    Args:
        region: such as ``eu-central-1``.
        path: the file they are to stand in.
    """
    bundle = f"https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"
    return f"curl --fail --output {path} {bundle}"


def partition_of(region: str) -> str:
    """What ARNs of a region begin with; AWS keeps three worlds apart."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
