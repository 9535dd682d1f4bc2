"""Who may do what: as declared, and later as it really is."""
