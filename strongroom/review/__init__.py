"""What a change would do to rights and protections, for whoever has to approve it."""
