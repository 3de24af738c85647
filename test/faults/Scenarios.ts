/** Short lives of a file log, one per thing that it does with its disk. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import type { EnqueueItem } from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import { Client, type Decision } from "./Client.ts"
import { firstLarge, idOf, idsFrom, itemOf, payloadOf, queue } from "./Job.ts"
import type { Effects, Tell } from "./Line.ts"

/** What a scenario needs of the process it runs in. */
export interface Stage {
  readonly directory: string
  /** Opens the log, runs, and closes it; the client `waits` as {@link Client} says. */
  readonly opened: (
    run: (client: Client) => Effect.Effect<void, LogError>,
    waits?: boolean
  ) => Effect.Effect<void, LogError>
}

export interface Scenario {
  /** Begins in the state that a killed process left, with a torn tail and an unfinished segment. */
  readonly afterCrash?: boolean | undefined
  readonly run: (stage: Stage) => Effect.Effect<void, LogError>
}

const hour = 3_600_000
const items = (first: number, count: number): ReadonlyArray<EnqueueItem> =>
  idsFrom(first, count).map((id) => itemOf(id))
const complete: Decision = { settlement: { _tag: "Complete", result: "42" }, after: "Completed a1" }
const later: Decision = {
  settlement: { _tag: "Retry", delay: hour, cause: { kind: "failure", tag: "Flaky", message: "again" } },
  after: "Scheduled a1"
}
const dead: Decision = {
  settlement: { _tag: "DeadLetter", cause: { kind: "failure", tag: "Hopeless", message: "never" } },
  after: "DeadLettered a1"
}
const all = (ids: ReadonlyArray<string>, state: string): Effects => Object.fromEntries(ids.map((id) => [id, state]))

/** Once, with the log open all along. */
const live = (run: (client: Client, stage: Stage) => Effect.Effect<void, LogError>): Scenario => ({
  run: (stage) => stage.opened((client) => run(client, stage))
})

/** The segments that a fresh log begins with, in a directory of small ones. */
const firstSegment = "0000000000000001.seg"

/** Compaction runs by itself; this waits until it gave the first segment up, for as long as that may take at all. */
const compacted = Effect.fnUntraced(function* (directory: string) {
  for (let left = 100; left > 0 && existsSync(join(directory, firstSegment)); left--) yield* Effect.sleep(5)
})

const enqueueSingles = live(
  Effect.fnUntraced(function* (client) {
    for (const item of items(1, 8)) yield* client.enqueue([item])
  })
)

const enqueueBulk = live(
  Effect.fnUntraced(function* (client) {
    yield* client.enqueue(items(1, 60))
    yield* client.enqueue(items(firstLarge, 3))
    yield* client.enqueue([...items(100, 5), itemOf(idOf(firstLarge + 3), { delay: hour })], ({ id, delay }) => ({
      [id]: delay === undefined ? "Ready a0" : "Scheduled a0"
    }))
  })
)

const claimAndSettle = live(
  Effect.fnUntraced(function* (client) {
    const ids = idsFrom(1, 7)
    // a completion's follow-up appears with it, and never without it
    const followUp = (id: string) => idOf(0x100 + Number.parseInt(id.slice(-3), 16))
    yield* client.enqueue(ids.map((id) => itemOf(id)))
    yield* client.work(
      ids,
      (id) => ({
        settlement: { _tag: "Complete", result: "42", enqueue: [itemOf(followUp(id), { delay: hour })] },
        after: "Completed a1"
      }),
      3,
      (id) => ({ [followUp(id)]: "Scheduled a0" })
    )
  })
)

const retry = live(
  Effect.fnUntraced(function* (client) {
    const ids = idsFrom(1, 4)
    yield* client.enqueue(ids.map((id) => itemOf(id)))
    yield* client.work(ids, () => later)
    yield* client.control(
      ids.map((id) => ({ _tag: "Reschedule", id, delay: 0 })),
      all(ids, "Ready a1")
    )
    yield* client.work(ids.slice(0, 2), () => ({ ...complete, after: "Completed a2" }), 2)
  })
)

const deadLetters = live(
  Effect.fnUntraced(function* (client) {
    const ids = idsFrom(1, 5)
    const [first, second, third, ...rest] = ids
    if (first === undefined || second === undefined || third === undefined) return
    yield* client.enqueue(ids.map((id) => itemOf(id)))
    yield* client.work(ids, () => dead, 3)
    yield* client.control([{ _tag: "Redrive", id: first }], { [first]: "Ready a0" })
    yield* client.control(
      [
        { _tag: "Redrive", id: second },
        { _tag: "Purge", id: third }
      ],
      { [second]: "Ready a0", [third]: "Absent" }
    )
    yield* client.work([first, second], () => complete)
    yield* client.control([{ _tag: "Purge", id: first }], { [first]: "Absent", ...all(rest, "DeadLettered a1") })
  })
)

/** Every second batch begins a new segment. */
const roll = live(
  Effect.fnUntraced(function* (client) {
    for (let n = 0; n < 8; n++) yield* client.enqueue(items(10 * n + 1, 4))
  })
)

const compaction = live(
  Effect.fnUntraced(function* (client, { directory }) {
    const kept = idsFrom(1, 2)
    const gone = idsFrom(0x10, 48)
    yield* client.control([{ _tag: "Configure", queue, policy: { retainCompletedCount: 0 } }], {})
    yield* client.enqueue(
      kept.map((id) => itemOf(id, { delay: hour })),
      ({ id }) => ({ [id]: "Scheduled a0" })
    )
    yield* client.enqueue(gone.map((id) => itemOf(id)))
    yield* client.work(gone, () => ({ settlement: { _tag: "Complete" }, after: "Absent" }), 24)
    // the segment after next: what the last claims answered is kept in the one before
    for (let n = 0; n < 3; n++) yield* client.enqueue(items(0x100 + 16 * n, 7))
    yield* compacted(directory)
  })
)

const recovery: Scenario = {
  afterCrash: true,
  run: ({ opened }) =>
    opened(
      Effect.fnUntraced(function* (client) {
        yield* client.enqueue(items(0x200, 3))
        yield* client.work(idsFrom(1, 2), () => complete, 3)
      })
    )
}

const reopen: Scenario = {
  run: ({ opened }) =>
    Effect.gen(function* () {
      for (let n = 0; n < 3; n++) yield* opened((client) => client.enqueue(items(0x10 * (n + 1), 3)))
      yield* opened((client) => client.work(idsFrom(0x10, 2), () => complete, 2))
    })
}

const control = live(
  Effect.fnUntraced(function* (client) {
    const [first, second, third] = idsFrom(1, 3)
    if (first === undefined || second === undefined || third === undefined) return
    yield* client.enqueue(items(1, 4))
    yield* client.control([{ _tag: "Pause", queue }], { [`queue ${queue}`]: "paused" })
    yield* client.control([{ _tag: "Cancel", id: first }], { [first]: "Cancelled a0" })
    yield* client.control([{ _tag: "Reschedule", id: second, delay: hour, priority: 5 }], {
      [second]: "Scheduled a0 p5"
    })
    yield* client.control([{ _tag: "Resume", queue }], { [`queue ${queue}`]: "running" })
    yield* client.work([third], () => ({ settlement: { _tag: "Release", delay: hour }, after: "Scheduled a0" }), 1)
    yield* client.control([{ _tag: "Configure", queue, policy: { groupConcurrency: 2, maxBacklog: 100 } }], {})
  })
)

const keysAndGroups = live(
  Effect.fnUntraced(function* (client) {
    const key = (value: string) => ({ value, window: hour })
    const first = idOf(1)
    yield* client.enqueue([itemOf(first, { key: key("a") }), itemOf(idOf(2), { key: key("b") })])
    yield* client.enqueue([itemOf(idOf(3), { key: key("a") })], () => ({}), "Duplicate")
    const replacing = { payload: payloadOf(first, 2), key: { ...key("a"), onConflict: "replace" } } as const
    yield* client.enqueue([itemOf(idOf(4), replacing)], () => ({ [first]: "Ready a0 second" }), "Replaced")
    const members = [5, 6, 7].map((n) => itemOf(idOf(n), { group: "g", priority: 7 - n }))
    yield* client.enqueue(members, ({ id, priority = 0 }) => ({
      [id]: priority === 0 ? "Ready a0" : `Ready a0 p${priority}`
    }))
    yield* client.work(
      [first, idOf(2)],
      (id) => ({ ...complete, after: id === first ? "Completed a1 second" : "Completed a1" }),
      4
    )
    yield* client.enqueue([itemOf(idOf(8), { key: key("b") })], () => ({}), "Duplicate")
  })
)

/** Everything at once, so that calls share their writes and some wait behind others. */
const together = live(
  Effect.fnUntraced(function* (client) {
    const ids = idsFrom(1, 4)
    yield* client.enqueue(ids.map((id) => itemOf(id)))
    const producers = [0x100, 0x110, 0x120, 0x130].map((first) => client.enqueue(items(first, 3)))
    yield* Effect.all(producers, { concurrency: "unbounded", discard: true })
    yield* client.work(ids, () => complete, 8)
  })
)

/** Nobody opens a session: the producers' own calls have to open a poisoned log again. */
const producer: Scenario = {
  run: ({ opened }) =>
    opened((client) => {
      const batches = [1, 0x11, 0x21, 0x31].map((first) => client.enqueue(items(first, 2)))
      const [first = Effect.void, ...others] = batches
      return Effect.andThen(first, Effect.all(others, { concurrency: "unbounded", discard: true }))
    }, true)
}

export const scenarios = {
  enqueueSingles,
  enqueueBulk,
  claimAndSettle,
  retry,
  deadLetters,
  roll,
  compaction,
  recovery,
  reopen,
  control,
  keysAndGroups,
  together,
  producer
} satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios

// sound: the keys of an object literal that nothing widens
export const scenarioNames = Object.keys(scenarios) as ReadonlyArray<ScenarioName>

/** Bytes: so small that every scenario meets changes of the segment. */
export const segmentBytes = 4_096

/** Runs a scenario in this process. It never fails: what fails is told. */
export const play = (name: ScenarioName, directory: string, tell: Tell): Effect.Effect<void> => {
  // a log of this size need not keep 64 MiB of the disk free; what failed in passing is tried again
  const make = Effect.retry(FileLog.make({ directory, segmentBytes, diskReserve: 0 }), { times: 3 })
  const opened: Stage["opened"] = (run, waits) =>
    Effect.scoped(Effect.flatMap(make, (log) => run(new Client(log, tell, waits))))
  return scenarios[name].run({ directory, opened }).pipe(
    Effect.match({
      onSuccess: () => tell({ _tag: "Finished" }),
      onFailure: ({ message, reason }) => tell({ _tag: "GaveUp", reason: reason._tag, detail: message })
    })
  )
}
