/** Claims that are repeated when their jobs are long gone, and what is kept for them meanwhile. */
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, expect, test } from "vitest"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import { Redis } from "../../support/servers/Redis.ts"

let server: Redis
beforeAll(async () => {
  server = await Redis.start()
})
afterAll(() => server.close())

const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`
const item = (n: number) => ({ id: id(n), queue: "mail", name: "send", version: 1, payload: `{"n":${n}}` })

test("a frame stays while any session may repeat a claim of one of its jobs, and no longer", async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const log = yield* RedisLog.make({ server: { _tag: "Url", url: server.url() }, name: "repeat" })
      yield* log.enqueue([item(1), item(2)])
      const sessions = [
        yield* log.open({ owner: "one", leaseDuration: 60_000 }),
        yield* log.open({ owner: "two", leaseDuration: 60_000 })
      ]
      const claims = sessions.map(({ id }) => ({ session: id, call: 1, queue: "mail", limit: 1 }))
      const answers = yield* Effect.forEach(claims, (claim) => log.claim(claim))
      expect(answers.map(({ grants }) => grants.map((grant) => grant.id))).toEqual([[id(1)], [id(2)]])
      for (const [i, { grants }] of answers.entries()) {
        const items = grants.map((grant) => ({ ...grant, settlement: { _tag: "Complete" as const } }))
        yield* log.settle({ session: sessions[i]?.id ?? "", call: 2, items })
      }
      yield* log.control([{ _tag: "Purge", id: id(1) }])
      yield* log.control([{ _tag: "Configure", queue: "mail", policy: { retainCompleted: 0 } }])
      const work = (session: string) =>
        Effect.forEach(
          Array.from({ length: 70 }, (_, i) => i + 3),
          (call) => log.renew({ session, call, started: [], progress: [] }),
          { discard: true }
        )
      const frames = Effect.promise(() => server.cli("XLEN", "{repeat}:s:0:mail"))

      // the second can repeat nothing any more, the first still can
      yield* work(sessions[1]?.id ?? "")
      yield* log.reclaim({ limit: 10 })
      expect(yield* log.read({ _tag: "Jobs", limit: 10 })).toMatchObject({ jobs: [] })
      const [first] = claims
      if (first !== undefined) expect((yield* log.claim(first)).grants).toEqual(answers[0]?.grants)
      expect(yield* frames).toBe(1)

      yield* work(sessions[0]?.id ?? "")
      yield* log.reclaim({ limit: 10 })
      expect(yield* frames).toBe(0)
    }).pipe(Effect.scoped)
  )
})
