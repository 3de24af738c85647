/**
 * The demo's run with kills: one worker process after the other, each but the last killed with SIGKILL, and what the log
 * says in between. A log whose server is the demo's own has that killed too.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { JobLogOperations, JobView } from "../../log/JobLog.ts"
import type { LogError } from "../../log/LogError.ts"
import type { Display } from "./Display.ts"
import { runUntilKilled } from "./WorkerProcess.ts"

/**
 * The demo cannot start, or did not prove what it set out to.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class DemoFailed extends Schema.TaggedError<DemoFailed>()("DemoFailed", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/**
 * What is run.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Work {
  /** Folder whose files are fingerprinted. */
  readonly dir: string
  readonly paths: ReadonlyArray<string>
  /** The file that lists them. */
  readonly list: string
  readonly kills: number
  readonly concurrency: number
}

/**
 * A log as the demo uses it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Stage {
  /** Names the log to a worker process. */
  readonly environment: Readonly<Record<string, string>>
  /** The log to look into while no worker is alive; undefined while there is none yet. */
  readonly read: Effect.Effect<Pick<JobLogOperations, "read"> | undefined, LogError, Scope.Scope>
  /** Waits until nothing of a killed worker is under way any more. */
  readonly settled: Effect.Effect<void, LogError>
  /** Kills the log's server and starts it again; absent where it is not the demo's own. */
  readonly outage?: Effect.Effect<void, DemoFailed> | undefined
}

/**
 * How a run went.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Run {
  readonly kills: number
  readonly serverKills: number
  readonly millis: number
  /** Latencies of claims, milliseconds. */
  readonly claims: ReadonlyArray<number>
  /** See `Proof.collect`. */
  readonly leasedAtKills: ReadonlyMap<string, number>
  readonly leasedAtOutages: ReadonlyMap<string, number>
}

/** Adds to `tally` what the log says about the jobs in its worker's hands. */
const tallyGrants = Effect.fnUntraced(function* (
  stage: Stage,
  tally: Map<string, number>,
  grantsOf: (job: JobView) => number
) {
  let ended = 0
  let grants = 0
  const log = yield* stage.read
  if (log === undefined) return { ended, grants }
  let after: string | undefined
  do {
    const page = yield* log.read({ _tag: "Jobs", queue: "demo", after, limit: 1_000 })
    if (page._tag !== "Jobs") break
    for (const job of page.jobs) {
      if (job.state === "Completed" || job.state === "DeadLettered") ended++
      const more = grantsOf(job)
      if (more === 0) continue
      grants += more
      tally.set(job.id, (tally.get(job.id) ?? 0) + more)
    }
    after = page.next
  } while (after !== undefined)
  return { ended, grants }
}, Effect.scoped)

/** One for each grant that is held and was not seen before: a dead worker's grants stay until its lease ends. */
const newGrants = (): ((job: JobView) => number) => {
  const seen = new Set<bigint>()
  return ({ state, token }) => {
    if (state !== "Leased" || token === undefined || seen.has(token)) return 0
    seen.add(token)
    return 1
  }
}

/**
 * Runs worker processes until all jobs are finished. With `resume` the log may hold an earlier run's.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const runKilled = Effect.fnUntraced(function* (work: Work, resume: boolean, stage: Stage, display: Display) {
  const total = work.paths.length
  const claims: Array<number> = []
  const leasedAtKills = new Map<string, number>()
  const leasedAtOutages = new Map<string, number>()
  const killed = newGrants()
  const mayBeLost = newGrants()
  let kills = 0
  let serverKills = 0
  let acknowledged = 0
  if (resume) yield* tallyGrants(stage, leasedAtKills, (job) => job.deliveries - job.attempts)

  const mustHold = (ended: number, known: number, what: string): Effect.Effect<void, DemoFailed> =>
    ended < known
      ? Effect.fail(new DemoFailed({ detail: `${known - ended} acknowledged jobs are missing after ${what}` }))
      : Effect.void

  const outage = Effect.fnUntraced(function* (kill: NonNullable<Stage["outage"]>) {
    const before = yield* Clock.currentTimeMillis
    yield* kill
    serverKills++
    return (yield* Clock.currentTimeMillis) - before
  })

  const outageBeside = Effect.fnUntraced(function* (kill: NonNullable<Stage["outage"]>) {
    const millis = yield* outage(kill)
    // the worker goes on while the log is looked through
    const known = acknowledged
    const { ended } = yield* tallyGrants(stage, leasedAtOutages, mayBeLost)
    yield* mustHold(ended, known, "the server was killed")
    display.line(
      `kill -9 of the server: it was back after ${millis} ms with all ${ended} finished jobs; the worker goes on`
    )
  })

  const startedAt = yield* Clock.currentTimeMillis
  for (;;) {
    const holdAt = kills < work.kills ? Math.floor((total * (kills + 1)) / (work.kills + 1)) : undefined
    // once with the worker alive, and once together with the last worker that is killed
    const outageAt =
      stage.outage !== undefined && kills === 0 && holdAt !== undefined ? Math.floor(holdAt / 2) : undefined
    let over = false
    const halfway = yield* Latch.make(false)
    const worker = runUntilKilled(
      {
        root: work.dir,
        list: work.list,
        concurrency: work.concurrency,
        ...(holdAt === undefined || total === 0 ? undefined : { holdAt: Math.min(holdAt, total - 1) })
      },
      stage.environment,
      (message) => {
        if (message._tag === "Enqueued" && message.inserted > 0) {
          display.line(`${message.inserted} jobs enqueued, each one durable before it was acknowledged`)
        }
        if (message._tag === "Progress") {
          claims.push(...message.claims)
          acknowledged = Math.max(acknowledged, message.completed + message.deadLettered)
          display.progress(acknowledged, total)
          if (outageAt !== undefined && acknowledged >= outageAt) halfway.openUnsafe()
        }
      }
    )
    const ended = Effect.andThen(
      Effect.sync(() => (over = true)),
      halfway.open
    )
    const outageIfAlive = Effect.suspend(() =>
      stage.outage === undefined || over ? Effect.void : outageBeside(stage.outage)
    )
    const [running] = yield* Effect.all(
      [Effect.ensuring(worker, ended), Effect.andThen(halfway.await, outageIfAlive)],
      { concurrency: 2 }
    )
    if (running === undefined) break
    kills++
    const both = stage.outage !== undefined && kills === work.kills
    if (both && stage.outage !== undefined) yield* outage(stage.outage)
    yield* stage.settled
    const found = yield* tallyGrants(stage, leasedAtKills, killed)
    yield* mustHold(found.ended, acknowledged, "the kill")
    display.line(
      `kill -9 number ${kills}: the worker process died with ${running} jobs in its hands and ${found.grants} leases` +
        `${both ? ", and the server with it" : ""}; ${found.ended} finished jobs are safe. Starting another one.`
    )
  }
  const millis = (yield* Clock.currentTimeMillis) - startedAt
  display.line("all jobs are finished; checking each one against its file")
  const run: Run = { kills, serverKills, millis, claims, leasedAtKills, leasedAtOutages }
  return run
})
