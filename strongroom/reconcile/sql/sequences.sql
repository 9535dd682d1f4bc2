-- Sequences that fill a column, each with the query that tells when the next value is not free.
SELECT format('%I.%I', sn.nspname, s.relname) AS sequence,
       format('%I.%I.%I', n.nspname, t.relname, a.attname) AS column,
       format(
           'SELECT %L AS sequence, %L AS column, held.next, kept.last AS already_there '
           'FROM (SELECT CASE WHEN is_called THEN last_value + (%s) ELSE last_value END AS next '
           'FROM %I.%I) AS held, (SELECT %s(%I) AS last FROM %I.%I) AS kept '
           'WHERE held.next %s kept.last',
           format('%I.%I', sn.nspname, s.relname), format('%I.%I.%I', n.nspname, t.relname, a.attname),
           q.seqincrement, sn.nspname, s.relname,
           CASE WHEN q.seqincrement > 0 THEN 'max' ELSE 'min' END, a.attname, n.nspname, t.relname,
           CASE WHEN q.seqincrement > 0 THEN '<=' ELSE '>=' END
       ) AS query
FROM pg_sequence AS q
JOIN pg_class AS s ON s.oid = q.seqrelid JOIN pg_namespace AS sn ON sn.oid = s.relnamespace
JOIN (
    -- Owned by the column (serial, identity), or named in its default.
    SELECT objid AS sequence, refobjid AS relation, refobjsubid AS number FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass
      AND deptype IN ('a', 'i') AND refobjsubid > 0
    UNION
    SELECT d.refobjid, e.adrelid, e.adnum FROM pg_depend AS d
    JOIN pg_attrdef AS e ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
    WHERE d.refclassid = 'pg_class'::regclass
) AS fills ON fills.sequence = s.oid
JOIN pg_class AS t ON t.oid = fills.relation AND t.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = fills.number
WHERE NOT q.seqcycle AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
  AND s.relpersistence <> 't' AND t.relpersistence <> 't'
ORDER BY 1, 2
