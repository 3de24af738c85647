/**
 * Functions that add jobs.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const enqueueFunctions = `
-- The waiting jobs of a queue, counted no further than asked: those without a state, and those at each of their places.
CREATE FUNCTION waiting(p_queue int, p_most bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT count(*) FROM (
      SELECT 1 FROM lane l CROSS JOIN LATERAL (
        SELECT 1 FROM job j
        WHERE j.plain AND (j.queue, j.priority, j.seq) > (l.queue, l.priority, l.settled)
          AND (j.queue, j.priority, j.seq) < (l.queue, l.priority, 9223372036854775807)
          AND (SELECT true FROM job_state s WHERE s.seq = j.seq) IS NULL
      ) f WHERE l.queue = p_queue
      UNION ALL
      SELECT 1 FROM job_state s WHERE s.queue = p_queue AND s.ready
      UNION ALL
      SELECT 1 FROM job_state s WHERE s.queue = p_queue AND s.due_at IS NOT NULL
      UNION ALL
      SELECT 1 FROM job_group g CROSS JOIN LATERAL (SELECT * FROM job_state WHERE group_id = g.id OFFSET 0) s
      WHERE g.queue = p_queue AND s.member AND NOT s.ready AND s.due_at IS NULL
      LIMIT p_most
    ) w
  );
END $$;

-- Answers one item: 0 inserted, 1 duplicate, 2 replaced, 3 the id is known, 4 the id has replaced before. For 1 and 2
-- job is the holder of the key; for 3 and 4 the caller compares the request with the one that is known.
CREATE FUNCTION enqueue_one(
  p_seq bigint, p_id uuid, p_queue int, p_name text, p_version bigint, p_payload text, p_priority smallint,
  p_attempts smallint, p_deliveries smallint, p_visible_at bigint, p_deadline bigint, p_group text,
  p_key text, p_span bigint, p_replace boolean, p_rest text, p_now bigint,
  OUT answer smallint, OUT holder uuid, OUT state smallint, OUT result text
) LANGUAGE plpgsql AS $$
DECLARE
  v_key idempotency_key%ROWTYPE;
  v_held job_state%ROWTYPE;
  v_by uuid;
BEGIN
  holder := p_id;
  PERFORM 1 FROM job WHERE id = p_id;
  IF FOUND THEN
    answer := 3;
    RETURN;
  END IF;
  IF p_key IS NOT NULL THEN
    -- a key that is held, by a job that is not to be replaced, is answered without a lock on it
    SELECT * INTO v_key FROM idempotency_key k
    WHERE k.queue = p_queue AND k.name = p_name AND k.value = p_key AND (k.held_until IS NULL OR k.held_until > p_now);
    IF FOUND AND v_key.id <> p_id THEN
      SELECT * INTO v_held FROM job_state s WHERE s.seq = v_key.seq;
      IF FOUND AND (NOT p_replace OR v_held.status <> 0 OR v_held.token <> 0)
        AND NOT EXISTS (SELECT 1 FROM replaced r WHERE r.seq = v_key.seq AND r.by_id = p_id) THEN
        holder := v_key.id;
        answer := 1;
        state := shown_state(v_held.status, v_held.visible_at, p_now);
        result := v_held.result;
        RETURN;
      END IF;
    END IF;
    LOOP
      INSERT INTO idempotency_key AS k (queue, name, value, seq, id, span) VALUES (p_queue, p_name, p_key, p_seq, p_id, p_span)
      ON CONFLICT (queue, name, value) DO UPDATE SET seq = k.seq
      RETURNING * INTO v_key;
      EXIT WHEN v_key.held_until IS NULL OR v_key.held_until > p_now OR v_key.seq = p_seq;
      DELETE FROM idempotency_key WHERE queue = p_queue AND name = p_name AND value = p_key;
    END LOOP;
    IF v_key.seq <> p_seq AND v_key.id = p_id THEN
      -- the same request was under way and has been committed since
      answer := 3;
      RETURN;
    END IF;
    IF v_key.seq <> p_seq THEN
      holder := v_key.id;
      SELECT * INTO v_held FROM job_state WHERE seq = v_key.seq;
      IF NOT FOUND THEN
        answer := 1;
        state := coalesce(v_key.ended, 2) + 1;
        -- -1 says that the record is gone
        result := NULL;
        state := -state;
        RETURN;
      END IF;
      IF p_replace THEN
        SELECT by_id INTO v_by FROM replaced WHERE seq = v_key.seq;
        IF v_by = p_id THEN
          answer := 4;
          RETURN;
        END IF;
        SELECT * INTO v_held FROM job_state WHERE seq = v_key.seq FOR UPDATE;
        IF v_held.status = 0 AND v_held.token = 0 THEN
          INSERT INTO replaced (seq, by_id, version, payload, rest)
          SELECT seq, p_id, version, payload, rest FROM job WHERE seq = v_key.seq
          ON CONFLICT (seq) DO UPDATE SET by_id = excluded.by_id;
          UPDATE job SET priority = p_priority, max_attempts = p_attempts, max_deliveries = p_deliveries,
            version = p_version, payload = p_payload, rest = p_rest
          WHERE seq = v_key.seq;
          UPDATE idempotency_key SET span = p_span WHERE queue = p_queue AND name = p_name AND value = p_key;
          UPDATE job_state SET priority = p_priority, visible_at = p_visible_at, deadline = p_deadline,
            attempts = 0, deliveries = 0, generation = generation + 1,
            cause_kind = NULL, cause_tag = NULL, cause_message = NULL,
            ready = false, member = false, group_key = p_group,
            group_id = CASE WHEN p_group IS NOT NULL THEN group_of(p_queue, p_group) END
          WHERE seq = v_key.seq;
          IF v_held.group_id IS NOT NULL THEN
            PERFORM leave_group(v_held.group_id, 0, p_now);
          END IF;
          PERFORM place(v_key.seq, p_now);
          answer := 2;
          RETURN;
        END IF;
      END IF;
      answer := 1;
      state := shown_state(v_held.status, v_held.visible_at, p_now);
      result := v_held.result;
      RETURN;
    END IF;
  END IF;
  INSERT INTO job (seq, id, enqueued_at, queue, priority, max_attempts, max_deliveries, plain, version, name, payload, rest)
  VALUES (p_seq, p_id, p_now, p_queue, p_priority, p_attempts, p_deliveries, false, p_version, p_name, p_payload, p_rest)
  ON CONFLICT (id) DO NOTHING;
  IF NOT FOUND THEN
    -- another session has just inserted the same id
    DELETE FROM idempotency_key WHERE seq = p_seq;
    answer := 3;
    RETURN;
  END IF;
  INSERT INTO job_state (
    seq, visible_at, waiting_since, deadline, queue, priority, key, group_key, group_id, ready, member, due_at, expire_at
  ) VALUES (
    p_seq, p_visible_at, p_now, p_deadline, p_queue, p_priority, p_key, p_group,
    CASE WHEN p_group IS NOT NULL THEN group_of(p_queue, p_group) END,
    p_group IS NULL AND p_visible_at <= p_now, p_group IS NOT NULL AND p_visible_at <= p_now,
    CASE WHEN p_visible_at > p_now THEN p_visible_at END, p_deadline
  );
  IF p_group IS NOT NULL THEN
    INSERT INTO arrival (queue, group_id) SELECT p_queue, group_id FROM job_state WHERE seq = p_seq;
  END IF;
  answer := 0;
END $$;

-- Locks by which transactions say that they draw from the job sequence.
CREATE FUNCTION drawing() RETURNS int LANGUAGE sql STABLE AS $$ SELECT hashtext(current_schema() || '.drawing') $$;

-- Appends jobs, all or none, and answers the exceptions: what is not answered was inserted. Arrays that no item needs
-- may be null. p_delays are relative to the log's time, p_instants are not; p_key_spans are the windows of the keys.
-- p_own: this call is a transaction by itself. Only then can jobs be plain, since claims look behind their marks for as
-- long as a transaction with plain jobs goes on.
-- known: the request that is known under the id, for the caller to compare.
CREATE FUNCTION enqueue(
  p_ids uuid[], p_queues text[], p_names text[], p_versions bigint[], p_payloads text[], p_priorities smallint[],
  p_attempts smallint[], p_deliveries smallint[], p_rests text[],
  p_delays bigint[], p_instants bigint[], p_deadlines bigint[], p_groups text[],
  p_keys text[], p_spans bigint[], p_replaces boolean[], p_own boolean DEFAULT false
) RETURNS TABLE (
  item int, answer smallint, holder uuid, state smallint, result text,
  known_queue text, known_name text, known_version bigint, known_payload text, known_rest text
) LANGUAGE plpgsql :settings AS $$
#variable_conflict use_column
DECLARE
  v_now bigint := now_millis();
  v_names text[];
  v_queue_ids int[];
  v_queues int[];
  v_seqs bigint[];
  v_count int := cardinality(p_ids);
  v_inserted int;
  v_queue queue%ROWTYPE;
  v_waiting bigint;
  v_adds bigint;
  v_item record;
  v_one record;
  v_plain boolean;
  v_drawn bigint;
BEGIN
  v_plain := p_own AND p_delays IS NULL AND p_instants IS NULL AND p_deadlines IS NULL AND p_groups IS NULL AND p_keys IS NULL;
  SELECT array_agg(n ORDER BY n), array_agg(queue_of(n) ORDER BY n) INTO v_names, v_queue_ids
  FROM (SELECT DISTINCT n FROM unnest(p_queues) AS u(n)) d;
  FOR v_queue IN SELECT * FROM queue WHERE id = ANY (v_queue_ids) AND max_backlog IS NOT NULL ORDER BY id LOOP
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.backlog'), v_queue.id);
    SELECT count(DISTINCT coalesce(k.seq, u.id::text)) INTO v_adds FROM (
      SELECT u.id::text AS id, NULL::text AS seq, u.key, u.name
      FROM unnest(p_ids, p_queues, p_names, coalesce(p_keys, array_fill(NULL::text, ARRAY[v_count]))) AS u(id, queue, name, key)
      WHERE u.queue = v_queue.name AND (SELECT true FROM job j WHERE j.id = u.id) IS NULL
        AND (
          SELECT true FROM idempotency_key k WHERE u.key IS NOT NULL AND k.queue = v_queue.id AND k.name = u.name
            AND k.value = u.key AND (k.held_until IS NULL OR k.held_until > v_now)) IS NULL
    ) u, LATERAL (SELECT u.name || chr(10) || u.key AS seq) k;
    IF v_adds > 0 THEN
      v_waiting := waiting(v_queue.id, v_queue.max_backlog + 1);
      IF v_waiting + v_adds > v_queue.max_backlog THEN
        RAISE EXCEPTION USING ERRCODE = 'LH001', MESSAGE = 'maxBacklog',
          DETAIL = 'queue ' || v_queue.name || ' has ' || v_waiting || ' waiting jobs of at most ' || v_queue.max_backlog;
      END IF;
    END IF;
  END LOOP;
  IF v_plain THEN
    -- says, before it draws, that it may be about to draw anything from here on: see settled_sequence
    SELECT last_value - (NOT is_called)::int INTO v_drawn FROM job_sequence;
    PERFORM pg_advisory_xact_lock_shared(drawing(), (v_drawn % 2147483648)::int);
  END IF;
  SELECT array_agg(nextval('job_sequence')) INTO v_seqs FROM generate_series(1, v_count);
  IF cardinality(v_names) = 1 THEN
    v_queues := array_fill(v_queue_ids[1], ARRAY[v_count]);
  ELSE
    SELECT array_agg(v_queue_ids[array_position(v_names, n)] ORDER BY o) INTO v_queues
    FROM unnest(p_queues) WITH ORDINALITY AS u(n, o);
  END IF;

  IF p_keys IS NOT NULL THEN
    FOR v_item IN
      SELECT * FROM unnest(
        v_seqs, p_ids, v_queues, p_names, p_versions, p_payloads, p_priorities, p_attempts, p_deliveries, p_rests,
        p_delays, p_instants, p_deadlines, p_groups, p_keys, p_spans, p_replaces
      ) WITH ORDINALITY AS u(
        seq, id, queue, name, version, payload, priority, attempts, deliveries, rest,
        delay, instant, deadline, group_key, key, span, replace, ord
      ) ORDER BY queue, name, key, ord
    LOOP
      v_one := enqueue_one(
        v_item.seq, v_item.id, v_item.queue, v_item.name, v_item.version, v_item.payload, v_item.priority,
        v_item.attempts, v_item.deliveries, coalesce(v_item.instant, v_now + coalesce(v_item.delay, 0)),
        v_item.deadline, v_item.group_key, v_item.key, v_item.span, coalesce(v_item.replace, false), v_item.rest, v_now);
      IF v_one.answer = 0 THEN
        CONTINUE;
      END IF;
      item := v_item.ord;
      answer := v_one.answer;
      holder := v_one.holder;
      state := v_one.state;
      result := v_one.result;
      known_queue := NULL;
      IF answer = 3 THEN
        SELECT q.name, j.name, coalesce(r.version, j.version), coalesce(r.payload, j.payload),
          CASE WHEN r.seq IS NULL THEN j.rest ELSE r.rest END
        INTO known_queue, known_name, known_version, known_payload, known_rest
        FROM job j JOIN queue q ON q.id = j.queue LEFT JOIN replaced r ON r.seq = j.seq WHERE j.id = v_item.id;
      ELSIF answer = 4 THEN
        SELECT q.name, j.name, j.version, j.payload, j.rest
        INTO known_queue, known_name, known_version, known_payload, known_rest
        FROM job j JOIN queue q ON q.id = j.queue WHERE j.id = holder;
      END IF;
      RETURN NEXT;
    END LOOP;
    RETURN;
  END IF;

  IF v_plain THEN
    INSERT INTO lane (queue, priority)
    SELECT u.queue, u.priority FROM (
      SELECT DISTINCT d.queue, d.priority FROM unnest(v_queues, p_priorities) AS d(queue, priority)
    ) u
    WHERE (SELECT true FROM lane l WHERE l.queue = u.queue AND l.priority = u.priority) IS NULL
    ON CONFLICT DO NOTHING;
  END IF;
  IF p_groups IS NOT NULL THEN
    PERFORM group_of(g.queue, g.key) FROM (
      SELECT DISTINCT d.queue, d.key FROM unnest(v_queues, p_groups) AS d(queue, key) WHERE d.key IS NOT NULL ORDER BY 1, 2
    ) g;
  END IF;
  INSERT INTO job (seq, id, enqueued_at, queue, priority, max_attempts, max_deliveries, plain, version, name, payload, rest)
  SELECT u.seq, u.id, v_now, u.queue, u.priority, u.attempts, u.deliveries,
    v_plain, u.version, u.name, u.payload, u.rest
  FROM unnest(
    v_seqs, p_ids, v_queues, p_names, p_versions, p_payloads, p_priorities, p_attempts, p_deliveries, p_rests,
    p_delays, p_instants, p_deadlines, p_groups
  ) AS u(
    seq, id, queue, name, version, payload, priority, attempts, deliveries, rest, delay, instant, deadline, group_key
  )
  ON CONFLICT (id) DO NOTHING;
  GET DIAGNOSTICS v_inserted = ROW_COUNT;
  IF NOT v_plain THEN
    WITH stated AS (
      INSERT INTO job_state (
        seq, visible_at, waiting_since, deadline, queue, priority, group_key, group_id, ready, member, due_at, expire_at
      )
      SELECT a.seq, a.visible_at, v_now, a.deadline, a.queue, a.priority, a.group_key, g.id,
        a.visible_at <= v_now AND g.id IS NULL, a.visible_at <= v_now AND g.id IS NOT NULL,
        CASE WHEN a.visible_at > v_now THEN a.visible_at END, a.deadline
      FROM (
        SELECT u.*, coalesce(u.instant, v_now + coalesce(u.delay, 0)) AS visible_at
        FROM unnest(v_seqs, v_queues, p_priorities, p_delays, p_instants, p_deadlines, p_groups)
          AS u(seq, queue, priority, delay, instant, deadline, group_key)
      ) a LEFT JOIN LATERAL (SELECT id FROM job_group WHERE queue = a.queue AND key = a.group_key OFFSET 0) g ON true
      WHERE (SELECT true FROM job j WHERE j.seq = a.seq)
      RETURNING queue, group_id
    )
    INSERT INTO arrival (queue, group_id) SELECT DISTINCT queue, group_id FROM stated WHERE group_id IS NOT NULL;
  END IF;
  IF v_inserted = v_count THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT u.ord::int, 3::smallint, u.id, NULL::smallint, NULL::text,
    q.name, j.name, coalesce(r.version, j.version), coalesce(r.payload, j.payload),
    CASE WHEN r.seq IS NULL THEN j.rest ELSE r.rest END
  FROM unnest(v_seqs, p_ids) WITH ORDINALITY AS u(seq, id, ord)
  CROSS JOIN LATERAL (SELECT * FROM job WHERE id = u.id OFFSET 0) j
  CROSS JOIN LATERAL (SELECT name FROM queue WHERE id = j.queue OFFSET 0) q
  LEFT JOIN LATERAL (SELECT * FROM replaced WHERE seq = j.seq OFFSET 0) r ON true
  WHERE j.seq <> u.seq;
END $$;
`
