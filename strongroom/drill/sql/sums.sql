-- Customers whose own sums are not those of their orders: a form that was saved by half.
SELECT each.id
FROM customers AS each
LEFT JOIN (
    SELECT customer, count(*) AS orders, sum(total) AS total FROM orders GROUP BY customer
) AS saved ON saved.customer = each.id
WHERE each.orders <> coalesce(saved.orders, 0) OR each.total <> coalesce(saved.total, 0)
ORDER BY each.id;
