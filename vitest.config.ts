import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/faults/install.ts"],
    // No test may lean on another: each run draws a new order and prints its seed.
    sequence: { shuffle: { files: true, tests: true } },
    // Much of the time is spent waiting for processes and disks: no processor is kept free for the runner.
    maxWorkers: "100%",
    testTimeout: 20_000,
    hookTimeout: 60_000
  }
})
