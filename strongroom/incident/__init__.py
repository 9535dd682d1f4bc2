"""Who did it: the latest destructive events, from the server's log and the WAL."""
