import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { Redis } from "../../support/servers/Redis.ts"
import * as Effect from "effect/Effect"
import * as Killing from "./Killing.ts"

const random = Math.random

const urlOf = (server: Redis) => ({ server: { _tag: "Url", url: server.url() } }) as const

describe("under load, a server", { timeout: 120_000 }, () => {
  let server: Redis
  const start = (settings?: Readonly<Record<string, string>>) => async () => {
    server = await Redis.start({ settings })
  }
  afterEach(() => server.close())

  describe("that waits for its disk", () => {
    beforeEach(start())

    it("dies by SIGKILL 20 times: nothing acknowledged is lost, and each job has one holder", async () => {
      const strike = () => Killing.kill(server)
      const report = await Killing.run({ log: urlOf(server), strike, goOn: (strikes) => strikes < 20, random })
      assert.deepStrictEqual(report.violations.slice(0, 10), [])
      assert.strictEqual(report.strikes, 20)
      assert.isAbove(report.enqueued, 400)
      assert.isAbove(report.reclaimed, 0)
      // the kills did fall into the middle of calls
      assert.isAbove(report.unknown, 0)
    })

    it("is stopped and started, rewrites its file amid a kill, and cuts off all clients: the same", async () => {
      const strikes: ReadonlyArray<() => Promise<unknown>> = [
        () => server.cli("CLIENT", "KILL", "TYPE", "normal"),
        async () => {
          await server.stop()
          await server.restart()
        },
        () => server.cli("CLIENT", "KILL", "TYPE", "pubsub"),
        async () => {
          await server.cli("BGREWRITEAOF")
          await server.kill()
          await server.restart()
        }
      ]
      const strike = (n: number) => Effect.asVoid(Effect.promise(async () => strikes[n % 4]?.()))
      const report = await Killing.run({ log: urlOf(server), strike, goOn: (done) => done < 20, random })
      assert.deepStrictEqual(report.violations.slice(0, 10), [])
      assert.strictEqual(report.strikes, 20)
      assert.isAbove(report.unknown, 0)
    })
  })

  describe("that keeps nothing", () => {
    beforeEach(start({ appendonly: "no" }))

    it("is found out: what it forgets was acknowledged", async () => {
      const strike = () => Killing.kill(server)
      const report = await Killing.run({ log: urlOf(server), strike, goOn: (strikes) => strikes < 20, random })
      assert.isAbove(report.violations.length, 0)
    })
  })
})
