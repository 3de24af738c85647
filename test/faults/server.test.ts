import { mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, afterEach, assert, beforeEach, describe, it } from "vitest"
import { FaultAccount } from "./Fault.ts"
import { LineClient } from "./LineClient.ts"
import { Server } from "./Server.ts"

const account = new FaultAccount()
afterAll(() => console.log(account.summary()))

let place: string
let server: Server | undefined
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "leasehold-server-"))
})
afterEach(async () => {
  await server?.kill()
  server = undefined
  rmSync(place, { recursive: true, force: true })
})

const keeper = fileURLToPath(new URL("keeper.ts", import.meta.url))
const command = (port: number) => [process.execPath, keeper, String(port), place] as const

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe("a private server", { timeout: 60_000 }, () => {
  it("is killed in the middle of its work, and started again on its data: what it acknowledged is there", async (context) => {
    if (!account.can("server killed")) return context.skip("no signals")
    server = await Server.start({ command })
    const { port } = server
    const kept = new Set<number>()
    let asked = 0
    for (let kills = 0; kills < 3; kills++) {
      const client = await LineClient.open({ port })
      const before = kept.size
      const work = (async () => {
        for (;;) {
          const n = asked++
          const answer = await client.ask(`put k${n} v${n}`)
          if (answer._tag !== "Answered") return
          assert.strictEqual(answer.text, "kept")
          kept.add(n)
        }
      })()
      while (kept.size < before + 20) await new Promise((resolve) => setImmediate(resolve))
      await server.kill()
      account.fired("server killed")
      await work
      await server.restart()
      const reader = await LineClient.open({ port })
      for (const n of kept)
        assert.deepStrictEqual(await reader.ask(`get k${n}`), { _tag: "Answered", text: `has v${n}` })
      reader.close()
    }
    assert.isAtLeast(kept.size, 60)
  })

  it("takes everything that it started with it", async () => {
    server = await Server.start({ command })
    const beside = Number(/beside (\d+)/.exec(server.output)?.[1])
    const { pid, port } = server
    assert.isTrue(lives(beside))
    await server.kill()
    assert.isFalse(lives(pid ?? 0))
    const refused = await new Promise((resolve) => {
      connect({ port, host: "127.0.0.1" })
        .once("error", (error) => resolve("code" in error && error.code))
        .once("connect", () => resolve("connected"))
    })
    assert.strictEqual(refused, "ECONNREFUSED")
    await server.kill()
  })

  it("that does not come up fails with what it said, and leaves nothing running", async () => {
    const failing = Server.start({ command: () => [process.execPath, "-e", "throw new Error('no such data')"] })
    assert.match(await failing.then(String, String), /it ended with 1: [^]*no such data/)
    const slow = { command: () => [process.execPath, "-e", "setInterval(() => {}, 1000)"] as const, patience: 300 }
    assert.match(await Server.start(slow).then(String, String), /it is not ready/)
    assert.match(await Server.start({ command: () => ["no-such-program"] }).then(String, String), /ENOENT/)
  })
})
