/**
 * The tables of the Postgres log, version 1.
 *
 * What was asked for (`job`) is written once; what becomes of it (`job_state`) exists only from the moment at which it
 * differs from a plain job that waits for its first claim. So an untouched job costs one row, and a claim and a
 * completion cost one small insert and one update that touches no index.
 *
 * @since 0.1.0
 */

/**
 * Statements that make the tables, in the schema that is first in the search path.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const tables = `
-- Tokens come in blocks of a thousand, one block to a claim: the block names the claim, the rest the job in it.
CREATE SEQUENCE token_block AS bigint START 1;
CREATE SEQUENCE job_sequence AS bigint START 1;
-- its last value must never be one that is yet to be drawn: see settled_sequence
SELECT setval('job_sequence', 1);
CREATE SEQUENCE session_number AS bigint START 1;

CREATE TABLE queue (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  paused boolean NOT NULL DEFAULT false,
  configured boolean NOT NULL DEFAULT false,
  group_concurrency int NOT NULL DEFAULT 1,
  step_aside boolean NOT NULL DEFAULT false,
  max_backlog bigint,
  retain_millis bigint NOT NULL DEFAULT 3600000,
  retain_count bigint NOT NULL DEFAULT 10000
);

-- The priorities that a queue's plain jobs have had. Up to settled no plain job waits or ever will.
CREATE TABLE lane (
  queue int NOT NULL,
  priority smallint NOT NULL,
  settled bigint NOT NULL DEFAULT 0,
  swept_at bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (queue, priority)
) WITH (fillfactor = 10);

-- What was asked for. Only a replacement changes a row.
CREATE TABLE job (
  seq bigint PRIMARY KEY,
  id uuid NOT NULL,
  enqueued_at bigint NOT NULL,
  queue int NOT NULL,
  priority smallint NOT NULL,
  max_attempts smallint NOT NULL,
  max_deliveries smallint NOT NULL,
  -- it waits in its lane, without a state, until it is claimed or commanded
  plain boolean NOT NULL,
  version bigint NOT NULL,
  name text NOT NULL,
  payload text NOT NULL,
  -- the optional parts of the request, as JSON
  rest text
);
CREATE UNIQUE INDEX job_id ON job (id);
CREATE INDEX job_line ON job (queue, priority, seq) WHERE plain;

-- The first request of a job that was replaced since, and the id of the request that replaced it last.
CREATE TABLE replaced (
  seq bigint PRIMARY KEY,
  by_id uuid NOT NULL,
  version bigint NOT NULL,
  payload text NOT NULL,
  rest text
);

-- Jobs whose records went while the claim that granted them may still be repeated, by the claim's block of tokens.
CREATE TABLE purged (
  block bigint NOT NULL,
  seq bigint NOT NULL,
  id uuid NOT NULL,
  enqueued_at bigint NOT NULL,
  priority smallint NOT NULL,
  max_attempts smallint NOT NULL,
  version bigint NOT NULL,
  name text NOT NULL,
  payload text NOT NULL,
  rest text,
  PRIMARY KEY (block, seq)
);

-- What became of a job. status: 0 waiting, 1 leased, 2 completed, 3 dead letter, 4 cancelled.
CREATE TABLE job_state (
  seq bigint PRIMARY KEY,
  token bigint NOT NULL DEFAULT 0,
  session bigint,
  -- 0: since it was enqueued
  visible_at bigint NOT NULL,
  waiting_since bigint NOT NULL,
  finished_at bigint,
  deadline bigint,
  queue int NOT NULL,
  generation int NOT NULL DEFAULT 1,
  status smallint NOT NULL DEFAULT 0,
  priority smallint NOT NULL,
  attempts smallint NOT NULL DEFAULT 0,
  deliveries smallint NOT NULL DEFAULT 0,
  started boolean NOT NULL DEFAULT false,
  -- this is not the first grant of a plain job
  touched boolean NOT NULL DEFAULT true,
  -- Its places among the waiting. They stand apart from the status, so that no index mentions what a first claim or a
  -- completion changes.
  ready boolean NOT NULL DEFAULT false,
  member boolean NOT NULL DEFAULT false,
  dead boolean NOT NULL DEFAULT false,
  due_at bigint,
  expire_at bigint,
  group_id bigint,
  group_key text,
  key text,
  cause_kind text,
  cause_tag text,
  cause_message text,
  result text,
  progress text
) WITH (fillfactor = 45);
CREATE INDEX job_state_ready ON job_state (queue, priority, seq) WHERE ready;
CREATE INDEX job_state_due ON job_state (queue, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX job_state_expire ON job_state (queue, expire_at) WHERE expire_at IS NOT NULL;
CREATE INDEX job_state_group ON job_state (group_id, seq) WHERE group_id IS NOT NULL;
CREATE INDEX job_state_shown ON job_state (group_id) WHERE ready AND group_id IS NOT NULL;
CREATE INDEX job_state_dead ON job_state (queue, seq) WHERE dead;

-- Groups with jobs that are not terminal, or whose holder has not confirmed. Whoever adds a job to a group only shares
-- the lock of its row, so that a long transaction that enqueues holds up nobody who claims or settles.
CREATE TABLE job_group (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue int NOT NULL,
  key text NOT NULL,
  in_flight int NOT NULL DEFAULT 0,
  UNIQUE (queue, key)
);

-- Groups to which jobs were added: the next claim looks at their heads.
CREATE TABLE arrival (
  queue int NOT NULL,
  group_id bigint NOT NULL
);
CREATE INDEX arrival_queue ON arrival (queue);

-- Idempotency keys that are held: for good while held_until is null.
CREATE TABLE idempotency_key (
  queue int NOT NULL,
  name text NOT NULL,
  value text NOT NULL,
  seq bigint NOT NULL,
  id uuid NOT NULL,
  span bigint NOT NULL,
  held_until bigint,
  ended smallint,
  PRIMARY KEY (queue, name, value)
);
CREATE INDEX idempotency_key_job ON idempotency_key (seq);
CREATE INDEX idempotency_key_until ON idempotency_key (held_until) WHERE held_until IS NOT NULL;

-- Completed and cancelled jobs in the order in which they ended, one row per batch, for their retention.
CREATE TABLE finished (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue int NOT NULL,
  at bigint NOT NULL,
  seqs bigint[] NOT NULL
);
CREATE INDEX finished_queue ON finished (queue, number);
ALTER TABLE finished ALTER COLUMN seqs SET STORAGE EXTERNAL;

-- One row per scheduler; its lease is that of all it holds.
CREATE TABLE session (
  id bigint PRIMARY KEY,
  owner text NOT NULL,
  lease bigint NOT NULL,
  expires_at bigint NOT NULL,
  forgotten bigint NOT NULL DEFAULT 0,
  ended boolean NOT NULL DEFAULT false
) WITH (fillfactor = 20);

-- Held jobs that were cancelled: their holders are told at each renewal until they confirm.
CREATE TABLE cancellation (
  seq bigint PRIMARY KEY,
  session bigint NOT NULL,
  token bigint NOT NULL
);
CREATE INDEX cancellation_session ON cancellation (session);

-- The answers of a session's latest calls; those of claims also name what the session holds.
CREATE TABLE session_call (
  session bigint NOT NULL,
  number bigint NOT NULL,
  operation smallint NOT NULL,
  block bigint,
  seqs bigint[],
  -- jobs of this claim that the session still holds
  held int NOT NULL DEFAULT 0,
  answer text,
  PRIMARY KEY (session, number)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX session_call_block ON session_call (block) WHERE block IS NOT NULL;
ALTER TABLE session_call ALTER COLUMN seqs SET STORAGE EXTERNAL;

-- Those that had nothing to tell, one in each place: see remember_quietly.
CREATE TABLE quiet_call (
  session bigint NOT NULL,
  -- the number's last six bits
  place smallint NOT NULL,
  operation smallint NOT NULL,
  number bigint NOT NULL,
  -- the log's time at the answer, which tells a renewal's whole answer
  at bigint NOT NULL,
  PRIMARY KEY (session, place)
);
`
