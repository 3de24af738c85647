/**
 * Views for people and other programs; docs/postgres.md documents them. Only plain SQL and functions that read no table
 * are used in them, so that SELECT on a view and USAGE of the schema are all that a reader needs.
 *
 * @since 0.1.0
 */

/**
 * What every view shows of a job. The character NUL in metadata is shown as U+FFFD: text cannot hold it.
 */
const shared = `j.id, q.name AS queue, j.name, j.version, j.payload,
  CASE WHEN j.rest IS NOT NULL THEN replace(j.rest, '\\u0000', '\\ufffd')::json -> 'metadata' END AS metadata,
  s.group_key, s.key, coalesce(s.attempts, 0)::int AS attempts, j.max_attempts::int AS max_attempts,
  coalesce(s.deliveries, 0)::int AS deliveries, j.max_deliveries::int AS max_deliveries,
  coalesce(s.generation, 1) AS generation, to_timestamp(j.enqueued_at / 1000.0) AS enqueued_at`

/** A record past its retention is not shown any more, even if nobody has removed it yet. */
const kept = `NOT coalesce(s.status IN (2, 4) AND s.session IS NULL AND s.finished_at + q.retain_millis <= clock.now, false)`

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const views = `
CREATE VIEW jobs AS
SELECT ${shared},
  (ARRAY['Scheduled', 'Ready', 'Leased', 'Completed', 'DeadLettered', 'Cancelled'])
    [shown_state(s.status, s.visible_at, clock.now) + 1] AS state,
  coalesce(s.priority, j.priority)::int AS priority, q.paused,
  to_timestamp(coalesce(nullif(s.visible_at, 0), j.enqueued_at) / 1000.0) AS visible_at,
  to_timestamp(s.deadline / 1000.0) AS deadline, to_timestamp(s.finished_at / 1000.0) AS finished_at,
  s.cause_kind, s.cause_tag, s.cause_message, s.result, s.progress,
  s.session, CASE WHEN s.session IS NOT NULL THEN s.token END AS token, j.seq AS sequence
FROM job j JOIN queue q ON q.id = j.queue LEFT JOIN job_state s ON s.seq = j.seq CROSS JOIN now_millis() AS clock(now)
WHERE ${kept};

CREATE VIEW dead_letters AS
SELECT ${shared}, to_timestamp(s.finished_at / 1000.0) AS died_at, s.cause_kind, s.cause_tag, s.cause_message,
  j.seq AS sequence
FROM job_state s JOIN job j ON j.seq = s.seq JOIN queue q ON q.id = s.queue
WHERE s.dead;

CREATE VIEW queue_depth AS
SELECT q.name AS queue, q.paused,
  count(*) FILTER (WHERE c.state = 0) AS scheduled, count(*) FILTER (WHERE c.state = 1) AS ready,
  count(*) FILTER (WHERE c.state = 2) AS leased, count(*) FILTER (WHERE c.state = 3) AS completed,
  count(*) FILTER (WHERE c.state = 4) AS dead_lettered, count(*) FILTER (WHERE c.state = 5) AS cancelled,
  to_timestamp(min(c.since) FILTER (WHERE c.state = 1) / 1000.0) AS oldest_ready_since
FROM queue q LEFT JOIN (
  SELECT j.queue, shown_state(s.status, s.visible_at, clock.now) AS state,
    CASE WHEN coalesce(s.visible_at, 0) = 0 THEN j.enqueued_at ELSE greatest(s.waiting_since, s.visible_at) END AS since
  FROM job j JOIN queue q ON q.id = j.queue LEFT JOIN job_state s ON s.seq = j.seq CROSS JOIN now_millis() AS clock(now)
  WHERE ${kept}
) c ON c.queue = q.id
GROUP BY q.id, q.name, q.paused;
`
