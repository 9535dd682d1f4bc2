"""What a stack is made of: declarations only, nothing here connects to anything."""
