"""What stands in for AWS in a rehearsal: no account, no credentials, only this machine."""
