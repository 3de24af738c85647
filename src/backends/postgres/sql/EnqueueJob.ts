/**
 * The function with which other languages enqueue; docs/postgres.md documents it. It holds callers to the port's limits,
 * and runs with the rights of the schema's owner, so that a role needs nothing but EXECUTE on it.
 *
 * @since 0.1.0
 */
import { Limits } from "../../../model/Limits.ts"

const name = (field: string): string => `
  IF ${field} IS NULL OR octet_length(${field}) > ${Limits.nameBytes}
    OR ${field} COLLATE "C" !~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$' THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = '${field} must begin with a letter or digit and go on with '
      'letters, digits and . _ : / -, at most ${Limits.nameBytes} of them';
  END IF;`

const integer = (field: string, least: number, most: number): string => `
  IF ${field} IS NULL OR ${field} NOT BETWEEN ${least} AND ${most} THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = '${field} must be a whole number from ${least} to ${most}';
  END IF;`

const bytes = (field: string, text: string, most: number): string => `
  IF octet_length(${text}) > ${most} THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = '${field} has ' || octet_length(${text}) || ' bytes, the limit is '
      '${most}; store large data elsewhere and pass a reference';
  END IF;`

const keyText = (field: string): string => `
  IF ${field} = '' THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = '${field} must not be empty; leave it out instead';
  END IF;${bytes(field, field, Limits.keyBytes)}`

/** Sets a variable to an interval's milliseconds. */
const interval = (field: string, variable: string, least: number): string => `
  IF ${field} IS NOT NULL THEN
    IF NOT extract(epoch FROM ${field})::float8 * 1000 BETWEEN ${least} AND ${Limits.durationMillis} THEN
      RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = '${field} must be an interval from ${least} ms to ten years';
    END IF;
    ${variable} := round(extract(epoch FROM ${field}) * 1000);
  END IF;`

/** Sets a variable to an instant's Unix milliseconds. */
const instant = (field: string, variable: string): string => `
  IF ${field} IS NOT NULL THEN
    IF NOT extract(epoch FROM ${field})::float8 BETWEEN 0 AND 8640000000000 THEN
      RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = '${field} must be an instant from 1970 on';
    END IF;
    ${variable} := floor(extract(epoch FROM ${field}) * 1000);
  END IF;`

const argumentTypes =
  "text, text, json, int, int, interval, timestamptz, timestamptz, interval, int, int, text, interval, boolean, text, " +
  "json, uuid, boolean"

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const enqueueJobFunction = `
-- Enqueues a job and answers its id; where the key is held, the id of the job that holds it. An id that is known answers
-- as the first time if it asks for the same job, and is an error otherwise.
CREATE FUNCTION enqueue_job(
  queue text,
  name text,
  payload json,
  version int DEFAULT 1,
  priority int DEFAULT 0,
  delay interval DEFAULT NULL,
  at timestamptz DEFAULT NULL,
  deadline timestamptz DEFAULT NULL,
  timeout interval DEFAULT NULL,
  max_attempts int DEFAULT 10,
  max_deliveries int DEFAULT NULL,
  key text DEFAULT NULL,
  key_window interval DEFAULT '1 day',
  key_replaces boolean DEFAULT false,
  group_key text DEFAULT NULL,
  metadata json DEFAULT NULL,
  id uuid DEFAULT gen_random_uuid(),
  notify boolean DEFAULT true
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER :settings AS $$
#variable_conflict use_variable
DECLARE
  v_payload text := payload::text;
  v_delay bigint;
  v_at bigint;
  v_deadline bigint;
  v_timeout bigint;
  v_window bigint;
  v_bytes bigint;
  v_rest text;
  v_found record;
BEGIN
  IF v_payload IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'payload must not be null; a job without one has the payload {}';
  END IF;
  IF id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'id must not be null; leave it out to have one made';
  END IF;${name("queue")}${name("name")}${integer("version", 0, 2_147_483_647)}${integer(
    "priority",
    -Limits.priority,
    Limits.priority
  )}${integer("max_attempts", 1, Limits.attempts)}

  IF max_deliveries IS NOT NULL THEN${integer("max_deliveries", 1, Limits.attempts)}
  END IF;${bytes("payload", "v_payload", Limits.payloadBytes)}
  IF delay IS NOT NULL AND at IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'at excludes delay; give one of them';
  END IF;${interval("delay", "v_delay", 0)}${instant("at", "v_at")}${instant("deadline", "v_deadline")}${interval(
    "timeout",
    "v_timeout",
    1
  )}${keyText("group_key")}${keyText("key")}
  IF key IS NOT NULL THEN
    IF key_window IS NULL OR key_replaces IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'key_window and key_replaces must not be null beside a key';
    END IF;${interval("key_window", "v_window", 0)}
  END IF;
  IF metadata IS NOT NULL THEN
    IF json_typeof(metadata) <> 'object' THEN
      RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'metadata must be an object of strings';
    END IF;
    IF EXISTS (SELECT 1 FROM json_each(metadata) AS m(label, value) WHERE m.label = '' OR json_typeof(m.value) <> 'string') THEN
      RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'metadata must be an object of strings, none under an empty name';
    END IF;
    SELECT coalesce(sum(octet_length(m.label) + octet_length(m.value)), 0) INTO v_bytes
    FROM json_each_text(metadata) AS m(label, value);
    IF v_bytes > ${Limits.metadataBytes} THEN
      RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'metadata has ' || v_bytes || ' bytes of names and values, the limit is '
        '${Limits.metadataBytes}';
    END IF;
  END IF;
  -- the form in which a request's optional parts are kept
  v_rest := nullif(json_strip_nulls(json_build_object(
    'priority', nullif(priority, 0), 'delay', v_delay, 'at', v_at, 'maxAttempts', nullif(max_attempts, 10),
    'maxDeliveries', max_deliveries, 'timeout', v_timeout, 'deadline', v_deadline,
    'group', group_key,
    'key', CASE WHEN key IS NOT NULL THEN json_build_object(
      'value', key, 'window', v_window, 'onConflict', CASE WHEN key_replaces THEN 'replace' END) END,
    'metadata', metadata
  ))::text, '{}');
  key := replace(key, chr(1), chr(1) || chr(1));
  group_key := replace(group_key, chr(1), chr(1) || chr(1));
  SELECT * INTO v_found FROM enqueue(
    ARRAY[id], ARRAY[queue], ARRAY[name], ARRAY[version::bigint], ARRAY[v_payload], ARRAY[priority::smallint],
    ARRAY[max_attempts::smallint], ARRAY[coalesce(max_deliveries, 2 * max_attempts + 3)::smallint], ARRAY[v_rest],
    CASE WHEN v_delay IS NOT NULL THEN ARRAY[v_delay] END,
    CASE WHEN v_at IS NOT NULL THEN ARRAY[v_at] END,
    CASE WHEN v_deadline IS NOT NULL THEN ARRAY[v_deadline] END,
    CASE WHEN group_key IS NOT NULL THEN ARRAY[group_key] END,
    CASE WHEN key IS NOT NULL THEN ARRAY[key] END,
    CASE WHEN key IS NOT NULL THEN ARRAY[v_window] END,
    CASE WHEN key IS NOT NULL THEN ARRAY[key_replaces] END);
  IF v_found.answer = 1 THEN
    RETURN v_found.holder;
  END IF;
  IF v_found.answer IN (3, 4) THEN
    -- a deadline is stamped anew when the same is sent again
    IF v_found.known_queue IS NULL OR (v_found.known_queue = queue AND v_found.known_name = name
      AND v_found.known_version = version AND v_found.known_payload = v_payload
      AND replace(coalesce(v_found.known_rest, '{}'), '\\u0000', '\\ufffd')::jsonb - '{deadline,trace}'::text[]
        = replace(coalesce(v_rest, '{}'), '\\u0000', '\\ufffd')::jsonb - '{deadline,trace}'::text[]) THEN
      RETURN v_found.holder;
    END IF;
    RAISE EXCEPTION USING ERRCODE = '23505', MESSAGE = 'there is another job with the id ' || id,
      HINT = 'An id names one request for good: make a new one for another job.';
  END IF;
  IF notify THEN
    PERFORM pg_notify('leasehold_' || current_schema(), json_build_object('from', '', 'q', json_build_array(queue))::text);
  END IF;
  RETURN coalesce(v_found.holder, id);
END $$;
REVOKE ALL ON FUNCTION enqueue_job(${argumentTypes}) FROM PUBLIC;
`
