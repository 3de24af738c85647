/** Leasehold on PostgreSQL. */
import * as Redacted from "effect/Redacted"
import * as PostgresLog from "../../src/backends/postgres/PostgresLog.ts"
import { leasehold } from "../queues/Leasehold.ts"

export const adapter = leasehold((url) => PostgresLog.layerUrl({ url: Redacted.make(url), migrate: true }))
