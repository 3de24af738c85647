/**
 * The settlement of grants.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const settleFunctions = `
-- Ends grants and answers the exceptions; an item without an answer was completed. p_kinds: as end_grant, 5 a
-- completion whose follow-up jobs are invalid; null if all are completions. p_seqs are null where the caller could not
-- tell the job by its receipt. Where all are completions of jobs that the caller can tell, they may be given as runs
-- instead: jobs with consecutive numbers and tokens, by the first and last number, the first token, and how many items
-- are before it. The row with item 0 says how it went: code as begin_call's verdict, text the first answer of a
-- repeated call, and in queues those where something may have become claimable.
-- code: 10 + the state that the job is in now, 20 stale, 21 cancelled, 22 completed, 23 invalid follow-up jobs.
CREATE FUNCTION settle(
  p_session bigint, p_number bigint, p_seqs bigint[], p_ids uuid[], p_tokens bigint[], p_kinds smallint[],
  p_delays bigint[], p_cause_kinds text[], p_cause_tags text[], p_cause_messages text[], p_results text[],
  p_follow_ups jsonb, p_lows bigint[], p_highs bigint[], p_firsts bigint[], p_places bigint[]
) RETURNS TABLE (item int, code int, text text, queues text[]) LANGUAGE plpgsql :settings AS $$
#variable_conflict use_column
DECLARE
  v_begun record;
  v_now bigint;
  v_count int := cardinality(p_tokens);
  v_plain bigint[];
  v_done int[] := '{}';
  v_queues int[] := '{}';
  v_item record;
  v_state job_state%ROWTYPE;
  v_answers jsonb := '{}';
  v_code int;
  v_text text;
  v_seq bigint;
  v_touched int[] := '{}';
BEGIN
  v_begun := begin_call(p_session, p_number, 3::smallint, true);
  IF v_begun.verdict <> 0 THEN
    item := 0;
    code := v_begun.verdict;
    text := (v_begun.earlier).answer;
    IF code = 4 THEN
      text := (v_begun.earlier).operation::text;
    END IF;
    RETURN NEXT;
    RETURN;
  END IF;
  v_now := v_begun.now;

  -- a group is there as long as a job of it is held
  IF EXISTS (SELECT 1 FROM job_group) THEN
    PERFORM lock_groups(q.queue) FROM (
      SELECT s.queue FROM job_state s WHERE s.seq = ANY (p_seqs) AND s.group_id IS NOT NULL
      UNION
      SELECT s.queue FROM unnest(p_lows, p_highs) AS r(low, high) CROSS JOIN LATERAL (
        SELECT * FROM job_state WHERE seq >= r.low AND seq <= r.high AND group_id IS NOT NULL OFFSET 0
      ) s ORDER BY 1
    ) q;
  END IF;
  IF p_lows IS NULL THEN
    -- those that may be completed at once are runs of one job each; one that is told twice only the first time
    SELECT array_agg(f.seq), array_agg(f.seq), array_agg(f.token), array_agg(f.ord - 1)
    INTO p_lows, p_highs, p_firsts, p_places
    FROM (
      SELECT DISTINCT ON (seq) seq, token, ord, kind
      FROM unnest(p_seqs, p_tokens, coalesce(p_kinds, array_fill(0::smallint, ARRAY[v_count])))
        WITH ORDINALITY AS u(seq, token, kind, ord)
      ORDER BY seq, ord
    ) f
    WHERE f.seq IS NOT NULL AND f.kind = 0 AND (p_follow_ups IS NULL OR NOT p_follow_ups ? f.ord::text);
  ELSE
    v_count := p_places[cardinality(p_places)] + p_highs[cardinality(p_highs)] - p_lows[cardinality(p_lows)] + 1;
  END IF;
  -- plain completions in one statement: no group, no key, no follow-up jobs, nobody has cancelled
  IF p_lows IS NOT NULL THEN
    WITH completed AS (
      UPDATE job_state s SET
        status = 2, session = NULL, started = false, attempts = s.attempts + 1, finished_at = v_now,
        cause_kind = NULL, cause_tag = NULL, cause_message = NULL, result = p_results[(r.place + s.seq - r.low + 1)::int]
      FROM unnest(p_lows, p_highs, p_firsts, p_places) AS r(low, high, token, place)
      WHERE s.seq >= r.low AND s.seq <= r.high AND s.token - s.seq = r.token - r.low
        AND s.session = p_session AND s.status = 1 AND s.group_id IS NULL AND s.key IS NULL
      RETURNING r.place + s.seq - r.low + 1 AS ord, s.seq, s.queue, s.token / 1000 AS block
    ), kept AS (
      INSERT INTO finished (queue, at, seqs)
      SELECT queue, v_now, array_agg(seq) FROM completed GROUP BY queue RETURNING queue
    ), counted AS (
      UPDATE session_call c SET held = c.held - n.count
      FROM (SELECT block, count(*)::int AS count FROM completed GROUP BY block) n
      WHERE c.block >= n.block AND c.block <= n.block
    )
    SELECT array_agg(ord::int), array_agg(DISTINCT queue) INTO v_done, v_queues FROM completed;
    v_done := coalesce(v_done, '{}');
    v_queues := coalesce(v_queues, '{}');
  END IF;
  IF p_tokens IS NULL AND cardinality(v_done) < v_count THEN
    -- what is left of runs is told one by one as well
    SELECT array_agg(r.low + i ORDER BY r.place + i), array_agg(r.token + i ORDER BY r.place + i),
      array_fill(NULL::uuid, ARRAY[v_count])
    INTO p_seqs, p_tokens, p_ids
    FROM unnest(p_lows, p_highs, p_firsts, p_places) AS r(low, high, token, place)
    CROSS JOIN LATERAL generate_series(0, r.high - r.low) AS i;
  END IF;

  IF cardinality(v_done) < v_count THEN
    FOR v_item IN
      SELECT u.*, f.value AS follow_ups FROM unnest(
        p_seqs, p_ids, p_tokens,
        coalesce(p_kinds, array_fill(0::smallint, ARRAY[v_count])),
        coalesce(p_delays, array_fill(NULL::bigint, ARRAY[v_count])),
        coalesce(p_cause_kinds, array_fill(NULL::text, ARRAY[v_count])),
        coalesce(p_cause_tags, array_fill(NULL::text, ARRAY[v_count])),
        coalesce(p_cause_messages, array_fill(NULL::text, ARRAY[v_count])),
        coalesce(p_results, array_fill(NULL::text, ARRAY[v_count]))
      ) WITH ORDINALITY AS u(
        seq, id, token, kind, delay, cause_kind, cause_tag, cause_message, result, ord
      ) LEFT JOIN jsonb_each(p_follow_ups) f ON f.key = u.ord::text
      WHERE u.ord <> ALL (v_done) ORDER BY u.ord
    LOOP
      v_seq := v_item.seq;
      IF v_seq IS NULL THEN
        SELECT j.seq INTO v_seq FROM job j WHERE j.id = v_item.id;
      END IF;
      SELECT * INTO v_state FROM job_state s WHERE s.seq = v_seq FOR UPDATE;
      v_text := NULL;
      IF NOT FOUND THEN
        v_code := 20;
      ELSIF v_state.token <> v_item.token OR v_state.session IS DISTINCT FROM p_session THEN
        v_code := CASE v_state.status WHEN 2 THEN 22 WHEN 4 THEN 21 ELSE 20 END;
      ELSIF v_state.status = 4 AND v_item.kind <> 2 THEN
        v_code := 21;
      ELSIF v_state.status = 2 THEN
        -- the holder confirms what it completed in a transaction of its own, together with the follow-up jobs
        PERFORM end_grant(v_seq, 0, v_now, v_now, NULL, NULL, NULL, NULL);
        UPDATE session_call c SET held = c.held - 1 WHERE c.block = v_item.token / 1000;
        IF v_state.group_id IS NOT NULL THEN
          v_touched := v_touched || v_state.queue;
        END IF;
        v_code := CASE v_item.kind WHEN 0 THEN 13 ELSE 22 END;
      ELSIF v_item.kind = 5 THEN
        v_code := 23;
      ELSE
        v_code := end_grant(
          v_seq, v_item.kind, v_now, v_now + coalesce(v_item.delay, 0),
          v_item.cause_kind, v_item.cause_tag, v_item.cause_message, v_item.result);
        SELECT 10 + shown_state(s.status, s.visible_at, v_now) INTO v_code FROM job_state s WHERE s.seq = v_seq;
        UPDATE session_call c SET held = c.held - 1 WHERE c.block = v_item.token / 1000;
        IF v_state.queue <> ALL (v_queues) THEN
          v_queues := v_queues || v_state.queue;
        END IF;
        IF v_code IN (10, 11) OR v_state.group_id IS NOT NULL THEN
          v_touched := v_touched || v_state.queue;
        END IF;
        IF v_item.follow_ups IS NOT NULL THEN
          v_text := enqueue_follow_ups(v_item.follow_ups)::text;
        END IF;
      END IF;
      IF v_code <> 13 OR v_text IS NOT NULL THEN
        item := v_item.ord;
        code := v_code;
        text := v_text;
        v_answers := v_answers || jsonb_build_object(item::text, jsonb_build_array(code, text));
        RETURN NEXT;
      END IF;
    END LOOP;
  END IF;

  INSERT INTO session_call (session, number, operation, answer)
  VALUES (p_session, p_number, 3, CASE WHEN v_answers <> '{}' THEN v_answers::text END);
  PERFORM forget_calls(p_session, p_number);
  item := 0;
  code := 0;
  text := NULL;
  SELECT array_agg(q.name) INTO queues FROM queue q WHERE q.id = ANY (v_touched);
  RETURN NEXT;
END $$;

-- Follow-up jobs come as one object of arrays, as enqueue takes them.
CREATE FUNCTION enqueue_follow_ups(p_items jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(e)), '[]') FROM enqueue(
    text_array(p_items, 'ids')::uuid[], text_array(p_items, 'queues'), text_array(p_items, 'names'),
    text_array(p_items, 'versions')::bigint[], text_array(p_items, 'payloads'),
    text_array(p_items, 'priorities')::smallint[], text_array(p_items, 'attempts')::smallint[],
    text_array(p_items, 'deliveries')::smallint[], text_array(p_items, 'rests'),
    text_array(p_items, 'delays')::bigint[], text_array(p_items, 'instants')::bigint[],
    text_array(p_items, 'deadlines')::bigint[], text_array(p_items, 'groups'),
    text_array(p_items, 'keys'), text_array(p_items, 'spans')::bigint[],
    text_array(p_items, 'replaces')::boolean[]) e
$$;

CREATE FUNCTION text_array(p_object jsonb, p_field text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN jsonb_typeof(p_object -> p_field) = 'array'
    THEN ARRAY(SELECT e FROM jsonb_array_elements_text(p_object -> p_field) WITH ORDINALITY AS a(e, o) ORDER BY o) END
$$;
`
