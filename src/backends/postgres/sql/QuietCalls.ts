/**
 * Numbered calls that have nothing to tell: renewals at which all is as it should be, and empty claims. They are all that
 * an idle session does, so that they have to be remembered at little cost: each takes the place of the one that is 64
 * numbers older, by an update that touches no index.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const quietCalls = `
-- What such a call was answered, as the answers of other calls are kept. Of a claim the instant worth waking for is not
-- kept: whoever repeats it may claim at once.
CREATE FUNCTION quiet_answer(p_call quiet_call, p_lease bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_call.operation
    WHEN 1 THEN json_build_array(p_call.at, p_call.at + p_lease, ARRAY[]::text[], ARRAY[]::text[], ARRAY[]::text[])
    ELSE json_build_array(p_call.at, p_call.at, NULL) END::text
$$;

CREATE FUNCTION remember_quietly(
  p_session bigint, p_number bigint, p_operation smallint, p_at bigint, p_lease bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
    -- its snapshot is older than the lock of the call: only the key of the other calls shows one sent twice
    INSERT INTO session_call (session, number, operation, answer)
    VALUES (p_session, p_number, p_operation,
      quiet_answer(ROW(p_session, 0::smallint, p_operation, p_number, p_at)::quiet_call, p_lease));
    RETURN;
  END IF;
  UPDATE quiet_call SET operation = p_operation, number = p_number, at = p_at
  WHERE session = p_session AND place = p_number & 63 AND number < p_number;
  IF NOT FOUND THEN
    -- a later call that has come first fails it, and it learns so when it is tried again
    INSERT INTO quiet_call (session, place, operation, number, at)
    VALUES (p_session, p_number & 63, p_operation, p_number, p_at);
  END IF;
END $$;
`
