-- name: strata
SELECT {label}, {start}, count(*) FROM {table} WHERE {within} GROUP BY 1, 2 ORDER BY 1, 2

-- name: newest_rows
SELECT {names} FROM (
    SELECT {columns}, {time} AS "heliotrope time" FROM {table} WHERE {within}
) AS found
ORDER BY "heliotrope time" DESC, hash_record_extended(ROW({names}), {seed})
LIMIT {most}

-- name: drawn_rows
-- Equal rows are numbered, each gets a place in its stratum by the hash of content and number, and the first are taken.
WITH quota AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(current_setting('heliotrope.quota')::jsonb)
        AS quota(label text, start timestamptz, wanted bigint, chance double precision)
), hashed AS (
    SELECT {columns}, {label} AS "heliotrope label", {start} AS "heliotrope start" FROM {table} WHERE {within}
), keyed AS (
    SELECT *, hash_record_extended(ROW({names}), {seed}) AS "heliotrope key" FROM hashed
), numbered AS (
    SELECT *, hashint8extended("heliotrope key", row_number() OVER (PARTITION BY "heliotrope key"))
        AS "heliotrope place"
    FROM keyed
), ranked AS (
    SELECT numbered.*, quota.wanted AS "heliotrope wanted",
        row_number() OVER (PARTITION BY "heliotrope label", "heliotrope start" ORDER BY "heliotrope place")
            AS "heliotrope rank"
    FROM numbered JOIN quota ON quota.label = "heliotrope label" AND quota.start = "heliotrope start"
    WHERE "heliotrope place"::double precision / 18446744073709551616.0 + 0.5 <= quota.chance
)
SELECT {names} FROM ranked WHERE "heliotrope rank" <= "heliotrope wanted"
