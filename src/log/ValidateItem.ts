/**
 * Checks of jobs to enqueue.
 *
 * @since 0.1.0
 */
import { Limits } from "../model/Limits.ts"
import {
  countProblem,
  durationProblem,
  idProblem,
  instantProblem,
  integerProblem,
  invalid,
  keyProblem,
  leaseProblem,
  nameProblem,
  textProblem,
  utf8Length
} from "./Checks.ts"
import type { Problem } from "./Checks.ts"
import type { EnqueueItem } from "./JobLog.ts"
import type { InvalidRequest } from "./LogError.ts"

const traceIdPattern = /^[0-9a-f]{32}$/
const spanIdPattern = /^[0-9a-f]{16}$/

const metadataBytes = (metadata: Readonly<Record<string, string>>, measure: (text: string) => number): number => {
  let bytes = 0
  for (const key in metadata) bytes += measure(key) + measure(metadata[key] ?? "")
  return bytes
}

const metadataProblem = (metadata: unknown): Problem | undefined => {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    return ["metadata", "must be an object of strings"]
  }
  let bytes = 0
  for (const [key, value] of Object.entries(metadata)) {
    if (key === "") return ["metadata", "has an empty name"]
    if (typeof value !== "string") return [`metadata.${key}`, "must be a string"]
    if (!key.isWellFormed() || !value.isWellFormed())
      return ["metadata", "contains a lone surrogate; pass well-formed text"]
    bytes += utf8Length(key) + utf8Length(value)
  }
  return bytes <= Limits.metadataBytes
    ? undefined
    : ["metadata", `has ${bytes} bytes of names and values, the limit is ${Limits.metadataBytes}`]
}

const traceProblem = (trace: NonNullable<EnqueueItem["trace"]>): Problem | undefined => {
  if (typeof trace !== "object") return ["trace", "must be an object"]
  if (typeof trace.traceId !== "string" || !traceIdPattern.test(trace.traceId)) {
    return ["trace.traceId", "must be 32 digits of lower-case hex"]
  }
  if (typeof trace.spanId !== "string" || !spanIdPattern.test(trace.spanId)) {
    return ["trace.spanId", "must be 16 digits of lower-case hex"]
  }
  return typeof trace.sampled === "boolean" ? undefined : ["trace.sampled", "must be a boolean"]
}

const idempotencyProblem = (key: NonNullable<EnqueueItem["key"]>): Problem | undefined => {
  if (typeof key !== "object") return ["key", "must be an object"]
  const problem = keyProblem("key.value", key.value) ?? durationProblem("key.window", key.window, 0)
  if (problem !== undefined) return problem
  return key.onConflict === undefined || key.onConflict === "keep" || key.onConflict === "replace"
    ? undefined
    : ["key.onConflict", `must be "keep" or "replace"`]
}

/** `previous` passed already: the jobs of one batch mostly share their queue and name. */
const itemProblem = (item: EnqueueItem, previous: EnqueueItem | undefined): Problem | undefined => {
  if (typeof item !== "object" || item === null) return ["", "must be an object"]
  const required =
    idProblem("id", item.id) ??
    (item.queue === previous?.queue ? undefined : nameProblem("queue", item.queue)) ??
    (item.name === previous?.name ? undefined : nameProblem("name", item.name)) ??
    integerProblem("version", item.version, 0, 2_147_483_647) ??
    textProblem("payload", item.payload, Limits.payloadBytes)
  if (required !== undefined) return required
  let problem: Problem | undefined
  if (item.priority !== undefined) {
    problem = integerProblem("priority", item.priority, -Limits.priority, Limits.priority)
    if (problem !== undefined) return problem
  }
  if (item.delay !== undefined) {
    if (item.at !== undefined) return ["at", "excludes delay; give one of them"]
    problem = durationProblem("delay", item.delay, 0)
    if (problem !== undefined) return problem
  }
  if (item.at !== undefined) {
    problem = instantProblem("at", item.at)
    if (problem !== undefined) return problem
  }
  if (item.maxAttempts !== undefined) {
    problem = integerProblem("maxAttempts", item.maxAttempts, 1, Limits.attempts)
    if (problem !== undefined) return problem
  }
  if (item.maxDeliveries !== undefined) {
    problem = integerProblem("maxDeliveries", item.maxDeliveries, 1, Limits.attempts)
    if (problem !== undefined) return problem
  }
  if (item.leaseDuration !== undefined) {
    problem = leaseProblem("leaseDuration", item.leaseDuration)
    if (problem !== undefined) return problem
  }
  if (item.timeout !== undefined) {
    problem = durationProblem("timeout", item.timeout, 1)
    if (problem !== undefined) return problem
  }
  if (item.deadline !== undefined) {
    problem = instantProblem("deadline", item.deadline)
    if (problem !== undefined) return problem
  }
  if (item.group !== undefined) {
    problem = keyProblem("group", item.group)
    if (problem !== undefined) return problem
  }
  if (item.key !== undefined) {
    problem = idempotencyProblem(item.key)
    if (problem !== undefined) return problem
  }
  if (item.metadata !== undefined) {
    problem = metadataProblem(item.metadata)
    if (problem !== undefined) return problem
  }
  return item.trace === undefined ? undefined : traceProblem(item.trace)
}

/**
 * At least the bytes of a string, without looking into it.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const upperBytes = (text: string): number => text.length * 3

/**
 * Bytes of the payloads and metadata of jobs, by a measure of strings.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const itemsBytes = (items: ReadonlyArray<EnqueueItem>, measure: (text: string) => number): number => {
  let bytes = 0
  for (const item of items) {
    bytes += measure(item.payload)
    if (item.metadata !== undefined) bytes += metadataBytes(item.metadata, measure)
  }
  return bytes
}

/**
 * The bytes of a whole batch.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const batchBytesProblem = (bytes: number): Problem | undefined =>
  bytes <= Limits.batchBytes
    ? undefined
    : [
        "",
        `has ${bytes} bytes of payloads, results and metadata, the limit is ${Limits.batchBytes}; send several calls`
      ]

/**
 * A list of jobs, each and their number.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const itemListProblem = (prefix: string, items: ReadonlyArray<EnqueueItem>): InvalidRequest | undefined => {
  if (!Array.isArray(items)) return invalid(prefix, ["", "must be an array"])
  const count = countProblem("jobs", items.length, 0, Limits.batchItems)
  if (count !== undefined) return invalid(prefix, count)
  for (let i = 0; i < items.length; i++) {
    // the index is within bounds
    const problem = itemProblem(items[i] as EnqueueItem, items[i - 1])
    if (problem !== undefined) return invalid(`${prefix}[${i}]`, problem)
  }
  return undefined
}
