/**
 * The call of `settle`.
 *
 * @since 0.1.0
 */

import type { SettleItem, SettleResult } from "../../log/JobLog.ts"
import * as Validate from "../../log/Validate.ts"
import { followUpResults } from "./EnqueueCall.ts"
import { bigints, numbers, smallints, texts, uuids } from "./Parameters.ts"
import { columns } from "./Request.ts"
import { fromReceipt, stateOf } from "./Rows.ts"
import { toText } from "./Text.ts"

const kinds = { Complete: 0, Retry: 1, Release: 2, DeadLetter: 3 } as const

/** A completion whose follow-up jobs are invalid. */
const invalid = 5

/** Tokens that the log cannot have issued are those of no grant. */
const toToken = (token: bigint): bigint => (token > 0n && token < 2n ** 62n ? token : 0n)

const followUpsOf = ({ settlement }: SettleItem) =>
  settlement._tag === "Complete" && settlement.enqueue !== undefined ? settlement.enqueue : undefined

const problemOf = (item: SettleItem): string | undefined => {
  const followUps = followUpsOf(item)
  return followUps === undefined ? undefined : Validate.followUps(followUps)?.message
}

const causeOf = ({ settlement }: SettleItem) =>
  "cause" in settlement && settlement.cause !== undefined ? Validate.storedCause(settlement.cause) : undefined

const isPlain = ({ settlement }: SettleItem): boolean =>
  settlement._tag === "Complete" && settlement.enqueue === undefined

/** Follow-up jobs by the number of their item. */
const followUpColumns = (items: ReadonlyArray<SettleItem>): string | null => {
  const all: Record<string, unknown> = {}
  for (const [i, item] of items.entries()) {
    const followUps = followUpsOf(item)
    if (followUps === undefined || problemOf(item) !== undefined) continue
    all[i + 1] = columns(followUps)
  }
  return Object.keys(all).length === 0 ? null : JSON.stringify(all)
}

/**
 * The parameters of the function `settle` after the session and the call.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const settleParameters = (items: ReadonlyArray<SettleItem>): ReadonlyArray<unknown> => {
  const plain = items.every(isPlain)
  const results = items.map(({ settlement }) =>
    settlement._tag === "Complete" && settlement.result !== undefined ? toText(settlement.result) : null
  )
  const sequences = items.map(({ id, receipt }) => fromReceipt(receipt, id) ?? null)
  const common = [
    bigints(sequences),
    // only a job whose receipt is not its own has to be looked for
    uuids(sequences.includes(null) ? items.map(({ id }) => id) : null),
    bigints(items.map(({ token }) => toToken(token)))
  ]
  const given = texts(results.some((result) => result !== null) ? results : null)
  if (plain) return [...common, smallints(null), bigints(null), texts(null), texts(null), texts(null), given, null]
  const causes = items.map(causeOf)
  return [
    ...common,
    smallints(items.map((item) => (problemOf(item) === undefined ? kinds[item.settlement._tag] : invalid))),
    numbers(items.map(({ settlement }) => ("delay" in settlement ? settlement.delay : undefined))),
    texts(causes.map((cause) => cause?.kind ?? null)),
    texts(causes.map((cause) => (cause?.tag === undefined ? null : toText(cause.tag)))),
    texts(causes.map((cause) => (cause === undefined ? null : toText(cause.message)))),
    given,
    followUpColumns(items)
  ]
}

const answer = (item: SettleItem, code: number, text: string | null): SettleResult => {
  switch (code) {
    case 20:
      return { _tag: "Refused", reason: "stale" }
    case 21:
      return { _tag: "Refused", reason: "cancelled" }
    case 22:
      return { _tag: "Refused", reason: "completed" }
    case 23:
      return { _tag: "Refused", reason: "invalidFollowUp", detail: problemOf(item) }
    default: {
      const followUps = followUpsOf(item)
      return {
        _tag: "Settled",
        state: stateOf(code - 10),
        ...(followUps === undefined || text === null ? undefined : { enqueued: followUpResults(followUps, text) })
      }
    }
  }
}

/**
 * An exceptional answer: the number of the item, its code, and what its follow-up jobs were answered.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Exception = readonly [item: number, code: number, text: string | null]

/**
 * The answers to all items; those without an exception were completed.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const settleResults = (
  items: ReadonlyArray<SettleItem>,
  exceptions: ReadonlyArray<Exception>
): ReadonlyArray<SettleResult> => {
  const results: Array<SettleResult> = items.map(() => ({ _tag: "Settled", state: "Completed" }))
  for (const [number, code, text] of exceptions) {
    const item = items[number - 1]
    if (item === undefined) throw new Error(`leasehold: settle answered an item ${number}`)
    results[number - 1] = answer(item, code, text)
  }
  return results
}

/**
 * The exceptions that were remembered of an earlier call.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const remembered = (text: string | null): ReadonlyArray<Exception> =>
  text === null
    ? []
    : // written by `settle`
      Object.entries(JSON.parse(text) as Record<string, readonly [number, string | null]>).map(
        ([item, [code, followUps]]) => [Number(item), code, followUps]
      )
