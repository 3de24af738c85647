/**
 * What the self-check of a Redis log finds.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { findingFields, type Level, worst } from "../../log/DoctorReport.ts"

/**
 * What is checked, in the order of a report.
 *
 * - `server`: which server it is: Redis 6.2 and newer, or Valkey
 * - `role`: the server takes writes: it is a master
 * - `cluster`: whether it is a node of a Cluster, and whether that one is whole
 * - `eviction`: the server removes nothing by itself when its memory is full
 * - `durability`: what an acknowledged operation survives
 * - `disk`: whether the server can write what it persists
 * - `replication`: whether replicas follow, and what a failover may lose
 * - `memory`: how much room is left below `maxmemory`
 * - `clock`: how far the server's clock is from this process's
 * - `connections`: how many connections the server has left
 * - `functions`: whether operations are functions of a library, or scripts
 * - `news`: whether a message that is published comes back, and how soon
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const Check = Schema.Literals([
  "server",
  "role",
  "cluster",
  "eviction",
  "durability",
  "disk",
  "replication",
  "memory",
  "clock",
  "connections",
  "functions",
  "news"
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
export class Finding extends Schema.Class<Finding>("leasehold/redis/Finding")({
  check: Check,
  ...findingFields
}) {}

/**
 * All findings about the server of one log, in the order of {@link Check}.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Report extends Schema.Class<Report>("leasehold/redis/Report")({
  name: Schema.String,
  findings: Schema.Array(Finding)
}) {
  /** The worst level of all findings. */
  get level(): Level {
    return worst(this.findings)
  }
}
