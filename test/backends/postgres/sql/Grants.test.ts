/** The rights that docs/postgres.md gives a service are enough for it, and no more than it needs. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { fill } from "../../../cli/harness.ts"
import { makeSql } from "./sql.ts"

const { modest, owner, withLog, withModestLog } = makeSql()

const page = readFileSync(join(import.meta.dirname, "../../../../docs/postgres.md"), "utf8")

/** The page's statements for a role, carried out for the one of this test. */
const grant = async (role: string): Promise<void> => {
  const [, block] = new RegExp(`^-- ${role}\\n([^]*?)\\n(?:\\n|\`)`, "m").exec(page) ?? []
  if (block === undefined) throw new Error(`the page grants ${role} nothing`)
  for (const statement of block.split(";").filter((each) => each.trim() !== "")) {
    await owner(statement.replaceAll(new RegExp(`\\b${role}\\b`, "g"), "modest"))
  }
}

describe("the rights that the page gives", () => {
  it("let a service do everything, and change no schema", async () => {
    await grant("service")
    await withModestLog(fill)
    const counts = await withLog((log) => log.read({ _tag: "Counts", queue: "mail" }))
    expect(counts).toMatchObject({ queues: [{ queue: "mail", ready: 1, scheduled: 2, deadLettered: 3 }] })
    await withModestLog((log) => Effect.andThen(log.reclaim({ limit: 10 }), log.read({ _tag: "Jobs", limit: 10 })))
    for (const statement of ["DROP TABLE leasehold.job", "CREATE TABLE leasehold.mine ()", "TRUNCATE leasehold.job"]) {
      expect(await modest(statement)).toMatchObject({ code: "42501" })
    }
  })

  it("let a producer enqueue, and an observer look", async () => {
    await owner("DROP OWNED BY modest")
    await grant("producer")
    expect(await modest("SELECT leasehold.enqueue_job('q', 'send', '{}') IS NOT NULL AS made")).toEqual([
      { made: true }
    ])
    expect(await modest("SELECT * FROM leasehold.jobs")).toMatchObject({ code: "42501" })
    await owner("DROP OWNED BY modest")
    await grant("observer")
    expect(await modest("SELECT count(*) > 0 AS some FROM leasehold.jobs")).toEqual([{ some: true }])
    expect(await modest("SELECT leasehold.enqueue_job('q', 'send', '{}')")).toMatchObject({ code: "42501" })
  })
})
