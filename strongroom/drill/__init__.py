"""Recoveries done on purpose: the outage replayed on a scratch stack, and snapshots restored."""
