"""IAM tokens: the password of a moment, by which a role signs in to RDS.

A token is signed on this machine, without asking AWS, for one host, port and role, and opens a
session for 15 minutes (RDS documentation, "IAM database authentication"). It is made when it is
needed and kept nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.errors import StrongroomError

_SESSION = "strongroom"


@dataclass(frozen=True)
class Signer:
    """Whose credentials sign.

    Attributes:
        region: the instance's region; empty for the one AWS's own settings name.
        profile: a profile of AWS's configuration files; empty for what AWS's tools choose.
        role: the ARN of a role to assume before; empty for none.
    """

    region: str = ""
    profile: str = ""
    role: str = ""

    def token(self, host: str, port: int, user: str) -> str:
        """A token for one role at one endpoint.

        Args:
            host: the instance's own endpoint: a name that stands in for it does not do.
            port: its TCP port, 1 to 65535.
            user: the role, in rds_iam.

        Raises:
            StrongroomError: there are no credentials, or AWS refuses the role.
        """
        # A local stack needs neither; boto3 takes 0.2 s.
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            session = boto3.session.Session(
                profile_name=self.profile or None, region_name=self.region or None
            )
            if self.role:
                session = boto3.session.Session(
                    **self._assumed(session), region_name=session.region_name
                )
            token: str = session.client("rds").generate_db_auth_token(
                DBHostname=host, Port=port, DBUsername=user
            )
        except (BotoCoreError, ClientError) as error:
            raise StrongroomError(
                f"No IAM token could be made for {user} at {host}:{port}: "
                f"{' '.join(str(error).split()).rstrip('.')}. Nobody signs in there with "
                "a password, so nothing was done. Sign in to AWS first, for example with "
                "`aws sso login`, and name the profile in AWS_PROFILE."
            ) from error
        return token

    def _assumed(self, session: Any) -> Mapping[str, str]:
        answer = session.client("sts").assume_role(RoleArn=self.role, RoleSessionName=_SESSION)
        given = answer["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
