-- Evidence that is gathered over intervals: of each model that was scored, and how all challengers of a pipeline stand
-- after a decision of the gate. Null in rows from before, which begin anew. A champion's predecessor is scored beside it,
-- and so is a challenger in the shadow. Kept out: the reasons why guards do so with a challenger.

ALTER TABLE heliotrope.evaluation
    ADD COLUMN evidence jsonb,
    ADD COLUMN kept_out text[],
    DROP CONSTRAINT evaluation_role_check,
    ADD CONSTRAINT evaluation_role_check CHECK (role IN ('champion', 'challenger', 'previous', 'shadow'));

ALTER TABLE heliotrope.training
    DROP CONSTRAINT training_role_check,
    ADD CONSTRAINT training_role_check CHECK (role IN ('challenger', 'final', 'manual', 'shadow'));

ALTER TABLE heliotrope.decision
    ADD COLUMN standing jsonb;
