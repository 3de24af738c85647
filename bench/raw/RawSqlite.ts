/** The same work on SQLite through `node:sqlite`: WAL, synchronous=FULL, batches of 500, one connection. */
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Bench } from "tinybench"
import { callLatencies, concurrently, idlePause, idleSample, nextTurn } from "../Loops.ts"
import { expectEqual, type Lap, laps, type Measurement, type Order, stopwatch } from "../Measurement.ts"
import { makePayload, type Payload, sumBelow } from "../Payload.ts"
import { percentiles } from "../Statistics.ts"

const batchJobs = 500

const openDatabase = (directory: string) => {
  const database = new DatabaseSync(join(directory, "jobs.sqlite"))
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, payload TEXT NOT NULL);
  `)
  const insert = database.prepare("INSERT INTO jobs (state, payload) VALUES (0, ?)")
  // done jobs are deleted, so the first rows by id are the first ready ones: an index on the state would only cost
  const claim = database.prepare(
    `UPDATE jobs SET state = 1
     WHERE id IN (SELECT id FROM jobs WHERE state = 0 ORDER BY id LIMIT ?) RETURNING id, payload`
  )
  const remove = database.prepare("DELETE FROM jobs WHERE id BETWEEN ? AND ? AND state = 1")
  const begin = database.prepare("BEGIN IMMEDIATE")
  const commit = database.prepare("COMMIT")
  const transaction = <A>(act: () => A): A => {
    begin.run()
    const answer = act()
    commit.run()
    return answer
  }
  return {
    insertAll: (payloads: ReadonlyArray<Payload>): void =>
      transaction(() => {
        for (const payload of payloads) insert.run(JSON.stringify(payload))
      }),
    /** Deletes what was claimed before and claims the next jobs, in one transaction. */
    acknowledgeAndClaim: (done: ReadonlyArray<number>, limit: number) =>
      transaction(() => {
        if (done.length > 0) remove.run(done[0]!, done.at(-1)!)
        // the columns are those of the statement
        return limit === 0 ? [] : (claim.all(limit) as unknown as ReadonlyArray<{ id: number; payload: string }>)
      }),
    count: (): number => {
      const row = database.prepare("SELECT count(*) AS count FROM jobs").get()
      return Number(row?.["count"])
    },
    close: (): void => database.close()
  }
}

const fill = (directory: string, jobs: number): void => {
  const database = openDatabase(directory)
  for (let at = 0; at < jobs; at += batchJobs) {
    const count = Math.min(batchJobs, jobs - at)
    database.insertAll(Array.from({ length: count }, (_, index) => makePayload(at + index)))
  }
  database.close()
}

const drainDatabase = (directory: string, jobs: number, until: number, latencies: Array<number>) => {
  const database = openDatabase(directory)
  const before = database.count()
  let sum = 0
  let handled = 0
  let done: Array<number> = []
  const lap = laps(jobs, until)
  while (handled < until || done.length > 0) {
    const start = performance.now()
    const claimed = database.acknowledgeAndClaim(done, Math.min(batchJobs, until - handled))
    latencies.push(performance.now() - start)
    // what was claimed before is deleted now
    lap.reach(handled)
    // RETURNING promises no order
    done = claimed.map((row) => row.id).toSorted((left, right) => left - right)
    for (const row of claimed) {
      // payloads are written by insertAll only
      sum += (JSON.parse(row.payload) as Payload).n
      handled++
    }
    if (claimed.length === 0 && handled < until) throw new Error("the table was empty early")
  }
  expectEqual("sum of handled jobs", sum, sumBelow(until))
  expectEqual("remaining jobs", database.count(), before - until)
  database.close()
  return lap.read()
}

const drain = (order: Order): Measurement => {
  if (order.warmup > 0) {
    fill(order.scratch, order.warmup)
    drainDatabase(order.scratch, order.warmup, order.warmup, [])
  }
  const latencies: Array<number> = []
  let steady: Lap | undefined
  const each = Math.min(order.jobs, order.backlog)
  const until = Math.max(each, order.until)
  let millis = 0
  let cpuMicros = 0
  for (const directory of order.directories) {
    const measured = drainDatabase(directory, each, until, latencies)
    millis += measured.millis
    cpuMicros += measured.cpuMicros
    steady = measured.steady
  }
  return { jobs: each * order.directories.length, millis, cpuMicros, latency: percentiles(latencies), steady }
}

const bulk = async (order: Order): Promise<Measurement> => {
  const database = openDatabase(order.directories[0]!)
  let sequence = 0
  const measured = await callLatencies(order, async () => {
    database.insertAll(Array.from({ length: order.batch }, () => makePayload(sequence++)))
  })
  expectEqual("stored jobs", database.count(), sequence)
  database.close()
  return measured
}

const single = async (order: Order): Promise<Measurement> => {
  const database = openDatabase(order.directories[0]!)
  let waiting: Array<{
    readonly payload: Payload
    readonly resolve: () => void
    readonly reject: (error: unknown) => void
  }> = []
  const flush = async (): Promise<void> => {
    await nextTurn()
    const group = waiting
    waiting = []
    try {
      database.insertAll(group.map((caller) => caller.payload))
      for (const caller of group) caller.resolve()
    } catch (error) {
      for (const caller of group) caller.reject(error)
    }
  }
  const insert = (n: number): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ payload: makePayload(n), resolve, reject })
      if (waiting.length === 1) void flush()
    })
  await concurrently(order.warmup, order.workers, insert)
  const measured = await concurrently(order.jobs, order.workers, insert)
  expectEqual("stored jobs", database.count(), order.warmup + order.jobs)
  database.close()
  return measured
}

const idle = async (order: Order): Promise<Measurement> => {
  const database = openDatabase(order.directories[0]!)
  let sequence = 0
  const bench = new Bench({
    iterations: order.jobs,
    time: 0,
    warmupIterations: order.warmup,
    warmupTime: 0,
    retainSamples: true
  })
  let done: ReadonlyArray<number> = []
  bench.add(
    "insert to handler",
    async () => {
      const start = performance.now()
      database.insertAll([makePayload(sequence)])
      const [row] = database.acknowledgeAndClaim(done, 1)
      // payloads are written by insertAll only
      const payload = JSON.parse(row!.payload) as Payload
      const overriddenDuration = performance.now() - start
      done = [row!.id]
      expectEqual("handled job", payload.n, sequence)
      sequence++
      return { overriddenDuration }
    },
    { async: true, beforeEach: idlePause }
  )
  const measured = await idleSample(bench)
  database.close()
  return measured
}

export const run = async (order: Order): Promise<Measurement> => {
  const stop = stopwatch()
  switch (order.task) {
    case "fill":
      fill(order.directories[0]!, order.jobs)
      return { jobs: order.jobs, ...stop(), latency: undefined }
    case "drain":
      return drain(order)
    case "bulk":
      return bulk(order)
    case "single":
      return single(order)
    case "idle":
      return idle(order)
    case "recover": {
      const database = openDatabase(order.directories[0]!)
      expectEqual("stored jobs", database.count(), order.backlog)
      database.close()
      return { jobs: order.backlog, ...stop(), latency: undefined }
    }
  }
}
