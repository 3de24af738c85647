import { chownSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { afterAll, assert, it } from "vitest"
import type { LogError } from "../../../src/log/LogError.ts"
import { FaultAccount, ownMounts } from "../../faults/Fault.ts"
import { place } from "../../support/servers/place.ts"
import { Postgres } from "../../support/servers/Postgres.ts"
import { claimer, item, newQueue, program, running, stateOf } from "./runtime/support.ts"

const account = new FaultAccount()
afterAll(() => console.log(account.summary()))

/** Mounts a small file system in memory that only the server sees, and becomes the server's user. */
const inside =
  'uid=$1 gid=$2; shift 2; mount -t tmpfs -o "size=12m,mode=0700,uid=$uid,gid=$gid" none "$0" && ' +
  'exec setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"'

const failureOf = <A>(operation: Effect.Effect<A, LogError>) =>
  Effect.map(Effect.flip(operation), ({ outcome, reason }) => `${outcome} ${reason._tag}`)

it.skipIf(process.getuid?.() !== 0)(
  "a server whose tables fill their disk refuses what does not fit, keeps what it took, and goes on when there is room",
  { timeout: 60_000 },
  async (context) => {
    if (!account.can("disk full")) return context.skip("no file systems in memory")
    const directory = mkdtempSync(join(place(), "d-"))
    const server = await Postgres.start({
      through: (as) => {
        if (as === undefined) throw new Error("root runs no server as itself")
        chownSync(directory, as.uid, as.gid)
        return [ownMounts[0], "--mount", "sh", "-c", inside, directory, `${as.uid}`, `${as.gid}`]
      }
    })
    await running(
      Effect.gen(function* () {
        const quiet = { listen: false, selfCheck: false }
        const { sql } = yield* program(server, { ...quiet, schema: "elsewhere", migrate: true })
        yield* sql.unsafe(`CREATE TABLESPACE small LOCATION '${directory}'`)
        const startupParameters = { default_tablespace: "small" }
        const { log } = yield* program(server, { ...quiet, migrate: true }, { startupParameters })
        yield* sql.unsafe(
          "CREATE TABLE ballast TABLESPACE small AS SELECT repeat('x', 500) FROM generate_series(1, 4000)"
        )
        const name = newQueue()
        // what compresses badly
        const payload = () => JSON.stringify(Array.from({ length: 8000 }, (_, i) => Math.sin(i * Math.random())))
        const kept: Array<string> = []
        let failed: string | undefined
        while (failed === undefined && kept.length < 1000) {
          const items = [item(name, { payload: payload() }), item(name, { payload: payload() })]
          const answer = yield* Effect.result(log.enqueue(items))
          if (answer._tag === "Success") kept.push(...items.map(({ id }) => id))
          else {
            failed = `${answer.failure.outcome} ${answer.failure.reason._tag}`
            for (const { id } of items) assert.strictEqual(yield* stateOf(log, id), undefined)
          }
        }
        assert.strictEqual(failed, "refused Full")
        account.fired("disk full")
        assert.isAbove(kept.length, 10)
        for (const id of kept) assert.strictEqual(yield* stateOf(log, id), "Ready")
        const large = item(name, { payload: payload() })
        assert.strictEqual(yield* failureOf(log.enqueue([large, item(name, { payload: payload() })])), "refused Full")
        yield* sql`DROP TABLE ballast`
        // the space of a dropped table is given back at the next checkpoint
        yield* sql`CHECKPOINT`
        assert.strictEqual((yield* log.enqueue([large]))[0]?._tag, "Inserted")
        const { claim, next, session } = yield* claimer(log, name)
        const done: Array<string> = []
        while (done.length <= kept.length) {
          const { grants } = yield* claim(50)
          const items = grants.map(({ id, receipt, token }) => ({
            id,
            receipt,
            token,
            settlement: { _tag: "Complete" } as const
          }))
          const results = yield* log.settle({ session, call: next(), items })
          assert.isTrue(results.every(({ _tag }) => _tag === "Settled"))
          done.push(...grants.map(({ id }) => id))
        }
        assert.deepStrictEqual(done, [...kept, large.id])
      })
    ).finally(async () => {
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    })
  }
)
