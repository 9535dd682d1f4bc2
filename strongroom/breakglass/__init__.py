"""Break-glass: more rights for one person for at most an hour, on record from before to after."""
