/**
 * The marks of lanes: how far nothing waits any more, and the search behind the claims for what may have stayed there.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const sweepFunctions = `
-- The number up to which no plain job can appear any more. Whoever draws holds a lock that names a number below all that
-- it drew; whoever holds none by now will draw numbers beyond the sequence's present one.
CREATE FUNCTION settled_sequence() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_last bigint;
  v_behind bigint;
BEGIN
  SELECT last_value - (NOT is_called)::int INTO v_last FROM job_sequence;
  -- one who has drawn since we looked seems to be far ahead, and is beyond the last one anyway
  SELECT max(d.behind) INTO v_behind FROM (
    SELECT (v_last - l.objid::bigint + 2147483648) % 2147483648 AS behind FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.classid::bigint = drawing()::bigint & 4294967295 AND l.objsubid = 2
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  ) d WHERE d.behind < 1073741824;
  RETURN v_last - coalesce(v_behind, 0);
END $$;

-- Looks for the first plain job of a lane behind all marks, and answers the number before it. Moves the lane's mark as
-- far as it may, unless somebody else is about to; a job that a claim has locked may yet be given back.
CREATE FUNCTION sweep(p_lane lane, p_settled bigint, p_now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_settled bigint := p_settled;
  v_after bigint := p_lane.settled;
  v_size int := 100;
  v_part bigint[];
  v_first bigint;
BEGIN
  LOOP
    SELECT array_agg(p.seq) INTO v_part FROM (
      SELECT j.seq FROM job j
      WHERE j.plain AND (j.queue, j.priority, j.seq) > (p_lane.queue, p_lane.priority, v_after)
        AND (j.queue, j.priority, j.seq) < (p_lane.queue, p_lane.priority, 9223372036854775807)
      ORDER BY j.queue, j.priority, j.seq LIMIT v_size
    ) p;
    EXIT WHEN v_part IS NULL;
    v_after := v_part[cardinality(v_part)];
    IF v_after - v_part[1] < 4 * cardinality(v_part) THEN
      -- most numbers in between are of this lane: reading on costs less than looking up
      SELECT min(o.seq) INTO v_first FROM (
        SELECT unnest(v_part) AS seq EXCEPT SELECT s.seq FROM job_state s WHERE s.seq BETWEEN v_part[1] AND v_after
      ) o;
    ELSE
      SELECT min(t.seq) INTO v_first FROM unnest(v_part) AS t(seq)
      WHERE (SELECT true FROM job_state s WHERE s.seq = t.seq) IS NULL;
    END IF;
    EXIT WHEN v_first IS NOT NULL OR cardinality(v_part) < v_size;
    v_size := 1000;
  END LOOP;
  IF v_first <= v_settled THEN
    v_settled := v_first - 1;
  END IF;
  -- with one snapshot for all statements it would pass over what was committed since, so that it stays where it is; only
  -- speed is lost by that
  IF current_setting('transaction_isolation') LIKE 'read %' AND v_settled > p_lane.settled AND (p_lane.swept_at + 50 <= p_now OR p_lane.swept_at > p_now) THEN
    PERFORM 1 FROM lane WHERE queue = p_lane.queue AND priority = p_lane.priority FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
      UPDATE lane SET settled = greatest(settled, v_settled), swept_at = p_now
      WHERE queue = p_lane.queue AND priority = p_lane.priority;
    END IF;
  END IF;
  RETURN v_first - 1;
END $$;
`
