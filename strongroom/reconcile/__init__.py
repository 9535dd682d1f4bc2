"""What to look at after a recovery: work that was cut off, and what does not fit together."""
