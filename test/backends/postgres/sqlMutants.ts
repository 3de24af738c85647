/** Functions of the log's schema that are wrong in one place, each with a law that has to notice. */
import type { LawName } from "../../../properties/index.ts"

export interface SqlMutant {
  readonly name: string
  /** The function, and what of its text becomes what. */
  readonly in: string
  readonly from: string
  readonly to: string
  readonly law: LawName
}

export const sqlMutants: ReadonlyArray<SqlMutant> = [
  {
    name: "completions have no fence",
    in: "settle",
    from: "AND s.token - s.seq = r.token - r.low\n        AND s.session = p_session AND s.status = 1",
    to: "AND s.status = 1",
    law: "staleTokenRefused"
  },
  {
    name: "all settlements but completions have no fence",
    in: "settle",
    from: "v_state.token <> v_item.token OR v_state.session IS DISTINCT FROM p_session",
    to: "v_state.session IS NULL",
    law: "staleTokenRefused"
  },
  {
    name: "a token is good for whoever has heard of it",
    in: "settle",
    from: "AND s.session = p_session AND s.status = 1 AND s.group_id IS NULL AND s.key IS NULL\n      RETURNING r.place",
    to: "AND s.status = 1 AND s.group_id IS NULL AND s.key IS NULL\n      RETURNING r.place",
    law: "tokenBinding"
  },
  {
    name: "any token will do for a run of completions",
    in: "settle",
    from: "AND s.token - s.seq = r.token - r.low",
    to: "",
    law: "tokenBinding"
  },
  {
    name: "the results of a run are those of its neighbours",
    in: "settle",
    from: "p_results[(r.place + s.seq - r.low + 1)::int]",
    to: "p_results[(s.seq - r.low + 1)::int]",
    law: "completedStaysCompleted"
  },
  {
    name: "a claim may be repeated only while its jobs are kept",
    in: "repeatable",
    from: "SELECT c.block FROM",
    to: "SELECT c.block * 0 FROM",
    law: "numberedCallsRepeat"
  },
  {
    name: "a session whose lease has run out goes on",
    in: "begin_call",
    from: "NOT p_late AND v_session.expires_at <= now",
    to: "false",
    law: "renewNeverRevives"
  },
  {
    name: "a renewal revives a session whose lease has run out",
    in: "renew",
    from: "AND s.expires_at > now_millis()",
    to: "",
    law: "renewNeverRevives"
  },
  {
    name: "a repeated call is a new one",
    in: "begin_call",
    from: "verdict := CASE WHEN earlier.operation = p_operation THEN 2 ELSE 4 END;\n    RETURN;",
    to: "DELETE FROM session_call c WHERE c.session = p_session AND c.number = p_number;",
    law: "numberedCallsRepeat"
  },
  {
    name: "an empty claim is a new one when it is sent again",
    in: "begin_call",
    from: "v_session.quiet = p_number",
    to: "false",
    law: "numberedCallsRepeat"
  },
  {
    name: "answers are forgotten at once",
    in: "forget_calls",
    from: "IF p_number % 32 = 0 AND p_number > 96 THEN",
    to: "DELETE FROM session_call WHERE session = p_session AND number < p_number AND held = 0;\n  IF false THEN",
    law: "numberedCallsRepeat"
  },
  {
    name: "a renewal is forgotten",
    in: "renew",
    from: "SET expires_at = now_millis() + s.lease",
    to: "SET expires_at = s.expires_at",
    law: "reclaimOnExpiry"
  },
  {
    name: "dead sessions keep what they hold",
    in: "take_expired",
    from: "WHERE expires_at <= p_now OR ended",
    to: "WHERE ended",
    law: "reclaimOnExpiry"
  },
  {
    name: "what a claim holds is not counted",
    in: "claim",
    from: "v_block, v_seqs, v_held, v_answer::text",
    to: "v_block, v_seqs, 0, v_answer::text",
    law: "reclaimOnExpiry"
  },
  {
    name: "the newest first",
    in: "take_fresh",
    from: "ORDER BY j.queue, j.priority, j.seq LIMIT v_need FOR UPDATE SKIP LOCKED",
    to: "ORDER BY j.queue DESC, j.priority DESC, j.seq DESC LIMIT v_need FOR UPDATE SKIP LOCKED",
    law: "priorityOrder"
  },
  {
    name: "one priority is like another",
    in: "claim",
    from: "WHERE l.queue = v_queue.id ORDER BY l.priority",
    to: "WHERE l.queue = v_queue.id ORDER BY l.priority DESC",
    law: "priorityOrder"
  },
  {
    name: "the mark moves beyond jobs that wait",
    in: "sweep",
    from: "IF v_first <= v_settled THEN",
    to: "IF false THEN",
    law: "eventuallyClaimed"
  },
  {
    name: "a paused queue grants",
    in: "claim",
    from: "AND NOT v_queue.paused",
    to: "",
    law: "pauseHolds"
  },
  {
    name: "a group's head comes without a permit",
    in: "show_head",
    from: "OR v_group.in_flight >= v_concurrency",
    to: "",
    law: "groupFifo"
  },
  {
    name: "a group's last is its head",
    in: "show_head",
    from: "ORDER BY group_id, seq LIMIT 1",
    to: "ORDER BY group_id DESC, seq DESC LIMIT 1",
    law: "groupFifo"
  },
  {
    name: "a delay is over early",
    in: "promote",
    from: "due_at <= p_now",
    to: "due_at <= p_now + 50",
    law: "neverEarly"
  },
  {
    name: "a retry does not wait",
    in: "end_grant",
    from: "visible_at = CASE WHEN v_status = 0 THEN v_visible_at ELSE visible_at END",
    to: "visible_at = CASE WHEN v_status = 0 THEN p_now ELSE visible_at END",
    law: "backoffHonoured"
  },
  {
    name: "attempts have no bound",
    in: "end_grant",
    from: "ELSIF v_counted AND v_attempts >= v_max_attempts THEN",
    to: "ELSIF false THEN",
    law: "attemptsBounded"
  },
  {
    name: "deliveries have no bound",
    in: "end_grant",
    from: "ELSIF v_before.deliveries >= v_max_deliveries THEN",
    to: "ELSIF false THEN",
    law: "attemptsBounded"
  },
  {
    name: "a lease that ran out counts as an attempt though nobody began",
    in: "end_grant",
    from: "WHEN 4 THEN v_before.started",
    to: "WHEN 4 THEN true",
    law: "attemptsBounded"
  },
  {
    name: "a key is free again as soon as its job is done",
    in: "key_follows",
    from: "WHEN p_status = 2 THEN p_at + span END",
    to: "WHEN p_status = 2 THEN p_at END",
    law: "keyDeduplicates"
  },
  {
    name: "a key ends with its record",
    in: "forget_runs",
    from:
      "UPDATE idempotency_key k SET held_until = " +
      "(SELECT s.finished_at FROM job_state s WHERE s.seq = k.seq) + k.span\n    FROM unnest",
    to: "DELETE FROM idempotency_key k\n    USING unnest",
    law: "retentionKeepsKeys"
  },
  {
    name: "what is done goes at once",
    in: "retain",
    from: "v_batch.at + v_policy.retain_millis <= p_now",
    to: "true",
    law: "completedStaysCompleted"
  },
  {
    name: "the holder of a cancelled job is not told",
    in: "command_job",
    from: "INSERT INTO cancellation (seq, session, token) VALUES (v_seq, v_before.session, v_before.token);",
    to: "NULL;",
    law: "cancelIsTerminal"
  },
  {
    name: "a cancelled job completes",
    in: "settle",
    from: "ELSIF v_state.status = 4 AND v_item.kind <> 2 THEN\n        v_code := 21;",
    to: "ELSIF v_state.status = 4 AND v_item.kind <> 2 THEN\n        v_code := 13;",
    law: "cancelIsTerminal"
  },
  {
    name: "follow-up jobs are dropped",
    in: "enqueue_follow_ups",
    from: "FROM enqueue(",
    to: "FROM (SELECT 1 WHERE false) AS none, enqueue(",
    law: "followUpsAtomic"
  },
  {
    name: "a key whose window is over is held on",
    in: "enqueue_one",
    from: "EXIT WHEN v_key.held_until IS NULL OR v_key.held_until > p_now OR v_key.seq = p_seq;",
    to: "EXIT WHEN true;",
    law: "keyDeduplicates"
  },
  {
    name: "a dead letter is not counted",
    in: "read_counts",
    from: "count(*) FILTER (WHERE c.state = 4) AS dead_lettered",
    to: "0::bigint AS dead_lettered",
    law: "readsAgree"
  },
  {
    name: "of a plain job whose id is known nothing is told",
    in: "known_before",
    from: "WHERE u.place > 1 OR j.writer <> pg_current_xact_id()::xid",
    to: "WHERE false",
    law: "enqueueIdempotent"
  }
]
