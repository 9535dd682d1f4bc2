-- The columns of a table as its rows have them: dropped ones too, which are NULL in new rows.
-- The place in the key is that in the primary key, or else in the narrowest unique index that
-- admits neither NULL nor exceptions.
WITH key AS (
    SELECT indkey::int2[] AS numbers
    FROM pg_index AS i
    WHERE indrelid = %(table)s AND indisunique AND indisvalid AND indpred IS NULL
      AND indexprs IS NULL
      AND NOT EXISTS (
          SELECT FROM pg_attribute
          WHERE attrelid = indrelid AND attnum = ANY(indkey::int2[]) AND NOT attnotnull
      )
    ORDER BY indisprimary DESC, indnkeyatts, indexrelid
    LIMIT 1
)
SELECT attname::text AS name,
       CASE WHEN attisdropped THEN 'boolean' ELSE format_type(atttypid, atttypmod) END AS type,
       attisdropped AS dropped,
       array_position(numbers, attnum) IS NOT NULL AS in_key
FROM pg_attribute LEFT JOIN key ON true
WHERE attrelid = %(table)s AND attnum > 0
ORDER BY attnum
