"""The formats in which settings are kept, one module each; every one gives entries with lines."""
