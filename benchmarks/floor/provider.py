"""A plugin that does nothing, on Pulumi's own server for plugins in Python."""

import sys

from pulumi.provider.experimental import provider as calls
from pulumi.provider.experimental.server import main


class Floor(calls.Provider):
    """Takes what it is given and makes nothing of it."""

    async def check(self, request: calls.CheckRequest) -> calls.CheckResponse:
        """Take everything."""
        return calls.CheckResponse(inputs=request.new_inputs)

    async def diff(self, request: calls.DiffRequest) -> calls.DiffResponse:
        """Compare."""
        return calls.DiffResponse(changes=request.old_state != request.new_inputs)

    async def create(self, request: calls.CreateRequest) -> calls.CreateResponse:
        """Make nothing."""
        return calls.CreateResponse(resource_id="nothing", properties=request.properties)

    async def update(self, request: calls.UpdateRequest) -> calls.UpdateResponse:
        """Change nothing."""
        return calls.UpdateResponse(properties=request.news)


if __name__ == "__main__":
    main(sys.argv[1:], "1.0.0", Floor())
