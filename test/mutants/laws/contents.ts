/** Memory logs that lose or confuse what a job says: its keys, its payload, its times and its causes. */
import * as Effect from "effect/Effect"
import type { EnqueueItem } from "../../../src/log/JobLog.ts"
import { showing } from "../Mutant.ts"
import { type LawMutant, type Wrap, inMemory } from "./LawMutant.ts"

/** Looks for the key, and inserts a moment later. */
const keysRace: Wrap = (log) => {
  let inFlight = 0
  return {
    ...log,
    enqueue: (items) =>
      Effect.gen(function* () {
        const alone = inFlight === 0
        inFlight += 1
        yield* Effect.yieldNow
        const sent = alone ? items : items.map(({ key: _, ...item }) => item)
        return yield* Effect.ensuring(
          log.enqueue(sent),
          Effect.sync(() => {
            inFlight -= 1
          })
        )
      })
  }
}

const keysGoWithRecords: Wrap = (log) => ({
  ...log,
  enqueue: (items) =>
    Effect.flatMap(log.enqueue(items), (results) =>
      results.some((result) => result._tag === "Duplicate" && result.resultGone === true)
        ? log.enqueue(items.map(({ key: _, ...item }) => item))
        : Effect.succeed(results)
    )
})

/** Every job on its way in, follow-ups included. */
const entering =
  (change: (item: EnqueueItem) => EnqueueItem): Wrap =>
  (log) => ({
    ...log,
    enqueue: (items) => log.enqueue(items.map(change)),
    settle: (request) =>
      log.settle({
        ...request,
        items: request.items.map((item) => {
          const { settlement } = item
          if (settlement._tag !== "Complete" || settlement.enqueue === undefined) return item
          return { ...item, settlement: { ...settlement, enqueue: settlement.enqueue.map(change) } }
        })
      })
  })

/** Goes by the payload alone. */
const sameIfPayloadIs: Wrap = (log) => {
  const first = new Map<string, EnqueueItem>()
  return {
    ...log,
    enqueue: (items) =>
      log.enqueue(
        items.map((item) => {
          const known = first.get(item.id) ?? item
          first.set(item.id, known)
          return known.payload === item.payload ? known : item
        })
      )
  }
}

const tracesCount: Wrap = (log) => {
  const traces = new Map<string, string>()
  return {
    ...log,
    enqueue: (items) =>
      Effect.map(log.enqueue(items), (results) =>
        results.map((result, i) => {
          const trace = JSON.stringify(items[i]?.trace ?? null)
          const known = traces.get(result.id) ?? trace
          traces.set(result.id, known)
          return known === trace ? result : ({ _tag: "Refused", id: result.id, reason: "idConflict" } as const)
        })
      )
  }
}

/** Says of the first ready job that it became so just now. */
const readyJustNow: Wrap = (log) => ({
  ...log,
  read: (query) =>
    Effect.map(log.read(query), (answer) =>
      answer._tag === "Counts"
        ? {
            ...answer,
            queues: answer.queues.map((counts) =>
              counts.oldestReadySince === undefined ? counts : { ...counts, oldestReadySince: answer.now }
            )
          }
        : answer
    )
})

export const contentMutants: ReadonlyArray<LawMutant> = [
  inMemory("tickOnce", 50, "a key is looked up before, not in, the step that inserts", keysRace),
  inMemory("retentionKeepsKeys", 50, "a key goes with its record", keysGoWithRecords),
  inMemory(
    "payloadIntact",
    50,
    "a trace is dropped",
    entering(({ trace: _, ...item }) => item)
  ),
  inMemory(
    "payloadIntact",
    50,
    "a timeout is dropped",
    entering(({ timeout: _, ...item }) => item)
  ),
  inMemory(
    "payloadIntact",
    50,
    "a lease asked for is dropped",
    entering(({ leaseDuration: _, ...item }) => item)
  ),
  inMemory(
    "payloadIntact",
    50,
    "every payload is of version 1",
    entering((item) => ({ ...item, version: 1 }))
  ),
  inMemory(
    "neverEarly",
    50,
    "an instant is left out",
    entering(({ at: _, ...item }) => item)
  ),
  inMemory("payloadIntact", 50, "a grant has lost its deadline", (log) =>
    showing(log, { grant: (grant) => ({ ...grant, deadline: undefined }) })
  ),
  inMemory("payloadIntact", 50, "a job is shown without its deadline", (log) =>
    showing(log, { job: (job) => ({ ...job, deadline: undefined }) })
  ),
  inMemory("payloadIntact", 50, "a grant says that it was enqueued when it became ready", (log) =>
    showing(log, { grant: (grant) => ({ ...grant, enqueuedAt: grant.readySince }) })
  ),
  inMemory("readsAgree", 50, "the oldest job became ready just now", readyJustNow),
  inMemory("neverEarly", 50, "a grant is ready since it was enqueued", (log) =>
    showing(log, { grant: (grant) => ({ ...grant, readySince: grant.enqueuedAt }) })
  ),
  inMemory("readsAgree", 50, "the cause of a retry is not shown", (log) =>
    showing(log, { job: (job) => (job.state === "DeadLettered" ? job : { ...job, cause: undefined }) })
  ),
  inMemory("deadLettersConserved", 50, "a dead letter loses the message of its cause", (log) =>
    showing(log, { job: (job) => (job.cause === undefined ? job : { ...job, cause: { ...job.cause, message: "" } }) })
  ),
  inMemory("readsAgree", 50, "a completed job is shown as finished when it was enqueued", (log) =>
    showing(log, { job: (job) => (job.finishedAt === undefined ? job : { ...job, finishedAt: job.enqueuedAt }) })
  ),
  inMemory("readsAgree", 50, "counts of one queue are of all", (log) => ({
    ...log,
    read: (query) => log.read(query._tag === "Counts" ? { _tag: "Counts" } : query)
  })),
  inMemory("keyDeduplicates", 50, "a duplicate is told of a wrong state", (log) => ({
    ...log,
    enqueue: (items) =>
      Effect.map(log.enqueue(items), (results) =>
        results.map((result) => (result._tag === "Duplicate" ? { ...result, state: "Ready" as const } : result))
      )
  })),
  inMemory("enqueueIdempotent", 50, "an id with the same payload is taken for the same job", sameIfPayloadIs),
  inMemory("enqueueIdempotent", 50, "a new trace makes other bytes", tracesCount)
]
