-- Four rows fill a page, as they are: each is below the size that is compressed.
INSERT INTO attachments (body)
SELECT repeat(md5(n::text), 60) FROM generate_series(1, %(count)s::bigint) AS n;
