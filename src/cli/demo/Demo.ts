/**
 * The demo: real files, one durable job each, a worker process killed with SIGKILL in the middle (and the log's
 * own server), and the proof that nothing was lost.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { silent } from "../../actors/Telemetry.ts"
import * as FileLog from "../../backends/file/FileLog.ts"
import * as MemoryLog from "../../backends/memory/MemoryLog.ts"
import { loadPostgres, loadRedis } from "../../ConfiguredLog.ts"
import type { LogError } from "../../log/LogError.ts"
import { JobQueue, type JobQueueOperations } from "../../scheduler/JobQueue.ts"
import { JobScheduler } from "../../scheduler/JobScheduler.ts"
import { SchedulerTelemetry } from "../../scheduler/SchedulerTelemetry.ts"
import * as Display from "./Display.ts"
import * as Fingerprint from "./Fingerprint.ts"
import { DemoFailed, runKilled, type Stage, type Work } from "./Killing.ts"
import type { PostgresPlace, RedisPlace } from "../Access.ts"
import * as Proof from "./Proof.ts"
import { walk } from "./Walk.ts"

/**
 * In which log the demo's jobs are. Where a server's log has no place given, it is made in a private server.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type DemoLog =
  | { readonly _tag: "file" }
  | { readonly _tag: "memory" }
  | { readonly _tag: "postgres"; readonly place: PostgresPlace | undefined }
  | { readonly _tag: "redis"; readonly place: RedisPlace | undefined }

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface DemoOptions {
  /** Folder whose files are fingerprinted. */
  readonly dir: string
  /** Where the demo keeps its log and its list of files. */
  readonly state: string
  readonly log: DemoLog
  readonly resume: boolean
  readonly kills: number
  readonly concurrency: number
}

/**
 * The demo's summary, also its JSON form.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface DemoReport {
  readonly jobs: number
  readonly completed: number
  readonly deadLettered: number
  readonly lost: number
  readonly attempts: number
  readonly deliveries: number
  readonly reclaimed: number
  readonly kills: number
  /** How often the log's private server was killed. */
  readonly serverKills: number
  readonly jobsPerSecond: number
  readonly claimP50Ms: number
  readonly claimP95Ms: number
}

const quantile = (values: ReadonlyArray<number>, share: number): number => {
  if (values.length === 0) return 0
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]! * 1_000) / 1_000
}

/** Marks a folder as the demo's own, so that starting clean never deletes anything else. */
const marker = "leasehold-demo"

const prepare = (options: DemoOptions): Effect.Effect<void, DemoFailed> =>
  Effect.try({
    try: () => {
      if (Fs.existsSync(options.state) && !options.resume) {
        const entries = Fs.readdirSync(options.state)
        if (entries.length > 0 && !entries.includes(marker)) {
          throw new Error(`${options.state} holds something else than an earlier demo; choose another with --state`)
        }
        Fs.rmSync(options.state, { recursive: true })
      }
      Fs.mkdirSync(options.state, { recursive: true })
      Fs.writeFileSync(Path.join(options.state, marker), "made by `leasehold demo`; may be deleted\n")
    },
    catch: (error) => new DemoFailed({ detail: error instanceof Error ? error.message : String(error) })
  })

/** The walk of this run, or with `resume` the one that the earlier run started from. */
const listFiles = Effect.fnUntraced(function* (options: DemoOptions, list: string) {
  if (options.resume && Fs.existsSync(list)) {
    return Fs.readFileSync(list, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => String(JSON.parse(line)))
  }
  const paths = yield* walk(options.dir, options.state)
  Fs.writeFileSync(list, paths.map((path) => `${JSON.stringify(path)}\n`).join(""))
  return paths
})

interface Outcome {
  readonly proof: Proof.Proof
  readonly kills: number
  readonly serverKills: number
  readonly millis: number
  readonly claims: ReadonlyArray<number>
}

interface ServerStage {
  readonly stage: Stage
  /** The log to prove it by, opened when everything is done. */
  readonly queue: Effect.Effect<JobQueueOperations, LogError, Scope.Scope>
  /** Removes the log where its server stays. */
  readonly finish: Effect.Effect<void, LogError>
}

const overFile = Effect.fnUntraced(function* (options: DemoOptions, work: Work, display: Display.Display) {
  const directory = Path.join(options.state, "log")
  const run = yield* runKilled(
    work,
    options.resume,
    {
      environment: { LEASEHOLD_LOG: "file", LEASEHOLD_DIRECTORY: directory },
      read: Effect.suspend(() =>
        Fs.existsSync(directory) ? FileLog.readDirectory(directory) : Effect.succeed(undefined)
      ),
      settled: Effect.void
    },
    display
  )
  const proof = yield* Proof.collect(options.dir, work.paths, run.leasedAtKills, run.leasedAtOutages).pipe(
    Effect.provide(JobQueue.layer.pipe(Layer.provide(FileLog.layer({ directory }))))
  )
  const outcome: Outcome = { ...run, proof }
  return outcome
})

/** A log on a server, made and removed by `openStage`. */
const overServer = Effect.fnUntraced(function* (
  options: DemoOptions,
  work: Work,
  display: Display.Display,
  { finish, queue, stage }: ServerStage
) {
  const run = yield* runKilled(work, options.resume, stage, display)
  const proof = yield* Proof.collect(options.dir, work.paths, run.leasedAtKills, run.leasedAtOutages).pipe(
    Effect.provideServiceEffect(JobQueue, queue)
  )
  yield* finish
  const outcome: Outcome = { ...run, proof }
  return outcome
})

const overPostgres = Effect.fnUntraced(function* (
  options: DemoOptions,
  place: PostgresPlace | undefined,
  work: Work,
  display: Display.Display
) {
  const { openStage } = yield* loadPostgres(() => import("./PostgresStage.ts"))
  const { queue, ...opened } = yield* openStage(place, options.resume, display)
  return yield* overServer(options, work, display, { ...opened, queue: Effect.succeed(queue) })
}, Effect.scoped)

const overRedis = Effect.fnUntraced(function* (
  options: DemoOptions,
  place: RedisPlace | undefined,
  work: Work,
  display: Display.Display
) {
  const { openStage } = yield* loadRedis(() => import("./RedisStage.ts"))
  return yield* overServer(options, work, display, yield* openStage(place, options.resume, display))
}, Effect.scoped)

const overMemory = Effect.fnUntraced(function* (
  options: DemoOptions,
  paths: ReadonlyArray<string>,
  display: Display.Display
) {
  display.line("the memory log's durability is none: this run is not killed, and nothing of it survives its process")
  const claims: Array<number> = []
  const telemetry = {
    ...silent,
    claimed: (_queue: string, _grants: unknown, millis: number) => {
      claims.push(millis)
    }
  }
  const scheduler = JobScheduler.layerWith({ concurrency: options.concurrency }).pipe(
    Layer.provide(Fingerprint.layer(Effect.void)),
    Layer.provide(Layer.succeed(SchedulerTelemetry, telemetry)),
    Layer.provide(MemoryLog.layer())
  )
  return yield* Effect.gen(function* () {
    const queue = yield* JobQueue
    yield* queue.configure("demo", { retainCompleted: 24 * 3600 * 1000, retainCompletedCount: 100_000_000 })
    const startedAt = yield* Clock.currentTimeMillis
    yield* Fingerprint.Fingerprint.enqueueAll(paths.map((path) => ({ root: options.dir, path })))
    for (;;) {
      const [counts] = yield* queue.counts("demo")
      const ended = (counts?.completed ?? 0) + (counts?.deadLettered ?? 0)
      display.progress(ended, paths.length)
      if (ended === paths.length) break
      yield* Effect.sleep(50)
    }
    const millis = (yield* Clock.currentTimeMillis) - startedAt
    const proof = yield* Proof.collect(options.dir, paths, new Map(), new Map())
    const outcome: Outcome = { proof, kills: 0, serverKills: 0, millis, claims }
    return outcome
  }).pipe(Effect.provide(scheduler))
})

const inLog = (options: DemoOptions, work: Work, display: Display.Display) => {
  const { log } = options
  switch (log._tag) {
    case "memory":
      return overMemory(options, work.paths, display)
    case "postgres":
      return overPostgres(options, log.place, work, display)
    case "redis":
      return overRedis(options, log.place, work, display)
    case "file":
      return overFile(options, work, display)
  }
}

/** What the proof does not bear out, in words; empty when all holds. */
const objections = (outcome: Outcome): ReadonlyArray<string> => {
  const { proof } = outcome
  const found: Array<string> = []
  if (proof.lost !== 0) found.push(`${proof.lost} files have no finished job`)
  if (proof.wrong.length > 0) {
    found.push(`${proof.wrong.length} digests differ from the file now, for example ${proof.wrong[0]}`)
  }
  if (proof.unexplained.length > 0) {
    found.push(
      `${proof.unexplained.length} jobs have repeats that no kill explains, for example ${proof.unexplained[0]}`
    )
  }
  return found
}

/**
 * Runs the demo.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const run = Effect.fnUntraced(function* (options: DemoOptions, out: NodeJS.WriteStream) {
  const display = Display.make(out)
  yield* prepare(options)
  const list = Path.join(options.state, "files.jsonl")
  const paths = yield* listFiles(options, list)
  display.line(`${paths.length} files below ${options.dir}`)
  const work: Work = { dir: options.dir, paths, list, kills: options.kills, concurrency: options.concurrency }
  const outcome = yield* inLog(options, work, display)
  const { claims, kills, millis, proof, serverKills } = outcome
  const report: DemoReport = {
    jobs: proof.jobs,
    completed: proof.completed,
    deadLettered: proof.deadLettered,
    lost: proof.lost,
    attempts: proof.attempts,
    deliveries: proof.deliveries,
    reclaimed: proof.reclaimed,
    kills,
    serverKills,
    jobsPerSecond: millis === 0 ? 0 : Math.round((proof.jobs / millis) * 1_000),
    claimP50Ms: quantile(claims, 0.5),
    claimP95Ms: quantile(claims, 0.95)
  }
  display.line(
    Display.table([
      ["files", String(report.jobs)],
      ["completed, digest proved", `${report.completed - proof.wrong.length - proof.changed.length}`],
      ...(proof.changed.length === 0 ? [] : [["completed, file changed since", String(proof.changed.length)] as const]),
      [
        "dead letters",
        `${report.deadLettered}${Object.entries(proof.causes)
          .map(([cause, count]) => ` ${cause}: ${count}`)
          .join()}`
      ],
      ["lost", String(report.lost)],
      ["kill -9", `${report.kills}${report.serverKills === 0 ? "" : `, and ${report.serverKills} of the server`}`],
      [
        "deliveries",
        `${report.deliveries} = ${report.deliveries - report.reclaimed} settled + ${report.reclaimed} reclaimed after a kill`
      ],
      ["jobs per second", `${report.jobsPerSecond} (restarts included)`],
      ["claim latency", `p50 ${report.claimP50Ms} ms, p95 ${report.claimP95Ms} ms`]
    ])
  )
  const found = objections(outcome)
  for (const objection of found) display.line(`NOT PROVED: ${objection}`)
  return { report, proved: found.length === 0 }
})
