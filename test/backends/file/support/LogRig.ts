import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as VirtualClock from "../../../../properties/VirtualClock.ts"
import type { Disk } from "../../../../src/backends/file/journal/Disk.ts"
import * as FileLog from "../../../../src/backends/file/FileLog.ts"
import type { EnqueueItem, Grant, JobLogOperations, JobView } from "../../../../src/log/JobLog.ts"
import { SimulatedDisk } from "../../../../src/simulation/disk/SimulatedDisk.ts"

export const idOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

export const jobOf = (n: number, more?: Partial<EnqueueItem>): EnqueueItem => ({
  id: idOf(n),
  queue: "q",
  name: "n",
  version: 1,
  payload: `payload ${n}`,
  ...more
})

/** A simulated disk under a clock that stands still, and logs opened on them one after the other. */
export class LogRig {
  readonly disk = new SimulatedDisk()
  readonly clock = VirtualClock.make()

  /** `through` may put a disk in between. */
  readonly open = Effect.fnUntraced(
    { self: this as LogRig },
    function* (this: LogRig, options?: { readonly segmentBytes?: number; readonly through?: (disk: Disk) => Disk }) {
      const scope = yield* Scope.make()
      const on = Effect.provideService(Clock.Clock, this.clock)
      const through = options?.through ?? ((disk: Disk) => disk)
      const log = yield* FileLog.make({
        directory: "/log",
        disk: through(this.disk.disk),
        segmentBytes: options?.segmentBytes ?? 4096
      }).pipe(on, Effect.provideService(Scope.Scope, scope))
      return { log: VirtualClock.runLogOn(this.clock, log), close: on(Scope.close(scope, Exit.void)) }
    }
  )
}

export const viewOf = Effect.fnUntraced(function* (log: Pick<JobLogOperations, "read">, n: number) {
  const answer = yield* log.read({ _tag: "Job", id: idOf(n) })
  if (answer._tag !== "Job") throw new Error("not a job")
  return answer.job
})

export const jobsOf = Effect.fnUntraced(function* (log: Pick<JobLogOperations, "read">) {
  const jobs: Array<JobView> = []
  let after: string | undefined
  do {
    const page = yield* log.read({ _tag: "Jobs", after, limit: 1000 })
    if (page._tag !== "Jobs") throw new Error("not a page")
    jobs.push(...page.jobs)
    after = page.next
  } while (after !== undefined)
  return jobs
})

/** Settles all grants with completions. */
export const complete = (
  log: JobLogOperations,
  session: string,
  call: number,
  grants: ReadonlyArray<Grant>,
  result?: string
) =>
  log.settle({
    session,
    call,
    items: grants.map(({ id, token, receipt }) => ({ id, token, receipt, settlement: { _tag: "Complete", result } }))
  })

/** Enough turns for fibers in the background to get somewhere. */
export const turns = (count = 20) =>
  Effect.gen(function* () {
    for (let turn = 0; turn < count; turn++) yield* Effect.yieldNow
  })
