/**
 * What the Redis log can do.
 *
 * @since 0.1.0
 */
import type { Capabilities } from "../../log/Capabilities.ts"
import { Limits } from "../../model/Limits.ts"

/**
 * The durability is that of a server which syncs its append-only file at each write; what another server gives is told by
 * the capabilities of the log that runs on it.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const capabilities: Capabilities = {
  log: "redis",
  fence: "strict",
  tokenScope: "log",
  lease: "timed",
  maxLease: Limits.leaseMaxMillis,
  lateSettle: "refused",
  reclaim: "log",
  order: "exact",
  priorities: 2 * Limits.priority + 1,
  groups: true,
  maxDelay: Limits.durationMillis,
  retryAt: "native",
  attempts: "job",
  settle: "individual",
  dedupe: true,
  atomic: "log",
  callerTransactions: false,
  notify: true,
  inspect: true,
  crossProcess: true,
  durability: "powerLoss",
  maxBatch: Limits.batchItems,
  maxPayload: Limits.payloadBytes,
  nameFilter: false,
  parkedClaims: true
}
