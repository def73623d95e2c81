-- name: recorded_pipelines
-- Every pipeline with the declaration in force, which is the newest one.
SELECT DISTINCT ON (pipeline.name) pipeline.name, version.config
FROM heliotrope.pipeline JOIN heliotrope.pipeline_version AS version ON version.pipeline_id = pipeline.id
ORDER BY pipeline.name, version.id DESC

-- name: batch_revisions
-- What became of an interval's rows, and how its champion did on them, each time they were read and scored.
SELECT batch.revision, batch.rows_read, batch.rows, batch.verdict, batch.recorded_at, evaluation.candidate,
    evaluation.metrics
FROM heliotrope.batch
LEFT JOIN heliotrope.evaluation ON evaluation.batch_id = batch.id AND evaluation.role IN ('champion', 'whole')
WHERE batch.cycle_id = %(cycle_id)s
ORDER BY batch.revision
