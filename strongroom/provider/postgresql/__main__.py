"""The postgresql plugin; the engine starts it through plugin/closed-network."""

import sys

from strongroom.provider.bare import without_sdk

if __name__ == "__main__":
    without_sdk()

from strongroom.provider.postgresql.plugin import PostgresqlPlugin
from strongroom.provider.server import serve

if __name__ == "__main__":
    serve(PostgresqlPlugin(), sys.argv[1:])
