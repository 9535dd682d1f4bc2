"""Back to the instant before: a copy is recovered to an exact LSN and replaces what was lost.

The source, a delayed replica or a snapshot, is never changed; the copy is.
"""
