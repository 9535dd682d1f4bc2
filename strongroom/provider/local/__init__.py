"""strongroom:local:*, the platform a laptop or CI can run."""
