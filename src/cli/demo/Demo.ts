/**
 * The demo: real files, one durable job each, a worker process killed with SIGKILL in the middle, and the proof that
 * nothing was lost.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { silent } from "../../actors/Telemetry.ts"
import * as FileLog from "../../backends/file/FileLog.ts"
import type { JobView } from "../../log/JobLog.ts"
import * as MemoryLog from "../../backends/memory/MemoryLog.ts"
import { JobQueue } from "../../scheduler/JobQueue.ts"
import { JobScheduler } from "../../scheduler/JobScheduler.ts"
import { SchedulerTelemetry } from "../../scheduler/SchedulerTelemetry.ts"
import * as Display from "./Display.ts"
import * as Fingerprint from "./Fingerprint.ts"
import * as Proof from "./Proof.ts"
import { walk } from "./Walk.ts"
import { runUntilKilled } from "./WorkerProcess.ts"

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
  readonly log: "file" | "memory"
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
  readonly jobsPerSecond: number
  readonly claimP50Ms: number
  readonly claimP95Ms: number
}

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
  readonly millis: number
  readonly claims: ReadonlyArray<number>
}

/** Adds to `tally` what the log, read beside its dead owner, says about the jobs in its hands. */
const tallyGrants = Effect.fnUntraced(function* (
  logDirectory: string,
  tally: Map<string, number>,
  grantsOf: (job: JobView) => number
) {
  if (!Fs.existsSync(logDirectory)) return { ended: 0, grants: 0 }
  const log = yield* FileLog.readDirectory(logDirectory)
  let ended = 0
  let grants = 0
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

const overFile = Effect.fnUntraced(function* (
  options: DemoOptions,
  paths: ReadonlyArray<string>,
  list: string,
  display: Display.Display
) {
  const logDirectory = Path.join(options.state, "log")
  const claims: Array<number> = []
  let kills = 0
  const leasedAtKills = new Map<string, number>()
  if (options.resume) yield* tallyGrants(logDirectory, leasedAtKills, (job) => job.deliveries - job.attempts)
  let acknowledged = 0
  const startedAt = yield* Clock.currentTimeMillis
  for (;;) {
    const holdAt = kills < options.kills ? Math.floor((paths.length * (kills + 1)) / (options.kills + 1)) : undefined
    const running = yield* runUntilKilled(
      {
        root: options.dir,
        logDirectory,
        list,
        concurrency: options.concurrency,
        ...(holdAt === undefined || paths.length === 0 ? undefined : { holdAt: Math.min(holdAt, paths.length - 1) })
      },
      (message) => {
        if (message._tag === "Enqueued" && message.inserted > 0) {
          display.line(`${message.inserted} jobs enqueued, each one durable before it was acknowledged`)
        }
        if (message._tag === "Progress") {
          claims.push(...message.claims)
          acknowledged = Math.max(acknowledged, message.completed + message.deadLettered)
          display.progress(acknowledged, paths.length)
        }
      }
    )
    if (running === undefined) break
    kills++
    const { ended, grants } = yield* tallyGrants(logDirectory, leasedAtKills, (job) => (job.state === "Leased" ? 1 : 0))
    if (ended < acknowledged) {
      return yield* new DemoFailed({ detail: `${acknowledged - ended} acknowledged jobs are missing after the kill` })
    }
    display.line(
      `kill -9 number ${kills}: the worker process died with ${running} jobs in its hands and ${grants} leases; ` +
        `${ended} finished jobs are safe. Starting another one.`
    )
  }
  const millis = (yield* Clock.currentTimeMillis) - startedAt
  display.line("all jobs are finished; checking each one against its file")
  const proof = yield* Proof.collect(options.dir, paths, leasedAtKills).pipe(
    Effect.provide(JobQueue.layer.pipe(Layer.provide(FileLog.layer({ directory: logDirectory }))))
  )
  const outcome: Outcome = { proof, kills, millis, claims }
  return outcome
})

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
    const outcome: Outcome = { proof: yield* Proof.collect(options.dir, paths, new Map()), kills: 0, millis, claims }
    return outcome
  }).pipe(Effect.provide(scheduler))
})

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
  const outcome = yield* options.log === "file"
    ? overFile(options, paths, list, display)
    : overMemory(options, paths, display)
  const { claims, kills, millis, proof } = outcome
  const report: DemoReport = {
    jobs: proof.jobs,
    completed: proof.completed,
    deadLettered: proof.deadLettered,
    lost: proof.lost,
    attempts: proof.attempts,
    deliveries: proof.deliveries,
    reclaimed: proof.reclaimed,
    kills,
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
      ["kill -9", String(report.kills)],
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
