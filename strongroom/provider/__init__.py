"""The Pulumi side of the library: the only place under strongroom/ that imports Pulumi."""

import os

# gRPC's fork handlers restart its threads in every child of subprocess, before it becomes
# initdb or pg_ctl, and those threads crash it now and then. Read when grpc is first used.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"
