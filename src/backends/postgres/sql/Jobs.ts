/**
 * Functions on single jobs: their places among the waiting, and how grants end. The transitions are those of the
 * model's table; the property suite holds them to it.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const jobFunctions = `
CREATE FUNCTION now_millis() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

-- Those who grant jobs of groups or end such grants do so one after the other in each queue, so that they never wait for
-- each other crosswise. Whoever only adds to a group, or commands a job, does not.
CREATE FUNCTION lock_groups(p_queue int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.groups'), p_queue);
END $$;

-- The same for a queue that has groups, without waiting: answers whether the lock was had.
CREATE FUNCTION try_lock_groups(p_queue int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RETURN (
    SELECT NOT EXISTS (SELECT 1 FROM job_group WHERE queue = p_queue)
      OR pg_try_advisory_xact_lock(hashtext(current_schema() || '.groups'), p_queue)
  );
END $$;

CREATE FUNCTION queue_of(p_name text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  v_id int;
BEGIN
  SELECT id INTO v_id FROM queue WHERE name = p_name;
  IF v_id IS NULL THEN
    INSERT INTO queue (name) VALUES (p_name) ON CONFLICT (name) DO NOTHING;
    SELECT id INTO STRICT v_id FROM queue WHERE name = p_name;
  END IF;
  RETURN v_id;
END $$;

-- The state of a job in the port's words: 0 scheduled, 1 ready, 2 leased, 3 completed, 4 dead letter, 5 cancelled.
CREATE FUNCTION shown_state(p_status smallint, p_visible_at bigint, p_now bigint) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN p_status IS NULL THEN 1 WHEN p_status = 0 THEN (p_visible_at <= p_now)::int ELSE p_status + 1 END $$;

-- Locks a job against claims and other commands and answers its place in the order; null if there is none.
CREATE FUNCTION touch(p_id uuid) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_job job%ROWTYPE;
BEGIN
  SELECT * INTO v_job FROM job WHERE id = p_id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  PERFORM 1 FROM job_state WHERE seq = v_job.seq FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO job_state (seq, visible_at, waiting_since, queue, priority, ready)
    VALUES (v_job.seq, v_job.enqueued_at, v_job.enqueued_at, v_job.queue, v_job.priority, true)
    -- in a transaction whose snapshot is older than the claim of this job it is a conflict to be tried again
    ON CONFLICT (seq) DO NOTHING;
  END IF;
  RETURN v_job.seq;
END $$;

-- Shows the head of a group among the ready while the group has a permit for it, and nobody else of the group. A group
-- that nobody is in any more goes, unless somebody is about to add to it.
CREATE FUNCTION show_head(p_group bigint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_group job_group%ROWTYPE;
  v_concurrency int;
  v_head bigint;
  v_visible_at bigint;
BEGIN
  SELECT * INTO v_group FROM job_group WHERE id = p_group FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT group_concurrency INTO v_concurrency FROM queue WHERE id = v_group.queue;
  SELECT seq, visible_at INTO v_head, v_visible_at FROM job_state
  WHERE group_id = p_group AND member ORDER BY group_id, seq LIMIT 1;
  IF NOT FOUND THEN
    IF v_group.in_flight = 0 AND NOT EXISTS (SELECT 1 FROM job_state WHERE group_id = p_group) THEN
      -- the lock first, then the look: who shared it may have added a job meanwhile
      PERFORM 1 FROM job_group WHERE id = p_group FOR UPDATE SKIP LOCKED;
      IF FOUND THEN
        DELETE FROM job_group WHERE id = p_group AND NOT EXISTS (SELECT 1 FROM job_state WHERE group_id = p_group);
      END IF;
    END IF;
    RETURN;
  END IF;
  IF v_visible_at > p_now OR v_group.in_flight >= v_concurrency THEN
    v_head := NULL;
  END IF;
  UPDATE job_state SET ready = false
  WHERE group_id = p_group AND member AND ready AND seq IS DISTINCT FROM v_head;
  UPDATE job_state SET ready = true WHERE seq = v_head AND NOT ready;
END $$;

-- The group of this key, for whoever adds a job to it: it stays at least until this transaction ends.
CREATE FUNCTION group_of(p_queue int, p_key text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_id bigint;
BEGIN
  LOOP
    SELECT id INTO v_id FROM job_group WHERE queue = p_queue AND key = p_key FOR KEY SHARE;
    IF FOUND THEN
      RETURN v_id;
    END IF;
    INSERT INTO job_group (queue, key) VALUES (p_queue, p_key) ON CONFLICT (queue, key) DO NOTHING;
  END LOOP;
END $$;

-- Looks at the heads of the groups to which jobs were added.
CREATE FUNCTION welcome(p_queue int, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_group bigint;
BEGIN
  FOR v_group IN
    WITH come AS (
      DELETE FROM arrival WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM arrival WHERE queue = p_queue FOR UPDATE SKIP LOCKED
      )) RETURNING group_id
    )
    SELECT DISTINCT group_id FROM come ORDER BY group_id
  LOOP
    PERFORM show_head(v_group, p_now);
  END LOOP;
END $$;

-- Gives a waiting job its places; a job of a group must have joined it.
CREATE FUNCTION place(p_seq bigint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_group bigint;
BEGIN
  UPDATE job_state s SET
    expire_at = s.deadline,
    due_at = CASE WHEN s.visible_at > p_now THEN s.visible_at END,
    ready = s.group_id IS NULL AND s.visible_at <= p_now,
    member = s.group_id IS NOT NULL AND (s.visible_at <= p_now OR (s.deliveries > 0 AND NOT q.step_aside))
  FROM queue q WHERE s.seq = p_seq AND q.id = s.queue
  RETURNING s.group_id INTO v_group;
  IF v_group IS NOT NULL THEN
    PERFORM show_head(v_group, p_now);
  END IF;
END $$;

-- What the idempotency key of a job learns of its end.
CREATE FUNCTION key_follows(p_seq bigint, p_status smallint, p_at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_status = 4 THEN
    DELETE FROM idempotency_key WHERE seq = p_seq;
  ELSE
    UPDATE idempotency_key SET
      ended = CASE WHEN p_status IN (2, 3) THEN p_status END,
      held_until = CASE WHEN p_status = 2 THEN p_at + span END
    WHERE seq = p_seq;
  END IF;
END $$;

-- A job has left its group for good, with its permit if it had one.
CREATE FUNCTION leave_group(p_group bigint, p_permits int, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE job_group SET in_flight = in_flight - p_permits WHERE id = p_group AND p_permits > 0;
  PERFORM show_head(p_group, p_now);
END $$;

-- Ends a waiting job: 3 by its deadline, 4 by a cancellation.
CREATE FUNCTION end_waiting(p_seq bigint, p_status smallint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_before job_state%ROWTYPE;
BEGIN
  SELECT * INTO STRICT v_before FROM job_state WHERE seq = p_seq;
  UPDATE job_state SET
    status = p_status, finished_at = p_now, dead = p_status = 3,
    ready = false, member = false, due_at = NULL, expire_at = NULL, group_id = NULL,
    cause_kind = CASE WHEN p_status = 3 THEN 'deadline' ELSE cause_kind END,
    cause_tag = CASE WHEN p_status = 3 THEN NULL ELSE cause_tag END,
    cause_message = CASE WHEN p_status = 3 THEN 'the job''s deadline passed' ELSE cause_message END
  WHERE seq = p_seq;
  IF v_before.group_id IS NOT NULL THEN
    PERFORM leave_group(v_before.group_id, 0, p_now);
  END IF;
  IF v_before.key IS NOT NULL THEN
    PERFORM key_follows(p_seq, p_status, p_now);
  END IF;
  IF p_status = 4 THEN
    INSERT INTO finished (queue, at, seqs) VALUES (v_before.queue, p_now, ARRAY[p_seq]);
  END IF;
END $$;

-- Ends a grant whose holder the caller has verified and whose row it has locked, and answers the job's new status.
-- p_kind: 0 complete, 1 retry, 2 release, 3 dead letter, 4 reclaim.
CREATE FUNCTION end_grant(
  p_seq bigint, p_kind int, p_now bigint, p_visible_at bigint,
  p_cause_kind text, p_cause_tag text, p_cause_message text, p_result text
) RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
  v_before job_state%ROWTYPE;
  v_max_attempts int;
  v_max_deliveries int;
  v_status smallint;
  v_visible_at bigint;
  v_counted boolean;
  v_attempts int;
  v_kind text := p_cause_kind;
  v_tag text := p_cause_tag;
  v_message text := p_cause_message;
BEGIN
  SELECT * INTO STRICT v_before FROM job_state WHERE seq = p_seq;
  IF v_before.status IN (2, 4) THEN
    -- the holder of a job that was cancelled, or that it completed in a transaction of its own, confirms or is gone
    UPDATE job_state SET session = NULL, started = false, group_id = NULL WHERE seq = p_seq;
    DELETE FROM cancellation WHERE seq = p_seq;
    IF v_before.group_id IS NOT NULL THEN
      PERFORM leave_group(v_before.group_id, 1, p_now);
    END IF;
    INSERT INTO finished (queue, at, seqs) VALUES (v_before.queue, v_before.finished_at, ARRAY[p_seq]);
    RETURN v_before.status;
  END IF;
  SELECT max_attempts, max_deliveries INTO STRICT v_max_attempts, v_max_deliveries FROM job WHERE seq = p_seq;
  v_counted := CASE p_kind WHEN 2 THEN false WHEN 4 THEN v_before.started ELSE true END;
  v_attempts := v_before.attempts + v_counted::int;
  v_visible_at := CASE WHEN p_kind IN (1, 2) THEN p_visible_at ELSE v_before.visible_at END;
  IF p_kind = 4 THEN
    v_kind := 'expired';
    v_tag := NULL;
    v_message := 'the lease ran out before the job was settled';
  END IF;
  IF p_kind = 0 THEN
    v_status := 2;
    v_kind := NULL;
    v_tag := NULL;
    v_message := NULL;
  ELSIF p_kind = 3 THEN
    v_status := 3;
  ELSIF v_before.deadline <= p_now OR v_before.deadline < v_visible_at THEN
    v_status := 3;
    v_kind := 'deadline';
    v_tag := NULL;
    v_message := 'the job''s deadline passed';
  ELSIF v_counted AND v_attempts >= v_max_attempts THEN
    v_status := 3;
    v_kind := 'maxAttempts';
    v_message := 'attempt ' || v_attempts || ' of ' || v_max_attempts || ' failed: ' || v_message;
  ELSIF v_before.deliveries >= v_max_deliveries THEN
    v_status := 3;
    v_kind := 'maxDeliveries';
    v_tag := NULL;
    v_message := 'handed out ' || v_before.deliveries || ' times without a result' || coalesce('; last: ' || v_message, '');
  ELSE
    v_status := 0;
    IF v_kind IS NULL THEN
      v_kind := v_before.cause_kind;
      v_tag := v_before.cause_tag;
      v_message := v_before.cause_message;
    END IF;
  END IF;
  UPDATE job_state SET
    status = v_status, session = NULL, started = false, attempts = v_attempts,
    visible_at = CASE WHEN v_status = 0 THEN v_visible_at ELSE visible_at END,
    waiting_since = CASE WHEN v_status = 0 THEN p_now ELSE waiting_since END,
    finished_at = CASE WHEN v_status = 0 THEN NULL ELSE p_now END,
    dead = v_status = 3,
    group_id = CASE WHEN v_status = 0 THEN group_id END,
    cause_kind = v_kind, cause_tag = v_tag, cause_message = v_message,
    result = CASE WHEN v_status = 2 THEN p_result ELSE result END
  WHERE seq = p_seq;
  IF v_status = 0 THEN
    IF v_before.group_id IS NOT NULL THEN
      UPDATE job_group SET in_flight = in_flight - 1 WHERE id = v_before.group_id;
    END IF;
    PERFORM place(p_seq, p_now);
    RETURN 0;
  END IF;
  IF v_before.group_id IS NOT NULL THEN
    PERFORM leave_group(v_before.group_id, 1, p_now);
  END IF;
  IF v_before.key IS NOT NULL THEN
    PERFORM key_follows(p_seq, v_status, p_now);
  END IF;
  IF v_status = 2 THEN
    INSERT INTO finished (queue, at, seqs) VALUES (v_before.queue, p_now, ARRAY[p_seq]);
  END IF;
  RETURN v_status;
END $$;

-- A waiting job's delay has ended: it enters the line, or its group's.
CREATE FUNCTION promote(p_queue int, p_now bigint, p_limit int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  v_due bigint[];
  v_group bigint;
BEGIN
  SELECT array_agg(seq) INTO v_due FROM (
    SELECT seq FROM job_state WHERE queue = p_queue AND due_at <= p_now ORDER BY due_at LIMIT p_limit
    FOR UPDATE SKIP LOCKED
  ) d;
  IF v_due IS NULL THEN
    RETURN 0;
  END IF;
  UPDATE job_state SET due_at = NULL, ready = group_id IS NULL, member = group_id IS NOT NULL WHERE seq = ANY (v_due);
  FOR v_group IN
    SELECT DISTINCT group_id FROM job_state WHERE seq = ANY (v_due) AND group_id IS NOT NULL ORDER BY group_id
  LOOP
    PERFORM show_head(v_group, p_now);
  END LOOP;
  RETURN cardinality(v_due);
END $$;

-- Waiting jobs whose deadline has passed become dead letters.
CREATE FUNCTION expire(p_queue int, p_now bigint, p_limit int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  v_seq bigint;
  v_count int := 0;
BEGIN
  FOR v_seq IN
    SELECT seq FROM job_state WHERE queue = p_queue AND expire_at <= p_now ORDER BY expire_at LIMIT p_limit
    FOR UPDATE SKIP LOCKED
  LOOP
    PERFORM end_waiting(v_seq, 3::smallint, p_now);
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END $$;
`
