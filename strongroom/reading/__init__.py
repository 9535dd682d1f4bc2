"""How settings and rosters are read: every mistake found, each with its line, before any use."""
