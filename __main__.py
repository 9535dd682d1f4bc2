"""One stack: what its files declare, the platform it runs on, and who may do what there."""

import pulumi
import pulumi_postgresql as postgresql

from components.access import Access, AccessArgs
from components.program import PLATFORMS, declared, export
from components.review import Review, ReviewArgs

stack = declared()
platform = PLATFORMS[stack.settings.platform]

primary = platform.Primary("primary", platform.PrimaryArgs.of(stack))
replicas = platform.replicas(stack, primary)
snapshots = platform.SnapshotPolicy("snapshots", platform.SnapshotPolicyArgs.of(stack, primary))
root = platform.RootSecret("root", platform.RootSecretArgs.of(stack, primary))
agent = platform.Agent(
    "agent",
    platform.AgentArgs.of(stack, primary),
    pulumi.ResourceOptions(depends_on=[snapshots, root]),
)
people = platform.People(
    "people", platform.PeopleArgs.of(stack, primary), pulumi.ResourceOptions(depends_on=[root])
)
provisioner = postgresql.Provider("provisioner", **primary.provisioner_settings())
access = Access(
    "access",
    AccessArgs.of(stack, primary),
    # Before any right is given, root's password is new, leavers are out, and lent tiers on record.
    pulumi.ResourceOptions(providers=[provisioner], depends_on=[root, agent, people]),
)
review = Review("review", ReviewArgs.of(stack, primary, access))

export(
    {"primary": primary, **replicas},
    {"database": primary.database, "newestSnapshot": snapshots.newest}
    | {"rootPasswordRotatedAt": root.rotated_at},
    last=review.last,
)
