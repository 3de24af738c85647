/**
 * The claim where jobs with a state stand between those without: what came back, was delayed, or heads a group.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const mergedClaimFunctions = `
-- Grants ready jobs that have a state, in the given order.
CREATE FUNCTION take_ready(
  p_seqs bigint[], p_session bigint, p_token bigint
) RETURNS void LANGUAGE sql AS $$
  UPDATE job_state s SET
    status = 1, session = p_session, token = p_token + t.ord - 1, deliveries = s.deliveries + 1, started = false,
    ready = false, member = false, due_at = NULL, expire_at = NULL, touched = true
  FROM unnest(p_seqs) WITH ORDINALITY AS t(seq, ord) WHERE s.seq >= t.seq AND s.seq <= t.seq
$$;

-- Takes up to p_limit jobs in claim order where jobs with a state stand between those without. Those that were granted
-- since our tokens were drawn are for a later claim. Zeros in the answer are
-- tokens that went unused.
CREATE FUNCTION take_merged(
  p_queue int, p_limit int, p_names text[], p_session bigint, p_token bigint, p_now bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  v_taken bigint[] := '{}';
  v_ready bigint[];
  v_group bigint;
  v_priority smallint;
  v_before bigint;
  v_need int;
  v_more boolean;
  v_lane lane%ROWTYPE;
BEGIN
  LOOP
    v_need := p_limit - cardinality(v_taken);
    EXIT WHEN v_need <= 0;
    -- one step: the next ready job with a state, and before it what has none
    SELECT s.seq, s.priority, s.group_id INTO v_before, v_priority, v_group FROM job_state s
    WHERE s.queue = p_queue AND s.ready AND s.token < p_token
      AND (p_names IS NULL OR (SELECT j.name FROM job j WHERE j.seq = s.seq) = ANY (p_names))
    ORDER BY s.priority, s.seq LIMIT 1 FOR UPDATE SKIP LOCKED;
    v_more := FOUND;
    FOR v_lane IN
      SELECT * FROM lane WHERE queue = p_queue AND (NOT v_more OR priority <= v_priority) ORDER BY priority
    LOOP
      v_need := p_limit - cardinality(v_taken);
      EXIT WHEN v_need = 0;
      v_taken := v_taken || (take_fresh(p_queue, v_lane.priority, v_lane.settled,
        CASE WHEN v_more AND v_lane.priority = v_priority THEN v_before ELSE 9223372036854775807 END,
        v_need, p_names, p_session, p_token + cardinality(v_taken), true)).seqs;
    END LOOP;
    v_need := p_limit - cardinality(v_taken);
    EXIT WHEN NOT v_more OR v_need <= 0;
    IF v_group IS NOT NULL THEN
      PERFORM take_ready(ARRAY[v_before], p_session, p_token + cardinality(v_taken));
      v_taken := v_taken || v_before;
      UPDATE job_group SET in_flight = in_flight + 1 WHERE id = v_group;
      PERFORM show_head(v_group, p_now);
    ELSE
      -- a run of jobs without group up to the next that has one, or that a fresh job may stand before
      SELECT array_agg(r.seq ORDER BY r.seq) INTO v_ready FROM (
        SELECT s.seq FROM job_state s
        WHERE s.queue = p_queue AND s.ready AND s.priority = v_priority AND s.seq >= v_before AND s.group_id IS NULL
          AND s.token < p_token
          AND (p_names IS NULL OR (SELECT j.name FROM job j WHERE j.seq = s.seq) = ANY (p_names))
          AND s.seq <= coalesce((
            SELECT min(g.seq) FROM job_state g
            WHERE g.queue = p_queue AND g.ready AND g.priority = v_priority AND g.group_id IS NOT NULL AND g.seq > v_before
          ), 9223372036854775807)
          AND s.seq < coalesce((
            SELECT j.seq FROM job j
            WHERE j.plain AND (j.queue, j.priority, j.seq) > (p_queue, v_priority, v_before)
              AND (j.queue, j.priority, j.seq) < (p_queue, v_priority, 9223372036854775807)
              AND (SELECT true FROM job_state t WHERE t.seq = j.seq) IS NULL
            ORDER BY j.queue, j.priority, j.seq LIMIT 1
          ), 9223372036854775807)
        ORDER BY s.seq LIMIT v_need FOR UPDATE SKIP LOCKED
      ) r;
      PERFORM take_ready(v_ready, p_session, p_token + cardinality(v_taken));
      v_taken := v_taken || v_ready;
    END IF;
  END LOOP;
  RETURN v_taken;
END $$;
`
