/**
 * One acknowledged call of each kind, and what has to be found of it after a crash.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { ControlCommand, JobView, Session, Settlement } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import { call, claim, control, enqueue, newItem, open, pass, reclaimAll, settle, show } from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import { held } from "./Held.ts"
import { json, ofExit } from "./World.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Acknowledgement {
  readonly name: string
  readonly needs?: (can: Capabilities) => boolean
  /** Makes the call; answers how to look, after the crash, for what was lost of it. */
  readonly act: (bench: Bench, session: Session) => Effect.Effect<Effect.Effect<string | undefined, LogError>, LogError>
}

/** The job is shown as it was before the crash. */
const asBefore = (bench: Bench, id: string): Effect.Effect<Effect.Effect<string | undefined, LogError>, LogError> =>
  Effect.map(show(bench, id), (before) =>
    Effect.map(show(bench, id), (after) =>
      json(before) === json(after) ? undefined : `shown as ${json(before)} before the crash, as ${json(after)} after it`
    )
  )

const field = (
  bench: Bench,
  id: string,
  of: (job: JobView) => unknown,
  expected: unknown
): Effect.Effect<string | undefined, LogError> =>
  Effect.map(show(bench, id), (job) => {
    const found = job === undefined ? "no job" : of(job)
    return found === expected ? undefined : `found ${json(found)} after the crash, expected ${json(expected)}`
  })

const failure = { kind: "failure", tag: "Declined", message: "declined" } as const

const settled = (name: string, settlement: Settlement): Acknowledgement => ({
  name,
  act: (bench, session) =>
    Effect.gen(function* () {
      const grant = yield* held(bench, session)
      yield* settle(bench, session, grant, settlement)
      return yield* asBefore(bench, grant.id)
    })
})

/** A command on a job that waits, or after `before` on what became of it. */
const commanded = (
  command: (id: string, can: Pick<Capabilities, "maxDelay">) => ControlCommand,
  before: (bench: Bench, session: Session, id: string) => Effect.Effect<unknown, LogError> = () => Effect.void
): Acknowledgement => ({
  name: `control ${command("", { maxDelay: 0 })._tag}`,
  act: (bench, session) =>
    Effect.gen(function* () {
      const item = newItem(bench)
      yield* enqueue(bench, item)
      yield* before(bench, session, item.id)
      yield* control(bench, command(item.id, bench.capabilities))
      return yield* asBefore(bench, item.id)
    })
})

const deadLettered = (bench: Bench, session: Session): Effect.Effect<unknown, LogError> =>
  Effect.flatMap(claim(bench, session), ([grant]): Effect.Effect<unknown, LogError> =>
    grant === undefined
      ? Effect.succeed(undefined)
      : settle(bench, session, grant, { _tag: "DeadLetter", cause: failure })
  )

const paused = (bench: Bench, expected: boolean): Effect.Effect<string | undefined, LogError> =>
  Effect.map(
    Effect.suspend(() => bench.log.read({ _tag: "Counts", queue: "alpha" })),
    (answer) => {
      const found =
        answer._tag === "Counts" && answer.queues.some((counts) => counts.queue === "alpha" && counts.paused)
      return found === expected ? undefined : `the queue is ${found ? "paused" : "running"} after the crash`
    }
  )

/**
 * All kinds of calls that a log acknowledges.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const acknowledgements: ReadonlyArray<Acknowledgement> = [
  {
    name: "enqueue",
    act: (bench) =>
      Effect.gen(function* () {
        const item = newItem(bench, { payload: "kept" })
        yield* enqueue(bench, item)
        return yield* asBefore(bench, item.id)
      })
  },
  {
    name: "claim",
    act: (bench, session) => Effect.map(held(bench, session), ({ id }) => field(bench, id, (job) => job.deliveries, 1))
  },
  settled("settle Complete", { _tag: "Complete", result: "kept" }),
  settled("settle Retry", { _tag: "Retry", delay: 5000, cause: failure }),
  settled("settle Release", { _tag: "Release", delay: 5000 }),
  settled("settle DeadLetter", { _tag: "DeadLetter", cause: failure }),
  {
    name: "a mark that it started",
    act: (bench, session) =>
      Effect.gen(function* () {
        const { id, token } = yield* held(bench, session)
        yield* bench.log.renew({ session: session.id, call: call(bench, session.id), started: [token], progress: [] })
        // the session ended with its log, and a run that is known to have started counts when it is taken back
        return Effect.andThen(
          reclaimAll(bench, 100),
          field(bench, id, (job) => job.attempts, 1)
        )
      }),
    needs: (can) => !can.crossProcess
  },
  {
    name: "progress",
    act: (bench, session) =>
      Effect.gen(function* () {
        const { id, token } = yield* held(bench, session)
        const progress = [{ token, value: "half" }]
        yield* bench.log.renew({ session: session.id, call: call(bench, session.id), started: [], progress })
        return field(bench, id, (job) => job.progress, "half")
      })
  },
  {
    name: "close",
    act: (bench, session) =>
      Effect.gen(function* () {
        const { id } = yield* held(bench, session)
        yield* bench.log.close(session.id)
        return yield* asBefore(bench, id)
      })
  },
  {
    name: "reclaim",
    needs: (can) => can.reclaim === "log" && can.lease === "timed",
    act: (bench) =>
      Effect.gen(function* () {
        const short = yield* open(bench, 1000)
        const { id } = yield* held(bench, short)
        yield* pass(bench, 1000)
        yield* reclaimAll(bench, 100)
        return yield* asBefore(bench, id)
      })
  },
  commanded((id) => ({ _tag: "Cancel", id })),
  commanded((id, can) => ({ _tag: "Reschedule", id, delay: Math.min(5000, can.maxDelay) })),
  commanded((id) => ({ _tag: "Redrive", id }), deadLettered),
  commanded(
    (id) => ({ _tag: "Purge", id }),
    (bench, _session, id) => control(bench, { _tag: "Cancel", id })
  ),
  {
    name: "control Pause",
    act: (bench) => Effect.as(control(bench, { _tag: "Pause", queue: "alpha" }), paused(bench, true))
  },
  {
    name: "control Resume",
    act: (bench) =>
      Effect.gen(function* () {
        yield* control(bench, { _tag: "Pause", queue: "alpha" })
        yield* control(bench, { _tag: "Resume", queue: "alpha" })
        return paused(bench, false)
      })
  },
  {
    name: "control Configure of a backlog",
    act: (bench) =>
      Effect.gen(function* () {
        yield* enqueue(bench, newItem(bench))
        yield* control(bench, { _tag: "Configure", queue: "alpha", policy: { maxBacklog: 1 } })
        return Effect.map(Effect.exit(Effect.suspend(() => bench.log.enqueue([newItem(bench)]))), (exit) => {
          const answer = ofExit(exit)
          const full = answer._tag === "Failed" && answer.error.reason._tag === "Full"
          return full ? undefined : "a queue takes more than it was told to hold"
        })
      })
  },
  {
    name: "control Configure of groups",
    needs: (can) => can.groups,
    act: (bench) =>
      Effect.gen(function* () {
        yield* control(bench, { _tag: "Configure", queue: "alpha", policy: { groupConcurrency: 2 } })
        yield* enqueue(bench, newItem(bench, { group: "g" }), newItem(bench, { group: "g" }))
        return Effect.gen(function* () {
          const session = yield* open(bench, 1000)
          const grants = yield* claim(bench, session, { limit: 2 })
          return grants.length === 2 ? undefined : `${grants.length} of a group of concurrency 2 were granted`
        })
      })
  }
]
