/**
 * The calls of clients.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type {
  EnqueueItem,
  Grant,
  JobLogOperations,
  SettleItem,
  Settlement,
  SettleResult
} from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import { clean, insist, numbered } from "./Client.ts"
import type { Client, Held, Room, Way } from "./Client.ts"
import type { EnqueuedJob, Granted, Settling, SettleKind } from "./History.ts"
import type { Fault, JobPlan } from "./Program.ts"

/** The one queue of all programs. */
const queue = "alpha"

const toGranted = (grant: Grant): Granted => ({
  job: grant.id,
  token: String(grant.token),
  queue: grant.queue,
  payload: grant.payload,
  delivery: grant.delivery,
  attempt: grant.attempt,
  generation: grant.generation
})

/**
 * Claims; answers how many jobs were granted, or `undefined` when that is not known.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const claim = (
  room: Room,
  client: Client,
  limit: number,
  way: Way = clean,
  park = false
): Effect.Effect<number | undefined> =>
  Effect.gen(function* () {
    const parks = park && room.log.capabilities.parkedClaims
    const receipts = new Map<string, string>()
    // who waits inside the log must be able to give up
    const faults = parks
      ? way.faults.map((fault): Fault => (fault === "lostReply" || fault === "late" ? "interrupt" : fault))
      : way.faults
    const outcome = yield* numbered(
      room,
      client,
      "claim",
      (call) => ({ ...call, queue, limit }),
      (log, call) =>
        Effect.map(log.claim({ ...call, queue, limit, ...(parks ? { park: true } : undefined) }), ({ grants, now }) => {
          for (const grant of grants) receipts.set(String(grant.token), grant.receipt)
          return { now, grants: grants.map(toGranted) }
        }),
      { ...way, faults, ...(parks ? { patience: 8 + 8 * way.back } : undefined) }
    )
    if (outcome.tag !== "Ok") return undefined
    for (const { job, token } of outcome.value.grants) {
      const held = { job, token: BigInt(token), receipt: receipts.get(token) ?? "" }
      client.held.push(held)
      client.grants.push(held)
      room.grants.push(held)
    }
    return outcome.value.grants.length
  })

const cause = { kind: "failure", tag: "Oops", message: "planned" } as const

const toSettlement = (kind: SettleKind, delay: number): Settlement => {
  switch (kind) {
    case "Complete":
      return { _tag: "Complete", result: "ok" }
    case "Retry":
      return { _tag: "Retry", delay, cause }
    case "Release":
      return { _tag: "Release", delay }
    case "DeadLetter":
      return { _tag: "DeadLetter", cause }
  }
}

const toAnswer = (result: SettleResult): string =>
  result._tag === "Settled" ? result.state : result._tag === "Refused" ? `refused: ${result.reason}` : "unverified"

/** In as many calls as the log's batches need. */
const inBatches = <A>(
  room: Room,
  all: ReadonlyArray<A>,
  call: (batch: ReadonlyArray<A>) => Effect.Effect<void>
): Effect.Effect<void> => {
  const size = room.log.capabilities.maxBatch
  const batches = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
  return Effect.forEach(batches, call, { discard: true })
}

/**
 * Settles grants, in one call where the log takes as many.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const settle = (
  room: Room,
  client: Client,
  grants: ReadonlyArray<Held>,
  kind: SettleKind,
  delay: number,
  way: Way = clean
): Effect.Effect<void> => inBatches(room, grants, (batch) => settleOnce(room, client, batch, kind, delay, way))

const settleOnce = (
  room: Room,
  client: Client,
  grants: ReadonlyArray<Held>,
  kind: SettleKind,
  delay: number,
  way: Way
): Effect.Effect<void> => {
  const tokens = new Set(grants.map(({ token }) => token))
  const items = grants.map(({ job, receipt, token }): SettleItem => ({
    id: job,
    token,
    receipt,
    settlement: toSettlement(kind, delay)
  }))
  const asked = grants.map(({ job, token }): Settling => ({ job, token: String(token), kind, delay }))
  return Effect.map(
    numbered(
      room,
      client,
      "settle",
      (call) => ({ ...call, items: asked }),
      (log, call) => Effect.map(log.settle({ ...call, items }), (results) => results.map(toAnswer)),
      way
    ),
    (outcome) => {
      const answers = outcome.tag === "Ok" ? outcome.value : []
      answers.forEach((answer, i) => answer === "DeadLettered" && room.dead.push(asked[i]?.job ?? ""))
      // an outcome that stays unknown is nothing to wait for either
      client.held = client.held.filter(({ token }) => !tokens.has(token))
    }
  )
}

/**
 * Enqueues new jobs, in one call where the log takes as many.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const enqueue = (
  room: Room,
  client: Client,
  plans: ReadonlyArray<JobPlan>,
  way: Way = clean
): Effect.Effect<void> => inBatches(room, plans, (batch) => enqueueOnce(room, client, batch, way))

const enqueueOnce = (room: Room, client: Client, plans: ReadonlyArray<JobPlan>, way: Way): Effect.Effect<void> => {
  const { maxDelay, maxPayload } = room.log.capabilities
  const items = plans.map((plan): EnqueueItem => {
    client.ids += 1
    const number = (client.number * 0x1000 + client.ids).toString(16).padStart(12, "0")
    const delay = Math.min(plan.delay, maxDelay)
    const payload = `{"of":"${client.name}","n":${client.ids}}`
    return {
      id: `00000000-0000-4000-8000-${number}`,
      queue,
      name: "mail",
      version: 1,
      // all of it is ASCII
      payload: payload.length > maxPayload ? "{}" : payload,
      ...(delay === 0 ? undefined : { delay }),
      ...(plan.maxAttempts === undefined ? undefined : { maxAttempts: plan.maxAttempts }),
      ...(plan.maxDeliveries === undefined ? undefined : { maxDeliveries: plan.maxDeliveries })
    }
  })
  const jobs = items.map((item): EnqueuedJob => {
    const maxAttempts = item.maxAttempts ?? 10
    return {
      job: item.id,
      queue,
      payload: item.payload,
      delay: item.delay ?? 0,
      maxAttempts,
      maxDeliveries: item.maxDeliveries ?? 2 * maxAttempts + 3
    }
  })
  room.sent.push(...items.map(({ id }) => id))
  const call = (log: JobLogOperations) =>
    Effect.map(log.enqueue(items), (results) =>
      results.map((result) => (result._tag === "Refused" ? `refused: ${result.reason}` : result._tag))
    )
  return Effect.asVoid(insist(room, client, "enqueue", { jobs }, call, way))
}

/**
 * An operator's command on one job.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const control = (
  room: Room,
  client: Client,
  op: "cancel" | "redrive",
  id: string,
  way: Way
): Effect.Effect<void> => {
  const command = { _tag: op === "cancel" ? "Cancel" : "Redrive", id } as const
  const call = (log: JobLogOperations) =>
    Effect.map(log.control([command]), ([result]) =>
      result === undefined ? "unanswered" : result._tag === "Done" ? "Done" : result.reason
    )
  return Effect.asVoid(insist(room, client, op, { job: id }, call, way, "anew"))
}

/**
 * Reads one job.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const read = (room: Room, client: Client, id: string, way: Way = clean): Effect.Effect<void> => {
  const call = (log: JobLogOperations) =>
    Effect.map(log.read({ _tag: "Job", id }), (answer) => {
      if (answer._tag !== "Job" || answer.job === undefined) return null
      const { attempts, deliveries, generation, payload, state, token } = answer.job
      const shown = { state, payload, attempts, deliveries, generation }
      return token === undefined ? shown : { ...shown, token: String(token) }
    })
  return Effect.asVoid(insist(room, client, "read", { job: id }, call, way, "anew"))
}

/**
 * Lists the ids of all jobs.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const list = (room: Room, client: Client): Effect.Effect<void> => {
  const call = (log: JobLogOperations): Effect.Effect<ReadonlyArray<string>, LogError> =>
    Effect.gen(function* () {
      const ids: Array<string> = []
      let after: string | undefined
      do {
        const page = yield* log.read({ _tag: "Jobs", limit: 100, ...(after === undefined ? undefined : { after }) })
        if (page._tag !== "Jobs") return yield* Effect.die(new Error(`read of Jobs answered ${page._tag}`))
        ids.push(...page.jobs.map(({ id }) => id))
        after = page.next
      } while (after !== undefined)
      return ids
    })
  return Effect.asVoid(insist(room, client, "list", null, call, clean, "anew"))
}

/**
 * Takes back what dead sessions hold; answers whether all of it was.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const reclaim = (room: Room, client: Client, limit: number, way: Way = clean): Effect.Effect<boolean> =>
  Effect.map(
    insist(
      room,
      client,
      "reclaim",
      { limit },
      (log) => Effect.map(log.reclaim({ limit }), ({ more }) => more),
      way,
      "anew"
    ),
    (outcome) => outcome.tag === "Ok" && !outcome.value
  )

/**
 * Renews the client's session; `started`: says that what it holds runs.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const renew = (room: Room, client: Client, tells: boolean, way: Way): Effect.Effect<void> => {
  const started = tells ? client.held.map(({ token }) => token) : []
  return Effect.asVoid(
    numbered(
      room,
      client,
      "renew",
      (call) => ({ ...call, started: started.map(String) }),
      (log, call) =>
        Effect.map(log.renew({ ...call, started, progress: [] }), ({ cancelled, expiresAt, lost, now }) => ({
          now,
          expiresAt,
          lost: lost.map(String),
          cancelled: cancelled.map(String)
        })),
      way
    )
  )
}

/**
 * Closes the client's session.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const close = (room: Room, client: Client, way: Way): Effect.Effect<void> => {
  const session = client.session?.id
  if (session === undefined) return Effect.void
  client.session = undefined
  client.held = []
  const call = (log: JobLogOperations) => Effect.as(log.close(session), null)
  return Effect.asVoid(insist(room, client, "close", { session }, call, way, "anew"))
}

/**
 * Looks at the log's time.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const lookAtTime = (room: Room, client: Client): Effect.Effect<void> => {
  const { inspect, maxLease } = room.log.capabilities
  const call = (log: JobLogOperations): Effect.Effect<number, LogError> =>
    inspect
      ? Effect.map(log.read({ _tag: "Counts", queue }), ({ now }) => now)
      : Effect.map(log.open({ owner: client.name, leaseDuration: Math.min(1000, maxLease) }), ({ now }) => now)
  return Effect.asVoid(insist(room, client, "time", null, call, clean, "anew"))
}
