import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, expect, test } from "vitest"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import { Redis } from "../../support/servers/Redis.ts"

let server: Redis
beforeAll(async () => {
  server = await Redis.start()
})
afterAll(() => server.close())

test("a user with the rights that the manual names can do all that the log does", async () => {
  const manual = readFileSync(join(import.meta.dirname, "../../../docs/redis.md"), "utf8")
  const rights = /^ +(~\{leasehold\}.*)$/m.exec(manual)?.[1]?.split(" ") ?? []
  expect(rights.length).toBeGreaterThan(2)
  await server.cli("ACL", "SETUSER", "app", "reset", "on", ">secret", ...rights)
  const url = Redacted.make(`redis://app:secret@127.0.0.1:${server.port}`)
  const id = "00000000-0000-4000-8000-000000000001"
  await Effect.runPromise(
    Effect.gen(function* () {
      const log = yield* RedisLog.make({ server: { _tag: "Url", url } })
      yield* log.enqueue([{ id, queue: "mail", name: "send", version: 1, payload: "{}", delay: 0, group: "one" }])
      const session = (yield* log.open({ owner: "test", leaseDuration: 60_000 })).id
      const { grants } = yield* log.claim({ session, call: 1, queue: "mail", limit: 1 })
      expect(grants.map((grant) => grant.id)).toEqual([id])
      const [token = 0n] = grants.map((grant) => grant.token)
      yield* log.renew({ session, call: 2, started: [token], progress: [] })
      const cause = { kind: "failure", message: "not today" } as const
      const items = grants.map((grant) => ({ ...grant, settlement: { _tag: "DeadLetter" as const, cause } }))
      yield* log.settle({ session, call: 3, items })
      yield* log.control([
        { _tag: "Redrive", id },
        { _tag: "Pause", queue: "mail" }
      ])
      yield* log.reclaim({ limit: 1 })
      expect(yield* log.read({ _tag: "Job", id })).toMatchObject({ job: { state: "Ready", paused: true } })
      yield* log.close(session)
    }).pipe(Effect.scoped)
  )
})
