import * as Effect from "effect/Effect"
import type { Harness } from "../../properties/Harness.ts"
import type { LawName } from "../../properties/LawName.ts"
import type { Disk } from "../../src/backends/file/journal/Disk.ts"
import type { JobLogOperations, SettleRequest } from "../../src/log/JobLog.ts"
import { fileHarness, simulatedHarness } from "../properties/fileHarness.ts"
import { showing } from "./Mutant.ts"

/** A file log that is broken in one way, and the law that has to notice. */
export interface FileMutant {
  readonly name: string
  readonly law: LawName
  readonly within: number
  readonly harness: Harness
}

/** The file log with a wrapper around each opening; `opened` counts them from 0 and `memory` lives on. */
const wrapped = <Memory>(
  name: string,
  memory: () => Memory,
  wrap: (log: JobLogOperations, memory: Memory, opened: number) => Effect.Effect<JobLogOperations>
): Harness => ({
  name,
  make: Effect.gen(function* () {
    const test = yield* fileHarness.make
    const kept = memory()
    let opened = 0
    const crash = test.crash
    return {
      ...test,
      log: yield* wrap(test.log, kept, 0),
      crash:
        crash === undefined
          ? undefined
          : (options) => Effect.flatMap(crash(options), (log) => wrap(log, kept, ++opened))
    }
  })
})

const onDisk = (name: string, change: (disk: Disk) => Partial<Disk>): Harness =>
  simulatedHarness(name, (disk) => ({ ...disk, ...change(disk) }))

const tokensAnew = wrapped(
  "tokens begin anew",
  () => ({ highest: 0n }),
  (log, memory) =>
    Effect.sync(() => {
      const shift = memory.highest
      const shown = showing(log, {
        grant: (grant) => {
          if (grant.token > memory.highest) memory.highest = grant.token
          return { ...grant, token: grant.token - shift }
        },
        job: (job) => (job.token === undefined ? job : { ...job, token: job.token - shift })
      })
      const inner = (request: SettleRequest): SettleRequest => ({
        ...request,
        items: request.items.map((item) => ({ ...item, token: item.token + shift }))
      })
      return { ...shown, settle: (request) => log.settle(inner(request)) }
    })
)

const dropsLast = wrapped(
  "the last batch is dropped",
  () => ({ last: [] as ReadonlyArray<string> }),
  (log, memory, opened) =>
    Effect.gen(function* () {
      if (opened > 0) {
        yield* Effect.ignore(log.control(memory.last.map((id) => ({ _tag: "Cancel", id }))))
        yield* Effect.ignore(log.control(memory.last.map((id) => ({ _tag: "Purge", id }))))
      }
      return {
        ...log,
        enqueue: (items) =>
          Effect.tap(log.enqueue(items), () =>
            Effect.sync(() => {
              memory.last = items.map((item) => item.id)
            })
          )
      }
    })
)

const forgetsPause = wrapped(
  "pause is forgotten",
  () => undefined,
  (log, _, opened) =>
    Effect.gen(function* () {
      if (opened > 0) {
        yield* Effect.ignore(
          log.control([
            { _tag: "Resume", queue: "alpha" },
            { _tag: "Resume", queue: "beta" }
          ])
        )
      }
      return log
    })
)

const plain = (name: string, wrap: (log: JobLogOperations) => JobLogOperations): Harness =>
  wrapped(
    name,
    () => undefined,
    (log) => Effect.succeed(wrap(log))
  )

/** Broken ways of being the file log. */
export const fileMutants: ReadonlyArray<FileMutant> = [
  {
    name: "fdatasync does nothing",
    law: "atLeastOnce",
    within: 60,
    harness: onDisk("no fdatasync", (disk) => ({
      open: (path, mode) => Effect.map(disk.open(path, mode), (file) => ({ ...file, datasync: Effect.void }))
    }))
  },
  {
    name: "the directory is never synced",
    law: "recoveryIsLegalPrefix",
    within: 60,
    harness: onDisk("no directory sync", () => ({ syncDirectory: () => Effect.void }))
  },
  {
    name: "an enqueue is answered before it is durable",
    law: "atLeastOnce",
    within: 150,
    harness: plain("early answer", (log) => ({
      ...log,
      enqueue: (items) =>
        Effect.as(
          Effect.forkDetach(log.enqueue(items), { startImmediately: true }),
          items.map(({ id }) => ({ _tag: "Inserted", id }))
        )
    }))
  },
  {
    name: "a completion is answered before it is durable",
    law: "completedStaysCompleted",
    within: 150,
    harness: plain("early answer", (log) => ({
      ...log,
      settle: (request) =>
        request.items.some((item) => item.settlement._tag !== "Complete" || item.settlement.enqueue !== undefined)
          ? log.settle(request)
          : Effect.as(
              Effect.forkDetach(log.settle(request), { startImmediately: true }),
              request.items.map(() => ({ _tag: "Settled", state: "Completed" }))
            )
    }))
  },
  {
    name: "a batch is several records",
    law: "recoveryIsLegalPrefix",
    within: 150,
    harness: plain("torn batches", (log) => ({
      ...log,
      enqueue: (items) =>
        Effect.map(
          Effect.forEach(items, (item) => log.enqueue([item])),
          (results) => results.flat()
        )
    }))
  },
  { name: "tokens begin anew when the log is opened again", law: "tokenMonotone", within: 60, harness: tokensAnew },
  { name: "recovery drops the last acknowledged batch", law: "atLeastOnce", within: 60, harness: dropsLast },
  { name: "a pause does not survive", law: "pauseHolds", within: 60, harness: forgetsPause }
]
