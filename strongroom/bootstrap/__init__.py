"""What root must do, and how root's password is kept and changed."""
