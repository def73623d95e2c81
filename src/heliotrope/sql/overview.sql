-- name: overview
-- Every pipeline, the declaration in force, and who serves the whole.
SELECT pipeline.id, pipeline.name, version.id, version.config,
    champion.candidate, champion.valid_from, champion.evidence, champion.actor, champion.reasons
FROM heliotrope.pipeline
CROSS JOIN LATERAL (
    SELECT id, config FROM heliotrope.pipeline_version
    WHERE pipeline_version.pipeline_id = pipeline.id ORDER BY id DESC LIMIT 1
) AS version
LEFT JOIN LATERAL (
    SELECT training.candidate, champion.valid_from, decision.evidence, decision.actor, decision.reasons
    FROM heliotrope.champion
    JOIN heliotrope.training ON training.id = champion.training_id
    JOIN heliotrope.decision ON decision.id = champion.decision_id
    WHERE champion.pipeline_id = pipeline.id AND champion.segment = %(segment)s
    ORDER BY champion.valid_from DESC, champion.id DESC
    LIMIT 1
) AS champion ON true
WHERE %(name)s::text IS NULL OR pipeline.name = %(name)s
ORDER BY pipeline.name

-- name: overview_cycles
-- The latest cycles of each pipeline, oldest first: how the model that served did, what drifted, failed and was decided.
SELECT cycle.pipeline_id, cycle.interval_start, cycle.interval_end, cycle.started_at, done.ended_at, batch.verdict,
    batch.rows, served.candidate,
    CASE WHEN jsonb_typeof(served.metrics -> asked.metric) = 'number'
         THEN (served.metrics ->> asked.metric)::double precision END,
    (SELECT array_agg(DISTINCT drift.feature ORDER BY drift.feature) FROM heliotrope.drift
     WHERE drift.batch_id = batch.id AND drift.drifted),
    (SELECT jsonb_object_agg(last.candidate, last.failure)
     FROM (SELECT DISTINCT ON (training.candidate) training.candidate, training.failure
           FROM heliotrope.training WHERE training.cycle_id = cycle.id
           ORDER BY training.candidate, training.id DESC) AS last),
    decision.action, decision.reasons,
    (SELECT sum((problem ->> 'rows')::bigint)
     FROM (SELECT CASE WHEN jsonb_typeof(late.problems) = 'array' THEN late.problems ELSE '[]' END AS problems
           FROM heliotrope.batch AS late WHERE late.cycle_id = cycle.id ORDER BY late.revision DESC LIMIT 1) AS seen
     CROSS JOIN LATERAL jsonb_array_elements(seen.problems) AS problem
     WHERE problem ->> 'rule' = 'unlabelled' AND jsonb_typeof(problem -> 'rows') = 'number')
FROM unnest(%(pipelines)s::bigint[], %(metrics)s::text[]) AS asked (pipeline_id, metric)
CROSS JOIN LATERAL (
    SELECT * FROM heliotrope.cycle
    WHERE cycle.pipeline_id = asked.pipeline_id AND cycle.segment = %(segment)s
    ORDER BY cycle.interval_start DESC LIMIT %(limit)s
) AS cycle
LEFT JOIN heliotrope.step AS done ON done.cycle_id = cycle.id AND done.name = 'done'
LEFT JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
LEFT JOIN heliotrope.evaluation AS served ON served.batch_id = batch.id AND served.role IN ('champion', 'whole')
LEFT JOIN LATERAL (
    SELECT action, reasons FROM heliotrope.decision WHERE decision.cycle_id = cycle.id ORDER BY decision.id DESC LIMIT 1
) AS decision ON true
ORDER BY cycle.pipeline_id, cycle.interval_start

-- name: open_failures
-- The latest failure that was told of in each pipeline, where no recovery was since.
SELECT DISTINCT ON (message.pipeline_id) message.pipeline_id, message.facts, message.recorded_at
FROM heliotrope.message
WHERE message.pipeline_id = ANY(%(pipelines)s) AND message.segment = %(segment)s AND message.event = 'failure'
    AND NOT EXISTS (
        SELECT FROM heliotrope.message AS recovery
        WHERE recovery.pipeline_id = message.pipeline_id AND recovery.segment = message.segment
            AND recovery.target = message.target AND recovery.event = 'recovery' AND recovery.id > message.id)
ORDER BY message.pipeline_id, message.id DESC

-- name: read_alone
-- From now on a session reads and changes nothing, and each of its statements takes so many seconds at most.
SELECT set_config('statement_timeout', %(seconds)s || 's', false),
    set_config('default_transaction_read_only', 'on', false)

-- name: at_work
-- What the command line calls its sessions in this database: heliotrope VERB PIPELINE.
SELECT application_name, min(backend_start)
FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'heliotrope %%'
GROUP BY application_name

-- name: timeline
-- Cycles in places of one width in time: how many, how the model that served did, and what became of them.
WITH chosen AS MATERIALIZED (
    SELECT cycle.id, cycle.interval_start, cycle.interval_end, batch.id AS batch_id, batch.verdict, batch.rows,
        floor(extract(epoch FROM cycle.interval_start - %(start)s) / %(width)s)::integer AS place
    FROM heliotrope.cycle JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
    WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s
        AND cycle.interval_start >= %(start)s AND cycle.interval_start < %(end)s
), served AS (
    SELECT chosen.batch_id, evaluation.candidate,
        CASE WHEN jsonb_typeof(evaluation.metrics -> %(metric)s) = 'number'
             THEN (evaluation.metrics ->> %(metric)s)::double precision END AS score
    FROM chosen JOIN heliotrope.evaluation ON evaluation.batch_id = chosen.batch_id
        AND evaluation.role IN ('champion', 'whole')
), drifted AS (
    SELECT DISTINCT drift.batch_id FROM chosen JOIN heliotrope.drift ON drift.batch_id = chosen.batch_id
    WHERE drift.drifted
), trained AS (
    SELECT chosen.id, max(training.candidate) FILTER (WHERE training.role = 'final' AND training.failure IS NULL)
        AS final
    FROM chosen JOIN heliotrope.training ON training.cycle_id = chosen.id
    GROUP BY chosen.id
), decided AS (
    SELECT chosen.id, bool_or(decision.action = 'promote') AS promoted,
        bool_or(decision.action = 'roll_back') AS rolled_back
    FROM chosen JOIN heliotrope.decision ON decision.cycle_id = chosen.id
    GROUP BY chosen.id
)
SELECT chosen.place, min(chosen.interval_start), max(chosen.interval_end), count(*), avg(served.score),
    min(served.score), max(served.score), sum(chosen.rows)::bigint, count(drifted.batch_id), count(trained.id),
    count(*) FILTER (WHERE decided.promoted AND served.candidate IS DISTINCT FROM trained.final),
    count(*) FILTER (WHERE decided.promoted AND served.candidate = trained.final),
    count(*) FILTER (WHERE decided.rolled_back),
    count(*) FILTER (WHERE chosen.verdict = 'held')
FROM chosen
LEFT JOIN served ON served.batch_id = chosen.batch_id
LEFT JOIN drifted ON drifted.batch_id = chosen.batch_id
LEFT JOIN trained ON trained.id = chosen.id
LEFT JOIN decided ON decided.id = chosen.id
GROUP BY chosen.place
ORDER BY chosen.place

-- name: timeline_challengers
-- In the same places: the mean of the metric of each challenger, and of the champion in the cycles it was scored in.
SELECT floor(extract(epoch FROM cycle.interval_start - %(start)s) / %(width)s)::integer AS place,
    evaluation.candidate, avg((evaluation.metrics ->> %(metric)s)::double precision), count(*)
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
JOIN heliotrope.evaluation ON evaluation.batch_id = batch.id AND evaluation.role = 'challenger'
WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s
    AND cycle.interval_start >= %(start)s AND cycle.interval_start < %(end)s
    AND jsonb_typeof(evaluation.metrics -> %(metric)s) = 'number'
GROUP BY 1, 2
ORDER BY 1, 2

-- name: timeline_drift
-- In the same places: how many readings there were of each feature by each detector, and how many crossed.
SELECT floor(extract(epoch FROM cycle.interval_start - %(start)s) / %(width)s)::integer AS place,
    drift.feature, drift.detector, count(*), count(*) FILTER (WHERE drift.drifted)
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
JOIN heliotrope.drift ON drift.batch_id = batch.id
WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s
    AND cycle.interval_start >= %(start)s AND cycle.interval_start < %(end)s
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

-- name: champion_bands
-- Who served from when to when (null: still), one row for a stretch of fits of the same candidate.
WITH served AS (
    SELECT champion.valid_from, champion.valid_to, training.candidate,
        training.candidate IS DISTINCT FROM lag(training.candidate) OVER in_time AS is_other
    FROM heliotrope.champion_validity AS champion
    JOIN heliotrope.training ON training.id = champion.training_id
    WHERE champion.pipeline_id = %(pipeline_id)s AND champion.segment = %(segment)s
        AND (champion.valid_to IS NULL OR champion.valid_from < champion.valid_to)
    WINDOW in_time AS (ORDER BY champion.valid_from, champion.id)
), numbered AS (
    SELECT *, sum(is_other::integer) OVER (ORDER BY valid_from) AS stretch FROM served
)
SELECT candidate, min(valid_from), CASE WHEN bool_or(valid_to IS NULL) THEN NULL ELSE max(valid_to) END, count(*)
FROM numbered
GROUP BY stretch, candidate
HAVING min(valid_from) < %(end)s AND (bool_or(valid_to IS NULL) OR max(valid_to) > %(start)s)
ORDER BY 2

-- name: champion_page
-- Champions, the latest first, those before an id if one is given; in the columns of champions.
SELECT
    champion.id, champion.valid_from, champion.valid_to, decision.action, decision.reasons, decision.actor,
    decision.decided_at, decision.evidence, registration.version,
    training.id, training.candidate, training.role, training.window_start, training.window_end, training.rows,
    training.seconds, training.seed, training.fingerprint, training.versions, training.code_version,
    training.artifact, training.failure, training.classes,
    (SELECT classes FROM heliotrope.champion AS served WHERE served.id = champion.id)
FROM heliotrope.champion_validity AS champion
JOIN heliotrope.decision ON decision.id = champion.decision_id
JOIN heliotrope.training ON training.id = champion.training_id
LEFT JOIN heliotrope.registration ON registration.champion_id = champion.id
WHERE champion.pipeline_id = %(pipeline_id)s AND champion.segment = %(segment)s
    AND (%(before)s::timestamptz IS NULL OR (champion.valid_from, champion.id) < (%(before)s, %(before_id)s))
    AND (NOT %(by_hand)s OR decision.stage = 'manual')
ORDER BY champion.valid_from DESC, champion.id DESC
LIMIT %(limit)s

-- name: range_of
-- The start of the first cycle, the end of the last, and how many there are.
SELECT min(interval_start), max(interval_end), count(*)
FROM heliotrope.cycle
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s

-- name: neighbours
-- The starts of the cycles before and after one.
SELECT
    (SELECT max(interval_start) FROM heliotrope.cycle
     WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start < %(start)s),
    (SELECT min(interval_start) FROM heliotrope.cycle
     WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start > %(start)s)

-- name: cycle_scores
-- How each model did on the interval's rows, and which fit it was.
SELECT evaluation.role, evaluation.candidate, evaluation.rows, evaluation.metrics, evaluation.gain,
    evaluation.evidence, evaluation.kept_out, training.id, training.window_start, training.window_end,
    training.fingerprint, training.artifact
FROM heliotrope.evaluation
JOIN heliotrope.batch ON batch.id = evaluation.batch_id AND batch.revision = 0
JOIN heliotrope.training ON training.id = evaluation.training_id
WHERE batch.cycle_id = %(cycle_id)s
ORDER BY array_position(ARRAY['champion', 'whole', 'challenger', 'shadow', 'previous'], evaluation.role),
    evaluation.candidate

-- name: cycle_choices
-- What was decided in a cycle, by whom, and which champion came of it.
SELECT decision.id, decision.stage, decision.action, decision.reasons, decision.evidence, decision.actor,
    decision.decided_at, champion.id, champion.valid_from
FROM heliotrope.decision LEFT JOIN heliotrope.champion ON champion.decision_id = decision.id
WHERE decision.cycle_id = %(cycle_id)s
ORDER BY decision.id

-- name: cycle_steps
SELECT name, seconds, ended_at FROM heliotrope.step WHERE cycle_id = %(cycle_id)s ORDER BY ended_at

-- name: cycle_messages
-- What was told of a cycle's decisions, to whom, and how it stands.
SELECT message_state.target, message_state.event, message_state.state, message_state.recorded_at, message_state.detail
FROM heliotrope.message_state
JOIN heliotrope.decision ON decision.id = message_state.decision_id
WHERE decision.cycle_id = %(cycle_id)s
ORDER BY message_state.id

-- name: scored_candidates
-- The candidates that were scored in a range, and in how many intervals.
SELECT evaluation.candidate, count(DISTINCT cycle.id)
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
JOIN heliotrope.evaluation ON evaluation.batch_id = batch.id
WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s
    AND cycle.interval_start >= %(start)s AND cycle.interval_start < %(end)s
GROUP BY 1
ORDER BY 2 DESC, 1

-- name: compared
-- Two candidates in the intervals in which both were scored, in places of one width in time: the mean metric of each.
-- A challenger's score stands before that of its earlier fit that served.
WITH scored AS (
    SELECT DISTINCT ON (cycle.interval_start, evaluation.candidate) cycle.interval_start, evaluation.candidate,
        (evaluation.metrics ->> %(metric)s)::double precision AS score
    FROM heliotrope.cycle
    JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
    JOIN heliotrope.evaluation ON evaluation.batch_id = batch.id
    WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s
        AND cycle.interval_start >= %(start)s AND cycle.interval_start < %(end)s
        AND evaluation.candidate IN (%(first)s, %(second)s)
        AND jsonb_typeof(evaluation.metrics -> %(metric)s) = 'number'
    ORDER BY cycle.interval_start, evaluation.candidate,
        array_position(ARRAY['challenger', 'shadow', 'champion', 'previous', 'whole'], evaluation.role)
), paired AS (
    SELECT interval_start, max(score) FILTER (WHERE candidate = %(first)s) AS one,
        max(score) FILTER (WHERE candidate = %(second)s) AS other
    FROM scored
    GROUP BY interval_start
)
SELECT floor(extract(epoch FROM interval_start - %(start)s) / %(width)s)::integer, max(interval_start),
    count(*), avg(one), avg(other), sum(one - other), sum((one - other) ^ 2), count(*) FILTER (WHERE one > other),
    count(*) FILTER (WHERE one < other)
FROM paired
WHERE one IS NOT NULL AND other IS NOT NULL
GROUP BY 1
ORDER BY 1

-- name: progress
-- How far the cycles of a pipeline are: how many are done, the end of the last, and what is under way.
SELECT
    (SELECT count(*) FROM heliotrope.cycle JOIN heliotrope.step ON step.cycle_id = cycle.id AND step.name = 'done'
     WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s),
    last.interval_start, last.interval_end, last.started_at,
    (SELECT array_agg(step.name ORDER BY step.ended_at) FROM heliotrope.step WHERE step.cycle_id = last.id),
    (SELECT max(step.ended_at) FROM heliotrope.step WHERE step.cycle_id = last.id),
    clock_timestamp()
FROM (SELECT * FROM heliotrope.cycle
      WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s
      ORDER BY id DESC LIMIT 1) AS last
