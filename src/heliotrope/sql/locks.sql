-- name: take_lock_within
-- Waits no longer than that many milliseconds, in one round trip: the setting ends with the statement, the lock stays.
SELECT set_config('lock_timeout', %(milliseconds)s, true), pg_advisory_lock(%(key)s)

-- name: lock_holder
-- Who holds the advisory lock, or a lock on the relation that keeps others out; what others do may not be visible.
SELECT activity.pid, activity.application_name, activity.state,
    CASE WHEN activity.state = 'active' THEN activity.query_start ELSE activity.state_change END
FROM pg_locks AS held JOIN pg_stat_activity AS activity ON activity.pid = held.pid
WHERE held.granted AND held.pid <> pg_backend_pid()
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((held.locktype = 'advisory' AND held.objsubid = 1
          AND (held.classid::bigint << 32) | held.objid::bigint = %(key)s)
         OR (held.locktype = 'relation' AND held.relation = to_regclass(%(relation)s)
             AND held.mode NOT IN ('AccessShareLock', 'RowShareLock')))
ORDER BY held.locktype, held.mode = 'RowExclusiveLock', activity.pid
LIMIT 1
