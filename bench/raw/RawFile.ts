/** The raw append limit: what this disk and Node can do without a scheduler. Writes and syncs go through the thread pool. */
import { fstatSync } from "node:fs"
import { join } from "node:path"
import { Bench } from "tinybench"
import { expectEqual, type Lap, laps, type Measurement, type Order, stopwatch } from "../Measurement.ts"
import { makePayload, type Payload, sumBelow } from "../Payload.ts"
import { percentiles } from "../Statistics.ts"
import { callLatencies, concurrently, idlePause, idleSample, nextTurn } from "../Loops.ts"
import { appendDurably, closeFile, decodeFrame, encodeFrame, frameBytes, openFile, readFile } from "./Frames.ts"

const batchJobs = 500
const readBytes = 1024 * 1024
const ackBytes = 16

const jobsFile = (directory: string): string => join(directory, "jobs")

const fill = async (directory: string, jobs: number): Promise<void> => {
  const fd = await openFile(jobsFile(directory), "a")
  const buffer = Buffer.alloc(1_000 * frameBytes)
  for (let at = 0; at < jobs; at += 1_000) {
    const count = Math.min(1_000, jobs - at)
    for (let index = 0; index < count; index++) {
      encodeFrame(buffer, index * frameBytes, at + index, makePayload(at + index))
    }
    await appendDurably(fd, buffer, count * frameBytes)
  }
  await closeFile(fd)
}

/** Reads on, 1 MiB at a time, and hands over each job; syncs acknowledgements for every 500. */
const drainFile = async (directory: string, jobs: number, until: number, handler: (payload: Payload) => void) => {
  const fd = await openFile(jobsFile(directory), "r")
  const ackFd = await openFile(join(directory, "acks"), "a")
  const buffer = Buffer.alloc(readBytes)
  const acks = Buffer.alloc(batchJobs * ackBytes)
  const lap = laps(jobs, until)
  let handled = 0
  let pending = 0
  let position = 0
  while (handled < until) {
    const { bytesRead } = await readFile(fd, buffer, 0, readBytes, position)
    const frames = Math.floor(bytesRead / frameBytes)
    if (frames === 0) throw new Error("the file ended early")
    position += frames * frameBytes
    for (let index = 0; index < frames && handled < until; index++) {
      handler(decodeFrame(buffer, index * frameBytes))
      acks.writeDoubleLE(handled, pending * ackBytes)
      acks.writeUInt32LE(1, pending * ackBytes + 8)
      handled++
      pending++
      if (pending === batchJobs || handled === until) {
        await appendDurably(ackFd, acks, pending * ackBytes)
        pending = 0
        lap.reach(handled)
      }
    }
  }
  expectEqual("acknowledged bytes", fstatSync(ackFd).size, until * ackBytes)
  await closeFile(fd)
  await closeFile(ackFd)
  return lap.read()
}

const drain = async (order: Order): Promise<Measurement> => {
  let sum = 0
  const handler = (payload: Payload): void => {
    sum += payload.n
  }
  if (order.warmup > 0) {
    await fill(order.scratch, order.warmup)
    await drainFile(order.scratch, order.warmup, order.warmup, handler)
  }
  let millis = 0
  let cpuMicros = 0
  let steady: Lap | undefined
  const each = Math.min(order.jobs, order.backlog)
  const until = Math.max(each, order.until)
  for (const directory of order.directories) {
    sum = 0
    const measured = await drainFile(directory, each, until, handler)
    expectEqual("sum of handled jobs", sum, sumBelow(until))
    millis += measured.millis
    cpuMicros += measured.cpuMicros
    steady = measured.steady
  }
  return { jobs: each * order.directories.length, millis, cpuMicros, latency: undefined, steady }
}

const bulk = async (order: Order): Promise<Measurement> => {
  const fd = await openFile(jobsFile(order.directories[0]!), "a")
  const buffer = Buffer.alloc(order.batch * frameBytes)
  let sequence = 0
  const measured = await callLatencies(order, async () => {
    for (let index = 0; index < order.batch; index++) {
      encodeFrame(buffer, index * frameBytes, sequence, makePayload(sequence))
      sequence++
    }
    await appendDurably(fd, buffer, order.batch * frameBytes)
  })
  expectEqual("written bytes", fstatSync(fd).size, sequence * frameBytes)
  await closeFile(fd)
  return measured
}

/** Whatever waits while a sync is under way shares the next one. */
const groupCommit = (fd: number) => {
  let sequence = 0
  let buffer = Buffer.alloc(1_024 * frameBytes)
  let spare = Buffer.alloc(1_024 * frameBytes)
  let waiting: Array<{ readonly resolve: () => void; readonly reject: (error: unknown) => void }> = []
  let flushing = false
  const flush = async (): Promise<void> => {
    flushing = true
    // lets the callers woken by the last sync join this one
    await nextTurn()
    while (waiting.length > 0) {
      const group = waiting
      const bytes = buffer
      waiting = []
      buffer = spare
      spare = bytes
      try {
        await appendDurably(fd, bytes, group.length * frameBytes)
        for (const caller of group) caller.resolve()
      } catch (error) {
        for (const caller of group) caller.reject(error)
      }
      await nextTurn()
    }
    flushing = false
  }
  return {
    append: (payload: Payload): Promise<void> =>
      new Promise((resolve, reject) => {
        encodeFrame(buffer, waiting.length * frameBytes, sequence++, payload)
        waiting.push({ resolve, reject })
        if (!flushing) void flush()
      }),
    appended: () => sequence
  }
}

const single = async (order: Order): Promise<Measurement> => {
  const fd = await openFile(jobsFile(order.directories[0]!), "a")
  const log = groupCommit(fd)
  await concurrently(order.warmup, order.workers, (n) => log.append(makePayload(n)))
  const measured = await concurrently(order.jobs, order.workers, (n) => log.append(makePayload(n)))
  expectEqual("written bytes", fstatSync(fd).size, (order.warmup + order.jobs) * frameBytes)
  await closeFile(fd)
  return measured
}

const idle = async (order: Order): Promise<Measurement> => {
  const fd = await openFile(jobsFile(order.directories[0]!), "a+")
  const buffer = Buffer.alloc(frameBytes)
  let sequence = 0
  const bench = new Bench({
    iterations: order.jobs,
    time: 0,
    warmupIterations: order.warmup,
    warmupTime: 0,
    retainSamples: true
  })
  bench.add(
    "append to handler",
    async () => {
      const start = performance.now()
      encodeFrame(buffer, 0, sequence, makePayload(sequence))
      await appendDurably(fd, buffer, frameBytes)
      await readFile(fd, buffer, 0, frameBytes, sequence * frameBytes)
      const payload = decodeFrame(buffer, 0)
      const overriddenDuration = performance.now() - start
      expectEqual("handled job", payload.n, sequence)
      sequence++
      return { overriddenDuration }
    },
    { async: true, beforeEach: idlePause }
  )
  const measured = await idleSample(bench)
  await closeFile(fd)
  return measured
}

/** Reads everything once, as an opening log must. */
const recover = async (order: Order): Promise<Measurement> => {
  const stop = stopwatch()
  const fd = await openFile(jobsFile(order.directories[0]!), "r")
  const buffer = Buffer.alloc(readBytes)
  let position = 0
  let jobs = 0
  let sum = 0
  for (;;) {
    const { bytesRead } = await readFile(fd, buffer, 0, readBytes, position)
    const frames = Math.floor(bytesRead / frameBytes)
    if (frames === 0) break
    position += frames * frameBytes
    for (let index = 0; index < frames; index++) sum += buffer.readUInt32LE(index * frameBytes + 4)
    jobs += frames
  }
  const measured = stop()
  await closeFile(fd)
  expectEqual("sum of read jobs", sum, sumBelow(order.backlog))
  return { jobs, ...measured, latency: undefined }
}

export const run = async (order: Order): Promise<Measurement> => {
  switch (order.task) {
    case "fill": {
      const stop = stopwatch()
      await fill(order.directories[0]!, order.jobs)
      return { jobs: order.jobs, ...stop(), latency: percentiles([]) }
    }
    case "drain":
      return drain(order)
    case "bulk":
      return bulk(order)
    case "single":
      return single(order)
    case "idle":
      return idle(order)
    case "recover":
      return recover(order)
  }
}
