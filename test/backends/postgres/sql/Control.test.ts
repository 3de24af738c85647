/** What a command leaves alone. */
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import type { JobLogOperations } from "../../../../src/log/JobLog.ts"
import type { Settlement } from "../../../../src/log/Settle.ts"
import { makeSql } from "./sql.ts"

const { owner, withLog } = makeSql()

const complete: Settlement = { _tag: "Complete" }
const die: Settlement = { _tag: "DeadLetter", cause: { kind: "failure", tag: "Declined", message: "declined" } }

/** Jobs of a queue that ended so, each settled by itself. */
const end = (log: JobLogOperations, queue: string, settlements: ReadonlyArray<Settlement>) =>
  Effect.gen(function* () {
    const { id: session } = yield* log.open({ owner: "test", leaseDuration: 60_000 })
    const ids: Array<string> = []
    let call = 0
    for (const settlement of settlements) {
      yield* Effect.promise(() => owner(`SELECT leasehold.enqueue_job('${queue}', 'send', '{}')`))
      const { grants } = yield* log.claim({ session, call: ++call, queue, limit: 1 })
      yield* log.settle({
        session,
        call: ++call,
        items: grants.map(({ id, receipt, token }) => ({ id, token, receipt, settlement }))
      })
      ids.push(...grants.map(({ id }) => id))
    }
    yield* log.close(session)
    return ids
  })

const left = async (queue: string) => (await owner(`SELECT id FROM leasehold.jobs WHERE queue = '${queue}'`)).length

it("what a policy does not keep any more goes with a reclaim, not in the transaction of whoever gives a command", () =>
  withLog((log) =>
    Effect.gen(function* () {
      yield* end(log, "kept", [complete, complete, complete])
      yield* log.control([{ _tag: "Configure", queue: "kept", policy: { retainCompletedCount: 1 } }])
      yield* log.control([{ _tag: "Pause", queue: "other" }])
      expect(yield* Effect.promise(() => left("kept"))).toBe(3)
      yield* log.reclaim({ limit: 10 })
      expect(yield* Effect.promise(() => left("kept"))).toBe(1)
    })
  ))

it("a purge finds what it purges among what else has ended", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const ids = yield* end(log, "purged", [complete, complete, die, complete])
      yield* log.control(ids.slice(1, 3).map((id) => ({ _tag: "Purge", id })))
      expect(yield* Effect.promise(() => left("purged"))).toBe(2)
      const kept = yield* Effect.promise(() =>
        owner(
          `SELECT unnest(f.seqs) FROM leasehold.finished f JOIN leasehold.queue q ON q.id = f.queue WHERE q.name = 'purged'`
        )
      )
      expect(kept).toHaveLength(2)
    })
  ))

it("the purge of a dead letter looks at nothing that was completed", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const [, id] = yield* end(log, "dead", [complete, die])
      // counts what this transaction reads
      yield* Effect.promise(() =>
        owner(`DO $$ BEGIN
          PERFORM leasehold.control('[[3, "${id}"]]');
          ASSERT (SELECT seq_scan + idx_scan = 0 FROM pg_stat_xact_user_tables WHERE relid = 'leasehold.finished'::regclass);
        END $$`)
      )
      expect(yield* Effect.promise(() => left("dead"))).toBe(1)
    })
  ))
