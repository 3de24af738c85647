/**
 * What the Postgres log can do.
 *
 * @since 0.1.0
 */
import type { Capabilities } from "../../log/Capabilities.ts"
import { Limits } from "../../model/Limits.ts"

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const capabilities: Capabilities = {
  log: "postgres",
  fence: "strict",
  tokenScope: "log",
  lease: "timed",
  maxLease: Limits.leaseMaxMillis,
  lateSettle: "accepted",
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
  callerTransactions: true,
  notify: true,
  inspect: true,
  crossProcess: true,
  durability: "powerLoss",
  maxBatch: Limits.batchItems,
  maxPayload: Limits.payloadBytes,
  nameFilter: true,
  parkedClaims: false
}
