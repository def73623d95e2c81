-- name: newest_scale
-- Of those that one of the latest intervals before was counted on: later ones are not known yet.
SELECT id, bins FROM heliotrope.scale
WHERE asked = %(asked)s AND id IN (
    SELECT histogram.scale_id
    FROM heliotrope.cycle
    JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
    JOIN heliotrope.histogram ON histogram.batch_id = batch.id
    WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s AND interval_start < %(before)s
    ORDER BY interval_start DESC
    LIMIT 100
)
ORDER BY id DESC LIMIT 1

-- name: add_scale
INSERT INTO heliotrope.scale (pipeline_id, segment, asked, bins)
VALUES (%(pipeline_id)s, %(segment)s, %(asked)s, %(bins)s)
RETURNING id

-- name: counted
-- The latest intervals that were counted on a scale, the newest first.
SELECT cycle.interval_start, histogram.counts, histogram.era, histogram.changed, histogram.loss_rise,
    histogram.loss_rise_error
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
JOIN heliotrope.histogram ON histogram.batch_id = batch.id
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND scale_id = %(scale_id)s
    AND interval_start > %(after)s AND interval_start < %(before)s
ORDER BY interval_start DESC
LIMIT %(limit)s

-- name: add_histogram
INSERT INTO heliotrope.histogram (batch_id, scale_id, counts, era, changed, loss_rise, loss_rise_error)
VALUES (%(batch_id)s, %(scale_id)s, %(counts)s, %(era)s, %(changed)s, %(loss_rise)s, %(loss_rise_error)s)

-- name: changed_before
-- The starts of the intervals in which a change was found, the newest first.
SELECT cycle.interval_start
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
JOIN heliotrope.histogram ON histogram.batch_id = batch.id
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start < %(before)s
    AND histogram.changed <> '{}'
ORDER BY interval_start DESC
LIMIT 1

-- name: past_trainings
-- When something was trained, and the gain of the one that was let in: 0 where none was, null where there was nothing
-- to compare it with; and its mean loss there.
SELECT cycle.interval_end,
    CASE WHEN final.candidate IS NULL THEN 0.0 ELSE (evaluation.gain ->> 'mean_gain')::double precision END,
    (evaluation.metrics ->> 'loss')::double precision
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
LEFT JOIN heliotrope.training AS final
    ON final.cycle_id = cycle.id AND final.role = 'final' AND final.failure IS NULL
LEFT JOIN heliotrope.evaluation
    ON evaluation.batch_id = batch.id AND evaluation.role = 'challenger' AND evaluation.candidate = final.candidate
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start < %(before)s
    AND EXISTS (SELECT FROM heliotrope.training WHERE training.cycle_id = cycle.id)
ORDER BY cycle.interval_end DESC
LIMIT 50

-- name: add_recall
INSERT INTO heliotrope.recall (batch_id, training_id, rows, metrics, gain)
VALUES (%(batch_id)s, %(training_id)s, %(rows)s, %(metrics)s, %(gain)s)

-- name: cycle_recalls
SELECT training.id, training.candidate, training.window_start, training.window_end, recall.rows, recall.metrics,
    recall.gain
FROM heliotrope.recall
JOIN heliotrope.batch ON batch.id = recall.batch_id
JOIN heliotrope.training ON training.id = recall.training_id
WHERE batch.cycle_id = %(cycle_id)s AND batch.revision = 0
ORDER BY training.id
