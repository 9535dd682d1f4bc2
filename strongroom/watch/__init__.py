"""Watching: whatever destroys, or changes rights, is told within seconds, once, with who did it."""
