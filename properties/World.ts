/**
 * One log under test with all that a history has seen of it so far.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type {
  ClaimRequest,
  ClaimResult,
  EnqueueItem,
  Grant,
  JobLogOperations,
  JobView,
  SettleRequest,
  SettleResult
} from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import type { TestLog } from "./Harness.ts"
import type { LawName } from "./LawName.ts"
import * as Model from "./Model.ts"
import { compare } from "./ModelSnapshot.ts"
import type { Snapshot } from "./ModelSnapshot.ts"
import type { JobSpec } from "./Step.ts"

/**
 * How a call ended.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Outcome<A> =
  | { readonly _tag: "Ok"; readonly value: A }
  | { readonly _tag: "Failed"; readonly error: LogError }
  | { readonly _tag: "Died"; readonly message: string }

/**
 * A numbered call and its first answer.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Call =
  | { readonly _tag: "Claim"; readonly request: ClaimRequest; readonly answer: ClaimResult }
  | { readonly _tag: "Settle"; readonly request: SettleRequest; readonly answer: ReadonlyArray<SettleResult> }

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface World {
  readonly test: TestLog
  readonly capabilities: Capabilities
  readonly patience: number
  /** Wraps a log that was opened so that calls are counted. */
  readonly watch: (log: JobLogOperations) => JobLogOperations
  log: JobLogOperations
  model: Model.Model
  /** Log time of the latest snapshot. */
  now: number
  /** Log time when taking it began. */
  since: number
  readonly slots: Array<string | undefined>
  readonly deadSessions: Array<string>
  readonly grants: Array<{ readonly grant: Grant; readonly session: string }>
  readonly calls: Array<Call>
  ids: number
  readonly violations: Array<Model.Violation>
  /** How often what happened: a generator that never reaches a situation says nothing about it. */
  readonly coverage: Map<string, number>
  /** How often which command met a job in which state under which fault: see {@link Coverage}. */
  readonly cells: Map<string, number>
  commands: number
  /** What the log showed at the latest look, as text; `undefined` where it shows nothing. */
  shown: string | undefined
  /** Milliseconds for which the log's time may stand still because the wall clock was set back. */
  clockDebt: number
  /** What became of a call cannot be known, because the log shows nothing: the history ends here. */
  blinded: boolean
  /** The history in words. */
  readonly lines: Array<string>
}

/**
 * Lease durations of the three session slots, milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const slotLeases = [1000, 5000, 60_000] as const

/**
 * The queues of all histories.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const queueNames = ["alpha", "beta"] as const
/**
 * The job names of all histories.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const jobNames = ["mail", "bill"] as const

const liveClock = Clock.Clock.defaultValue()

/**
 * Real time, whatever clock the log under test is on.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const realSleep = (millis: number): Effect.Effect<void> =>
  Effect.provideService(Effect.sleep(millis), Clock.Clock, liveClock)

/**
 * Carries a call out and waits for it no longer than is patient.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const outcome = <A>(call: Effect.Effect<A, LogError>, patience: number): Effect.Effect<Outcome<A>> =>
  Effect.raceFirst(
    Effect.map(Effect.exit(call), (exit): Outcome<A> => ofExit(exit)),
    Effect.map(realSleep(patience), (): Outcome<A> => ({ _tag: "Died", message: `no answer within ${patience} ms` }))
  )

/** By its tag: a log may have been built against another copy of this package. */
const isLogError = (error: unknown): error is LogError =>
  Predicate.isTagged(error, "LogError") && Predicate.hasProperty(error, "reason")

/**
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const ofExit = <A>(exit: Exit.Exit<A, LogError>): Outcome<A> => {
  if (Exit.isSuccess(exit)) return { _tag: "Ok", value: exit.value }
  const error: unknown = Cause.squash(exit.cause)
  return isLogError(error)
    ? { _tag: "Failed", error }
    : { _tag: "Died", message: Cause.pretty(exit.cause).split("\n")[0] ?? "died" }
}

/**
 * JSON of anything that the port answers, for messages and comparisons.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const json = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part)) ?? "undefined"

/**
 * Notes a violation.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const report = (world: World, laws: ReadonlyArray<LawName>, message: string): void => {
  world.violations.push({ laws, message })
}

/**
 * Notes violations.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const reportAll = (world: World, violations: ReadonlyArray<Model.Violation>): void => {
  world.violations.push(...violations)
}

/**
 * Notes that something happened.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const count = (coverage: Map<string, number>, what: string): void =>
  void coverage.set(what, (coverage.get(what) ?? 0) + 1)

/** With a byte to spare, for those who change it. */
const fits = (can: Capabilities, payload: string): boolean => new TextEncoder().encode(payload).length < can.maxPayload

const trace = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true }

/**
 * The nearest priority that the log has.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const priorityFor = (can: Capabilities, priority: number): number => {
  const levels = Math.floor((can.priorities - 1) / 2)
  return Math.max(-levels, Math.min(levels, priority))
}

/**
 * A new job's request; what the log does not offer is left out.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const toItem = (world: World, spec: JobSpec): EnqueueItem => {
  const can = world.capabilities
  world.ids += 1
  const delayed = can.maxDelay > 0
  const carried = spec.carried
  return {
    id: `00000000-0000-4000-8000-${world.ids.toString(16).padStart(12, "0")}`,
    queue: queueNames[spec.queue % 2] ?? "alpha",
    name: jobNames[spec.name % 2] ?? "mail",
    version: carried?.version ?? 1,
    payload: fits(can, spec.payload) ? spec.payload : "{}",
    ...(spec.priority === undefined || can.priorities < 3 ? undefined : { priority: priorityFor(can, spec.priority) }),
    ...(spec.at === undefined || !delayed ? undefined : { at: world.now + Math.min(spec.at, can.maxDelay) }),
    ...(spec.delay === undefined || spec.at !== undefined || !delayed
      ? undefined
      : { delay: Math.min(spec.delay, can.maxDelay) }),
    ...(carried?.timeout === undefined ? undefined : { timeout: carried.timeout }),
    ...(carried?.leaseDuration === undefined || carried.leaseDuration > can.maxLease
      ? undefined
      : { leaseDuration: carried.leaseDuration }),
    ...(carried?.traced === true ? { trace } : undefined),
    ...(spec.maxAttempts === undefined ? undefined : { maxAttempts: spec.maxAttempts }),
    ...(spec.maxDeliveries === undefined ? undefined : { maxDeliveries: spec.maxDeliveries }),
    ...(spec.deadline === undefined ? undefined : { deadline: world.now + spec.deadline }),
    ...(spec.group === undefined || !can.groups ? undefined : { group: `g${spec.group}` }),
    ...(spec.key === undefined || !can.dedupe
      ? undefined
      : {
          key: {
            value: `k${spec.key.value}`,
            window: spec.key.window,
            ...(spec.key.replace ? { onConflict: "replace" as const } : undefined)
          }
        }),
    ...(spec.metadata === undefined ? undefined : { metadata: spec.metadata })
  }
}

/** All that the log shows; `undefined` where it does not list jobs. */
const snapshotOf = (log: JobLogOperations): Effect.Effect<Snapshot | undefined, LogError> =>
  Effect.gen(function* () {
    if (!log.capabilities.inspect) return undefined
    const jobs: Array<JobView> = []
    let after: string | undefined
    let since: number | undefined
    do {
      const page = yield* log.read({ _tag: "Jobs", limit: 25, ...(after === undefined ? undefined : { after }) })
      if (page._tag !== "Jobs") return yield* Effect.die(new Error(`read of Jobs answered ${page._tag}`))
      since ??= page.now
      jobs.push(...page.jobs)
      after = page.next
    } while (after !== undefined)
    const counts = yield* log.read({ _tag: "Counts" })
    if (counts._tag !== "Counts") return yield* Effect.die(new Error(`read of Counts answered ${counts._tag}`))
    return { since, now: counts.now, jobs, counts: counts.queues }
  })

/** The log's time, read or, where it shows nothing, told by a session opened for it. */
const timeOf = (log: JobLogOperations): Effect.Effect<number, LogError> =>
  Effect.map(log.open({ owner: "leasehold properties", leaseDuration: 1000 }), (session) => session.now)

/**
 * What a log shows and its time.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const look = (
  log: JobLogOperations
): Effect.Effect<{ readonly now: number; readonly snapshot: Snapshot | undefined }, LogError> =>
  Effect.gen(function* () {
    const snapshot = yield* snapshotOf(log)
    return { now: snapshot?.now ?? (yield* timeOf(log)), snapshot }
  })

/**
 * Looks at the log after a step and holds it against the model.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const observe = (world: World, judge: (window: Model.Window) => ReadonlyArray<LawName>): Effect.Effect<void> =>
  Effect.gen(function* () {
    const before = world.now
    const seen = yield* outcome(look(world.log), world.patience)
    if (seen._tag !== "Ok") {
      const why = seen._tag === "Died" ? seen.message : seen.error.message
      return report(world, ["readsAgree"], `read: ${why}`)
    }
    if (seen.value.now < before) {
      report(world, ["clockStepSafe"], `the log's time went back by ${before - seen.value.now} ms`)
    }
    world.now = Math.max(before, seen.value.now)
    const window = { before, after: world.now }
    world.since = seen.value.snapshot?.since ?? world.now
    world.shown = seen.value.snapshot && json([seen.value.snapshot.jobs, seen.value.snapshot.counts])
    const blame = judge(window)
    if (seen.value.snapshot !== undefined) reportAll(world, compare(world.model, seen.value.snapshot, window, blame))
  })

/**
 * The session of a slot, opened when it has none or a dead one.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const sessionOf = (world: World, slot: number): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const index = slot % slotLeases.length
    const current = world.slots[index]
    if (current !== undefined) {
      if (!Model.surelyDead(world.model, current, world.now)) return current
      world.deadSessions.push(current)
      world.slots[index] = undefined
    }
    const leaseDuration = Math.min(slotLeases[index] ?? 1000, world.capabilities.maxLease)
    const opened = yield* outcome(world.log.open({ owner: `slot ${index}`, leaseDuration }), world.patience)
    if (opened._tag !== "Ok") {
      report(world, ["reclaimOnExpiry"], `open: ${opened._tag === "Died" ? opened.message : opened.error.message}`)
      return undefined
    }
    const session = opened.value
    if (world.model.sessions.has(session.id))
      report(world, ["staleTokenRefused"], `session id ${session.id} is used again`)
    const timed = world.capabilities.lease === "timed"
    if (timed && (session.leaseDuration !== leaseDuration || session.expiresAt !== session.now + leaseDuration)) {
      report(world, ["reclaimOnExpiry"], `opened for ${leaseDuration} ms, answered ${json(session)}`)
    }
    world.model.sessions.set(session.id, {
      id: session.id,
      leaseDuration,
      // one that ends with its connection outlives any time
      expiresAt: timed ? session.expiresAt : Number.POSITIVE_INFINITY,
      ended: false,
      closedLate: false,
      calls: 0
    })
    world.slots[index] = session.id
    world.lines.push(`   open slot ${index}: ${session.id} until ${session.expiresAt}`)
    return session.id
  })

/**
 * The number of a session's next call.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const nextCall = (world: World, id: string): number => {
  const session = world.model.sessions.get(id)
  if (session === undefined) return 1
  session.calls += 1
  return session.calls
}

/**
 * Takes back the number of a call that was refused and so never happened.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const unusedCall = (world: World, id: string): void => {
  const session = world.model.sessions.get(id)
  if (session !== undefined) session.calls -= 1
}
