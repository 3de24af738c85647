/**
 * The limits of options that are given in code; those of the environment are checked where they are read.
 *
 * @since 0.1.0
 */
import { Limits } from "../model/Limits.ts"
import type { ResolvedOptions } from "./SchedulerConfig.ts"

const day = 86_400_000
const hour = 3_600_000

const check = (option: string, value: number, minimum: number, maximum: number): void => {
  if (value >= minimum && value <= maximum) return
  throw new RangeError(`JobScheduler: ${option} is from ${minimum} to ${maximum}, and not ${value}`)
}

const checkInteger = (option: string, value: number, minimum: number, maximum: number): void => {
  check(option, value, minimum, maximum)
  if (!Number.isSafeInteger(value)) throw new RangeError(`JobScheduler: ${option} is an integer, and not ${value}`)
}

/**
 * Throws when an option breaks its limit: a scheduler without slots would be silent, and one that polls without a pause
 * would be busy, for ever. That is a bug of the program and not something to handle.
 *
 * @since 0.1.0
 * @category assertions
 * @stability unstable
 */
export const assertOptions = (options: ResolvedOptions): void => {
  checkInteger("concurrency", options.concurrency, 1, 10_000)
  for (const [queue, { concurrency }] of Object.entries(options.queues)) {
    checkInteger(`queues["${queue}"].concurrency`, concurrency, 1, 10_000)
  }
  checkInteger("maxPrefetch", options.maxPrefetch, 0, 10_000)
  check("leaseDuration", options.leaseDuration, Limits.leaseMinMillis, Limits.leaseMaxMillis)
  check("timeout", options.timeout, 1, Limits.durationMillis)
  check("pollInterval", options.pollInterval, 1, hour)
  check("reclaimInterval", options.reclaimInterval, 1, hour)
  check("drainGrace", options.drainGrace, 0, day)
  check("abandonAfter", options.abandonAfter, 1, hour)
}
