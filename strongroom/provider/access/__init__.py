"""strongroom:access:*, what pulumi_postgresql has no words for."""
