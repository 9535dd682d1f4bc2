"""PostgreSQL processes on this machine: making, starting and copying clusters."""
