/** The limit of the same work on the same server: batched SQL for exactly it, on any driver. */
import { setTimeout } from "node:timers/promises"
import { nextTurn } from "../Loops.ts"
import type { Payload } from "../Payload.ts"
import { countOf, type Hands, type Queue } from "../queues/Adapter.ts"

type Id = string | bigint

export interface Connection {
  /** Runs a prepared statement; rows are arrays. `kind` says what the only element of an array parameter is. */
  readonly run: (statement: Statement, parameter?: Parameter) => Promise<ReadonlyArray<ReadonlyArray<unknown>>>
  readonly close: () => Promise<void>
}

export interface Statement {
  readonly name: string
  readonly text: string
}

export type Parameter =
  | { readonly _tag: "Id"; readonly value: Id }
  | { readonly _tag: "Ids"; readonly values: ReadonlyArray<Id> }
  | { readonly _tag: "Texts"; readonly values: ReadonlyArray<string> }

/** The table is empty or bloated whenever it is analyzed: left to itself the planner reads all of it. */
export const settings: Readonly<Record<string, string>> = {
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off"
}

const tables: ReadonlyArray<Statement> = [
  "CREATE TABLE IF NOT EXISTS jobs (id bigserial PRIMARY KEY, payload text NOT NULL, state int2 NOT NULL)",
  "CREATE INDEX IF NOT EXISTS jobs_ready ON jobs (id) WHERE state = 0"
].map((text, index) => ({ name: `table${index}`, text }))

const insert: Statement = { name: "insert", text: "INSERT INTO jobs (payload, state) SELECT unnest($1::text[]), 0" }

const claim: Statement = {
  name: "claim",
  text: `UPDATE jobs SET state = 1 WHERE id = ANY(ARRAY(
    SELECT id FROM jobs WHERE state = 0 AND id > $1 ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED
  )) RETURNING id, payload`
}

const remove: Statement = { name: "remove", text: "DELETE FROM jobs WHERE id = ANY($1::int8[])" }

const count: Statement = { name: "count", text: "SELECT count(*)::int4 FROM jobs" }

/** Milliseconds between claims when there was nothing. */
const idleMillis = 2
/** While churning a claim begins where claims were so long ago; what committed behind it is looked for this seldom. */
const markMillis = 1_000
const sweepMillis = 5_000

/** Where claims have come to: one for all connections. */
const makeMark = (churning: boolean) => {
  let mark = 0n
  let nextMark = 0n
  let highest = 0n
  let markedAt = performance.now()
  let sweptAt = performance.now()
  return {
    next: (isIdle: boolean): bigint => {
      if (!churning) return 0n
      const now = performance.now()
      if (now - sweptAt > (isIdle ? markMillis : sweepMillis)) {
        sweptAt = now
        return 0n
      }
      if (now - markedAt > markMillis) {
        mark = nextMark
        nextMark = highest
        markedAt = now
      }
      return mark
    },
    claimed: (id: bigint): void => {
      if (id > highest) highest = id
    }
  }
}

const workOn = async (
  connection: Connection,
  mark: ReturnType<typeof makeMark>,
  hands: Hands,
  isOver: () => boolean
) => {
  let isIdle = false
  while (!isOver()) {
    const start = performance.now()
    const rows = await connection.run(claim, { _tag: "Id", value: mark.next(isIdle) })
    isIdle = rows.length === 0
    if (isIdle) {
      await setTimeout(idleMillis)
      continue
    }
    hands.claimed?.(performance.now() - start)
    // the columns are those of the statement
    const ids = rows.map((row) => row[0] as Id)
    for (const id of ids) mark.claimed(BigInt(id))
    // payloads are written by insert only
    for (const row of rows) hands.started(JSON.parse(row[1] as string) as Payload)
    await connection.run(remove, { _tag: "Ids", values: ids })
    hands.done(rows.length)
  }
}

/** Awaited singles share an insert with all that came while two others were on their way. */
const coalesced = (connections: ReadonlyArray<Connection>) => {
  interface Caller {
    readonly text: string
    readonly resolve: () => void
    readonly reject: (error: unknown) => void
  }
  let waiting: Array<Caller> = []
  const free = [...connections]
  const flush = async (connection: Connection): Promise<void> => {
    await nextTurn()
    while (waiting.length > 0) {
      const group = waiting.slice(0, 500)
      waiting = waiting.slice(500)
      try {
        await connection.run(insert, { _tag: "Texts", values: group.map((caller) => caller.text) })
        for (const caller of group) caller.resolve()
      } catch (error) {
        for (const caller of group) caller.reject(error)
      }
      // the callers that were answered call again in this turn
      await nextTurn()
    }
    free.push(connection)
  }
  return (payload: Payload): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ text: JSON.stringify(payload), resolve, reject })
      const connection = free.pop()
      if (connection !== undefined) void flush(connection)
    })
}

/** Two connections that enqueue and two that work. */
export const openQueue = async (connect: () => Promise<Connection>): Promise<Queue> => {
  const connections = await Promise.all([connect(), connect(), connect(), connect()])
  const [first, second, ...workers] = connections
  for (const statement of tables) await first.run(statement)
  const enqueue = coalesced([first, second])
  let turn = 0
  return {
    enqueue,
    enqueueAll: (payloads) =>
      (turn++ % 2 === 0 ? first : second).run(insert, {
        _tag: "Texts",
        values: payloads.map((payload) => JSON.stringify(payload))
      }),
    work: async (hands, { churning }) => {
      let isOver = false
      const mark = makeMark(churning)
      const loops = Promise.all(workers.map((connection) => workOn(connection, mark, hands, () => isOver)))
      // whoever stops the worker hears of it
      loops.catch(() => {})
      return async () => {
        isOver = true
        await loops
      }
    },
    unfinished: async () => countOf((await first.run(count))[0]?.[0]),
    close: async () => {
      for (const connection of connections) await connection.close()
    }
  }
}
