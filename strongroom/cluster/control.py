"""What a cluster's control file says, whether its server runs or not."""

from strongroom.cluster.cluster import Cluster


def control(cluster: Cluster) -> dict[str, str]:
    """The lines of pg_controldata by their names."""
    tool = cluster.package.tool("pg_controldata")
    lines = cluster.user.run(tool, "--pgdata", cluster.data).stdout.splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def system_identifier(cluster: Cluster) -> str:
    """Tells a cluster and its copies from all others."""
    return control(cluster)["Database system identifier"]
