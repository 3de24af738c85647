import * as Effect from "effect/Effect"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Postgres } from "../../support/servers/Postgres.ts"
import * as Killing from "./Killing.ts"

let server: Postgres
beforeAll(async () => {
  // a commit that is only promised would be one for ten seconds
  server = await Postgres.start({ fsync: true, settings: { wal_writer_delay: "10s" } })
})
afterAll(() => server.close())

const random = Math.random

describe("under load, a server", { timeout: 300_000 }, () => {
  it("dies by SIGKILL 20 times: nothing acknowledged is lost, and each job has one holder", async () => {
    const strike = () => Killing.kill(server)
    const report = await Killing.run({ server, schema: "kills", strike, goOn: (strikes) => strikes < 20, random })
    assert.deepStrictEqual(report.violations.slice(0, 10), [])
    assert.strictEqual(report.strikes, 20)
    assert.isAbove(report.enqueued, 400)
    // the kills did fall into the middle of calls
    assert.isAbove(report.unknown, 0)
    assert.isAbove(report.refused, 0)
  })

  it("is restarted, and ends all sessions: the same", async () => {
    let strikes = 0
    const restarted = Effect.promise(async () => {
      await server.stop()
      await server.restart()
    })
    const terminated = (sql: Parameters<Killing.Options["strike"]>[0]) =>
      Effect.ignore(
        sql.unsafe(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' ORDER BY pid = pg_backend_pid()"
        ).values
      )
    const report = await Killing.run({
      server,
      schema: "restarts",
      strike: (sql) => (strikes++ % 4 === 3 ? restarted : terminated(sql)),
      goOn: (done) => done < 20,
      random
    })
    assert.deepStrictEqual(report.violations.slice(0, 10), [])
    assert.strictEqual(report.strikes, 20)
    assert.isAbove(report.unknown, 0)
  })

  it("that does not wait for its disk is found out: what it forgets was acknowledged", async () => {
    const report = await Killing.run({
      server,
      schema: "forgetful",
      strike: () => Killing.kill(server),
      goOn: (strikes) => strikes < 20,
      random,
      startupParameters: { synchronous_commit: "off" }
    })
    assert.isAbove(report.violations.length, 0)
  })
})
