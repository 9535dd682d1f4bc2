"""Strongroom keeps a production PostgreSQL database out of reach of accidents."""

__version__ = "0.1.0"
