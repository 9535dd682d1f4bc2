-- Tables and what belongs to them, by the number of their file.
SELECT pg_relation_filenode(c.oid) AS file,
       c.oid,
       format('%%I.%%I', n.nspname, c.relname) AS name,
       c.relkind::text AS kind,
       pg_relation_filepath(c.oid) AS path,
       n.nspname::text AS schema
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE pg_relation_filenode(c.oid) = ANY(%(files)s)
