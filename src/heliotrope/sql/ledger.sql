-- name: take_lock
SELECT pg_advisory_lock(%(key)s)

-- name: release_lock
SELECT pg_advisory_unlock(%(key)s)

-- name: ledger_version
SELECT version_num FROM heliotrope.alembic_version

-- name: ensure_pipeline
WITH made AS (
    INSERT INTO heliotrope.pipeline (name) VALUES (%(name)s) ON CONFLICT (name) DO NOTHING RETURNING id
)
SELECT id FROM made UNION ALL SELECT id FROM heliotrope.pipeline WHERE name = %(name)s LIMIT 1

-- name: ensure_pipeline_version
-- The declaration in force is the newest one: going back to an earlier one adds it again, with its time.
WITH newest AS (
    SELECT id, fingerprint FROM heliotrope.pipeline_version WHERE pipeline_id = %(pipeline_id)s
    ORDER BY id DESC LIMIT 1
), made AS (
    INSERT INTO heliotrope.pipeline_version (pipeline_id, fingerprint, config)
    SELECT %(pipeline_id)s, %(fingerprint)s, %(config)s
    WHERE NOT EXISTS (SELECT FROM newest WHERE fingerprint = %(fingerprint)s)
    RETURNING id
)
SELECT id FROM made UNION ALL SELECT id FROM newest WHERE fingerprint = %(fingerprint)s LIMIT 1

-- name: newest_declaration
SELECT version.config
FROM heliotrope.pipeline_version AS version JOIN heliotrope.pipeline ON pipeline.id = version.pipeline_id
WHERE pipeline.name = %(name)s
ORDER BY version.id DESC
LIMIT 1

-- name: declarations
-- Every declaration in order, and the first interval that a cycle of it was of.
SELECT version.id, version.recorded_at, version.config, min(cycle.interval_start)
FROM heliotrope.pipeline_version AS version
LEFT JOIN heliotrope.cycle ON cycle.version_id = version.id AND cycle.segment = %(segment)s
WHERE version.pipeline_id = %(pipeline_id)s
GROUP BY version.id
ORDER BY version.id

-- name: find_pipeline
SELECT id FROM heliotrope.pipeline WHERE name = %(name)s

-- name: list_pipelines
SELECT name FROM heliotrope.pipeline ORDER BY name

-- name: find_cycle
SELECT cycle.id, coalesce(array_agg(step.name) FILTER (WHERE step.name IS NOT NULL), ARRAY[]::text[]) AS steps
FROM heliotrope.cycle LEFT JOIN heliotrope.step ON step.cycle_id = cycle.id
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start = %(start)s
GROUP BY cycle.id

-- name: cycle_of_id
SELECT cycle.interval_start, cycle.interval_end,
    coalesce((SELECT array_agg(step.name) FROM heliotrope.step WHERE step.cycle_id = cycle.id), '{}')
FROM heliotrope.cycle
WHERE cycle.id = %(cycle_id)s AND pipeline_id = %(pipeline_id)s AND segment = %(segment)s

-- name: open_intervals
-- Cycles that have begun and are not done, before a time.
SELECT interval_start, interval_end
FROM heliotrope.cycle
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start < %(before)s
    AND NOT EXISTS (SELECT FROM heliotrope.step WHERE step.cycle_id = cycle.id AND step.name = 'done')
ORDER BY interval_start

-- name: last_begun
SELECT max(interval_end) FROM heliotrope.cycle WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s

-- name: last_usable
-- The latest interval whose rows, as they were last read, could be used.
SELECT interval_start, interval_end
FROM heliotrope.cycle
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s
    AND (SELECT verdict FROM heliotrope.batch WHERE cycle_id = cycle.id ORDER BY revision DESC LIMIT 1) = 'ok'
ORDER BY interval_start DESC
LIMIT 1

-- name: add_cycle
INSERT INTO heliotrope.cycle
    (pipeline_id, version_id, segment, interval_start, interval_end, code_version, started_at)
VALUES (%(pipeline_id)s, %(version_id)s, %(segment)s, %(start)s, %(end)s, %(code_version)s, %(started_at)s)
RETURNING id

-- name: add_step
INSERT INTO heliotrope.step (cycle_id, name, seconds, ended_at)
VALUES (%(cycle_id)s, %(name)s, %(seconds)s, %(ended_at)s)

-- name: add_batch
INSERT INTO heliotrope.batch
    (cycle_id, version_id, revision, content_hash, rows_read, rows, first_time, last_time, verdict, problems,
     recorded_at)
VALUES (%(cycle_id)s, %(version_id)s, %(revision)s, %(content_hash)s, %(rows_read)s, %(rows)s, %(first_time)s, %(last_time)s,
        %(verdict)s, %(problems)s, %(recorded_at)s)
RETURNING id

-- name: add_evaluation
INSERT INTO heliotrope.evaluation (batch_id, role, candidate, training_id, rows, metrics, gain, evidence,
    kept_out)
VALUES (%(batch_id)s, %(role)s, %(candidate)s, %(training_id)s, %(rows)s, %(metrics)s, %(gain)s, %(evidence)s,
        %(kept_out)s)

-- name: add_drift
INSERT INTO heliotrope.drift
    (batch_id, detector, feature, reference_rows, current_rows, statistic, p_value, threshold, drifted)
VALUES (%(batch_id)s, %(detector)s, %(feature)s, %(reference_rows)s, %(current_rows)s, %(statistic)s, %(p_value)s,
        %(threshold)s, %(drifted)s)

-- name: add_decision
INSERT INTO heliotrope.decision
    (pipeline_id, segment, cycle_id, stage, action, reasons, evidence, standing, actor, decided_at)
VALUES (%(pipeline_id)s, %(segment)s, %(cycle_id)s, %(stage)s, %(action)s, %(reasons)s, %(evidence)s, %(standing)s,
        %(actor)s, %(decided_at)s)
RETURNING id

-- name: add_training
INSERT INTO heliotrope.training
    (cycle_id, candidate, role, window_start, window_end, rows, seconds, seed, fingerprint, versions, code_version,
     artifact, failure, classes)
VALUES (%(cycle_id)s, %(candidate)s, %(role)s, %(window_start)s, %(window_end)s, %(rows)s, %(seconds)s, %(seed)s,
        %(fingerprint)s, %(versions)s, %(code_version)s, %(artifact)s, %(failure)s, %(classes)s)
RETURNING id

-- name: add_champion
-- It knows the classes of its window, and those that the champion before it knew.
INSERT INTO heliotrope.champion (pipeline_id, segment, training_id, decision_id, valid_from, classes)
SELECT %(pipeline_id)s, %(segment)s, %(training_id)s, %(decision_id)s, %(valid_from)s,
    (SELECT array_agg(DISTINCT class ORDER BY class)
     FROM (SELECT unnest(classes) FROM heliotrope.training WHERE id = %(training_id)s
           UNION ALL
           SELECT unnest(classes)
           FROM (SELECT classes FROM heliotrope.champion
                 WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND valid_from <= %(valid_from)s
                 ORDER BY valid_from DESC, id DESC
                 LIMIT 1) AS before) AS met (class))
RETURNING id

-- name: add_registration
INSERT INTO heliotrope.registration (champion_id, version, registered_at)
VALUES (%(champion_id)s, %(version)s, %(registered_at)s)
ON CONFLICT (champion_id) DO NOTHING

-- name: cycle_batch
SELECT id, content_hash, verdict FROM heliotrope.batch WHERE cycle_id = %(cycle_id)s AND revision = 0

-- name: cycle_decisions
SELECT stage, action, reasons, evidence FROM heliotrope.decision WHERE cycle_id = %(cycle_id)s

-- name: cycle_evaluations
SELECT evaluation.role, evaluation.candidate, evaluation.rows, evaluation.metrics, evaluation.gain,
    evaluation.evidence, evaluation.kept_out
FROM heliotrope.evaluation JOIN heliotrope.batch ON batch.id = evaluation.batch_id
WHERE batch.cycle_id = %(cycle_id)s AND batch.revision = 0
ORDER BY evaluation.role, evaluation.candidate

-- name: cycle_trainings
SELECT id, candidate, role, window_start, window_end, rows, seconds, seed, fingerprint, versions, code_version,
       artifact, failure, classes
FROM heliotrope.training WHERE cycle_id = %(cycle_id)s ORDER BY id

-- name: cycle_drift
SELECT detector, feature, reference_rows, current_rows, statistic, p_value, threshold, drifted
FROM heliotrope.drift JOIN heliotrope.batch ON batch.id = drift.batch_id
WHERE batch.cycle_id = %(cycle_id)s AND batch.revision = 0
ORDER BY detector, feature

-- name: find_artifact
SELECT artifact FROM heliotrope.training WHERE fingerprint = %(fingerprint)s AND artifact IS NOT NULL LIMIT 1

-- name: champions
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
    AND (%(every)s OR champion.valid_to IS NULL OR champion.valid_from < champion.valid_to)
    AND (%(at)s::timestamptz IS NULL
         OR (champion.valid_from <= %(at)s AND (champion.valid_to IS NULL OR %(at)s < champion.valid_to))
         OR (%(previous)s AND champion.valid_to = (
                SELECT max(valid_from) FROM heliotrope.champion AS present
                WHERE present.pipeline_id = %(pipeline_id)s AND present.segment = %(segment)s
                    AND present.valid_from <= %(at)s)))
ORDER BY champion.valid_from, champion.id

-- name: past
-- What a gate knows from before the interval: how challengers stood after the last gate; of the last 100 intervals
-- every challenger's gain and whom it was over; and the champion's latest mean loss.
WITH latest AS (
    SELECT id, interval_start FROM heliotrope.cycle
    WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start < %(before)s
    ORDER BY interval_start DESC
    LIMIT 100
), met AS (
    SELECT latest.interval_start, evaluation.candidate, champion.candidate AS champion, evaluation.gain
    FROM latest
    JOIN heliotrope.batch ON batch.cycle_id = latest.id AND batch.revision = 0
    JOIN heliotrope.evaluation ON evaluation.batch_id = batch.id AND evaluation.role = 'challenger'
    JOIN heliotrope.evaluation AS champion ON champion.batch_id = batch.id AND champion.role = 'champion'
    WHERE evaluation.gain IS NOT NULL AND evaluation.candidate <> champion.candidate
)
SELECT
    (SELECT decision.standing
     FROM heliotrope.cycle JOIN heliotrope.decision ON decision.cycle_id = cycle.id AND decision.stage = 'gate'
     WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s AND interval_start < %(before)s
     ORDER BY interval_start DESC
     LIMIT 1),
    (SELECT jsonb_agg(jsonb_build_array(champion, candidate, gain -> 'mean_gain', gain -> 'standard_error')
                      ORDER BY interval_start)
     FROM met),
    (SELECT evaluation.metrics -> 'loss'
     FROM heliotrope.cycle
     JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
     JOIN heliotrope.evaluation ON evaluation.batch_id = batch.id AND evaluation.role = 'champion'
     WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s AND interval_start < %(before)s
     ORDER BY interval_start DESC
     LIMIT 1)

-- name: monitored
-- The latest interval in which a champion was scored: which models were, what the comparison has gathered, under which
-- declaration; and, of the last 100 intervals, what models beside the champion gained.
SELECT champion.training_id, previous.training_id, previous.evidence, cycle.version_id, champion.metrics -> 'loss',
    (SELECT jsonb_agg(jsonb_build_array(met.role, met.gain -> 'mean_gain', met.gain -> 'standard_error')
                      ORDER BY latest.interval_start)
     FROM (SELECT id, interval_start FROM heliotrope.cycle
           WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start < %(before)s
           ORDER BY interval_start DESC
           LIMIT 100) AS latest
     JOIN heliotrope.batch ON batch.cycle_id = latest.id AND batch.revision = 0
     JOIN heliotrope.evaluation AS met ON met.batch_id = batch.id AND met.role IN ('previous', 'shadow')
     WHERE met.gain IS NOT NULL)
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
JOIN heliotrope.evaluation AS champion ON champion.batch_id = batch.id AND champion.role = 'champion'
LEFT JOIN heliotrope.evaluation AS previous ON previous.batch_id = batch.id AND previous.role = 'previous'
WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s AND interval_start < %(before)s
ORDER BY interval_start DESC
LIMIT 1

-- name: shadowed
-- The challenger in the shadow: the newest that was put there since then and has not served, and what it has gathered.
SELECT training.id, training.candidate, training.role, training.window_start, training.window_end, training.rows,
    training.seconds, training.seed, training.fingerprint, training.versions, training.code_version, training.artifact,
    training.failure, training.classes,
    (SELECT evaluation.evidence
     FROM heliotrope.cycle AS later
     JOIN heliotrope.batch ON batch.cycle_id = later.id AND batch.revision = 0
     JOIN heliotrope.evaluation ON evaluation.batch_id = batch.id AND evaluation.role = 'shadow'
     WHERE later.pipeline_id = %(pipeline_id)s AND later.segment = %(segment)s
         AND later.interval_start > cycle.interval_start AND later.interval_start < %(before)s
         AND evaluation.training_id = training.id
     ORDER BY later.interval_start DESC
     LIMIT 1),
    cycle.interval_end, cycle.version_id,
    EXISTS (SELECT FROM heliotrope.champion
            WHERE champion.training_id = training.id AND champion.valid_from <= %(before)s)
FROM heliotrope.cycle JOIN heliotrope.training ON training.cycle_id = cycle.id AND training.role = 'shadow'
WHERE cycle.pipeline_id = %(pipeline_id)s AND cycle.segment = %(segment)s
    AND cycle.interval_start >= %(since)s AND cycle.interval_start < %(before)s AND training.failure IS NULL
ORDER BY cycle.interval_start DESC
LIMIT 1

-- name: held_intervals
SELECT interval_start
FROM (
    SELECT DISTINCT ON (cycle.interval_start) cycle.interval_start, batch.verdict
    FROM heliotrope.cycle JOIN heliotrope.batch ON batch.cycle_id = cycle.id
    WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s
        AND interval_start >= %(start)s AND interval_start < %(end)s
    ORDER BY cycle.interval_start, batch.revision DESC
) AS latest
WHERE verdict = 'held'

-- name: last_trained
-- A model that was recalled stands for a training.
SELECT (
    SELECT cycle.interval_end
    FROM heliotrope.cycle
    WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start < %(before)s
        AND (EXISTS (SELECT FROM heliotrope.training WHERE training.cycle_id = cycle.id)
            OR EXISTS (SELECT FROM heliotrope.decision
                       WHERE decision.cycle_id = cycle.id AND stage = 'gate' AND action = 'promote'))
    ORDER BY interval_start DESC
    LIMIT 1
)

-- name: rows_since
SELECT coalesce(sum(batch.rows), 0)::bigint
FROM heliotrope.cycle JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
    AND batch.verdict = 'ok'
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s
    AND interval_start >= %(since)s AND interval_start < %(before)s

-- name: champion_scores
SELECT evaluation.metrics
FROM heliotrope.cycle
JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
JOIN heliotrope.evaluation ON evaluation.batch_id = batch.id AND evaluation.role = 'champion'
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s
    AND interval_start >= %(since)s AND interval_start < %(before)s
ORDER BY interval_start DESC
LIMIT %(limit)s

-- name: to_register
SELECT champion.id
FROM heliotrope.champion_validity AS champion
LEFT JOIN heliotrope.registration ON registration.champion_id = champion.id
WHERE champion.pipeline_id = %(pipeline_id)s AND champion.segment = %(segment)s
    AND (champion.valid_to IS NULL OR champion.valid_from < champion.valid_to)
    AND registration.champion_id IS NULL
ORDER BY champion.id

-- name: recorded_hashes
SELECT DISTINCT ON (cycle.interval_start) cycle.id, cycle.interval_start, cycle.interval_end, batch.content_hash,
    batch.revision, batch.rows_read, coalesce(batch.version_id, cycle.version_id)
FROM heliotrope.cycle JOIN heliotrope.batch ON batch.cycle_id = cycle.id
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s
    AND interval_start >= %(start)s AND interval_start < %(end)s
ORDER BY cycle.interval_start, batch.revision DESC

-- name: recorded_segments
SELECT DISTINCT ON (cycle.segment) cycle.segment, cycle.id, batch.content_hash, batch.revision, batch.rows_read,
    coalesce(batch.version_id, cycle.version_id)
FROM heliotrope.cycle JOIN heliotrope.batch ON batch.cycle_id = cycle.id
WHERE pipeline_id = %(pipeline_id)s AND interval_start = %(start)s AND cycle.segment <> ''
ORDER BY cycle.segment, batch.revision DESC

-- name: span
SELECT min(interval_start), max(interval_end), count(*)
FROM heliotrope.cycle JOIN heliotrope.step ON step.cycle_id = cycle.id AND step.name = 'done'
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s

-- name: done_segments
SELECT segment
FROM heliotrope.cycle JOIN heliotrope.step ON step.cycle_id = cycle.id AND step.name = 'done'
WHERE pipeline_id = %(pipeline_id)s AND interval_start = %(start)s AND segment <> ''

-- name: last_done_segments
SELECT segment, max(interval_start)
FROM heliotrope.cycle JOIN heliotrope.step ON step.cycle_id = cycle.id AND step.name = 'done'
WHERE pipeline_id = %(pipeline_id)s AND interval_start < %(before)s AND segment <> ''
GROUP BY segment

-- name: done_intervals
SELECT interval_start
FROM heliotrope.cycle JOIN heliotrope.step ON step.cycle_id = cycle.id AND step.name = 'done'
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s
    AND interval_start >= %(start)s AND interval_start < %(end)s
ORDER BY interval_start

-- name: last_done
SELECT max(interval_end)
FROM heliotrope.cycle JOIN heliotrope.step ON step.cycle_id = cycle.id AND step.name = 'done'
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND interval_start < %(before)s
