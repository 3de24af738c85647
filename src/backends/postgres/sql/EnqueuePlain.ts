/**
 * The enqueue of plain jobs of one queue and priority, in a transaction of its own: what most calls are.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const enqueuePlainFunctions = `
-- As enqueue, for plain jobs of one queue and priority, in two statements. A column with one element stands
-- for all jobs, except among payloads and rests.
CREATE FUNCTION enqueue_plain(
  p_ids uuid[], p_queue text, p_priority smallint, p_names text[], p_versions bigint[], p_payloads text[],
  p_attempts smallint[], p_deliveries smallint[], p_rests text[]
) RETURNS TABLE (
  item int, answer smallint, holder uuid, state smallint, result text,
  known_queue text, known_name text, known_version bigint, known_payload text, known_rest text
) LANGUAGE plpgsql :brief AS $$
DECLARE
  v_now bigint := now_millis();
  v_count int := cardinality(p_ids);
  v_queue int;
  v_inserted int;
BEGIN
  SELECT q.id INTO v_queue FROM queue q WHERE q.name = p_queue AND q.max_backlog IS NULL
    AND (SELECT true FROM lane l WHERE l.queue = q.id AND l.priority = p_priority);
  -- says, before it draws, that it may be about to draw anything from here on: see settled_sequence. As an expression it
  -- is no statement, which would cost more than the lock. Where the sequence does not tell its last value there is no lock,
  -- as without a right to it on version 18: enqueue says what is wrong.
  IF (CASE WHEN v_queue IS NULL THEN true
    ELSE pg_advisory_xact_lock_shared(drawing(), (pg_sequence_last_value('job_sequence') % 2147483648)::int) IS NULL END)
  THEN
    RETURN QUERY SELECT * FROM enqueue(
      p_ids, array_fill(p_queue, ARRAY[v_count]), each_of(p_names, v_count), each_of(p_versions, v_count),
      p_payloads, array_fill(p_priority, ARRAY[v_count]), each_of(p_attempts, v_count),
      each_of(p_deliveries, v_count), coalesce(p_rests, array_fill(NULL::text, ARRAY[v_count])),
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, true);
    RETURN;
  END IF;
  INSERT INTO job (seq, id, enqueued_at, queue, priority, max_attempts, max_deliveries, plain, version, name, payload, rest)
  SELECT nextval('job_sequence'), u.id, v_now, v_queue, p_priority, coalesce(u.attempts, p_attempts[1]),
    coalesce(u.deliveries, p_deliveries[1]), true, coalesce(u.version, p_versions[1]), coalesce(u.name, p_names[1]),
    u.payload, u.rest
  FROM unnest(p_ids, p_names, p_versions, p_payloads, p_attempts, p_deliveries, p_rests)
    AS u(id, name, version, payload, attempts, deliveries, rest)
  ON CONFLICT (id) DO NOTHING;
  GET DIAGNOSTICS v_inserted = ROW_COUNT;
  IF v_inserted < v_count THEN
    RETURN QUERY SELECT * FROM known_before(p_ids);
  END IF;
END $$;

-- A column of as many elements as there are jobs.
CREATE FUNCTION each_of(p_column anyarray, p_count int) RETURNS anyarray LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN cardinality(p_column) = 1 THEN array_fill(p_column[1], ARRAY[p_count]) ELSE p_column END
$$;

-- Which of these jobs this transaction has not inserted: they were there, or stand in the call twice.
CREATE FUNCTION known_before(p_ids uuid[]) RETURNS TABLE (
  item int, answer smallint, holder uuid, state smallint, result text,
  known_queue text, known_name text, known_version bigint, known_payload text, known_rest text
) LANGUAGE plpgsql :settings AS $$
BEGIN
  RETURN QUERY
  SELECT u.ord::int, 3::smallint, u.id, NULL::smallint, NULL::text,
    q.name, j.name, coalesce(r.version, j.version), coalesce(r.payload, j.payload),
    CASE WHEN r.seq IS NULL THEN j.rest ELSE r.rest END
  FROM (
    SELECT i.id, i.ord, row_number() OVER (PARTITION BY i.id ORDER BY i.ord) AS place
    FROM unnest(p_ids) WITH ORDINALITY AS i(id, ord)
  ) u
  CROSS JOIN LATERAL (SELECT j.*, j.xmin AS writer FROM job j WHERE j.id = u.id OFFSET 0) j
  CROSS JOIN LATERAL (SELECT q.name FROM queue q WHERE q.id = j.queue OFFSET 0) q
  LEFT JOIN LATERAL (SELECT r.* FROM replaced r WHERE r.seq = j.seq OFFSET 0) r ON true
  WHERE u.place > 1 OR j.writer <> pg_current_xact_id()::xid;
END $$;
`
