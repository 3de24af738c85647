/**
 * Operators' commands.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const controlFunctions = `
-- p_command: 0 cancel, 1 redrive, 2 reschedule, 3 purge. Answers null if done, else the reason; holder for keyHeld.
CREATE FUNCTION command_job(
  p_command int, p_id uuid, p_at bigint, p_delay bigint, p_priority smallint, p_now bigint,
  OUT reason text, OUT holder uuid
) LANGUAGE plpgsql AS $$
DECLARE
  v_seq bigint;
  v_before job_state%ROWTYPE;
  v_key idempotency_key%ROWTYPE;
  v_state text;
BEGIN
  v_seq := touch(p_id);
  IF v_seq IS NULL THEN
    reason := 'unknownJob';
    RETURN;
  END IF;
  SELECT * INTO STRICT v_before FROM job_state WHERE seq = v_seq;
  v_state := (ARRAY['waiting', 'leased', 'completed', 'deadLettered', 'cancelled'])[v_before.status + 1];
  CASE p_command
  WHEN 0 THEN
    IF v_before.status IN (2, 4) THEN
      reason := v_state;
    ELSIF v_before.status = 0 THEN
      PERFORM end_waiting(v_seq, 4::smallint, p_now);
    ELSE
      UPDATE job_state SET status = 4, finished_at = p_now, dead = false WHERE seq = v_seq;
      IF v_before.key IS NOT NULL THEN
        PERFORM key_follows(v_seq, 4::smallint, p_now);
      END IF;
      IF v_before.session IS NULL THEN
        INSERT INTO finished (queue, at, seqs) VALUES (v_before.queue, p_now, ARRAY[v_seq]);
      ELSE
        INSERT INTO cancellation (seq, session, token) VALUES (v_seq, v_before.session, v_before.token);
      END IF;
    END IF;
  WHEN 1 THEN
    IF v_before.status IN (2, 4) THEN
      reason := v_state;
    ELSIF v_before.status <> 3 THEN
      reason := 'notDeadLettered';
    ELSE
      IF v_before.key IS NOT NULL THEN
        SELECT k.* INTO v_key FROM idempotency_key k WHERE k.seq = v_seq;
        IF NOT FOUND THEN
          SELECT k.* INTO v_key FROM idempotency_key k JOIN job j ON j.seq = v_seq
          WHERE k.queue = j.queue AND k.name = j.name AND k.value = v_before.key
            AND (k.held_until IS NULL OR k.held_until > p_now);
          IF FOUND THEN
            reason := 'keyHeld';
            holder := v_key.id;
            RETURN;
          END IF;
        END IF;
        PERFORM key_follows(v_seq, 0::smallint, p_now);
      END IF;
      UPDATE job_state SET
        status = 0, visible_at = p_now, waiting_since = p_now, attempts = 0, deliveries = 0, generation = generation + 1,
        deadline = NULL, finished_at = NULL, dead = false,
        group_id = CASE WHEN group_key IS NOT NULL THEN group_of(queue, group_key) END
      WHERE seq = v_seq;
      PERFORM place(v_seq, p_now);
    END IF;
  WHEN 2 THEN
    IF v_before.status <> 0 THEN
      reason := v_state;
    ELSE
      UPDATE job_state SET
        visible_at = coalesce(p_at, p_now + p_delay, visible_at), priority = coalesce(p_priority, priority)
      WHERE seq = v_seq;
      PERFORM place(v_seq, p_now);
    END IF;
  ELSE
    IF v_before.status = 0 THEN
      reason := 'notTerminal';
    ELSIF v_before.session IS NOT NULL THEN
      reason := 'leased';
    ELSE
      IF v_before.status <> 3 THEN
        -- the instant first: arrays are long, and stored elsewhere
        UPDATE finished SET seqs = array_remove(seqs, v_seq)
        WHERE queue = v_before.queue AND at = v_before.finished_at AND seqs @> ARRAY[v_seq];
      END IF;
      PERFORM forget(ARRAY[v_seq]);
    END IF;
  END CASE;
END $$;

-- Pause, resume and policy: what is null stays as it is; a backlog of -1 takes the bound back.
CREATE FUNCTION configure(
  p_queue text, p_paused boolean, p_concurrency int, p_step_aside boolean, p_backlog bigint, p_millis bigint, p_count bigint,
  p_configured boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_id int := queue_of(p_queue);
  v_now bigint := now_millis();
  v_group bigint;
BEGIN
  UPDATE queue SET
    paused = coalesce(p_paused, paused),
    group_concurrency = coalesce(p_concurrency, group_concurrency),
    step_aside = coalesce(p_step_aside, step_aside),
    max_backlog = CASE WHEN p_backlog = -1 THEN NULL ELSE coalesce(p_backlog, max_backlog) END,
    retain_millis = coalesce(p_millis, retain_millis),
    retain_count = coalesce(p_count, retain_count),
    configured = configured OR p_configured
  WHERE id = v_id;
  IF p_concurrency IS NULL AND p_step_aside IS NULL THEN
    RETURN;
  END IF;
  PERFORM 1 FROM job_group WHERE queue = v_id ORDER BY id FOR UPDATE;
  IF p_step_aside IS NOT NULL THEN
    UPDATE job_state SET member = NOT p_step_aside, ready = false
    WHERE queue = v_id AND due_at IS NOT NULL AND group_id IS NOT NULL AND deliveries > 0;
  END IF;
  FOR v_group IN SELECT id FROM job_group WHERE queue = v_id ORDER BY id LOOP
    PERFORM show_head(v_group, v_now);
  END LOOP;
END $$;

-- Commands as a JSON array of [command, id, at, delay, priority] or [9, queue, paused, concurrency, stepAside,
-- backlog, millis, count, configured], carried out one after the other. What a policy does not keep any more goes with the
-- next reclaim: this may be a caller's transaction, which is not to hold up or to undo what is not its own.
CREATE FUNCTION control(p_commands json) RETURNS TABLE (item int, reason text, holder uuid) LANGUAGE plpgsql :settings AS $$
#variable_conflict use_column
DECLARE
  v_now bigint := now_millis();
  v_command record;
  v_done record;
BEGIN
  FOR v_command IN SELECT c.value AS c, c.ordinality AS ord FROM json_array_elements(p_commands) WITH ORDINALITY AS c LOOP
    IF (v_command.c ->> 0)::int = 9 THEN
      PERFORM configure(
        v_command.c ->> 1, (v_command.c ->> 2)::boolean, (v_command.c ->> 3)::int, (v_command.c ->> 4)::boolean,
        (v_command.c ->> 5)::bigint, (v_command.c ->> 6)::bigint, (v_command.c ->> 7)::bigint, (v_command.c ->> 8)::boolean);
    ELSE
      v_done := command_job(
        (v_command.c ->> 0)::int, (v_command.c ->> 1)::uuid, (v_command.c ->> 2)::bigint, (v_command.c ->> 3)::bigint,
        (v_command.c ->> 4)::smallint, v_now);
      IF v_done.reason IS NOT NULL THEN
        item := v_command.ord;
        reason := v_done.reason;
        holder := v_done.holder;
        RETURN NEXT;
      END IF;
    END IF;
  END LOOP;
END $$;
`
