-- Orders of the years before, three lines each: about 700 bytes with their indexes.
WITH made AS (
    INSERT INTO orders (form, note, total)
    SELECT 'before-' || n, 'order ' || n, n
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    RETURNING form
)
INSERT INTO lines (form, position, item, quantity, price)
SELECT form, position, 'item ' || position, position, 100
FROM made CROSS JOIN generate_series(1, 3) AS position;
