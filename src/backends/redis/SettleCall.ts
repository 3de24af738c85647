/**
 * Settling as words of a call, and what the answer says of each grant.
 *
 * @since 0.1.0
 */
import { followUpProblem, storedCause } from "../../log/JobLog.ts"
import type { EnqueueItem, FailureCause, SettleItem, SettleResult } from "../../log/JobLog.ts"
import type { Reply } from "./ConnectionCall.ts"
import { enqueueResults, enqueueWords } from "./EnqueueCall.ts"
import { fromReceipt } from "./Grants.ts"
import { toShort } from "./JobId.ts"
import { capabilities } from "./RedisCapabilities.ts"
import { integer, list, stateOf, text } from "./Replies.ts"

const followUpsOf = ({ settlement }: SettleItem): ReadonlyArray<EnqueueItem> | undefined =>
  settlement._tag === "Complete" ? settlement.enqueue : undefined

const causeOf = (cause: FailureCause | undefined): string =>
  cause === undefined ? "" : JSON.stringify(storedCause(cause))

/** What is wrong with the follow-up jobs of a completion, if anything. */
const problemOf = (item: SettleItem): string | undefined => {
  const followUps = followUpsOf(item)
  return followUps === undefined ? undefined : followUpProblem(capabilities, followUps)?.message
}

/** What is to become of a job, but for plain completions. */
const wordsOf = (item: SettleItem): ReadonlyArray<string> => {
  const { settlement } = item
  switch (settlement._tag) {
    case "Complete": {
      const { enqueue, result } = settlement
      if (enqueue === undefined) return result === undefined ? ["n"] : ["c", result]
      if (problemOf(item) !== undefined) return ["v"]
      const { jobs, queues } = enqueueWords(enqueue)
      return [
        "e",
        result === undefined ? "0" : "1",
        result ?? "",
        String(queues.length),
        ...queues,
        String(enqueue.length),
        ...jobs
      ]
    }
    case "Retry":
      return ["r", String(settlement.delay), causeOf(settlement.cause)]
    case "Release":
      return ["l", String(settlement.delay ?? 0), causeOf(settlement.cause)]
    case "DeadLetter":
      return ["d", causeOf(settlement.cause)]
  }
}

/** Which jobs of a part of a frame are completed. */
interface Part {
  readonly place: string
  readonly base: bigint
  /** By offset from the part's first token: the place of the settlement among the items, plus 1. */
  readonly items: Array<number>
}

const completions = (
  parts: ReadonlyMap<string, Part>
): { readonly words: Array<string>; readonly order: Array<number> } => {
  const words: Array<string> = [String(parts.size)]
  const order: Array<number> = []
  for (const { base, items, place } of parts.values()) {
    let mask = ""
    for (let i = 0; i < items.length; i++) {
      const item = items[i] ?? 0
      mask += item === 0 ? "0" : "1"
      if (item > 0) order.push(item - 1)
    }
    words.push(String(base), place, mask)
  }
  return { words, order }
}

/**
 * A settlement as words: first the plain completions of each part of a frame, then the others. `order` has the place of
 * each among the items.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const settleWords = (
  items: ReadonlyArray<SettleItem>
): { readonly words: ReadonlyArray<string>; readonly order: ReadonlyArray<number> } => {
  const parts = new Map<string, Part>()
  const others: Array<string> = []
  const last: Array<number> = []
  // of a grant that is settled twice the first settlement counts, so these stay in their order
  const unordered = new Set(items.map(({ token }) => token)).size === items.length
  for (const [i, item] of items.entries()) {
    const { settlement } = item
    const receipt = fromReceipt(item.receipt, item.id)
    const part = receipt?.part
    // with the token of another grant it is not held, wherever that other job is
    const fits = part !== undefined && item.token === part.base + BigInt(part.offset)
    const plain = settlement._tag === "Complete" && settlement.result === undefined && settlement.enqueue === undefined
    if (plain && unordered && fits) {
      const name = `${part.base}:${part.place}`
      let known = parts.get(name)
      if (known === undefined) {
        known = { ...part, items: [] }
        parts.set(name, known)
      }
      known.items[part.offset] = i + 1
    } else {
      // no job has the sequence 0, so a receipt that is not of this job is of none
      const sequence = receipt?.sequence ?? 0
      others.push(
        String(item.token),
        fits ? String(part.base) : "",
        String(sequence),
        toShort(item.id),
        ...wordsOf(item)
      )
      last.push(i)
    }
  }
  const { order, words } = completions(parts)
  // one by one, as a spread of thousands is slow
  for (const word of others) words.push(word)
  for (const place of last) order.push(place)
  return { words, order }
}

const refusedFor = (item: SettleItem, how: string): SettleResult | undefined => {
  switch (how) {
    case "stale":
    case "cancelled":
    case "completed":
      return { _tag: "Refused", reason: how }
    case "invalid":
      return { _tag: "Refused", reason: "invalidFollowUp", detail: problemOf(item) }
    default:
      return undefined
  }
}

const answer = (item: SettleItem, how: string, followUps: Reply | undefined): SettleResult => {
  const refusal = refusedFor(item, how)
  if (refusal !== undefined) return refusal
  if (how !== "enqueued") return { _tag: "Settled", state: stateOf(how) }
  return {
    _tag: "Settled",
    state: "Completed",
    enqueued: enqueueResults(followUpsOf(item) ?? [], followUps)
  }
}

/**
 * The answers to all items; those without an exception were completed.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const settleResults = (
  items: ReadonlyArray<SettleItem>,
  order: ReadonlyArray<number>,
  exceptions: Reply | undefined
): ReadonlyArray<SettleResult> => {
  const results: Array<SettleResult> = items.map(() => ({ _tag: "Settled", state: "Completed" }))
  for (const [number, how, followUps] of list(exceptions).map(list)) {
    const at = order[integer(number) - 1]
    const item = at === undefined ? undefined : items[at]
    if (at === undefined || item === undefined) throw new Error(`leasehold: settle answered an item ${String(number)}`)
    results[at] = answer(item, text(how), followUps)
  }
  return results
}
