-- Every form that was saved by the application, with all its lines.
SELECT
    form, customer, note, total,
    (SELECT coalesce(json_agg(json_build_object(
         'position', position, 'item', item, 'quantity', quantity, 'price', price
     ) ORDER BY position), '[]') FROM lines WHERE lines.form = orders.form)
FROM orders WHERE form NOT LIKE 'before-%'
ORDER BY id;
