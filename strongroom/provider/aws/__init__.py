"""strongroom:aws:*, what the aws plugin has no words for."""
