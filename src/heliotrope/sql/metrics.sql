-- name: metric_states
-- Where every pipeline is: its declaration's own words, its last cycle that is done, the last score of its champion, and
-- who serves. Of the whole table; segments are counted elsewhere.
SELECT pipeline.id, last.cycle_id, pipeline.name,
    version.config ->> 'task', version.config ->> 'metric', version.config ->> 'interval',
    last.interval_end, last.ended_at, last.rows, last.verdict, scored.metrics,
    serving.candidate, serving.valid_from, serving.window_end, serving.rows
FROM heliotrope.pipeline
CROSS JOIN LATERAL (
    SELECT config FROM heliotrope.pipeline_version
    WHERE pipeline_id = pipeline.id ORDER BY id DESC LIMIT 1
) AS version
LEFT JOIN LATERAL (
    SELECT cycle.id AS cycle_id, cycle.interval_end, step.ended_at, batch.rows, batch.verdict
    FROM heliotrope.cycle
    JOIN heliotrope.step ON step.cycle_id = cycle.id AND step.name = 'done'
    JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
    WHERE cycle.pipeline_id = pipeline.id AND cycle.segment = ''
    ORDER BY cycle.interval_start DESC LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT evaluation.metrics
    FROM heliotrope.cycle
    JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
    JOIN heliotrope.evaluation ON evaluation.batch_id = batch.id AND evaluation.role = 'champion'
    WHERE cycle.pipeline_id = pipeline.id AND cycle.segment = ''
    ORDER BY cycle.interval_start DESC LIMIT 1
) AS scored ON true
LEFT JOIN LATERAL (
    SELECT training.candidate, champion.valid_from, training.window_end, training.rows
    FROM heliotrope.champion JOIN heliotrope.training ON training.id = champion.training_id
    WHERE champion.pipeline_id = pipeline.id AND champion.segment = ''
    ORDER BY champion.valid_from DESC, champion.id DESC LIMIT 1
) AS serving ON true
ORDER BY pipeline.name

-- name: metric_cycles
-- By pipeline, over all segments: cycles that are done, their rows, and how many segments there are.
SELECT pipeline_id, sum(cycles)::bigint, sum(rows)::bigint, sum(dropped)::bigint, count(*) FILTER (WHERE segment <> '')
FROM (
    SELECT cycle.pipeline_id, cycle.segment, count(*) AS cycles, sum(batch.rows) AS rows,
        sum(batch.rows_read - batch.rows) AS dropped
    FROM heliotrope.cycle
    JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
    JOIN heliotrope.step ON step.cycle_id = cycle.id AND step.name = 'done'
    GROUP BY cycle.pipeline_id, cycle.segment
) AS by_segment
GROUP BY pipeline_id

-- name: metric_decisions
-- By pipeline, stage and action, over all segments: how often it was so decided.
SELECT pipeline_id, stage, action, count(*) FROM heliotrope.decision GROUP BY pipeline_id, stage, action ORDER BY 1, 2, 3

-- name: metric_trainings
-- By pipeline and candidate, over all segments: fits, those that failed, the seconds and rows of all.
SELECT cycle.pipeline_id, training.candidate, count(*), count(*) FILTER (WHERE training.failure IS NOT NULL),
    sum(training.seconds), sum(training.rows)::bigint
FROM heliotrope.training JOIN heliotrope.cycle ON cycle.id = training.cycle_id
GROUP BY cycle.pipeline_id, training.candidate
ORDER BY 1, 2

-- name: metric_drift
-- The readings of the cycles named.
SELECT cycle.pipeline_id, drift.feature, drift.detector, drift.statistic, drift.drifted
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
JOIN heliotrope.drift ON drift.batch_id = batch.id
WHERE cycle.id = ANY(%(cycles)s)
ORDER BY 1, 2, 3

-- name: metric_seconds
-- By pipeline and part of a cycle: the seconds in the cycles named.
SELECT cycle.pipeline_id, part.key, sum((part.value #>> '{}')::double precision)
FROM heliotrope.cycle
JOIN heliotrope.step ON step.cycle_id = cycle.id
CROSS JOIN LATERAL jsonb_each(step.seconds) AS part
WHERE cycle.id = ANY(%(cycles)s) AND jsonb_typeof(part.value) = 'number'
GROUP BY cycle.pipeline_id, part.key
ORDER BY 1, 2

-- name: metric_messages
-- By pipeline, event and state, over all segments: messages that were written.
SELECT pipeline_id, event,
    CASE WHEN state IN ('waiting', 'requeued', 'text_sent', 'sending') OR (state = 'uncertain' AND due_at IS NOT NULL)
         THEN 'waiting' ELSE state END AS stands,
    count(*)
FROM heliotrope.message_state GROUP BY pipeline_id, event, stands ORDER BY 1, 2, 3
