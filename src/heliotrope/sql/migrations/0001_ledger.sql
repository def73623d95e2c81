-- The ledger: what happened, in which order, on what evidence. Rows are added and never changed.

CREATE TABLE heliotrope.pipeline (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Every declaration a pipeline ever ran with; as json, which keeps the order of the features.
CREATE TABLE heliotrope.pipeline_version (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_id bigint NOT NULL REFERENCES heliotrope.pipeline ON DELETE CASCADE,
    fingerprint text NOT NULL,
    config json NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (pipeline_id, fingerprint)
);

-- Everything that happens for one pipeline, segment and interval. Its progress is in heliotrope.step.
CREATE TABLE heliotrope.cycle (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_id bigint NOT NULL REFERENCES heliotrope.pipeline ON DELETE CASCADE,
    version_id bigint NOT NULL REFERENCES heliotrope.pipeline_version ON DELETE CASCADE,
    segment text NOT NULL DEFAULT '',
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL CHECK (interval_end > interval_start),
    code_version text NOT NULL,
    started_at timestamptz NOT NULL,
    UNIQUE (pipeline_id, segment, interval_start)
);

-- A step that has ended. 'done' is the last one of every cycle.
CREATE TABLE heliotrope.step (
    cycle_id bigint NOT NULL REFERENCES heliotrope.cycle ON DELETE CASCADE,
    name text NOT NULL CHECK (name IN ('assess', 'train', 'gate', 'done')),
    seconds jsonb NOT NULL,
    ended_at timestamptz NOT NULL,
    PRIMARY KEY (cycle_id, name)
);

-- The rows of the interval as they were read. Revision 0 is the cycle's own; later ones come of late rows.
CREATE TABLE heliotrope.batch (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cycle_id bigint NOT NULL REFERENCES heliotrope.cycle ON DELETE CASCADE,
    revision integer NOT NULL CHECK (revision >= 0),
    content_hash text NOT NULL,
    rows_read bigint NOT NULL,
    rows bigint NOT NULL,
    first_time timestamptz,
    last_time timestamptz,
    verdict text NOT NULL CHECK (verdict IN ('ok', 'held')),
    problems jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (cycle_id, revision)
);

-- One fit. role 'challenger': scored on the newest interval, which it was not trained on; 'final': trained on it too; 'manual':
-- promoted by hand.
CREATE TABLE heliotrope.training (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cycle_id bigint NOT NULL REFERENCES heliotrope.cycle ON DELETE CASCADE,
    candidate text NOT NULL,
    role text NOT NULL CHECK (role IN ('challenger', 'final', 'manual')),
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    rows bigint NOT NULL,
    seconds double precision NOT NULL,
    seed bigint NOT NULL,
    fingerprint text NOT NULL,
    versions jsonb NOT NULL,
    code_version text NOT NULL,
    artifact text,
    failure text,
    UNIQUE (cycle_id, candidate, role, fingerprint)
);
CREATE INDEX training_fingerprint ON heliotrope.training (fingerprint) WHERE artifact IS NOT NULL;

CREATE TABLE heliotrope.evaluation (
    batch_id bigint NOT NULL REFERENCES heliotrope.batch ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('champion', 'challenger')),
    candidate text NOT NULL,
    training_id bigint NOT NULL REFERENCES heliotrope.training ON DELETE CASCADE,
    rows bigint NOT NULL,
    metrics jsonb NOT NULL,
    gain jsonb,
    PRIMARY KEY (batch_id, role, candidate)
);

-- One detector's reading of one feature.
CREATE TABLE heliotrope.drift (
    batch_id bigint NOT NULL REFERENCES heliotrope.batch ON DELETE CASCADE,
    detector text NOT NULL,
    feature text NOT NULL,
    reference_rows bigint NOT NULL,
    current_rows bigint NOT NULL,
    statistic double precision NOT NULL,
    p_value double precision,
    threshold double precision NOT NULL,
    drifted boolean NOT NULL,
    PRIMARY KEY (batch_id, detector, feature)
);

-- What was chosen, why, on what evidence, by whom. Stage 'manual' has no cycle.
CREATE TABLE heliotrope.decision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_id bigint NOT NULL REFERENCES heliotrope.pipeline ON DELETE CASCADE,
    segment text NOT NULL DEFAULT '',
    cycle_id bigint REFERENCES heliotrope.cycle ON DELETE CASCADE,
    stage text NOT NULL CHECK (stage IN ('validate', 'trigger', 'gate', 'manual')),
    action text NOT NULL CHECK (action IN ('hold', 'skip', 'train', 'keep', 'promote', 'roll_back')),
    reasons text[] NOT NULL,
    evidence jsonb NOT NULL,
    actor text NOT NULL,
    decided_at timestamptz NOT NULL,
    CHECK ((cycle_id IS NULL) = (stage = 'manual')),
    UNIQUE (cycle_id, stage)
);

-- Who serves from when, in the data's time. Who served at a time: the greatest valid_from at or before it, the
-- greatest id among equals.
CREATE TABLE heliotrope.champion (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_id bigint NOT NULL REFERENCES heliotrope.pipeline ON DELETE CASCADE,
    segment text NOT NULL DEFAULT '',
    training_id bigint NOT NULL REFERENCES heliotrope.training ON DELETE CASCADE,
    decision_id bigint NOT NULL UNIQUE REFERENCES heliotrope.decision ON DELETE CASCADE,
    valid_from timestamptz NOT NULL
);
CREATE INDEX champion_by_time ON heliotrope.champion (pipeline_id, segment, valid_from, id);

-- A champion that the model registry knows. One that has no row here is still to be registered.
CREATE TABLE heliotrope.registration (
    champion_id bigint PRIMARY KEY REFERENCES heliotrope.champion ON DELETE CASCADE,
    version text NOT NULL,
    registered_at timestamptz NOT NULL
);

CREATE VIEW heliotrope.champion_validity AS
SELECT
    champion.id,
    champion.pipeline_id,
    champion.segment,
    champion.training_id,
    champion.decision_id,
    champion.valid_from,
    lead(champion.valid_from) OVER (
        PARTITION BY champion.pipeline_id, champion.segment ORDER BY champion.valid_from, champion.id
    ) AS valid_to
FROM heliotrope.champion;

CREATE FUNCTION heliotrope.refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'heliotrope.% is append-only', TG_TABLE_NAME;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['pipeline', 'pipeline_version', 'cycle', 'step', 'batch', 'training', 'evaluation',
                                'drift', 'decision', 'champion', 'registration'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE ON heliotrope.%I FOR EACH ROW '
                       'EXECUTE FUNCTION heliotrope.refuse_update()', name);
    END LOOP;
END $$;
