/** What the types of the port promise to those who call it and to those who implement it. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import {
  type ClaimRequest,
  type ClaimResult,
  type EnqueueItem,
  type EnqueueResult,
  type Grant,
  JobLog,
  type JobLogOperations,
  type Session,
  type SettleItem,
  type Settlement,
  type SettleResult
} from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import { same } from "./Same.ts"

// Every operation fails with the one typed error and needs nothing from its surroundings.
same<ReturnType<JobLogOperations["open"]>, Effect.Effect<Session, LogError>>(true)
same<ReturnType<JobLogOperations["enqueue"]>, Effect.Effect<ReadonlyArray<EnqueueResult>, LogError>>(true)
same<ReturnType<JobLogOperations["claim"]>, Effect.Effect<ClaimResult, LogError>>(true)
same<ReturnType<JobLogOperations["settle"]>, Effect.Effect<ReadonlyArray<SettleResult>, LogError>>(true)
same<ReturnType<JobLogOperations["close"]>, Effect.Effect<void, LogError>>(true)

// The service arrives as a layer, so a program that uses it says so.
const program = Effect.gen(function* () {
  const service = yield* JobLog
  return yield* service.enqueue([])
})
same<typeof program, Effect.Effect<ReadonlyArray<EnqueueResult>, LogError, JobLog>>(true)
declare const layer: Layer.Layer<JobLog, LogError>
same<Effect.Services<typeof program>, Layer.Success<typeof layer>>(true)

// A job needs its id, queue, name, version and payload; everything else has a default.
const item = { id: "i", queue: "q", name: "n", version: 1, payload: "{}" }
const items: ReadonlyArray<EnqueueItem> = [item, { ...item, delay: undefined, key: { value: "k", window: 0 } }]
// @ts-expect-error the payload is encoded by whoever enqueues
const encoded: EnqueueItem = { ...item, payload: { cents: 900 } }
// @ts-expect-error a job without an id could not be recognised when the call is repeated
const nameless: EnqueueItem = { queue: "q", name: "n", version: 1, payload: "{}" }
// @ts-expect-error there are two ways to meet a held key
const conflict: EnqueueItem["key"] = { value: "k", window: 0, onConflict: "ignore" }

// Fencing tokens are exact integers, never floating point.
same<Grant["token"], bigint>(true)
// @ts-expect-error a number is no token
const token: SettleItem["token"] = 1

// @ts-expect-error mutating calls of a session are numbered
const claim: ClaimRequest = { session: "s", queue: "q", limit: 1 }

// A retry says when and why; a dead letter says why.
// @ts-expect-error no cause
const retry: Settlement = { _tag: "Retry", delay: 10 }
// @ts-expect-error no cause
const dead: Settlement = { _tag: "DeadLetter" }

// The answers can be told apart by their tag alone.
const describe = (result: EnqueueResult): string => {
  switch (result._tag) {
    case "Inserted":
    case "Replaced":
      return result.id
    case "Duplicate":
      return result.result ?? result.state
    case "Refused":
      return result.reason
  }
}

// Answers are values: nobody edits them.
declare const claimed: ClaimResult
// @ts-expect-error read-only
claimed.grants.push()
// @ts-expect-error read-only
claimed.cursor = ""

export const used = [items, encoded, nameless, conflict, token, claim, retry, dead, describe]
