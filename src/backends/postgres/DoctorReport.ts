/**
 * What the self-check of a Postgres log finds.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { findingFields, type Level, worst } from "../../log/DoctorReport.ts"

/**
 * What is checked, in the order of a report.
 *
 * - `server`: the version of the server, 13 or newer
 * - `writable`: the server takes writes: it is a primary, and sessions are not read-only by default
 * - `isolation`: the level at which transactions begin
 * - `migration`: the schema is of a version that this release works with
 * - `permissions`: what the program may not do that the log needs
 * - `clock`: how far the server's clock is from this process's
 * - `durability`: `synchronous_commit`, `fsync` and `full_page_writes`
 * - `pooler`: whether a pooler stands between, and whether it keeps the state of a session
 * - `preparedStatements`: whether named statements are kept
 * - `notify`: whether a NOTIFY comes back
 * - `connections`: how many connections the server has left
 * - `autovacuum`: whether the server and the log's tables are vacuumed
 * - `oldestXmin`: how old the oldest row version is that somebody may still want to see, and who
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const Check = Schema.Literals([
  "server",
  "writable",
  "isolation",
  "migration",
  "permissions",
  "clock",
  "durability",
  "pooler",
  "preparedStatements",
  "notify",
  "connections",
  "autovacuum",
  "oldestXmin"
])

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Check = typeof Check.Type

/**
 * One finding. It holds no connection string and no password.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Finding extends Schema.Class<Finding>("leasehold/postgres/Finding")({
  check: Check,
  ...findingFields
}) {}

/**
 * All findings about one schema, in the order of {@link Check}.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Report extends Schema.Class<Report>("leasehold/postgres/Report")({
  schema: Schema.String,
  findings: Schema.Array(Finding)
}) {
  /** The worst level of all findings. */
  get level(): Level {
    return worst(this.findings)
  }
}
