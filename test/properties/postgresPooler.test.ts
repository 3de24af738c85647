import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { checkLog, formatReport, type LawName } from "../../properties/index.ts"
import { PgBouncer } from "../support/servers/PgBouncer.ts"
import { Postgres } from "../support/servers/Postgres.ts"
import { postgresHarness, quiet } from "./postgresHarness.ts"
import { runs, seed } from "./runs.ts"

let server: Postgres
let pooler: PgBouncer
let harness: ReturnType<typeof postgresHarness>
beforeAll(async () => {
  server = await Postgres.start({ settings: quiet })
  pooler = await PgBouncer.start(server)
  harness = postgresHarness({ name: "postgres, pgbouncer", server, pooler, schema: "laws", killEvery: 20 })
})
afterAll(async () => {
  await Effect.runPromise(harness.close)
  await pooler.close()
  await server.close()
})

/** Those that a connection which is another one from transaction to transaction could break. */
const laws: ReadonlyArray<LawName> = [
  "atLeastOnce",
  "singleClaimer",
  "staleTokenRefused",
  "groupFifo",
  "keyDeduplicates",
  "numberedCallsRepeat",
  "renewNeverRevives",
  "cancelIsTerminal",
  "durabilityNamed",
  "recoveryIsLegalPrefix",
  "noLostWakeUp",
  "concurrentHistoriesExplained",
  "noFalseEmpty",
  "nothingLostInADrain"
]

describe("postgres log through PgBouncer, which gives connections to one transaction at a time", () => {
  test.for(laws)("%s", { timeout: 300_000 }, async (name) => {
    const report = await Effect.runPromise(
      checkLog(harness, { seed: seed(), runs: runs(3), strict: true, only: [name] })
    )
    expect(report.laws[0]?.outcome, formatReport(report)).toBe("passed")
  })
})
