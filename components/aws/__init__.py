"""The platform production runs on: RDS for PostgreSQL, and what watches and keeps it."""
