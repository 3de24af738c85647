/**
 * Leasehold: a durable job scheduler that lives inside an Effect service.
 *
 * @since 0.1.0
 */
export * as Job from "./scheduler/Job.ts"
export * as JobLog from "./log/JobLog.ts"
export * as JobQueue from "./scheduler/JobQueue.ts"
export * as JobScheduler from "./scheduler/JobScheduler.ts"
export * as LogError from "./log/LogError.ts"
export * as MemoryLog from "./backends/memory/MemoryLog.ts"
