-- Every table of the application that holds rows of its own.
SELECT nspname, relname
FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE relkind IN ('r', 'm') AND relpersistence = 'p'
    AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'strongroom')
ORDER BY nspname, relname;
