-- Lines without their order.
SELECT DISTINCT form FROM lines
WHERE NOT EXISTS (SELECT FROM orders WHERE orders.form = lines.form)
ORDER BY form;
