/**
 * The completion of a held job in a transaction of its holder's.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const completeFunctions = `
-- Completes a held job; the caller's transaction decides whether that happens. It writes nothing but what says that the
-- job is done: its permit, its place in the session's count and its retention follow when the holder settles, or when
-- its session ends, since those rows are shared with jobs that must not wait for this transaction.
-- Answers null, or why not: stale, cancelled, completed.
CREATE FUNCTION complete_held(p_id uuid, p_token bigint, p_result text) RETURNS text LANGUAGE plpgsql :settings AS $$
DECLARE
  v_state job_state%ROWTYPE;
  v_now bigint := now_millis();
BEGIN
  SELECT * INTO v_state FROM job_state WHERE seq = (SELECT j.seq FROM job j WHERE j.id = p_id) FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'stale';
  ELSIF v_state.status = 2 THEN
    RETURN 'completed';
  ELSIF v_state.status = 4 THEN
    RETURN 'cancelled';
  ELSIF v_state.status <> 1 OR v_state.token <> p_token THEN
    RETURN 'stale';
  END IF;
  UPDATE job_state SET
    status = 2, started = false, attempts = v_state.attempts + 1, finished_at = v_now,
    cause_kind = NULL, cause_tag = NULL, cause_message = NULL, result = p_result
  WHERE seq = v_state.seq;
  IF v_state.key IS NOT NULL THEN
    PERFORM key_follows(v_state.seq, 2::smallint, v_now);
  END IF;
  RETURN NULL;
END $$;
`
