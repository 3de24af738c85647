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
 * What the function is told, and which item it gives which number: the places among those of the request, unless they are
 * the same.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SettleCall {
  readonly parameters: ReadonlyArray<unknown>
  readonly order: ReadonlyArray<number> | undefined
}

const resultOf = ({ settlement }: SettleItem): string | null =>
  settlement._tag === "Complete" && settlement.result !== undefined ? toText(settlement.result) : null

/**
 * Completions as runs of jobs with consecutive numbers and tokens, as claims grant them: the server looks for each run
 * once. Nothing if that cannot be.
 */
const asRuns = (items: ReadonlyArray<SettleItem>): SettleCall | undefined => {
  const known: Array<{ readonly item: SettleItem; readonly sequence: number; readonly at: number }> = []
  let last = 0
  let ordered = true
  for (const [at, item] of items.entries()) {
    const sequence = isPlain(item) ? fromReceipt(item.receipt, item.id) : undefined
    if (sequence === undefined) return undefined
    ordered &&= last < sequence
    last = sequence
    known.push({ item, sequence, at })
  }
  if (known.length === 0) return undefined
  if (!ordered) known.sort((a, b) => a.sequence - b.sequence)
  const lows: Array<number> = []
  const highs: Array<number> = []
  const firsts: Array<bigint> = []
  const places: Array<number> = []
  let previous = 0
  let next = 0n
  let anyResult = false
  for (const [place, { item, sequence }] of known.entries()) {
    // one job twice is told one by one
    if (sequence === previous) return undefined
    const token = toToken(item.token)
    if (sequence === previous + 1 && token === next && token !== 0n) highs[highs.length - 1] = sequence
    else {
      lows.push(sequence)
      highs.push(sequence)
      firsts.push(token)
      places.push(place)
    }
    anyResult ||= resultOf(item) !== null
    previous = sequence
    next = token + 1n
  }
  const results = texts(anyResult ? known.map(({ item }) => resultOf(item)) : null)
  return {
    parameters: [...noItems, results, null, numbers(lows), numbers(highs), bigints(firsts), numbers(places)],
    order: ordered ? undefined : known.map(({ at }) => at)
  }
}

const none = bigints(null)
const noItems = [none, uuids(null), none, smallints(null), none, texts(null), texts(null), texts(null)]
const noRuns = [none, none, none, none]

/**
 * The parameters of the function `settle` after the session and the call.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const settleCall = (items: ReadonlyArray<SettleItem>): SettleCall =>
  asRuns(items) ?? { parameters: [...oneByOne(items), ...noRuns], order: undefined }

const oneByOne = (items: ReadonlyArray<SettleItem>): ReadonlyArray<unknown> => {
  const plain = items.every(isPlain)
  const results = items.map(resultOf)
  const sequences = items.map(({ id, receipt }) => fromReceipt(receipt, id) ?? null)
  const common = [
    numbers(sequences),
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
  { order }: SettleCall,
  exceptions: ReadonlyArray<Exception>
): ReadonlyArray<SettleResult> => {
  const results: Array<SettleResult> = items.map(() => ({ _tag: "Settled", state: "Completed" }))
  for (const [number, code, text] of exceptions) {
    const at = order === undefined ? number - 1 : (order[number - 1] ?? -1)
    const item = items[at]
    if (item === undefined) throw new Error(`leasehold: settle answered an item ${number}`)
    results[at] = answer(item, code, text)
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
