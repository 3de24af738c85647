/**
 * Functions on sessions: open, renew, close, and taking back what dead ones hold.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const sessionFunctions = `
CREATE FUNCTION open_session(p_owner text, p_lease bigint, OUT id bigint, OUT now bigint) LANGUAGE plpgsql :settings AS $$
BEGIN
  id := nextval('session_number');
  now := now_millis();
  INSERT INTO session (id, owner, lease, expires_at) VALUES (id, p_owner, p_lease, now + p_lease);
END $$;

-- Begins a numbered call. The session's row is locked against its end, not against its other calls; a renewal will lock
-- it by itself.
-- verdict: 0 go on, 1 the session is dead, 2 answered before (answer, seqs, block), 3 the answer is no longer kept,
-- 4 the number belongs to another operation (answer).
CREATE FUNCTION begin_call(
  p_session bigint, p_number bigint, p_operation smallint, p_late boolean,
  OUT verdict int, OUT now bigint, OUT lease bigint, OUT earlier session_call
) LANGUAGE plpgsql AS $$
DECLARE
  v_session record;
BEGIN
  IF p_operation <> 3 THEN
    -- sendings of one call come one after the other: of two at once one could be quiet and the other not, and neither would
    -- know of the other
    PERFORM pg_advisory_xact_lock(
      hashtext(current_schema() || '.calls'), ((p_session % 32768) * 65536 + p_number % 65536 - 1073741824)::int);
  END IF;
  IF p_operation = 1 THEN
    SELECT s.ended, s.expires_at, s.lease, s.forgotten, (
      SELECT q.number FROM quiet_call q WHERE q.session = p_session AND q.place = p_number & 63
    ) AS quiet INTO v_session FROM session s WHERE s.id = p_session;
  ELSE
    SELECT s.ended, s.expires_at, s.lease, s.forgotten, (
      SELECT q.number FROM quiet_call q WHERE q.session = p_session AND q.place = p_number & 63
    ) AS quiet INTO v_session FROM session s WHERE s.id = p_session FOR KEY SHARE;
  END IF;
  IF NOT FOUND OR v_session.ended THEN
    verdict := 1;
    RETURN;
  END IF;
  IF v_session.quiet = p_number THEN
    SELECT q.session, q.number, q.operation, NULL, NULL, 0, quiet_answer(q, v_session.lease) INTO earlier
    FROM quiet_call q WHERE q.session = p_session AND q.place = p_number & 63 AND q.number = p_number;
  ELSE
    SELECT * INTO earlier FROM session_call c WHERE c.session = p_session AND c.number = p_number;
  END IF;
  IF FOUND THEN
    verdict := CASE WHEN earlier.operation = p_operation THEN 2 ELSE 4 END;
    RETURN;
  END IF;
  -- its place may have been taken by a later call
  IF p_number <= greatest(v_session.forgotten, v_session.quiet) THEN
    verdict := 3;
    RETURN;
  END IF;
  lease := v_session.lease;
  now := now_millis();
  verdict := CASE WHEN NOT p_late AND v_session.expires_at <= now THEN 1 ELSE 0 END;
END $$;

-- Now and then the answers of all but the latest calls are dropped; what names jobs that are still held stays.
CREATE FUNCTION forget_calls(p_session bigint, p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_number % 32 = 0 AND p_number > 96 THEN
    UPDATE session SET forgotten = greatest(forgotten, p_number - 96) WHERE id = p_session;
    WITH gone AS (
      DELETE FROM session_call WHERE session = p_session AND number <= p_number - 96 AND held = 0 RETURNING block
    )
    DELETE FROM purged WHERE block = ANY (ARRAY(SELECT block FROM gone));
  END IF;
END $$;

CREATE FUNCTION renew(
  p_session bigint, p_number bigint, p_started bigint[], p_tokens bigint[], p_values text[],
  OUT verdict int, OUT now bigint, OUT expires_at bigint, OUT lost bigint[], OUT cancelled bigint[], OUT paused text[],
  OUT earlier text
) LANGUAGE plpgsql :settings AS $$
#variable_conflict use_column
DECLARE
  v_begun record;
  v_seqs bigint[];
BEGIN
  v_begun := begin_call(p_session, p_number, 1::smallint, true);
  verdict := v_begun.verdict;
  IF verdict <> 0 THEN
    earlier := (v_begun.earlier).answer;
    RETURN;
  END IF;
  -- whoever has ended the session meanwhile has let us wait for it here
  UPDATE session s SET expires_at = now_millis() + s.lease
  WHERE s.id = p_session AND NOT s.ended AND s.expires_at > now_millis() RETURNING s.expires_at INTO expires_at;
  IF NOT FOUND THEN
    verdict := 1;
    RETURN;
  END IF;
  now := expires_at - v_begun.lease;
  lost := '{}';
  IF cardinality(p_started) + cardinality(p_tokens) > 0 THEN
    SELECT coalesce(array_agg(DISTINCT t.token) FILTER (WHERE h.seq IS NULL), '{}'), array_agg(h.seq ORDER BY t.ord)
    INTO lost, v_seqs
    FROM unnest(p_started || p_tokens) WITH ORDINALITY AS t(token, ord)
    LEFT JOIN LATERAL (
      SELECT seqs[t.token % 1000 + 1] AS seq FROM session_call
      WHERE block = t.token / 1000 AND session = p_session OFFSET 0
    ) c ON true
    LEFT JOIN LATERAL (
      SELECT seq FROM job_state WHERE seq = c.seq AND token = t.token AND session = p_session OFFSET 0
    ) h ON true;
    -- a handler's transaction that completes its job holds the row's lock until it ends: the lease must not wait for it
    UPDATE job_state SET started = true WHERE seq = ANY (ARRAY(
      SELECT s.seq FROM unnest(p_started, v_seqs[1 : cardinality(p_started)]) AS t(token, seq) CROSS JOIN LATERAL (
        SELECT seq FROM job_state
        WHERE seq = t.seq AND token = t.token AND session = p_session AND status = 1 AND NOT started
        FOR NO KEY UPDATE SKIP LOCKED
      ) s));
    UPDATE job_state s SET progress = p.value FROM (
      SELECT h.seq, t.value FROM unnest(p_tokens, p_values, v_seqs[cardinality(p_started) + 1 :]) AS t(token, value, seq)
      CROSS JOIN LATERAL (
        SELECT seq FROM job_state WHERE seq = t.seq AND token = t.token AND session = p_session AND status = 1
        FOR NO KEY UPDATE SKIP LOCKED
      ) h
    ) p WHERE s.seq >= p.seq AND s.seq <= p.seq;
  END IF;
  SELECT coalesce(array_agg(token), '{}') INTO cancelled FROM cancellation c WHERE c.session = p_session;
  paused := '{}';
  IF EXISTS (SELECT 1 FROM queue q WHERE q.paused) THEN
    SELECT coalesce(array_agg(q.name), '{}') INTO paused FROM queue q
    WHERE q.paused AND EXISTS (
      SELECT 1 FROM session_call c CROSS JOIN LATERAL unnest(c.seqs) AS u(seq)
      CROSS JOIN LATERAL (SELECT * FROM job_state WHERE seq = u.seq OFFSET 0) s
      WHERE c.session = p_session AND c.held > 0 AND s.session = p_session AND s.queue = q.id);
  END IF;
  IF cardinality(lost) + cardinality(cancelled) + cardinality(paused) = 0 THEN
    PERFORM remember_quietly(p_session, p_number, 1::smallint, now, v_begun.lease);
  ELSE
    INSERT INTO session_call (session, number, operation, answer)
    VALUES (p_session, p_number, 1,
      json_build_array(now, expires_at, lost::text[], cancelled::text[], paused)::text);
  END IF;
  PERFORM forget_calls(p_session, p_number);
END $$;

-- Takes back, in a call that ends or has found the session ended, at most p_limit of what it holds: kind 2 releases,
-- 4 reclaims. Nothing is left of a session that holds nothing any more. A job that is locked, as by its handler's own
-- transaction, is left for later, and with it the session: nobody else is to wait for it.
CREATE FUNCTION take_back(
  p_session bigint, p_kind int, p_now bigint, p_limit int, OUT taken int, OUT dead int
) LANGUAGE plpgsql AS $$
DECLARE
  v_call session_call%ROWTYPE;
  v_seq bigint;
BEGIN
  taken := 0;
  dead := 0;
  FOR v_call IN SELECT * FROM session_call WHERE session = p_session AND held > 0 ORDER BY number LOOP
    FOR v_seq IN
      SELECT s.seq FROM job_state s WHERE s.seq = ANY (v_call.seqs) AND s.session = p_session AND s.token / 1000 = v_call.block
      ORDER BY s.seq FOR UPDATE SKIP LOCKED
    LOOP
      EXIT WHEN taken = p_limit;
      IF end_grant(v_seq, p_kind, p_now, p_now, NULL, NULL, NULL, NULL) = 3 THEN
        dead := dead + 1;
      END IF;
      taken := taken + 1;
      UPDATE session_call SET held = held - 1 WHERE session = p_session AND number = v_call.number;
    END LOOP;
    IF taken = p_limit AND EXISTS (
      SELECT 1 FROM session_call c WHERE c.session = p_session AND c.held > 0
    ) THEN
      RETURN;
    END IF;
  END LOOP;
  IF EXISTS (
    SELECT 1 FROM session_call c CROSS JOIN LATERAL unnest(c.seqs) AS u(seq)
    CROSS JOIN LATERAL (SELECT * FROM job_state WHERE seq = u.seq OFFSET 0) s
    WHERE c.session = p_session AND c.held > 0 AND s.session = p_session AND s.token / 1000 = c.block
  ) THEN
    UPDATE session SET ended = true WHERE id = p_session AND NOT ended;
    RETURN;
  END IF;
  WITH gone AS (
    DELETE FROM session_call WHERE session = p_session RETURNING block
  )
  DELETE FROM purged WHERE block = ANY (ARRAY(SELECT block FROM gone));
  DELETE FROM quiet_call WHERE session = p_session;
  DELETE FROM session WHERE id = p_session;
END $$;

CREATE FUNCTION close_session(p_session bigint) RETURNS text[] LANGUAGE plpgsql :settings AS $$
DECLARE
  v_ended boolean;
  v_queues text[];
BEGIN
  SELECT ended INTO v_ended FROM session WHERE id = p_session FOR UPDATE;
  IF NOT FOUND OR v_ended THEN
    RETURN '{}';
  END IF;
  SELECT coalesce(array_agg(DISTINCT q.name), '{}') INTO v_queues
  FROM session_call c CROSS JOIN LATERAL unnest(c.seqs) AS u(seq)
  CROSS JOIN LATERAL (SELECT * FROM job_state WHERE seq = u.seq OFFSET 0) s
  JOIN queue q ON q.id = s.queue WHERE c.session = p_session AND c.held > 0 AND s.session = p_session;
  PERFORM lock_groups(q.id) FROM queue q
  WHERE q.name = ANY (v_queues) AND (SELECT true FROM job_group g WHERE g.queue = q.id LIMIT 1) ORDER BY q.id;
  PERFORM take_back(p_session, 2, now_millis(), 2147483647);
  RETURN v_queues;
END $$;

-- The earliest end of a lease but one's own. Whether jobs are held under it is not looked at: waking once too often
-- costs less than knowing.
CREATE FUNCTION next_expiry(p_except bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT min(s.expires_at) FROM session s WHERE s.id IS DISTINCT FROM p_except AND NOT s.ended
  );
END $$;

CREATE FUNCTION take_expired(
  p_now bigint, p_limit int, OUT taken int, OUT dead int
) LANGUAGE plpgsql AS $$
DECLARE
  v_session bigint;
  v_part record;
BEGIN
  taken := 0;
  dead := 0;
  FOR v_session IN
    SELECT id FROM session WHERE expires_at <= p_now OR ended ORDER BY expires_at FOR UPDATE SKIP LOCKED
  LOOP
    EXIT WHEN taken >= p_limit;
    -- whoever is at work on the groups of its jobs may be waiting for something of ours
    CONTINUE WHEN NOT coalesce((
      SELECT bool_and(try_lock_groups(g.queue)) FROM (
        SELECT DISTINCT s.queue FROM session_call c CROSS JOIN LATERAL unnest(c.seqs) AS u(seq)
        CROSS JOIN LATERAL (SELECT * FROM job_state WHERE seq = u.seq OFFSET 0) s
        WHERE c.session = v_session AND c.held > 0 AND s.session = v_session AND s.group_id IS NOT NULL ORDER BY 1
      ) g
    ), true);
    UPDATE session SET ended = true WHERE id = v_session AND NOT ended;
    v_part := take_back(v_session, 4, p_now, p_limit - taken);
    taken := taken + v_part.taken;
    dead := dead + v_part.dead;
  END LOOP;
END $$;

CREATE FUNCTION reclaim(
  p_limit int, OUT reclaimed int, OUT dead_lettered int, OUT more boolean, OUT next_at bigint
) LANGUAGE plpgsql :settings AS $$
DECLARE
  v_now bigint := now_millis();
  v_part record;
  v_queue int;
  v_expired int;
  v_left int;
  v_next bigint;
BEGIN
  v_part := take_expired(v_now, p_limit);
  reclaimed := v_part.taken;
  dead_lettered := v_part.dead;
  v_left := p_limit - reclaimed;
  more := v_left <= 0 AND EXISTS (SELECT 1 FROM session WHERE expires_at <= v_now OR ended);
  next_at := next_expiry(NULL);
  FOR v_queue IN SELECT id FROM queue ORDER BY id LOOP
    CONTINUE WHEN NOT try_lock_groups(v_queue);
    IF v_left > 0 THEN
      v_expired := expire(v_queue, v_now, v_left);
      dead_lettered := dead_lettered + v_expired;
      v_left := v_left - v_expired;
    END IF;
    more := more OR (v_left <= 0 AND EXISTS (SELECT 1 FROM job_state WHERE queue = v_queue AND expire_at <= v_now));
    PERFORM promote(v_queue, v_now, 10000);
    more := NOT retain(v_queue, v_now, 10000) OR more;
    v_next := next_in_queue(v_queue);
    next_at := least(next_at, v_next);
  END LOOP;
  DELETE FROM idempotency_key k USING (
    SELECT queue, name, value FROM idempotency_key WHERE held_until <= v_now ORDER BY held_until LIMIT 10000
    FOR UPDATE SKIP LOCKED
  ) g WHERE k.queue = g.queue AND k.name = g.name AND k.value = g.value;
END $$;

-- The next instant at which something in a queue becomes visible or passes its deadline.
CREATE FUNCTION next_in_queue(p_queue int) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT least(
      (SELECT min(due_at) FROM job_state WHERE queue = p_queue AND due_at IS NOT NULL),
      (SELECT min(expire_at) FROM job_state WHERE queue = p_queue AND expire_at IS NOT NULL))
  );
END $$;
`
