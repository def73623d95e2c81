-- name: describe
SELECT schema.nspname, relation.relname, attribute.attname,
    CASE WHEN type.typtype = 'e' THEN 'enum' ELSE coalesce(base.typname, type.typname) END,
    CASE WHEN attribute.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) AND attribute.atttypmod BETWEEN 0 AND 5
         THEN attribute.atttypmod END,
    relation.relhastriggers
FROM pg_class AS relation
JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
JOIN pg_attribute AS attribute ON attribute.attrelid = relation.oid AND attribute.attnum > 0
    AND NOT attribute.attisdropped
JOIN pg_type AS type ON type.oid = attribute.atttypid
LEFT JOIN pg_type AS base ON base.oid = type.typbasetype AND type.typtype = 'd'
WHERE relation.relkind IN ('r', 'p', 'v', 'm', 'f') AND relation.relname = %(name)s
    AND (schema.nspname = %(schema)s
         OR (%(schema)s::text IS NULL AND pg_table_is_visible(relation.oid)))
ORDER BY attribute.attnum

-- name: list_tables
SELECT CASE WHEN pg_table_is_visible(relation.oid) THEN '' ELSE schema.nspname || '.' END || relation.relname
FROM pg_class AS relation JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
WHERE relation.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND schema.nspname NOT IN ('pg_catalog', 'information_schema', 'heliotrope', 'mlflow')
    AND schema.nspname NOT LIKE 'pg\_%%'
ORDER BY 1

-- name: longest_gap
-- The longest stretch of intervals without a row between two that hold some, in one pass over the rows.
WITH filled AS (
    SELECT date_bin({step}, {when}, {origin}) AS start, min({when}) AS first, max({when}) AS last, count(*) AS rows
    FROM {table} WHERE {within} GROUP BY 1
), placed AS (
    SELECT start, last, lead(start) OVER in_order AS next_start, lead(first) OVER in_order AS next,
        count(*) OVER () AS filled, sum(rows) OVER in_order AS before, sum(rows) OVER () AS total
    FROM filled WINDOW in_order AS (ORDER BY start)
)
SELECT last, next, round(extract(epoch FROM next_start - start) / extract(epoch FROM {step})) - 1, filled, before,
    total - before
FROM placed WHERE next_start - start > {step}
ORDER BY next_start - start DESC LIMIT 1

-- name: reaches
-- Every segment's first and last time, and how many rows it has.
SELECT {text} COLLATE "C", min({when}), max({when}), count(*) FROM {table} WHERE {within} GROUP BY 1 ORDER BY 1
