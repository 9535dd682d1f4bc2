"""Elevations on the local platform: on record while they last, and ended by machines."""
