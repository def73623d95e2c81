-- Every change of a declaration is on record with its time, going back to an earlier one too; and a batch knows the
-- declaration whose columns its content hash was taken over.

ALTER TABLE heliotrope.pipeline_version DROP CONSTRAINT pipeline_version_pipeline_id_fingerprint_key;
CREATE INDEX pipeline_version_by_pipeline ON heliotrope.pipeline_version (pipeline_id, id);

-- Null, in rows from before: that of the cycle.
ALTER TABLE heliotrope.batch
    ADD COLUMN version_id bigint REFERENCES heliotrope.pipeline_version ON DELETE CASCADE;

-- The newest row is now the declaration in force. Where an earlier one had been taken up again, say so.
INSERT INTO heliotrope.pipeline_version (pipeline_id, fingerprint, config, recorded_at)
SELECT version.pipeline_id, version.fingerprint, version.config, latest.started_at
FROM (
    SELECT DISTINCT ON (pipeline_id) version_id, started_at FROM heliotrope.cycle ORDER BY pipeline_id, id DESC
) AS latest
JOIN heliotrope.pipeline_version AS version ON version.id = latest.version_id
WHERE EXISTS (
    SELECT FROM heliotrope.pipeline_version AS later
    WHERE later.pipeline_id = version.pipeline_id AND later.id > version.id AND later.recorded_at <= latest.started_at
);
