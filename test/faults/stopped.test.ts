import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { afterAll, afterEach, assert, beforeEach, describe, it } from "vitest"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import * as RemoteLog from "../../src/backends/file/control/RemoteLog.ts"
import * as Child from "../process/Child.ts"
import { readAll } from "../process/Killing.ts"
import type { Message } from "../process/Workload.ts"
import { FaultAccount } from "./Fault.ts"
import { whileStopped } from "./Stopped.ts"

const account = new FaultAccount()
afterAll(() => console.log(account.summary()))

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "leasehold-stopped-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const said = (text: string) => (message: Message) => message._tag === "Said" && message.text === text
const runsOf = (child: Child.Child) => child.messages.filter((message) => message._tag === "Run")
const nothing = () => Promise.resolve()

describe("an owner that is stopped for longer than its lease", { timeout: 60_000 }, () => {
  it("fences itself when it goes on, and runs the job again under a greater token", async (context) => {
    if (!account.can("owner stopped past its lease")) return context.skip("no SIGSTOP")
    const child = Child.start("signalled.ts", { directory, lease: 600, grace: 100, concurrency: 1, jobs: [1_200] })
    await child.until(() => runsOf(child).length >= 1)
    await whileStopped(child.process, 2_000, nothing)
    account.fired("owner stopped past its lease")
    await child.until(said("done 1200"))
    await child.until((message) => message._tag === "Settled")
    child.process.kill("SIGTERM")
    await child.exit
    assert.isTrue(child.messages.some(said("interrupted 1200")), "the run that lost its lease was interrupted")
    assert.isTrue(child.messages.some((message) => message._tag === "LeaseLost"))
    const runs = runsOf(child)
    assert.deepStrictEqual(
      runs.map(({ delivery }) => delivery),
      [1, 2]
    )
    assert.isAbove(runs[1]?.token ?? 0, runs[0]?.token ?? 0)
    assert.strictEqual(child.messages.filter((message) => message._tag === "Settled").length, 1)
    const view = (await readAll(directory)).get(runs[0]?.id ?? "")
    assert.deepStrictEqual([view?.state, view?.deliveries], ["Completed", 2])
  })

  it("is told by the log that its settlements are stale", async (context) => {
    if (!account.can("owner stopped past its lease")) return context.skip("no SIGSTOP")
    const child = Child.start("stopped.ts", { directory })
    await child.until(said("claimed"))
    await whileStopped(child.process, 1_000, nothing)
    account.fired("owner stopped past its lease")
    await child.exit
    assert.deepStrictEqual(
      child.messages.flatMap((message) => (message._tag === "Said" ? [message.text] : [])),
      ["claimed", "renew: SessionDead", "taken by another: token 2", "settle: SessionDead", "other: Settled Completed"]
    )
  })
})

describe("an owner that stands still", { timeout: 60_000 }, () => {
  const start = async (): Promise<Child.Child> => {
    const argument = { directory, lease: 500, grace: 100, concurrency: 1, jobs: [1, 3_600_000] }
    const child = Child.start("signalled.ts", argument)
    await child.until(() => runsOf(child).length >= 2)
    return child
  }

  it("keeps its directory, however long, and nobody takes its lock for a dead one's", async (context) => {
    if (!account.can("owner stopped past its lease")) return context.skip("no SIGSTOP")
    const child = await start()
    const error = await whileStopped(child.process, 700, () =>
      Effect.runPromise(Effect.flip(Effect.scoped(FileLog.make({ directory }))))
    )
    account.fired("owner stopped past its lease")
    assert.deepStrictEqual([error.outcome, error.reason._tag], ["refused", "OwnedBy"])
    assert.include(error.message, `pid ${child.process.pid}`)
    assert.isTrue(existsSync(join(directory, "owner.json")))
    child.process.kill("SIGTERM")
    await child.exit
  })

  it("answers a command when it goes on, and carries it out once", async (context) => {
    if (!account.can("owner stopped under a command")) return context.skip("no SIGSTOP")
    const child = await start()
    const last = runsOf(child)[1]
    assert.isDefined(last)
    const remote = await Effect.runPromise(RemoteLog.connect(directory))
    let answered = false
    const cancelled = await whileStopped(child.process, 300, () => {
      const answer = Effect.runPromise(remote.control([{ _tag: "Cancel", id: last.id }]))
      void answer.then(() => {
        answered = true
      })
      return Promise.resolve(() => answer)
    })
    account.fired("owner stopped under a command")
    assert.isFalse(answered, "nobody else may answer for it")
    assert.deepStrictEqual(await cancelled(), [{ _tag: "Done" }])
    assert.deepStrictEqual(await Effect.runPromise(remote.control([{ _tag: "Cancel", id: last.id }])), [
      { _tag: "Refused", reason: "cancelled" }
    ])
    await child.until(said("interrupted 3600000"))
    child.process.kill("SIGTERM")
    await child.exit
    assert.strictEqual((await readAll(directory)).get(last.id)?.state, "Cancelled")
  })
})
