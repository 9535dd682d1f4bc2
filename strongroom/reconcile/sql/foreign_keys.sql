-- Foreign keys that were never validated, each with the query for the rows that break it.
SELECT format('%I.%I', n.nspname, o.relname) AS table,
       c.conname::text AS name,
       format(
           'SELECT %s FROM %I.%I AS mine WHERE %s AND NOT EXISTS '
           '(SELECT FROM %I.%I AS other WHERE %s)',
           columns.own, n.nspname, o.relname,
           CASE c.confmatchtype WHEN 'f' THEN columns.any_there ELSE columns.all_there END,
           fn.nspname, f.relname, columns.same
       ) AS query
FROM pg_constraint AS c
JOIN pg_class AS o ON o.oid = c.conrelid JOIN pg_namespace AS n ON n.oid = o.relnamespace
JOIN pg_class AS f ON f.oid = c.confrelid JOIN pg_namespace AS fn ON fn.oid = f.relnamespace
CROSS JOIN LATERAL (
    SELECT concat_ws(', ', key.columns, string_agg(format('mine.%I', a.attname), ', ' ORDER BY k.place)
                     FILTER (WHERE a.attnum <> ALL (coalesce(key.numbers, '{}')))) AS own,
           string_agg(format('mine.%I IS NOT NULL', a.attname), ' AND ') AS all_there,
           '(' || string_agg(format('mine.%I IS NOT NULL', a.attname), ' OR ') || ')' AS any_there,
           string_agg(
               format('other.%I OPERATOR(%I.%s) mine.%I', b.attname, opn.nspname, op.oprname,
                      a.attname), ' AND '
           ) AS same
    FROM unnest(c.conkey, c.confkey, c.conpfeqop) WITH ORDINALITY AS k (own, other, equal, place)
    JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.own
    JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = k.other
    JOIN pg_operator AS op ON op.oid = k.equal
    JOIN pg_namespace AS opn ON opn.oid = op.oprnamespace
    CROSS JOIN LATERAL (
        SELECT string_agg(format('mine.%I', attname), ', ' ORDER BY attnum) AS columns,
               array_agg(attnum) AS numbers
        FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey::int2[])
        WHERE indrelid = c.conrelid AND indisprimary
    ) AS key
    GROUP BY key.columns
) AS columns
WHERE c.contype = 'f' AND NOT c.convalidated AND c.conparentid = 0
ORDER BY 1, 2
