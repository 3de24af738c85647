/**
 * The call of `enqueue`, and of follow-up jobs within a settlement.
 *
 * @since 0.1.0
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import type { EnqueueItem, EnqueueResult } from "../../log/JobLog.ts"
import { booleans, numbers, smallints, texts, uuids } from "./Parameters.ts"
import { restOf } from "../../log/StoredRequest.ts"
import { attemptsOf, columns, deliveriesOf, isSame } from "./Request.ts"
import type { Row } from "./Rows.ts"
import { stateOf } from "./Rows.ts"
import { fromText, toText } from "./Text.ts"

/**
 * The parameters of the function `enqueue`; `own`: the call is a transaction by itself.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const enqueueParameters = (
  items: ReadonlyArray<EnqueueItem>,
  own: boolean
): ReadonlyArray<PgTypes.Parameter> => {
  const asked = columns(items)
  return [
    uuids(asked.ids),
    texts(asked.queues),
    texts(asked.names),
    numbers(asked.versions),
    texts(asked.payloads),
    smallints(asked.priorities),
    smallints(asked.attempts),
    smallints(asked.deliveries),
    texts(asked.rests),
    numbers(asked.delays),
    numbers(asked.instants),
    numbers(asked.deadlines),
    texts(asked.groups),
    texts(asked.keys),
    numbers(asked.spans),
    booleans(asked.replaces),
    PgTypes.bool(own)
  ]
}

/** How many parameters {@link enqueueParameters} makes. */
const parameterCount = 17

/**
 * The placeholders of {@link enqueueParameters}.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const enqueuePlaceholders = Array.from({ length: parameterCount }, (_, i) => `$${i + 1}`).join(", ")

/** Whether a job is plain, and of the queue and priority of another. */
const isPlainLike = (first: EnqueueItem) => (item: EnqueueItem) =>
  item.queue === first.queue &&
  (item.priority ?? 0) === (first.priority ?? 0) &&
  item.delay === undefined &&
  item.at === undefined &&
  item.deadline === undefined &&
  item.group === undefined &&
  item.key === undefined

/** A column, as one element where all are the same. */
const brief = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> =>
  values.every((value) => value === values[0]) ? values.slice(0, 1) : values

/**
 * The parameters of the function `enqueue_plain`, undefined where these jobs are not for it.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const plainParameters = (items: ReadonlyArray<EnqueueItem>): ReadonlyArray<PgTypes.Parameter> | undefined => {
  const [first] = items
  if (first === undefined || !items.every(isPlainLike(first))) return undefined
  const rests = items.map(restOf)
  return [
    uuids(items.map(({ id }) => id)),
    PgTypes.text(first.queue),
    PgTypes.int2(first.priority ?? 0),
    texts(brief(items.map(({ name }) => name))),
    numbers(brief(items.map(({ version }) => version))),
    texts(items.map(({ payload }) => toText(payload))),
    smallints(brief(items.map(attemptsOf))),
    smallints(brief(items.map(deliveriesOf))),
    texts(rests.every((rest) => rest === null) ? null : rests)
  ]
}

/**
 * The placeholders of {@link plainParameters}.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const plainPlaceholders = "$1, $2, $3, $4, $5, $6, $7, $8, $9"

/** An exceptional answer, as the function gives it. */
interface Exception {
  readonly item: number
  readonly answer: number
  readonly holder: string
  /** Negative where the record is gone. */
  readonly state: number | null
  readonly result: string | null
  readonly known_queue: string | null
  readonly known_name: string | null
  readonly known_version: number | bigint | null
  readonly known_payload: string | null
  readonly known_rest: string | null
}

const toException = (row: Row): Exception => ({
  // in the order and the types of the function's answer
  item: row[0] as number,
  answer: row[1] as number,
  holder: row[2] as string,
  state: row[3] as number | null,
  result: row[4] as string | null,
  known_queue: row[5] as string | null,
  known_name: row[6] as string | null,
  known_version: row[7] as bigint | null,
  known_payload: row[8] as string | null,
  known_rest: row[9] as string | null
})

const duplicate = (found: Exception): EnqueueResult => {
  const state = found.state ?? 0
  if (state < 0) {
    const ended = stateOf(-state)
    return {
      _tag: "Duplicate",
      id: found.holder,
      state: ended,
      ...(ended === "Completed" ? { resultGone: true } : undefined)
    }
  }
  return {
    _tag: "Duplicate",
    id: found.holder,
    state: stateOf(state),
    ...(found.result === null ? undefined : { result: fromText(found.result) })
  }
}

const isKnown = (item: EnqueueItem, found: Exception): boolean =>
  // a job that was removed between the two looks at it was known all the same
  found.known_queue === null ||
  isSame(item, {
    queue: found.known_queue,
    name: found.known_name ?? "",
    version: Number(found.known_version),
    payload: found.known_payload ?? "",
    rest: found.known_rest
  })

const answer = (item: EnqueueItem, found: Exception): EnqueueResult => {
  switch (found.answer) {
    case 1:
      return duplicate(found)
    case 2:
      return { _tag: "Replaced", id: found.holder }
    case 3:
      return isKnown(item, found)
        ? { _tag: "Inserted", id: item.id }
        : { _tag: "Refused", id: item.id, reason: "idConflict" }
    case 4:
      return isKnown(item, found)
        ? { _tag: "Replaced", id: found.holder }
        : { _tag: "Refused", id: item.id, reason: "idConflict" }
    default:
      throw new Error(`leasehold: enqueue answered ${found.answer}`)
  }
}

const withExceptions = (
  items: ReadonlyArray<EnqueueItem>,
  exceptions: ReadonlyArray<Exception>
): ReadonlyArray<EnqueueResult> => {
  const results: Array<EnqueueResult> = items.map(({ id }) => ({ _tag: "Inserted", id }))
  for (const found of exceptions) {
    const item = items[found.item - 1]
    if (item === undefined) throw new Error(`leasehold: enqueue answered an item ${found.item}`)
    results[found.item - 1] = answer(item, found)
  }
  return results
}

/**
 * What the rows of the function `enqueue` say of each item.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const enqueueResults = (
  items: ReadonlyArray<EnqueueItem>,
  rows: ReadonlyArray<Row>
): ReadonlyArray<EnqueueResult> => withExceptions(items, rows.map(toException))

/**
 * The same of follow-up jobs, whose exceptions come as JSON.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const followUpResults = (items: ReadonlyArray<EnqueueItem>, text: string): ReadonlyArray<EnqueueResult> =>
  // written by `enqueue_follow_ups`
  withExceptions(items, JSON.parse(text) as ReadonlyArray<Exception>)
