/**
 * The whole of version 1 as statements for one schema.
 *
 * @since 0.1.0
 */
import { claimFunctions } from "./Claim.ts"
import { mergedClaimFunctions } from "./ClaimMerged.ts"
import { completeFunctions } from "./Complete.ts"
import { controlFunctions } from "./Control.ts"
import { enqueueFunctions } from "./Enqueue.ts"
import { enqueueJobFunction } from "./EnqueueJob.ts"
import { enqueuePlainFunctions } from "./EnqueuePlain.ts"
import { jobFunctions } from "./Jobs.ts"
import { quietCalls } from "./QuietCalls.ts"
import { readFunctions } from "./Read.ts"
import { retentionFunctions } from "./Retention.ts"
import { sessionFunctions } from "./Sessions.ts"
import { settleFunctions } from "./Settle.ts"
import { sweepFunctions } from "./Sweep.ts"
import { tables } from "./Tables.ts"
import { views } from "./Views.ts"

/**
 * The settings under which functions plan: the tables are nearly empty whenever they are analysed, so that a plan made
 * by their statistics would read all of a backlog, and the remains of all jobs done under a pinned horizon.
 */
const settings = (schema: string): string =>
  [
    `SET search_path = ${schema}, pg_temp`,
    "SET enable_seqscan = off",
    "SET enable_bitmapscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    // a disabled kind of scan counts as immensely dear, which alone would have every statement compiled
    "SET jit = off",
    "SET plan_cache_mode = force_generic_plan"
  ].join(" ")

/** Those of functions that read all there is: joins in one pass, whatever the statistics say. */
const reporting = (schema: string): string =>
  [
    `SET search_path = ${schema}, pg_temp`,
    "SET enable_nestloop = off",
    "SET jit = off",
    "SET plan_cache_mode = force_custom_plan"
  ].join(" ")

/** Those of a function that only looks up and inserts: each setting costs every call a microsecond or two. */
const brief = (schema: string): string => `SET search_path = ${schema}, pg_temp SET enable_seqscan = off`

/**
 * The statements, for a schema given as a quoted identifier that is first in the search path.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const version1 = (schema: string): string =>
  [
    tables,
    jobFunctions,
    retentionFunctions,
    enqueueFunctions,
    enqueuePlainFunctions,
    quietCalls,
    sessionFunctions,
    sweepFunctions,
    claimFunctions,
    mergedClaimFunctions,
    settleFunctions,
    completeFunctions,
    controlFunctions,
    readFunctions,
    views,
    enqueueJobFunction
  ]
    .join("\n")
    .replaceAll(":settings", settings(schema))
    .replaceAll(":brief", brief(schema))
    .replaceAll(":reporting", reporting(schema))
