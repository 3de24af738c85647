/**
 * What jobs need of their log, checked when a scheduler starts and never silently done without.
 *
 * @since 0.1.0
 */
import type { Handler } from "../actors/Protocol.ts"
import type { Capabilities } from "../log/Capabilities.ts"
import { Unsupported } from "../log/LogError.ts"

/**
 * The first thing that a handler's jobs need and the log does not have. `lease`: milliseconds of their session.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const unmet = (handler: Handler, lease: number, log: Capabilities): Unsupported | undefined => {
  const job = `the job "${handler.name}"`
  const lack = (capability: string, detail: string): Unsupported =>
    new Unsupported({ capability, detail: `${job} ${detail}; choose another log, or do without` })
  if (handler.needs.groups && !log.groups) return lack("groups", "has a group")
  if (handler.needs.keys && !log.dedupe) return lack("dedupe", "has an idempotency key")
  if (handler.needs.priorities && log.priorities <= 1) return lack("priorities", "has a priority")
  if (lease > log.maxLease)
    return lack("maxLease", `needs a lease of ${lease} ms, and this log's longest is ${log.maxLease} ms`)
  return undefined
}
