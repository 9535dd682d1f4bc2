"""The agent: what has to happen between two runs of `pulumi up`, on the local platform.

One background process for each stack. It stands in for what services of AWS do: pg_cron writes the
heartbeat there, AWS Backup takes snapshots, Secrets Manager rotates.
"""
