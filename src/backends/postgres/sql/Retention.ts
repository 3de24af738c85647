/**
 * Retention: terminal jobs go when their queue's policy no longer keeps them, and when they are purged.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const retentionFunctions = `
-- Jobs, of which none is named twice, as runs of consecutive numbers: each is looked for once.
CREATE FUNCTION runs_of(p_seqs bigint[], OUT lows bigint[], OUT highs bigint[]) LANGUAGE plpgsql AS $$
DECLARE
  v_all record;
BEGIN
  SELECT min(s) AS low, max(s) AS high, count(*) AS count INTO v_all FROM unnest(p_seqs) AS s;
  IF v_all.high - v_all.low + 1 = v_all.count THEN
    lows := ARRAY[v_all.low];
    highs := ARRAY[v_all.high];
  ELSE
    SELECT array_agg(r.low ORDER BY r.low), array_agg(r.high ORDER BY r.low) INTO lows, highs FROM (
      SELECT min(i.seq) AS low, max(i.seq) AS high FROM (
        SELECT s AS seq, s - row_number() OVER (ORDER BY s) AS island FROM unnest(p_seqs) AS s
      ) i GROUP BY i.island
    ) r;
  END IF;
END $$;

-- The blocks of tokens under which these jobs were granted by claims that may still be repeated.
CREATE FUNCTION repeatable(p_lows bigint[], p_highs bigint[]) RETURNS bigint[] LANGUAGE sql AS $$
  SELECT ARRAY(
    SELECT c.block FROM (
      SELECT DISTINCT s.token / 1000 AS block FROM unnest(p_lows, p_highs) AS r(low, high)
      CROSS JOIN LATERAL (SELECT token FROM job_state WHERE seq >= r.low AND seq <= r.high OFFSET 0) s
    ) b CROSS JOIN LATERAL (SELECT block FROM session_call WHERE block = b.block OFFSET 0) c
  )
$$;

-- The records of terminal jobs go; their keys stay for their windows.
CREATE FUNCTION forget(p_seqs bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_runs record := runs_of(p_seqs);
BEGIN
  PERFORM forget_runs(v_runs.lows, v_runs.highs, repeatable(v_runs.lows, v_runs.highs));
END $$;

-- The same of runs, in order, and the blocks of tokens of which claims may still be repeated.
CREATE FUNCTION forget_runs(p_lows bigint[], p_highs bigint[], p_blocks bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_low bigint := p_lows[1];
  v_high bigint := p_highs[cardinality(p_highs)];
BEGIN
  -- most jobs have neither: one look is enough for all
  IF EXISTS (SELECT 1 FROM idempotency_key k WHERE k.seq >= v_low AND k.seq <= v_high AND k.held_until IS NULL) THEN
    UPDATE idempotency_key k SET held_until = (SELECT s.finished_at FROM job_state s WHERE s.seq = k.seq) + k.span
    FROM unnest(p_lows, p_highs) AS r(low, high)
    WHERE k.seq >= r.low AND k.seq <= r.high AND k.held_until IS NULL;
  END IF;
  IF cardinality(p_blocks) > 0 THEN
    INSERT INTO purged (block, seq, id, enqueued_at, priority, max_attempts, version, name, payload, rest)
    SELECT s.token / 1000, j.seq, j.id, j.enqueued_at, j.priority, j.max_attempts, j.version, j.name, j.payload, j.rest
    FROM unnest(p_lows, p_highs) AS r(low, high)
    CROSS JOIN LATERAL (SELECT seq, token FROM job_state WHERE seq >= r.low AND seq <= r.high OFFSET 0) s
    CROSS JOIN LATERAL (SELECT * FROM job WHERE seq = s.seq OFFSET 0) j
    WHERE s.token / 1000 = ANY (p_blocks);
  END IF;
  IF EXISTS (SELECT 1 FROM replaced WHERE seq >= v_low AND seq <= v_high) THEN
    DELETE FROM replaced p USING unnest(p_lows, p_highs) AS r(low, high) WHERE p.seq >= r.low AND p.seq <= r.high;
  END IF;
  -- in the order in which commands lock them
  DELETE FROM job j USING unnest(p_lows, p_highs) AS r(low, high) WHERE j.seq >= r.low AND j.seq <= r.high;
  DELETE FROM job_state s USING unnest(p_lows, p_highs) AS r(low, high) WHERE s.seq >= r.low AND s.seq <= r.high;
END $$;

-- Removes what a queue's policy does not keep any more; answers whether that was all of it. Where much ends at once,
-- what answers may still be repeated with stays for some seconds longer, as setting it aside would cost as much as the job did.
CREATE FUNCTION retain(p_queue int, p_now bigint, p_limit int) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_policy queue%ROWTYPE;
  v_kept bigint;
  v_much boolean;
  v_batch finished%ROWTYPE;
  v_left int := p_limit;
  v_gone bigint[];
  v_runs record;
  v_blocks bigint[];
BEGIN
  IF NOT EXISTS (SELECT 1 FROM finished WHERE queue = p_queue) THEN
    RETURN true;
  END IF;
  SELECT * INTO v_policy FROM queue WHERE id = p_queue;
  IF NOT pg_try_advisory_xact_lock(hashtext(current_schema()), p_queue) THEN
    RETURN true;
  END IF;
  SELECT coalesce(sum(cardinality(seqs)), 0) INTO v_kept FROM finished WHERE queue = p_queue;
  v_much := v_kept - v_policy.retain_count > 1000;
  FOR v_batch IN SELECT * FROM finished WHERE queue = p_queue ORDER BY number LOOP
    IF v_batch.at + v_policy.retain_millis <= p_now THEN
      v_gone := v_batch.seqs;
    ELSIF v_kept > v_policy.retain_count THEN
      v_gone := v_batch.seqs[1 : least(v_kept - v_policy.retain_count, cardinality(v_batch.seqs))::int];
    ELSE
      RETURN true;
    END IF;
    v_gone := v_gone[1 : v_left];
    v_runs := runs_of(v_gone);
    v_blocks := repeatable(v_runs.lows, v_runs.highs);
    IF v_much AND v_batch.at + 10000 > p_now AND cardinality(v_blocks) > 0 THEN
      RETURN true;
    END IF;
    PERFORM forget_runs(v_runs.lows, v_runs.highs, v_blocks);
    v_kept := v_kept - cardinality(v_gone);
    v_left := v_left - cardinality(v_gone);
    IF cardinality(v_gone) = cardinality(v_batch.seqs) THEN
      DELETE FROM finished WHERE number = v_batch.number;
    ELSE
      UPDATE finished SET seqs = v_batch.seqs[cardinality(v_gone) + 1 :] WHERE number = v_batch.number;
    END IF;
    IF v_left <= 0 THEN
      RETURN false;
    END IF;
  END LOOP;
  RETURN true;
END $$;
`
