/**
 * The claim: takes ready jobs in order and writes down who holds them.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const claimFunctions = `
-- Takes plain jobs of one priority that nothing has happened to yet, from a place in the order on; tokens that went
-- unused have a 0 for their job. The lock decides between claims; the insert passes over what was claimed before. Where
-- much was, as behind the marks, it is looked at first. Places are compared as rows and in no other way, so that no index
-- but that of the line can serve, and it from the place on.
CREATE FUNCTION take_fresh(
  p_queue int, p_priority smallint, p_after bigint, p_before bigint, p_limit int, p_names text[],
  p_session bigint, p_token bigint, p_look boolean,
  OUT seqs bigint[], OUT ids uuid[], OUT times bigint[], OUT names text[], OUT versions bigint[], OUT payloads text[],
  OUT attempts smallint[], OUT rests text[]
) LANGUAGE plpgsql AS $$
DECLARE
  v_after bigint := p_after;
  v_look boolean := p_look OR p_names IS NOT NULL;
  -- each statement has a snapshot of its own
  v_sees boolean := current_setting('transaction_isolation') LIKE 'read %';
  v_picked record;
  v_last bigint;
  v_part bigint[];
  v_need int;
BEGIN
  seqs := '{}';
  LOOP
    v_need := p_limit - cardinality(seqs);
    IF v_look THEN
      SELECT array_agg(p.seq) AS seqs, array_agg(p.id) AS ids, array_agg(p.enqueued_at) AS times, array_agg(p.name) AS names,
        array_agg(p.version) AS versions, array_agg(p.payload) AS payloads, array_agg(p.max_attempts) AS attempts,
        array_agg(p.rest) AS rests INTO v_picked
      FROM (
        SELECT j.seq, j.id, j.enqueued_at, j.name, j.version, j.payload, j.max_attempts, j.rest FROM job j
        WHERE j.plain AND (j.queue, j.priority, j.seq) > (p_queue, p_priority, v_after)
          AND (j.queue, j.priority, j.seq) < (p_queue, p_priority, p_before)
          AND (p_names IS NULL OR j.name = ANY (p_names))
          AND (SELECT true FROM job_state s WHERE s.seq = j.seq) IS NULL
        ORDER BY j.queue, j.priority, j.seq LIMIT v_need FOR UPDATE OF j SKIP LOCKED
      ) p;
    ELSE
      SELECT array_agg(p.seq) AS seqs, array_agg(p.id) AS ids, array_agg(p.enqueued_at) AS times, array_agg(p.name) AS names,
        array_agg(p.version) AS versions, array_agg(p.payload) AS payloads, array_agg(p.max_attempts) AS attempts,
        array_agg(p.rest) AS rests INTO v_picked
      FROM (
        SELECT j.seq, j.id, j.enqueued_at, j.name, j.version, j.payload, j.max_attempts, j.rest FROM job j
        WHERE j.plain AND (j.queue, j.priority, j.seq) > (p_queue, p_priority, v_after)
          AND (j.queue, j.priority, j.seq) < (p_queue, p_priority, p_before)
        ORDER BY j.queue, j.priority, j.seq LIMIT v_need FOR UPDATE SKIP LOCKED
      ) p;
    END IF;
    EXIT WHEN v_picked.seqs IS NULL;
    v_last := v_picked.seqs[cardinality(v_picked.seqs)];
    IF NOT v_sees THEN
      WITH taken AS (
        INSERT INTO job_state (seq, token, session, visible_at, waiting_since, queue, priority, status, deliveries, touched)
        SELECT t.seq, p_token + cardinality(seqs) + t.ord - 1, p_session, 0, 0, p_queue, p_priority, 1, 1, false
        FROM unnest(v_picked.seqs) WITH ORDINALITY AS t(seq, ord)
        ON CONFLICT (seq) DO NOTHING RETURNING seq
      )
      SELECT array_agg(seq) INTO v_part FROM taken;
    -- who claimed a job before us held its lock until that was to be seen
    ELSIF NOT EXISTS (SELECT 1 FROM job_state s WHERE s.seq >= v_picked.seqs[1] AND s.seq <= v_last) THEN
      INSERT INTO job_state (seq, token, session, visible_at, waiting_since, queue, priority, status, deliveries, touched)
      SELECT t.seq, p_token + cardinality(seqs) + t.ord - 1, p_session, 0, 0, p_queue, p_priority, 1, 1, false
      FROM unnest(v_picked.seqs) WITH ORDINALITY AS t(seq, ord);
      v_part := v_picked.seqs;
    ELSE
      WITH taken AS (
        INSERT INTO job_state (seq, token, session, visible_at, waiting_since, queue, priority, status, deliveries, touched)
        SELECT t.seq, p_token + cardinality(seqs) + t.ord - 1, p_session, 0, 0, p_queue, p_priority, 1, 1, false
        FROM unnest(v_picked.seqs) WITH ORDINALITY AS t(seq, ord)
        WHERE (SELECT true FROM job_state s WHERE s.seq = t.seq) IS NULL RETURNING seq
      )
      SELECT array_agg(seq) INTO v_part FROM taken;
    END IF;
    v_after := v_last;
    IF v_part IS NULL THEN
      v_look := true;
    ELSE
      IF cardinality(v_part) < cardinality(v_picked.seqs) THEN
        v_look := true;
        SELECT array_agg(CASE WHEN s.session = p_session AND s.token = p_token + cardinality(seqs) + t.ord - 1
          THEN t.seq ELSE 0 END ORDER BY t.ord)
        INTO v_part
        FROM unnest(v_picked.seqs) WITH ORDINALITY AS t(seq, ord)
        LEFT JOIN LATERAL (SELECT * FROM job_state WHERE seq = t.seq OFFSET 0) s ON true;
      END IF;
      seqs := seqs || v_part;
      ids := ids || v_picked.ids;
      times := times || v_picked.times;
      names := names || v_picked.names;
      versions := versions || v_picked.versions;
      payloads := payloads || v_picked.payloads;
      attempts := attempts || v_picked.attempts;
      rests := rests || v_picked.rests;
    END IF;
    -- tokens that went unused count as well, so that a claim never has more than its block
    EXIT WHEN cardinality(seqs) = p_limit OR cardinality(v_picked.seqs) < v_need;
  END LOOP;
END $$;

-- Grants are rows whose item is not 0. The last row, with item 0, says how it went: attempt is begin_call's verdict, generation
-- what an earlier call was, name the answer as JSON: [the log's time, the next instant worth waking for, ...], token the
-- one of item 1. What is null in a row is as at a first grant: the token that follows from its item's number, attempt,
-- delivery and generation 1, ready since it was enqueued.
-- p_marks are priorities followed by as many numbers of jobs: where the caller's last claims from them ended.
CREATE FUNCTION claim(
  p_session bigint, p_number bigint, p_queue_name text, p_limit int, p_names text[], p_marks bigint[]
) RETURNS TABLE (
  item int, seq bigint, token bigint, id uuid, name text, version bigint, payload text, priority smallint,
  attempt int, delivery int, generation int, max_attempts int, enqueued_at bigint, ready_since bigint, deadline bigint,
  rest text
) LANGUAGE plpgsql :settings AS $$
#variable_conflict use_column
DECLARE
  v_begun record;
  v_now bigint;
  v_queue record;
  v_due boolean;
  v_overdue boolean;
  v_block bigint;
  v_seqs bigint[] := '{}';
  v_next bigint;
  v_round int;
  v_merged boolean := false;
  v_anew boolean := true;
  v_lane lane%ROWTYPE;
  v_sweep boolean;
  v_settled bigint;
  v_locked int := 0;
  v_mark bigint;
  v_after bigint;
  v_first bigint;
  v_part record;
  v_held int := 0;
  v_answer json;
BEGIN
  v_begun := begin_call(p_session, p_number, 2::smallint, false);
  IF v_begun.verdict NOT IN (0, 2) THEN
    item := 0;
    attempt := v_begun.verdict;
    generation := (v_begun.earlier).operation;
    RETURN NEXT;
    RETURN;
  END IF;
  IF v_begun.verdict = 2 THEN
    RETURN QUERY SELECT * FROM granted_again(
      (v_begun.earlier).seqs, (v_begun.earlier).block * 1000, (v_begun.earlier).answer::json -> 2);
    item := 0;
    attempt := 0;
    name := (v_begun.earlier).answer;
    RETURN NEXT;
    RETURN;
  END IF;
  v_now := v_begun.now;
  -- a queue that nobody has written to yet is empty; to make it here could mean to wait for whoever is about to
  SELECT q.id, q.paused,
    EXISTS (SELECT 1 FROM job_group g WHERE g.queue = q.id) AS groups,
    EXISTS (SELECT 1 FROM job_state s WHERE s.queue = q.id AND s.ready) AS ready,
    (SELECT min(s.due_at) FROM job_state s WHERE s.queue = q.id AND s.due_at IS NOT NULL) AS due_at,
    (SELECT min(s.expire_at) FROM job_state s WHERE s.queue = q.id AND s.expire_at IS NOT NULL) AS expire_at
  INTO v_queue FROM queue q WHERE q.name = p_queue_name;
  v_due := coalesce(v_queue.due_at <= v_now, false);
  v_overdue := coalesce(v_queue.expire_at <= v_now, false);
  -- whoever else takes in arrivals or delays of the queue would hide them from us
  IF v_queue.groups OR v_due THEN
    PERFORM lock_groups(v_queue.id);
  END IF;
  IF v_overdue THEN
    WHILE expire(v_queue.id, v_now, 1000) = 1000 LOOP
    END LOOP;
  END IF;
  IF v_queue.groups THEN
    PERFORM welcome(v_queue.id, v_now);
  END IF;
  IF v_due THEN
    -- in bounded steps; as long as one is not the last there is something to grant
    PERFORM promote(v_queue.id, v_now, 5000);
  END IF;
  IF v_queue.id IS NOT NULL AND NOT v_queue.paused THEN
    -- Before it says empty it takes back what has run out, looks behind the marks, and waits for those who hold the lock
    -- of a job that they may yet give back.
    FOR v_round IN 0 .. 3 LOOP
      -- tokens are drawn when the jobs are taken: others may have been granted while we waited
      v_block := nextval('token_block');
      IF v_round > 0 THEN
        PERFORM take_expired(v_now, 1000);
        EXIT WHEN (SELECT q.paused FROM queue q WHERE q.id = v_queue.id);
        v_settled := settled_sequence();
      END IF;
      -- what was looked at before all else still holds where nothing was done since
      v_anew := v_round > 0 OR v_queue.groups OR v_due OR v_overdue;
      v_merged := CASE WHEN v_anew
        THEN EXISTS (SELECT 1 FROM job_state s WHERE s.queue = v_queue.id AND s.ready) ELSE v_queue.ready END;
      IF v_merged THEN
        -- it looks behind the marks at every step, which is much where they have stayed behind
        FOR v_lane IN
          SELECT * FROM lane l WHERE l.queue = v_queue.id AND (l.swept_at + 1000 <= v_now OR l.swept_at > v_now)
        LOOP
          v_settled := coalesce(v_settled, settled_sequence());
          PERFORM sweep(v_lane, v_settled, v_now);
        END LOOP;
        v_seqs := take_merged(v_queue.id, p_limit, p_names, p_session, v_block * 1000, v_now);
      ELSE
        v_seqs := '{}';
        FOR v_lane IN SELECT * FROM lane l WHERE l.queue = v_queue.id ORDER BY l.priority LOOP
          v_sweep := v_round > 0 OR v_lane.swept_at + 1000 <= v_now OR v_lane.swept_at > v_now;
          v_mark := p_marks[array_position(p_marks[1 : cardinality(p_marks) / 2], v_lane.priority::bigint)
            + cardinality(p_marks) / 2];
          v_after := greatest(v_lane.settled, v_mark);
          IF v_sweep THEN
            v_settled := coalesce(v_settled, settled_sequence());
            v_first := sweep(v_lane, v_settled, v_now);
            CONTINUE WHEN v_first IS NULL;
            v_after := v_first;
          END IF;
          v_part := take_fresh(v_queue.id, v_lane.priority, v_after, 9223372036854775807,
            p_limit - cardinality(v_seqs), p_names, p_session, v_block * 1000 + cardinality(v_seqs),
            v_mark IS NULL OR v_after < v_mark);
          RETURN QUERY SELECT t.ord::int + cardinality(v_seqs), t.seq, NULL::bigint,
            t.id, t.name, t.version, t.payload, v_lane.priority, NULL::int, NULL::int, NULL::int, t.attempts::int, t.at,
            NULL::bigint, NULL::bigint, t.rest
          FROM unnest(v_part.seqs, v_part.ids, v_part.times, v_part.names, v_part.versions, v_part.payloads,
            v_part.attempts, v_part.rests) WITH ORDINALITY AS t(seq, id, at, name, version, payload, attempts, rest, ord)
          WHERE t.seq > 0;
          v_seqs := v_seqs || v_part.seqs;
          EXIT WHEN cardinality(v_seqs) = p_limit;
        END LOOP;
      END IF;
      v_held := cardinality(v_seqs) - cardinality(array_positions(v_seqs, 0::bigint));
      EXIT WHEN v_held > 0;
      IF v_round > 0 THEN
        v_locked := await_locked(v_queue.id, p_names);
        EXIT WHEN v_locked <> 1;
      END IF;
    END LOOP;
  END IF;
  v_next := least(
    CASE WHEN v_anew OR v_merged THEN next_in_queue(v_queue.id) ELSE least(v_queue.due_at, v_queue.expire_at) END,
    next_expiry(p_session),
    CASE WHEN v_held = 0 AND v_locked > 0 THEN v_now + 100 END);
  v_answer := json_build_array(v_now, v_next, CASE WHEN v_merged THEN as_granted(v_seqs) END);
  IF v_held > 0 THEN
    INSERT INTO session_call (session, number, operation, block, seqs, held, answer)
    VALUES (p_session, p_number, 2, v_block, v_seqs, v_held, v_answer::text);
  ELSE
    PERFORM remember_quietly(p_session, p_number, 2::smallint, v_now, v_begun.lease);
  END IF;
  PERFORM forget_calls(p_session, p_number);
  IF v_merged AND v_held > 0 THEN
    RETURN QUERY SELECT * FROM granted(v_seqs, v_block * 1000, v_answer -> 2);
  END IF;
  item := 0;
  token := v_block * 1000;
  attempt := 0;
  name := v_answer::text;
  RETURN NEXT;
END $$;

-- What is not as at a first grant, by the job's place in the claim: [priority, attempts, deliveries, generation, ready
-- since, deadline]. It is kept with the answer, as a repeated call must learn what was true then.
CREATE FUNCTION as_granted(p_seqs bigint[]) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_object_agg(t.ord, json_build_array(
    s.priority, s.attempts, s.deliveries, s.generation, greatest(s.waiting_since, s.visible_at), s.deadline))
  FROM unnest(p_seqs) WITH ORDINALITY AS t(seq, ord)
  CROSS JOIN LATERAL (SELECT * FROM job_state WHERE seq = t.seq OFFSET 0) s
  WHERE s.touched
$$;

-- What a claim answers of the jobs it took, in claim order.
CREATE FUNCTION granted(p_seqs bigint[], p_token bigint, p_as_granted json) RETURNS TABLE (
  item int, seq bigint, token bigint, id uuid, name text, version bigint, payload text, priority smallint,
  attempt int, delivery int, generation int, max_attempts int, enqueued_at bigint, ready_since bigint, deadline bigint,
  rest text
) LANGUAGE sql STABLE AS $$
  SELECT t.ord::int, j.seq, p_token + t.ord - 1, j.id, j.name, j.version, j.payload,
    coalesce((g.was ->> 0)::smallint, j.priority), coalesce((g.was ->> 1)::int, 0) + 1,
    coalesce((g.was ->> 2)::int, 1), coalesce((g.was ->> 3)::int, 1), j.max_attempts::int, j.enqueued_at,
    coalesce((g.was ->> 4)::bigint, j.enqueued_at), (g.was ->> 5)::bigint, j.rest
  FROM unnest(p_seqs) WITH ORDINALITY AS t(seq, ord)
  CROSS JOIN LATERAL (SELECT * FROM job WHERE seq = t.seq OFFSET 0) j
  LEFT JOIN LATERAL (SELECT p_as_granted -> t.ord::text AS was) g ON p_as_granted IS NOT NULL
  ORDER BY t.ord
$$;

-- The same of an earlier claim: jobs may be gone by now.
CREATE FUNCTION granted_again(p_seqs bigint[], p_token bigint, p_as_granted json) RETURNS TABLE (
  item int, seq bigint, token bigint, id uuid, name text, version bigint, payload text, priority smallint,
  attempt int, delivery int, generation int, max_attempts int, enqueued_at bigint, ready_since bigint, deadline bigint,
  rest text
) LANGUAGE sql STABLE AS $$
  SELECT * FROM granted(p_seqs, p_token, p_as_granted)
  UNION ALL
  SELECT t.ord::int, j.seq, p_token + t.ord - 1, j.id, j.name, j.version, j.payload,
    coalesce((g.was ->> 0)::smallint, j.priority), coalesce((g.was ->> 1)::int, 0) + 1,
    coalesce((g.was ->> 2)::int, 1), coalesce((g.was ->> 3)::int, 1), j.max_attempts::int, j.enqueued_at,
    coalesce((g.was ->> 4)::bigint, j.enqueued_at), (g.was ->> 5)::bigint, j.rest
  FROM purged j JOIN unnest(p_seqs) WITH ORDINALITY AS t(seq, ord) ON t.seq = j.seq
  LEFT JOIN LATERAL (SELECT p_as_granted -> t.ord::text AS was) g ON p_as_granted IS NOT NULL
  WHERE j.block = p_token / 1000
  ORDER BY 1
$$;

-- Whether something that could be claimed is locked by somebody else: 0 nothing is, 1 it was, and they are done with it,
-- 2 they are still at it after a tenth of a second.
CREATE FUNCTION await_locked(p_queue int, p_names text[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  v_state bigint;
  v_job bigint;
  v_timeout text := current_setting('lock_timeout');
BEGIN
  SELECT s.seq INTO v_state FROM job_state s
  WHERE s.queue = p_queue AND s.ready
    AND (p_names IS NULL OR (SELECT j.name FROM job j WHERE j.seq = s.seq) = ANY (p_names))
  LIMIT 1;
  IF NOT FOUND THEN
    SELECT f.seq INTO v_job FROM lane l CROSS JOIN LATERAL (
      SELECT j.seq FROM job j
      WHERE j.plain AND (j.queue, j.priority, j.seq) > (l.queue, l.priority, l.settled)
        AND (j.queue, j.priority, j.seq) < (l.queue, l.priority, 9223372036854775807)
        AND (p_names IS NULL OR j.name = ANY (p_names))
        AND (SELECT true FROM job_state s WHERE s.seq = j.seq) IS NULL
      ORDER BY j.queue, j.priority, j.seq LIMIT 1
    ) f WHERE l.queue = p_queue LIMIT 1;
    IF NOT FOUND THEN
      RETURN 0;
    END IF;
  END IF;
  BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    PERFORM 1 FROM job_state WHERE seq = v_state FOR SHARE;
    PERFORM 1 FROM job WHERE seq = v_job FOR SHARE;
    PERFORM set_config('lock_timeout', v_timeout, true);
    RETURN 1;
  EXCEPTION WHEN lock_not_available THEN
    RETURN 2;
  END;
END $$;
`
