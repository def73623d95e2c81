-- Messages: what is to be told to whom, written with what it tells of; and what became of each.

-- One message to one target. What it says is made of its facts when it is sent; its key goes with every attempt.
-- repeats: the message before it that says the same, for which it is not sent.
CREATE TABLE heliotrope.message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    pipeline_id bigint NOT NULL REFERENCES heliotrope.pipeline ON DELETE CASCADE,
    segment text NOT NULL DEFAULT '',
    target text NOT NULL,
    event text NOT NULL CHECK (event IN ('training', 'promoted', 'refreshed', 'kept', 'held', 'rolled_back', 'drift',
                                         'failure', 'recovery')),
    decision_id bigint REFERENCES heliotrope.decision ON DELETE CASCADE,
    subject text NOT NULL,
    facts jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    repeats bigint REFERENCES heliotrope.message ON DELETE CASCADE,
    UNIQUE (decision_id, event, target)
);
CREATE INDEX message_by_pipeline ON heliotrope.message (pipeline_id, segment, target, event, id);

-- What became of a message, in order; the last one is how it stands. A sender adds 'sending' before it sends, and only
-- one can: the key refuses a second row of the same number. due_at: when it may be taken up (again).
CREATE TABLE heliotrope.delivery (
    message_id bigint NOT NULL REFERENCES heliotrope.message ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    state text NOT NULL CHECK (state IN ('sending', 'text_sent', 'sent', 'waiting', 'uncertain', 'failed',
                                         'requeued')),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz,
    detail text NOT NULL DEFAULT '',
    PRIMARY KEY (message_id, number)
);

CREATE VIEW heliotrope.message_state AS
SELECT
    message.id, message.key, message.pipeline_id, message.segment, message.target, message.event, message.decision_id,
    message.facts, message.recorded_at, message.repeats,
    coalesce(last.number, 0) AS number,
    CASE WHEN message.repeats IS NOT NULL AND last.number IS NULL THEN 'repeated'
         ELSE coalesce(last.state, 'waiting') END AS state,
    coalesce(last.at, message.recorded_at) AS at,
    CASE WHEN last.number IS NULL THEN message.recorded_at ELSE last.due_at END AS due_at,
    coalesce(last.detail, '') AS detail
FROM heliotrope.message
LEFT JOIN LATERAL (
    SELECT number, state, at, due_at, detail FROM heliotrope.delivery
    WHERE delivery.message_id = message.id ORDER BY number DESC LIMIT 1
) AS last ON true;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['message', 'delivery'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE ON heliotrope.%I FOR EACH ROW '
                       'EXECUTE FUNCTION heliotrope.refuse_update()', name);
    END LOOP;
END $$;
