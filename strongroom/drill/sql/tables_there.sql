-- Every table of the database that holds rows of its own.
SELECT nspname, relname
FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE relkind IN ('r', 'm') AND relpersistence = 'p'
    AND nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY nspname, relname;
