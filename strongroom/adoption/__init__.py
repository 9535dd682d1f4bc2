"""Taking over a live server: who would be what, and what each would gain and lose by it."""
