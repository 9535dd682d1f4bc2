"""The postgresql plugin for closed networks: the types of pulumi-postgresql a stack declares.

Where Pulumi can install the official plugin, that one serves. Where it cannot, this one takes the
same programs: same tokens, same properties, same state and the same catalogs.
"""
