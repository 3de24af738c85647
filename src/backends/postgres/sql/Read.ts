/**
 * Functions that read.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const readFunctions = `
-- One job as it is shown. A job past its retention is not shown any more.
CREATE FUNCTION shown(p_seq bigint, p_now bigint) RETURNS TABLE (
  seq bigint, id uuid, queue text, name text, version bigint, state int, priority smallint, payload text,
  generation int, attempts int, max_attempts int, max_deliveries int, rest text, deliveries int, enqueued_at bigint,
  visible_at bigint, finished_at bigint, deadline bigint, cause_kind text, cause_tag text, cause_message text,
  paused boolean, result text, progress text, token bigint, session bigint, key_held_by uuid
) LANGUAGE sql STABLE AS $$
  SELECT j.seq, j.id, q.name, j.name, j.version, shown_state(s.status, s.visible_at, p_now),
    coalesce(s.priority, j.priority), j.payload, coalesce(s.generation, 1), coalesce(s.attempts, 0)::int,
    j.max_attempts::int, j.max_deliveries::int, j.rest, coalesce(s.deliveries, 0)::int, j.enqueued_at,
    coalesce(nullif(s.visible_at, 0), j.enqueued_at), s.finished_at, s.deadline, s.cause_kind, s.cause_tag, s.cause_message,
    q.paused, s.result, s.progress, s.token, s.session,
    (SELECT k.id FROM idempotency_key k
      WHERE s.dead AND s.key IS NOT NULL AND k.queue = j.queue AND k.name = j.name AND k.value = s.key AND k.seq <> j.seq
        AND (k.held_until IS NULL OR k.held_until > p_now))
  FROM job j JOIN queue q ON q.id = j.queue
  LEFT JOIN LATERAL (SELECT * FROM job_state WHERE seq = j.seq OFFSET 0) s ON true
  WHERE j.seq = p_seq
    AND NOT coalesce(s.status IN (2, 4) AND s.session IS NULL AND s.finished_at + q.retain_millis <= p_now, false)
$$;

-- The first jobs after a place that a page shows. Dead letters have an index, all else is looked through.
CREATE FUNCTION page(p_queue text, p_state int, p_name text, p_after bigint, p_limit int, p_now bigint)
RETURNS SETOF bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_state = 4 THEN
    RETURN QUERY
    SELECT s.seq FROM queue q CROSS JOIN LATERAL (
      SELECT d.seq FROM job_state d WHERE d.queue = q.id AND d.dead AND d.seq > p_after
        AND (p_name IS NULL OR (SELECT j.name FROM job j WHERE j.seq = d.seq) = p_name)
      ORDER BY d.queue, d.seq LIMIT p_limit
    ) s WHERE p_queue IS NULL OR q.name = p_queue ORDER BY s.seq LIMIT p_limit;
  ELSIF p_queue IS NULL OR EXISTS (SELECT 1 FROM queue WHERE name = p_queue) THEN
    RETURN QUERY
    SELECT j.seq FROM job j JOIN queue q ON q.id = j.queue
    LEFT JOIN LATERAL (SELECT * FROM job_state WHERE seq = j.seq OFFSET 0) s ON true
    WHERE j.seq > p_after AND (p_queue IS NULL OR q.name = p_queue) AND (p_name IS NULL OR j.name = p_name)
      AND (p_state IS NULL OR shown_state(s.status, s.visible_at, p_now) = p_state)
      AND NOT coalesce(s.status IN (2, 4) AND s.session IS NULL AND s.finished_at + q.retain_millis <= p_now, false)
    ORDER BY j.seq LIMIT p_limit;
  END IF;
END $$;

CREATE FUNCTION read_job(p_id uuid) RETURNS TABLE (
  now bigint, seq bigint, id uuid, queue text, name text, version bigint, state int, priority smallint, payload text,
  generation int, attempts int, max_attempts int, max_deliveries int, rest text, deliveries int, enqueued_at bigint,
  visible_at bigint, finished_at bigint, deadline bigint, cause_kind text, cause_tag text, cause_message text,
  paused boolean, result text, progress text, token bigint, session bigint, key_held_by uuid
) LANGUAGE plpgsql :settings AS $$
DECLARE
  v_now bigint := now_millis();
BEGIN
  RETURN QUERY SELECT v_now, s.* FROM (SELECT 1) o
  LEFT JOIN LATERAL shown((SELECT j.seq FROM job j WHERE j.id = p_id), v_now) s ON true;
END $$;

CREATE FUNCTION read_jobs(p_queue text, p_state int, p_name text, p_after bigint, p_limit int) RETURNS TABLE (
  now bigint, seq bigint, id uuid, queue text, name text, version bigint, state int, priority smallint, payload text,
  generation int, attempts int, max_attempts int, max_deliveries int, rest text, deliveries int, enqueued_at bigint,
  visible_at bigint, finished_at bigint, deadline bigint, cause_kind text, cause_tag text, cause_message text,
  paused boolean, result text, progress text, token bigint, session bigint, key_held_by uuid
) LANGUAGE plpgsql :settings AS $$
DECLARE
  v_now bigint := now_millis();
BEGIN
  RETURN QUERY SELECT v_now, s.* FROM (SELECT 1) o
  LEFT JOIN (page(p_queue, p_state, p_name, p_after, p_limit, v_now) WITH ORDINALITY AS p(found, ord)
    CROSS JOIN LATERAL shown(p.found, v_now) AS s) ON true ORDER BY p.ord;
END $$;

-- Counting reads everything once, so that it is planned like a report and not like the rest.
CREATE FUNCTION read_counts(p_queue text) RETURNS TABLE (
  now bigint, queue text, paused boolean, scheduled bigint, ready bigint, leased bigint, completed bigint,
  dead_lettered bigint, cancelled bigint, oldest_ready_since bigint
) LANGUAGE plpgsql :reporting AS $$
#variable_conflict use_column
DECLARE
  v_now bigint := now_millis();
BEGIN
  RETURN QUERY
  SELECT v_now, q.name, q.paused, coalesce(q.scheduled, 0), coalesce(q.ready, 0), coalesce(q.leased, 0),
    coalesce(q.completed, 0), coalesce(q.dead_lettered, 0), coalesce(q.cancelled, 0), q.oldest
  FROM (SELECT 1 AS one) o LEFT JOIN (
    SELECT 1 AS one, q.id, q.name, q.paused, n.* FROM queue q LEFT JOIN (
      SELECT c.queue,
        count(*) FILTER (WHERE c.state = 0) AS scheduled, count(*) FILTER (WHERE c.state = 1) AS ready,
        count(*) FILTER (WHERE c.state = 2) AS leased, count(*) FILTER (WHERE c.state = 3) AS completed,
        count(*) FILTER (WHERE c.state = 4) AS dead_lettered, count(*) FILTER (WHERE c.state = 5) AS cancelled,
        min(c.since) FILTER (WHERE c.state = 1) AS oldest
      FROM (
        SELECT j.queue, shown_state(s.status, s.visible_at, v_now) AS state,
          CASE WHEN s.seq IS NULL THEN j.enqueued_at ELSE greatest(s.waiting_since, s.visible_at) END AS since
        FROM job j JOIN queue q ON q.id = j.queue LEFT JOIN job_state s ON s.seq = j.seq
        WHERE (p_queue IS NULL OR q.name = p_queue)
          AND NOT coalesce(s.status IN (2, 4) AND s.session IS NULL AND s.finished_at + q.retain_millis <= v_now, false)
      ) c GROUP BY c.queue
    ) n ON n.queue = q.id
    WHERE q.name = p_queue OR p_queue IS NULL AND (q.paused OR q.configured OR n.queue IS NOT NULL)
  ) q ON q.one = o.one
  ORDER BY q.id;
END $$;
`
