/**
 * The faults that strike a cluster from time to time; others are in its weather.
 *
 * @since 0.1.0
 */

/**
 * Every kind of strike.
 *
 * - `logPowerLoss`: the machine of the log loses power, and of what was not synced anything may be lost
 * - `logKill`: the process of the log is killed; what it wrote stays
 * - `logRestart`: the log is closed in order and opened again
 * - `logPause`: the machine of the log stands still for a while
 * - `workerCrash`, `workerShutdown`: a scheduler's process ends, without a farewell or in order, and is started again
 * - `pause`: a scheduler's machine stands still for a while, past its lease
 * - `suspend`: the same, and its monotonic clock stands still as well
 * - `clockStep`: a machine's wall clock is set forward or back
 * - `partition`: a scheduler's messages to the log are lost for a while, or the answers, or both
 * - `diskFailure`: one of the disk's next operations fails, once or until the log's next process
 * - `diskFull`: the disk has hardly any space for a while
 * - `bitRot`: the log's process is lost or ends in order, and before the next one a part of what it had synced changes by
 *   itself; some seconds later somebody puts the file back from a copy
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const strikes = [
  "logPowerLoss",
  "logKill",
  "logRestart",
  "logPause",
  "workerCrash",
  "workerShutdown",
  "pause",
  "suspend",
  "clockStep",
  "partition",
  "diskFailure",
  "diskFull",
  "bitRot"
] as const

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Strike = (typeof strikes)[number]
