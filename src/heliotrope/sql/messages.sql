-- name: decided
-- What there is to tell of decisions: what was decided, who served and serves, how the champion did, what drifted, what
-- failed.
SELECT
    decision.id, decision.stage, decision.action, decision.reasons, decision.actor, decision.decided_at,
    cycle.interval_start, cycle.interval_end, batch.rows,
    serving.candidate, champion.valid_from,
    (SELECT training.candidate
     FROM heliotrope.champion AS earlier JOIN heliotrope.training ON training.id = earlier.training_id
     WHERE earlier.pipeline_id = decision.pipeline_id AND earlier.segment = decision.segment
         AND earlier.decision_id <> decision.id
         AND earlier.valid_from <= coalesce(champion.valid_from, cycle.interval_end, decision.decided_at)
     ORDER BY earlier.valid_from DESC, earlier.id DESC
     LIMIT 1),
    (SELECT evaluation.metrics FROM heliotrope.evaluation
     WHERE evaluation.batch_id = batch.id AND evaluation.role = 'champion'),
    (SELECT array_agg(DISTINCT drift.feature ORDER BY drift.feature)
     FROM heliotrope.drift WHERE drift.batch_id = batch.id AND drift.drifted),
    (SELECT jsonb_object_agg(last.candidate, last.failure)
     FROM (SELECT DISTINCT ON (training.candidate) training.candidate, training.failure
           FROM heliotrope.training WHERE training.cycle_id = decision.cycle_id
           ORDER BY training.candidate, training.id DESC) AS last)
FROM heliotrope.decision
LEFT JOIN heliotrope.cycle ON cycle.id = decision.cycle_id
LEFT JOIN heliotrope.batch ON batch.cycle_id = cycle.id AND batch.revision = 0
LEFT JOIN heliotrope.champion ON champion.decision_id = decision.id
LEFT JOIN heliotrope.training AS serving ON serving.id = champion.training_id
WHERE decision.id = ANY(%(ids)s)
ORDER BY decision.id

-- name: open_failure
-- Whether a failure was told of, and no recovery since.
SELECT EXISTS (
    SELECT FROM heliotrope.message AS failure
    WHERE failure.pipeline_id = %(pipeline_id)s AND failure.segment = %(segment)s AND failure.target = %(target)s
        AND failure.event = 'failure'
        AND NOT EXISTS (
            SELECT FROM heliotrope.message AS recovery
            WHERE recovery.pipeline_id = %(pipeline_id)s AND recovery.segment = %(segment)s
                AND recovery.target = %(target)s AND recovery.event = 'recovery' AND recovery.id > failure.id)
)

-- name: add_message
-- One that says the same as one not long before, with no recovery between them, refers to that one.
INSERT INTO heliotrope.message (pipeline_id, segment, target, event, decision_id, subject, facts, repeats)
SELECT %(pipeline_id)s, %(segment)s, %(target)s, %(event)s, %(decision_id)s, %(subject)s, %(facts)s,
    (SELECT earlier.id
     FROM heliotrope.message AS earlier
     WHERE earlier.pipeline_id = %(pipeline_id)s AND earlier.segment = %(segment)s AND earlier.target = %(target)s
         AND earlier.event = %(event)s AND earlier.subject = %(subject)s AND earlier.repeats IS NULL
         AND earlier.recorded_at > clock_timestamp() - %(repeat_after)s::interval
         AND NOT EXISTS (
             SELECT FROM heliotrope.message AS recovery
             WHERE recovery.pipeline_id = %(pipeline_id)s AND recovery.segment = %(segment)s
                 AND recovery.target = %(target)s AND recovery.event = 'recovery' AND recovery.id > earlier.id)
     ORDER BY earlier.id DESC
     LIMIT 1)
ON CONFLICT (decision_id, event, target) DO NOTHING

-- name: next_message
-- The oldest message to a target that is not through yet, of the events that may be sent now; and the database's clock.
SELECT id, key::text, event, facts,
    coalesce((SELECT max(at) FROM heliotrope.delivery WHERE message_id = message_state.id AND delivery.state = 'requeued'),
             recorded_at),
    number, state, due_at, clock_timestamp(),
    EXISTS (SELECT FROM heliotrope.delivery WHERE message_id = message_state.id AND delivery.state = 'text_sent'),
    EXISTS (SELECT FROM heliotrope.delivery
            WHERE message_id = message_state.id AND delivery.state = 'uncertain'),
    (SELECT count(*) FROM heliotrope.delivery
     WHERE message_id = message_state.id AND delivery.state = 'sending'
         AND delivery.number > coalesce((SELECT max(earlier.number) FROM heliotrope.delivery AS earlier
                                         WHERE earlier.message_id = message_state.id
                                             AND earlier.state IN ('text_sent', 'requeued')), 0)),
    (SELECT count(*) FROM heliotrope.message AS equal WHERE equal.repeats = message_state.id)
FROM heliotrope.message_state
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND target = %(target)s AND event = ANY(%(events)s)
    AND (state IN ('waiting', 'requeued', 'text_sent', 'sending') OR (state = 'uncertain' AND due_at IS NOT NULL))
ORDER BY id
LIMIT 1

-- name: add_delivery
-- Nothing comes back where another sender was faster.
INSERT INTO heliotrope.delivery (message_id, number, state, due_at, detail)
VALUES (%(message_id)s, %(number)s, %(state)s,
        clock_timestamp() + make_interval(secs => %(due_in)s), %(detail)s)
ON CONFLICT (message_id, number) DO NOTHING
RETURNING number

-- name: messages_left
-- Messages that are not through: they wait, or nobody knows whether they arrived, or they have failed, not longer ago
-- than since.
SELECT id, target, event, state, recorded_at, due_at, detail,
    (SELECT count(*) FROM heliotrope.delivery WHERE message_id = message_state.id AND delivery.state = 'sending'),
    number
FROM heliotrope.message_state
WHERE pipeline_id = %(pipeline_id)s AND segment = %(segment)s AND state NOT IN ('sent', 'repeated')
    AND (%(since)s::interval IS NULL OR state <> 'failed' OR at > clock_timestamp() - %(since)s::interval)
ORDER BY id
