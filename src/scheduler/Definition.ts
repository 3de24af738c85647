/**
 * A job definition, compiled and checked once.
 *
 * @since 0.1.0
 */
import { Limits, namePattern } from "../model/Limits.ts"
import { durationMillis } from "./Instant.ts"
import type { JobOptions } from "./JobDefinition.ts"
import * as PayloadCodec from "./PayloadCodec.ts"
import type { JobSchema } from "./PayloadCodec.ts"
import type { RetrySchedule } from "./RetryPolicy.ts"

/**
 * All durations are milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Definition<P, S> {
  readonly tag: string
  readonly queue: string
  readonly version: number
  readonly payload: PayloadCodec.PayloadCodec<P>
  readonly success: PayloadCodec.PayloadCodec<S>
  readonly leaseDuration: number | undefined
  readonly timeout: number | undefined
  readonly deadline: number | undefined
  readonly idempotencyWindow: number
  readonly retry: Readonly<Record<string, "never" | RetrySchedule>>
  readonly needs: { readonly groups: boolean; readonly keys: boolean; readonly priorities: boolean }
}

const day = 24 * 3600 * 1000

const check = (condition: boolean, tag: string, message: string): void => {
  if (!condition) throw new RangeError(`Job.make("${tag}"): ${message}`)
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = <P extends JobSchema, S extends JobSchema, E extends JobSchema>(
  tag: string,
  payload: P,
  success: S,
  options: JobOptions<P, S, E>
): Definition<P["Type"], S["Type"]> => {
  const queue = options.queue ?? "default"
  const version = options.version ?? 1
  const leaseDuration = durationMillis(options.leaseDuration)
  const timeout = durationMillis(options.timeout)
  const deadline = durationMillis(options.deadline)
  const idempotencyWindow = durationMillis(options.idempotencyWindow) ?? day
  const name = (text: string) => namePattern.test(text) && text.length <= Limits.nameBytes
  const span = (millis: number | undefined) => millis === undefined || (millis >= 0 && millis <= Limits.durationMillis)
  check(
    name(tag),
    tag,
    `a name is at most ${Limits.nameBytes} of A-Z a-z 0-9 . _ : / -, and begins with a letter or digit`
  )
  check(name(queue), tag, `the queue "${queue}" is not a name: at most ${Limits.nameBytes} of A-Z a-z 0-9 . _ : / -`)
  check(Number.isSafeInteger(version) && version >= 1, tag, "version is an integer from 1")
  check(
    leaseDuration === undefined || (leaseDuration >= Limits.leaseMinMillis && leaseDuration <= Limits.leaseMaxMillis),
    tag,
    `leaseDuration is between ${Limits.leaseMinMillis} ms and ${Limits.leaseMaxMillis} ms`
  )
  check(span(timeout) && timeout !== 0, tag, "timeout is positive and at most ten years")
  check(span(deadline) && deadline !== 0, tag, "deadline is positive and at most ten years")
  check(span(idempotencyWindow), tag, "idempotencyWindow is at most ten years")
  check(
    options.maxAttempts === undefined ||
      (Number.isSafeInteger(options.maxAttempts) && options.maxAttempts >= 1 && options.maxAttempts <= Limits.attempts),
    tag,
    `maxAttempts is an integer from 1 to ${Limits.attempts}`
  )
  return {
    tag,
    queue,
    version,
    payload: PayloadCodec.make(payload),
    success: PayloadCodec.make(success),
    leaseDuration,
    timeout,
    deadline,
    idempotencyWindow,
    needs: {
      groups: options.group !== undefined,
      keys: options.idempotencyKey !== undefined,
      priorities: options.priority !== undefined
    },
    // each schedule is given only errors of the tag that names it
    retry: (options.retry ?? {}) as Readonly<Record<string, "never" | RetrySchedule>>
  }
}
