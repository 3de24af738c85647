import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Effect from "effect/Effect"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import * as RemoteLog from "../../src/backends/file/control/RemoteLog.ts"
import { make as makeQueue } from "../../src/scheduler/JobQueue.ts"
import * as Child from "./Child.ts"
import { readAll } from "./Killing.ts"
import type { Message } from "./Workload.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "leasehold-signals-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const isEnqueued = (message: Message) => message._tag === "Enqueued"
const said = (text: string) => (message: Message) => message._tag === "Said" && message.text === text
const idsOf = (child: Child.Child): ReadonlyArray<string> =>
  child.messages.flatMap((message) => (message._tag === "Enqueued" ? message.ids : []))
const runsOf = (child: Child.Child) => child.messages.filter((message) => message._tag === "Run")

const ran = (count: number) => (child: Child.Child) => child.until(() => runsOf(child).length >= count)

describe("a scheduler that is asked to end", { timeout: 60_000 }, () => {
  for (const signals of [["SIGTERM"], ["SIGINT"], ["SIGTERM", "SIGTERM", "SIGINT"]] as const) {
    it(`${signals.join(", ")}: stops claiming, waits, and gives the rest back unused`, async () => {
      const argument = { directory, lease: 5_000, grace: 1_500, concurrency: 2, jobs: [500, 3_600_000, 1, 2, 3] }
      const child = Child.start("signalled.ts", argument)
      await child.until(isEnqueued)
      await ran(2)(child)
      for (const signal of signals) {
        child.process.kill(signal)
        await sleep(50)
      }
      const { code } = await child.exit
      assert.strictEqual(code, 130)
      assert.isTrue(child.messages.some(said("done 500")), "what ends within the grace period ends")
      assert.isTrue(child.messages.some(said("interrupted 3600000")), "finalizers of the others run")
      assert.strictEqual(runsOf(child).length, 2, "nothing else was begun")
      const views = await readAll(directory)
      assert.deepStrictEqual(
        idsOf(child).map((id) => [views.get(id)?.state, views.get(id)?.attempts]),
        [
          ["Completed", 1],
          ["Ready", 0],
          ["Ready", 0],
          ["Ready", 0],
          ["Ready", 0]
        ]
      )
      assert.isAtMost(views.get(idsOf(child)[1] ?? "")?.deliveries ?? 9, 1)
    })
  }
})

/** The queues of a log that another process owns: it can be read and controlled through its owner. */
const remoteQueue = (directory: string) =>
  Effect.map(RemoteLog.connect(directory), (remote) => {
    const closed = () => Effect.die(new Error("not through the owner"))
    return makeQueue({
      ...remote,
      capabilities: { ...remote.capabilities, notify: false },
      open: closed,
      renew: closed,
      close: closed,
      enqueue: closed,
      claim: closed,
      settle: closed,
      reclaim: closed,
      changes: closed
    })
  })

describe("from another process than the owner", { timeout: 60_000 }, () => {
  it("results are awaited, and running jobs cancelled", async () => {
    const child = Child.start("signalled.ts", {
      directory,
      lease: 1_500,
      grace: 100,
      concurrency: 2,
      jobs: [800, 3_600_000]
    })
    await ran(2)(child)
    const [first, second] = idsOf(child)
    assert.isDefined(first)
    assert.isDefined(second)
    const program = Effect.gen(function* () {
      const queue = yield* remoteQueue(directory)
      const result = yield* queue.awaitResult(first)
      yield* queue.cancel(second)
      return { result, error: yield* Effect.flip(queue.awaitResult(second)) }
    })
    const { error, result } = await Effect.runPromise(program)
    assert.isUndefined(result)
    assert.strictEqual(error._tag, "JobCancelled")
    await child.until(said("interrupted 3600000"))
    child.process.kill("SIGTERM")
    await child.exit
  })
})
