-- B-tree indexes that amcheck can look at.
SELECT format('%I.%I', n.nspname, c.relname) AS index, c.oid,
       format('%I.%I', tn.nspname, t.relname) AS table
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_index AS i ON i.indexrelid = c.oid JOIN pg_am AS m ON m.oid = c.relam
JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE m.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p'
  AND i.indisvalid AND i.indisready
ORDER BY c.relpages
