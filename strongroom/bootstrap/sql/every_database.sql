-- In every database that can be entered, as root.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
