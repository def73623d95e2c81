-- name: segments
-- By segment: how many cycles there are, how the model that served did in them, and what became of them.
SELECT cycle.segment, count(*), count(served.metrics),
    avg(CASE WHEN jsonb_typeof(served.metrics -> %(metric)s) = 'number'
             THEN (served.metrics ->> %(metric)s)::double precision END),
    count(*) FILTER (WHERE served.role = 'whole'), count(*) FILTER (WHERE batch.verdict = 'held'),
    count(*) FILTER (WHERE EXISTS (SELECT FROM heliotrope.training WHERE training.cycle_id = cycle.id)),
    count(*) FILTER (WHERE EXISTS (SELECT FROM heliotrope.training
                                   WHERE training.cycle_id = cycle.id AND training.failure IS NOT NULL)),
    count(*) FILTER (WHERE (SELECT bool_and(training.failure IS NOT NULL) FROM heliotrope.training
                            WHERE training.cycle_id = cycle.id)),
    sum(batch.rows)::bigint, max(cycle.interval_start)
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
LEFT JOIN heliotrope.evaluation AS served ON served.batch_id = batch.id AND served.role IN ('champion', 'whole')
WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment <> ''
    AND cycle.interval_start >= %(start)s AND cycle.interval_start < %(end)s
GROUP BY cycle.segment
ORDER BY cycle.segment

-- name: segment_champions
-- By candidate: in how many segments it serves at a time.
SELECT training.candidate, count(*)
FROM heliotrope.champion_validity AS champion JOIN heliotrope.training ON training.id = champion.training_id
WHERE champion.pipeline_id = %(pipeline_id)s AND champion.segment <> ''
    AND champion.valid_from <= %(at)s AND (champion.valid_to IS NULL OR %(at)s < champion.valid_to)
GROUP BY 1
ORDER BY 2 DESC, 1

-- name: segment_names
-- The segments that have a cycle, each found in the index by the one before it.
WITH RECURSIVE found AS (
    (SELECT segment FROM heliotrope.cycle
     WHERE pipeline_id = %(pipeline_id)s AND segment > '' ORDER BY segment LIMIT 1)
    UNION ALL
    SELECT (SELECT cycle.segment FROM heliotrope.cycle
            WHERE pipeline_id = %(pipeline_id)s AND cycle.segment > found.segment ORDER BY cycle.segment LIMIT 1)
    FROM found WHERE found.segment IS NOT NULL
)
SELECT segment FROM found WHERE segment IS NOT NULL

-- name: cycles
SELECT
    cycle.id, cycle.interval_start, cycle.interval_end, cycle.code_version, cycle.started_at,
    done.ended_at,
    batch.content_hash, batch.rows_read, batch.rows, batch.verdict, batch.problems, batch.first_time, batch.last_time,
    (SELECT jsonb_object_agg(step.name, step.seconds) FROM heliotrope.step WHERE step.cycle_id = cycle.id) AS seconds,
    (SELECT jsonb_agg(jsonb_build_object('role', evaluation.role, 'candidate', evaluation.candidate,
                                         'metrics', evaluation.metrics, 'gain', evaluation.gain)
                      ORDER BY evaluation.role, evaluation.candidate)
     FROM heliotrope.evaluation WHERE evaluation.batch_id = batch.id) AS evaluations,
    (SELECT jsonb_agg(jsonb_build_object('detector', drift.detector, 'feature', drift.feature,
                                         'statistic', drift.statistic, 'p_value', drift.p_value,
                                         'threshold', drift.threshold, 'drifted', drift.drifted)
                      ORDER BY drift.detector, drift.feature)
     FROM heliotrope.drift WHERE drift.batch_id = batch.id) AS drift,
    (SELECT jsonb_agg(jsonb_build_object('stage', decision.stage, 'action', decision.action,
                                         'reasons', decision.reasons, 'evidence', decision.evidence)
                      ORDER BY decision.id)
     FROM heliotrope.decision WHERE decision.cycle_id = cycle.id) AS decisions,
    (SELECT jsonb_agg(jsonb_build_object('candidate', training.candidate, 'role', training.role,
                                         'rows', training.rows, 'seconds', training.seconds,
                                         'failure', training.failure)
                      ORDER BY training.id)
     FROM heliotrope.training WHERE training.cycle_id = cycle.id) AS trainings,
    (SELECT max(revision) FROM heliotrope.batch AS late WHERE late.cycle_id = cycle.id) AS revision,
    cycle.version_id,
    (SELECT evaluation.metrics
     FROM heliotrope.batch AS late
     JOIN heliotrope.evaluation ON evaluation.batch_id = late.id AND evaluation.role IN ('champion', 'whole')
     WHERE late.cycle_id = cycle.id AND late.revision > 0
     ORDER BY late.revision DESC LIMIT 1) AS rescored,
    (SELECT late.problems FROM heliotrope.batch AS late WHERE late.cycle_id = cycle.id
     ORDER BY late.revision DESC LIMIT 1) AS latest_problems
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
LEFT JOIN heliotrope.step AS done ON done.cycle_id = cycle.id AND done.name = 'done'
WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s
    AND (%(start)s::timestamptz IS NULL OR cycle.interval_start >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR cycle.interval_start < %(end)s)
ORDER BY cycle.interval_start DESC
LIMIT %(limit)s
