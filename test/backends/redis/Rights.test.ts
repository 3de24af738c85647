import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, expect, test } from "vitest"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import { Redis } from "../../support/servers/Redis.ts"

let server: Redis
beforeAll(async () => {
  server = await Redis.start()
})
afterAll(() => server.close())

const rightsNamed = (): ReadonlyArray<string> => {
  const manual = readFileSync(join(import.meta.dirname, "../../../docs/redis.md"), "utf8")
  return /^ +(~\{leasehold\}.*)$/m.exec(manual)?.[1]?.split(" ") ?? []
}

test("a user with the rights that the manual names can do all that the log does", async () => {
  const rights = rightsNamed()
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

/** Milliseconds until a claim that waits has a job, at least so many of them after it began to. */
const handedOver = (user: string) =>
  Effect.gen(function* () {
    const url = Redacted.make(`redis://${user}:secret@127.0.0.1:${server.port}`)
    const log = yield* RedisLog.make({ server: { _tag: "Url", url } })
    const { id: session } = yield* log.open({ owner: "test", leaseDuration: 60_000 })
    const waiting = yield* Effect.forkScoped(log.claim({ session, call: 1, queue: user, limit: 1, park: true }))
    yield* Effect.sleep(500)
    const id = `00000000-0000-4000-8000-00000000000${user.length}`
    const before = yield* Clock.currentTimeMillis
    yield* log.enqueue([{ id, queue: user, name: "send", version: 1, payload: "{}" }])
    expect((yield* Fiber.join(waiting)).grants.map((grant) => grant.id)).toEqual([id])
    return (yield* Clock.currentTimeMillis) - before
  }).pipe(Effect.scoped, Effect.runPromise)

test("a claim that waits is told without the right to a channel of its own, and without one to look who listens", async () => {
  const rights = rightsNamed()
  const channels = rights.filter((right) => right.startsWith("&"))
  expect(channels.length).toBe(1)
  const others = rights.filter((right) => !right.startsWith("&"))
  await server.cli("ACL", "SETUSER", "one", "reset", "on", ">secret", ...others, "&{leasehold}:news")
  await server.cli("ACL", "SETUSER", "other", "reset", "on", ">secret", ...rights, "-pubsub")
  expect(await handedOver("one")).toBeLessThan(2000)
  expect(await handedOver("other")).toBeLessThan(2000)
})
