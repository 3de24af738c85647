import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { afterAll, afterEach, assert, beforeEach, describe, it } from "vitest"
import * as RemoteLog from "../../src/backends/file/control/RemoteLog.ts"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import type { JobLogOperations } from "../../src/log/JobLog.ts"
import { FaultAccount, type FaultName } from "./Fault.ts"
import { LineClient, type Seen } from "./LineClient.ts"
import { byLine, Proxy, type Treatment } from "./Proxy.ts"

const account = new FaultAccount()
afterAll(() => console.log(account.summary()))

let ends: Array<() => unknown>
beforeEach(() => {
  ends = []
})
afterEach(async () => {
  for (const end of ends.toReversed()) await end()
})

/** Commits each line that begins with `put`, and tells the first commit's answer when it is repeated. */
class Committing {
  readonly commits: Array<string> = []
  readonly server: Server
  port = 0
  /** Settled with the next commit. */
  committed: Promise<void> = Promise.resolve()
  #commit: () => void = () => {}

  constructor() {
    this.#await()
    this.server = createServer((socket) => {
      let received = ""
      socket.on("error", () => {})
      socket.on("data", (chunk) => {
        received += chunk.toString()
        const lines = received.split("\n")
        received = lines.pop() ?? ""
        for (const line of lines) socket.write(`${this.#answer(line)}\n`)
      })
    })
    ends.push(() => this.server.close())
  }

  #await(): void {
    this.committed = new Promise((resolve) => {
      this.#commit = resolve
    })
  }

  #answer(line: string): string {
    const commit = this.#commit
    const known = this.commits.indexOf(line)
    if (known === -1) {
      this.commits.push(line)
      this.#await()
      commit()
    }
    return `commit ${known === -1 ? this.commits.length : known + 1}`
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.server.listen(0, "127.0.0.1", () => {
        const address = this.server.address()
        this.port = address !== null && typeof address === "object" ? address.port : 0
        resolve()
      })
    })
  }
}

interface Rig {
  readonly server: Committing
  readonly proxy: Proxy
  readonly open: () => Promise<LineClient>
}

/** The second request of the first connection is treated, everything else passes. */
const rig = async (treatment: Treatment): Promise<Rig> => {
  const server = new Committing()
  await server.listen()
  const proxy = await Proxy.start({
    target: { port: server.port },
    requests: byLine,
    replies: byLine,
    treat: ({ connection, index }) => (connection === 0 && index === 1 ? treatment : { _tag: "Pass" })
  })
  ends.push(() => proxy.refuse())
  return { server, proxy, open: () => LineClient.open(proxy.address) }
}

const answered = (text: string): Seen => ({ _tag: "Answered", text })

/** Asks twice through a proxy that spoils the second exchange, and says what came of that one. */
const spoiled = async (treatment: Treatment, patience?: number) => {
  const { open, proxy, server } = await rig(treatment)
  const client = await open()
  ends.push(() => client.close())
  assert.deepStrictEqual(await client.ask("put a"), answered("commit 1"))
  const { committed } = server
  const seen = await client.ask("put b", patience)
  return { client, committed, open, proxy, seen, server }
}

/** How the second request stands for whoever asks again, over a new connection. */
const repeated = async (open: () => Promise<LineClient>): Promise<Seen> => {
  const client = await open()
  const seen = await client.ask("put b")
  client.close()
  return seen
}

describe("a connection through the proxy", { timeout: 30_000 }, () => {
  const fault = (name: FaultName, check: () => Promise<void>): void =>
    it(name, async (context) => {
      if (!account.can(name)) return context.skip(name)
      await check()
      account.fired(name)
    })

  fault("request lost", async () => {
    const { open, seen, server } = await spoiled({ _tag: "LoseRequest" })
    assert.deepStrictEqual(seen, { _tag: "Failed", code: "ECONNRESET" })
    assert.deepStrictEqual(server.commits, ["put a"])
    assert.deepStrictEqual(await repeated(open), answered("commit 2"))
  })

  fault("reply lost after commit", async () => {
    const { open, proxy, seen, server } = await spoiled({ _tag: "LoseReply" })
    assert.deepStrictEqual(seen, { _tag: "Failed", code: "ECONNRESET" })
    assert.deepStrictEqual(server.commits, ["put a", "put b"], "it did happen")
    assert.deepStrictEqual(await repeated(open), answered("commit 2"), "and is answered as the first time")
    assert.deepStrictEqual(proxy.connections, [
      { requests: 2, replies: 2, fromClient: 12, fromServer: 18, faults: 1 },
      { requests: 1, replies: 1, fromClient: 6, fromServer: 9, faults: 0 }
    ])
  })

  fault("connection reset", async () => {
    const { committed, open, seen } = await spoiled({ _tag: "Reset" })
    assert.deepStrictEqual(seen, { _tag: "Failed", code: "ECONNRESET" })
    await committed
    assert.deepStrictEqual(await repeated(open), answered("commit 2"))
  })

  fault("reply delayed", async () => {
    const startedAt = performance.now()
    const { client, seen } = await spoiled({ _tag: "Delay", millis: 200 })
    assert.deepStrictEqual(seen, answered("commit 2"))
    assert.isAtLeast(performance.now() - startedAt, 195)
    assert.deepStrictEqual(await client.ask("put c"), answered("commit 3"))
  })

  fault("reply in single bytes", async () => {
    const { client, seen } = await spoiled({ _tag: "SingleBytes" })
    assert.deepStrictEqual(seen, answered("commit 2"))
    assert.isAbove(client.pieces, 2)
    assert.deepStrictEqual(await client.ask("put c"), answered("commit 3"))
  })

  fault("connection swallowed", async () => {
    const { client, open, seen, server } = await spoiled({ _tag: "Swallow" }, 200)
    assert.deepStrictEqual(seen, { _tag: "Silent" })
    assert.deepStrictEqual(await client.ask("put c", 100), { _tag: "Silent" })
    assert.deepStrictEqual(server.commits, ["put a"])
    assert.deepStrictEqual(await repeated(open), answered("commit 2"))
  })

  fault("connection half open", async () => {
    const { client, open, seen } = await spoiled({ _tag: "HalfOpen" }, 200)
    assert.deepStrictEqual(seen, { _tag: "Silent" })
    assert.deepStrictEqual(await client.ask("put c", 100), { _tag: "Silent" }, "nobody told the client")
    assert.deepStrictEqual(await repeated(open), answered("commit 2"))
  })

  fault("connection refused", async () => {
    const { client, open, proxy } = await spoiled({ _tag: "Pass" })
    const { address } = proxy
    await proxy.refuse()
    assert.notStrictEqual((await client.ask("put c", 5_000))._tag, "Answered")
    assert.match(String(await open().catch(String)), /ECONNREFUSED/)
    await proxy.accept()
    assert.deepStrictEqual(proxy.address, address)
    assert.deepStrictEqual(await repeated(open), answered("commit 2"))
  })

  it("requests that come together are told apart, and each is answered in its turn", async () => {
    const { open, proxy } = await rig({ _tag: "Delay", millis: 50 })
    const client = await open()
    ends.push(() => client.close())
    assert.deepStrictEqual(await client.ask("put a\nput b\nput c"), answered("commit 1"))
    assert.deepStrictEqual(await client.ask("put d"), answered("commit 2"))
    assert.strictEqual(proxy.connections[0]?.requests, 4)
  })
})

/** A log, and a way to it through a proxy that treats every request as `treat` says at that moment. */
const proxied = Effect.fnUntraced(function* (place: string, treat: () => Treatment) {
  const directory = join(place, "log")
  const beside = join(place, "beside")
  mkdirSync(beside)
  const log: JobLogOperations = yield* FileLog.make({ directory })
  const proxy = yield* Effect.acquireRelease(
    Effect.promise(() =>
      Proxy.start({
        target: { path: join(directory, "control.sock") },
        listen: { path: join(beside, "control.sock") },
        requests: byLine,
        replies: byLine,
        treat
      })
    ),
    (proxy) => Effect.promise(() => proxy.refuse())
  )
  return { log, proxy, remote: yield* RemoteLog.connect(beside) }
})

describe("commands to a log's owner through the proxy", { timeout: 30_000 }, () => {
  let place: string
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), "leasehold-proxy-"))
  })
  afterEach(() => rmSync(place, { recursive: true, force: true }))

  const id = "00000000-0000-7000-8000-000000000001"
  const item = { id, queue: "q", name: "job", version: 1, payload: "" }
  const pausedIn = (log: RemoteLog.ControlledLog) =>
    Effect.map(log.read({ _tag: "Counts", queue: "q" }), (answer) =>
      answer._tag === "Counts" ? answer.queues.map(({ paused }) => paused) : []
    )
  const run = <E>(effect: Effect.Effect<void, E, Scope.Scope>): Promise<void> =>
    Effect.runPromise(Effect.scoped(effect))

  it("a lost answer is unknown, though the command happened; repeated, it tells that it did", () =>
    run(
      Effect.gen(function* () {
        let treatment: Treatment = { _tag: "Pass" }
        const { log, remote } = yield* proxied(place, () => treatment)
        yield* log.enqueue([item])
        treatment = { _tag: "LoseReply" }
        const pause = [{ _tag: "Pause", queue: "q" }] as const
        const cancel = [{ _tag: "Cancel", id }] as const
        for (const commands of [pause, cancel]) {
          const error = yield* Effect.flip(remote.control(commands))
          assert.deepStrictEqual([error.outcome, error.reason._tag], ["unknown", "Unavailable"])
        }
        assert.deepStrictEqual(yield* pausedIn(log), [true])
        treatment = { _tag: "Pass" }
        assert.deepStrictEqual(yield* remote.control(pause), [{ _tag: "Done" }])
        assert.deepStrictEqual(yield* remote.control(cancel), [{ _tag: "Refused", reason: "cancelled" }])
        account.fired("reply lost after commit", 2)
      })
    ))

  it("a lost request is unknown too, for nobody can tell, and repeating it does it", () =>
    run(
      Effect.gen(function* () {
        let treatment: Treatment = { _tag: "Pass" }
        const { log, remote } = yield* proxied(place, () => treatment)
        yield* log.enqueue([item])
        treatment = { _tag: "LoseRequest" }
        const error = yield* Effect.flip(remote.control([{ _tag: "Cancel", id }]))
        assert.deepStrictEqual([error.outcome, error.reason._tag], ["unknown", "Unavailable"])
        treatment = { _tag: "SingleBytes" }
        assert.deepStrictEqual(yield* remote.control([{ _tag: "Cancel", id }]), [{ _tag: "Done" }])
        account.fired("request lost")
        account.fired("reply in single bytes")
      })
    ))

  it("an owner that cannot be reached refuses; one that goes silent leaves the command unknown", () =>
    run(
      Effect.gen(function* () {
        let swallowed = (): void => {}
        const silent = new Promise<void>((resolve) => {
          swallowed = resolve
        })
        const { log, proxy, remote } = yield* proxied(place, () => {
          swallowed()
          return { _tag: "Swallow" }
        })
        yield* log.enqueue([item])
        const cut = Effect.andThen(
          Effect.promise(() => silent),
          Effect.promise(() => proxy.refuse())
        )
        const [error] = yield* Effect.all([Effect.flip(remote.control([{ _tag: "Cancel", id }])), cut], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual([error.outcome, error.reason._tag], ["unknown", "Unavailable"])
        const refused = yield* Effect.flip(remote.control([{ _tag: "Cancel", id }]))
        assert.deepStrictEqual([refused.outcome, refused.reason._tag], ["refused", "Unavailable"])
        account.fired("connection swallowed")
        account.fired("connection refused")
      })
    ))
})
