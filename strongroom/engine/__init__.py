"""The engine of the local stack: where its state lies, what it needs, what a killed run left.

Only the local stack has its state here. Nothing of the user's own Pulumi is read or changed: not
the login, not the plugins, not the workspace.
"""

STACK = "local"

#: The project's own policy pack, in the checkout; every preview and every update is held to it.
POLICIES = "policy/run"
