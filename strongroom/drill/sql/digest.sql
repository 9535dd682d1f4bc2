-- How many rows there were before the application began to save forms, and what is in them.
SELECT
    (SELECT count(*) FROM attachments) AS attachments,
    (SELECT coalesce(sum(hashtextextended(body, id)), 0)::text FROM attachments) AS bodies,
    (SELECT count(*) FROM orders WHERE form LIKE 'before-%') AS orders,
    (SELECT coalesce(sum(hashtextextended(form || note || total || saved, id)), 0)::text
     FROM orders WHERE form LIKE 'before-%') AS contents,
    (SELECT count(*) FROM lines WHERE form LIKE 'before-%') AS lines,
    (SELECT coalesce(sum(hashtextextended(form || item || quantity || price, position)), 0)::text
     FROM lines WHERE form LIKE 'before-%') AS details;
