-- Segments: where one has no champion of its own, that of the whole table serves it and is scored on its rows; and cycles
-- are looked up by interval, whatever their segment.

ALTER TABLE heliotrope.evaluation
    DROP CONSTRAINT evaluation_role_check,
    ADD CONSTRAINT evaluation_role_check CHECK (role IN ('champion', 'challenger', 'previous', 'shadow', 'whole'));

CREATE INDEX cycle_by_interval ON heliotrope.cycle (pipeline_id, interval_start);
