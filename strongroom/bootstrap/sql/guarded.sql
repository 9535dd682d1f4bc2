-- The schemas under guard, when the guard is there.
SELECT name FROM strongroom.guarded_schema ORDER BY name;
