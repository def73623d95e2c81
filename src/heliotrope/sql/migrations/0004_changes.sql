-- Intervals as counts over bins, in which changes are found; and archived models scored before a training.

CREATE TABLE heliotrope.scale (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_id bigint NOT NULL REFERENCES heliotrope.pipeline ON DELETE CASCADE,
    segment text NOT NULL DEFAULT '',
    asked jsonb NOT NULL,
    bins jsonb NOT NULL
);
CREATE INDEX scale_by_pipeline ON heliotrope.scale (pipeline_id, segment, id);

-- era counts the changes found so far; loss_rise says, where a change was found, what became of the champion's loss.
CREATE TABLE heliotrope.histogram (
    batch_id bigint PRIMARY KEY REFERENCES heliotrope.batch ON DELETE CASCADE,
    scale_id bigint NOT NULL REFERENCES heliotrope.scale ON DELETE CASCADE,
    counts bigint[] NOT NULL,
    era integer NOT NULL,
    changed text[] NOT NULL,
    loss_rise double precision,
    loss_rise_error double precision
);

CREATE TABLE heliotrope.recall (
    batch_id bigint NOT NULL REFERENCES heliotrope.batch ON DELETE CASCADE,
    training_id bigint NOT NULL REFERENCES heliotrope.training ON DELETE CASCADE,
    rows bigint NOT NULL,
    metrics jsonb NOT NULL,
    gain jsonb,
    PRIMARY KEY (batch_id, training_id)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['scale', 'histogram', 'recall'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE ON heliotrope.%I FOR EACH ROW '
                       'EXECUTE FUNCTION heliotrope.refuse_update()', name);
    END LOOP;
END $$;
