"""One stack: what its files declare, the platform it runs on, and who may do what there."""

import pulumi
import pulumi_postgresql as postgresql

from components.access import Access, AccessArgs
from components.program import PLATFORMS, declared

stack = declared()
platform = PLATFORMS[stack.settings.platform]

primary = platform.Primary("primary", platform.PrimaryArgs.of(stack))
replicas = {"replica": platform.Replica("replica", platform.ReplicaArgs.of(stack, primary))}
if delay := stack.settings.replica_delay_seconds:
    delayed = platform.ReplicaArgs.of(stack, primary, delay)
    replicas["delayed"] = platform.Replica("delayed", delayed)
snapshots = platform.SnapshotPolicy("snapshots", platform.SnapshotPolicyArgs.of(stack, primary))
root = platform.RootSecret("root", platform.RootSecretArgs.of(stack, primary))
platform.Agent(
    "agent",
    platform.AgentArgs.of(stack, primary),
    pulumi.ResourceOptions(depends_on=[snapshots, root]),
)
provisioner = postgresql.Provider("provisioner", **primary.provisioner_settings())
Access(
    "access",
    AccessArgs.of(stack, primary),
    # Root's password changes once, right at the start, before anything builds on the server.
    pulumi.ResourceOptions(providers=[provisioner], depends_on=[root]),
)

pulumi.export("primary", pulumi.Output.format("{0}:{1}", primary.host, primary.port))
for name, replica in replicas.items():
    pulumi.export(name, pulumi.Output.format("{0}:{1}", replica.host, replica.port))
pulumi.export("database", primary.database)
pulumi.export("newestSnapshot", snapshots.newest)
pulumi.export("rootPasswordRotatedAt", root.rotated_at)
