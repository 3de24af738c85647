/** A log that was restored to an earlier point issues no token twice, if its operator does as docs/postgres.md says. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import type { JobLogOperations } from "../../../../src/log/JobLog.ts"
import { id } from "../../../cli/harness.ts"
import { makeSql } from "./sql.ts"

const sql = makeSql()

const page = readFileSync(join(import.meta.dirname, "../../../../docs/postgres.md"), "utf8")

/** The session and the token of a claim of one job. */
const grant = Effect.fnUntraced(function* (log: JobLogOperations) {
  const session = (yield* log.open({ owner: "me", leaseDuration: 60_000 })).id
  const { grants } = yield* log.claim({ session, call: 1, queue: "q", limit: 1 })
  return { session: BigInt(session), token: grants[0]?.token ?? 0n }
})

describe("a restore to an earlier point", () => {
  it("takes tokens back, until the sequences are moved as the page says", async () => {
    await sql.withLog((log) =>
      log.enqueue(
        Array.from({ length: 9 }, (_, n) => ({ id: id(n), queue: "q", name: "send", version: 1, payload: "{}" }))
      )
    )
    await sql.withLog(grant)
    // a copy of the whole database as it is now
    await sql.owner("CREATE DATABASE earlier TEMPLATE postgres", "template1")
    let last = await sql.withLog(grant)
    for (let n = 0; n < 3; n++) last = await sql.withLog(grant)

    const before = await sql.withLog(grant, "earlier")
    expect(before.token < last.token && before.session < last.session).toBe(true)
    const statements = page.match(/^ *SELECT setval\(.*\);$/gm) ?? []
    expect(statements.length).toBe(2)
    for (const statement of statements) await sql.owner(statement, "earlier")
    const after = await sql.withLog(grant, "earlier")
    expect(after.token > last.token && after.session > last.session).toBe(true)
  })
})
