import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"
import LongestFirst from "./test/tools/LongestFirst.ts"

/**
 * Files that share nothing but modules without a state of their own, so that they may share processes too. The others
 * each have one: they compute for long, start processes, or look at the time and at what is left open.
 */
const together = [
  ...["actors", "backends/file", "backends/memory", "log", "model", "scheduler"].map((name) => `${name}/**/*`),
  ...["ConfiguredLog", "Manual", "Why"].map((name) => `cli/${name}`)
].map((path) => `test/${path}.test.ts`)

export default defineConfig({
  test: {
    globalSetup: ["test/faults/install.ts", "test/tools/compileCache.ts", "test/support/servers/place.ts"],
    // No test may lean on another: each run draws a new order and prints its seed.
    sequence: { shuffle: { files: true, tests: true }, sequencer: LongestFirst },
    // Much of the time is spent waiting for processes and disks: with half as many again no processor idles.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "alone", include: ["test/**/*.test.ts"], exclude: together } },
      { extends: true, test: { name: "together", include: together, isolate: false } }
    ]
  }
})
